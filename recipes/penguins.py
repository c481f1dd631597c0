"""penguins-gradient-boosting: three species of penguins, from a table with names and missing values.

Data: palmerpenguins (CC0), K. B. Gorman, T. D. Williams and W. R. Fraser (2014), as PyPI ships it.
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from packages import read_exactly, unpack_wheel
from publish import ROOT, plain, write
from rendering import to_json
from tabular import ENGINE, Split, publish_classifier

NAME = "penguins-gradient-boosting"
PACKAGE = "palmerpenguins==0.1.6"
TABLE = "f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93"
SPECIES = ["Adelie", "Chinstrap", "Gentoo"]
CATEGORIES = {"island": ["Biscoe", "Dream", "Torgersen"], "sex": ["female", "male"]}
MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
COLUMNS = ["island", *MEASURES, "sex"]
MISSING = "NA"
FIXTURE_ROWS = 40


def read_rows() -> tuple[list[dict[str, str]], np.ndarray, np.ndarray]:
    """All rows as the table has them, and the indices of those for training and of those held out."""
    with tempfile.TemporaryDirectory() as folder:
        files = unpack_wheel(Path(folder), PACKAGE)
        table = read_exactly(files / "palmerpenguins/data/penguins.csv", TABLE).decode()
    rows = list(csv.DictReader(table.splitlines()))
    species = to_species(rows)
    # The proportions of the species are kept, and that of the penguins that lack something.
    lacking = np.isnan(to_features(rows)).any(axis=1)
    groups = species + len(SPECIES) * lacking
    train, test = train_test_split(np.arange(len(rows)), test_size=0.3, random_state=42, stratify=groups)
    return rows, train, test


def main() -> None:
    rows, train, test = read_rows()
    features, species = to_features(rows), to_species(rows)
    data = Split(
        dataset="palmerpenguins (Gorman, Williams and Fraser 2014)",
        source=f"PyPI {PACKAGE.replace('==', ' ')}, penguins.csv (doi:10.5281/zenodo.3960218)",
        license="CC0-1.0",
        about=(
            "344 penguins of three species on three islands of the Palmer Archipelago, Antarctica: island, four "
            "measurements and sex, of which eleven penguins lack some: K. B. Gorman, T. D. Williams, W. R. Fraser, "
            "Ecological Sexual Dimorphism and Environmental Variability within a Community of Antarctic Penguins, "
            "PLoS ONE 9(3), 2014."
        ),
        columns=COLUMNS,
        x_train=features[train],
        x_test=features[test],
        y_train=species[train],
        y_test=species[test],
        labels=SPECIES,
        categories=CATEGORIES,
        missing={column: "nan" for column in COLUMNS if column != "island"},
    )
    names = [COLUMNS.index(column) for column in CATEGORIES]
    measures = [COLUMNS.index(column) for column in MEASURES]
    estimator = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), names),
            (SimpleImputer(strategy="median"), measures),
        ),
        GradientBoostingClassifier(n_estimators=40, max_depth=3, random_state=42),
    )
    estimator.fit(data.x_train, data.y_train)
    # The first held-out penguin that was measured, but whose sex is not known.
    unknown = next(
        i for i in test if [rows[i][c] == MISSING for c in COLUMNS] == [c == "sex" for c in COLUMNS]
    )
    publish_classifier(
        estimator,
        data,
        name=NAME,
        title="Penguin species, gradient boosting",
        description="Tells three species of penguins apart by island, sex and four measurements, of which some may be missing.",
        recipe="penguins.py",
        about_model=(
            "A pipeline in one graph: `SimpleImputer` fills what is missing with the median or the most frequent name, "
            "`OneHotEncoder` takes the names apart, `GradientBoostingClassifier` of 40 rounds decides. Names stand in the "
            "rows as their positions, missing values as NaN."
        ),
        limits=[
            "344 penguins of three islands; any other bird gets one of the three species.",
            "Two of the species live on one island each, which tells much already.",
        ],
        example=features[unknown],
        example_inputs={column: to_cell(rows[unknown], column) for column in COLUMNS},
    )
    write_rows([rows[i] for i in test], estimator.predict_proba(data.x_test))


def write_rows(rows: list[dict[str, str]], scores: np.ndarray) -> None:
    """Held-out rows as the table has them, those with missing values first, for tests of the task API."""
    order = sorted(range(len(rows)), key=lambda i: MISSING not in [rows[i][c] for c in COLUMNS])
    chosen = order[:FIXTURE_ROWS]
    lines = [",".join(COLUMNS), *[",".join(rows[i][column] for column in COLUMNS) for i in chosen]]
    fixture = {
        "engine": ENGINE,
        "labels": SPECIES,
        "rows": [{column: to_cell(rows[i], column) for column in COLUMNS} for i in chosen],
        "scores": [[plain(score) for score in scores[i]] for i in chosen],
    }
    write(ROOT / "test/fixtures/tables/penguins.csv", ("\n".join(lines) + "\n").encode())
    write(ROOT / "test/fixtures/tables/penguins.json", to_json(fixture, width=None))


def to_features(rows: list[dict[str, str]]) -> np.ndarray:
    return np.array([[to_number(row, column) for column in COLUMNS] for row in rows])


def to_species(rows: list[dict[str, str]]) -> np.ndarray:
    return np.array([SPECIES.index(row["species"]) for row in rows])


def to_number(row: dict[str, str], column: str) -> float:
    cell = row[column]
    if cell == MISSING:
        return float("nan")
    return float(CATEGORIES[column].index(cell)) if column in CATEGORIES else float(cell)


def to_cell(row: dict[str, str], column: str) -> str | float | None:
    cell = row[column]
    if cell == MISSING:
        return None
    return cell if column in CATEGORIES else plain(float(cell))


if __name__ == "__main__":
    main()
