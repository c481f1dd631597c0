"""Renders manifests, fixtures and cards as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Card:
    """The prose of a model's README; the numbers around it come from the manifest."""

    title: str
    summary: str
    data: str
    limits: Sequence[str]
    results: str = ""
    model: str = ""
    request: str = ""


def to_json(value: Any, width: int | None = 100) -> bytes:
    """JSON, two spaces deep, with a list of scalars on one line where ``width`` allows it."""

    def scalar(item: Any) -> bool:
        return not isinstance(item, (dict, list, tuple))

    def render(item: Any, indent: int) -> str:
        if isinstance(item, Mapping) and item:
            pairs = [(json.dumps(k) + ": ", v) for k, v in item.items()]
            return block("{}", pairs, indent)
        if isinstance(item, (list, tuple)) and item:
            line = json.dumps(item, ensure_ascii=False)
            if all(map(scalar, item)) and (width is None or len(line) <= width):
                return line
            return block("[]", [("", v) for v in item], indent)
        return json.dumps(item, ensure_ascii=False)

    def block(brackets: str, entries: Sequence[tuple[str, Any]], indent: int) -> str:
        pad = " " * (indent + 2)
        lines = [f"{pad}{key}{render(v, indent + 2)}" for key, v in entries]
        return f"{brackets[0]}\n" + ",\n".join(lines) + f"\n{' ' * indent}{brackets[1]}"

    return (render(value, 0) + "\n").encode()


def to_markdown(manifest: Mapping[str, Any], card: Card) -> bytes:
    """The model's card."""
    provenance = manifest["provenance"]
    model = manifest["files"][0]
    task = f"task `{manifest['task']}`" if "task" in manifest else "tensors only"

    def table(tensors: Sequence[Mapping[str, Any]]) -> str:
        rows = ["| name | datatype | shape | meaning |", "| --- | --- | --- | --- |"]
        for tensor in tensors:
            shape = ", ".join(map(str, tensor["shape"]))
            meaning = tensor.get("description", "")
            rows.append(f"| `{tensor['name']}` | {tensor['datatype']} | [{shape}] | {meaning} |")
        return "\n".join(rows)

    metrics = ["| figure | value |", "| --- | --- |"]
    metrics += [f"| {key} | {value} |" for key, value in manifest["metrics"].items()]
    sections = {
        "Model": card.model,
        "Data and licence": (
            f"{card.data}\n\n"
            f"Licence: `{provenance['license']}`. Source: {provenance['source']}.\n"
            f"Recipe: [`{provenance['recipe']}`](../../{provenance['recipe']})."
        ),
        "Measured": "\n".join(metrics) + (f"\n\n{card.results}" if card.results else ""),
        "Inputs": table(manifest["inputs"]),
        "Outputs": table(manifest["outputs"]),
        "Request": card.request or to_request(manifest),
        "Limits": "\n".join(f"- {limit}" for limit in card.limits),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items() if text)
    size = f"{model['sizeBytes']:,} bytes"
    heading = (
        f"# {card.title}\n\n{card.summary}\n\n"
        f"`{manifest['name']}` version {manifest['version']}, {task}, {size}."
    )
    return f"{heading}\n\n{body}\n".encode()


def to_request(manifest: Mapping[str, Any]) -> str:
    """The example as a request to the task API, and its response."""
    example = manifest["example"]
    fields = {key: example[key] for key in ("inputs", "parameters") if key in example}
    request = json.dumps(fields, ensure_ascii=False)
    return (
        f"```http\nPOST /models/{manifest['name']}\ncontent-type: application/json\n\n{request}\n```\n\n"
        f"Response, computed with {example['engine']} (tolerance {example['tolerance']}):\n\n"
        f"```json\n{to_json(example['output']).decode()}```"
    )
