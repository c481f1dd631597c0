"""Why the models of ``models/`` answer what they answer: the section of each card, and test/fixtures/explanations/cards.json.

The values of tables are Shapley values over the background rows of the version: of all coalitions, or of shap's orders where there
are too many. Texts, pictures and recordings have those of ``explained_parts_fixtures.py``. The models run in ONNX Runtime.

Usage: card_explanations.py, after the recipes of the models, whose cards have no such section before.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import shap
import soundfile
import tokenizers

from character_ngrams import featurize

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "models"
FIXTURES = ROOT / "test" / "fixtures" / "explanations"
Array = np.ndarray
Predict = Callable[[Array], Array]

#: Parameters of the request.
TABLES: dict[str, dict[str, Any]] = {
    "iris-logistic": {"space": "probability"},
    "iris-kmeans": {},
    "wine-decision-tree": {},
    "wine-naive-bayes": {"method": "permutation", "space": "probability"},
    "penguins-gradient-boosting": {"method": "exact", "space": "probability"},
    "diabetes-linear": {},
    "diabetes-ridge": {},
    "breast-cancer-gradient-boosting": {"method": "permutation", "space": "probability", "max_runs": 100_000},
    "breast-cancer-mlp": {"method": "permutation", "max_runs": 100_000},
    "breast-cancer-svm": {"method": "permutation", "max_runs": 100_000},
}
MAX_COLUMNS = 13
ORDERS = 400
SENTENCE = "All human beings are born free and equal."
SHOWN = 5
SOUND_WINDOW_MS = 400
TITLE = "## Why this answer"


def main() -> None:
    cards = {name: table(name, parameters) for name, parameters in TABLES.items()}
    cards["language-identification"] = languages()
    cards |= parts()
    cards["sound-events"] = sounds()
    cards["named-entities"] = entities()
    (FIXTURES / "cards.json").write_text(json.dumps({"engine": engine(), "cards": cards}, indent=1) + "\n")
    for name, card in cards.items():
        write_section(name, card)


def engine(card: dict[str, Any] | None = None) -> str:
    """What has computed a card: shap draws the orders of many columns."""
    runtime = f"ONNX Runtime {onnxruntime.__version__}"
    is_drawn = card is None or any(card.get("std_error", []))
    return f"{runtime}, shap {shap.__version__}" if is_drawn else runtime


def manifest_of(name: str) -> dict[str, Any]:
    return json.loads((MODELS / name / "1" / "manifest.json").read_text())


def session(name: str, file: str = "model.onnx") -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(MODELS / name / "1" / file)


def table(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    manifest = manifest_of(name)
    inputs = manifest["example"]["inputs"]
    background = json.loads((MODELS / name / "1" / "background.json").read_text())["inputs"]
    row, *rows = (to_numbers(manifest, each) for each in [inputs, *background])
    score, label = predictor(name, manifest, row)
    game = (score, row, np.array(rows))
    columns = len(row)
    values, errors = all_coalitions(*game) if columns <= MAX_COLUMNS else orders(*game)
    return {
        "inputs": inputs,
        "parameters": parameters,
        "output_names": [label],
        "feature_names": manifest["preprocess"]["columns"],
        "values": rounded(values),
        "std_error": rounded(errors),
        "base_value": rounded(score(np.array(rows)).mean()),
        "output": rounded(score(row[None])[0]),
    }


def to_numbers(manifest: dict[str, Any], row: Any) -> Array:
    block = manifest["preprocess"]
    cells = [row[name] for name in block["columns"]] if isinstance(row, dict) else row
    categories = [block.get("categories", {}).get(name) for name in block["columns"]]
    return np.array([number(*each) for each in zip(categories, cells, strict=True)], np.float32)


def number(categories: list[str] | None, cell: Any) -> float:
    if cell is None:
        return math.nan
    return categories.index(cell) if categories else float(cell)


def predictor(name: str, manifest: dict[str, Any], row: Array) -> tuple[Predict, str]:
    """The score that is explained: of the predicted label, or the only one."""
    model = session(name)
    [source] = model.get_inputs()
    block = manifest["postprocess"]
    output = block.get("scores") or block.get("output") or block["distances"]

    def scores(rows: Array) -> Array:
        [found] = model.run([output], {source.name: rows.astype(np.float32)})
        found = found.reshape(len(rows), -1).astype(np.float64)
        if block["type"] == "classification" and found.shape[1] == 1:
            return np.hstack([1 - found, found])
        return found

    if block["type"] == "regression":
        return (lambda rows: scores(rows)[:, 0]), output
    best = scores(row[None])[0]
    at = int(best.argmin() if block["type"] == "clustering" else best.argmax())
    labels = manifest.get("labels") or [str(index) for index in range(len(best))]
    return (lambda rows: scores(rows)[:, at]), labels[at]


def all_coalitions(score: Predict, row: Array, rows: Array) -> tuple[Array, Array]:
    columns = len(row)
    known = np.array(list(itertools.product([False, True], repeat=columns)))
    worth = np.array([score(np.where(each, row, rows)).mean() for each in known])
    sizes = known.sum(axis=1)
    weights = np.array([1 / (columns * math.comb(columns - 1, size)) for size in range(columns)])
    values = np.zeros(columns)
    for column in range(columns):
        without = ~known[:, column]
        # The coalition with the column as well is that many places on.
        places = np.flatnonzero(without)
        gains = worth[places + 2 ** (columns - 1 - column)] - worth[places]
        values[column] = (weights[sizes[places]] * gains).sum()
    return values, np.zeros(columns)


def orders(score: Predict, row: Array, rows: Array) -> tuple[Array, Array]:
    """The mean of shap's orders of the columns, each there and back, and its standard error."""
    masker = shap.maskers.Independent(rows, max_samples=len(rows))
    found = []
    for seed in range(ORDERS // 10):
        explainer = shap.PermutationExplainer(score, masker, seed=seed)
        found.append(explainer(row[None], max_evals=10 * (2 * len(row) + 1), silent=True).values[0])
    draws = np.array(found)
    return draws.mean(axis=0), draws.std(axis=0, ddof=1) / math.sqrt(len(draws))


def languages() -> dict[str, Any]:
    name = "language-identification"
    manifest = manifest_of(name)
    vocabulary = json.loads((MODELS / name / "1" / "vocabulary.json").read_text())
    # They are sorted by their lengths.
    ngrams = [list(group) for _, group in itertools.groupby(vocabulary, key=lambda ngram: len(ngram.encode("utf-16-le")))]
    model = session(name)

    def score(text: str) -> Array:
        frequencies = featurize(text, ngrams).astype(np.float32)
        return model.run(["probabilities"], {"frequencies": frequencies.reshape(1, -1)})[0][0]

    words = SENTENCE.split(" ")
    whole = score(SENTENCE)
    label = int(whole.argmax())
    left = [score(" ".join(words[:at] + words[at + 1 :]))[label] for at in range(len(words))]
    return {
        "inputs": SENTENCE,
        "parameters": {},
        "output_names": [manifest["labels"][label]],
        "feature_names": words,
        "values": rounded(whole[label] - np.array(left)),
        "output": rounded(whole[label]),
    }


def entities() -> dict[str, Any]:
    """What the probability of the surest label of a word piece loses when the pieces of a word are masked."""
    name = "named-entities"
    labels, text = (manifest_of(name)[key] for key in ("labels", "example"))
    text = text["inputs"]
    tokenizer = tokenizers.Tokenizer.from_file(str(MODELS / name / "1" / "tokenizer.json"))
    tokenizer.no_padding()
    encoding = tokenizer.encode(text)
    model = session(name, "model.ort")

    def probabilities(ids: Array) -> Array:
        feed = {"input_ids": ids[None], "attention_mask": np.ones_like(ids)[None]}
        [logits] = model.run(["logits"], feed)
        exponentials = np.exp(logits[0].astype(np.float64))
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    ids = np.array(encoding.ids)
    whole = probabilities(ids)
    named = [at for at, row in enumerate(whole) if row.argmax() > 0 and encoding.word_ids[at] is not None]
    at = max(named, key=lambda place: whole[place].max())
    label = int(whole[at].argmax())
    words = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
    left = []
    for first, last in words:
        inside = [start >= first and end <= last and end > start for start, end in encoding.offsets]
        left.append(probabilities(np.where(inside, tokenizer.token_to_id("[MASK]"), ids))[at, label])
    start, end = encoding.offsets[at]
    return {
        "inputs": text,
        "parameters": {},
        "output_names": [f"{labels[label]}: {text[start:end]}"],
        "feature_names": [text[first:last] for first, last in words],
        "values": rounded(whole[at, label] - np.array(left)),
        "output": rounded(whole[at, label]),
    }


def parts() -> dict[str, dict[str, Any]]:
    found = json.loads((FIXTURES / "parts.json").read_text())
    spam, embeddings = found["spam"]["ham"], found["embeddings"]
    texts = {key: embeddings[key] for key in ("source_sentence", "sentences")}
    return {
        "spam-detection": {
            "inputs": spam["text"],
            "parameters": {"space": "margin"},
            "output_names": [spam["label"]],
            "feature_names": spam["text"].split(" "),
            **spam["margin"],
        },
        "sentence-embeddings": {
            "inputs": texts,
            "parameters": {"removal": "mask"},
            "output_names": [texts["sentences"][1]],
            "feature_names": texts["source_sentence"].split(" "),
            **embeddings["mask"][1],
        },
        "imagenet-classification": of_file(found["imagenet"], "blur", "grid"),
        "face-detection": of_file(found["faces"], "mean", "grid"),
        "digits-cnn": {
            "inputs": found["digits"]["inputs"],
            "parameters": {"method": "occlusion", "fill": "mean"},
            "feature_names": cells(8, 8),
            **found["digits"]["mean"],
        },
        "pocket-gpt": {
            "inputs": found["generation"]["prompt"],
            "parameters": {},
            "feature_names": found["generation"]["prompt"].split(" "),
            **found["generation"]["words"],
        },
        "voice-activity": of_file(found["voices"], "in_time", "window_ms"),
        "whisper-tiny-en": of_file({**found["transcripts"], "file": f"{found['transcripts']['name']}.wav"}, "in_time", "window_ms"),
    }


def sounds() -> dict[str, Any]:
    """What the score of the best label loses when windows of a recording are silenced."""
    from sound_events import CLIP, features_of

    samples, rate = soundfile.read(CLIP, dtype="float64")
    length = round(SOUND_WINDOW_MS * rate / 1000)
    model = session("sound-events")

    def scores(sound: Array) -> Array:
        return model.run(["scores"], {"features": features_of(sound)})[0].astype(np.float64).mean(axis=0)

    whole = scores(samples)
    best = int(whole.argmax())

    def without(window: int) -> float:
        left = samples.copy()
        left[window * length : (window + 1) * length] = 0
        return float(scores(left)[best])

    count = math.ceil(len(samples) / length)
    return {
        "file": CLIP.name,
        "parameters": {"window_ms": SOUND_WINDOW_MS},
        "output_names": [manifest_of("sound-events")["labels"][best]],
        "feature_names": windows(CLIP.name, SOUND_WINDOW_MS / 1000),
        "values": rounded([float(whole[best]) - without(window) for window in range(count)]),
        "output": rounded(float(whole[best])),
        "base_value": rounded(float(scores(samples * 0)[best])),
    }


def of_file(found: dict[str, Any], kind: str, parameter: str) -> dict[str, Any]:
    fill = {"fill": kind} if kind in ("blur", "mean") else {}
    size = found[parameter]
    names = cells(*size) if parameter == "grid" else windows(found["file"], size / 1000)
    return {
        "file": found["file"],
        "parameters": {parameter: size, **fill},
        "feature_names": names,
        **found[kind],
    }


def cells(rows: int, columns: int) -> list[str]:
    return [f"row {row}, column {column}" for row in range(rows) for column in range(columns)]


def windows(file: str, seconds: float) -> list[str]:
    [path] = (FIXTURES.parent).glob(f"*/{file}")
    duration = soundfile.info(path).duration
    starts = np.arange(math.ceil(duration / seconds - 1e-9)) * seconds
    return [f"{start:.2f}-{min(start + seconds, duration):.2f} s" for start in starts]


def rounded(numbers: Any) -> Any:
    if np.ndim(numbers) > 0:
        return [rounded(each) for each in numbers]
    return float(f"{numbers:.9g}")


def write_section(name: str, card: dict[str, Any]) -> None:
    path = MODELS / name / "README.md"
    text = path.read_text()
    text = re.sub(rf"{TITLE}\n.*?(?=\n## |\Z)", "", text, flags=re.S)
    text = re.sub(r"\n{3,}", "\n\n", text)
    at = text.index("\n## Limits")
    path.write_text(f"{text[:at]}\n{section(name, card)}{text[at:]}")


def section(name: str, card: dict[str, Any]) -> str:
    parameters = card["parameters"]
    if "file" in card:
        query = "&".join(f"{key}={json.dumps(value, separators=(',', ':'))}" for key, value in parameters.items())
        folder = {"imagenet-classification": "images", "face-detection": "images", "voice-activity": "audio", "sound-events": "audio", "whisper-tiny-en": "speech"}[name]
        kind = {"webp": "image/webp", "png": "image/png", "wav": "audio/wav"}[card["file"].split(".")[-1]]
        request = f"POST /models/{name}/explain?{query.replace(chr(34), '%22')}\ncontent-type: {kind}\n\ntest/fixtures/{folder}/{card['file']}"
    else:
        body = {"inputs": card["inputs"], **({"parameters": parameters} if parameters else {})}
        request = f"POST /models/{name}/explain\ncontent-type: application/json\n\n{json.dumps(body, ensure_ascii=False)}"
    return f"""{TITLE}

```http
{request}
```

{meaning(card)} ([explanations](../../docs/explanations.md)); computed with {engine(card)}:

{values_table(card)}
"""


def meaning(card: dict[str, Any]) -> str:
    if "std_error" not in card:
        return "What the answer loses without each part"
    return "What each column adds to the answer, compared with the background rows of the version"


def values_table(card: dict[str, Any]) -> str:
    ranked = sorted(zip(card["feature_names"], card["values"], strict=True), key=lambda each: -abs(each[1]))
    rows = [f"| `{each}` | {value:.3f} |" for each, value in ranked[:SHOWN]]
    label = f" of `{card['output_names'][0]}`" if "output_names" in card else ""
    return "\n".join([f"| largest parts | `values`{label} |", "| --- | --- |", *rows])


if __name__ == "__main__":
    main()
