"""Whisper as two ONNX graphs, in fp32 or with int8 weights.

The encoder reads a log-mel spectrogram of any even number of frames and gives each decoder layer's keys and values of the
sound: they are computed once for a window, and every run of the decoder is fed with them. The keys are transposed, as the
product with queries reads them.

The decoder keeps the keys and values of the text in place, like ``llama_graph.py``: bind the same buffers to
``past_key_values.*`` and ``present.*``. Its token table is stored once, for the embeddings and the output layer. Only the
last token of a run gets logits. Its rows may share one sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from bert_graph import rows_to_int8
from graph_builder import CONTRIB, GraphBuilder
from integer_layers import IntegerLayers
from llama_graph import NO_SINK, PARTS

EPSILON = 1e-5
# Of the encoder's feed-forward layers: with halves, 30 s of sound take 6 MB less of heap, and no more time.
PARTS_OF_WIDE = 2
Dense = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Whisper:
    """Weights by their names in a CTranslate2 checkpoint; the keys' biases, which Whisper lacks, are zeros there."""

    weights: Mapping[str, np.ndarray]
    layers: int
    heads: int
    # The largest number of the encoder's positions, 20 ms each.
    positions: int

    @property
    def width(self) -> int:
        return self.weights["decoder/embeddings/weight"].shape[1]

    @property
    def vocabulary(self) -> int:
        return self.weights["decoder/embeddings/weight"].shape[0]

    @property
    def context(self) -> int:
        return self.weights["decoder/position_encodings/encodings"].shape[0]

    def dense(self, source: str) -> Dense:
        return self.weights[f"{source}/weight"], self.weights[f"{source}/bias"]


def encoder_graph(name: str, model: Whisper, *, int8: bool) -> onnx.ModelProto:
    """From ``input_features`` to ``cross.{layer}.key`` and ``cross.{layer}.value``."""
    writer = Writer(GraphBuilder(), model, int8)
    x = writer.frames()
    for index in range(model.layers):
        x = writer.listen(index, x)
    writer.crossings(writer.norm(x, "encoder/layer_norm", "heard"))
    return writer.graph.finish(
        name,
        {"input_features": (TensorProto.FLOAT, ["batch", 80, "frames"])},
        writer.cross_values(),
    )


def decoder_graph(name: str, model: Whisper, *, int8: bool) -> onnx.ModelProto:
    """From tokens, the text's cache and the sound's keys and values to ``logits``."""
    writer = Writer(GraphBuilder(), model, int8)
    lengths = writer.lengths()
    x = writer.tokens()
    for index in range(model.layers):
        x = writer.write(index, x, lengths)
    writer.scores(x)

    def caches(prefix: str, length: str) -> dict[str, tuple[int, list[int | str]]]:
        shape = ["batch", model.heads, length, model.width // model.heads]
        return {
            f"{prefix}.{layer}.{part}": (TensorProto.FLOAT, shape)
            for layer in range(model.layers)
            for part in PARTS
        }

    return writer.graph.finish(
        name,
        {
            "input_ids": (TensorProto.INT64, ["batch", "sequence"]),
            "attention_mask": (TensorProto.INT64, ["batch", "total"]),
            **caches("past_key_values", "past"),
            **writer.cross_values(),
        },
        {
            "logits": (TensorProto.FLOAT, ["batch", 1, model.vocabulary]),
            **caches("present", "present"),
        },
    )


class Writer:
    """Writes the parts of both graphs; every method returns the name of what it computes."""

    def __init__(self, builder: GraphBuilder, model: Whisper, int8: bool) -> None:
        self.graph = builder
        self.model = model
        self.int8 = int8
        self.integers = IntegerLayers(builder)

    def cross_values(self) -> dict[str, tuple[int, list[int | str]]]:
        heads, size = self.model.heads, self.model.width // self.model.heads
        shapes = {"key": [size, "positions"], "value": ["positions", size]}
        return {
            f"cross.{layer}.{part}": (TensorProto.FLOAT, ["batch", heads, *shapes[part]])
            for layer in range(self.model.layers)
            for part in PARTS
        }

    def frames(self) -> str:
        """Two convolutions, which stay fp32: they take 6 % of the multiplications. The second halves the frames."""
        graph, x = self.graph, "input_features"
        for name, stride in (("conv1", 1), ("conv2", 2)):
            weight, bias = self.model.dense(f"encoder/{name}")
            graph.add(
                "Conv",
                [x, graph.constant(f"{name}_weight", weight), graph.constant(f"{name}_bias", bias)],
                name,
                kernel_shape=[3],
                pads=[1, 1],
                strides=[stride],
            )
            x = graph.add("Gelu", [name], f"{name}_active")
        graph.add("Transpose", [x], "sounds", perm=[0, 2, 1])
        table = self.model.weights["encoder/position_encodings/encodings"][: self.model.positions]
        zero = graph.constant("zero", np.array([0]))
        graph.add("Shape", ["sounds"], "length", start=1, end=2)
        graph.add("Slice", [graph.constant("places", table), zero, "length", zero], "place")
        return graph.add("Add", ["sounds", "place"], "placed")

    def listen(self, index: int, x: str) -> str:
        """A layer of the encoder."""
        graph, name, source = self.graph, f"layer{index}", f"encoder/layer_{index}"
        normed = self.norm(x, f"{source}/self_attention/layer_norm", f"{name}_attention_input")
        parts = self.projections(f"{source}/self_attention/linear_0", 3)
        query, key, value = (
            self.by_head(self.dense(normed, part, f"{name}_{what}"), perm)
            for what, part, perm in zip(
                ("query", "key", "value"), parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True
            )
        )
        attended = self.attend_by_head(query, key, value, name)
        product = self.dense(
            attended, self.model.dense(f"{source}/self_attention/linear_1"), f"{name}_attention"
        )
        x = graph.add("Add", [x, product], f"{name}_attended")
        return self.feed_forward(x, f"{source}/ffn", name, PARTS_OF_WIDE)

    def crossings(self, x: str) -> None:
        """Keys and values of the sound for each layer of the decoder."""
        for layer in range(self.model.layers):
            parts = self.projections(f"decoder/layer_{layer}/attention/linear_1", 2)
            for part, values, perm in zip(PARTS, parts, ([0, 2, 3, 1], [0, 2, 1, 3]), strict=True):
                dense = self.dense(x, values, f"cross{layer}_{part}")
                self.by_head(dense, perm, f"cross.{layer}.{part}")

    def lengths(self) -> list[str]:
        """What GroupQueryAttention reads of the mask: tokens of each text before its last, and of the longest."""
        graph = self.graph
        last = graph.constant("last", np.array([-1]))
        graph.add("ReduceSum", ["attention_mask", last], "count", keepdims=0)
        one = graph.constant("one", np.array(1))
        graph.add("Sub", ["count", one], "before_last")
        graph.add("Cast", ["before_last"], "seqlens_k", to=TensorProto.INT32)
        graph.add("Shape", ["attention_mask"], "mask_length", start=1, end=2)
        graph.add("Squeeze", ["mask_length"], "longest")
        graph.add("Cast", ["longest"], "total_sequence_length", to=TensorProto.INT32)
        return ["seqlens_k", "total_sequence_length"]

    def tokens(self) -> str:
        """The table is stored once, as the weight of the output layer: [width, vocabulary]."""
        graph = self.graph
        last = graph.constant("last", np.array([-1]))
        words = self.model.weights["decoder/embeddings/weight"]
        if self.int8:
            levels, scale = rows_to_int8(words)
            table = graph.constant("scores_weight", levels.T)
            graph.add("Gather", [table, "input_ids"], "word_columns", axis=1)
            graph.add("Transpose", ["word_columns"], "word_levels", perm=[1, 2, 0])
            graph.add("Cast", ["word_levels"], "word_floats", to=TensorProto.FLOAT)
            graph.add("Gather", [graph.constant("scores_scales", scale[:, 0]), "input_ids"], "word_scales")
            graph.add("Unsqueeze", ["word_scales", last], "word_scale")
            graph.add("Mul", ["word_floats", "word_scale"], "word")
        else:
            table = graph.constant("scores_weight", words.T)
            graph.add("Gather", [table, "input_ids"], "word_columns", axis=1)
            graph.add("Transpose", ["word_columns"], "word", perm=[1, 2, 0])
        # The last token of a run is at its text's length less one, the others before it.
        zero, one = graph.constant("first", np.array(0)), graph.constant("one", np.array(1))
        graph.add("Shape", ["input_ids"], "run_length", start=1, end=2)
        graph.add("Squeeze", ["run_length"], "run_tokens")
        graph.add("Range", [zero, "run_tokens", one], "steps")
        graph.add("Sub", ["count", "run_tokens"], "before_run")
        graph.add("Unsqueeze", ["before_run", last], "start")
        graph.add("Add", ["start", "steps"], "place_ids")
        places = graph.constant("places", self.model.weights["decoder/position_encodings/encodings"])
        graph.add("Gather", [places, "place_ids"], "place")
        return graph.add("Add", ["word", "place"], "placed")

    def write(self, index: int, x: str, lengths: list[str]) -> str:
        """A layer of the decoder: attention to the text, then to the sound."""
        graph, model, name = self.graph, self.model, f"layer{index}"
        source = f"decoder/layer_{index}"
        normed = self.norm(x, f"{source}/self_attention/layer_norm", f"{name}_text_input")
        packed = self.dense(normed, model.dense(f"{source}/self_attention/linear_0"), f"{name}_qkv")
        graph.add_many(
            "GroupQueryAttention",
            [
                packed,
                "",
                "",
                *[f"past_key_values.{index}.{part}" for part in PARTS],
                *lengths,
                *[""] * 4,
                graph.constant("no_sink", np.full(model.heads, NO_SINK)),
            ],
            [f"{name}_text", *[f"present.{index}.{part}" for part in PARTS]],
            domain=CONTRIB,
            num_heads=model.heads,
            kv_num_heads=model.heads,
            scale=float((model.width // model.heads) ** -0.5),
        )
        product = self.dense(
            f"{name}_text", model.dense(f"{source}/self_attention/linear_1"), f"{name}_text_output"
        )
        x = graph.add("Add", [x, product], f"{name}_read")
        normed = self.norm(x, f"{source}/attention/layer_norm", f"{name}_sound_input")
        (part,) = self.projections(f"{source}/attention/linear_0", 1)
        query = self.by_head(self.dense(normed, part, f"{name}_query"), [0, 2, 1, 3])
        attended = self.attend(query, f"cross.{index}.key", f"cross.{index}.value", name)
        product = self.dense(attended, model.dense(f"{source}/attention/linear_2"), f"{name}_sound_output")
        x = graph.add("Add", [x, product], f"{name}_heard")
        return self.feed_forward(x, f"{source}/ffn", name)

    def scores(self, x: str) -> None:
        graph = self.graph
        graph.add("Gather", [x, graph.constant("last", np.array([-1]))], "last_token", axis=1)
        normed = self.norm("last_token", "decoder/layer_norm", "scores_input")
        words = self.model.weights["decoder/embeddings/weight"]
        graph.add("Identity", [self.product(normed, words, "scores")], "logits")

    def feed_forward(self, x: str, source: str, name: str, parts: int = 1) -> str:
        """In ``parts`` of the wide layer, one after the other, which take less memory; the integers' scales are per part."""
        graph, model = self.graph, self.model
        normed = self.norm(x, f"{source}/layer_norm", f"{name}_wide_input")
        wide_weight, wide_bias = (np.split(values, parts) for values in model.dense(f"{source}/linear_0"))
        narrow_weight, narrow_bias = model.dense(f"{source}/linear_1")
        for index, part in enumerate(np.split(narrow_weight, parts, axis=1)):
            label = f"{name}_{index}" if parts > 1 else name
            wide = self.dense(normed, (wide_weight[index], wide_bias[index]), f"{label}_wide")
            active = graph.add("Gelu", [wide], f"{label}_active")
            bias = narrow_bias if index == 0 else np.zeros_like(narrow_bias)
            if self.int8:
                narrow = self.integers.product_of_gelu(active, part, bias, f"{label}_narrow")
            else:
                narrow = self.dense(active, (part, bias), f"{label}_narrow")
            x = graph.add("Add", [x, narrow], name if index == parts - 1 else f"{label}_sum")
        return x

    def projections(self, source: str, count: int) -> list[Dense]:
        """Layers that are stored as one. The first of an attention, its query, is divided by the root of the head's size."""
        weight, bias = self.model.dense(source)
        parts = [
            (part, offset)
            for part, offset in zip(np.split(weight, count), np.split(bias, count), strict=True)
        ]
        if count != 2:
            scale = np.float32((self.model.width // self.model.heads) ** -0.5)
            parts[0] = (parts[0][0] * scale, parts[0][1] * scale)
        return parts

    def by_head(self, x: str, perm: list[int], output: str | None = None) -> str:
        graph, model = self.graph, self.model
        shape = graph.constant("by_head", np.array([0, 0, model.heads, model.width // model.heads]))
        graph.add("Reshape", [x, shape], f"{x}_split")
        return graph.add("Transpose", [f"{x}_split"], output or f"{x}_by_head", perm=perm)

    def attend_by_head(self, query: str, key: str, value: str, name: str) -> str:
        """Head after head: the scores of all heads would take 54 MB for 30 s, those of one 9 MB."""
        graph = self.graph
        heads = range(self.model.heads)
        queries, keys, values = (
            graph.split(part, [f"{part}_{head}" for head in heads], axis=1) for part in (query, key, value)
        )
        contexts = []
        for head in heads:
            graph.add("MatMul", [queries[head], keys[head]], f"{name}_similarities_{head}")
            graph.add("Softmax", [f"{name}_similarities_{head}"], f"{name}_shares_{head}", axis=-1)
            contexts.append(
                graph.add("MatMul", [f"{name}_shares_{head}", values[head]], f"{name}_context_{head}")
            )
        graph.add("Concat", contexts, f"{name}_context", axis=1)
        graph.add("Transpose", [f"{name}_context"], f"{name}_by_token", perm=[0, 2, 1, 3])
        joined = graph.constant("joined", np.array([0, 0, self.model.width]))
        return graph.add("Reshape", [f"{name}_by_token", joined], f"{name}_joined")

    def attend(self, query: str, key: str, value: str, name: str) -> str:
        """Attention without a mask; ``query`` is scaled, ``key`` transposed."""
        graph = self.graph
        graph.add("MatMul", [query, key], f"{name}_similarities")
        graph.add("Softmax", [f"{name}_similarities"], f"{name}_shares", axis=-1)
        graph.add("MatMul", [f"{name}_shares", value], f"{name}_context")
        graph.add("Transpose", [f"{name}_context"], f"{name}_by_token", perm=[0, 2, 1, 3])
        joined = graph.constant("joined", np.array([0, 0, self.model.width]))
        return graph.add("Reshape", [f"{name}_by_token", joined], f"{name}_joined")

    def norm(self, x: str, source: str, output: str) -> str:
        graph, weights = self.graph, self.model.weights
        scale = graph.constant(f"{output}_scale", weights[f"{source}/gamma"])
        bias = graph.constant(f"{output}_shift", weights[f"{source}/beta"])
        return graph.add("LayerNormalization", [x, scale, bias], output, axis=-1, epsilon=EPSILON)

    def dense(self, x: str, values: Dense, output: str) -> str:
        weight, bias = values
        product = self.product(x, weight, f"{output}_dense")
        return self.graph.add("Add", [product, self.graph.constant(f"{output}_bias", bias)], output)

    def product(self, x: str, weight: np.ndarray, output: str) -> str:
        if self.int8:
            return self.integers.product(x, weight, output)
        return self.graph.add("MatMul", [x, self.graph.constant(f"{output}_weight", weight.T)], output)
