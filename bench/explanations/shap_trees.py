"""Forests that Python's shap explains, and how long that takes: milliseconds a row, one thread.

Usage: shap_trees.py FOLDER. Writes an ONNX file for each forest and prints JSON. Needs shap 0.51, scikit-learn and skl2onnx.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import shap
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor

BACKGROUND, ROWS, SECONDS = 100, 20, 2
MODELS = {
    "forest, 100 trees of depth 8": RandomForestRegressor(100, max_depth=8, random_state=0),
    "boosting, 200 trees of depth 4": GradientBoostingRegressor(n_estimators=200, max_depth=4, random_state=0),
    "boosting, 100 trees of depth 2": GradientBoostingRegressor(n_estimators=100, max_depth=2, random_state=0),
}


def round_down(thresholds: np.ndarray) -> np.ndarray:
    """To FP32, as skl2onnx does: rows of FP32 compare as with scikit-learn's FP64. shap rounds to the nearest, which may be a row's value above."""
    nearest = thresholds.astype("float32")
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > thresholds, below, nearest).astype("float64")


def main(folder: Path) -> None:
    features, targets = load_breast_cancer(return_X_y=True)
    features = features.astype("float32")
    background, rows = features[:BACKGROUND], features[BACKGROUND : BACKGROUND + ROWS]
    found = []
    for index, (name, model) in enumerate(MODELS.items()):
        model.fit(features, targets)
        (folder / f"{index}.onnx").write_bytes(to_onnx(model, features[:1]).SerializeToString())
        explainer = shap.TreeExplainer(model, background, feature_perturbation="interventional")
        explainer.model.thresholds = round_down(explainer.model.thresholds)
        values = explainer.shap_values(rows, check_additivity=False)
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            explainer.shap_values(rows, check_additivity=False)
            count += len(rows)
        ms = (time.perf_counter() - began) * 1000 / count
        found.append({"name": name, "file": f"{index}.onnx", "msPerRow": ms, "values": values.tolist()})
    json.dump({"background": background.tolist(), "rows": rows.tolist(), "models": found}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
