"""What transformers' logits processors make of logits; writes test fixtures for sampling.

transformers chooses the processors and their order (``GenerationMixin._get_logits_processor``) for the parameters
of each case. It has no presence and frequency penalties: :class:`CountPenalties` computes them in PyTorch by OpenAI's
definition, and transformers applies it as it applies a caller's own processors, after its own and before those of draws. Logits of
large vocabularies are made by :func:`noise`, which the test computes again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import transformers
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, LogitsProcessor

from publish import ROOT, write
from rendering import to_json

FOLDER = ROOT / "test" / "fixtures" / "sampling"
EOS = [0, 3]
LISTED = 64
STEPS = 40
DRAWS = 24

MODEL = GPT2LMHeadModel(
    GPT2Config(vocab_size=8, n_positions=8, n_embd=4, n_layer=1, n_head=1, bos_token_id=0, eos_token_id=0)
)


class CountPenalties(LogitsProcessor):
    """mu[j] - c[j] * frequency - float(c[j] > 0) * presence, c[j] counted in the generated tokens."""

    def __init__(self, prompt_length: int, presence: float, frequency: float) -> None:
        self.prompt_length, self.presence, self.frequency = prompt_length, presence, frequency

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        counts = torch.bincount(input_ids[0, self.prompt_length :], minlength=scores.shape[-1])
        return scores - counts * self.frequency - (counts > 0).float() * self.presence


def noise(size: int, seed: int, scale: float) -> list[float]:
    """Sums of four uniform numbers, about normal, times the scale."""
    state, values = seed, []
    for _ in range(size):
        total = 0.0
        for _ in range(4):
            state = (state * 1_664_525 + 1_013_904_223) % 2**32
            total += state / 2**31 - 1
        values.append(total * scale)
    return values


def to_logits(spec: Any) -> torch.Tensor:
    values = noise(**spec) if isinstance(spec, dict) else [-math.inf if v is None else v for v in spec]
    return torch.tensor([values], dtype=torch.float32)


def processors(parameters: dict[str, Any], prompt: Sequence[int]) -> Any:
    given = dict(parameters)
    own = []
    presence, frequency = given.pop("presence_penalty", 0.0), given.pop("frequency_penalty", 0.0)
    if presence or frequency:
        own.append(CountPenalties(len(prompt), presence, frequency))
    if "logit_bias" in given:
        bias = given.pop("logit_bias")
        given["sequence_bias"] = [[[int(token)], float(value)] for token, value in bias.items()]
    if given.setdefault("do_sample", False):
        given.setdefault("top_k", 0)
    config = GenerationConfig(**given, eos_token_id=EOS)
    MODEL._prepare_special_tokens(config)
    return MODEL._get_logits_processor(config, len(prompt), logits_processor=own, device="cpu")


def process(case: dict[str, Any]) -> dict[str, Any]:
    prompt, generated = case.get("prompt", []), case.get("generated", [])
    logits = to_logits(case["logits"])
    ids = torch.tensor([[*prompt, *generated]], dtype=torch.long)
    scores = processors(case["parameters"], prompt)(ids, logits)
    logprobs = torch.log_softmax(scores.double(), dim=-1)[0]
    kept = [token for token, value in enumerate(logprobs.tolist()) if value > -math.inf]
    best = sorted(kept, key=lambda token: (-scores[0, token].item(), token))
    return {
        **case,
        "expected": {
            "greedy": int(torch.argmax(scores)),
            "kept": len(kept),
            "raw_logprob": round(torch.log_softmax(logits.double(), dim=-1)[0, best[0]].item(), 6),
            "best": [[token, round(logprobs[token].item(), 6)] for token in best[:LISTED]],
        },
    }


def walk(case: dict[str, Any]) -> dict[str, Any]:
    """Greedy tokens, each of the noise whose seed is its position, with their log probabilities."""
    prompt, generated, logprobs = case["prompt"], [], []
    chain = processors(case["parameters"], prompt)
    for step in range(STEPS):
        logits = to_logits({"size": case["size"], "seed": step % case["period"], "scale": case["scale"]})
        scores = chain(torch.tensor([[*prompt, *generated]]), logits)
        token = int(torch.argmax(scores))
        logprobs.append(round(torch.log_softmax(scores.double(), dim=-1)[0, token].item(), 6))
        generated.append(token)
    return {**case, "expected": {"tokens": generated, "logprobs": logprobs}}


def random_numbers(seed: int, count: int) -> list[float]:
    """53 bits each of xoshiro128**, whose state SplitMix64 makes of the seed, high halves first."""
    mask64, mask = 2**64 - 1, 2**32 - 1
    words = []
    for step in (1, 2):
        z = (seed + step * 0x9E3779B97F4A7C15) & mask64
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask64
        z ^= z >> 31
        words += [z >> 32, z & mask]

    def rotate(x: int, k: int) -> int:
        return ((x << k) | (x >> (32 - k))) & mask

    def step32() -> int:
        result = (rotate(words[1] * 5 & mask, 7) * 9) & mask
        shifted = words[1] << 9 & mask
        words[2] ^= words[0]
        words[3] ^= words[1]
        words[1] ^= words[2]
        words[0] ^= words[3]
        words[2] ^= shifted
        words[3] = rotate(words[3], 11)
        return result

    return [((step32() >> 5) * 2**26 + (step32() >> 6)) / 2**53 for _ in range(count)]


def seeded(case: dict[str, Any]) -> dict[str, Any]:
    """The first tokens, in the order of their ids, whose probabilities add up to more than each random number."""
    scores = processors(case["parameters"], [])(
        torch.zeros((1, 0), dtype=torch.long), to_logits(case["logits"])
    )
    sums = torch.cumsum(torch.softmax(scores.double(), dim=-1)[0], dim=0)
    numbers = random_numbers(case["seed"], DRAWS)
    targets = torch.tensor(numbers, dtype=torch.float64) * sums[-1]
    tokens = torch.searchsorted(sums, targets, right=True).tolist()
    return {**case, "expected": {"numbers": numbers, "tokens": tokens}}


SMALL = {"size": 24, "seed": 11, "scale": 1.5}
MEDIUM = {"size": 1000, "seed": 5, "scale": 2.5}
LARGE = {"size": 8192, "seed": 29, "scale": 3.0}
TIES = [1.0, 2.0, 2.0, None, 2.0, 0.5, 2.0, None, -1.0, 1.0]
EQUAL = [0.25] * 8
PEAK = [0.0, 0.0, 30.0, 0.0, -30.0, 0.0]
SIGNS = [0.0, -1.5, 2.25, -0.125, 3.5, -4.0, 0.004, 0.5]
HISTORY = {"prompt": [5, 7, 5, 9, 2, 5, 7], "generated": [4, 9, 2, 5, 7]}


def draw(name: str, logits: Any, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "logits": logits, "parameters": {"do_sample": True, **parameters}}


def ban(name: str, logits: Any, history: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    return {"name": name, "logits": logits, **history, "parameters": parameters}


CASES = [
    ban("no processor", SMALL, {}),
    ban("no processor, a large vocabulary", LARGE, {}),
    ban("no processor, ties and masked tokens", TIES, {}),
    *(draw(f"temperature {t}", SMALL, temperature=t) for t in (0.1, 0.7, 1.5, 10.0)),
    draw("temperature of masked tokens", TIES, temperature=0.5),
    *(draw(f"top_k {k} of a large vocabulary", LARGE, top_k=k) for k in (1, 2, 40, 50)),
    *(draw(f"top_k {k} with ties", TIES, top_k=k) for k in (1, 3, 4, 5, 9, 100)),
    *(draw(f"top_k {k} of equal logits", EQUAL, top_k=k) for k in (1, 3)),
    *(draw(f"top_p {p}", MEDIUM, top_p=p) for p in (0.05, 0.5, 0.9, 0.99)),
    draw("top_p of a large vocabulary", LARGE, top_p=0.25),
    *(draw(f"top_p {p} of equal logits", EQUAL, top_p=p) for p in (0.0, 0.3, 0.5, 0.51, 0.75, 0.99)),
    *(draw(f"top_p {p} with ties and masked tokens", TIES, top_p=p) for p in (0.1, 0.3, 0.6, 0.95)),
    *(draw(f"top_p {p} with one token that has it all", PEAK, top_p=p) for p in (0.5, 0.999)),
    *(draw(f"min_p {p}", MEDIUM, min_p=p) for p in (0.01, 0.1, 0.5)),
    *(draw(f"min_p {p} with ties and masked tokens", TIES, min_p=p) for p in (0.3, 0.5, 1.0)),
    *(draw(f"typical_p {p}", MEDIUM, typical_p=p) for p in (0.05, 0.2, 0.6, 0.95)),
    *(draw(f"typical_p {p} with ties and masked tokens", TIES, typical_p=p) for p in (0.2, 0.5, 0.9)),
    *(draw(f"typical_p {p} of equal logits", EQUAL, typical_p=p) for p in (0.3, 0.9)),
    draw("typical_p with one token that has it all", PEAK, typical_p=0.5),
    draw("temperature, top_k and top_p", LARGE, temperature=0.7, top_k=50, top_p=0.9),
    draw("temperature, top_p and min_p", MEDIUM, temperature=1.3, top_p=0.8, min_p=0.05),
    draw("top_k, top_p, min_p and typical_p", LARGE, top_k=100, top_p=0.95, min_p=0.02, typical_p=0.8),
    draw("typical_p after top_k with ties", TIES, top_k=5, typical_p=0.6),
    *(ban(f"repetition_penalty {p}", SMALL, HISTORY, repetition_penalty=p) for p in (0.5, 1.2, 5.0)),
    ban("repetition_penalty of each sign", SIGNS, {"prompt": [0, 1, 2, 3, 4, 5, 6]}, repetition_penalty=1.7),
    ban("repetition_penalty of masked tokens", TIES, {"prompt": [3, 1, 1, 7]}, repetition_penalty=2.0),
    ban("presence_penalty", SMALL, HISTORY, presence_penalty=1.5),
    ban("presence_penalty below 0", SMALL, HISTORY, presence_penalty=-0.75),
    ban("frequency_penalty", SMALL, {"generated": [2, 5, 2, 2, 7, 5]}, frequency_penalty=0.8),
    ban(
        "presence_penalty and frequency_penalty",
        SIGNS,
        {"prompt": [1, 1, 4], "generated": [4, 4, 4, 2, 6]},
        presence_penalty=0.6,
        frequency_penalty=1.1,
    ),
    ban(
        "all penalties", SMALL, HISTORY, repetition_penalty=1.3, presence_penalty=0.5, frequency_penalty=0.25
    ),
    *(ban(f"no_repeat_ngram_size {n}", SMALL, HISTORY, no_repeat_ngram_size=n) for n in (1, 2, 3, 4, 12, 13)),
    ban("no_repeat_ngram_size in a short history", SMALL, {"prompt": [4, 4]}, no_repeat_ngram_size=3),
    ban("no_repeat_ngram_size as long as the history", SMALL, {"prompt": [6, 6, 6]}, no_repeat_ngram_size=3),
    ban(
        "no_repeat_ngram_size in one token again and again",
        SMALL,
        {"prompt": [6] * 9},
        no_repeat_ngram_size=4,
    ),
    ban(
        "no_repeat_ngram_size with overlapping matches",
        SMALL,
        {"prompt": [1, 2, 1, 2, 1, 4, 1, 2], "generated": [1, 2, 1]},
        no_repeat_ngram_size=4,
    ),
    ban("a bad word of one token", SMALL, {}, bad_words_ids=[[2]]),
    ban(
        "bad words of several tokens that match",
        SMALL,
        HISTORY,
        bad_words_ids=[[5, 7, 1], [2, 5, 7, 8], [7, 7]],
    ),
    ban(
        "bad words of several tokens that do not match", SMALL, HISTORY, bad_words_ids=[[7, 5, 1], [5, 9, 4]]
    ),
    ban(
        "a bad word as long as the history",
        SMALL,
        {"prompt": [4, 6]},
        bad_words_ids=[[4, 6, 9], [1, 4, 6, 8]],
    ),
    ban("a bad word that begins with an end token", SMALL, {"prompt": [4, 3]}, bad_words_ids=[[3, 9]]),
    ban("end tokens as bad words", SMALL, {"prompt": [4]}, bad_words_ids=[[0], [4, 3], [3]]),
    ban(
        "all tokens but one as bad words",
        SIGNS,
        {},
        bad_words_ids=[[1], [2], [4], [5], [6], [7]],
        min_new_tokens=1,
    )
    | {"logits": [*SIGNS, 0.75]},
    ban("min_new_tokens before", SMALL, HISTORY, min_new_tokens=6),
    ban("min_new_tokens reached", SMALL, HISTORY, min_new_tokens=5),
    ban("logit_bias", SMALL, {}, logit_bias={"4": 3.5, "0": -100.0, "23": 0.25}),
    ban(
        "logit_bias before repetition_penalty",
        SIGNS,
        {"prompt": [1, 2]},
        logit_bias={"1": 4.0, "2": -3.0},
        repetition_penalty=2.0,
    ),
    ban("logit_bias of masked tokens", TIES, {}, logit_bias={"3": 100.0, "8": 5.0}),
    {
        **draw(
            "everything at once",
            LARGE,
            temperature=0.9,
            top_k=60,
            top_p=0.95,
            min_p=0.01,
            typical_p=0.9,
            repetition_penalty=1.15,
            presence_penalty=0.4,
            frequency_penalty=0.3,
            no_repeat_ngram_size=3,
            bad_words_ids=[[7, 100], [5, 7, 2046], [17]],
            min_new_tokens=20,
            logit_bias={"9": 8.0, "100": 5.0, "0": 20.0},
        ),
        **HISTORY,
    },
    {**draw("penalties before draws", SMALL, temperature=0.8, top_k=6, repetition_penalty=1.4), **HISTORY},
]

WALKS = [
    {
        "name": "repetition_penalty",
        "size": 40,
        "period": 4,
        "scale": 2.0,
        "prompt": [1, 2, 3],
        "parameters": {"repetition_penalty": 1.25},
    },
    {
        "name": "no_repeat_ngram_size and min_new_tokens",
        "size": 30,
        "period": 3,
        "scale": 3.0,
        "prompt": [4, 8, 4, 8, 5],
        "parameters": {"no_repeat_ngram_size": 2, "min_new_tokens": 25},
    },
    {
        "name": "presence_penalty, frequency_penalty and bad_words_ids",
        "size": 60,
        "period": 2,
        "scale": 2.0,
        "prompt": [9],
        "parameters": {
            "presence_penalty": 0.3,
            "frequency_penalty": 0.45,
            "bad_words_ids": [[12], [48, 31], [31, 48], [2, 2]],
        },
    },
]

SEEDED = [
    {"seed": seed, "logits": MEDIUM, "parameters": parameters}
    for parameters in (
        {"do_sample": True, "temperature": 1.5},
        {"do_sample": True, "top_k": 30, "top_p": 0.9},
    )
    for seed in (0, 42, 43, -42, 2**32 + 42, 2**53 - 1)
]


def main() -> None:
    write(
        FOLDER / "transformers.json",
        to_json(
            {
                "engine": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}",
                "eos_token_ids": EOS,
                "cases": [process(case) for case in CASES],
                "walks": [walk(case) for case in WALKS],
                "seeded": [seeded(case) for case in SEEDED],
            },
            width=None,
        ),
    )


if __name__ == "__main__":
    main()
