"""OpenAI's client, https://pypi.org/project/openai/, with the model pocket-gpt."""

import json
from datetime import date
from pathlib import Path
from typing import Literal

import openai
import pytest
from pydantic import BaseModel, Field

ROOT = Path(__file__).parents[2]
MODEL = "pocket-gpt"

FIXTURE = json.loads((ROOT / "test" / "fixtures" / "generation" / f"{MODEL}.json").read_text())

# Answers that end by themselves and whose every token is certain, by native onnxruntime (recipes/pocket_gpt.py).
CHATS = [
    case
    for case in FIXTURE["cases"]
    if "messages" in case
    and case["certain"] == len(case["tokens"]) >= 12
    and case["tokens"][-1] in FIXTURE["endTokens"]
]


@pytest.fixture
def client(origin):
    with openai.OpenAI(base_url=f"{origin}/v1", api_key="any", max_retries=0) as client:
        yield client


def ask(case):
    return {"model": MODEL, "messages": case["messages"], "max_tokens": len(case["tokens"]), "temperature": 0}


@pytest.mark.parametrize("case", CHATS, ids=lambda case: case["messages"][-1]["content"])
def test_chats_are_those_of_native_onnxruntime(client, case):
    whole = client.chat.completions.create(**ask(case))
    assert whole.choices[0].message.content == case["text"]
    assert whole.usage.prompt_tokens == len(case["ids"])
    assert whole.usage.completion_tokens == len(case["tokens"])
    with client.chat.completions.stream(**ask(case), stream_options={"include_usage": True}) as stream:
        for _ in stream:
            pass
        streamed = stream.get_final_completion()
    assert streamed.choices[0].message.content == case["text"]
    assert streamed.choices[0].finish_reason == whole.choices[0].finish_reason
    # Answers from the cache do not tell how much of their prompt was kept.
    counts = {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert streamed.usage.model_dump(include=counts) == whole.usage.model_dump(include=counts)


def test_a_completion_is_the_same_whole_and_streamed(client):
    request = {"model": MODEL, "prompt": "The old man looked at the sea and", "max_tokens": 12, "seed": 5, "temperature": 1}
    whole = client.completions.create(**request).choices[0].text
    chunks = client.completions.create(**request, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole


def test_a_stream_that_is_closed_early_leaves_the_server_usable(client):
    stream = client.completions.create(model=MODEL, prompt="The old man", max_tokens=900, stream=True)
    assert next(stream).choices[0].text
    stream.close()
    assert client.completions.create(model=MODEL, prompt="The old man", max_tokens=1).choices


class Option(BaseModel):
    name: Literal["-u", "-r", "-q"]
    value: str | None
    weight: float = Field(ge=0, le=1)


class Command(BaseModel):
    program: str = Field(min_length=1, max_length=12)
    options: list[Option] = Field(max_length=2)
    priority: int = Field(ge=1, le=9)
    day: date
    next: "Command | None"


@pytest.mark.parametrize("seed", range(4))
def test_an_answer_is_parsed_as_a_model_of_pydantic(client, seed):
    request = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "How do I compare two files with diff?"}],
        "temperature": 1.5,
        "seed": seed,
        "max_tokens": [80, 120, 300, 600][seed],
        "response_format": Command,
    }
    whole = client.chat.completions.parse(**request)
    assert isinstance(whole.choices[0].message.parsed, Command)
    with client.chat.completions.stream(**request) as stream:
        for _ in stream:
            pass
        streamed = stream.get_final_completion()
    assert streamed.choices[0].message.parsed == whole.choices[0].message.parsed


def test_a_json_object_is_one_whatever_the_limit_is(client):
    for limit in (2, 9, 60):
        answer = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Hello"}],
            temperature=2,
            max_tokens=limit,
            response_format={"type": "json_object"},
        )
        assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_a_field_that_is_not_honoured_is_refused_by_name(client):
    tools = [{"type": "function", "function": {"name": "a", "parameters": {}}}]
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(**ask(CHATS[0]), tools=tools)
    assert refused.value.param == "tools"
