"""OpenVINO Model Server's client of TensorFlow Serving's API over HTTP, https://pypi.org/project/ovmsclient/."""

import numpy as np
import pytest
from conftest import assert_same, fixture_inputs, run_natively, tolerance
from onnx_models import VALUES
from ovmsclient import make_http_client
from ovmsclient.tfs_compat.base.errors import InvalidInputError, ModelNotFoundError

MODEL = "iris-logistic"


@pytest.fixture
def client(host):
    return make_http_client(host)


@pytest.mark.parametrize("version", [0, 1], ids=["newest", "1"])
def test_predictions_are_those_of_native_onnxruntime(client, version):
    inputs = fixture_inputs(MODEL)
    outputs = client.predict(inputs, MODEL, version)
    for name, array in run_natively(MODEL, inputs).items():
        np.testing.assert_allclose(outputs[name], array, rtol=0, atol=tolerance(MODEL, name))


@pytest.mark.parametrize("datatype", ["UINT8", "INT32", "INT64", "FP32", "FP64"])
def test_the_only_output_is_bare(client, datatype):
    values = VALUES[datatype]
    returned = client.predict({"x": values}, f"identity-{datatype.lower()}")
    assert_same(returned.astype(values.dtype), values)


def test_texts(client):
    texts = np.array([["a", "é"], ["漢", ""]])
    assert client.predict({"x": texts}, "identity-bytes").tolist() == texts.tolist()


def test_status(client):
    for version in (0, 1):
        status = client.get_model_status(MODEL, version)
        assert status == {1: {"state": "AVAILABLE", "error_code": 0, "error_message": ""}}


def test_metadata(client):
    metadata = client.get_model_metadata(MODEL)
    assert metadata["model_version"] == 1
    assert metadata["inputs"] == {"features": {"dtype": "DT_FLOAT", "shape": [-1, 4]}}
    assert metadata["outputs"] == {
        "label": {"dtype": "DT_INT64", "shape": [-1]},
        "probabilities": {"dtype": "DT_FLOAT", "shape": [-1, 3]},
    }


def test_errors(client):
    for call in (client.get_model_status, client.get_model_metadata):
        with pytest.raises(ModelNotFoundError, match="No model named"):
            call("no-such-model")
    with pytest.raises(ModelNotFoundError, match="No model named"):
        client.predict({"x": [1]}, "no-such-model")
    with pytest.raises(InvalidInputError, match='no input "x"'):
        client.predict({"x": [1]}, MODEL)
