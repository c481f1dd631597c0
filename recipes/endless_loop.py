"""
test/fixtures/models/loop.onnx: y = x + trips, computed by a Loop with as many trips as the request says, so that
a request decides how long a run takes.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

OPSET = 21
IR_VERSION = 10
FILE = Path(__file__).parents[1] / "test" / "fixtures" / "models" / "loop.onnx"


def main() -> None:
    def scalar(name: str, element_type: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, element_type, [])

    one = helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["goes_on"]),
            helper.make_node("Constant", [], ["one"], value=one),
            helper.make_node("Add", ["sum", "one"], ["next"]),
        ],
        "body",
        [scalar("trip", TensorProto.INT64), scalar("go_on", TensorProto.BOOL), scalar("sum", TensorProto.FLOAT)],
        [scalar("goes_on", TensorProto.BOOL), scalar("next", TensorProto.FLOAT)],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body)],
        "loop",
        [scalar("trips", TensorProto.INT64), scalar("x", TensorProto.FLOAT)],
        [scalar("y", TensorProto.FLOAT)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
