"""Models whose outputs numpy can compute, built with the onnx package."""

import numpy as np
import onnx
from onnx import TensorProto, helper

OPSET = 21
IR_VERSION = 10

ELEMENT_TYPES = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}

# The edges of each datatype.
VALUES = {
    "BOOL": np.array([[True, False, True]]),
    "UINT8": np.array([[0, 128, 255]], np.uint8),
    "UINT16": np.array([[0, 1, 65535]], np.uint16),
    "UINT32": np.array([[0, 1, 2**32 - 1]], np.uint32),
    "UINT64": np.array([[0, 2**53 + 1, 2**64 - 1]], np.uint64),
    "INT8": np.array([[-128, -1, 127]], np.int8),
    "INT16": np.array([[-(2**15), -1, 2**15 - 1]], np.int16),
    "INT32": np.array([[-(2**31), -1, 2**31 - 1]], np.int32),
    "INT64": np.array([[-(2**63), -1, 2**63 - 1]], np.int64),
    "FP16": np.array([[-0.0, 65504, 2**-24]], np.float16),
    "FP32": np.array([[-0.0, np.finfo(np.float32).max, 2**-149]], np.float32),
    "FP64": np.array([[-0.0, np.finfo(np.float64).max, 5e-324]], np.float64),
    "BYTES": np.array([["", "naïve\n\U0001f642", '9007199254740993 "\\']], np.object_),
}
DATATYPES = list(ELEMENT_TYPES)
FLOATS = ["FP16", "FP32", "FP64"]


def build(inputs: dict, outputs: dict, nodes: list) -> bytes:
    """A model's file. Inputs and outputs are (datatype, shape) by their names."""

    def infos(ports: dict) -> list:
        return [
            helper.make_tensor_value_info(name, ELEMENT_TYPES[datatype], shape)
            for name, (datatype, shape) in ports.items()
        ]

    graph = helper.make_graph(nodes, "graph", infos(inputs), infos(outputs))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def identity(datatype: str) -> bytes:
    """y = x"""
    value = (datatype, ["rows", "columns"])
    return build({"x": value}, {"y": value}, [helper.make_node("Identity", ["x"], ["y"])])


def sum_and_difference() -> bytes:
    """sum = a + b, difference = a - b, as in Triton's own examples"""
    value = ("INT32", ["rows", 16])
    nodes = [
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("Sub", ["a", "b"], ["difference"]),
    ]
    return build({"a": value, "b": value}, {"sum": value, "difference": value}, nodes)


def product() -> bytes:
    """c = a @ b"""
    return build(
        {"a": ("FP32", ["n", "k"]), "b": ("FP32", ["k", "m"])},
        {"c": ("FP32", ["n", "m"])},
        [helper.make_node("MatMul", ["a", "b"], ["c"])],
    )


def mean() -> bytes:
    """m = the mean of all of x"""
    node = helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0)
    return build({"x": ("FP64", ["rows", "columns"])}, {"m": ("FP64", [])}, [node])


MODELS = {
    **{f"identity-{datatype.lower()}": identity(datatype) for datatype in DATATYPES},
    "sum-and-difference": sum_and_difference(),
    "product": product(),
    "mean": mean(),
}
