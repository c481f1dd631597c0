"""Dense layers that multiply integers, with one scale per output unit and one per token.

A weight is int8, symmetric. An activation is quantized to 8 bits when it is multiplied, with the magnitude of its own
token: what a token's layers compute depends neither on the other tokens of a run nor on the other rows of a batch.
"""

from __future__ import annotations

import numpy as np

from bert_graph import GELU_LOWEST, MIDDLE, TINY, rows_to_int8
from graph_builder import CONTRIB, GraphBuilder


class IntegerLayers:
    """Writes the nodes of such layers; an input that several layers read is quantized once."""

    def __init__(self, graph: GraphBuilder) -> None:
        self.graph = graph
        self.quantized: dict[str, tuple[str, str]] = {}

    def product(self, x: str, weight: np.ndarray, output: str) -> str:
        """``x @ weight.T``."""
        levels, scale = rows_to_int8(weight)
        quantized, reach = self.quantize(x)
        return self.multiply(quantized, reach, levels, scale, output, "step", "middle")

    def product_of_gelu(self, x: str, weight: np.ndarray, bias: np.ndarray, output: str) -> str:
        """``x @ weight.T + bias`` for an ``x`` that comes from GELU: the 256 levels begin at its minimum."""
        graph = self.graph
        levels, scale = rows_to_int8(weight)
        above = graph.add("Sub", [x, graph.constant("gelu_lowest", GELU_LOWEST)], f"{output}_above")
        last = graph.constant("last", np.array([-1]))
        reach = graph.add("ReduceMax", [above, last], f"{output}_reach", keepdims=1)
        graph.add("Div", [above, reach], f"{output}_unit")
        step = graph.constant("gelu_step", np.float32(1 / 255))
        lowest = graph.constant("lowest_level", np.uint8(0))
        quantized = graph.add("QuantizeLinear", [f"{output}_unit", step, lowest], f"{output}_levels")
        self.multiply(quantized, reach, levels, scale, f"{output}_part", step, lowest)
        sums = levels.sum(axis=1, dtype=np.int64)
        bias = bias + (GELU_LOWEST * scale[:, 0] * sums).astype(np.float32)
        return graph.add("Add", [f"{output}_part", graph.constant(f"{output}_bias", bias)], output)

    def multiply(
        self,
        quantized: str,
        reach: str,
        levels: np.ndarray,
        scale: np.ndarray,
        output: str,
        step: str,
        zero: str,
    ) -> str:
        graph = self.graph
        graph.add(
            "MatMulIntegerToFloat",
            [
                quantized,
                graph.constant(f"{output}_weight", levels.T),
                step,
                graph.constant(f"{output}_scales", scale[:, 0]),
                zero,
                graph.constant(f"zeros_{len(scale)}", np.zeros(len(scale), np.int8)),
            ],
            f"{output}_product",
            domain=CONTRIB,
        )
        return graph.add("Mul", [f"{output}_product", reach], output)

    def quantize(self, x: str) -> tuple[str, str]:
        """uint8 levels around 128, and the magnitude of each token that the lowest and highest stand for."""
        if x not in self.quantized:
            graph = self.graph
            last = graph.constant("last", np.array([-1]))
            graph.add("Abs", [x], f"{x}_magnitudes")
            graph.add("ReduceMax", [f"{x}_magnitudes", last], f"{x}_range", keepdims=1)
            graph.add("Max", [f"{x}_range", graph.constant("tiny", TINY)], f"{x}_reach")
            graph.add("Div", [x, f"{x}_reach"], f"{x}_unit")
            step = graph.constant("step", np.float32(1 / 127))
            middle = graph.constant("middle", np.uint8(MIDDLE))
            graph.add("QuantizeLinear", [f"{x}_unit", step, middle], f"{x}_levels")
            self.quantized[x] = (f"{x}_levels", f"{x}_reach")
        return self.quantized[x]
