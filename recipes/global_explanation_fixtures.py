"""What scikit-learn says of models over many rows: test/fixtures/explanations/global.json.

`sklearn.inspection.permutation_importance` and `partial_dependence(method="brute")` of models of models/, which run in ONNX
Runtime, over the rows of test/fixtures/expected; the truths are the model's answers to other rows of it, so that some are wrong.
"""

import json
import pathlib

import numpy as np
import onnxruntime
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.inspection import partial_dependence, permutation_importance

ROOT = pathlib.Path(__file__).parent.parent
REPEATS = 4
SEED = 7
# 5 points: columns with fewer values have those, the others a grid between quantiles.
POINTS = 5


class Model(BaseEstimator):
    """A model of models/, as an estimator of scikit-learn."""

    def __init__(self, name: str, output: str) -> None:
        self.name, self.output = name, output
        self.session = onnxruntime.InferenceSession(ROOT / "models" / name / "1" / "model.onnx")
        self.input = self.session.get_inputs()[0].name
        self.is_fitted_ = True

    def rows(self) -> np.ndarray:
        expected = json.loads((ROOT / "test" / "fixtures" / "expected" / f"{self.name}.json").read_text())
        tensor = expected["inputs"][0]
        return np.array(tensor["data"], dtype=np.float64).reshape(tensor["shape"])

    def run(self, rows: np.ndarray) -> np.ndarray:
        (found,) = self.session.run([self.output], {self.input: np.asarray(rows, dtype=np.float32)})
        return found.astype(np.float64)


class Classifier(ClassifierMixin, Model):
    def fit(self, rows, truths):
        return self

    @property
    def classes_(self) -> np.ndarray:
        return np.arange(self.run(self.rows()[:1]).shape[1])

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        return self.run(rows)

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.run(rows).argmax(axis=1)


class Regressor(RegressorMixin, Model):
    def fit(self, rows, truths):
        return self

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.run(rows).reshape(-1)


def shuffled(rows: int) -> list[list[int]]:
    """The permutations that scikit-learn draws for each column: every repeat shuffles the column of the one before."""
    random = np.random.RandomState(SEED)
    order = np.arange(rows)
    value = np.arange(rows)
    permutations = []
    for _ in range(REPEATS):
        random.shuffle(order)
        value = value[order]
        permutations.append(value.tolist())
    return permutations


def importances(model: Model, rows: np.ndarray, truths: np.ndarray, scoring: str) -> dict:
    # An int would seed each column anew as well; scikit-learn draws that seed of the generator.
    found = permutation_importance(
        model, rows, truths, scoring=scoring, n_repeats=REPEATS, random_state=_Fixed(), n_jobs=1
    )
    score = float(_scorer(scoring)(model, rows, truths))
    return {
        "score": abs(score) if scoring.startswith("neg_") else score,
        "importances": found.importances.tolist(),
        "mean": found.importances_mean.tolist(),
        "std": found.importances_std.tolist(),
    }


def _scorer(scoring: str):
    from sklearn.metrics import get_scorer

    return get_scorer(scoring)


class _Fixed(np.random.RandomState):
    """Its one draw is the seed of the permutations of every column."""

    def __init__(self) -> None:
        super().__init__(0)

    def randint(self, *_args, **_kwargs) -> int:
        return SEED


def dependences(model: Model, rows: np.ndarray) -> list[dict]:
    found = []
    for column in range(rows.shape[1]):
        one = partial_dependence(
            model, rows, [column], kind="both", method="brute", grid_resolution=POINTS
        )
        found.append(
            {
                "grid": one["grid_values"][0].tolist(),
                "average": one["average"].tolist(),
                "individual": one["individual"][:, :3].tolist(),
            }
        )
    return found


def fixture(model: Model, scorings: list[str]) -> dict:
    rows = model.rows()
    truths = np.roll(model.predict(rows), 1)
    truths[: len(truths) // 2] = model.predict(rows)[: len(truths) // 2]
    return {
        "rows": rows.tolist(),
        "truths": truths.tolist(),
        "permutations": shuffled(len(rows)),
        "importances": {scoring: importances(model, rows, truths, scoring) for scoring in scorings},
        "dependences": dependences(model, rows),
    }


fixtures = {
    "iris-logistic": fixture(Classifier("iris-logistic", "probabilities"), ["accuracy", "neg_log_loss"]),
    "diabetes-ridge": fixture(Regressor("diabetes-ridge", "prediction"), ["r2", "neg_root_mean_squared_error"]),
}
target = ROOT / "test" / "fixtures" / "explanations" / "global.json"
target.write_text(json.dumps({"repeats": REPEATS, "points": POINTS, "models": fixtures}) + "\n")
