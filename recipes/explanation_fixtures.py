"""What the packages shap and lime explain of models of tables: test/fixtures/explanations/shapley.json and lime.json.

The rows are those of test/fixtures/expected: the first two are explained, the others are the background. The models run in
ONNX Runtime; the values of a sampled explainer are means over seeds, with the standard error of the mean.
"""

import json
import pathlib
import warnings

import numpy as np
import onnxruntime
import shap
from lime.lime_tabular import LimeTabularExplainer

ROOT = pathlib.Path(__file__).parent.parent
FOLDER = ROOT / "test" / "fixtures" / "explanations"
SEEDS = range(12)
EXPLAINED = 2
# Beyond them, log-odds would be infinite.
LEAST = 1e-7


class Model:
    """A model of models/, as a function of rows."""

    def __init__(self, name: str, output: str) -> None:
        self.name, self.output = name, output
        self.session = onnxruntime.InferenceSession(ROOT / "models" / name / "1" / "model.onnx")
        self.input = self.session.get_inputs()[0].name
        expected = json.loads((ROOT / "test" / "fixtures" / "expected" / f"{name}.json").read_text())
        tensor = expected["inputs"][0]
        numbers = [np.nan if value in (None, "NaN") else value for value in tensor["data"]]
        rows = np.array(numbers, dtype=np.float64).reshape(tensor["shape"])
        self.rows, self.background = rows[:EXPLAINED], rows[EXPLAINED:]

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        (found,) = self.session.run([self.output], {self.input: np.asarray(rows, dtype=np.float32)})
        found = found.astype(np.float64)
        both = self.output == "probability" and found.shape[1] == 1
        return np.hstack([1 - found, found]) if both else found

    def log_odds(self, rows: np.ndarray) -> np.ndarray:
        probabilities = np.clip(self(rows), LEAST, 1 - LEAST)
        return np.log(probabilities) - np.log(1 - probabilities)


def masker(model: Model) -> shap.maskers.Independent:
    return shap.maskers.Independent(model.background, max_samples=len(model.background))


def exact(model: Model, predict) -> dict:
    """All outputs: by row and column a list."""
    found = shap.explainers.Exact(predict, masker(model))(model.rows)
    return {"values": found.values.tolist(), "base": found.base_values.tolist()}


def of_seeds(explain) -> dict:
    """Of a function of a seed, mean and standard error of what it returns."""
    found = np.array([explain(seed) for seed in SEEDS])
    return {
        "values": found.mean(axis=0).tolist(),
        "std_error": (found.std(axis=0, ddof=1) / np.sqrt(len(SEEDS))).tolist(),
    }


def permutation(model: Model) -> dict:
    def explain(seed: int) -> np.ndarray:
        explainer = shap.explainers.Permutation(model, masker(model), seed=seed)
        evaluations = 50 * (2 * model.rows.shape[1] + 1)
        return explainer(model.rows, max_evals=evaluations, silent=True).values

    return of_seeds(explain)


def kernel(model: Model) -> dict:
    def explain(seed: int) -> np.ndarray:
        np.random.seed(seed)
        explainer = shap.KernelExplainer(model, model.background)
        values = explainer.shap_values(model.rows, nsamples=3000, l1_reg=False, silent=True)
        return np.asarray(values)

    return of_seeds(explain)


def lime(model: Model, categorical: list[int]) -> dict:
    """Coefficients of all labels for the first row, and the intercepts."""
    background = model.background[~np.isnan(model.background).any(axis=1)]
    row = model.rows[0]
    labels = range(model(model.rows).shape[1])

    def explain(seed: int) -> np.ndarray:
        explainer = LimeTabularExplainer(
            background,
            categorical_features=categorical,
            feature_selection="none",
            random_state=seed,
        )
        found = explainer.explain_instance(row, model, labels=labels, num_samples=5000)
        coefficients = [
            [dict(found.local_exp[label])[column] for label in labels] for column in range(len(row))
        ]
        return np.array([*coefficients, [found.intercept[label] for label in labels]])

    means = of_seeds(explain)
    names = LimeTabularExplainer(background, categorical_features=categorical, feature_selection="none")
    conditions = {
        str(column): names.discretizer.names[column][int(names.discretizer.discretize(row)[column])]
        for column in names.discretizer.to_discretize
    }
    return {"background": background.tolist(), "row": row.tolist(), "conditions": conditions, **means}


def write(name: str, content: dict) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_text(json.dumps(content, separators=(",", ":")) + "\n")


def main() -> None:
    warnings.filterwarnings("ignore")
    iris = Model("iris-logistic", "probabilities")
    penguins = Model("penguins-gradient-boosting", "probabilities")
    wine = Model("wine-naive-bayes", "probabilities")
    breast_cancer = Model("breast-cancer-mlp", "probability")
    clusters = Model("iris-kmeans", "scores")
    diabetes = Model("diabetes-ridge", "prediction")
    engine = f"shap {shap.__version__}, ONNX Runtime {onnxruntime.__version__}"
    write(
        "shapley.json",
        {
            "engine": engine,
            "exact": {
                "iris-logistic": {"probability": exact(iris, iris), "log_odds": exact(iris, iris.log_odds)},
                "penguins-gradient-boosting": {"probability": exact(penguins, penguins)},
                "iris-kmeans": {"output": exact(clusters, clusters)},
                "diabetes-ridge": {"output": exact(diabetes, diabetes)},
                "wine-naive-bayes": {"probability": exact(wine, wine)},
            },
            "kernel": {model.name: kernel(model) for model in (wine, breast_cancer)},
            "permutation": {model.name: permutation(model) for model in (wine, breast_cancer)},
        },
    )
    write(
        "lime.json",
        {
            "engine": f"lime 0.2, ONNX Runtime {onnxruntime.__version__}",
            "iris-logistic": lime(iris, []),
            "penguins-gradient-boosting": lime(penguins, [0, 5]),
            "breast-cancer-mlp": lime(breast_cancer, []),
        },
    )


if __name__ == "__main__":
    main()
