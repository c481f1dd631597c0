"""A BERT encoder as an ONNX graph, in fp32 or with int8 weights and integer matrix products.

The integers: a weight has one scale per output unit, symmetric. An activation is quantized when it is
multiplied, with one scale per token, so that an answer depends neither on the other texts of a batch nor
on how far it is padded (``DynamicQuantizeLinear`` takes one range for all of them). Its float counterpart is
``x @ w.T + b``. See

- SmoothQuant (Xiao et al., arXiv:2211.10438) for ``smoothing``: the largest activations of a channel go into
  the weights, before either is rounded;
- that GELU is never below -0.17, for ``lowest``: with it the 256 steps reach from there, and the offset is
  part of the bias.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from graph_builder import GraphBuilder

# Below the minimum of GELU, -0.16997 at -0.75.
GELU_LOWEST = np.float32(-0.17)
MIDDLE = 128
# Keeps a token of zeros from being divided by zero.
TINY = np.float32(1e-12)
MASKED = np.float32(-10_000)


@dataclass(frozen=True)
class Encoder:
    """Weights by their names in the published file, and what its configuration says."""

    weights: Mapping[str, np.ndarray]
    layers: int
    heads: int
    epsilon: float
    # Per smoothed dense layer, what each channel of its input is divided by.
    smoothing: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Classifier:
    """A dense layer of shape [classes, hidden] over vectors of word pieces, or their mean."""

    weight: np.ndarray
    bias: np.ndarray


def rows_to_int8(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 levels and one float32 scale per row, symmetric."""
    largest = np.maximum(np.abs(weight).max(axis=1, keepdims=True), TINY)
    scale = (largest / 127).astype(np.float32)
    return np.rint(weight / scale).clip(-127, 127).astype(np.int8), scale


def smoothing_for(largest: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """SmoothQuant's factors for a dense layer, at its strength of one half."""
    factors = np.sqrt(np.maximum(largest, 1e-4) / np.maximum(np.abs(weight).max(axis=0), 1e-5))
    return (factors / np.median(factors)).astype(np.float32)


def encoder_graph(name: str, encoder: Encoder, *, int8: bool) -> onnx.ModelProto:
    """From ``input_ids``, ``attention_mask`` and ``token_type_ids`` to ``last_hidden_state``."""
    builder = GraphBuilder()
    writer = Writer(builder, encoder, int8)
    x = writer.embeddings()
    bias = writer.mask()
    for index in range(encoder.layers):
        last = index == encoder.layers - 1
        x = writer.layer(index, x, bias, "last_hidden_state" if last else f"layer{index}")
    tokens = ["batch", "sequence"]
    hidden = encoder.weights["embeddings.LayerNorm.weight"].shape[0]
    return builder.finish(
        name,
        {key: (TensorProto.INT64, tokens) for key in ("input_ids", "attention_mask", "token_type_ids")},
        {"last_hidden_state": (TensorProto.FLOAT, [*tokens, hidden])},
    )


def classifier_graph(name: str, encoder: Encoder, head: Classifier, *, int8: bool) -> onnx.ModelProto:
    """From ``input_ids`` and ``attention_mask`` to ``logits``; there is one kind of token."""
    builder = GraphBuilder()
    writer = Writer(builder, encoder, int8)
    zeros = builder.constant("no_type", np.array(0))
    builder.add("Mul", ["input_ids", zeros], "token_type_ids")
    x = writer.embeddings()
    bias = writer.mask()
    for index in range(encoder.layers):
        x = writer.layer(index, x, bias, f"layer{index}")
    axis = builder.constant("tokens", np.array([1]))
    last = builder.constant("last", np.array([-1]))
    builder.add("Unsqueeze", ["present", last], "present_channels")
    builder.add("Mul", [x, "present_channels"], "present_vectors")
    builder.add("ReduceSum", ["present_vectors", axis], "vector_sum", keepdims=0)
    builder.add("ReduceSum", ["present", axis], "token_count", keepdims=1)
    builder.add("Div", ["vector_sum", "token_count"], "mean")
    # Too small to be worth rounding.
    builder.add("MatMul", ["mean", builder.constant("head_weight", head.weight.T)], "head_product")
    builder.add("Add", ["head_product", builder.constant("head_bias", head.bias)], "logits")
    tokens = ["batch", "sequence"]
    return builder.finish(
        name,
        {key: (TensorProto.INT64, tokens) for key in ("input_ids", "attention_mask")},
        {"logits": (TensorProto.FLOAT, ["batch", head.weight.shape[0]])},
    )


def token_classifier_graph(
    name: str, encoder: Encoder, head: Classifier, *, int8: bool
) -> onnx.ModelProto:
    """From ``input_ids`` and ``attention_mask`` to ``logits`` for each token; there is one kind of token."""
    builder = GraphBuilder()
    writer = Writer(builder, encoder, int8)
    zeros = builder.constant("no_type", np.array(0))
    builder.add("Mul", ["input_ids", zeros], "token_type_ids")
    x = writer.embeddings()
    bias = writer.mask()
    for index in range(encoder.layers):
        x = writer.layer(index, x, bias, f"layer{index}")
    builder.add("MatMul", [x, builder.constant("head_weight", head.weight.T)], "head_product")
    builder.add("Add", ["head_product", builder.constant("head_bias", head.bias)], "logits")
    tokens = ["batch", "sequence"]
    return builder.finish(
        name,
        {key: (TensorProto.INT64, tokens) for key in ("input_ids", "attention_mask")},
        {"logits": (TensorProto.FLOAT, [*tokens, head.weight.shape[0]])},
    )


class Writer:
    """Writes the parts of the encoder; every method returns the name of what it computes."""

    def __init__(self, builder: GraphBuilder, encoder: Encoder, int8: bool) -> None:
        self.graph = builder
        self.encoder = encoder
        self.weights = encoder.weights
        self.int8 = int8

    def embeddings(self) -> str:
        graph, weights = self.graph, self.weights
        words = weights["embeddings.word_embeddings.weight"]
        if self.int8:
            levels, scale = rows_to_int8(words)
            graph.add("Gather", [graph.constant("words", levels), "input_ids"], "word_levels")
            graph.add("Gather", [graph.constant("word_scales", scale), "input_ids"], "word_scale")
            graph.add("Cast", ["word_levels"], "word_floats", to=TensorProto.FLOAT)
            graph.add("Mul", ["word_floats", "word_scale"], "word")
        else:
            graph.add("Gather", [graph.constant("words", words), "input_ids"], "word")
        types = graph.constant("types", weights["embeddings.token_type_embeddings.weight"])
        positions = graph.constant("positions", weights["embeddings.position_embeddings.weight"])
        zero = graph.constant("zero", np.array([0]))
        graph.add("Gather", [types, "token_type_ids"], "type")
        graph.add("Shape", ["input_ids"], "length", start=1, end=2)
        graph.add("Slice", [positions, zero, "length", zero], "position")
        graph.add("Add", ["word", "type"], "typed")
        graph.add("Add", ["typed", "position"], "placed")
        return self.norm("placed", "embeddings.LayerNorm", "embedded")

    def mask(self) -> str:
        """What is added to attention scores: a large negative number for padding."""
        graph = self.graph
        graph.add("Cast", ["attention_mask"], "present", to=TensorProto.FLOAT)
        graph.add("Sub", [graph.constant("one", np.float32(1)), "present"], "absent")
        graph.add("Mul", ["absent", graph.constant("masked", MASKED)], "mask")
        axes = graph.constant("head_and_query", np.array([1, 2]))
        return graph.add("Unsqueeze", ["mask", axes], "mask_bias")

    def layer(self, index: int, x: str, bias: str, output: str) -> str:
        graph, name = self.graph, f"layer{index}"
        source = f"encoder.layer.{index}."
        attended = self.attention(source, name, x, bias)
        added = graph.add("Add", [x, attended], f"{name}_attention_sum")
        x = self.norm(added, f"{source}attention.output.LayerNorm", f"{name}_attended")
        wide = self.dense(x, *self.parameters(f"{source}intermediate.dense"), f"{name}_wide")
        active = graph.add("Gelu", [wide], f"{name}_active")
        narrow = self.dense(active, *self.parameters(f"{source}output.dense"), f"{name}_narrow", gelu=True)
        added = graph.add("Add", [x, narrow], f"{name}_sum")
        return self.norm(added, f"{source}output.LayerNorm", output)

    def attention(self, source: str, name: str, x: str, bias: str) -> str:
        """Scaled dot-product attention; query, key and value are one dense layer."""
        graph, heads = self.graph, self.encoder.heads
        parts = [self.parameters(f"{source}attention.self.{part}") for part in ("query", "key", "value")]
        hidden = parts[0][0].shape[0]
        scale = np.float32(1 / np.sqrt(hidden / heads))
        parts[0] = tuple(values * scale for values in parts[0])
        weight, offset = (np.concatenate(values) for values in zip(*parts, strict=True))
        self.dense(x, weight, offset, f"{name}_qkv")
        by_head = graph.constant("by_head", np.array([0, 0, 3, heads, hidden // heads]))
        graph.add("Reshape", [f"{name}_qkv", by_head], f"{name}_by_head")
        graph.add("Transpose", [f"{name}_by_head"], f"{name}_by_part", perm=[2, 0, 3, 1, 4])
        stacked = [f"{name}_{part}_stacked" for part in ("query", "key", "value")]
        zero = graph.constant("zero", np.array([0]))
        query, key, value = (
            graph.add("Squeeze", [part, zero], part.removesuffix("_stacked"))
            for part in graph.split(f"{name}_by_part", stacked, axis=0)
        )
        graph.add("Transpose", [key], f"{name}_key_t", perm=[0, 1, 3, 2])
        graph.add("MatMul", [query, f"{name}_key_t"], f"{name}_scores")
        graph.add("Add", [f"{name}_scores", bias], f"{name}_masked")
        graph.add("Softmax", [f"{name}_masked"], f"{name}_shares", axis=-1)
        graph.add("MatMul", [f"{name}_shares", value], f"{name}_context")
        graph.add("Transpose", [f"{name}_context"], f"{name}_by_token", perm=[0, 2, 1, 3])
        joined = graph.constant("joined", np.array([0, 0, hidden]))
        graph.add("Reshape", [f"{name}_by_token", joined], f"{name}_joined")
        return self.dense(
            f"{name}_joined",
            *self.parameters(f"{source}attention.output.dense"),
            f"{name}_attention",
        )

    def norm(self, x: str, source: str, output: str) -> str:
        graph = self.graph
        scale = graph.constant(f"{output}_scale", self.weights[f"{source}.weight"])
        bias = graph.constant(f"{output}_bias", self.weights[f"{source}.bias"])
        epsilon = self.encoder.epsilon
        return graph.add("LayerNormalization", [x, scale, bias], output, axis=-1, epsilon=epsilon)

    def parameters(self, source: str) -> tuple[np.ndarray, np.ndarray]:
        return self.weights[f"{source}.weight"], self.weights[f"{source}.bias"]

    def dense(self, x: str, weight: np.ndarray, bias: np.ndarray, output: str, *, gelu: bool = False) -> str:
        """``x @ weight.T + bias``; with ``gelu``, ``x`` comes from there."""
        graph = self.graph
        if not self.int8:
            graph.add("MatMul", [x, graph.constant(f"{output}_weight", weight.T)], f"{output}_product")
        else:
            factors = self.encoder.smoothing.get(output)
            if factors is not None:
                x = graph.add(
                    "Mul", [x, graph.constant(f"{output}_smoothing", 1 / factors)], f"{output}_smooth"
                )
                weight = weight * factors
            levels, scale = rows_to_int8(weight)
            if gelu:
                sums = levels.sum(axis=1, dtype=np.int64)
                bias = bias + (GELU_LOWEST * scale[:, 0] * sums).astype(np.float32)
            quantized, step = self.quantize(x, output, gelu)
            product = [quantized, graph.constant(f"{output}_weight", levels.T)]
            if not gelu:
                product.append(graph.constant("middle", np.uint8(MIDDLE)))
            graph.add("MatMulInteger", product, f"{output}_sums")
            graph.add("Cast", [f"{output}_sums"], f"{output}_floats", to=TensorProto.FLOAT)
            graph.add("Mul", [f"{output}_floats", step], f"{output}_scaled")
            graph.add(
                "Mul",
                [f"{output}_scaled", graph.constant(f"{output}_scales", scale[:, 0])],
                f"{output}_product",
            )
        return graph.add("Add", [f"{output}_product", graph.constant(f"{output}_bias", bias)], output)

    def quantize(self, x: str, name: str, gelu: bool) -> tuple[str, str]:
        """uint8 levels and the size of a step for each token: around 128, or from the least GELU up."""
        graph = self.graph
        last = graph.constant("last", np.array([-1]))
        if gelu:
            x = graph.add("Sub", [x, graph.constant("gelu_lowest", GELU_LOWEST)], f"{name}_above")
            graph.add("ReduceMax", [x, last], f"{name}_range", keepdims=1)
            steps, shift = 255, 0.5
        else:
            graph.add("Abs", [x], f"{name}_magnitudes")
            graph.add("ReduceMax", [f"{name}_magnitudes", last], f"{name}_range", keepdims=1)
            steps, shift = 127, MIDDLE + 0.5
        graph.add("Max", [f"{name}_range", graph.constant("tiny", TINY)], f"{name}_reach")
        graph.add(
            "Mul", [f"{name}_reach", graph.constant(f"per_{steps}", np.float32(1 / steps))], f"{name}_step"
        )
        graph.add("Div", [x, f"{name}_step"], f"{name}_steps")
        # Adding a half and cutting off is rounding, for a positive number.
        graph.add(
            "Add", [f"{name}_steps", graph.constant(f"shift_{steps}", np.float32(shift))], f"{name}_shifted"
        )
        graph.add("Cast", [f"{name}_shifted"], f"{name}_levels", to=TensorProto.UINT8)
        return f"{name}_levels", f"{name}_step"
