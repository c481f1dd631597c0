"""
What schemathesis cannot generate: model files and binary tensors. Keeps requests from changing the models
that other requests use, and records the statuses of each operation.
"""

import atexit
import json
import os
import struct
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

MODELS = Path(__file__).parents[2] / "models"
SCRATCH = "scratch"
CHANGING = {"publishVersion", "deleteVersion"}

FLOWER = struct.pack("<4f", 5.1, 3.5, 1.4, 0.2)
MODEL_FILES = [
    (MODELS / "iris-logistic/1/model.onnx").read_bytes(),
    (MODELS / "diabetes-ridge/1/model.onnx").read_bytes(),
]

schemathesis.openapi.media_type(
    "application/octet-stream",
    st.sampled_from([FLOWER, FLOWER * 3, *MODEL_FILES]) | st.binary(),
)

statuses: set[tuple[str, int]] = set()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Directs publishing and deleting to a model that no other request uses, and revoking to such a key; lets streams of events end."""
    operation = case.operation.definition.raw["operationId"]
    if operation in CHANGING and (MODELS / str(case.path_parameters.get("model"))).is_dir():
        case.path_parameters["model"] = SCRATCH
    if operation == "revokeKey" and case.path_parameters.get("key") == os.environ["ONNXFLARE_KEY_ID"]:
        case.path_parameters["key"] = os.environ["ONNXFLARE_REVOKED_KEY_ID"]
    if operation == "streamEvents" and str(case.query.get("follow")).lower() in ("true", ""):
        case.query["follow"] = "false"


@schemathesis.hook
def filter_case(context, case):
    """
    An empty header is none (RFC 9110, section 5.6.1), and a field that is null may be an absent one, so neither is the wrong
    value that it is meant to be.
    """
    return case.headers.get("content-encoding") != "" and not has_null(case.body)


def has_null(value):
    if isinstance(value, dict):
        return any(field is None or has_null(field) for field in value.values())
    return isinstance(value, list) and any(map(has_null, value))


@schemathesis.hook
def after_call(context, case, response):
    statuses.add((case.operation.definition.raw["operationId"], response.status_code))


@atexit.register
def write_statuses():
    Path(os.environ["ONNXFLARE_STATUSES"]).write_text(json.dumps(sorted(statuses)))
