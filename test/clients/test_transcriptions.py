"""Speech recognition by the clients of OpenAI and Hugging Face, with the model whisper-tiny-en."""

import json
from pathlib import Path

import openai
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

FOLDER = Path(__file__).parents[1] / "fixtures" / "speech"
MODEL = "whisper-tiny-en"
NAME = "hibari-05"
WAV = FOLDER / f"{NAME}.wav"

# What the same weights write down in Python.
TEXT = next(
    recording["int8"]
    for recording in json.loads((FOLDER / "transcripts.json").read_text())["recordings"]
    if recording["name"] == NAME
)


@pytest.fixture
def transcriptions(origin):
    with openai.OpenAI(base_url=f"{origin}/v1", api_key="any", max_retries=0) as client:
        yield client.audio.transcriptions


@pytest.fixture
def client(origin):
    return InferenceClient(f"{origin}/models/{MODEL}", token="any")


def test_openai_gets_the_text_in_each_format(transcriptions):
    request = {"file": WAV, "model": MODEL}
    brief = transcriptions.create(**request)
    assert (brief.text, brief.usage.type, brief.usage.seconds) == (TEXT, "duration", 5)
    verbose = transcriptions.create(
        **request, response_format="verbose_json", timestamp_granularities=["segment"]
    )
    assert (verbose.text, verbose.language) == (TEXT, "english")
    assert "".join(segment.text for segment in verbose.segments).strip() == TEXT
    assert transcriptions.create(**request, response_format="text") == f"{TEXT}\n"
    for response_format in ("srt", "vtt"):
        assert TEXT in transcriptions.create(**request, response_format=response_format)


def test_openai_streams_the_text(transcriptions):
    events = list(transcriptions.create(file=WAV, model=MODEL, stream=True))
    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]
    assert events[0].delta == events[1].text == TEXT
    assert events[1].usage.total_tokens == events[1].usage.input_tokens + events[1].usage.output_tokens


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("include", {"include": ["logprobs"]}),
        ("language", {"language": "fr"}),
        ("response_format", {"response_format": "srt", "stream": True}),
        (
            "timestamp_granularities.0",
            {"response_format": "verbose_json", "timestamp_granularities": ["word"]},
        ),
    ],
)
def test_openai_is_told_the_field_that_is_not_honoured(transcriptions, field, fields):
    with pytest.raises(openai.BadRequestError) as caught:
        transcriptions.create(file=WAV, model=MODEL, **fields)
    assert caught.value.param == field


def test_hugging_face_gets_the_text_of_files_and_bytes(client):
    assert client.automatic_speech_recognition(WAV).text == TEXT
    assert client.automatic_speech_recognition(WAV.read_bytes()).text == TEXT


def test_hugging_face_gets_chunks(client):
    result = client.automatic_speech_recognition(WAV, extra_body={"return_timestamps": True})
    assert result.text == TEXT
    (chunk,) = result.chunks
    start, end = chunk.timestamp
    assert chunk.text.strip() == TEXT
    assert 0 <= start < end <= 4.325


def test_hugging_face_is_told_what_times_of_words_need(client):
    with pytest.raises(HfHubHTTPError, match="alignment heads"):
        client.automatic_speech_recognition(WAV, extra_body={"return_timestamps": "word"})
