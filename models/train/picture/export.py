#!/usr/bin/env python3
"""Writes a trained picture encoder as ONNX and manifest.

    python models/train/picture/export.py --name picture --pool pool --run run --out models

The embedding joins four parts, each with its weight: outlines, colours, textures, and what was learnt.
How each number is centred and scaled, and which directions of all of them together are kept,
is measured on synthesised pictures. Tokens: what a cell looks like in closed form, then what was learnt.
Needs: torch, numpy, onnx, onnxruntime.
"""
import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import helper

import graph as build
from generate import load
from network import SIDE, SIZES, Encoder

sys.path.insert(0, str(Path(__file__).parents[2]))
from common import pattern, values  # noqa: E402

WEIGHTS = {"outlines": 1.5, "colours": 0.8, "textures": 0.7, "learned": 1.0}
KEPT, TOKENS_KEPT = 320, 16  # directions of the embedding; of what was learnt in a token
POWER = 0.4  # each direction is divided by its variance to this power
MEASURED = 1500  # synthesised pictures


def untrained(name, seed=0):
    torch.manual_seed(seed)
    return Encoder(name).eval()


def trained(name, run):
    kept = torch.load(run / "last.pt", weights_only=False)
    encoder = Encoder(name)
    encoder.load_state_dict(kept["average"]["values"])
    return encoder.eval(), kept["budget"]["step"]


def synthesised(pool, count=MEASURED):
    """Pictures of the pool at the encoder's size, `[count, 3, SIDE, SIDE]` as it takes them."""
    shards, rng = load(pool), np.random.default_rng(7)
    chosen = [shards[rng.integers(len(shards))] for _ in range(count)]
    x = torch.from_numpy(np.stack([shard[rng.integers(len(shard))] for shard in chosen])).float()
    return ((F.interpolate(x, size=SIDE, mode="bilinear", align_corners=False) - 128) / 128).numpy()


def model(graph, outputs):
    """`outputs`: name to shape, or to nothing where it does not matter."""
    describe = lambda name, shape: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    made = helper.make_graph(graph.nodes, "picture", [describe("input", [1, 3, SIDE, SIDE])],
                             [describe(name, shape) for name, shape in outputs.items()],
                             graph.constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)],
                             producer_name="habituate", ir_version=8)


def session(data):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options)


def run_all(data, names, pictures):
    """`[count, ..]` of each output, one picture after the other."""
    runner = session(data)
    made = [runner.run(names, {"input": picture[None]}) for picture in pictures]
    return [np.stack([one[i].squeeze() for one in made]) for i in range(len(names))]


def directions(x, weight, kept):
    """Centre, and `[dim, kept]`: scale each number to `weight` over its standard deviation, turn to the
    main directions, divide each by its variance to `POWER`."""
    mean, scale = x.mean(0), weight / (x.std(0) + 1e-3)
    variance, axes = np.linalg.eigh(np.cov(((x - mean) * scale).T))
    main = np.argsort(-variance)[:kept]
    return mean, axes[:, main] * (variance[main] + 1e-3 * variance.max()) ** -POWER * scale[:, None]


def finish(encoder, pool, count=MEASURED, weights=WEIGHTS):
    """The whole graph, as bytes, and the width of tokens and of the embedding."""
    graph, parts, (patches, patch_dim), middle = build.raw(encoder)
    names = [*parts.values(), middle]
    *found, cells = run_all(model(graph, dict.fromkeys(names)).SerializeToString(), names,
                            synthesised(pool, count))
    weight = np.concatenate([np.full(x.shape[1], weights[part] / np.sqrt(x.shape[1]))
                             for part, x in zip(parts, found)])
    mean, turn = directions(np.concatenate(found, 1), weight, KEPT)
    joined = graph.node("Concat", list(parts.values()), axis=0)
    centred = graph.node("Sub", [joined, graph.constant(mean)])
    row = graph.node("Reshape", [centred, graph.constant([1, -1], np.int64)])
    graph.node("Reshape", [graph.node("MatMul", [row, graph.constant(turn)]),
                           graph.constant([-1], np.int64)], "embedding")
    cells = cells.transpose(0, 2, 3, 1).reshape(-1, cells.shape[1])[::5]
    mean, local = directions(cells, 1.0, TOKENS_KEPT)
    local = graph.convolution(middle, local.T[:, :, None, None], -mean @ local)
    graph.node("Concat", [patches, local], "tokens", axis=1)
    token_dim = patch_dim + TOKENS_KEPT
    made = model(graph, {"tokens": [1, token_dim, build.CELLS, build.CELLS], "embedding": [KEPT]})
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True), token_dim, KEPT


def manifest(name, about, data, token_dim, dim):
    x = (pattern(SIDE, SIDE).astype(np.float32) - 128) / 128
    tokens, embedding = session(data).run(["tokens", "embedding"],
                                          {"input": x.transpose(2, 0, 1)[None]})
    assert np.isfinite(tokens).all() and np.isfinite(embedding).all()
    return f'''name = "{name}"
about = "{about}"
license = "MIT OR Apache-2.0"
source = "trained by models/train/picture on pictures that it synthesises; no data of others"
file = "{name}.onnx"
sha256 = "{hashlib.sha256(data).hexdigest()}"
modality = "picture"
density = "whitened_patches_nearest"

[input.picture]
width = {SIDE}
height = {SIDE}
layout = "nchw"
fit = "stretch"
mean = [128.0, 128.0, 128.0]
std = [128.0, 128.0, 128.0]

[outputs]
tokens = {{ node = "tokens", axes = "dhw", rows = {build.CELLS}, cols = {build.CELLS}, dim = {token_dim} }}
embedding = {{ node = "embedding", dim = {dim} }}

[golden]
''' + values("embedding", embedding) + values("tokens", tokens.transpose(0, 2, 3, 1)) \
        + "tolerance = 0.001\n"


def export(name, pool, run, out, count):
    encoder, step = trained(name, run)
    data, token_dim, dim = finish(encoder, pool, count)
    about = {"picture": "Pictures: edges and colours by place, and what was learnt from synthesised "
                        "pictures alone",
             "picture-small": "Like picture, a smaller network"}[name]
    (out / f"{name}.onnx").write_bytes(data)
    (out / f"{name}.toml").write_text(manifest(name, about, data, token_dim, dim))
    print(f"{name}: step {step}, {len(data)} bytes, tokens {token_dim}, embedding {dim}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", choices=SIZES, default="picture")
    parser.add_argument("--pool", type=Path, default=Path("pool"))
    parser.add_argument("--run", type=Path, default=Path("run"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2])
    parser.add_argument("--count", type=int, default=MEASURED, help="pictures to measure scales on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    export(options.name, options.pool, options.run, options.out, options.count)
