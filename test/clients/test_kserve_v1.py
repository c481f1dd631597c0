"""KServe's client of its v1 protocol, https://pypi.org/project/kserve/."""

import httpx
import numpy as np
import pytest
import pytest_asyncio
from conftest import fixture_inputs, run_natively, tolerance
from kserve import InferenceRESTClient, RESTConfig

MODEL = "iris-logistic"


@pytest_asyncio.fixture
async def client():
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        yield client


async def test_health(client, origin):
    assert await client.is_server_live(origin)
    assert await client.is_model_ready(origin, MODEL) is True
    with pytest.raises(httpx.HTTPStatusError, match="No model named") as unknown:
        await client.is_model_ready(origin, "no-such-model")
    assert unknown.value.response.status_code == 404


async def test_predictions_are_those_of_native_onnxruntime(client, origin):
    inputs = fixture_inputs(MODEL)
    expected = run_natively(MODEL, inputs)
    (features,) = inputs.values()
    for instances in (features.tolist(), [{"features": row} for row in features.tolist()]):
        response = await client.infer(origin, {"instances": instances}, model_name=MODEL)
        predictions = response["predictions"]
        for name, array in expected.items():
            returned = np.array([prediction[name] for prediction in predictions])
            np.testing.assert_allclose(returned, array, rtol=0, atol=tolerance(MODEL, name))


async def test_columns_of_several_inputs(client, origin):
    a = np.arange(32, dtype=np.int32).reshape(2, 16)
    request = {"inputs": {"a": a.tolist(), "b": (2 * a).tolist()}}
    response = await client.infer(origin, request, model_name="sum-and-difference")
    np.testing.assert_array_equal(response["outputs"]["sum"], 3 * a)
    np.testing.assert_array_equal(response["outputs"]["difference"], -a)


async def test_integers_of_64_bits_are_exact(client, origin):
    rows = [[-(2**63), 2**53 + 1, 2**63 - 1]]
    response = await client.infer(origin, {"instances": rows}, model_name="identity-int64")
    assert response == {"predictions": rows}


async def test_errors_are_the_servers(client, origin):
    with pytest.raises(httpx.HTTPStatusError, match='No model named "no-such-model"'):
        await client.infer(origin, {"instances": [1]}, model_name="no-such-model")
    with pytest.raises(httpx.HTTPStatusError, match='"instances"') as invalid:
        await client.infer(origin, {}, model_name=MODEL)
    assert invalid.value.response.status_code == 400
