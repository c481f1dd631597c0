"""KServe's client of the Open Inference Protocol, https://pypi.org/project/kserve/."""

import httpx
import numpy as np
import pytest
import pytest_asyncio
from conftest import REAL_MODELS, assert_same, expected_outputs, fixture_inputs, tolerance
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.errors import InvalidInput
from kserve.protocol.infer_type import RequestedOutput
from kserve.utils.numpy_codec import from_np_dtype
from onnx_models import DATATYPES, VALUES

BINARY = pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])


@pytest_asyncio.fixture
async def client():
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        yield client


def to_request(model: str, arrays: dict[str, np.ndarray], binary: bool) -> InferRequest:
    """Inputs in one encoding, and all outputs in the same."""
    inputs = []
    for name, array in arrays.items():
        tensor = InferInput(name, list(array.shape), from_np_dtype(array.dtype))
        tensor.set_data_from_numpy(array, binary_data=binary)
        inputs.append(tensor)
    return InferRequest(model, inputs, request_id="7", parameters={"binary_data_output": binary})


async def test_health(client, origin):
    assert await client.is_server_live(origin)
    assert await client.is_server_ready(origin)
    assert await client.is_model_ready(origin, "iris-logistic")
    assert not await client.is_model_ready(origin, "no-such-model")


@pytest.mark.parametrize("datatype", DATATYPES)
@BINARY
async def test_every_datatype(client, origin, datatype, binary):
    values = VALUES[datatype]
    model = f"identity-{datatype.lower()}"
    if datatype == "FP16" and not binary:
        # The client's own rule, by which nothing is sent.
        with pytest.raises(InvalidInput, match="FP16 data via JSON"):
            await client.infer(origin, to_request(model, {"x": values}, binary), model_name=model)
        return
    response = await client.infer(origin, to_request(model, {"x": values}, binary), model_name=model)
    (output,) = response.outputs
    assert (response.id, output.name, output.datatype) == ("7", "y", datatype)
    assert_same(output.as_numpy(), values)


@pytest.mark.parametrize("model", REAL_MODELS)
@BINARY
async def test_real_models_answer_as_other_engines(client, origin, model, binary):
    inputs = fixture_inputs(model)
    response = await client.infer(origin, to_request(model, inputs, binary), model_name=model)
    returned = {output.name: output.as_numpy() for output in response.outputs}
    for name, array in expected_outputs(model).items():
        np.testing.assert_allclose(returned[name], array, rtol=0, atol=tolerance(model, name))


async def test_outputs_are_chosen(client, origin):
    array = np.ones((1, 16), np.int32)
    request = to_request("sum-and-difference", {"a": array, "b": array}, binary=True)
    request.request_outputs = [RequestedOutput("difference", parameters={"binary_data": False})]
    response = await client.infer(origin, request, model_name="sum-and-difference")
    assert [output.name for output in response.outputs] == ["difference"]
    assert_same(response.outputs[0].as_numpy(), np.zeros((1, 16), np.int32))


async def test_a_request_as_a_dictionary(client, origin):
    request = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [2, 2], "data": [[1, 2], [3, 4]]}]}
    response = await client.infer(origin, request, model_name="mean")
    assert response.outputs[0].data == [2.5]


async def test_errors_are_the_servers(client, origin):
    with pytest.raises(httpx.HTTPStatusError, match='No model named "no-such-model"') as unknown:
        await client.infer(origin, {"inputs": []}, model_name="no-such-model")
    assert unknown.value.response.status_code == 404
