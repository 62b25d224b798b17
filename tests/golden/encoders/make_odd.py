#!/usr/bin/env python3
"""Makes graphs that are refused: odd.onnx has an operator that nobody has, wishful_picture.onnx the same for pictures, branching.onnx has control
flow, open.onnx takes pictures of any size, state.onnx wants a second input, the weights of far.onnx lie
elsewhere, bytes.onnx takes whole numbers, half.onnx is float16, batch.onnx takes four windows at a time,
grey.onnx one channel, nan.onnx gives logarithms of what is negative, and foreign.onnx has an operator of
another domain, which tract takes for its own and ONNX Runtime does not; classes.onnx, a classifier with an
output of whole numbers; noted.onnx, as exporters write it: its batch is open, shapes inside are noted for that, and one
layer has whole numbers; and graphs that hand on what they are given:
frames_first.onnx, bands_first.onnx and samples.onnx; lp_pool.onnx has an operator that ONNX Runtime has and tract has not;
columns.onnx, whose tokens are columns of what a convolution makes, class_token.onnx, whose first token is none of a
patch, and whole.onnx, which takes samples of 16 bits. Needs: onnx."""
from pathlib import Path

import onnx
from onnx import helper

HERE = Path(__file__).parent


def describe(name, shape, kind=onnx.TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def write(file, nodes, shape, outputs, weights=(), more=(), kind=onnx.TensorProto.FLOAT, domains=("",), notes=()):
    inputs = [describe("input", shape, kind), *more]
    graph = helper.make_graph(nodes, Path(file).stem, inputs, outputs, weights, value_info=notes)
    opsets = [helper.make_opsetid(domain, 17) for domain in domains]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    (HERE / file).write_bytes(model.SerializeToString(deterministic=True))


def branch(operator):
    made = describe("made", [1, 1, 96, 64])
    return helper.make_graph([helper.make_node(operator, ["input"], ["made"])], operator, [], [made])


def main():
    sound = [1, 1, 96, 64]
    tokens = describe("tokens", sound)
    write("odd.onnx", [helper.make_node("Wishful", ["input"], ["tokens"])], sound, [tokens])
    write("wishful_picture.onnx", [helper.make_node("Wishful", ["input"], ["tokens"])], [1, 3, 64, 64],
          [describe("tokens", [1, 3, 64, 64])])
    yes = helper.make_tensor("yes", onnx.TensorProto.BOOL, [], [True])
    node = helper.make_node("If", ["yes"], ["tokens"], then_branch=branch("Relu"), else_branch=branch("Neg"))
    write("branching.onnx", [node], sound, [tokens], [yes])
    write("open.onnx", [helper.make_node("Relu", ["input"], ["relu"]),
                        helper.make_node("GlobalAveragePool", ["relu"], ["embedding"])],
          ["n", 3, "h", "w"], [describe("embedding", ["n", 3, 1, 1])])
    sizes = [helper.make_node("Shape", ["relu"], ["size"]), helper.make_node("Concat", ["size", "size"], ["sizes"], axis=0)]
    write("noted.onnx", [helper.make_node("Relu", ["input"], ["relu"]), *sizes,
                         helper.make_node("GlobalAveragePool", ["relu"], ["embedding"])],
          ["batch", 3, 48, 64], [describe("embedding", ["batch", 3, 1, 1])], notes=[describe("relu", ["batch", 3, 48, 64])])
    wants = [helper.make_node("Add", ["input", "state"], ["tokens"])]
    write("state.onnx", wants, sound, [tokens], more=[describe("state", sound)])
    far = onnx.TensorProto(name="far", data_type=onnx.TensorProto.FLOAT, dims=sound, data_location=1)
    far.external_data.add(key="location", value="elsewhere.bin")
    write("far.onnx", [helper.make_node("Add", ["input", "far"], ["tokens"])], sound, [tokens], [far])
    kept = describe("embedding", [1, 1, 1, 64])
    mean = helper.make_node("ReduceMean", ["tokens"], ["embedding"], axes=[1, 2])
    write("frames_first.onnx", [helper.make_node("Identity", ["input"], ["tokens"]), mean],
          sound, [tokens, kept])
    turn = helper.make_node("Transpose", ["input"], ["tokens"], perm=[0, 1, 3, 2])
    write("bands_first.onnx", [turn, mean], [1, 1, 64, 96], [tokens, kept])
    shape = helper.make_tensor("shape", onnx.TensorProto.INT64, [3], [1, 40, 390])
    blocks = helper.make_node("Reshape", ["input", "shape"], ["tokens"])
    most = helper.make_node("ReduceMax", ["tokens"], ["embedding"], axes=[1])
    write("samples.onnx", [blocks, most], [1, 15600],
          [describe("tokens", [1, 40, 390]), describe("embedding", [1, 1, 390])], [shape])
    tokens_only(sound)
    classes()
    laid_out_otherwise()


def tokens_only(sound):
    kinds, tokens = onnx.TensorProto, describe("tokens", sound)
    write("bytes.onnx", [helper.make_node("Cast", ["input"], ["tokens"], to=kinds.FLOAT)], sound, [tokens],
          kind=kinds.UINT8)
    write("half.onnx", [helper.make_node("Relu", ["input"], ["tokens"])], sound,
          [describe("tokens", sound, kinds.FLOAT16)], kind=kinds.FLOAT16)
    relu = helper.make_node("Relu", ["input"], ["tokens"])
    for file, shape in [("batch.onnx", [4, 1, 96, 64]), ("grey.onnx", [1, 1, 96, 96])]:
        write(file, [relu], shape, [describe("tokens", shape)])
    write("nan.onnx", [helper.make_node("Log", ["input"], ["tokens"])], sound, [tokens])
    foreign = helper.make_node("Relu", ["input"], ["tokens"], domain="nobody.knows")
    write("foreign.onnx", [foreign], sound, [tokens], domains=("", "nobody.knows"))


def classes():
    size = helper.make_tensor("size", onnx.TensorProto.INT64, [2], [3, 1000])
    nodes = [helper.make_node("Relu", ["input"], ["relu"]),
             helper.make_node("GlobalAveragePool", ["relu"], ["pooled"]),
             helper.make_node("Flatten", ["pooled"], ["flat"]),
             helper.make_node("ConstantOfShape", ["size"], ["weights"],
                              value=helper.make_tensor("one", onnx.TensorProto.FLOAT, [1], [1.0])),
             helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
             helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0)]
    outputs = [describe("logits", [1, 1000]), describe("label", [1], onnx.TensorProto.INT64)]
    write("classes.onnx", nodes, [1, 3, 64, 64], outputs, [size])


def laid_out_otherwise():
    ints = lambda name, values: helper.make_tensor(name, onnx.TensorProto.INT64, [len(values)], values)
    sound = [1, 1, 96, 64]
    write("lp_pool.onnx", [helper.make_node("LpPool", ["input"], ["tokens"], kernel_shape=[2, 1], strides=[2, 1])],
          sound, [describe("tokens", [1, 1, 48, 64])])
    size = [8, 1, 8, 64]
    wave = [((7 * i) % 13 - 6) / 64 for i in range(8 * 8 * 64)]
    weight = helper.make_tensor("weight", onnx.TensorProto.FLOAT, size, wave)
    write("columns.onnx", [helper.make_node("Conv", ["input", "weight"], ["columns"], strides=[8, 1]),
                           helper.make_node("GlobalAveragePool", ["columns"], ["embedding"])],
          sound, [describe("columns", [1, 8, 12, 1]), describe("embedding", [1, 8, 1, 1])], [weight])
    nodes = [helper.make_node("AveragePool", ["input"], ["patches"], kernel_shape=[16, 16], strides=[16, 16]),
             helper.make_node("Reshape", ["patches", "rows"], ["flat"]),
             helper.make_node("Transpose", ["flat"], ["turned"], perm=[0, 2, 1]),
             helper.make_node("ReduceMean", ["turned"], ["mean"], axes=[1], keepdims=1),
             helper.make_node("Concat", ["mean", "turned"], ["last_hidden_state"], axis=1)]
    write("class_token.onnx", nodes, [1, 3, 64, 64], [describe("last_hidden_state", [1, 17, 3])], [ints("rows", [1, 3, 16])])
    full = helper.make_tensor("full", onnx.TensorProto.FLOAT, [], [32768.0])
    nodes = [helper.make_node("Div", ["input", "full"], ["scaled"]),
             helper.make_node("Reshape", ["scaled", "shape"], ["tokens"]),
             helper.make_node("ReduceMax", ["tokens"], ["embedding"], axes=[1])]
    write("whole.onnx", nodes, [1, 15600],
          [describe("tokens", [1, 40, 390]), describe("embedding", [1, 1, 390])], [ints("shape", [1, 40, 390]), full])


if __name__ == "__main__":
    main()
