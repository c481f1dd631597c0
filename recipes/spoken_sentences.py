"""Recordings with known texts: readings of a book in the public domain, and sentences that programs speak.

None of the sentences has a number or a name that is spelled in several ways, so a difference is a mistake. They are spoken
by PyPI ``hibari-tts`` (its voice "heart") and, in turn, by Debian's ``espeak-ng`` and the voices slt and rms of ``flite``.
All are 16 kHz, mono.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from packages import unpack_deb, unpack_wheel

RATE = 16_000
HIBARI = "hibari-tts==0.2.1"
BOOK = (
    "p/pocketsphinx/pocketsphinx-testdata_0.8+5prealpha+1-15_all.deb",
    "eaeb7a01d54f20b799d1a81ef110ec544b2cb47ea006614078220737a33019f0",
)
# Sense and Sensibility, chapter 1, read for LibriVox; the texts are the book's. The words "more a amiable" in the
# package's transcription are a slip of that.
READINGS = {
    "0870": "And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do for them.",
    "0880": "He was not an ill-disposed young man,",
    "0890": "unless to be rather cold hearted and rather selfish is to be ill-disposed.",
    "0920": "Had he married a more amiable woman, he might have been made still more respectable than he was:",
    "0930": "he might even have been made amiable himself.",
}
SENTENCES = (
    "The harbour was quiet before sunrise, and the fishing boats rocked gently against the wooden pier.",
    "Please send the signed contract to our office by Friday afternoon.",
    "A cold wind blew down from the mountains and rattled the windows of the old farmhouse.",
    "She opened the letter slowly, read it, and put it back into the drawer without a word.",
    "The train to the coast leaves from the second platform in about ten minutes.",
    "Nobody in the village could remember a winter with so much snow.",
    "We tested the new engine for a whole week and found only one small problem.",
    "My grandmother used to bake bread every morning in a stove made of brick.",
    "The committee will discuss the budget again at its next meeting.",
    "If you want to reach the museum, turn left at the bakery and cross the bridge.",
    "The children laughed when the clown dropped his enormous yellow hat.",
    "Fresh vegetables and clean water are still hard to find in the northern region.",
    "He learned to play the violin when he was a boy, but he never enjoyed it.",
    "The doctor told him to rest, drink plenty of tea, and stay away from work.",
    "Our company has decided to open another factory near the river.",
    "There is a small garden behind the library where students often read.",
    "The judge listened carefully to both sides before she made her decision.",
    "A loud noise from the kitchen woke the whole family in the middle of the night.",
    "The software checks every file and reports those that have changed.",
    "They walked along the beach until the lights of the town disappeared behind them.",
    "Most birds leave the island in autumn and return when the weather becomes warmer.",
    "The price of oil has fallen, yet the cost of transport keeps rising.",
    "I would like a table near the window, and a glass of water without ice.",
    "The painter mixed blue and green until she had the colour of the sea.",
    "Scientists believe that the lake was formed by a falling rock from space.",
    "After the storm, the workers repaired the roof and cleared the road.",
    "You should never leave your luggage unattended at the airport.",
    "The professor spoke so quickly that hardly anyone could take notes.",
    "A good map and a dry pair of socks are worth more than an expensive tent.",
    "The orchestra played the last piece twice because the audience would not go home.",
    "Honey keeps for many years if it is stored in a closed jar.",
    "The mayor promised to plant a tree for every house that was built.",
    "His brother repairs watches in a tiny shop on the corner of the market square.",
    "It takes patience to teach a parrot to speak, and even more to make it stop.",
    "The message was short: come home at once, and bring the key.",
    "When the rain finally stopped, the whole valley smelled of grass and wet stone.",
)


@dataclass(frozen=True)
class Recording:
    name: str
    speaker: str
    text: str
    samples: np.ndarray


def readings(folder: Path) -> list[Recording]:
    """The public domain's: five sentences of a book, by one reader."""
    book = unpack_deb(folder, *BOOK) / "usr/share/pocketsphinx/test/data/librivox"
    return [
        Recording(
            name=f"reading-{number}",
            speaker="reader",
            text=text,
            samples=read_sound(book / f"sense_and_sensibility_01_austen_64kb-{number}.wav"),
        )
        for number, text in READINGS.items()
    ]


def spoken(folder: Path) -> list[Recording]:
    """Every sentence twice: by hibari and by one of the other programs."""
    sys.path.insert(0, str(unpack_wheel(folder, HIBARI)))
    from hibari import Hibari

    heart = Hibari()
    recordings = []
    for index, text in enumerate(SENTENCES):
        file = folder / "spoken.wav"
        heart.save(text, str(file), seed=index)
        recordings.append(Recording(f"hibari-{index + 1:02}", "hibari", text, read_sound(file)))
        speaker, command = (
            ("espeak", ["espeak-ng", "-v", "en-us", "-s", "150", "-w", str(file), text]),
            ("slt", ["flite", "-voice", "slt", "-t", text, "-o", str(file)]),
            ("rms", ["flite", "-voice", "rms", "-t", text, "-o", str(file)]),
        )[index % 3]
        subprocess.run(command, check=True)
        recordings.append(Recording(f"{speaker}-{index + 1:02}", speaker, text, read_sound(file)))
    return recordings


def read_sound(file: Path) -> np.ndarray:
    """As 16-bit samples of 16 kHz hold it."""
    samples, rate = soundfile.read(file, dtype="float64", always_2d=True)
    common = gcd(rate, RATE)
    resampled = resample_poly(samples.mean(axis=1), RATE // common, rate // common)
    return (np.rint(np.clip(resampled, -1, 1) * 32767).clip(-32768, 32767) / 32768).astype(np.float32)
