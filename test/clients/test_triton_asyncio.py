"""tritonclient's HTTP client for asyncio."""

import asyncio

import numpy as np
import pytest
import pytest_asyncio
from conftest import REAL_MODELS, assert_same, expected_outputs, fixture_inputs, tolerance
from onnx_models import DATATYPES, VALUES
from triton_tensors import to_inputs, to_outputs
from tritonclient.http.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

BINARY = pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])


@pytest_asyncio.fixture
async def client(host):
    async with InferenceServerClient(host) as client:
        yield client


@pytest_asyncio.fixture
async def open_client(open_host):
    async with InferenceServerClient(open_host) as client:
        yield client


async def test_health(client):
    assert await client.is_server_live()
    assert await client.is_server_ready()
    assert await client.is_model_ready("iris-logistic")
    assert not await client.is_model_ready("no-such-model")


async def test_metadata_config_and_index(client):
    assert (await client.get_server_metadata())["name"] == "onnxflare"
    metadata = await client.get_model_metadata("iris-logistic", "1")
    assert [tensor["name"] for tensor in metadata["inputs"]] == ["features"]
    config = await client.get_model_config("iris-logistic")
    assert config["input"] == [{"name": "features", "data_type": "TYPE_FP32", "dims": [-1, 4]}]
    index = await client.get_model_repository_index()
    assert set(REAL_MODELS) <= {entry["name"] for entry in index}


async def test_load_unload_and_statistics(open_client):
    await open_client.load_model("wine-naive-bayes")
    await open_client.infer("wine-naive-bayes", to_inputs(fixture_inputs("wine-naive-bayes")))
    (stats,) = (await open_client.get_inference_statistics("wine-naive-bayes"))["model_stats"]
    assert stats["inference_count"] == 1
    await open_client.unload_model("wine-naive-bayes")


@pytest.mark.parametrize("datatype", DATATYPES)
@BINARY
async def test_every_datatype(client, datatype, binary):
    values = VALUES[datatype]
    model = f"identity-{datatype.lower()}"
    outputs = to_outputs("y", binary=binary)
    result = await client.infer(model, to_inputs({"x": values}, binary), outputs=outputs)
    assert_same(result.as_numpy("y"), values)


@pytest.mark.parametrize("model", REAL_MODELS)
async def test_real_models_answer_as_other_engines(client, model):
    inputs = fixture_inputs(model)
    result = await client.infer(model, to_inputs(inputs))
    for name, array in expected_outputs(model).items():
        np.testing.assert_allclose(result.as_numpy(name), array, rtol=0, atol=tolerance(model, name))


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
async def test_compression(client, algorithm):
    values = np.arange(40_000, dtype=np.float32).reshape(100, 400)
    result = await client.infer(
        "identity-fp32",
        to_inputs({"x": values}),
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )
    assert_same(result.as_numpy("y"), values)


async def test_classification(client):
    features = np.array([[5.1, 3.5, 1.4, 0.2]], np.float32)
    outputs = to_outputs("probabilities", class_count=1)
    result = await client.infer("iris-logistic", to_inputs({"features": features}), outputs=outputs)
    assert result.as_numpy("probabilities").item().decode().endswith(":0:setosa")


async def test_many_requests_at_once(client):
    arrays = [np.full((1, 3), index, np.int64) for index in range(16)]
    results = await asyncio.gather(
        *(client.infer("identity-int64", to_inputs({"x": array})) for array in arrays)
    )
    for result, array in zip(results, arrays, strict=True):
        assert_same(result.as_numpy("y"), array)


async def test_errors_are_the_servers(client):
    with pytest.raises(InferenceServerException, match='No model named "no-such-model"') as unknown:
        await client.infer("no-such-model", [])
    assert unknown.value.status() == "404"
