"""Reads the variables of a TensorFlow SavedModel without TensorFlow: a table of LevelDB that says where each tensor is in a file."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

FLOAT = 1


def read_floats(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """The FP32 variables of ``variables.index`` and ``variables.data-00000-of-00001``, by their names."""
    found = {}
    place = index[-48:]
    at = 0
    for _ in range(2):
        _, at = varint(place, at)
    offset, at = varint(place, at)
    size, _ = varint(place, at)
    for _, handle in entries(index, offset, size):
        block, at = varint(handle, 0)
        length, _ = varint(handle, at)
        for key, value in entries(index, block, length):
            fields = message(value)
            if not key or fields.get(1, [0])[0] != FLOAT or 2 not in fields:
                continue
            shape = [message(each).get(1, [0])[0] for each in message(fields[2][0]).get(2, [])]
            start, count = fields.get(4, [0])[0], fields.get(5, [0])[0]
            found[key.decode()] = np.frombuffer(data[start : start + count], np.float32).reshape(shape)
    return found


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def entries(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of an uncompressed block; keys leave out what they share with the one before."""
    if data[offset + size] != 0:
        raise ValueError("the table is compressed")
    block = data[offset : offset + size]
    end = len(block) - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        length, at = varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + length]
        at += length


def message(data: bytes) -> dict[int, list]:
    """The fields of a protocol buffer, by their numbers."""
    found: dict[int, list] = {}
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            length, at = varint(data, at) if tag & 7 == 2 else (4 if tag & 7 == 5 else 8, at)
            value, at = data[at : at + length], at + length
        found.setdefault(tag >> 3, []).append(value)
    return found
