"""Log-mel spectrograms by transformers' WhisperFeatureExtractor, to compare the Worker's with.

    python recipes/log_mel_fixtures.py

Writes ``test/fixtures/speech/log-mel.json``. Each case is a sound, made of a recording or of a formula, and filled up
with silence or not; of the spectrogram it has the mean of every frame and of every band, and some frames whole.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import soundfile
import transformers
from transformers import WhisperFeatureExtractor

from publish import ROOT, write
from rendering import to_json

ENGINE = f"transformers {transformers.__version__} WhisperFeatureExtractor"
RATE = 16_000
HOP = 160
RECORDING = "two-sentences-16k.wav"
TOLERANCE = 1e-4


def main() -> None:
    extractor = WhisperFeatureExtractor(feature_size=80, sampling_rate=RATE, hop_length=HOP, n_fft=400)
    speech, rate = soundfile.read(ROOT / "test" / "fixtures" / "audio" / RECORDING, dtype="float32")
    assert rate == RATE
    cases = [
        (recorded(), speech, None),
        (recorded(), speech, 30 * RATE),
        (recorded(), speech, 6 * RATE),
        (recorded(first=8000, count=8000, gain=1e-4), (speech[8000:16000] * np.float32(1e-4)), None),
        ({"formula": "silence", "samples": RATE}, np.zeros(RATE, np.float32), None),
        ({"formula": "noise", "samples": RATE}, noise(RATE), 2 * RATE),
    ]
    fixture = {
        "engine": ENGINE,
        "tolerance": TOLERANCE,
        "noise": "sample i is ((i * 1103515245 + 12345) mod 2147483648) / 1073741824 - 1, as a float32",
        "cases": [to_case(extractor, *case) for case in cases],
    }
    write(ROOT / "test" / "fixtures" / "speech" / "log-mel.json", to_json(fixture, width=None))


def recorded(**part: Any) -> dict[str, Any]:
    return {"recording": f"audio/{RECORDING}", **part}


def noise(count: int) -> np.ndarray:
    index = np.arange(count, dtype=np.int64)
    return ((index * 1103515245 + 12345) % 2147483648 / 1073741824 - 1).astype(np.float32)


def to_case(
    extractor: Any, sound: dict[str, Any], samples: np.ndarray, padded_to: int | None
) -> dict[str, Any]:
    padded = np.pad(samples, (0, (padded_to or len(samples)) - len(samples)))
    # Whole frames, two for each of the encoder's positions.
    padded = padded[: len(padded) // (2 * HOP) * (2 * HOP)]
    features = extractor(padded, sampling_rate=RATE, padding=False, return_tensors="np")["input_features"][0]
    count = features.shape[1]
    chosen = sorted({*range(0, count, max(1, count // 48)), 1, 2, count - 2, count - 1})
    return {
        "sound": sound,
        "samples": len(padded),
        "frames": count,
        "frameMeans": to_base64(features.mean(axis=0, dtype=np.float64)),
        "bandMeans": to_base64(features.mean(axis=1, dtype=np.float64)),
        "chosen": chosen,
        # [chosen, 80]
        "values": to_base64(features[:, chosen].T),
    }


def to_base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


if __name__ == "__main__":
    main()
