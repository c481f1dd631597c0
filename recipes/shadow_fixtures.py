"""A second version of iris-logistic, of the same rows and with stronger regularization; writes a test fixture.

Its answers differ from those of the first version: the scores of every row, and the species of some. The
expected values are those of scikit-learn, for both versions.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from publish import FIXTURE_ROWS, ROOT, max_error, plain, run, write
from rendering import to_json
from tabular import ENGINE, INPUT, convert, split

FOLDER = ROOT / "test" / "fixtures" / "shadow"
LABELS = ["setosa", "versicolor", "virginica"]


def main() -> None:
    data = split(load_iris(), classes=True, dataset="", source="", license="", about="")
    # The first one is that of iris.py.
    first = LogisticRegression(max_iter=1000).fit(data.x_train, data.y_train)
    second = LogisticRegression(max_iter=1000, C=0.01).fit(data.x_train, data.y_train)
    model = convert(second, "iris-logistic", data.columns, {"zipmap": False})
    rows = data.x_test[:FIXTURE_ROWS]
    scores = [estimator.predict_proba(rows) for estimator in (first, second)]
    best = [each.argmax(axis=1) for each in scores]
    differences = np.abs(scores[0] - scores[1]).max(axis=1)
    answered = run(model, {INPUT: rows.astype(np.float32)})
    assert max_error(answered["probabilities"], scores[1]) < 1e-6
    write(FOLDER / "iris-logistic-2.onnx", model.SerializeToString())
    write(
        FOLDER / "iris-logistic.json",
        to_json(
            {
                "engine": ENGINE,
                "rows": [
                    {
                        "inputs": [plain(value) for value in row],
                        "labels": [LABELS[of[at]] for of in best],
                        "difference": plain(differences[at]),
                    }
                    for at, row in enumerate(rows)
                ],
            }
        ),
    )


if __name__ == "__main__":
    main()
