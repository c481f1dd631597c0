"""Writes an ONNX graph node by node, each node named after its output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from publish import OPSET, finish

# The operators of ONNX Runtime itself.
CONTRIB = "com.microsoft"

Values = Mapping[str, tuple[int, Sequence[int | str]]]


class GraphBuilder:
    """Nodes and constants in the order they were asked for; a constant of a known name is reused."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def add(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(onnx.helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def add_many(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> list[str]:
        """A node with several outputs, named after the first."""
        self.nodes.append(onnx.helper.make_node(op, inputs, outputs, name=outputs[0], **attributes))
        return list(outputs)

    def split(self, source: str, outputs: Sequence[str], **attributes: Any) -> list[str]:
        count = len(outputs)
        self.nodes.append(
            onnx.helper.make_node(
                "Split", [source], outputs, name=f"{source}_split", num_outputs=count, **attributes
            )
        )
        return list(outputs)

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.setdefault(name, np.ascontiguousarray(value))
        return name

    def finish(self, name: str, inputs: Values, outputs: Values) -> onnx.ModelProto:
        """The model; ``inputs`` and ``outputs`` map names to element type and shape."""

        def values(described: Values) -> list[onnx.ValueInfoProto]:
            return [
                onnx.helper.make_tensor_value_info(key, element_type, shape)
                for key, (element_type, shape) in described.items()
            ]

        graph = onnx.helper.make_graph(
            self.nodes,
            name,
            values(inputs),
            values(outputs),
            [onnx.numpy_helper.from_array(v, k) for k, v in self.constants.items()],
        )
        opsets = [onnx.helper.make_opsetid("", OPSET)]
        if any(node.domain == CONTRIB for node in self.nodes):
            opsets.append(onnx.helper.make_opsetid(CONTRIB, 1))
        return finish(onnx.helper.make_model(graph, opset_imports=opsets), name)
