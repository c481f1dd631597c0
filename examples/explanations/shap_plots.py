"""
Asks the service why a model answers what it answers, and draws the answers by shap's own plots: a bar chart and a
waterfall of the first row, and a beeswarm of all rows.

    pip install shap matplotlib
    python shap_plots.py http://127.0.0.1:8787 wine-decision-tree rows.json plots

rows.json is a list of inputs of the model; ONNXFLARE_KEY is an API key, where the service asks for one.
"""

import json
import os
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np


def explain(url: str, model: str, rows: list, **parameters) -> list[dict]:
    """The service's explanation of each row."""
    headers = {"content-type": "application/json"}
    if key := os.environ.get("ONNXFLARE_KEY"):
        headers["authorization"] = f"Bearer {key}"
    body = json.dumps({"inputs": rows, "parameters": parameters}).encode()
    with urlopen(Request(f"{url}/models/{model}/explain", data=body, headers=headers)) as response:
        return json.load(response)


def to_arguments(explanations: list[dict]) -> dict:
    """
    The explanations of rows as shap.Explanation takes them: values are [rows, features], or
    [rows, features, outputs] where all outputs were asked for; base values [rows] or [rows, outputs].
    """

    def number(value: object) -> float:
        # Texts and missing values have no place on the beeswarm's scale of colours: it draws them in grey.
        return float(value) if isinstance(value, (int, float)) else np.nan

    data = np.array([each["data"] for each in explanations], dtype=object)
    first = explanations[0]
    return {
        "values": np.array([each["values"] for each in explanations], dtype=float),
        "base_values": np.array([each["base_value"] for each in explanations], dtype=float),
        "data": np.vectorize(number, otypes=[float])(data),
        "display_data": data,
        "feature_names": first["feature_names"],
        "output_names": first["output_names"] if np.ndim(first["base_value"]) else None,
    }


def draw(explanations: list[dict], folder: Path) -> list[Path]:
    """Of one output."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import shap

    explanation = shap.Explanation(**to_arguments(explanations))
    plots = {
        "bar": lambda: shap.plots.bar(explanation[0], show=False),
        "waterfall": lambda: shap.plots.waterfall(explanation[0], show=False),
        "beeswarm": lambda: shap.plots.beeswarm(explanation, show=False),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, plot in plots.items():
        plt.figure()
        plot()
        files.append(folder / f"{name}.png")
        plt.savefig(files[-1], bbox_inches="tight")
        plt.close("all")
    return files


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    url, model, rows, folder = sys.argv[1:]
    explanations = explain(url, model, json.loads(Path(rows).read_text()), output=0)
    for file in draw(explanations, Path(folder)):
        print(file)
