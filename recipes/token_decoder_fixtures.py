"""Texts that Python's ``tokenizers`` decodes from token ids; writes ``test/fixtures/tokenizers/decoded.json``.

The tokenizers are those of ``test/fixtures/tokenizers`` and pocket-gpt's; some get the decoders of the published ones
of their kind. A few lists of ids are in the fixture with their texts; of thousands of random ones the fixture has the
digest of all texts, and the test draws the same ids with the same generator.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import tokenizers
from tokenizers import Tokenizer

from publish import ROOT, write
from rendering import to_json

FOLDER = ROOT / "test" / "fixtures" / "tokenizers"
MODEL = "pocket-gpt"
MODEL_FILE = ROOT / "models" / MODEL / "1" / "tokenizer.json"
LISTS = 1500
SHOWN = 20
LONGEST = 40
# Ids beyond the vocabulary, which decode to nothing.
UNKNOWN_IDS = 3

LLAMA = [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "ByteFallback"},
    {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0},
]
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
# A name, the tokenizer, and the decoder in place of its own.
VARIANTS = [
    ("byte-level", "bpe-byte-level", None),
    ("pocket-gpt", MODEL, None),
    ("wordpiece", "wordpiece-cased", None),
    (
        "wordpiece without cleanup",
        "wordpiece-uncased",
        {"type": "WordPiece", "prefix": "##", "cleanup": False},
    ),
    ("metaspace", "unigram", METASPACE),
    ("metaspace, nothing prepended", "unigram-charsmap", {**METASPACE, "prepend_scheme": "never"}),
    ("byte fallback", "bpe-byte-fallback", {"type": "Sequence", "decoders": LLAMA}),
    (
        "byte fallback, marks replaced at last",
        "bpe-byte-fallback",
        {
            "type": "Sequence",
            "decoders": [
                {"type": "Sequence", "decoders": [LLAMA[1], LLAMA[2]]},
                {**LLAMA[3], "content": "▁", "start": 2},
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " $& "},
            ],
        },
    ),
    (
        "word suffix",
        "bpe-byte-level",
        {"type": "BPEDecoder", "suffix": "en"},
    ),
    (
        "strip each",
        "unigram",
        {
            "type": "Sequence",
            "decoders": [
                {"type": "Strip", "content": "e", "start": 0, "stop": 1},
                {"type": "Replace", "pattern": {"String": "a"}, "content": "$&"},
            ],
        },
    ),
    ("no decoder", "unigram", None),
]


def draws() -> Iterator[int]:
    """Numbers of 16 bits."""
    state = 1
    while True:
        state = (state * 1_103_515_245 + 12_345) % 2**31
        yield state >> 15


def main() -> None:
    texts = json.loads((FOLDER / "texts.json").read_bytes())
    variants = []
    for name, file, decoder in VARIANTS:
        path = MODEL_FILE if file == MODEL else FOLDER / f"{file}.json"
        described = json.loads(path.read_bytes())
        tokenizer = Tokenizer.from_str(json.dumps({**described, **({"decoder": decoder} if decoder else {})}))
        size = tokenizer.get_vocab_size() + UNKNOWN_IDS
        random = draws()
        lists = [[next(random) % size for _ in range(1 + next(random) % LONGEST)] for _ in range(LISTS)]
        shown = [tokenizer.encode(text).ids for text in texts[:SHOWN]] + lists[:SHOWN]
        digests = {}
        for skip in (True, False):
            digest = hashlib.sha256()
            for ids in lists:
                digest.update(tokenizer.decode(ids, skip_special_tokens=skip).encode() + b"\n")
            digests[skip] = digest.hexdigest()
        variants.append(
            {
                "name": name,
                "tokenizer": file,
                "decoder": decoder,
                "cases": [
                    {
                        "ids": ids,
                        "text": tokenizer.decode(ids),
                        "withSpecialTokens": tokenizer.decode(ids, skip_special_tokens=False),
                    }
                    for ids in shown
                ],
                "vocabulary": size,
                "digest": digests[True],
                "digestWithSpecialTokens": digests[False],
            }
        )
    fixture = {
        "engine": f"tokenizers {tokenizers.__version__} (Python)",
        "lists": LISTS,
        "longest": LONGEST,
        "variants": variants,
    }
    write(FOLDER / "decoded.json", to_json(fixture, width=None))


if __name__ == "__main__":
    main()
