"""test/fixtures/tables/{columns,forest,one-class,neighbours,labels,targets,components,ranker}.onnx and estimators.json: small
estimators of tables as skl2onnx and onnxmltools export them, and what scikit-learn and LightGBM answer.

Usage: table_fixtures.py
"""

from __future__ import annotations

import warnings
from typing import Any

import lightgbm
import numpy as np
import onnx
import pandas as pd
import sklearn
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType as LightGbmFloats
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import (
    BooleanTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import OneClassSVM

import penguins
from publish import ROOT, finish, plain, serialize, write
from rendering import to_json

FOLDER = ROOT / "test" / "fixtures" / "tables"
OPSETS = {"": 18, "ai.onnx.ml": 3}
ROWS = 6
ENGINE = f"scikit-learn {sklearn.__version__}, LightGBM {lightgbm.__version__}"
MEASURES = ["bill_length_mm", "bill_depth_mm"]
#: So that no two neighbours are equally far.
NUDGE = [0.013, 0.007, 0.011, 0.005]
#: As wide as iris flowers are not.
FAR = [[9.0, 1.0, 8.0, 0.1], [4.0, 4.5, 1.0, 2.5]]


def main() -> None:
    cases = {"columns": columns(), **anomalies(), **others()}
    write(FOLDER / "estimators.json", to_json({"engine": ENGINE, "cases": cases}, width=None))


def columns() -> dict[str, Any]:
    """A pipeline of a data frame: texts, a matrix of numbers, an integer and a boolean."""
    rows, train, test = penguins.read_rows()
    known = [i for i in range(len(rows)) if rows[i]["sex"] != penguins.MISSING]
    frame = pd.DataFrame([rows[i] for i in known])
    for name in [*MEASURES, "body_mass_g"]:
        frame[name] = pd.to_numeric(frame[name]).astype(np.float32)
    frame["year"] = frame["year"].astype(np.int64)
    frame["heavy"] = frame["body_mass_g"] > 4200
    frame.loc[frame.index[::9], MEASURES[0]] = np.nan
    used = ["island", *MEASURES, "year", "heavy"]
    estimator = make_pipeline(
        ColumnTransformer(
            [
                ("measures", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), MEASURES),
                ("names", OneHotEncoder(handle_unknown="ignore"), ["island"]),
                ("numbers", "passthrough", ["year", "heavy"]),
            ]
        ),
        LogisticRegression(max_iter=5000, random_state=0),
    )
    held_out = frame.iloc[::40]
    estimator.fit(frame[used], frame["sex"])
    types = [
        ("island", StringTensorType([None, 1])),
        *[(name, FloatTensorType([None, 1])) for name in MEASURES],
        ("year", Int64TensorType([None, 1])),
        ("heavy", BooleanTensorType([None, 1])),
    ]
    save("columns", convert(estimator, types, {"zipmap": False}))
    inputs = [
        {
            "island": row["island"],
            **{name: None if np.isnan(row[name]) else plain(row[name]) for name in MEASURES},
            "year": int(row["year"]),
            "heavy": bool(row["heavy"]),
        }
        for row in held_out.to_dict("records")
    ]
    return {"rows": inputs, "labels": list(estimator.classes_), "values": numbers(estimator.predict_proba(held_out[used]))}


def anomalies() -> dict[str, Any]:
    features = load_iris().data.astype(np.float32)
    rows = np.array([*(features[:: len(features) // ROWS][:ROWS] + NUDGE), *FAR], dtype=np.float32)
    estimators = {
        "forest": IsolationForest(n_estimators=20, max_samples=64, contamination=0.05, random_state=0),
        "one-class": OneClassSVM(nu=0.1, gamma=0.3),
        "neighbours": LocalOutlierFactor(n_neighbors=10, novelty=True),
    }
    cases = {}
    for name, estimator in estimators.items():
        estimator.fit(features)
        save(name, convert(estimator, [("X", FloatTensorType([None, 4]))], None))
        cases[name] = {
            "rows": numbers(rows),
            "values": numbers(estimator.decision_function(rows).ravel()),
            "anomalies": [int(label) == -1 for label in estimator.predict(rows)],
        }
    return cases


def others() -> dict[str, Any]:
    iris = load_iris()
    features = iris.data.astype(np.float32)
    rows = features[:: len(features) // ROWS][:ROWS]
    wide, long = features[:, 1] > 3, features[:, 2] > 4
    types = [("X", FloatTensorType([None, 4]))]
    multiple = OneVsRestClassifier(LogisticRegression()).fit(features, np.stack([wide, long], axis=1).astype(int))
    save("labels", convert(multiple, types, {"zipmap": False}))
    targets = LinearRegression().fit(features[:, :2], features[:, 2:])
    save("targets", convert(targets, [("X", FloatTensorType([None, 2]))], None))
    components = make_pipeline(StandardScaler(), PCA(n_components=2, random_state=0)).fit(features)
    save("components", convert(components, types, None))
    ranker = lightgbm.LGBMRanker(n_estimators=8, num_leaves=4, min_child_samples=5, verbose=-1, random_state=0, n_jobs=1)
    queries = np.random.default_rng(0).permutation(len(features))
    ranker.fit(features[queries], iris.target[queries], group=[50, 50, 50])
    save("ranker", convert_lightgbm(ranker.booster_, initial_types=[("X", LightGbmFloats([None, 4]))], target_opset=15))
    return {
        "labels": {"rows": numbers(rows), "labels": ["wide", "long"], "values": numbers(multiple.predict_proba(rows))},
        "targets": {"rows": numbers(rows[:, :2]), "values": numbers(targets.predict(rows[:, :2]))},
        "components": {"rows": numbers(rows), "values": numbers(components.transform(rows))},
        "ranker": {"rows": numbers(rows), "values": numbers(ranker.predict(rows))},
    }


def convert(estimator: Any, types: list[tuple[str, Any]], options: dict[str, Any] | None) -> onnx.ModelProto:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convert_sklearn(
            estimator,
            initial_types=types,
            target_opset=OPSETS,
            options={id(estimator): options} if options else None,
        )


def save(name: str, model: onnx.ModelProto) -> None:
    """As the converter wrote it, but for what differs from run to run."""
    write(FOLDER / f"{name}.onnx", serialize(finish(model, name, batch=False)))


def numbers(values: np.ndarray) -> Any:
    return [numbers(each) for each in values] if np.ndim(values) else plain(values)


if __name__ == "__main__":
    main()
