#!/usr/bin/env python3
"""Makes picture-patches.onnx and .toml: a picture encoder in closed form. No data, no training.

Input: RGB, `[1, 3, 112, 112]`, (x - 128) / 128.
Tokens `[14 x 14, 32]`: patches of 8 x 8 pixels on opponent colours times the slowest waves of a
two-dimensional cosine transform. First three mean colours; then the logarithm of the contrast, the
root mean square of the waves; then the waves themselves divided by it, so that a shadow does not
change what a texture is. Embedding: colours and contrast on a 7 x 7 grid, the spread of every number
within each quarter, and over the whole picture: where something is, counts.
Needs: numpy, onnx.
"""
import numpy as np
from onnx import helper

from common import HERE, constant, cosines, golden, pattern, save

NAME, SIDE, PATCH = "picture-patches", 112, 8
CELLS, LUMA, CHROMA = SIDE // PATCH, 15, 8  # waves per opponent colour, the mean among them
FLOOR = 0.03  # contrast below which a patch counts as flat, on the scale of the input


def kernels():
    """`[3 means, then all waves; RGB; PATCH; PATCH]`, orthonormal up to the common scale 1 / PATCH."""
    colours = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([3, 2, 6])[:, None]
    slowest = sorted(((a, b) for a in range(PATCH) for b in range(PATCH)),
                     key=lambda w: (w[0] ** 2 + w[1] ** 2, w[0]))
    c = cosines(PATCH, PATCH)
    wave = lambda colour, w: colour[:, None, None] * np.outer(c[w[0]], c[w[1]]) / PATCH
    means = [wave(colour, slowest[0]) for colour in colours]
    waves = [wave(colour, w) for colour, count in zip(colours, (LUMA, CHROMA, CHROMA))
             for w in slowest[1:count]]
    return np.stack(means + waves).astype(np.float32)


def main():
    dim, half, quarter = LUMA + 2 * CHROMA + 1, CELLS // 2, CELLS // 2
    node = helper.make_node
    pool = lambda side: dict(kernel_shape=[side, side], strides=[side, side])
    nodes = [
        node("Conv", ["input", "kernels"], ["all"], kernel_shape=[PATCH, PATCH],
             strides=[PATCH, PATCH]),
        node("Slice", ["all", "zero", "three", "channel"], ["means"]),
        node("Slice", ["all", "three", "many", "channel"], ["waves"]),
        node("Mul", ["waves", "waves"], ["power"]),
        node("ReduceMean", ["power"], ["mean_power"], axes=[1], keepdims=1),
        node("Add", ["mean_power", "floor_power"], ["floored"]),
        node("Sqrt", ["floored"], ["contrast"]),
        node("Div", ["waves", "contrast"], ["texture"]),
        node("Div", ["contrast", "floor"], ["times_floor"]),
        node("Log", ["times_floor"], ["log_contrast"]),
        node("Concat", ["means", "log_contrast", "texture"], ["tokens"], axis=1),
        node("Concat", ["means", "log_contrast"], ["coarse"], axis=1),
        node("AveragePool", ["coarse"], ["places"], **pool(CELLS // half)),
        node("Reshape", ["places", "flat"], ["where"]),
        node("Mul", ["tokens", "tokens"], ["tokens_squared"]),
    ]
    for name, side in (("quarter", quarter), ("whole", CELLS)):
        nodes += [
            node("AveragePool", ["tokens"], [f"{name}_mean"], **pool(side)),
            node("AveragePool", ["tokens_squared"], [f"{name}_square"], **pool(side)),
            node("Mul", [f"{name}_mean", f"{name}_mean"], [f"{name}_mean_squared"]),
            node("Sub", [f"{name}_square", f"{name}_mean_squared"], [f"{name}_raw_variance"]),
            node("Relu", [f"{name}_raw_variance"], [f"{name}_variance"]),
            node("Sqrt", [f"{name}_variance"], [f"{name}_deviation"]),
            node("Reshape", [f"{name}_deviation", "flat"], [f"{name}_spread"]),
        ]
    nodes.append(node("Concat", ["where", "quarter_spread", "whole_spread"], ["embedding"], axis=0))
    whole = lambda *values: np.array(values, np.int64)
    constants = [
        constant("kernels", kernels()), constant("zero", whole(0)), constant("three", whole(3)),
        constant("many", whole(dim)), constant("channel", whole(1)), constant("flat", whole(-1)),
        constant("floor", np.float32(FLOOR)), constant("floor_power", np.float32(FLOOR ** 2)),
    ]
    embedding_dim = 4 * half ** 2 + 5 * dim
    outputs = {"tokens": [1, dim, CELLS, CELLS], "embedding": [embedding_dim]}
    sha256 = save(NAME, nodes, constants, [1, 3, SIDE, SIDE], outputs)
    window = (pattern(SIDE, SIDE).astype(np.float32) - 128) / 128
    (HERE / f"{NAME}.toml").write_text(f'''name = "{NAME}"
about = "Pictures, in closed form: 8 by 8 patches on colour and cosine waves, and where they are"
license = "MIT OR Apache-2.0"
source = "made by models/make_picture_patches.py; no data, no training"
file = "{NAME}.onnx"
sha256 = "{sha256}"
modality = "picture"
density = "patches_nearest"

[input.picture]
width = {SIDE}
height = {SIDE}
layout = "nchw"
fit = "stretch"
mean = [128.0, 128.0, 128.0]
std = [128.0, 128.0, 128.0]

[outputs]
tokens = {{ node = "tokens", axes = "dhw", rows = {CELLS}, cols = {CELLS}, dim = {dim} }}
embedding = {{ node = "embedding", dim = {embedding_dim} }}
''' + golden(NAME, window.transpose(2, 0, 1)[None], 1e-4))


if __name__ == "__main__":
    main()
