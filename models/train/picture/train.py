#!/usr/bin/env python3
"""Trains a picture encoder on synthesised pictures alone.

    python models/train/picture/train.py --name picture --pool pool --run run --steps 12000

Writes `RUN/checkpoint.pt` every few minutes and goes on from it when repeated; `RUN/log.jsonl` is the
curve. With `--minutes` instead of `--steps` the rate goes down with the clock. One thread, seeded: the
batch of a step depends on the seed and the step alone.
Needs: torch, numpy.
"""
import argparse
import copy
import json
import time
from pathlib import Path

import numpy as np
import torch

from generate import load
from losses import Heads, losses
from network import SIZES, Encoder
from views import view

PAIRS, SAME = 256, 144  # a batch; pairs that are one picture twice, not two of a kind
RATE, WARM, COOL, DECAY = 2e-3, 300, 0.25, 0.05
EARLY, LATE = (80, (0.15, 0.8)), (100, (0.2, 1.0))  # pixels of a view, areas; LATE while it cools
AVERAGE = 0.998  # of the weights, over steps: what is exported
SAVE_S, SAY = 120, 25


def rate(step, progress):
    """Rises, stays, falls in the last part."""
    return RATE * min(1, (step + 1) / WARM, max(0.01, (1 - progress) / COOL))


def batch(pool, step, seed):
    """Pairs of pictures, `[PAIRS, 3, side, side]` in 0..1 twice."""
    rng = np.random.default_rng([seed, step])
    shards = rng.integers(0, len(pool), PAIRS)
    first = np.array([rng.integers(0, len(pool[s])) for s in shards])
    second = np.where(np.arange(PAIRS) < SAME, first, first ^ 1)
    take = lambda which: torch.from_numpy(np.stack([pool[s][i] for s, i in zip(shards, which)]))
    return take(first).float() / 255, take(second).float() / 255


class Run:
    """All that a run consists of, and where it is kept."""

    def __init__(self, name, folder, seed):
        torch.manual_seed(seed)
        self.folder, self.seed, self.step, self.seconds = folder, seed, 0, 0.0
        self.encoder = Encoder(name).to(memory_format=torch.channels_last)
        self.heads = Heads(self.encoder.widths)
        self.average = copy.deepcopy(self.encoder)
        self.parameters = [*self.encoder.parameters(), *self.heads.parameters()]
        self.optimizer = torch.optim.AdamW(self.parameters, RATE, weight_decay=DECAY)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "checkpoint.pt").exists():
            kept = torch.load(folder / "checkpoint.pt", weights_only=True)
            for part in ("encoder", "heads", "average", "optimizer"):
                getattr(self, part).load_state_dict(kept[part])
            self.step, self.seconds = kept["step"], kept["seconds"]

    def save(self):
        state = {part: getattr(self, part).state_dict()
                 for part in ("encoder", "heads", "average", "optimizer")}
        part = self.folder / "checkpoint.part"
        torch.save(state | {"step": self.step, "seconds": self.seconds}, part)
        part.rename(self.folder / "checkpoint.pt")

    def learn(self, pool, progress):
        torch.manual_seed(self.seed * 1_000_003 + self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.step, progress)
        first, second = batch(pool, self.step, self.seed)
        size = EARLY if progress < 1 - COOL else LATE
        (a, frame_a), (b, frame_b) = view(first, *size), view(second, *size)
        both = torch.cat([a, b]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            found = losses(self.encoder, self.heads, both, (frame_a, frame_b), SAME)
        self.optimizer.zero_grad()
        sum(found.values()).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self.optimizer.step()
        self.step += 1
        keep = min(AVERAGE, self.step / (self.step + 20))
        with torch.no_grad():
            for kept, new in zip(self.average.state_dict().values(),
                                 self.encoder.state_dict().values()):
                if kept.is_floating_point():
                    kept.lerp_(new, 1 - keep)
        return {name: value.item() for name, value in found.items()}


def train(name, pool_folder, folder, steps, minutes, seed, say=print):
    run, begin, saved, sums = Run(name, folder, seed), time.time(), time.time(), {}
    before = run.seconds
    pool = load(pool_folder)
    while True:
        run.seconds = before + time.time() - begin
        progress = run.step / steps if steps else run.seconds / (60 * minutes)
        if progress >= 1:
            break
        if run.step % 200 == 0:
            pool = load(pool_folder)  # a pool may still be growing
        for part, value in run.learn(pool, progress).items():
            sums[part] = sums.get(part, 0) + value / SAY
        if run.step % SAY == 0:
            line = {"step": run.step, "seconds": round(run.seconds), "pictures": sum(map(len, pool))}
            line |= {part: round(value, 4) for part, value in sums.items()}
            with open(folder / "log.jsonl", "a") as log:
                log.write(json.dumps(line) + "\n")
            say(json.dumps(line))
            sums = {}
        if time.time() - saved > SAVE_S:
            run.save()
            saved = time.time()
    run.save()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", choices=SIZES, default="picture")
    parser.add_argument("--pool", type=Path, default=Path("pool"))
    parser.add_argument("--run", type=Path, default=Path("run"))
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, default=0)
    length.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    train(options.name, options.pool, options.run, options.steps, options.minutes, options.seed,
          say=lambda line: print(line, flush=True))
