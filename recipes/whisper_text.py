"""Greedy transcription with the graphs of ``whisper_graph.py`` in native ONNX Runtime, and how wrong a text is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
import onnxruntime
import torch
from transformers import GenerationConfig, WhisperFeatureExtractor
from transformers.generation.logits_process import WhisperTimeStampLogitsProcessor

from publish import serialize

RATE = 16_000
HOP = 160
DEVICE = "cpu"


@dataclass(frozen=True)
class Tokens:
    """What generation needs to know of the vocabulary."""

    start: int
    no_timestamps: int
    end: int
    suppressed: Sequence[int]
    suppressed_at_begin: Sequence[int]

    @property
    def first_timestamp(self) -> int:
        return self.no_timestamps + 1

    def timestamp_rules(self, prompt_length: int) -> WhisperTimeStampLogitsProcessor:
        config = GenerationConfig(
            bos_token_id=self.end,
            eos_token_id=self.end,
            no_timestamps_token_id=self.no_timestamps,
            max_initial_timestamp_index=50,
        )
        return WhisperTimeStampLogitsProcessor(config, begin_index=prompt_length)


@dataclass
class Transcript:
    """Tokens of a text, the end included, and how far the logit of each is above the second best."""

    tokens: list[int] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)


class Transcriber:
    def __init__(self, encoder: onnx.ModelProto, decoder: onnx.ModelProto, tokens: Tokens) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.encoder, self.decoder = (
            onnxruntime.InferenceSession(serialize(model), options, providers=["CPUExecutionProvider"])
            for model in (encoder, decoder)
        )
        self.tokens = tokens
        self.sounds = [output.name for output in self.encoder.get_outputs()]
        context = 448
        self.caches = {
            value.name: onnxruntime.OrtValue.ortvalue_from_numpy(
                np.zeros((1, value.shape[1], context, value.shape[3]), np.float32)
            )
            for value in self.decoder.get_inputs()
            if value.name.startswith("past_key_values.")
        }

    def encode(self, features: np.ndarray) -> dict[str, np.ndarray]:
        return dict(
            zip(self.sounds, self.encoder.run(self.sounds, {"input_features": features}), strict=True)
        )

    def logits(self, sound: Mapping[str, np.ndarray], ids: Sequence[int], before: int) -> np.ndarray:
        """Reads ``ids`` after ``before`` tokens."""
        binding = self.decoder.io_binding()
        binding.bind_cpu_input("input_ids", np.array([ids], np.int64))
        binding.bind_cpu_input("attention_mask", np.ones((1, before + len(ids)), np.int64))
        for name, values in sound.items():
            binding.bind_cpu_input(name, values)
        for name, cache in self.caches.items():
            binding.bind_ortvalue_input(name, cache)
            binding.bind_ortvalue_output(name.replace("past_key_values", "present"), cache)
        binding.bind_output("logits", DEVICE)
        self.decoder.run_with_iobinding(binding)
        return binding.get_outputs()[-1].numpy()[0, 0]

    def greedy(self, features: np.ndarray, *, timestamps: bool = False, longest: int = 220) -> Transcript:
        """The text; with ``timestamps``, by the rules of transformers' processor."""
        tokens, transcript = self.tokens, Transcript()
        sound = self.encode(features)
        ids, before = [tokens.start] if timestamps else [tokens.start, tokens.no_timestamps], 0
        prompt = list(ids)
        rules = tokens.timestamp_rules(len(ids))
        while len(transcript.tokens) < longest:
            scores = self.logits(sound, ids, before)
            scores[[*tokens.suppressed, tokens.no_timestamps]] = -np.inf
            if not timestamps:
                scores[tokens.first_timestamp :] = -np.inf
            if before == 0:
                scores[list(tokens.suppressed_at_begin)] = -np.inf
            if timestamps:
                seen = torch.tensor([[*prompt, *transcript.tokens]])
                scores = rules(seen, torch.from_numpy(scores)[None])[0].numpy()
            second, best = np.partition(scores, -2)[-2:]
            transcript.margins.append(float(best - second))
            before += len(ids)
            ids = [int(scores.argmax())]
            transcript.tokens += ids
            if ids[0] == tokens.end:
                break
        return transcript


def features_of(samples: np.ndarray, seconds: float | None) -> np.ndarray:
    """The log-mel spectrogram of a window, [1, 80, frames]: with ``seconds``, filled up with silence."""
    length = len(samples) if seconds is None else max(len(samples), round(seconds * RATE))
    length = -(-length // (2 * HOP)) * 2 * HOP
    padded = np.pad(samples, (0, length - len(samples)))
    extractor = WhisperFeatureExtractor(feature_size=80, sampling_rate=RATE, hop_length=HOP, n_fft=400)
    found = extractor(padded, sampling_rate=RATE, padding=False, return_tensors="np")
    return found["input_features"].astype(np.float32)


def words_of(text: str) -> list[str]:
    """Lower case, without punctuation."""
    text = re.sub(r"\bmr\b\.?", "mister", text.lower().replace("-", " "))
    return re.sub(r"[^\w' ]+", " ", text).split()


def word_errors(text: str, expected: str) -> tuple[int, int]:
    """Words to replace, add and remove, and how many words there should be."""
    actual, wanted = words_of(text), words_of(expected)
    costs = list(range(len(wanted) + 1))
    for row, word in enumerate(actual, 1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(wanted, 1):
            diagonal, costs[column] = (
                costs[column],
                min(costs[column] + 1, costs[column - 1] + 1, diagonal + (word != other)),
            )
    return costs[-1], len(wanted)
