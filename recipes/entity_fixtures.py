"""Entities that ``transformers`` finds in texts by the scores of a table; writes a test fixture.

The model is a table of scores by token id, made by :func:`score`, which the test computes again. So the
fixture holds what the aggregation of ``TokenClassificationPipeline`` makes of scores, and nothing else.
"""

from __future__ import annotations

import numpy as np
import torch
import transformers
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.modeling_outputs import TokenClassifierOutput
from transformers.pipelines.token_classification import TokenClassificationPipeline

from publish import ROOT, plain, write
from rendering import to_json

FOLDER = ROOT / "test" / "fixtures" / "tokenizers"
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC"]
STRATEGIES = ["none", "simple", "first", "average", "max"]
TEXTS = [
    "All human beings are born free and equal in dignity and rights.",
    "Angela Merkel lives in Berlin, doesn't she?",
    "🙂 Déjà vu in Ångström's café — naïve 漢字 東京",
    "Universal Declaration of Human Rights, Article 1 (1948)",
    "",
]


def score(token: int, label: int) -> int:
    """Some whole number of 0 to 1008, so that two are hardly ever equal."""
    return (token * 311 + label * 477 + (token % 7) * label * 59) % 1009


class Table(PreTrainedModel):
    config_class = PretrainedConfig

    def __init__(self, config: PretrainedConfig, size: int) -> None:
        super().__init__(config)
        rows = [[score(token, label) / 256 for label in range(len(LABELS))] for token in range(size)]
        self.table = torch.nn.Parameter(torch.tensor(rows))

    def forward(self, input_ids: torch.Tensor, **_: object) -> TokenClassifierOutput:
        return TokenClassifierOutput(logits=self.table[input_ids])


def main() -> None:
    cases = []
    special = {
        "wordpiece-cased": {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"},
        "bpe-byte-level": {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
    }
    for name, tokens in special.items():
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(FOLDER / f"{name}.json"), **tokens)
        config = PretrainedConfig(id2label=dict(enumerate(LABELS)))
        pipeline = TokenClassificationPipeline(model=Table(config, len(tokenizer)), tokenizer=tokenizer)
        for strategy in STRATEGIES:
            predictions = [pipeline(text, aggregation_strategy=strategy) for text in TEXTS]
            cases.append(
                {
                    "tokenizer": name,
                    "aggregation": strategy,
                    "predictions": [[to_plain(entity) for entity in prediction] for prediction in predictions],
                }
            )
    write(
        FOLDER / "entities.json",
        to_json(
            {
                "engine": f"transformers {transformers.__version__} (TokenClassificationPipeline)",
                "labels": LABELS,
                "texts": TEXTS,
                "cases": cases,
            },
            width=None,
        ),
    )


def to_plain(entity: dict[str, object]) -> dict[str, object]:
    return {
        key: plain(value) if isinstance(value, (float, np.floating)) else value
        for key, value in entity.items()
    }


if __name__ == "__main__":
    main()
