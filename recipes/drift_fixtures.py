"""What SciPy computes of distributions and of counts by bins; writes test fixtures for the statistics of drift.

The tests of SciPy get the values that the bins stand for, so its results are those of binned data. SciPy has no population stability
index: it is computed here in NumPy, by its definition.
"""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import scipy
from scipy import special, stats

from publish import ROOT, write
from rendering import to_json

FILE = ROOT / "test" / "fixtures" / "drift" / "statistics.json"
PENGUINS = ROOT / "test" / "fixtures" / "tables" / "penguins.csv"
SMOOTHING = 0.5


def main() -> None:
    fixture = {
        "engine": f"SciPy {scipy.__version__}",
        "chiSquare": [
            {"x": float(x), "degrees": k, "survival": float(stats.chi2.sf(x, k))}
            for k in (1, 2, 3, 4, 7, 9, 10, 19, 20, 63, 100)
            for x in (1e-6, 0.1, 0.5 * k, k - 0.5, k + 1.5, 2 * k, 3 * k + 10, 80, 400)
        ],
        "chiSquareQuantiles": [
            {"probability": p, "degrees": k, "x": float(stats.chi2.isf(p, k))}
            for k in (1, 2, 4, 9, 19, 100)
            for p in (0.999, 0.5, 0.1, 0.05, 0.01, 0.001, 1e-6)
        ],
        "kolmogorov": [
            {"x": x, "survival": float(special.kolmogorov(x))}
            for x in (0.1, 0.3, 0.5, 0.8, 0.99, 1.0, 1.2, 1.358, 1.628, 2.0, 3.0, 6.0)
        ],
        "falseDiscoveries": [adjusted(p_values) for p_values in p_value_lists()],
        "moments": moments(),
        "penguins": penguins(),
        "samples": [compared(reference, window) for reference, window in samples()],
    }
    write(FILE, to_json(fixture, width=None))


def p_value_lists() -> list[list[float]]:
    random = np.random.default_rng(5)
    return [
        [0.01],
        [0.01, 0.04, 0.03, 0.005],
        [0.02, 0.02, 0.9, 1.0],
        [float(f"{p:.6g}") for p in random.uniform(size=13) ** 3],
    ]


def adjusted(p_values: list[float]) -> dict[str, Any]:
    return {"pValues": p_values, "adjusted": stats.false_discovery_control(p_values).tolist()}


def moments() -> dict[str, Any]:
    values = np.round(np.random.default_rng(11).gamma(2, 30, size=400), 1)
    return {
        "values": values.tolist(),
        "mean": float(values.mean()),
        "deviation": float(values.std()),
        "deciles": np.quantile(values, np.arange(1, 10) / 10).tolist(),
    }


def penguins() -> dict[str, Any]:
    """Of the held-out rows that another recipe writes."""
    with PENGUINS.open() as file:
        rows = list(csv.DictReader(file))
    cells = {name: [row[name] for row in rows if row[name] != "NA"] for name in rows[0]}
    length = np.array(cells["bill_length_mm"], dtype=np.float64)
    names = {name: np.unique(cells[name], return_counts=True) for name in ("island", "sex")}
    return {
        "billLength": {
            "count": len(length),
            "missing": len(rows) - len(length),
            "mean": float(length.mean()),
            "deviation": float(length.std()),
        },
        **{
            name: {"categories": found.tolist(), "counts": counts.tolist()}
            for name, (found, counts) in names.items()
        },
    }


def samples() -> list[tuple[list[int], list[int]]]:
    random = np.random.default_rng(7)
    found = [
        ([10, 20, 30, 40], [40, 30, 20, 10]),
        ([50, 50], [13, 37]),
        ([100, 0, 100], [20, 10, 20]),
        ([0, 0, 150], [1, 2, 47]),
        ([500] * 10, [40, 60, 52, 48, 55, 45, 50, 50, 51, 49]),
    ]
    for rows, shift in ((50, 0.0), (500, 0.2), (5000, 0.5), (37, 2.0)):
        edges = np.linspace(-2, 2, 9)
        values = (random.normal(size=344), random.normal(shift, size=rows))
        found.append(tuple(count(edges, each) for each in values))
    return found


def count(edges: np.ndarray, values: np.ndarray) -> list[int]:
    return np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1).tolist()


def compared(reference: list[int], window: list[int]) -> dict[str, Any]:
    a, b = (np.repeat(np.arange(len(counts)), counts) for counts in (reference, window))
    ranks = stats.mannwhitneyu(b, a, method="asymptotic", use_continuity=False)
    return {
        "reference": reference,
        "window": window,
        "psi": stability(np.array(reference), np.array(window)),
        "ks": float(stats.ks_2samp(a, b, method="asymp").statistic),
        "rankSum": {"larger": float(ranks.statistic), "pValue": float(ranks.pvalue)},
    }


def stability(reference: np.ndarray, window: np.ndarray) -> float:
    p, q = ((counts + SMOOTHING) / (counts + SMOOTHING).sum() for counts in (reference, window))
    return float(np.sum((p - q) * np.log(p / q)))


if __name__ == "__main__":
    main()
