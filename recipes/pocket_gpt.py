"""Converts pocket-gpt, a small Llama trained for this project, to int8 with its cache in place.

    python recipes/pocket_gpt.py CHECKPOINT

The checkpoint (53 MB) is not in the repository: a folder with ``model.safetensors``, ``config.json``, ``tokenizer.json``,
``tokenizer_config.json``, as ``transformers`` loads it, and ``tokens/``: ``prose_val.u16.xz`` (held-out books, token ids) and
``tests.json`` (requests with the commands of their pages). ``pocket_gpt_sources.json`` lists what it was trained on.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import onnxruntime
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from generation_prompts import PROSE, REQUESTS, SYSTEM
from greedy_text import Generator, answers_share, negative_log_likelihood
from llama_graph import Llama, llama_graph
from publish import ROOT, Fixture, Publication, publish, run, serialize, significant, tolerance_for, write
from rendering import Card, to_json

NAME = "pocket-gpt"
ENGINE = f"onnxruntime {onnxruntime.__version__} (Python)"
TEXT_START, MESSAGE_END = 0, 4
ENDS = (TEXT_START, MESSAGE_END)
MAX_NEW_TOKENS = 64
EXPECTED_TOKENS = 48
# Differences of two logits in native and WebAssembly kernels differ by 0.46 at most, of 1,946 tokens.
CERTAIN = 0.5
WINDOWS, WINDOW = 40, 512
PAIRS = 400
LONGEST_COMMAND = 80
EXAMPLE = "The old man looked at the sea and"
# The beginnings of two texts.
FIXTURE_IDS = [[0, 302], [2, 203]]


def main() -> None:
    checkpoint = Path(sys.argv[1])
    config = json.loads((checkpoint / "config.json").read_bytes())
    tokenizer_config = (checkpoint / "tokenizer_config.json").read_bytes()
    template = json.loads(tokenizer_config)["chat_template"]
    tokenizer_json = (checkpoint / "tokenizer.json").read_bytes()
    tokenizer = Tokenizer.from_str(tokenizer_json.decode())
    model = to_model(checkpoint, config)
    graphs = {int8: llama_graph(NAME, model, int8=int8) for int8 in (True, False)}
    generators = {int8: Generator(graph, model.context) for int8, graph in graphs.items()}

    def chat(messages: Sequence[dict[str, str]]) -> str:
        return jinja2.Template(template).render(messages=messages, add_generation_prompt=True)

    def complete(int8: bool, ids: list[int], count: int) -> str:
        tokens, _ = generators[int8].greedy(ids, count, ENDS)
        return tokenizer.decode(tokens)

    def answer(int8: bool, request: str) -> str:
        ids = tokenizer.encode(chat([user(request)])).ids
        return complete(int8, ids, LONGEST_COMMAND).strip()

    metrics = measure(checkpoint, model, answer)
    metrics["sizeBytesFp32"] = len(serialize(graphs[False]))
    write_expected(tokenizer, graphs[True], generators[True], chat)
    example = EXAMPLE + complete(True, [TEXT_START, *tokenizer.encode(EXAMPLE).ids], MAX_NEW_TOKENS)
    publish(
        Publication(
            name=NAME,
            description="Continues English prose and answers requests with shell commands: a small language model (26.7 M parameters, int8).",
            recipe="pocket_gpt.py",
            model=graphs[True],
            format="ort",
            source="Standard Ebooks (CC0-1.0), State of the Union addresses (public domain), tldr-pages (CC-BY-4.0, (c) the tldr-pages team and contributors); trained for this project",
            license="Apache-2.0 AND CC-BY-4.0",
            task="text-generation",
            preprocess={
                "type": "prompt",
                "version": 1,
                "tokenizer": "tokenizer.json",
                "chatTemplate": "tokenizer_config.json",
                "inputs": {"ids": "input_ids", "attentionMask": "attention_mask"},
                "addSpecialTokens": False,
                "bosTokenId": TEXT_START,
            },
            postprocess={
                "type": "text-generation",
                "version": 1,
                "logits": "logits",
                "context": model.context,
                "cache": {
                    "form": "in-place",
                    "past": "past_key_values.{layer}.{kind}",
                    "present": "present.{layer}.{kind}",
                    "layers": model.layers,
                    "heads": model.kv_heads,
                    "headSize": model.head_size,
                    "datatype": "FP32",
                    "independentTokens": True,
                },
                "eosTokenIds": list(ENDS),
                "maxNewTokens": MAX_NEW_TOKENS,
                "doSample": False,
            },
            metrics=metrics,
            fixture=to_fixture(graphs[True], model),
            card=to_card(),
            example={
                "inputs": EXAMPLE,
                "output": [{"generated_text": example}],
                "engine": ENGINE,
                "tolerance": 0,
            },
            descriptions={
                "input_ids": "tokens that continue those in the cache",
                "attention_mask": "1 for each token of the text so far, these included",
                "logits": "a score for each token that may follow the last one",
                **{
                    f"{prefix}.{layer}.{part}": f"{part}s of layer {layer}"
                    for prefix in ("past_key_values", "present")
                    for layer in range(model.layers)
                    for part in ("key", "value")
                },
            },
            assets={"tokenizer.json": tokenizer_json, "tokenizer_config.json": tokenizer_config},
        )
    )


def to_model(checkpoint: Path, config: dict[str, Any]) -> Llama:
    weights = load_file(checkpoint / "model.safetensors")
    return Llama(
        weights={name: value.astype(np.float32) for name, value in weights.items()},
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        head_size=config["head_dim"],
        context=config["max_position_embeddings"],
        theta=config["rope_theta"],
        epsilon=config["rms_norm_eps"],
    )


def user(request: str) -> dict[str, str]:
    return {"role": "user", "content": request}


def measure(checkpoint: Path, model: Llama, answer: Any) -> dict[str, Any]:
    """Perplexity on held-out books, and commands on pairs of pages of which other pairs were seen."""
    packed = lzma.decompress((checkpoint / "tokens" / "prose_val.u16.xz").read_bytes())
    prose = np.frombuffer(packed, "<u2").astype(np.int64)
    starts = np.linspace(0, len(prose) - WINDOW - 1, WINDOWS).astype(int)
    windows = [prose[start : start + WINDOW + 1] for start in starts]
    pairs = json.loads((checkpoint / "tokens" / "tests.json").read_bytes())
    metrics: dict[str, Any] = {}
    for int8, suffix in ((True, ""), (False, "Fp32")):
        every_token = Generator(llama_graph(NAME, model, int8=int8, every_token=True), model.context)
        loss = negative_log_likelihood(every_token, windows)
        metrics[f"perplexity{suffix}"] = significant(math.exp(loss))
        for key, pages, form in (
            ("unseenPairs", "unseen_pairs", "named"),
            ("unseenPairsUnnamed", "unseen_pairs", "bare"),
            ("unseenPages", "unseen_pages", "named"),
        ):
            asked = pairs[pages][:PAIRS]
            shares = answers_share([answer(int8, pair[form]) for pair in asked], asked)
            for figure, share in shares.items():
                metrics[f"{key}{figure[0].upper()}{figure[1:]}{suffix}"] = significant(share)
            print(int8, key, shares, flush=True)
    metrics["proseTokens"] = WINDOWS * WINDOW
    metrics["samples"] = PAIRS
    return metrics


def write_expected(tokenizer: Tokenizer, graph: Any, generator: Generator, chat: Any) -> None:
    """The greedy tokens of prompts by the graph that is served.

    The first ``certain`` ones are ahead of all others by ``CERTAIN``. Where two tokens are nearer, the float kernels of
    another machine may choose the other one: the 8 bits of an activation make more of the last bit of a float.
    """
    prompts: list[tuple[dict[str, Any], list[int]]] = [
        ({"prompt": text}, [TEXT_START, *tokenizer.encode(text).ids]) for text in PROSE
    ]
    for index, request in enumerate(REQUESTS):
        messages = [user(request)]
        if index % 8 == 7:
            messages.insert(0, {"role": "system", "content": SYSTEM})
        prompt = chat(messages)
        prompts.append(({"messages": messages, "prompt": prompt}, tokenizer.encode(prompt).ids))
    cases = []
    for described, ids in prompts:
        tokens, margins = generator.greedy(ids, EXPECTED_TOKENS, ENDS)
        certain = next((n for n, margin in enumerate(margins) if margin < CERTAIN), len(tokens))
        text = tokenizer.decode(tokens)
        cases.append({**described, "ids": ids, "tokens": tokens, "text": text, "certain": certain})
    fixture = {
        "engine": ENGINE,
        "sha256Onnx": hashlib.sha256(serialize(graph)).hexdigest(),
        "maxNewTokens": EXPECTED_TOKENS,
        "endTokens": list(ENDS),
        "cases": cases,
    }
    write(ROOT / "test" / "fixtures" / "generation" / f"{NAME}.json", to_json(fixture, width=None))


def to_fixture(graph: Any, model: Llama) -> Fixture:
    """A run of two texts with an empty cache."""
    ids = np.array(FIXTURE_IDS, np.int64)
    empty = np.zeros((len(ids), model.kv_heads, 0, model.head_size), np.float32)
    inputs = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        **{
            f"past_key_values.{layer}.{part}": empty
            for layer in range(model.layers)
            for part in ("key", "value")
        },
    }
    outputs = run(graph, inputs)
    unfused = run(graph, inputs, optimize=False)
    return Fixture(
        engine=ENGINE,
        inputs=inputs,
        outputs=outputs,
        tolerance={
            name: tolerance_for(max(float(np.abs(value - unfused[name]).max()), 1e-3))
            for name, value in outputs.items()
        },
    )


def to_card() -> Card:
    return Card(
        title="pocket-gpt, a small language model",
        summary=(
            'A decoder of 26.7 million parameters that continues English prose, and answers "How do I ... with ...?" with a '
            "shell command. It shows generation at a size that fits an isolate; it is no assistant, and it knows no facts."
        ),
        model=(
            "A Llama: 8 layers, 512 channels, 8 heads that share 2 of keys and values, rotary positions, a context of 1,024 tokens, and a byte-level BPE "
            "vocabulary of 8,192 whose table is also the output layer. Its dense layers multiply integers: int8 weights with a scale per output unit, and "
            "activations rounded to 8 bits with a scale per token, so a token's result depends neither on how a prompt is cut into runs nor on other texts in "
            "a batch. Keys and values stay where they are (`GroupQueryAttention`): bind the same buffer of [1, 2, 1024, 64], 8 MiB for all layers, to "
            "`past_key_values.*` and `present.*`.\n\n"
            "The attention has a `head_sink` of -1e9, which adds nothing to a softmax: with it, ONNX Runtime does not take its tiled path for runs of "
            "several tokens, which is 14 times slower in WebAssembly. A prompt of 900 tokens is read in 1.2 s instead of 3.8 s (runs of 32 tokens, Node.js, one "
            "thread, under other load; 1.5 s in runs of 16, 2.1 s in runs of 8, 9 s token by token), and a token takes about 6 ms.\n\n"
            "Trained from nothing in 446 s on one NVIDIA H200: 731 million tokens (29 million of prose, 6.3 million of requests, repeated), batches of 128 "
            "sequences of 1,024 tokens, AdamW with a peak rate of 1.5e-3 and a cosine decay, dropout of 0.1, bfloat16, weight decay of 0.1; a quarter of the sequences were requests, in "
            "the second half of the time one half. In the loss of requests answers counted fully, and what was asked a tenth. The weights are the best of the last 30 % of the run, by the validation losses of prose and answers together.\n\n"
            "A text begins with token 0, `<|endoftext|>`. A request is `<|user|>\\n...<|end|>\\n<|assistant|>\\n`, without token 0, as the template in "
            "`tokenizer_config.json` writes it. Tokens 0 and 4, `<|end|>`, end an answer."
        ),
        data=(
            "99 books of [Standard Ebooks](https://standardebooks.org) (CC0-1.0); the State of the Union addresses (public domain); and 175,619 requests made "
            "of the examples of [tldr-pages](https://github.com/tldr-pages/tldr): (c) the tldr-pages team and contributors, licensed under "
            "[CC-BY-4.0](https://creativecommons.org/licenses/by/4.0/). Changed: placeholders are resolved, and descriptions rephrased as requests. Every source, with "
            "its commit and licence, is in [recipes/pocket_gpt_sources.json](../../recipes/pocket_gpt_sources.json)."
        ),
        results=(
            f"All by native {ENGINE}, greedy, of the shipped int8 weights and (`Fp32`) of the weights before quantization. `perplexity` is that of "
            f"{WINDOWS} windows of {WINDOW} tokens of three books that it was not trained on. `unseenPairs` are {PAIRS} requests that name the program, of pages of "
            "which other examples were trained on; `unseenPairsUnnamed` the same without the name; `unseenPages` are requests of pages never seen. `Exact` is the share of answers that "
            "are the page's command to the last character, `FirstWord` that of answers that begin with the right program. To copy the program's name from "
            "the request alone would reach 0.85 of the first words. This model is in ORT format, made from the ONNX form by scripts/convert-ort.ts."
        ),
        limits=[
            "Do not run its commands without reading them: for unseen requests five of six differ from the page's, some of them plausible, some destructive.",
            "Its commands are overfitted: the validation loss of answers is 3.7, while a shorter run reached 2.5 (whose greedy answers to unseen pairs were worse, 12.7 % and 1.3 %).",
            "Its prose is grammatical and without meaning, in the manner of novels and speeches of the 19th and early 20th century, with their views; greedy, it repeats itself.",
            "English only. It knows no facts, cannot follow instructions other than requests for a command, and has no memory beyond 1,024 tokens.",
            "Another machine's float kernels round some activations to the next step, which changes logits by 0.2, rarely by 0.5: where two tokens are nearly as likely, another one may follow (after the same tokens, in WebAssembly 26 of 1,946 greedy ones were others than natively).",
        ],
    )


if __name__ == "__main__":
    main()
