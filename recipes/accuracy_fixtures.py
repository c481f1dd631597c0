"""Truths with the numbers that scikit-learn and SciPy compute of them: test/fixtures/accuracy.

The predictions are those of models that are trained here on data of scikit-learn, on rows that they have not seen.
"""

import json
import pathlib

import numpy as np
from scipy.stats import binomtest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    f1_score,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
)
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

BINS = 20
FOLDER = pathlib.Path(__file__).parent.parent / "test" / "fixtures" / "accuracy"


def wilson(successes: int, count: int) -> list[float]:
    interval = binomtest(successes, count).proportion_ci(0.95, method="wilson")
    return [float(interval.low), float(interval.high)]


def classification(load, train_rows: int, columns: int) -> dict:
    data = load()
    inputs = StandardScaler().fit_transform(data.data)[:, :columns]
    train, test, train_truth, truth = train_test_split(
        inputs, data.target, train_size=train_rows, random_state=5, stratify=data.target
    )
    model = LogisticRegression(max_iter=2000).fit(train, train_truth)
    scores = model.predict_proba(test)
    predicted = scores.argmax(axis=1)
    confidence = scores.max(axis=1)
    right = predicted == truth
    labels = sorted(set(truth.tolist()) | set(predicted.tolist()))
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=labels, zero_division=np.nan
    )
    bins = np.minimum(BINS - 1, np.floor(confidence * BINS)).astype(int)
    expected_error = sum(
        (bins == each).mean() * abs(right[bins == each].mean() - confidence[bins == each].mean())
        for each in np.unique(bins)
    )
    return {
        "rows": [
            [str(t), str(p), float(c)] for t, p, c in zip(truth, predicted, confidence, strict=True)
        ],
        "accuracy": float(accuracy_score(truth, predicted)),
        "accuracyInterval": wilson(int(right.sum()), len(truth)),
        "macroF1": float(f1_score(truth, predicted, average="macro")),
        "macroF1Bootstrap": bootstrap_macro_f1(truth, predicted),
        "labels": {
            str(label): {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "truths": int(support[index]),
                "recallInterval": wilson(
                    int(((truth == label) & right).sum()), int((truth == label).sum())
                ),
                "f1Bootstrap": bootstrap_f1(truth == label, predicted == label),
            }
            for index, label in enumerate(labels)
        },
        "expectedCalibrationError": float(expected_error),
        "brier": float(brier_score_loss(right, confidence)),
    }


def bootstrap_f1(truth, predicted) -> list[float]:
    random = np.random.default_rng(7)
    count = len(truth)
    scores = []
    for _ in range(4000):
        rows = random.integers(0, count, count)
        t, p = truth[rows], predicted[rows]
        scores.append(2 * (t & p).sum() / max(1, t.sum() + p.sum()))
    return quantiles(scores)


def quantiles(values) -> list[float]:
    return [float(each) for each in np.quantile(values, [0.025, 0.975])]


def bootstrap_macro_f1(truth, predicted) -> list[float]:
    random = np.random.default_rng(17)
    draws = (random.integers(0, len(truth), len(truth)) for _ in range(3000))
    return quantiles([f1_score(truth[rows], predicted[rows], average="macro") for rows in draws])


def regression() -> dict:
    data = load_diabetes()
    train, test, train_truth, truth = train_test_split(
        data.data, data.target, train_size=150, random_state=3
    )
    predicted = LinearRegression().fit(train, train_truth).predict(test)
    error = predicted - truth
    random = np.random.default_rng(11)
    resampled = error[random.integers(0, len(error), (20000, len(error)))]
    return {
        "rows": [[float(t), float(p)] for t, p in zip(truth, predicted, strict=True)],
        "meanError": float(error.mean()),
        "mae": float(mean_absolute_error(truth, predicted)),
        "rmse": float(np.sqrt(mean_squared_error(truth, predicted))),
        "maeBootstrap": quantiles(np.abs(resampled).mean(axis=1)),
        "rmseBootstrap": quantiles(np.sqrt((resampled**2).mean(axis=1))),
    }


def isotonic() -> list[dict]:
    random = np.random.default_rng(13)
    cases = []
    for size in (5, 20, 20):
        weights = random.integers(1, 40, size)
        means = np.clip(np.linspace(0.2, 0.9, size) + random.normal(0, 0.2, size), 0, 1)
        steps = np.arange(size)
        fitted = IsotonicRegression().fit(steps, means, weights).predict(steps)
        cases.append(
            {"means": means.tolist(), "weights": weights.tolist(), "fitted": fitted.tolist()}
        )
    return cases


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    fixtures = {
        "digits": classification(load_digits, 100, 24),
        "wine": classification(load_wine, 30, 3),
        "breast-cancer": classification(load_breast_cancer, 60, 4),
        "diabetes": regression(),
        "isotonic": isotonic(),
    }
    text = json.dumps(fixtures, separators=(",", ":"))
    (FOLDER / "truths.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
