#!/usr/bin/env python3
"""Makes odd.onnx, a graph with an operator that nobody has. Needs: onnx."""
from pathlib import Path

import onnx
from onnx import helper


def main():
    describe = lambda name: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, 96, 64])
    node = helper.make_node("Wishful", ["input"], ["tokens"])
    graph = helper.make_graph([node], "odd", [describe("input")], [describe("tokens")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (Path(__file__).parent / "odd.onnx").write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
