"""A Llama decoder as an ONNX graph with its keys and values in place, in fp32 or with int8 weights.

``GroupQueryAttention`` rotates queries and keys, appends to ``past_key_values.*`` and writes ``present.*``, which may
be the same buffer, as long as the context. Only the last token of a run gets logits.

The integers are those of ``integer_layers.py``: what a token's dense layers compute depends neither on the other tokens
of a run nor on the other texts of a batch, so a prompt may be read in parts of any size, and a kept beginning reused,
with the same result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from bert_graph import rows_to_int8
from graph_builder import CONTRIB, GraphBuilder
from integer_layers import IntegerLayers

# A score beside those of the tokens in each softmax, of which e^-1e9 = 0 is left. With one, ONNX Runtime does not take
# its tiled ("flash") path for runs of several tokens, which is 14 times slower in WebAssembly.
NO_SINK = np.float32(-1e9)
PARTS = ("key", "value")


@dataclass(frozen=True)
class Llama:
    """Weights by their names in the checkpoint, and what its configuration says."""

    weights: Mapping[str, np.ndarray]
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    context: int
    theta: float
    epsilon: float

    @property
    def vocabulary(self) -> int:
        return self.weights["model.embed_tokens.weight"].shape[0]


def llama_graph(name: str, model: Llama, *, int8: bool, every_token: bool = False) -> onnx.ModelProto:
    """With ``every_token``, logits of all tokens of a run, to measure with."""
    writer = Writer(GraphBuilder(), model, int8)
    x = writer.embeddings()
    lengths = writer.lengths()
    for index in range(model.layers):
        x = writer.layer(index, x, lengths)
    writer.head(x, every_token)
    cache = [
        (f"{index}.{part}", (TensorProto.FLOAT, ["batch", model.kv_heads, "{}", model.head_size]))
        for index in range(model.layers)
        for part in PARTS
    ]

    def caches(prefix: str, length: str) -> dict[str, tuple[int, list[int | str]]]:
        return {
            f"{prefix}.{key}": (kind, [length if size == "{}" else size for size in shape])
            for key, (kind, shape) in cache
        }

    return writer.graph.finish(
        name,
        {
            "input_ids": (TensorProto.INT64, ["batch", "sequence"]),
            "attention_mask": (TensorProto.INT64, ["batch", "total"]),
            **caches("past_key_values", "past"),
        },
        {
            "logits": (TensorProto.FLOAT, ["batch", "sequence" if every_token else 1, model.vocabulary]),
            **caches("present", "present"),
        },
    )


class Writer:
    """Writes the parts of the decoder; every method returns the name of what it computes."""

    def __init__(self, builder: GraphBuilder, model: Llama, int8: bool) -> None:
        self.graph = builder
        self.model = model
        self.int8 = int8
        self.integers = IntegerLayers(builder)

    def embeddings(self) -> str:
        """The table is stored once, as the weight of the output layer: [hidden, vocabulary]."""
        graph = self.graph
        words = self.model.weights["model.embed_tokens.weight"]
        if not self.int8:
            graph.add("Gather", [graph.constant("head_weight", words.T), "input_ids"], "word_columns", axis=1)
            return graph.add("Transpose", ["word_columns"], "embedded", perm=[1, 2, 0])
        levels, scale = rows_to_int8(words)
        graph.add("Gather", [graph.constant("head_weight", levels.T), "input_ids"], "word_columns", axis=1)
        graph.add("Transpose", ["word_columns"], "word_levels", perm=[1, 2, 0])
        graph.add("Cast", ["word_levels"], "word_floats", to=TensorProto.FLOAT)
        graph.add("Gather", [graph.constant("head_scales", scale[:, 0]), "input_ids"], "word_scales")
        last = graph.constant("last", np.array([-1]))
        graph.add("Unsqueeze", ["word_scales", last], "word_scale")
        return graph.add("Mul", ["word_floats", "word_scale"], "embedded")

    def lengths(self) -> list[str]:
        """What GroupQueryAttention reads of the mask: tokens of each text before its last, and of the longest."""
        graph = self.graph
        graph.add(
            "ReduceSum", ["attention_mask", graph.constant("tokens", np.array([1]))], "count", keepdims=0
        )
        graph.add("Sub", ["count", graph.constant("one", np.array(1))], "before_last")
        graph.add("Cast", ["before_last"], "seqlens_k", to=TensorProto.INT32)
        graph.add("Shape", ["attention_mask"], "mask_length", start=1, end=2)
        graph.add("Squeeze", ["mask_length"], "longest")
        graph.add("Cast", ["longest"], "total_sequence_length", to=TensorProto.INT32)
        return ["seqlens_k", "total_sequence_length"]

    def layer(self, index: int, x: str, lengths: Sequence[str]) -> str:
        graph, name = self.graph, f"layer{index}"
        source = f"model.layers.{index}."
        normed = self.norm(x, f"{source}input_layernorm", f"{name}_attention_input")
        attended = self.attention(index, normed, lengths)
        product = self.dense(attended, [f"{source}self_attn.o_proj"], f"{name}_attention_output")
        x = graph.add("Add", [x, product], f"{name}_attended")
        normed = self.norm(x, f"{source}post_attention_layernorm", f"{name}_wide_input")
        both = self.dense(normed, [f"{source}mlp.{part}_proj" for part in ("gate", "up")], f"{name}_wide")
        gate, up = graph.split(both, [f"{name}_gate", f"{name}_up"], axis=-1)
        graph.add("Sigmoid", [gate], f"{name}_sigmoid")
        graph.add("Mul", [gate, f"{name}_sigmoid"], f"{name}_silu")
        active = graph.add("Mul", [f"{name}_silu", up], f"{name}_active")
        return graph.add("Add", [x, self.dense(active, [f"{source}mlp.down_proj"], f"{name}_narrow")], name)

    def attention(self, index: int, x: str, lengths: Sequence[str]) -> str:
        graph, model, name = self.graph, self.model, f"layer{index}"
        projections = [f"model.layers.{index}.self_attn.{part}_proj" for part in "qkv"]
        packed = self.dense(x, projections, f"{name}_qkv")
        past = [f"past_key_values.{index}.{part}" for part in PARTS]
        present = [f"present.{index}.{part}" for part in PARTS]
        half = np.arange(0, model.head_size, 2) / model.head_size
        angles = np.arange(model.context)[:, None] / model.theta ** half[None]
        rotation = [
            graph.constant(key, function(angles).astype(np.float32))
            for key, function in (("cosines", np.cos), ("sines", np.sin))
        ]
        sink = graph.constant("no_sink", np.full(model.heads, NO_SINK))
        output = f"{name}_context"
        graph.add_many(
            "GroupQueryAttention",
            [packed, "", "", *past, *lengths, *rotation, "", "", sink],
            [output, *present],
            domain=CONTRIB,
            num_heads=model.heads,
            kv_num_heads=model.kv_heads,
            do_rotary=1,
            scale=float(model.head_size**-0.5),
        )
        return output

    def head(self, x: str, every_token: bool) -> None:
        graph = self.graph
        if not every_token:
            x = graph.add("Gather", [x, graph.constant("last", np.array([-1]))], "last_token", axis=1)
        normed = self.norm(x, "model.norm", "head_input")
        graph.add("Identity", [self.dense(normed, ["model.embed_tokens"], "head")], "logits")

    def norm(self, x: str, source: str, output: str) -> str:
        """Root mean square, in the form that ONNX Runtime fuses into one operator."""
        graph = self.graph
        last = graph.constant("last", np.array([-1]))
        graph.add("Pow", [x, graph.constant("two", np.float32(2))], f"{output}_squares")
        graph.add("ReduceMean", [f"{output}_squares", last], f"{output}_mean", keepdims=1)
        epsilon = graph.constant("epsilon", np.float32(self.model.epsilon))
        graph.add("Add", [f"{output}_mean", epsilon], f"{output}_variance")
        graph.add("Sqrt", [f"{output}_variance"], f"{output}_deviation")
        graph.add("Div", [x, f"{output}_deviation"], f"{output}_normed")
        scale = graph.constant(f"{output}_scale", self.model.weights[f"{source}.weight"])
        return graph.add("Mul", [f"{output}_normed", scale], output)

    def dense(self, x: str, sources: Sequence[str], output: str) -> str:
        """``x @ weight.T`` for the weights of several layers side by side."""
        graph = self.graph
        weight = np.concatenate([self.model.weights[f"{source}.weight"] for source in sources])
        if not self.int8:
            return graph.add("MatMul", [x, graph.constant(f"{output}_weight", weight.T)], output)
        return self.integers.product(x, weight, output)
