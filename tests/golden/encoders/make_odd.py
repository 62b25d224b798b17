#!/usr/bin/env python3
"""Makes graphs that are refused: odd.onnx has an operator that nobody has, branching.onnx has control
flow, open.onnx takes pictures of any size. Needs: onnx."""
from pathlib import Path

import onnx
from onnx import helper

HERE = Path(__file__).parent


def describe(name, shape):
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def write(file, nodes, shape, outputs, weights=()):
    graph = helper.make_graph(nodes, Path(file).stem, [describe("input", shape)], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (HERE / file).write_bytes(model.SerializeToString(deterministic=True))


def branch(operator):
    made = describe("made", [1, 1, 96, 64])
    return helper.make_graph([helper.make_node(operator, ["input"], ["made"])], operator, [], [made])


def main():
    sound = [1, 1, 96, 64]
    tokens = describe("tokens", sound)
    write("odd.onnx", [helper.make_node("Wishful", ["input"], ["tokens"])], sound, [tokens])
    yes = helper.make_tensor("yes", onnx.TensorProto.BOOL, [], [True])
    node = helper.make_node("If", ["yes"], ["tokens"], then_branch=branch("Relu"), else_branch=branch("Neg"))
    write("branching.onnx", [node], sound, [tokens], [yes])
    write("open.onnx", [helper.make_node("Relu", ["input"], ["relu"]),
                        helper.make_node("GlobalAveragePool", ["relu"], ["embedding"])],
          ["n", 3, "h", "w"], [describe("embedding", ["n", 3, 1, 1])])


if __name__ == "__main__":
    main()
