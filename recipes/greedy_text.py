"""Greedy generation by native ONNX Runtime, with the cache in place, and what is measured with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnxruntime

from publish import serialize

DEVICE = "cpu"


class Generator:
    """A graph of ``llama_graph.py`` and one cache, which each text begins anew."""

    def __init__(self, model: onnx.ModelProto, context: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            serialize(model), options, providers=["CPUExecutionProvider"]
        )
        self.caches = {
            value.name: onnxruntime.OrtValue.ortvalue_from_numpy(
                np.zeros((1, value.shape[1], context, value.shape[3]), np.float32)
            )
            for value in self.session.get_inputs()
            if value.name.startswith("past_key_values.")
        }

    def logits(self, ids: Sequence[int], before: int) -> np.ndarray:
        """Reads ``ids`` after ``before`` tokens; of shape [tokens, vocabulary], the last one only in most graphs."""
        binding = self.session.io_binding()
        binding.bind_cpu_input("input_ids", np.array([ids], np.int64))
        binding.bind_cpu_input("attention_mask", np.ones((1, before + len(ids)), np.int64))
        for name, cache in self.caches.items():
            binding.bind_ortvalue_input(name, cache)
            binding.bind_ortvalue_output(name.replace("past_key_values", "present"), cache)
        binding.bind_output("logits", DEVICE)
        self.session.run_with_iobinding(binding)
        return binding.get_outputs()[-1].numpy()[0]

    def greedy(self, prompt: Sequence[int], count: int, ends: Sequence[int]) -> tuple[list[int], list[float]]:
        """The tokens, an end token included, and how far the logit of each is above the second best."""
        tokens: list[int] = []
        margins: list[float] = []
        ids, before = list(prompt), 0
        while len(tokens) < count:
            scores = self.logits(ids, before)[-1]
            second, best = np.partition(scores, -2)[-2:]
            margins.append(float(best - second))
            before += len(ids)
            ids = [int(scores.argmax())]
            tokens += ids
            if ids[0] in ends:
                break
        return tokens, margins


def negative_log_likelihood(every_token: Generator, windows: Sequence[np.ndarray]) -> float:
    """The mean over the tokens of all windows but each one's first."""
    total, count = 0.0, 0
    for window in windows:
        scores = every_token.logits(window[:-1].tolist(), 0).astype(np.float64)
        scores -= scores.max(axis=-1, keepdims=True)
        chances = scores[np.arange(len(scores)), window[1:]] - np.log(np.exp(scores).sum(axis=-1))
        total -= float(chances.sum())
        count += len(chances)
    return total / count


def answers_share(answers: Sequence[str], pairs: Sequence[Mapping[str, str]]) -> dict[str, float]:
    """How many commands are exactly those of the pages, and how many begin with the right program."""
    exact = sum(answer == pair["command"] for answer, pair in zip(answers, pairs, strict=True))
    first = sum(
        answer.split(" ")[0] == pair["command"].split(" ")[0]
        for answer, pair in zip(answers, pairs, strict=True)
    )
    return {"exact": exact / len(pairs), "firstWord": first / len(pairs)}
