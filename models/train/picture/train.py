#!/usr/bin/env python3
"""Trains a picture encoder on synthesised pictures alone.

    python models/train/picture/train.py --name picture --pool P/pool --run P/picture-1 --steps 20000

May be stopped at any moment: the same command goes on where its last checkpoint was. `log.csv` and
`curve.svg` in the folder of the run are its curve. While the rate is flat, a run may be given more or
fewer steps. One thread.
Needs: torch, numpy.
"""
import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

from generate import load
from losses import Heads, losses
from network import SIZES, Encoder
from views import view

sys.path.insert(0, str(Path(__file__).parents[1]))
import progress  # noqa: E402

PAIRS = 256  # a batch
SAME = 0.56  # of the pairs are one picture twice; the others two of a kind
RATE, DECAY, FALL = 2e-3, 0.05, 0.75
EARLY, LATE = (80, (0.15, 0.8)), (100, (0.2, 1.0))  # pixels of a view, areas; LATE while the rate falls
SAVE_S, SAY = 120, 25  # seconds, steps
LOSSES = ["whole", "middle", "coarse", "masked"]


def batch(pool, count, generator):
    """`count` pairs of pictures, `[count, 3, side, side]` in 0..1 twice, and how many are the same."""
    same = round(SAME * count)
    shards = generator.integers(0, len(pool), count)
    first = np.array([generator.integers(0, len(pool[s])) for s in shards])
    second = np.where(np.arange(count) < same, first, first ^ 1)
    take = lambda which: torch.from_numpy(np.stack([pool[s][i] for s, i in zip(shards, which)]))
    return take(first).float() / 255, take(second).float() / 255, same


class Run:
    """All that a run consists of, and where it is kept."""

    def __init__(self, name, folder, budget, seed, pairs):
        progress.seed_all(seed)
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.budget, self.generator = folder / "last.pt", budget, np.random.default_rng(seed)
        self.about = {"name": name, "seed": seed, "pairs": pairs}
        self.encoder = Encoder(name).to(memory_format=torch.channels_last)
        self.heads = Heads(self.encoder.widths)
        self.average = progress.Average(self.encoder)
        self.parameters = [*self.encoder.parameters(), *self.heads.parameters()]
        self.optimizer = torch.optim.AdamW(self.parameters, RATE, weight_decay=DECAY)
        resume = self.path.exists()
        if resume:
            kept = progress.load(self.path, self.generator)
            progress.same(kept, name=name, seed=seed, pairs=pairs)
            for part in ("encoder", "heads", "optimizer"):
                getattr(self, part).load_state_dict(kept[part])
            self.average.load(kept["average"])
            budget.load(kept["budget"])
            print(f"going on from step {budget.step}", flush=True)
        self.log = progress.Log(folder, LOSSES, resume)

    def save(self, path=None):
        state = self.about | {part: getattr(self, part).state_dict() for part in ("encoder", "heads", "optimizer")}
        state |= {"average": self.average.state(), "budget": self.budget.state()}
        progress.save(path or self.path, state, self.generator)

    def step(self, pool):
        done = self.budget.progress()
        for group in self.optimizer.param_groups:
            group["lr"] = RATE * progress.trapezoid(done, fall=FALL)
        side, areas = EARLY if done < FALL else LATE
        first, second, same = batch(pool, self.about["pairs"], self.generator)
        (a, frame_a), (b, frame_b) = view(first, side, areas), view(second, side, areas)
        both = torch.cat([a, b]).contiguous(memory_format=torch.channels_last)
        with progress.half_precision():
            found = losses(self.encoder, self.heads, both, (frame_a, frame_b), same)
        loss = sum(found.values())
        progress.finite(loss, self.budget.step, self.path)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self.optimizer.step()
        self.average.update(self.encoder)
        self.budget.step += 1
        self.log.observe({name: value.item() for name, value in found.items()})


def train(options):
    budget = progress.Budget(options.minutes, options.steps)
    run = Run(options.name, options.run, budget, options.seed, options.pairs)
    pool, saved, falling = load(options.pool), time.monotonic(), budget.progress() >= FALL
    begun = budget.step
    while not budget.done():
        if not falling and budget.progress() >= FALL:
            falling = True
            run.save(options.run / "stable.pt")
        run.step(pool)
        if budget.step % SAY == 0:
            pool = load(options.pool)  # a pool may still be growing
            run.log.write(budget)
        if time.monotonic() - saved > SAVE_S:
            run.save()
            run.log.curve(LOSSES)
            saved = time.monotonic()
    run.save()
    if budget.step > begun:  # else there are no losses to tell
        run.log.write(budget)
    run.log.curve(LOSSES)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", choices=SIZES, default="picture")
    parser.add_argument("--pool", type=Path, default=Path("pool"))
    parser.add_argument("--run", type=Path, default=Path("run"))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--seed", type=int, default=1)
    train(parser.parse_args())
