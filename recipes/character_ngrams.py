"""Frequencies of character n-grams, as lande 1.0.10 computes them in JavaScript."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

# What JavaScript's \s and trim() mean, which is not what Python's do.
JS_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
JS_SPACES = re.compile(f"[{JS_SPACE}]{{2,}}")
JS_EDGES = re.compile(f"^[{JS_SPACE}]+|[{JS_SPACE}]+$")
JS_IS_SPACE = re.compile(f"[{JS_SPACE}]")


def prepare(text: str) -> str:
    """What version 2 of the block does before: composed letters, and spaces for any white space, which lande keeps."""
    return JS_IS_SPACE.sub(" ", unicodedata.normalize("NFC", text))


def normalize(text: str) -> str:
    """lande's normalisation: letters and marks in lower case, one space around words and the text."""
    text = re.sub(r"-+", " ", prepare(text))
    text = "".join(c for c in text if unicodedata.category(c)[0] in "LM" or JS_IS_SPACE.match(c))
    return f" {JS_EDGES.sub('', JS_SPACES.sub(' ', text).lower())} "


def featurize(text: str, ngrams: Sequence[Sequence[str]]) -> np.ndarray:
    """The input vector; lengths count UTF-16 code units, as JavaScript's do."""
    units = normalize(text).encode("utf-16-le", "surrogatepass")
    vector: list[float] = []
    for length, vocabulary in enumerate(ngrams, 1):
        width = 2 * length
        counted = Counter(units[i : i + width] for i in range(0, len(units) - width + 1, 2))
        total = max(counted.total(), 1)
        keys = (ngram.encode("utf-16-le", "surrogatepass") for ngram in vocabulary)
        vector += [counted[key] / total for key in keys]
    return np.array(vector, dtype=np.float32)
