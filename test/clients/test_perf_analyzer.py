"""perf_analyzer, Triton's load generator, https://pypi.org/project/perf-analyzer/."""

import csv
import os
import re
import subprocess
import time
from urllib.request import urlopen

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
        "--metrics-url": f"{open_host}/metrics",
        "--metrics-interval": "100",
    }
    arguments = [argument for option in options.items() for argument in option]
    arguments += ["--collect-metrics", "--verbose-csv"]
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
    # Of /metrics it shows the numbers of GPUs, of which there are none; an answer that it cannot read ends the run.
    assert "Server Prometheus Metrics:" in run.stdout
    assert all("Avg GPU Utilization" in row for row in rows)

    metrics = read_metrics(open_host, sum(counts))
    assert metrics["nv_inference_count"] == metrics["nv_inference_request_success"]
    assert metrics["nv_inference_exec_count"] == metrics["nv_inference_count"]
    # The parts of a request are not longer than the whole, up to the rounding of each.
    parts = ["queue", "compute_input", "compute_infer", "compute_output"]
    durations = [metrics[f"nv_inference_{part}_duration_us"] for part in parts]
    rounding = 1000 * metrics["nv_inference_count"]
    assert 0 < sum(durations) <= metrics["nv_inference_request_duration_us"] + rounding


def read_metrics(host: str, least: int) -> dict[str, int]:
    """Triton's counters of the model, when they have so many inferences: isolates send theirs every few seconds."""
    pattern = re.compile(r'^(nv_\w+)\{model="iris-logistic",version="1"\} (\d+)$', re.MULTILINE)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with urlopen(f"http://{host}/metrics", timeout=10) as response:
            text = response.read().decode()
        metrics = {name: int(value) for name, value in pattern.findall(text)}
        if metrics.get("nv_inference_count", 0) >= least:
            return metrics
        time.sleep(0.2)
    raise AssertionError(f"/metrics has no {least} inferences: {text}")
