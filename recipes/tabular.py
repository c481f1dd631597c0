"""Shared by the recipes of the scikit-learn models: split, convert, compare, publish.

scikit-learn computes the expected outputs in float64 from the decimal numbers; the served model gets
the same numbers as float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import sklearn
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from publish import (
    FIXTURE_ROWS,
    OPSET,
    Fixture,
    Publication,
    finish,
    max_error,
    plain,
    publish,
    ranked,
    run,
    significant,
    tolerance_for,
)
from rendering import Card

ENGINE = f"scikit-learn {sklearn.__version__}"
INPUT = "features"

# Sums split over threads differ in their last bit with the number of cores.
threadpool_limits(1)


@dataclass(frozen=True)
class Split:
    """A data set with its fixed training and held-out rows."""

    dataset: str
    source: str
    license: str
    about: str
    columns: Sequence[str]
    x_train: np.ndarray
    x_test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray
    labels: Sequence[str] | None = None
    # By column: the names whose positions stand in the rows, and what stands for a missing value.
    categories: Mapping[str, Sequence[str]] = field(default_factory=dict)
    missing: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def held_out(self) -> str:
        rows = len(self.x_train) + len(self.x_test)
        return f"{self.dataset}, {len(self.x_test)} of {rows} rows held out"


def split(bunch: Any, *, classes: bool, **described: Any) -> Split:
    """Holds out 30 % of a scikit-learn data set, with the classes' proportions kept."""
    x_train, x_test, y_train, y_test = train_test_split(
        bunch.data,
        bunch.target,
        test_size=0.3,
        random_state=42,
        stratify=bunch.target if classes else None,
    )
    return Split(
        columns=[str(column) for column in bunch.feature_names],
        labels=[str(label) for label in bunch.target_names] if classes else None,
        x_train=x_train,
        x_test=x_test,
        y_train=y_train,
        y_test=y_test,
        **described,
    )


def convert(estimator: Any, name: str, columns: Sequence[str], options: Mapping[str, Any]) -> onnx.ModelProto:
    """The fitted estimator as an ONNX model with one input, ``features``."""
    with warnings.catch_warnings():
        # skl2onnx 1.20 reads SVC.probA_, which scikit-learn 1.9 deprecates.
        warnings.simplefilter("ignore", FutureWarning)
        model = convert_sklearn(
            estimator,
            name=name,
            initial_types=[(INPUT, FloatTensorType([None, len(columns)]))],
            target_opset={"": OPSET, "ai.onnx.ml": 3},
            options={id(estimator): dict(options)} if options else None,
        )
    return finish(rename(model, {"output_label": "label", "variable": "prediction"}), name)


def rename(model: onnx.ModelProto, names: Mapping[str, str]) -> onnx.ModelProto:
    """Renames graph outputs, wherever the names occur."""
    for node in model.graph.node:
        for values in (node.input, node.output):
            values[:] = [names.get(value, value) for value in values]
    for value in model.graph.output:
        value.name = names.get(value.name, value.name)
    return model


def publish_classifier(
    estimator: Any,
    data: Split,
    *,
    name: str,
    title: str,
    description: str,
    recipe: str,
    limits: Sequence[str],
    about_model: str,
    example: Sequence[float] | None = None,
    example_inputs: Any = None,
    model: onnx.ModelProto | None = None,
) -> None:
    """Publishes a fitted classifier.

    ``model`` is given where the graph is built by hand; its one output is then ``probability``
    [batch, 1], that of the second label. ``example_inputs`` is ``example`` in the form of a request.
    """
    assert data.labels is not None
    by_hand = model is not None
    model = model or convert(estimator, name, data.columns, {"zipmap": False})
    features = data.x_test.astype(np.float32)
    expected_label = estimator.predict(data.x_test)
    expected_scores = estimator.predict_proba(data.x_test)
    answered = run(model, {INPUT: features})
    if by_hand:
        expected = {"probability": expected_scores[:, 1:]}
        label = (answered["probability"][:, 0] > 0.5).astype(np.int64)
        meaning = {"probability": f"probability of {data.labels[1]}"}
    else:
        expected = {"label": expected_label, "probabilities": expected_scores}
        label = answered["label"]
        meaning = {
            "label": "index of the most probable class",
            "probabilities": ", ".join(data.labels),
        }
    scores = list(expected)[-1]
    error = max_error(answered[scores], expected[scores])
    agreement = int(np.sum(label == expected_label))
    item = data.x_test[0] if example is None else np.asarray(example)
    example_scores = estimator.predict_proba(item[None])[0]
    publish(
        Publication(
            name=name,
            description=description,
            task="tabular-classification",
            recipe=recipe,
            model=model,
            preprocess=preprocess(data),
            postprocess={
                "type": "classification",
                "version": 1,
                "scores": scores,
                "activation": "none",
            },
            labels=data.labels,
            source=data.source,
            license=data.license,
            metrics={
                "accuracy": significant(accuracy_score(data.y_test, label)),
                "logLoss": significant(log_loss(data.y_test, expected_scores)),
                "dataset": data.held_out,
                "samples": len(data.y_test),
                "labelAgreement": f"{agreement} of {len(label)} with {ENGINE}",
                "maxAbsError": significant(error, 2),
            },
            example={
                "inputs": [plain(v) for v in item] if example_inputs is None else example_inputs,
                "output": ranked(data.labels, example_scores),
                "tolerance": tolerance_for(error),
                "engine": ENGINE,
            },
            fixture=fixture(data, expected, {scores: tolerance_for(error)}),
            descriptions={INPUT: "one row of numbers, in the order of the columns", **meaning},
            card=card(title, description, data, limits, about_model),
        )
    )


def publish_regressor(
    estimator: Any,
    data: Split,
    *,
    name: str,
    title: str,
    description: str,
    recipe: str,
    limits: Sequence[str],
    about_model: str,
    meaning: str,
) -> None:
    """Publishes a fitted regressor with one output, ``prediction`` [batch, 1]."""
    model = convert(estimator, name, data.columns, {})
    expected = estimator.predict(data.x_test)[:, None]
    answered = run(model, {INPUT: data.x_test.astype(np.float32)})["prediction"]
    error = max_error(answered, expected)
    publish(
        Publication(
            name=name,
            description=description,
            task="tabular-regression",
            recipe=recipe,
            model=model,
            preprocess=preprocess(data),
            postprocess={"type": "regression", "version": 1, "output": "prediction"},
            source=data.source,
            license=data.license,
            metrics={
                "r2": significant(r2_score(data.y_test, answered)),
                "meanAbsoluteError": significant(mean_absolute_error(data.y_test, answered)),
                "rootMeanSquaredError": significant(root_mean_squared_error(data.y_test, answered)),
                "dataset": data.held_out,
                "samples": len(data.y_test),
                "maxAbsError": significant(error, 2),
            },
            example={
                "inputs": [plain(v) for v in data.x_test[0]],
                "output": [plain(expected[0, 0])],
                "tolerance": tolerance_for(error),
                "engine": ENGINE,
            },
            fixture=fixture(data, {"prediction": expected}, {"prediction": tolerance_for(error)}),
            descriptions={
                INPUT: "one row of numbers, in the order of the columns",
                "prediction": meaning,
            },
            card=card(title, description, data, limits, about_model),
        )
    )


def preprocess(data: Split) -> dict[str, Any]:
    block: dict[str, Any] = {
        "type": "tabular",
        "version": 1,
        "input": INPUT,
        "columns": list(data.columns),
    }
    if data.categories:
        block["categories"] = {column: list(names) for column, names in data.categories.items()}
    if data.missing:
        block["missing"] = dict(data.missing)
    return block


def fixture(data: Split, expected: Mapping[str, np.ndarray], tolerance: Mapping[str, float]) -> Fixture:
    """The first held-out rows and scikit-learn's answers for them; labels must be equal."""
    return Fixture(
        engine=ENGINE,
        inputs={INPUT: data.x_test[:FIXTURE_ROWS]},
        outputs={key: value[:FIXTURE_ROWS] for key, value in expected.items()},
        tolerance={key: tolerance.get(key, 0) for key in expected},
    )


def card(title: str, description: str, data: Split, limits: Sequence[str], about_model: str) -> Card:
    columns = ", ".join(f"`{column}`" for column in data.columns)
    return Card(
        title=title,
        summary=description,
        model=f"{about_model}\n\nColumns, in order: {columns}.",
        data=data.about,
        limits=limits,
        results=(
            f"`labelAgreement` and `maxAbsError` compare native ONNX Runtime in float32 with {ENGINE} in "
            "float64 on the held-out rows."
            if data.labels
            else f"`maxAbsError` compares native ONNX Runtime in float32 with {ENGINE} in float64 on the "
            "held-out rows."
        ),
    )
