#!/usr/bin/env python3
"""One table of picture encoders on real pictures: ours, MobileNets, and what chance and colours give.

    python models/train/picture/evaluate.py --data dev --pool pool

`--data` has `image/cifar10`, `image/clothing`, `image/tile` and, for the foreign ones, `encoders/`. It is
looked at only here; nothing of it enters an encoder. `--tune` splits the gallery halves alone, so that
choices can be made without a look at the queries.
Needs: torch, numpy, pillow, scikit-learn, onnx, onnxruntime.
"""
import argparse
import time
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch

from export import TOKENS_KEPT, WEIGHTS, finish, session, untrained
from network import SIDE, SIZES
from protocol import defects, gallery, levelled, linear, load, neighbours

MODELS = Path(__file__).parents[2]
FOREIGN = {"MobileNet v1 0.25": ("mobilenet_v1_0.25_128_quant", 128, "a55"),
           "MobileNet v2": ("mobilenet_v2_1.0_224_quant", 224, None)}
# Name to weights of the embedding that are other than usual, and the part of a token that is looked at. The closed
# form is the same whatever the network is.
CLOSED, LEARNT = slice(None, -TOKENS_KEPT), slice(-TOKENS_KEPT, None)
CONTROLS = {"untrained": ({}, slice(None)), "closed form alone": ({"learned": 0}, CLOSED),
            "untrained network alone": ({"outlines": 0, "colours": 0, "textures": 0}, LEARNT)}
TUNING_SPLITS = (11, 12, 13, 14, 15)


def encoder(data, side, tokens, part=slice(None)):
    """A function from pictures `[count, side, side, 3]` to embeddings and that part of tokens, or no tokens."""
    model = onnx.load_from_string(data)
    names = ["embedding"] + ([tokens] if tokens else [])
    known = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name)
                              for name in names if name not in known)
    runner = session(model.SerializeToString())

    def encode(pictures):
        x = ((pictures.astype(np.float32) - 128) / 128).transpose(0, 3, 1, 2)
        made = [runner.run(names, {runner.get_inputs()[0].name: one[None]}) for one in x]
        embeddings = np.stack([one[0].reshape(-1) for one in made])
        if not tokens:
            return embeddings, None
        grid = np.concatenate([one[1] for one in made])[:, part]
        return embeddings, grid.reshape(*grid.shape[:2], -1).transpose(0, 2, 1)

    return encode, side


def histogram(pictures):
    """Sixteen bins of each colour, square roots of shares, and 8 x 8 pixels."""
    bins = np.stack([np.concatenate([np.histogram(p[..., c], 16, (0, 256))[0] for c in range(3)])
                     for p in pictures]).astype(np.float32)
    step = pictures.shape[1] // 8
    pixels = pictures[:, :8 * step, :8 * step].reshape(len(pictures), 8, step, 8, step, 3)
    pixels = pixels.mean((2, 4)).reshape(len(pictures), -1) / 128 - 1
    return np.concatenate([np.sqrt(bins / bins.sum(1, keepdims=True)), 0.2 * pixels], 1), None


def control(size, kind, pool):
    weights, part = CONTROLS[kind]
    data, *_ = finish(untrained(size), pool, weights=WEIGHTS | weights)
    return encoder(data, SIDE, "tokens", part)


def from_file(path, side, tokens):
    return encoder(path.read_bytes(), side, tokens)


def rows(options):
    """`(name, what makes (encode, side))`, so that one after the other takes memory."""
    yield "colour histogram, 8x8 pixels", lambda: (histogram, 96)
    for size in SIZES:
        for kind in CONTROLS:
            yield f"{size}, {kind}", partial(control, size, kind, options.pool)
    for name, (file, side, tokens) in FOREIGN.items():
        path = options.data / "encoders" / f"{file}.encoder.onnx"
        if path.exists():
            yield name, partial(from_file, path, side, tokens)
    yield "picture-patches", partial(from_file, MODELS / "picture-patches.onnx", 112, "tokens")
    for name in SIZES:
        path = options.models / f"{name}.onnx"
        if path.exists():
            yield name, partial(from_file, path, SIDE, "tokens")


def measure(encode, side, data, tune):
    """All figures of one encoder, in the order of `COLUMNS`."""
    found = []
    for name in ("cifar10", "clothing"):
        pictures, classes = load(data / "image" / name, side)
        embeddings, _ = encode(pictures)
        known = gallery(classes)
        if tune:
            embeddings, classes = embeddings[known], classes[known]
        splits = [gallery(classes, seed) for seed in TUNING_SPLITS] if tune else [known]
        for measured in (neighbours, linear):
            found.append(np.mean([measured(embeddings, classes, split) for split in splits]))
    pictures, classes = load(data / "image" / "tile", side)
    if tune:
        good = np.flatnonzero(classes == 1)[::2]
        chosen = np.sort(np.concatenate([good, np.flatnonzero(classes != 1)[::2]]))
        pictures, classes = pictures[chosen], classes[chosen]
    embeddings, tokens = encode(levelled(pictures))
    found += defects(classes, embeddings).values()
    found += defects(classes, embeddings, tokens).values() if tokens is not None else [np.nan] * 2
    return found


COLUMNS = ["cifar kNN", "linear", "clothing kNN", "linear", "tile blowhole", "uneven",
           "patches blowhole", "uneven"]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pool", type=Path, default=Path("pool"))
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--only", nargs="*", help="names of rows")
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| encoder | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 1))
    for name, make in rows(options):
        if not options.only or name in options.only:
            begin = time.time()
            figures = measure(*make(), options.data, options.tune)
            print(f"| {name} | " + " | ".join("-" if np.isnan(v) else f"{v:.3f}" for v in figures)
                  + f" | ({time.time() - begin:.0f} s)", flush=True)
