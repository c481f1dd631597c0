"""Writes the results of a recipe: the model, its manifest, its card and its test fixture.

The folders mirror the keys in object storage: ``models/{name}/{version}/{file}``, with the manifest
beside the files it lists. Nothing here depends on the clock, the machine or the order of a dictionary,
so a second run of a recipe gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime

from rendering import Card, to_json, to_markdown

ROOT = Path(__file__).resolve().parents[1]
MEASURED = Path(__file__).with_name("measured.json")
VERSION = "1"
CREATED_AT = "2026-11-22T00:00:00Z"
OPSET = 21
IR_VERSION = 10
FIXTURE_ROWS = 16

DATATYPES = {
    onnx.TensorProto.FLOAT: "FP32",
    onnx.TensorProto.INT64: "INT64",
    onnx.TensorProto.UINT8: "UINT8",
}


@dataclass(frozen=True)
class Fixture:
    """Input tensors of held-out rows, and the outputs of an engine other than the served one.

    ``tolerance`` is absolute, by output name.
    """

    engine: str
    inputs: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray]
    tolerance: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Member:
    """A model that the task runs beside the main one, in ORT format."""

    file: str
    content: bytes
    inputs: Sequence[Mapping[str, Any]]
    outputs: Sequence[Mapping[str, Any]]
    runtime: Mapping[str, Any]
    # Shapes of its inputs, all FP32, that its heap is measured with.
    measured_with: Mapping[str, Sequence[int]] | None = None


@dataclass(frozen=True, kw_only=True)
class Publication:
    """One version of one model, complete. Without a task it is served as tensors only."""

    name: str
    description: str
    recipe: str
    model: onnx.ModelProto
    source: str
    license: str
    metrics: Mapping[str, Any]
    fixture: Fixture
    card: Card
    format: Literal["onnx", "ort"] = "onnx"
    # The name of the main model's file, without its extension.
    file: str = "model"
    members: Mapping[str, Member] = field(default_factory=dict)
    prepack: bool = True
    # Predictions of a model with state are not cached.
    cached: bool = True
    task: str | None = None
    preprocess: Mapping[str, Any] | None = None
    postprocess: Mapping[str, Any] | None = None
    labels: Sequence[str] | None = None
    example: Mapping[str, Any] | None = None
    descriptions: Mapping[str, str] = field(default_factory=dict)
    assets: Mapping[str, bytes] = field(default_factory=dict)


def publish(publication: Publication) -> None:
    """Writes ``models/{name}`` and ``test/fixtures/expected/{name}.json``."""
    name = publication.name
    folder = ROOT / "models" / name / VERSION
    file = f"{publication.file}.{publication.format}"
    onnx_bytes = serialize(publication.model)
    model = to_ort(onnx_bytes) if publication.format == "ort" else onnx_bytes
    members = publication.members
    files = {file: model, **{m.file: m.content for m in members.values()}, **publication.assets}
    for path, content in files.items():
        write(folder / path, content)

    graph = publication.model.graph
    manifest: dict[str, Any] = {
        "schemaVersion": 1,
        "name": name,
        "version": VERSION,
        "description": publication.description,
        "task": publication.task,
        "format": publication.format,
        "file": file,
        "files": [
            {
                "path": path,
                "sha256": hashlib.sha256(content).hexdigest(),
                "sizeBytes": len(content),
            }
            for path, content in files.items()
        ],
        "inputs": [tensor_of(v, publication.descriptions) for v in graph.input],
        "outputs": [tensor_of(v, publication.descriptions) for v in graph.output],
        "models": {key: to_declaration(member) for key, member in members.items()} or None,
        "preprocess": publication.preprocess,
        "postprocess": publication.postprocess,
        "labels": publication.labels and list(publication.labels),
        "cache": {"enabled": publication.cached, "ttlSeconds": 86400},
        "runtime": {"prepack": publication.prepack, **measured(name, model)},
        "provenance": {
            "source": publication.source,
            "license": publication.license,
            "recipe": f"recipes/{publication.recipe}",
        },
        "metrics": publication.metrics,
        "example": publication.example,
        "createdAt": CREATED_AT,
    }
    manifest = {key: value for key, value in manifest.items() if value is not None}
    write(folder / "manifest.json", to_json(manifest))
    write(folder.parent / "README.md", to_markdown(manifest, publication.card))
    write(
        ROOT / "test" / "fixtures" / "expected" / f"{name}.json",
        to_json({**to_protocol(publication.fixture, manifest), **to_measure(members)}, width=None),
    )
    print(f"{name}: {len(model)} bytes, {json.dumps(manifest['metrics'])}")


def to_measure(members: Mapping[str, Member]) -> dict[str, Any]:
    """What ``scripts/measure-models.ts`` runs members with."""
    shapes = {key: dict(m.measured_with) for key, m in members.items() if m.measured_with}
    return {"members": shapes} if shapes else {}


def to_declaration(member: Member) -> dict[str, Any]:
    return {
        "format": "ort",
        "file": member.file,
        "inputs": list(member.inputs),
        "outputs": list(member.outputs),
        "runtime": dict(member.runtime),
    }


def to_member(
    name: str,
    member: str,
    model: onnx.ModelProto,
    descriptions: Mapping[str, str],
    measured_with: Mapping[str, Sequence[int]],
) -> Member:
    """``member`` of the model ``name``."""
    content = to_ort(serialize(model))
    runtime = {"prepack": True, **measured(f"{name}/{member}", content)}
    runtime.pop("loadMs", None)
    return Member(
        file=f"{member}.ort",
        content=content,
        inputs=[tensor_of(v, descriptions) for v in model.graph.input],
        outputs=[tensor_of(v, descriptions) for v in model.graph.output],
        runtime=runtime,
        measured_with=measured_with,
    )


def measured(name: str, model: bytes) -> dict[str, Any]:
    """Heap and load time of the model, as measured by scripts/measure-models.ts for the same bytes."""
    found = json.loads(MEASURED.read_bytes()).get(name, {}) if MEASURED.exists() else {}
    if found.pop("sha256", None) == hashlib.sha256(model).hexdigest():
        return found
    print(f"{name}: not measured yet; run scripts/measure-models.ts, then this recipe again")
    return {}


def to_ort(onnx_bytes: bytes) -> bytes:
    """The model in ORT format, written by the engine that will serve it."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "model.onnx", Path(folder) / "model.ort"
        source.write_bytes(onnx_bytes)
        script = ["node", "scripts/bootstrap.mjs", "scripts/convert-ort.ts", str(source), str(target)]
        subprocess.run(script, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return target.read_bytes()


def finish(model: onnx.ModelProto, name: str, *, batch: bool = True) -> onnx.ModelProto:
    """Sets the fields that converters leave nondeterministic or at the newest version, then checks the model.

    With ``batch`` the first dimension of every input and output becomes the symbolic ``batch``.
    """
    model.ir_version = IR_VERSION
    model.producer_name = "onnxflare"
    model.producer_version = VERSION
    model.domain = ""
    model.model_version = int(VERSION)
    model.doc_string = ""
    del model.metadata_props[:]
    # skl2onnx takes the operator sets from a Python set, whose order changes with each run.
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    model.graph.name = name
    model.graph.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output] if batch else []:
        value.type.tensor_type.shape.dim[0].Clear()
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(model, full_check=True)
    return model


def build(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int]],
    outputs: Mapping[str, Sequence[int]],
    initializers: Mapping[str, np.ndarray],
) -> onnx.ModelProto:
    """An FP32 model from nodes; ``inputs`` and ``outputs`` map names to shapes without the batch."""

    def values(shapes: Mapping[str, Sequence[int]]) -> list[onnx.ValueInfoProto]:
        return [
            onnx.helper.make_tensor_value_info(key, onnx.TensorProto.FLOAT, ["batch", *shape])
            for key, shape in shapes.items()
        ]

    graph = onnx.helper.make_graph(
        nodes,
        name,
        values(inputs),
        values(outputs),
        [onnx.numpy_helper.from_array(v, k) for k, v in initializers.items()],
    )
    opsets = [onnx.helper.make_opsetid("", OPSET)]
    return finish(onnx.helper.make_model(graph, opset_imports=opsets), name)


def serialize(model: onnx.ModelProto) -> bytes:
    return model.SerializeToString(deterministic=True)


def run(
    model: onnx.ModelProto,
    inputs: Mapping[str, np.ndarray],
    *,
    optimize: bool = True,
) -> dict[str, np.ndarray]:
    """The outputs of native ONNX Runtime, by output name.

    Without ``optimize`` a quantized graph is computed as written, in floats, which no instruction set's
    integer kernel can disturb.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(serialize(model), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


def max_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """The largest absolute difference, taken in float64."""
    return float(np.max(np.abs(actual.astype(np.float64) - expected.astype(np.float64))))


def tolerance_for(error: float) -> float:
    """Twice a measured error, rounded up to 1, 2 or 5 times a power of ten, and at least 1e-6."""
    wanted = max(2 * error, 1e-6)
    power = math.floor(math.log10(wanted))
    for candidate in [f"{m}e{power}" for m in (1, 2, 5)] + [f"1e{power + 1}"]:
        if wanted <= float(candidate) * (1 + 1e-9):
            return float(candidate)
    raise AssertionError(wanted)


def significant(value: float, digits: int = 4) -> float:
    """A number short enough to read in a manifest."""
    return float(f"{value:.{digits}g}")


def ranked(labels: Sequence[str], scores: np.ndarray, top: int | None = None) -> list[dict[str, Any]]:
    """The answer of a classification: labels with their scores, best first."""
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")[:top]
    return [{"label": labels[i], "score": plain(scores[i])} for i in order]


def plain(value: Any) -> Any:
    """A JSON number: nine significant digits carry every float32, and a whole number needs no point.

    JSON has no NaN: the protocol writes it as a text.
    """
    if math.isnan(value):
        return "NaN"
    short = float(f"{float(value):.9g}")
    return int(short) if short.is_integer() else short


def tensor_of(value: onnx.ValueInfoProto, descriptions: Mapping[str, str]) -> dict[str, Any]:
    tensor = value.type.tensor_type
    described = {
        "name": value.name,
        "datatype": DATATYPES[tensor.elem_type],
        "shape": [dim.dim_param or dim.dim_value for dim in tensor.shape.dim],
    }
    if value.name in descriptions:
        described["description"] = descriptions[value.name]
    return described


def to_protocol(fixture: Fixture, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The fixture with tensors in the JSON form of the Open Inference Protocol.

    Bytes, which are pictures here, are stored in ``dataBase64`` instead of ``data``.
    """

    def data(values: np.ndarray) -> dict[str, Any]:
        if values.dtype == np.uint8:
            return {"dataBase64": base64.b64encode(values.tobytes()).decode()}
        return {"data": [plain(v) for v in values.ravel()]}

    def tensors(
        described: Sequence[Mapping[str, Any]], values: Mapping[str, np.ndarray]
    ) -> list[dict[str, Any]]:
        return [
            {
                "name": tensor["name"],
                "shape": list(values[tensor["name"]].shape),
                "datatype": tensor["datatype"],
                **data(values[tensor["name"]]),
            }
            for tensor in described
        ]

    return {
        "engine": fixture.engine,
        "tolerance": dict(fixture.tolerance),
        "inputs": tensors(manifest["inputs"], fixture.inputs),
        "outputs": tensors(manifest["outputs"], fixture.outputs),
    }


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
