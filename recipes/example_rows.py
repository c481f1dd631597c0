"""Training rows of the models of tables, as files that requests may have: for ``scripts/write-profiles.ts``, and to measure drift.

Usage: example_rows.py FOLDER. No data set is stored in the repository, but reference profiles are made of these rows, and ``scripts/write-backgrounds.ts`` draws the
background rows of explanations from them.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

import penguins
from publish import plain
from tabular import split

ABOUT = {"dataset": "", "source": "", "license": "", "about": ""}
MODELS = {
    "iris-logistic": (load_iris, True),
    "iris-kmeans": (load_iris, True),
    "wine-naive-bayes": (load_wine, True),
    "wine-decision-tree": (load_wine, True),
    "breast-cancer-gradient-boosting": (load_breast_cancer, True),
    "breast-cancer-mlp": (load_breast_cancer, True),
    "breast-cancer-svm": (load_breast_cancer, True),
    "diabetes-linear": (lambda: load_diabetes(scaled=False), False),
    "diabetes-ridge": (lambda: load_diabetes(scaled=False), False),
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (load, classes) in MODELS.items():
        data = split(load(), classes=classes, **ABOUT)
        rows = ([plain(value) for value in row] for row in data.x_train)
        write(folder / f"{name}.csv", data.columns, rows)
    rows, train, _ = penguins.read_rows()
    columns = penguins.COLUMNS
    cells = ([rows[i][column] for column in columns] for i in train)
    write(folder / f"{penguins.NAME}.csv", columns, cells)
    # All of them, with what they are told apart by.
    every = ([row[column] for column in [*columns, "species", "year"]] for row in rows)
    write(folder / "penguins.csv", [*columns, "species", "year"], every)


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
