"""Learns a vocabulary of word pieces, the same one at each run.

The trainer of ``tokenizers`` breaks ties in the order of a hash table, which changes with each run, and so
would the model that is trained on its ids. This is the same algorithm, byte-pair encoding with ``##`` before
what continues a word, with ties broken by the texts of the pieces.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from tokenizers import Tokenizer

PREFIX = "##"


def learn_word_pieces(
    tokenizer: Tokenizer, texts: Iterable[str], size: int, special: Sequence[str], alphabet: int
) -> dict[str, int]:
    """The special tokens, the ``alphabet`` most frequent letters, then pieces in the order of learning."""
    counts: Counter[str] = Counter()
    for text in texts:
        normalized = tokenizer.normalizer.normalize_str(text)
        counts.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalized))
    letters: Counter[str] = Counter()
    for word, count in counts.items():
        for letter in word:
            letters[letter] += count
    known = {letter for letter, _ in sorted(letters.items(), key=lambda item: (-item[1], item[0]))[:alphabet]}
    words: list[list[str]] = []
    weights: list[int] = []
    for word, count in sorted(counts.items()):
        if set(word) <= known:
            words.append([word[0], *(PREFIX + letter for letter in word[1:])])
            weights.append(count)

    vocabulary = [*special, *sorted({piece for word in words for piece in word})]
    seen = set(vocabulary)
    pairs: Counter[tuple[str, str]] = Counter()
    places: dict[tuple[str, str], set[int]] = defaultdict(set)
    for index, word in enumerate(words):
        for pair in pairwise(word):
            pairs[pair] += weights[index]
            places[pair].add(index)
    queue = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(queue)
    while len(vocabulary) < size and queue:
        count, pair = heapq.heappop(queue)
        if -count != pairs[pair]:
            if pairs[pair] > 0:
                heapq.heappush(queue, (-pairs[pair], pair))
            continue
        merged = pair[0] + pair[1].removeprefix(PREFIX)
        if merged not in seen:
            seen.add(merged)
            vocabulary.append(merged)
        changed = set()
        for index in places.pop(pair):
            word, weight = words[index], weights[index]
            for old in pairwise(word):
                pairs[old] -= weight
            words[index] = word = join(word, pair, merged)
            for new in pairwise(word):
                pairs[new] += weight
                places[new].add(index)
                changed.add(new)
        for new in changed:
            if pairs[new] > 0:
                heapq.heappush(queue, (-pairs[new], new))
    return {piece: index for index, piece in enumerate(vocabulary)}


def join(word: Sequence[str], pair: tuple[str, str], merged: str) -> list[str]:
    joined: list[str] = []
    index = 0
    while index < len(word):
        if tuple(word[index : index + 2]) == pair:
            joined.append(merged)
            index += 2
        else:
            joined.append(word[index])
            index += 1
    return joined
