"""voice-activity: where somebody speaks, by Silero VAD.

Weights: PyPI silero-vad (MIT, Silero Team), its model for sequences at 16 kHz. The stock model of the same
package, run window by window by Python's ONNX Runtime, and its TorchScript form give the expected answers.
Measured on recordings in Debian packages, of which none is kept here but a few seconds for the tests.
"""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import scipy
import soundfile
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from scipy.signal import resample_poly

from packages import read_exactly, unpack_deb, unpack_wheel
from publish import (
    ROOT,
    Fixture,
    Publication,
    finish,
    max_error,
    plain,
    publish,
    run,
    serialize,
    significant,
    tolerance_for,
    write,
)
from rendering import Card, to_json

NAME = "voice-activity"
PACKAGE = "silero-vad==6.2.3"
SEQUENCE = (
    "silero_vad_16k_sequence.onnx",
    "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85",
)
STOCK = ("silero_vad.onnx", "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3")
ENGINE = f"{PACKAGE.replace('==', ' ')}, its stock model in onnxruntime {onnxruntime.__version__}"
TORCH_ENGINE = f"{PACKAGE.replace('==', ' ')}, get_speech_timestamps of its TorchScript model"

RATE = 16000
WINDOW = 512
CONTEXT = 64
FIXTURE_WINDOWS = 8
PROMPTS = "usr/share/asterisk/sounds/en_US_f_Allison"

DEBS = {
    "books": (
        "p/pocketsphinx/pocketsphinx-testdata_0.8+5prealpha+1-15_all.deb",
        "eaeb7a01d54f20b799d1a81ef110ec544b2cb47ea006614078220737a33019f0",
    ),
    "channels": (
        "a/alsa-utils/alsa-utils_1.2.8-1_amd64.deb",
        "fb24eb1a318228b974efbef726190dd90c6106a208814a3ee8f5d69b91ee0ba4",
    ),
    "prompts": (
        "a/asterisk-core-sounds/asterisk-core-sounds-en-wav_1.6.1-1_all.deb",
        "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
    ),
    "music": (
        "a/asterisk-moh-opsound/asterisk-moh-opsound-wav_2.03-1.1_all.deb",
        "8f9d808a729d305c2d3343993f21ca5e6829e411682618dc8ea7aa8bc24a566c",
    ),
    "sounds": (
        "s/sound-theme-freedesktop/sound-theme-freedesktop_0.8-2_all.deb",
        "135cc4893ba590d428577bc3bf42df756a165c05a2a43f84311ad7db779a70ea",
    ),
}

# Prompts that are tones or animal sounds.
NOT_SPOKEN = {
    "ascending-2tone",
    "beep",
    "beeperr",
    "confbridge-join",
    "confbridge-leave",
    "descending-2tone",
    "tt-monkeys",
}


@dataclass(frozen=True)
class Recordings:
    """Files by what is in them."""

    spoken: Sequence[Path]
    silent: Sequence[Path]
    book: Path


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        package = unpack_wheel(folder, PACKAGE) / "silero_vad" / "data"
        sys.path.insert(0, str(package.parents[1]))
        debs = {name: unpack_deb(folder, *deb) for name, deb in DEBS.items()}
        model = onnx.load_from_string(read_exactly(package / SEQUENCE[0], SEQUENCE[1]))
        read_exactly(package / STOCK[0], STOCK[1])
        publish_model(describe(model), find_recordings(debs), folder)


def describe(model: onnx.ModelProto) -> onnx.ModelProto:
    """The published model, with named dimensions."""
    shapes = {
        "input": ["windows", CONTEXT + WINDOW],
        "h": [1, 1, 128],
        "c": [1, 1, 128],
        "speech_probs": ["windows"],
        "hn": [1, 1, 128],
        "cn": [1, 1, 128],
    }
    for value in [*model.graph.input, *model.graph.output]:
        value.CopyFrom(
            onnx.helper.make_tensor_value_info(value.name, onnx.TensorProto.FLOAT, shapes[value.name])
        )
    return finish(model, NAME, batch=False)


def find_recordings(debs: dict[str, Path]) -> Recordings:
    prompts = sorted((debs["prompts"] / PROMPTS).rglob("*.wav"))
    silence = [file for file in prompts if file.parent.name == "silence"]
    other = [file for file in prompts if file.stem in NOT_SPOKEN]
    channels = sorted((debs["channels"] / "usr/share/sounds/alsa").glob("*.wav"))
    books = sorted((debs["books"] / "usr/share/pocketsphinx/test/data").glob("*/*.wav"))
    music = sorted((debs["music"] / "usr/share/asterisk/moh").glob("*.wav"))
    themes = sorted((debs["sounds"] / "usr/share/sounds/freedesktop/stereo").glob("*.oga"))
    return Recordings(
        spoken=[
            *books,
            *[file for file in prompts if file not in silence and file not in other],
            *[file for file in channels if file.stem != "Noise"],
        ],
        silent=[
            *silence,
            *other,
            *[file for file in channels if file.stem == "Noise"],
            *music,
            # The others of the theme are the names of channels, as above.
            *[file for file in themes if not file.stem.startswith("audio-channel")],
        ],
        book=next(file.parent for file in books if "austen" in file.stem),
    )


def read_audio(source: Path | io.BytesIO) -> np.ndarray:
    """A recording as the task API reads it: channels averaged, then resampled to 16 kHz."""
    samples, rate = soundfile.read(source, dtype="float64", always_2d=True)
    common = gcd(rate, RATE)
    return resample_poly(samples.mean(axis=1), RATE // common, rate // common).astype(np.float32)


def windows_of(samples: np.ndarray) -> np.ndarray:
    """Rows of context and window, the last one filled with silence."""
    count = -(-len(samples) // WINDOW)
    padded = np.zeros(CONTEXT + count * WINDOW, dtype=np.float32)
    padded[CONTEXT : CONTEXT + len(samples)] = samples
    return np.stack([padded[i * WINDOW : i * WINDOW + CONTEXT + WINDOW] for i in range(count)])


def predict(session: onnxruntime.InferenceSession, samples: np.ndarray) -> np.ndarray:
    """Probabilities of the model for sequences."""
    zero = np.zeros((1, 1, 128), dtype=np.float32)
    return session.run(["speech_probs"], {"input": windows_of(samples), "h": zero, "c": zero})[0]


def predict_stock(stock: Any, samples: np.ndarray) -> np.ndarray:
    """Probabilities of the stock model, window by window."""
    stock.reset_states()
    rows = windows_of(samples)[:, CONTEXT:]
    return np.array([stock(torch.from_numpy(row), RATE).item() for row in rows], dtype=np.float32)


def to_session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def measure(session: onnxruntime.InferenceSession, recordings: Recordings) -> dict[str, Any]:
    """Recall on recordings with speech, and the false alarm rate on the others."""
    from silero_vad.utils_vad import get_speech_timestamps_from_probs as segments

    def speech(file: Path) -> tuple[float, float]:
        samples = read_audio(file)
        probabilities = predict(session, samples).tolist()
        found = segments(probabilities, audio_length_samples=len(samples))
        return sum(s["end"] - s["start"] for s in found) / RATE, len(samples) / RATE

    spoken = [speech(file) for file in recordings.spoken]
    silent = [speech(file) for file in recordings.silent]
    return {
        "found": sum(seconds > 0 for seconds, _ in spoken),
        "spokenSeconds": sum(length for _, length in spoken),
        "falseSeconds": sum(seconds for seconds, _ in silent),
        "silentSeconds": sum(length for _, length in silent),
    }


def quantized(model: onnx.ModelProto, folder: Path, operators: list[str]) -> bytes:
    source, target = folder / "fp32.onnx", folder / "int8.onnx"
    source.write_bytes(serialize(model))
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, op_types_to_quantize=operators)
    return target.read_bytes()


def write_wav(samples: np.ndarray, rate: int, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return file.getvalue()


def book(recordings: Recordings, number: str) -> np.ndarray:
    file = recordings.book / f"sense_and_sensibility_01_austen_64kb-{number}.wav"
    return soundfile.read(file, dtype="float64")[0]


def make_clips(recordings: Recordings) -> dict[str, bytes]:
    """A few seconds of a book for the tests, in three forms."""
    first, second = book(recordings, "0880"), book(recordings, "0930")
    pause = np.zeros(int(0.35 * RATE))
    stereo = resample_poly(second[: int(1.3 * RATE)], 441, 320)
    return {
        "two-sentences-16k.wav": write_wav(
            np.concatenate([first[:25000], pause, second[:19123]]), RATE, "PCM_16"
        ),
        "stereo-22050.wav": write_wav(
            np.stack([np.clip(stereo, -1, 1), np.clip(stereo, -1, 1) / 4], axis=1), 22050, "PCM_16"
        ),
        "mono-44100-24bit.wav": write_wav(
            np.clip(resample_poly(first[4000:15000], 441, 160), -1, 1), 44100, "PCM_24"
        ),
    }


def expected_speech(jit: Any, samples: np.ndarray, **parameters: Any) -> list[dict[str, float]]:
    from silero_vad import get_speech_timestamps

    found = get_speech_timestamps(torch.from_numpy(samples), jit, sampling_rate=RATE, **parameters)
    return [{"start": s["start"] / RATE, "end": s["end"] / RATE} for s in found]


def publish_model(model: onnx.ModelProto, recordings: Recordings, folder: Path) -> None:
    from silero_vad import load_silero_vad

    torch.set_num_threads(1)
    stock, jit = load_silero_vad(onnx=True), load_silero_vad()
    session = to_session(serialize(model))

    clips = make_clips(recordings)
    written = []
    for name, wav in clips.items():
        samples = read_audio(io.BytesIO(wav))
        write(ROOT / "test/fixtures/audio" / name, wav)
        cases = [
            {},
            {"threshold": 0.8},
            {"threshold": 0.3, "min_silence_duration_ms": 400},
            {"speech_pad_ms": 200, "min_speech_duration_ms": 500},
            {"neg_threshold": 0.5, "min_silence_duration_ms": 0, "speech_pad_ms": 0},
        ]
        written.append(
            {
                "file": name,
                "sha256": hashlib.sha256(wav).hexdigest(),
                "samples": len(samples),
                "probabilities": [plain(p) for p in predict_stock(stock, samples)],
                "speech": [
                    {"parameters": case, "speech": expected_speech(jit, samples, **case)} for case in cases
                ],
            }
        )
    errors = {
        "stock": [],
        "jit": [],
    }
    for file in recordings.spoken[:10]:
        samples = read_audio(file)
        predicted = predict(session, samples)
        errors["stock"].append(max_error(predicted, predict_stock(stock, samples)))
        errors["jit"].append(max_error(predicted, predict_stock(jit, samples)))
    tolerance = 1e-4
    write(
        ROOT / "test/fixtures/audio/clips.json",
        to_json(
            {
                "engine": f"{ENGINE}; speech: {TORCH_ENGINE}; resampled by scipy {scipy.__version__}",
                "tolerance": tolerance,
                "clips": written,
            },
            width=None,
        ),
    )

    fp32 = measure(session, recordings)
    lstm = quantized(model, folder, ["LSTM"])
    whole = quantized(model, folder, ["Conv", "LSTM"])
    int8_lstm, int8_whole = measure(to_session(lstm), recordings), measure(to_session(whole), recordings)

    # Eight bits and a third of a second keep the example short.
    example = write_wav(book(recordings, "0880")[4000:9632], RATE, "PCM_U8")
    samples = read_audio(io.BytesIO(example))
    answer = {
        "speech": expected_speech(jit, samples),
        "probabilities": [plain(p) for p in predict_stock(stock, samples)],
    }

    rows = windows_of(book(recordings, "0880").astype(np.float32))[4 : 4 + FIXTURE_WINDOWS]
    stock.reset_states()
    stock_probabilities = []
    for row in rows:
        # The wrapper takes the context from the window before; the first row's is given here.
        stock._context = torch.from_numpy(row[None, :CONTEXT])
        stock._last_sr, stock._last_batch_size = RATE, 1
        stock_probabilities.append(stock(torch.from_numpy(row[CONTEXT:]), RATE).item())
    state = stock._state.numpy() if hasattr(stock._state, "numpy") else stock._state
    zero = np.zeros((1, 1, 128), dtype=np.float32)
    inputs = {"input": rows, "h": zero, "c": zero}
    outputs = {
        "speech_probs": np.array(stock_probabilities, dtype=np.float32),
        "hn": np.asarray(state)[0:1],
        "cn": np.asarray(state)[1:2],
    }
    actual = run(model, inputs)
    clip_count = len(recordings.spoken) + len(recordings.silent)
    minutes = (fp32["spokenSeconds"] + fp32["silentSeconds"]) / 60
    publish(
        Publication(
            name=NAME,
            description="Says where somebody speaks in a recording or a stream, every 32 ms (Silero VAD 6.2, fp32).",
            task="voice-activity-detection",
            recipe="voice_activity.py",
            model=model,
            cached=False,
            format="ort",
            preprocess={
                "type": "audio-windows",
                "version": 1,
                "input": "input",
                "sampleRate": RATE,
                "windowSamples": WINDOW,
                "contextSamples": CONTEXT,
                "windowsPerRun": 128,
                "maxSeconds": 300,
                "state": [{"input": "h", "output": "hn"}, {"input": "c", "output": "cn"}],
            },
            postprocess={
                "type": "voice-activity",
                "version": 1,
                "probabilities": "speech_probs",
                "threshold": 0.5,
                "minSpeechMs": 250,
                "minSilenceMs": 100,
                "speechPadMs": 30,
            },
            source=f"PyPI {PACKAGE.replace('==', ' ')}, {SEQUENCE[0]}, by the Silero Team (https://github.com/snakers4/silero-vad)",
            license="MIT",
            metrics={
                "spokenFound": f"{fp32['found']} of {len(recordings.spoken)}",
                "spokenFoundShare": significant(fp32["found"] / len(recordings.spoken)),
                "falseAlarmShare": significant(fp32["falseSeconds"] / fp32["silentSeconds"]),
                "dataset": "recordings in Debian packages: telephone prompts, readings, names of channels; music on hold, tones, silence, noise",
                "samples": clip_count,
                "minutes": significant(minutes, 3),
                "maxAbsError": significant(max(errors["stock"]), 2),
                "maxAbsErrorTorchScript": significant(max(errors["jit"]), 2),
                "spokenFoundInt8Lstm": f"{int8_lstm['found']} of {len(recordings.spoken)}",
                "spokenFoundInt8": f"{int8_whole['found']} of {len(recordings.spoken)}",
                "sizeBytesInt8Lstm": len(lstm),
            },
            example={
                "inputs": f"data:audio/wav;base64,{base64.b64encode(example).decode()}",
                "output": answer,
                "tolerance": tolerance,
                "engine": ENGINE,
            },
            fixture=Fixture(
                engine=ENGINE,
                inputs=inputs,
                outputs=outputs,
                tolerance={
                    key: max(1e-5, tolerance_for(max_error(actual[key], outputs[key]))) for key in outputs
                },
            ),
            descriptions={
                "input": "each row: 64 samples from before, 512 new ones, at 16 kHz between -1 and 1",
                "h": "the LSTM's hidden state; zeros in the beginning",
                "c": "the LSTM's cell state; zeros in the beginning",
                "speech_probs": "for each window of 32 ms, how likely it is that somebody speaks",
                "hn": "the hidden state after the last window, for the next run",
                "cn": "the cell state after the last window, for the next run",
            },
            card=Card(
                title="Voice activity, Silero VAD",
                summary="Says where somebody speaks in a recording or a stream, every 32 ms.",
                model=(
                    "Silero VAD 6.2: a short-time Fourier transform, four convolutions and an LSTM, 310,000 weights. "
                    "This is the form of it for sequences at 16 kHz, which takes any number of windows in one run; its "
                    "probabilities are those of the stock model, which takes one. The task API cuts clips into windows, "
                    "carries the LSTM's state, and makes segments by the rule of `get_speech_timestamps`.\n\n"
                    f"It stays fp32. With the LSTM alone in int8 it has {len(lstm):,} bytes, gives the same results and is no "
                    "faster in WebAssembly; with the convolutions in int8 as well it detects hardly any speech, "
                    "because the Fourier transform is one of them."
                ),
                data=(
                    "The weights are the Silero Team's. Measured on recordings that are not theirs, so far as is known: "
                    "the prompts of Asterisk (Allison Smith, CC-BY-SA-3.0), five readings of a LibriVox book (public domain) "
                    "and five commands in pocketsphinx-testdata (BSD-2-Clause), spoken names of channels in alsa-utils (GPL-2); "
                    "and without speech: Asterisk's music on hold, silences, tones and monkeys (CC-BY-SA-3.0), the sounds "
                    "of sound-theme-freedesktop and the noise of alsa-utils. All of them are studio or telephone "
                    "recordings, and most of the speech is by one speaker: this is a check that the model works here, "
                    "and no benchmark."
                ),
                results=(
                    "`spokenFound` counts spoken recordings in which the default parameters find speech; "
                    "`falseAlarmShare` is the share of the time without speech that is taken for speech. `maxAbsError` "
                    "compares with the stock model and with TorchScript on ten recordings, window by window."
                ),
                request=(
                    "```sh\ncurl -s http://127.0.0.1:8787/models/voice-activity \\\n"
                    "  -H 'content-type: audio/wav' --data-binary @test/fixtures/audio/two-sentences-16k.wav\n```\n\n"
                    "A stream in pieces, and all parameters, are described in [docs/tasks.md](../../docs/tasks.md)."
                ),
                limits=[
                    "Measured on English alone; its authors trained it on many languages.",
                    "Speech of less than a quarter of a second is dropped unless `min_speech_duration_ms` says otherwise.",
                    "Singing and voices far in the background may or may not count as speech.",
                    "The sample rate is 16 kHz; other rates are resampled, and telephone speech of 8 kHz works too.",
                ],
            ),
        )
    )


if __name__ == "__main__":
    main()
