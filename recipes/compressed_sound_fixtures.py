"""Compressed recordings, and the samples that libsndfile reads of them; writes test fixtures.

MP3, FLAC and Ogg files of a spoken sentence, by libsndfile's own encoders (mpg123 and LAME, libFLAC, libvorbis, libopus). Of the samples the
fixture has every 97th and the number of all.
"""

from __future__ import annotations

import base64

import numpy as np
import soundfile

from publish import ROOT
from rendering import to_json

FOLDER = ROOT / "test" / "fixtures" / "sounds"
SOURCE = ROOT / "test" / "fixtures" / "audio" / "two-sentences-16k.wav"
STEP = 97
# Name, rate (of which the samples are taken to be), channels, format and subtype.
FILES = [
    ("mono.mp3", 16_000, 1, "MP3", "MPEG_LAYER_III"),
    ("stereo.mp3", 44_100, 2, "MP3", "MPEG_LAYER_III"),
    ("mono.flac", 16_000, 1, "FLAC", "PCM_16"),
    ("stereo-24.flac", 48_000, 2, "FLAC", "PCM_24"),
    ("mono-vorbis.ogg", 16_000, 1, "OGG", "VORBIS"),
    ("stereo-vorbis.ogg", 44_100, 2, "OGG", "VORBIS"),
    ("mono-opus.ogg", 48_000, 1, "OGG", "OPUS"),
    ("stereo-opus.ogg", 48_000, 2, "OGG", "OPUS"),
]


def main() -> None:
    samples, _ = soundfile.read(SOURCE, dtype="float64")
    sentence = samples[8000:23_000]
    (FOLDER / "files").mkdir(parents=True, exist_ok=True)
    cases = []
    for name, rate, channels, form, subtype in FILES:
        sound = sentence if channels == 1 else np.stack([sentence, 0.5 * sentence[::-1]], axis=1)
        path = FOLDER / "files" / name
        soundfile.write(path, sound, rate, format=form, subtype=subtype)
        decoded, actual = soundfile.read(path, dtype="float32", always_2d=True)
        assert actual == rate
        mono = decoded.astype(np.float64).mean(axis=1).astype(np.float32)
        values = base64.b64encode(mono[::STEP].tobytes()).decode()
        cases.append({"file": name, "sampleRate": rate, "channels": channels, "frames": len(mono), "values": values})
    fixture = {"engine": soundfile.__libsndfile_version__, "step": STEP, "cases": cases}
    (FOLDER / "files.json").write_bytes(to_json(fixture))


if __name__ == "__main__":
    main()
