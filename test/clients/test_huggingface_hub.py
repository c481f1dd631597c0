"""Hugging Face's client of text generation, https://pypi.org/project/huggingface-hub/."""

import json
from pathlib import Path

import pytest
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import GenerationError, HfHubHTTPError

ROOT = Path(__file__).parents[2]
FIXTURE = json.loads((ROOT / "test" / "fixtures" / "generation" / "pocket-gpt.json").read_text())
# Some of those with tokens that are certain, to the end.
CASES = [case for case in FIXTURE["cases"] if case["certain"] == len(case["tokens"])][:3]


@pytest.fixture
def model(origin: str) -> str:
    return f"{origin}/models/pocket-gpt"


@pytest.fixture
def client(model: str) -> InferenceClient:
    return InferenceClient(model, token="any")


def options(case: dict) -> dict:
    return {"max_new_tokens": len(case["tokens"]), "return_full_text": False}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["prompt"][:30])
def test_texts_are_those_of_native_onnxruntime(client: InferenceClient, case: dict):
    assert len(CASES) == 3
    assert client.text_generation(case["prompt"], **options(case)) == case["text"]
    whole = client.text_generation(case["prompt"], details=True, **options(case))
    assert whole.generated_text == case["text"]
    assert [token.id for token in whole.details.tokens] == case["tokens"]
    assert whole.details.generated_tokens == len(case["tokens"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["prompt"][:30])
def test_streamed_texts_are_the_whole_ones(client: InferenceClient, case: dict):
    # The token that ends a text is streamed as well.
    text = "".join(client.text_generation(case["prompt"], stream=True, **options(case)))
    assert text.startswith(case["text"])
    parts = list(client.text_generation(case["prompt"], stream=True, details=True, **options(case)))
    assert [part.token.id for part in parts] == case["tokens"]
    assert parts[-1].generated_text == case["text"]
    assert parts[-1].details.generated_tokens == len(case["tokens"])
    assert all(part.generated_text is None for part in parts[:-1])


async def test_the_asynchronous_client_streams(model: str):
    (case, *_) = CASES
    async with AsyncInferenceClient(model, token="any") as client:
        parts = [
            part
            async for part in await client.text_generation(
                case["prompt"], stream=True, details=True, **options(case)
            )
        ]
    assert parts[-1].generated_text == case["text"]


def test_the_prompt_is_part_of_the_text_unless_the_client_says_otherwise(client: InferenceClient):
    (case, *_) = CASES
    text = client.text_generation(case["prompt"], max_new_tokens=len(case["tokens"]))
    assert text == case["prompt"] + case["text"]


def test_a_seed_draws_the_same_text_again(client: InferenceClient):
    def draw(seed: int) -> str:
        return client.text_generation("The sea", temperature=1.5, seed=seed, max_new_tokens=20)

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_what_cannot_be_honoured_is_refused_by_name(client: InferenceClient):
    for parameters in ({"adapter_id": "x"}, {"watermark": True}, {"best_of": 2}):
        with pytest.raises(HfHubHTTPError) as refused:
            client.text_generation("a", **parameters)
        assert refused.value.response.status_code == 400
        assert next(iter(parameters)) in refused.value.response.text


def test_a_stream_that_fails_is_an_error(model: str):
    client = InferenceClient(model, token="any", headers={"x-timeout-ms": "500"})
    parts = client.text_generation("a", stream=True, max_new_tokens=1000)
    with pytest.raises(GenerationError, match="timeout of"):
        list(parts)
