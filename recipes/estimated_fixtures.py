"""Predictions with their truths, to measure estimated accuracy on: test/fixtures/accuracy/estimated.json.

Handwritten digits of scikit-learn (UCI), which a logistic regression classifies that was trained on a third of them: calibrated on another
third, and measured on the last one in windows of 200 rows, as they are, and blurred by noise, and only the most difficult ones. The expected
accuracy of each window is computed here as well, by scikit-learn's isotonic regression over 20 bins.
"""

import json
import pathlib

import numpy as np
from sklearn.datasets import load_digits
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split

BINS = 20
ROWS = 200
REPEATS = 10
FILE = pathlib.Path(__file__).parent.parent / "test" / "fixtures" / "accuracy" / "estimated.json"


def bins_of(confidence):
    return np.minimum(BINS - 1, np.floor(confidence * BINS)).astype(int)


def main() -> None:
    random = np.random.default_rng(23)
    inputs, truth = load_digits(return_X_y=True)
    train, rest, train_truth, rest_truth = train_test_split(
        inputs, truth, train_size=600, random_state=1, stratify=truth
    )
    known, test, known_truth, test_truth = train_test_split(
        rest, rest_truth, train_size=600, random_state=2, stratify=rest_truth
    )
    model = LogisticRegression(max_iter=5000).fit(train, train_truth)

    def predict(rows):
        scores = model.predict_proba(rows)
        return scores.argmax(axis=1), np.round(scores.max(axis=1), 4)

    predicted, confidence = predict(known)
    right = predicted == known_truth
    bins = bins_of(confidence)
    counts = np.bincount(bins, minlength=BINS)
    used = np.flatnonzero(counts)
    shares = np.array([right[bins == each].mean() for each in used])
    fitted = IsotonicRegression().fit(used, shares, counts[used])
    clipped = np.clip(np.arange(BINS), used.min(), used.max())
    # A bin without truths has the value of the last one before it.
    before = [used[used <= each].max() for each in clipped]
    values = fitted.predict(before)

    windows = []
    for name, noise, hard in [
        ("as they are", 0, False),
        ("noise of 2 of 16 grey levels", 2, False),
        ("noise of 4", 4, False),
        ("noise of 6", 6, False),
        ("the less certain half", 0, True),
    ]:
        for _ in range(REPEATS):
            rows = random.choice(len(test), ROWS, replace=False)
            blurred = test[rows] + random.normal(0, 1, (ROWS, 64)) * noise
            predicted_rows, confidences = predict(blurred)
            truths = test_truth[rows]
            if hard:
                half = np.argsort(confidences)[: ROWS // 2]
                predicted_rows, confidences, truths = (
                    predicted_rows[half],
                    confidences[half],
                    truths[half],
                )
            windows.append(
                {
                    "name": name,
                    "predictions": [
                        [str(p), float(c)] for p, c in zip(predicted_rows, confidences, strict=True)
                    ],
                    "accuracy": float(accuracy_score(truths, predicted_rows)),
                    "macroF1": float(f1_score(truths, predicted_rows, average="macro")),
                    "estimated": float(values[bins_of(confidences)].mean()),
                    "meanConfidence": float(confidences.mean()),
                }
            )
    feedback = [
        [str(t), str(p), float(c)]
        for t, p, c in zip(known_truth, predicted, confidence, strict=True)
    ]
    fixture = {"feedback": feedback, "windows": windows}
    FILE.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
