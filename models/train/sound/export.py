#!/usr/bin/env python3
"""Writes a trained sound encoder as the program wants it: `models/NAME.onnx` and `models/NAME.toml`.

  export.py --run target/train/sound-1 --pool target/train/pool --name sound
  export.py --untrained 0 --pool target/train/pool --name untrained-0 --out target/train   # a control

How `sound` and `sound-small` ship: `../make.sh`.

The graph is built by hand, node by node, so that the same weights give the same bytes. Batch norms
are folded, weights are stored in f16 and cast to f32 when the file is loaded, which costs nothing.
The embedding is made of mean, maximum and deviation of the last layer (`--layers deep`), or of both heads, turned onto the axes along which
views of our own synthesised sounds differ most (principal components of the pool): a wider one is allowed,
but for the whitened and Mahalanobis distances the program projects it at random onto 256 numbers
(`src/learn/whiten.rs`). Needs: torch, numpy, onnx.
"""
import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent)]
from common import constant, golden, log_mel, save, sweep
from network import BANDS, FRAMES, SIZES, TOKENS, SoundEncoder, fold, summaries
from progress import seed_all
from views import Pool, Views


class Graph:
    """Nodes and constants of a network; every call gives the name of what it makes."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def node(self, operator, inputs, name=None, **attributes):
        self.count += 1
        name = name or f"{operator.lower()}{self.count}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def plain(self, value):
        self.count += 1
        self.constants.append(constant(f"constant{self.count}", value))
        return f"constant{self.count}"

    def weights(self, value):
        """Two bytes a number in the file."""
        halves = self.plain(value.detach().numpy().astype(np.float16))
        return self.node("Cast", [halves], to=TensorProto.FLOAT)

    def convolution(self, x, module, name=None):
        side = list(module.padding)
        return self.node("Conv", [x, self.weights(module.weight), self.weights(module.bias)], name,
                         kernel_shape=list(module.kernel_size), strides=list(module.stride),
                         pads=side + side)

    def block(self, x, block):
        y = self.convolution(x, block.conv)
        return self.node("Relu", [self.node("Add", [y, x]) if block.residual else y])

    def summaries(self, x):
        """Mean, maximum and deviation over the window."""
        over = dict(axes=[2, 3], keepdims=0)
        mean = self.node("ReduceMean", [x], axes=[2, 3], keepdims=1)
        apart = self.node("Sub", [x, mean])
        variance = self.node("ReduceMean", [self.node("Mul", [apart, apart])], **over)
        return [self.node("ReduceMean", [x], **over), self.node("ReduceMax", [x], **over),
                self.node("Sqrt", [variance])]

    def as_tokens(self, x, name):
        """`[1, d, 12, 1]` to `[1, 12, d]`."""
        flat = self.node("Squeeze", [x, self.plain(np.array([3]))])
        return self.node("Transpose", [flat], name, perm=[0, 2, 1])


def trained(run):
    """What the run in a folder has learnt."""
    if not (run / "last.pt").exists():
        raise SystemExit(f"{run}: no last.pt; train.py --run {run} makes one")
    state = torch.load(run / "last.pt", weights_only=False)
    encoder = SoundEncoder(state["size"])
    encoder.load_state_dict(state["average"]["values"])
    return encoder


def untrained(size, seed):
    """A network as it begins."""
    seed_all(seed)
    return SoundEncoder(size)


@torch.no_grad()
def axes_of(encoder, pool, columns, dim, whiten, batches, pairs=256):
    """Matrix and offset of the embedding: `summaries[:, columns] @ matrix + offset`.

    Principal components, over views of the pool, of the summaries in units of their deviation. Each
    is divided by its own deviation to the power `whiten`; the whole has mean variance 1.
    """
    views, found = Views(pool, np.random.default_rng(0)), []
    for _ in range(batches):
        local, deep, _ = encoder(views.batch(pairs)[0])
        found.append(summaries(local, deep)[:, columns].double())
    found = torch.cat(found)
    mean, deviation = found.mean(0), found.std(0) + 1e-6
    found = (found - mean) / deviation
    values, vectors = torch.linalg.eigh(found.T @ found / len(found))
    values, vectors = values.flip(0)[:dim].clamp(min=1e-6), vectors.flip(1)[:, :dim]
    vectors = vectors * torch.sign(vectors.sum(0))  # an axis has no sign of its own
    scale = values ** (-0.5 * whiten)
    scale = scale / (scale**2 * values).mean().sqrt()
    matrix = (vectors * scale) / deviation[:, None]
    kept = float(values.sum() / len(deviation))
    return matrix.float().half().float(), (-mean @ matrix).float().half().float(), kept


def build(encoder, columns, matrix, offset, tokens):
    """The graph of a folded encoder with the outputs `tokens` and `embedding`."""
    graph = Graph()
    x = graph.node("Add", ["input", graph.plain(np.float32(3.0))])
    x = graph.node("Mul", [x, graph.plain(np.float32(0.4))])
    for block in encoder.early:
        x = graph.block(x, block)
    local = graph.convolution(x, encoder.local)
    for block in list(encoder.late)[:-1]:
        x = graph.block(x, block)
    deep = graph.convolution(x, encoder.late[-1])
    graph.as_tokens(local if tokens == "local" else deep, "tokens")
    parts = graph.summaries(deep)
    if len(columns) > 3 * encoder.deep_dim:
        parts += graph.summaries(local)
    turned = graph.node("MatMul", [graph.node("Concat", parts, axis=1), graph.weights(matrix)])
    graph.node("Add", [turned, graph.weights(offset)], "embedding")
    return graph


@torch.no_grad()
def compare(path, window, encoder, columns, matrix, offset, tokens):
    """Stops unless the file answers as the network did."""
    found = ReferenceEvaluator(str(path)).run(["tokens", "embedding"], {"input": window})
    local, deep, _ = encoder(torch.from_numpy(window))
    turned = summaries(local, deep)[:, columns] @ matrix + offset
    for name, here, there in zip(("tokens", "embedding"), found,
                                 (local if tokens == "local" else deep, turned)):
        apart = np.abs(here - there.numpy()).max() / np.abs(here).max()
        if not apart < 1e-4:
            raise SystemExit(f"{path}: {name} differ by {apart:.1e} of the largest; 1e-4 is allowed")


def manifest(name, about, sha256, dim, density, token_dim):
    return f'''name = "{name}"
about = "{about}"
license = "MIT OR Apache-2.0"
source = "made by models/train/sound from sounds that it synthesises; see models/{name}.md"
file = "{name}.onnx"
sha256 = "{sha256}"
modality = "sound"
density = "{density}"

# 0.975 s every 0.48 s.
[input.sound]
rate_hz = 16000
window_frames = {FRAMES}
hop_frames = 48
frame_samples = 400
hop_samples = 160
fft_samples = 512
mel_bands = {BANDS}
low_hz = 125.0
high_hz = 7500.0
log_offset = 0.001
spectrum = "magnitude"
slopes = "mel"

[outputs]
tokens = {{ node = "tokens", axes = "td", len = {TOKENS}, dim = {token_dim} }}
embedding = {{ node = "embedding", dim = {dim} }}
'''


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = p.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", type=Path, help="folder with last.pt")
    which.add_argument("--untrained", type=int, metavar="SEED", help="instead: a network that has learnt nothing")
    p.add_argument("--size", choices=SIZES, default="sound", help="of the untrained one")
    p.add_argument("--pool", required=True, type=Path)
    p.add_argument("--name", required=True)
    p.add_argument("--tokens", choices=["local", "deep"], default="local")
    p.add_argument("--layers", choices=["both", "deep"], default="both", help="of the embedding")
    p.add_argument("--dim", type=int, default=256)
    p.add_argument("--whiten", type=float, default=0.5)
    p.add_argument("--batches", type=int, default=24, help="batches of 256 pairs that give the axes")
    p.add_argument("--density", default="mahalanobis")
    p.add_argument("--about", default="Sound, trained on synthesised sounds alone; tokens of 80 ms")
    p.add_argument("--out", type=Path, help="folder for the two files (default: models/)")
    a = p.parse_args()
    encoder = fold(trained(a.run) if a.run else untrained(a.size, a.untrained))
    seed_all(0)
    with torch.no_grad():
        for value in encoder.parameters():
            value.copy_(value.half())  # as the file has them
    both = encoder.deep_dim + (encoder.local_dim if a.layers == "both" else 0)
    columns = np.arange(3 * both)
    dim = min(a.dim, len(columns))
    matrix, offset, kept = axes_of(encoder, Pool(a.pool), columns, dim, a.whiten, a.batches)
    graph = build(encoder, columns, matrix, offset, a.tokens)
    token_dim = encoder.local_dim if a.tokens == "local" else encoder.deep_dim
    shapes = {"tokens": [1, TOKENS, token_dim], "embedding": [1, dim]}
    folder = {"folder": a.out} if a.out else {}
    sha256 = save(a.name, graph.nodes, graph.constants, [1, 1, FRAMES, BANDS], shapes, **folder)
    window = log_mel(sweep()).reshape(1, 1, FRAMES, BANDS).astype(np.float32)
    text = manifest(a.name, a.about, sha256, dim, a.density, token_dim)
    place = a.out or HERE.parent.parent
    (place / f"{a.name}.toml").write_text(text + golden(a.name, window, 1e-3, **folder))
    compare(place / f"{a.name}.onnx", window, encoder, columns, matrix, offset, a.tokens)
    weights = sum(value.numel() for value in encoder.parameters())
    print(f"{a.name}: {weights} weights and {matrix.numel()} of the axes, {kept:.4f} of the variance kept, "
          f"{(place / f'{a.name}.onnx').stat().st_size} bytes")


if __name__ == "__main__":
    main()
