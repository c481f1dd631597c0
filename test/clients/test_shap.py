"""
Explanations in the shapes of shap.Explanation, and the script of examples/explanations that draws them by shap's plots.

The package shap needs 400 MB beside what the clients need: its plots are drawn by `SHAP=on npm run test:clients -- -k shap`.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import FIXTURES, ROOT

SCRIPT = ROOT / "examples" / "explanations" / "shap_plots.py"
sys.path.insert(0, str(SCRIPT.parent))

from shap_plots import explain, to_arguments  # noqa: E402

MODELS = ["iris-logistic", "wine-decision-tree", "diabetes-ridge"]


def rows_of(model: str) -> list[list[float]]:
    (tensor, *_) = FIXTURES[model]["inputs"]
    return np.reshape(tensor["data"], tensor["shape"])[:6].tolist()


@pytest.mark.parametrize("model", MODELS)
def test_explanations_have_the_shapes_of_shap(origin: str, model: str):
    rows = rows_of(model)
    explanations = explain(origin, model, rows, output=0)
    found = to_arguments(explanations)
    columns = len(rows[0])
    assert found["values"].shape == found["data"].shape == (len(rows), columns)
    assert found["base_values"].shape == (len(rows),)
    assert len(found["feature_names"]) == columns
    np.testing.assert_allclose(found["data"], rows)
    outputs = [each["output"] for each in explanations]
    np.testing.assert_allclose(found["values"].sum(axis=1) + found["base_values"], outputs, atol=1e-5)


def test_explanations_of_all_outputs_have_an_axis_more(origin: str):
    rows = rows_of("iris-logistic")
    found = to_arguments(explain(origin, "iris-logistic", rows, output="all"))
    assert found["values"].shape == (len(rows), 4, 3)
    assert found["base_values"].shape == (len(rows), 3)
    assert found["output_names"] == ["setosa", "versicolor", "virginica"]


@pytest.mark.parametrize("model", MODELS)
def test_the_script_draws_them_by_the_plots_of_shap(origin: str, model: str, tmp_path: Path):
    shap = pytest.importorskip("shap", reason="shap is installed where SHAP=on")
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps(rows_of(model)))
    command = [sys.executable, str(SCRIPT), origin, model, str(rows), str(tmp_path / "plots")]
    subprocess.run(command, check=True, capture_output=True)
    names = sorted(file.name for file in (tmp_path / "plots").iterdir())
    assert names == ["bar.png", "beeswarm.png", "waterfall.png"]
    for file in (tmp_path / "plots").iterdir():
        assert file.read_bytes().startswith(b"\x89PNG")
    explanation = shap.Explanation(**to_arguments(explain(origin, model, rows_of(model), output=0)))
    assert explanation.shape == (6, len(rows_of(model)[0]))
    assert np.isclose(explanation[0].values.sum(), explanation.values[0].sum())
