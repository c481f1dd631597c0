"""
Real clients against the built Worker, which scripts/test-clients.ts starts twice: once as it is
deployed, and once with REPOSITORY_CONTROL=open.
"""

import json
import os
from base64 import b64decode
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import onnxruntime
import pytest
from onnx_models import MODELS
from tritonclient.utils import triton_to_np_dtype

ROOT = Path(__file__).parents[2]
ADMIN_KEY = os.environ["ONNXFLARE_ADMIN_KEY"]

# Inputs and the tolerance of each model of models/ whose inputs are tensors, by its name.
FIXTURES = {
    file.stem: fixture
    for file in sorted((ROOT / "test" / "fixtures" / "expected").glob("*.json"))
    if isinstance((fixture := json.loads(file.read_text())).get("inputs"), list)
    and (ROOT / "models" / file.stem).exists()
}
REAL_MODELS = list(FIXTURES)


@pytest.fixture(scope="session")
def admin() -> dict[str, str]:
    """The header of the admin key."""
    return {"authorization": f"Bearer {ADMIN_KEY}"}


@pytest.fixture(scope="session")
def origin(admin: dict[str, str]) -> str:
    """The Worker as it is deployed, with the models of models/ and of onnx_models.py."""
    url = os.environ["ONNXFLARE_URL"].rstrip("/")
    for name, model in MODELS.items():
        path = f"{url}/admin/models/{name}/versions/1"
        with urlopen(Request(path, data=model, headers=admin, method="PUT")) as response:
            assert response.status == 201
    return url


@pytest.fixture(scope="session")
def host(origin: str) -> str:
    """The host and port for tritonclient."""
    return origin.removeprefix("http://")


@pytest.fixture(scope="session")
def open_host() -> str:
    """A Worker on which everybody may load and unload models."""
    return os.environ["ONNXFLARE_OPEN_URL"].rstrip("/").removeprefix("http://")


def fixture_inputs(model: str) -> dict[str, np.ndarray]:
    """Held-out inputs of a model of models/, as arrays by name."""
    return {tensor["name"]: to_array(tensor) for tensor in FIXTURES[model]["inputs"]}


def expected_outputs(model: str) -> dict[str, np.ndarray]:
    """
    The outputs that another engine gave for these inputs. They are recorded, because onnxruntime's
    own int8 kernels saturate on x86 processors without VNNI: there it is far from what it
    answers elsewhere (0.96 of a logit of whisper-tiny-en).
    """
    return {tensor["name"]: to_array(tensor) for tensor in FIXTURES[model]["outputs"]}


def to_array(tensor: dict) -> np.ndarray:
    dtype = triton_to_np_dtype(tensor["datatype"])
    if "dataBase64" in tensor:
        flat = np.frombuffer(b64decode(tensor["dataBase64"]), dtype)
    else:
        flat = np.array(tensor["data"], dtype)
    return flat.reshape(tensor["shape"])


def run_natively(model: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of native onnxruntime."""
    session = open_session(model)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def open_session(model: str) -> onnxruntime.InferenceSession:
    folder = ROOT / "models" / model / "1"
    file = folder / json.loads((folder / "manifest.json").read_text())["file"]
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


def tolerance(model: str, output: str) -> float:
    """How far onnxruntime-web may be from another engine."""
    return FIXTURES[model]["tolerance"].get(output, 0)


def assert_same(actual: np.ndarray, expected: np.ndarray) -> None:
    """To the last bit, with NaN equal to NaN; texts may come as bytes."""
    if expected.dtype == np.object_:
        decoded = [item.decode() if isinstance(item, bytes) else item for item in actual.flatten()]
        assert decoded == list(expected.flatten())
    else:
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)
        if actual.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(actual), np.signbit(expected))
    assert actual.shape == expected.shape
