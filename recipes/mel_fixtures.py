"""Mel spectrograms and MFCC of a spoken sentence, as librosa and torchaudio compute them; writes a test fixture.

Wants librosa, soundfile, torch and torchaudio; the virtual environment of requirements.txt has all but librosa and torchaudio.
"""

from __future__ import annotations

import base64

import librosa
import numpy as np
import soundfile
import torch
import torchaudio

from publish import ROOT
from rendering import to_json

PATH = ROOT / "test" / "fixtures" / "sounds" / "mel.json"
RECORDING = ("audio", "two-sentences-16k.wav")
FIRST, COUNT = 8000, 4000
RATE = 16_000


def main() -> None:
    samples, rate = soundfile.read(ROOT.joinpath("test", "fixtures", *RECORDING), dtype="float32")
    assert rate == RATE
    sound = samples[FIRST : FIRST + COUNT]
    fixture = {
        "engines": f"librosa {librosa.__version__}, torchaudio {torchaudio.__version__.split('+')[0]}",
        "recording": list(RECORDING),
        "first": FIRST,
        "count": COUNT,
        "cases": [
            {
                "name": name,
                "block": block,
                "shape": list(values.shape),
                "values": base64.b64encode(np.ascontiguousarray(values, np.float32).tobytes()).decode(),
            }
            for name, block, values in [*librosa_cases(sound), *torchaudio_cases(sound)]
        ],
    }
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_bytes(to_json(fixture))


def librosa_cases(sound: np.ndarray):
    shape = {"sr": RATE, "n_fft": 512, "hop_length": 200, "n_mels": 40}
    power = librosa.feature.melspectrogram(y=sound, pad_mode="reflect", **shape)
    block = {"frameSamples": 512, "hopSamples": 200, "bins": 40, "melNorm": "slaney"}
    yield "librosa melspectrogram", {**block, "logarithm": "none"}, power
    decibels = {**block, "logarithm": "decibel", "floor": 1e-10, "topDecibels": 80}
    yield "librosa power_to_db, of the largest", {**decibels, "reference": "max"}, librosa.power_to_db(power, ref=np.max)
    yield "librosa mfcc", {**decibels, "coefficients": 13}, librosa.feature.mfcc(S=librosa.power_to_db(power), n_mfcc=13)
    lifted = librosa.feature.mfcc(S=librosa.power_to_db(power), n_mfcc=20, lifter=22)
    yield "librosa mfcc with liftering", {**decibels, "coefficients": 20, "lifter": 22}, lifted
    magnitudes = librosa.feature.melspectrogram(
        y=sound, win_length=400, window="hamming", center=False, power=1, fmin=80, fmax=7000, htk=True, norm=None, **shape
    )
    yield (
        "librosa amplitude_to_db of transforms that fit",
        {
            "frameSamples": 400, "fftSize": 512, "hopSamples": 200, "bins": 40, "window": "hamming", "framing": "transforms",
            "power": 1, "minHertz": 80, "maxHertz": 7000, "melScale": "htk", "logarithm": "decibel", "floor": 1e-5, "topDecibels": 60,
        },
        librosa.amplitude_to_db(magnitudes, ref=1.0, amin=1e-5, top_db=60),
    )
    constant = librosa.feature.melspectrogram(y=sound, pad_mode="constant", window="blackman", **shape)
    logs = np.log(constant + 1e-6)
    mean, deviation = logs.mean(axis=1, keepdims=True), logs.std(axis=1, keepdims=True)
    fields = {**block, "window": "blackman", "padMode": "constant", "logarithm": "natural", "floor": 0, "offset": 1e-6}
    yield "librosa, silence around, each row normalized", {**fields, "normalizeBy": "row"}, (logs - mean) / deviation


def torchaudio_cases(sound: np.ndarray):
    # Filters of single precision differ by as much as is tested.
    torch.set_default_dtype(torch.float64)
    wave = torch.from_numpy(sound.astype(np.float64))[None]
    mel = {"n_fft": 400, "hop_length": 160, "n_mels": 64}
    block = {"frameSamples": 400, "hopSamples": 160, "bins": 64, "melScale": "htk"}
    power = torchaudio.transforms.MelSpectrogram(RATE, **mel).double()(wave)[0]
    yield (
        "torchaudio MelSpectrogram, decimal logarithm, mean and deviation",
        {**block, "logarithm": "decimal", "floor": 1e-8, "mean": -3.5, "deviation": 2.25},
        (power.clamp(min=1e-8).log10().numpy() + 3.5) / 2.25,
    )
    short = {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40}
    cepstrum = torchaudio.transforms.MFCC(RATE, n_mfcc=20, melkwargs=short).double()(wave)[0].numpy()
    yield (
        "torchaudio MFCC",
        {**block, "fftSize": 512, "bins": 40, "coefficients": 20, "logarithm": "decibel", "topDecibels": 80},
        cepstrum,
    )
    kaldi = {"frameSamples": 400, "hopSamples": 160, "fftSize": 512, "framing": "frames", "removeOffset": True, "preEmphasis": 0.97,
             "melScale": "htk", "triangles": "mel", "minHertz": 20, "logarithm": "natural", "floor": 1.1920928955078125e-7}
    fbank = torchaudio.compliance.kaldi.fbank(wave * 32768, num_mel_bins=40, dither=0.0)
    yield "Kaldi's fbank, of integers", {**kaldi, "bins": 40, "window": "povey", "gain": 32768}, fbank.T.numpy()
    hanning = torchaudio.compliance.kaldi.fbank(
        wave, htk_compat=True, sample_frequency=RATE, use_energy=False, window_type="hanning", num_mel_bins=64, dither=0.0, frame_shift=10
    )
    yield (
        "the Audio Spectrogram Transformer's filter banks",
        {**kaldi, "bins": 64, "window": "hann-symmetric", "mean": -4.2677393, "deviation": 2 * 4.5689974},
        ((hanning + 4.2677393) / (2 * 4.5689974)).T.numpy(),
    )


if __name__ == "__main__":
    main()
