"""Measures whisper-tiny-en as a Worker serves it, with the recordings of ``spoken_sentences.py``.

    python recipes/whisper_worker.py http://127.0.0.1:8787

Writes word error rates, in percent, to ``whisper_worker.json``.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from publish import significant, write
from rendering import to_json
from spoken_sentences import RATE, readings, spoken
from whisper_text import word_errors
from whisper_tiny_en import NAME, SERVED, SPEAKERS, to_wav


def main() -> None:
    url = f"{sys.argv[1].rstrip('/')}/models/{NAME}"
    with tempfile.TemporaryDirectory() as folder:
        recordings = [*readings(Path(folder)), *spoken(Path(folder))]
    counts: dict[str, tuple[int, int]] = {}
    began = time.perf_counter()
    for recording in recordings:
        text = transcribe(url, to_wav(recording.samples, RATE, "PCM_16"))
        errors, words = word_errors(text, recording.text)
        counts[recording.name] = (errors, words)
        print(f"{errors:3} {recording.name}: {text}", flush=True)
    seconds = time.perf_counter() - began
    groups = {
        suffix: [counts[recording.name] for recording in recordings if recording.speaker in speakers]
        for suffix, speakers in SPEAKERS.items()
    }
    served = {
        f"wordErrorRate{suffix}": significant(
            100 * sum(errors for errors, _ in group) / sum(words for _, words in group), 3
        )
        for suffix, group in groups.items()
    }
    print(served, f"{sum(len(r.samples) for r in recordings) / RATE / seconds:.1f} s of speech a second")
    write(SERVED, to_json(served))


def transcribe(url: str, wav: bytes) -> str:
    headers = {"content-type": "audio/wav", "cache-control": "no-store"}
    request = urllib.request.Request(url, wav, headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)["text"]


if __name__ == "__main__":
    main()
