"""perf_analyzer, Triton's load generator, https://pypi.org/project/perf-analyzer/."""

import csv
import os
import re
import subprocess

import pytest


@pytest.fixture(scope="module")
def program() -> list[str]:
    reason = os.environ.get("PERF_ANALYZER_MISSING")
    if reason:
        pytest.skip(reason)
    return os.environ["PERF_ANALYZER"].split("\n")


@pytest.mark.parametrize("encoding", ["binary", "json"])
def test_a_run_is_completed(program, open_host, tmp_path, encoding):
    report = tmp_path / "report.csv"
    options = {
        "-m": "iris-logistic",
        "-i": "http",
        "-u": open_host,
        "--shape": "features:1,4",
        "--input-tensor-format": encoding,
        "--output-tensor-format": encoding,
        "--concurrency-range": "1:2",
        "--measurement-interval": "500",
        # The stability of the figures is not tested.
        "--stability-percentage": "999",
        "-f": str(report),
    }
    arguments = [argument for option in options.items() for argument in option]
    run = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=120)
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    with report.open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["Concurrency"] for row in rows) == ["1", "2"]
    for row in rows:
        assert float(row["Inferences/Second"]) > 0
    # From the server's statistics, which were read before and after: the engine ran.
    counts = [int(count) for count in re.findall(r"Inference count: (\d+)", run.stdout)]
    assert len(counts) == 2
    assert min(counts) > 0
