#!/usr/bin/env python3
"""Synthesises pictures: shards of uint8 `[count, 3, 128, 128]` in a folder. No file is read.

Pictures `2 i` and `2 i + 1` of a shard are two of a kind: see `fields.py`.

    python models/train/picture/generate.py --out pool --count 40000 --seed 1

A shard is made from its own seed, so a run that was stopped goes on where it was, with the same bytes.
Needs: torch, numpy, pillow.
"""
import argparse
import random
import time
from pathlib import Path

import numpy as np
import torch

from scenes import mixed, pictures, shuffled

BATCH, SHARD, MIXED = 16, 1024, 0.15  # pictures by one program; in a file; joined with others


def shard(seed, index, count=SHARD):
    """`[count, 3, 128, 128]`, uint8; the same for the same seed and index."""
    torch.manual_seed(seed * 100_003 + index)
    random.seed(seed * 100_003 + index)
    made = torch.cat([pictures(BATCH) for _ in range(-(-count // BATCH))])[:count]
    made = made[shuffled(count)]
    # 153 of a shard of 1024: odd, so one pair is mixed in one of its pictures only. Another number would
    # make another pool of the same seed than what ships was trained on.
    some = int(MIXED * count)
    made[:some] = mixed(made)[:some]
    return (made * 255).round().byte()[shuffled(count)].numpy()


def generate(out, count, seed, size=SHARD, say=print):
    """Writes what is missing of `count` pictures to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    begin = time.time()
    for index in range(-(-count // size)):
        path = out / f"{seed}-{index:05}.npy"
        if path.exists():
            continue
        with torch.no_grad():
            made = shard(seed, index, size)
        part = path.with_suffix(".part")
        with open(part, "wb") as file:
            np.save(file, made)
        part.rename(path)
        say(f"{path.name}: {len(made)} pictures, {time.time() - begin:.0f} s")


def load(out):
    """All shards of a folder as one array on disk each: `[array]`."""
    shards = [np.load(path, mmap_mode="r") for path in sorted(Path(out).glob("*.npy"))]
    if not shards:
        raise SystemExit(f"{out}: no pictures yet; make some with generate.py --out {out}")
    return shards


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("pool"))
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shard", type=int, default=SHARD, help="pictures in a file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    generate(options.out, options.count, options.seed, options.shard)
