"""Reads the weights of a CTranslate2 model, version 6 of its format."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

DATATYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Variables by their names; those of floats as float32."""
    content = path.read_bytes()
    offset = 0

    def number(form: str) -> int:
        nonlocal offset
        (value,) = struct.unpack_from(f"<{form}", content, offset)
        offset += struct.calcsize(f"<{form}")
        return value

    def text() -> str:
        nonlocal offset
        length = number("H")
        value = content[offset : offset + length - 1].decode()
        offset += length
        return value

    version = number("I")
    if version != 6:
        raise ValueError(f"{path.name} has version {version} of the format instead of 6")
    text()
    number("I")
    weights = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        datatype = np.dtype(DATATYPES[number("B")])
        size = number("I")
        values = np.frombuffer(content, datatype, size // datatype.itemsize, offset).reshape(shape)
        weights[name] = values.astype(np.float32) if datatype.kind == "f" else values
        offset += size
    for _ in range(number("I")):
        alias, name = text(), text()
        weights[alias] = weights[name]
    return weights
