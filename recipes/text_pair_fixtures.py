"""A tiny model with the heads of tasks that read two texts, and what ``transformers`` makes of it.

Writes ``test/fixtures/text-pairs``: a BERT of random weights as ONNX, with the outputs of a model of entailment, a
cross-encoder, a masked language model and one of question answering; and the answers of the pipelines of
``transformers`` (PyTorch) for texts, with the tokenizer ``wordpiece-uncased`` of ``test/fixtures/tokenizers``. Pairs of
ids are also those of the other tokenizers there, by Python's ``tokenizers``.

Wants PyTorch, ``transformers``, ``onnx`` and ``onnxscript``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import tokenizers
import torch
import transformers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
    pipeline,
)

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "test" / "fixtures" / "text-pairs"
TOKENIZERS = ROOT / "test" / "fixtures" / "tokenizers"
MAX_LENGTH = 48
# In the order of the output; those of some published models are the other way round.
LABELS = ["contradiction", "neutral", "entailment"]

SENTENCE = "Everyone has the right to rest and leisure, including reasonable limitation of working hours."
LONG = " ".join(["All human beings are born free and equal in dignity and rights."] * 6)
CANDIDATES = ["holidays", "slavery", "courts of law", "education"]
PAIRS = [
    ["No one shall be held in slavery.", "Everyone has the right to education."],
    ["Everyone is equal before the law.", ""],
    [LONG, "Everyone has duties."],
    ["Everyone has duties.", LONG],
    [LONG, LONG + " Marriage shall be free."],
]
QUERY = "Who has the right to education?"
TEXTS = [
    "Everyone has the right to education.",
    "No one shall be held in slavery or servitude.",
    "Marriage shall be entered into only with free consent.",
    LONG,
]
MASKED = [
    "Everyone has the right to [MASK].",
    "[MASK] one shall be held in slavery.",
    "All human [MASK] are born free and [MASK] in dignity.",
]
TARGETS = ["education", "rest", "slavery"]


def main() -> None:
    transformers.logging.set_verbosity_error()
    torch.manual_seed(20)
    fast = tokenizer_of("wordpiece-uncased")
    config = {
        "vocab_size": len(fast),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": MAX_LENGTH,
        "initializer_range": 0.6,
        "pad_token_id": fast.pad_token_id,
    }
    base = BertModel(BertConfig(**config), add_pooling_layer=True)
    entailment = with_base(
        BertForSequenceClassification(
            BertConfig(**config, num_labels=3, id2label=dict(enumerate(LABELS)), label2id={v: k for k, v in enumerate(LABELS)})
        ),
        base,
    )
    ranker = with_base(BertForSequenceClassification(BertConfig(**config, num_labels=1)), base)
    masked = with_base(BertForMaskedLM(BertConfig(**config)), base)
    masked.tie_weights()
    questions = with_base(BertForQuestionAnswering(BertConfig(**config)), base)
    FOLDER.mkdir(parents=True, exist_ok=True)
    export(Heads(base, entailment, ranker, masked, questions))

    with torch.no_grad():
        write_expected(fast, base.eval(), entailment, ranker, masked)


def with_base(model: torch.nn.Module, base: BertModel) -> torch.nn.Module:
    model.bert.load_state_dict(base.state_dict(), strict=False)
    return model.eval()


def tokenizer_of(name: str) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_file=str(TOKENIZERS / f"{name}.json"),
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "attention_mask", "token_type_ids"],
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
    )


class Heads(torch.nn.Module):
    """One encoder, and the outputs of four models."""

    def __init__(self, base, entailment, ranker, masked, questions) -> None:
        super().__init__()
        self.base = base.eval()
        self.entailment = entailment.classifier
        self.ranker = ranker.classifier
        self.masked = masked.cls
        self.questions = questions.qa_outputs

    def forward(self, input_ids, attention_mask, token_type_ids):
        out = self.base(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        )
        start, end = self.questions(out.last_hidden_state).split(1, dim=-1)
        return (
            self.entailment(out.pooler_output),
            self.ranker(out.pooler_output),
            self.masked(out.last_hidden_state),
            start.squeeze(-1),
            end.squeeze(-1),
            out.last_hidden_state,
        )


OUTPUTS = ["logits", "relevance", "token_logits", "start_logits", "end_logits", "last_hidden_state"]
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]


def export(heads: Heads) -> None:
    path = FOLDER / "model.onnx"
    example = tuple(torch.ones((2, 7), dtype=torch.int64) for _ in INPUTS)
    axes = {name: {0: "batch", 1: "tokens"} for name in [*INPUTS, *OUTPUTS[2:]]}
    axes |= {name: {0: "batch"} for name in OUTPUTS[:2]}
    torch.onnx.export(
        heads, example, str(path), input_names=INPUTS, output_names=OUTPUTS, dynamic_axes=axes, dynamo=False, opset_version=17
    )
    model = onnx.load(str(path))
    model.producer_version = ""
    for node in model.graph.node:
        node.doc_string = ""
    onnx.save(model, str(path))
    print(path.name, path.stat().st_size)


def write_expected(fast, base, entailment, ranker, masked) -> None:
    versions = f"transformers {transformers.__version__}, PyTorch {torch.__version__.split('+')[0]}, tokenizers {tokenizers.__version__}"
    classify = pipeline("text-classification", model=entailment, tokenizer=fast, device="cpu", top_k=None)
    zero_shot = pipeline("zero-shot-classification", model=entailment, tokenizer=fast, device="cpu")
    fill = pipeline("fill-mask", model=masked, tokenizer=fast, device="cpu")
    # The pipeline takes an empty second text for none.
    pairs = [(a, b) for a, b in PAIRS if b]
    pair_scores = [classify({"text": a, "text_pair": b}, truncation=True, max_length=MAX_LENGTH) for a, b in pairs]
    ranked = fast([QUERY] * len(TEXTS), TEXTS, truncation="longest_first", max_length=MAX_LENGTH, padding=True, return_tensors="pt")
    expected = {
        "versions": versions,
        "maxLength": MAX_LENGTH,
        "labels": LABELS,
        "pairs": [
            {"text": a, "text_pair": b, "scores": scores} for (a, b), scores in zip(pairs, pair_scores, strict=True)
        ],
        "zeroShot": [
            {"inputs": text, "parameters": parameters, "output": zero_shot(text, **parameters)}
            for text in (SENTENCE, LONG)
            for parameters in (
                {"candidate_labels": CANDIDATES},
                {"candidate_labels": CANDIDATES, "multi_label": True},
                {"candidate_labels": CANDIDATES, "hypothesis_template": "It is about {} only."},
            )
        ],
        "ranking": {"query": QUERY, "texts": TEXTS, "logits": ranker(**ranked).logits[:, 0].tolist()},
        "similarities": similarities(fast, base),
        "masked": [{"inputs": text, "output": fill(text)} for text in MASKED],
        "maskedTargets": {"inputs": MASKED[0], "targets": TARGETS, "output": fill(MASKED[0], targets=TARGETS)},
        "encodings": [encodings(name) for name in tokenizer_names()],
    }
    (FOLDER / "expected.json").write_text(json.dumps(expected, separators=(",", ":"), ensure_ascii=False) + "\n")


def similarities(fast, base: BertModel) -> dict[str, list[float]]:
    """Of the query and each text: the cosine of the means of their tokens, and the mean of the largest cosines of tokens."""
    vectors = []
    for text in [QUERY, *TEXTS]:
        feed = fast(text, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
        vectors.append(base(**feed).last_hidden_state[0].double())
    means = [torch.nn.functional.normalize(own.mean(0), dim=0) for own in vectors]
    tokens = [torch.nn.functional.normalize(own[1:-1], dim=1) for own in vectors]
    return {
        "cosine": [float(means[0] @ mean) for mean in means[1:]],
        "maxSim": [float((tokens[0] @ own.T).max(dim=1).values.mean()) for own in tokens[1:]],
    }


def tokenizer_names() -> list[str]:
    return sorted(p.stem for p in TOKENIZERS.glob("*.json") if p.stem.split(".")[0].split("-")[0] in ("wordpiece", "bpe", "unigram") and "." not in p.stem)


def encodings(name: str) -> dict:
    """Ids and types of pairs, cut in each of the ways that there are."""
    tokenizer = tokenizers.Tokenizer.from_file(str(TOKENIZERS / f"{name}.json"))
    tokenizer.no_padding()
    cases = []
    for length, strategy in ((MAX_LENGTH, "longest_first"), (15, "longest_first"), (14, "longest_first"), (MAX_LENGTH, "only_first")):
        tokenizer.enable_truncation(length, strategy=strategy)
        for a, b in PAIRS[:-1] if strategy != "only_first" else PAIRS[:3]:
            encoding = tokenizer.encode(a, b)
            cases.append({"maxLength": length, "strategy": strategy, "pair": [a, b], "ids": encoding.ids, "types": encoding.type_ids})
        if strategy == "longest_first":
            a, b = PAIRS[-1]
            encoding = tokenizer.encode(a, b)
            cases.append({"maxLength": length, "strategy": strategy, "pair": [a, b], "ids": encoding.ids, "types": encoding.type_ids})
    return {"tokenizer": name, "cases": cases}


if __name__ == "__main__":
    main()
