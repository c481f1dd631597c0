"""tritonclient's synchronous HTTP client, https://pypi.org/project/tritonclient/."""

import numpy as np
import pytest
from conftest import (
    REAL_MODELS,
    assert_same,
    expected_outputs,
    fixture_inputs,
    open_session,
    run_natively,
    tolerance,
)
from onnx_models import DATATYPES, FLOATS, VALUES
from triton_tensors import to_inputs, to_outputs
from tritonclient.http import InferenceServerClient
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

BINARY = pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
FEATURES = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], np.float32)


@pytest.fixture(scope="module")
def client(host):
    with InferenceServerClient(host, concurrency=4) as client:
        yield client


@pytest.fixture(scope="module")
def open_client(open_host):
    with InferenceServerClient(open_host) as client:
        yield client


def test_health(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("iris-logistic")
    assert client.is_model_ready("iris-logistic", "1")
    assert not client.is_model_ready("no-such-model")
    assert not client.is_model_ready("iris-logistic", "2")


def test_server_metadata(client):
    metadata = client.get_server_metadata()
    assert metadata["name"] == "onnxflare"
    extensions = {
        "binary_tensor_data",
        "classification",
        "model_configuration",
        "model_repository",
        "statistics",
    }
    assert extensions <= set(metadata["extensions"])


@pytest.mark.parametrize("model", REAL_MODELS)
def test_model_metadata_and_config_are_what_onnxruntime_reads(client, model):
    session = open_session(model)
    metadata = client.get_model_metadata(model)
    config = client.get_model_config(model, "1")
    assert (metadata["name"], metadata["versions"], config["name"]) == (model, ["1"], model)
    for values, tensors, configured in [
        (session.get_inputs(), metadata["inputs"], config["input"]),
        (session.get_outputs(), metadata["outputs"], config["output"]),
    ]:
        assert [tensor["name"] for tensor in tensors] == [value.name for value in values]
        for value, tensor, entry in zip(values, tensors, configured, strict=True):
            fixed = [size if isinstance(size, int) else -1 for size in value.shape]
            assert (tensor["shape"], entry["dims"], entry["name"]) == (fixed, fixed, value.name)
            assert entry["data_type"] == f"TYPE_{tensor['datatype']}"
            # numpy's name of what the client makes of the datatype: tensor(float), tensor(int64), ...
            dtype = np.dtype(triton_to_np_dtype(tensor["datatype"])).name
            assert value.type == f"tensor({ {'float32': 'float', 'float64': 'double'}.get(dtype, dtype) })"


def test_index(client):
    index = client.get_model_repository_index()
    entries = {entry["name"]: entry for entry in index}
    assert {*REAL_MODELS, "product", "identity-bytes"} <= set(entries)
    assert entries["product"] == {"name": "product", "version": "1", "state": "READY", "reason": ""}


def test_load_and_unload_with_the_admin_key(client, admin):
    client.unload_model("iris-kmeans", headers=admin)
    client.load_model("iris-kmeans", headers=admin)
    assert client.is_model_ready("iris-kmeans")
    with pytest.raises(InferenceServerException, match="models:write") as refusal:
        client.load_model("iris-kmeans")
    assert refusal.value.status() == "401"
    with pytest.raises(InferenceServerException, match="no-such-model"):
        client.load_model("no-such-model", headers=admin)


def test_load_and_unload_by_nothing_but_another_base_url(open_client):
    open_client.load_model("iris-kmeans")
    open_client.unload_model("iris-kmeans", unload_dependents=True)
    assert open_client.is_model_ready("iris-kmeans")
    with pytest.raises(InferenceServerException, match="config"):
        open_client.load_model("iris-kmeans", config='{"max_batch_size": 8}')


def test_statistics(client):
    def counts():
        (stats,) = client.get_inference_statistics("mean", "1")["model_stats"]
        return stats["inference_count"], stats["inference_stats"]["success"]["count"]

    before = counts()
    client.infer("mean", to_inputs({"x": np.ones((2, 2))}))
    assert counts() == (before[0] + 1, before[1] + 1)
    names = {stats["name"] for stats in client.get_inference_statistics()["model_stats"]}
    assert {*REAL_MODELS, "mean"} <= names


@pytest.mark.parametrize("datatype", DATATYPES)
@pytest.mark.parametrize("sent", [True, False], ids=["binary-in", "json-in"])
@pytest.mark.parametrize("binary_output", [True, False], ids=["binary-out", "json-out"])
def test_every_datatype(client, datatype, sent, binary_output):
    values = VALUES[datatype]
    model = f"identity-{datatype.lower()}"
    result = client.infer(model, to_inputs({"x": values}, sent), outputs=to_outputs("y", binary=binary_output))
    assert result.get_output("y")["datatype"] == datatype
    assert_same(result.as_numpy("y"), values)


@pytest.mark.parametrize("datatype", DATATYPES)
@BINARY
def test_empty_tensors(client, datatype, binary):
    empty = VALUES[datatype][:0]
    model = f"identity-{datatype.lower()}"
    result = client.infer(model, to_inputs({"x": empty}, binary), outputs=to_outputs("y", binary=binary))
    assert_same(result.as_numpy("y"), empty)


@pytest.mark.parametrize("datatype", FLOATS)
@BINARY
def test_nan_and_infinity(client, datatype, binary):
    values = np.array([[np.nan, np.inf, -np.inf]], VALUES[datatype].dtype)
    model = f"identity-{datatype.lower()}"
    result = client.infer(model, to_inputs({"x": values}), outputs=to_outputs("y", binary=binary))
    assert_same(result.as_numpy("y"), values)


def test_nan_as_a_json_token_is_refused(client):
    """The client writes NaN, which is not JSON; in bytes it passes."""
    values = np.array([[np.nan]], np.float32)
    with pytest.raises(InferenceServerException, match="not JSON") as refusal:
        client.infer("identity-fp32", to_inputs({"x": values}, binary=False))
    assert refusal.value.status() == "400"


@BINARY
def test_arithmetic(client, binary):
    random = np.random.default_rng(1)
    a, b = random.integers(-1000, 1000, (2, 4, 16), np.int32)
    result = client.infer("sum-and-difference", to_inputs({"a": a, "b": b}, binary))
    assert_same(result.as_numpy("sum"), a + b)
    assert_same(result.as_numpy("difference"), a - b)

    left, right = random.standard_normal((3, 5), np.float32), random.standard_normal((5, 2), np.float32)
    result = client.infer("product", to_inputs({"a": left, "b": right}, binary))
    np.testing.assert_allclose(result.as_numpy("c"), left @ right, rtol=1e-6, atol=1e-6)

    values = random.standard_normal((7, 3))
    result = client.infer("mean", to_inputs({"x": values}, binary), outputs=to_outputs("m", binary=binary))
    assert result.as_numpy("m").shape == ()
    np.testing.assert_allclose(result.as_numpy("m"), values.mean(), rtol=1e-12)


def test_inputs_and_outputs_can_be_mixed(client):
    a, b = np.full((2, 1, 16), 7, np.int32)
    inputs = to_inputs({"a": a}, binary=False) + to_inputs({"b": b}, binary=True)
    outputs = to_outputs("difference", binary=False) + to_outputs("sum", binary=True)
    result = client.infer("sum-and-difference", inputs, outputs=outputs)
    assert [output["name"] for output in result.get_response()["outputs"]] == ["difference", "sum"]
    assert_same(result.as_numpy("sum"), a + b)
    assert_same(result.as_numpy("difference"), a - b)


@pytest.mark.parametrize("model", REAL_MODELS)
@BINARY
def test_real_models_answer_as_other_engines(client, model, binary):
    inputs = fixture_inputs(model)
    expected = expected_outputs(model)
    outputs = to_outputs(*expected, binary=binary)
    result = client.infer(
        model, to_inputs(inputs, binary), model_version="1", outputs=outputs, request_id="7"
    )
    assert (result.get_response()["id"], result.get_response()["model_version"]) == ("7", "1")
    for name, array in expected.items():
        assert result.as_numpy(name).dtype == array.dtype
        np.testing.assert_allclose(result.as_numpy(name), array, rtol=0, atol=tolerance(model, name))


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
@BINARY
def test_compression(client, algorithm, binary):
    values = np.arange(40_000, dtype=np.float32).reshape(100, 400)
    result = client.infer(
        "identity-fp32",
        to_inputs({"x": values}, binary),
        outputs=to_outputs("y", binary=binary),
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )
    assert_same(result.as_numpy("y"), values)


@BINARY
def test_classification(client, binary):
    outputs = to_outputs("probabilities", binary=binary, class_count=2)
    result = client.infer("iris-logistic", to_inputs({"features": FEATURES}), outputs=outputs)
    probabilities = run_natively("iris-logistic", {"features": FEATURES})["probabilities"]
    labels = ["setosa", "versicolor", "virginica"]
    classes = result.as_numpy("probabilities")
    assert classes.shape == (2, 2)
    for row, entries in zip(probabilities, classes, strict=True):
        best = np.argsort(-row, kind="stable")[:2]
        for index, entry in zip(best, entries, strict=True):
            value, position, label = (entry.decode() if isinstance(entry, bytes) else entry).split(":")
            assert (int(position), label) == (index, labels[index])
            assert float(value) == pytest.approx(row[index], abs=1e-6)


def test_schedule_policy(client):
    inputs = to_inputs({"features": FEATURES})
    result = client.infer(
        "iris-logistic", inputs, priority=1, timeout=5_000_000, parameters={"origin": "test"}
    )
    assert result.as_numpy("label").shape == (2,)
    with pytest.raises(InferenceServerException, match="sequence_id"):
        client.infer("iris-logistic", inputs, sequence_id=1, sequence_start=True)


def test_many_requests_at_once(client):
    arrays = [np.full((1, 3), index, np.int64) for index in range(16)]
    pending = [client.async_infer("identity-int64", to_inputs({"x": array})) for array in arrays]
    for request, array in zip(pending, arrays, strict=True):
        assert_same(request.get_result().as_numpy("y"), array)


def test_errors_are_the_servers(client):
    with pytest.raises(InferenceServerException) as wrong:
        client.infer("iris-logistic", to_inputs({"features": FEATURES[:, :3]}))
    assert wrong.value.status() == "400"
    assert wrong.value.message().startswith('Input "features": expected shape [batch, 4], got [2, 3]')
    with pytest.raises(InferenceServerException, match='No model named "no-such-model"') as unknown:
        client.infer("no-such-model", [])
    assert unknown.value.status() == "404"
