"""What every training here shares: seeds, a budget, checkpoints that resume, a log and its curve.

A run lives in one folder: `last.pt` (to go on from), `stable.pt` (before the rate fell: to go on for
longer), `log.csv` and `curve.svg`. Files are replaced whole, so a run may be killed at any moment.
Needs: numpy, torch.
"""
import csv
import os
import random
import time
from pathlib import Path

import numpy as np
import torch


def seed_all(seed):
    """One seed for Python, numpy and torch; one thread, so that runs can go on beside other work."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.set_num_threads(1)


def half_precision():
    """Products in bfloat16 where the processor has them; elsewhere they take ten times as long as in f32."""
    has = torch.cpu.get_capabilities()
    return torch.autocast("cpu", torch.bfloat16,
                          enabled=any(has.get(name) for name in ("avx512_bf16", "amx_bf16")))


def trapezoid(progress, warm=0.01, fall=0.7):
    """Factor of the learning rate: up, flat, and from `fall` on down to nothing by a cosine.

    While it is flat the run does not know how long it will be: a checkpoint from there can be resumed
    with a larger budget, and nothing is lost.
    """
    if progress < warm:
        return (progress + 1e-3) / (warm + 1e-3)
    if progress < fall:
        return 1.0
    return 0.5 * (1.0 + np.cos(np.pi * min(1.0, (progress - fall) / (1.0 - fall)))) + 1e-3


class Budget:
    """How far a run is: by minutes of work (those before a resumption count) or by steps."""

    def __init__(self, minutes=None, steps=None):
        if (minutes is None) == (steps is None):
            raise SystemExit("give --minutes or --steps, and not both")
        self.minutes, self.steps = minutes, steps
        self.step, self.before, self.start = 0, 0.0, time.monotonic()

    def seconds(self):
        return self.before + time.monotonic() - self.start

    def progress(self):
        """In [0, 1]; the run ends at 1."""
        if self.steps is not None:
            return min(1.0, self.step / self.steps)
        return min(1.0, self.seconds() / (60.0 * self.minutes))

    def done(self):
        return self.progress() >= 1.0

    def state(self):
        return {"step": self.step, "seconds": self.seconds()}

    def load(self, state):
        self.step, self.before, self.start = state["step"], state["seconds"], time.monotonic()


class Average:
    """Weights averaged over the last steps (`decay` of the old is kept, less at first): what ships."""

    def __init__(self, network, decay=0.998):
        self.decay, self.count = decay, 0
        self.values = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network):
        self.count += 1
        keep = min(self.decay, (1 + self.count) / (10 + self.count))
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.values[name].lerp_(value, 1.0 - keep)
            else:
                self.values[name].copy_(value)

    def state(self):
        return {"count": self.count, "values": self.values}

    def load(self, state):
        self.count, self.values = state["count"], state["values"]


def save(path, state, generator):
    """Writes a checkpoint: `state` and the states of the random generators, whole or not at all."""
    state = dict(state, torch_rng=torch.get_rng_state(), numpy_rng=generator.bit_generator.state)
    partial = Path(f"{path}.partial")
    torch.save(state, partial)
    os.replace(partial, path)


def load(path, generator):
    """Reads a checkpoint and puts the random generators where they were."""
    state = torch.load(path, weights_only=False)
    torch.set_rng_state(state["torch_rng"])
    generator.bit_generator.state = state["numpy_rng"]
    return state


def finite(loss, step, last):
    """Stops before a step whose loss is not finite spoils the weights; `last` is the checkpoint to go on from."""
    if not torch.isfinite(loss):
        raise SystemExit(f"step {step}: the loss is {loss.item()}; go on from {last}")


def same(kept, **asked):
    """Stops where a run would go on as another than it was. What an older checkpoint does not tell is not asked."""
    for name, value in asked.items():
        if kept.get(name, value) != value:
            raise SystemExit(f"this run was begun with --{name} {kept[name]}, and {value} was asked for; "
                             "give the same, or another --run")


class Log:
    """`log.csv`, one row now and then, and `curve.svg` of its loss columns, smoothed."""

    def __init__(self, folder, columns, resume):
        self.path, self.columns, self.rows, self.mean = Path(folder) / "log.csv", columns, [], {}
        if resume and self.path.exists():
            with open(self.path, newline="") as file:
                self.rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]

    def observe(self, losses):
        """Adds the losses of one step (numbers by name) to their running means."""
        for name, value in losses.items():
            self.mean[name] = 0.95 * self.mean.get(name, value) + 0.05 * value

    def write(self, budget, **others):
        """Adds a row and prints it."""
        row = {"step": budget.step, "seconds": round(budget.seconds(), 1)}
        row |= {name: round(float(value), 4) for name, value in (self.mean | others).items()}
        self.rows = [old for old in self.rows if old["step"] < budget.step] + [row]
        with open(self.path, "w", newline="") as file:
            writer = csv.DictWriter(file, ["step", "seconds", *self.columns], restval="nan")
            writer.writeheader()
            writer.writerows(self.rows)
        print(" ".join(f"{name} {value:g}" for name, value in row.items()), flush=True)

    def curve(self, names, width=640, height=320):
        """Draws the columns `names` over the steps, each on its own scale from least to greatest."""
        colours = ["#1b6ca8", "#c1440e", "#3a7d44", "#7b4b94", "#8a6d1b"]
        left, top, right, bottom = 10, 10, width - 10, height - 20 * len(names) - 10
        last = max(1.0, self.rows[-1]["step"]) if self.rows else 1.0
        parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                 'font-family="sans-serif" font-size="12">',
                 f'<rect width="{width}" height="{height}" fill="white"/>']
        for i, name in enumerate(names):
            points = [(r["step"], r[name]) for r in self.rows if np.isfinite(r.get(name, np.nan))]
            if not points:
                continue
            low, high = min(v for _, v in points), max(v for _, v in points)
            place = " ".join(
                f"{left + (right - left) * step / last:.1f},"
                f"{bottom - (bottom - top) * (value - low) / max(high - low, 1e-9):.1f}"
                for step, value in points)
            colour, y = colours[i % len(colours)], bottom + 20 * (i + 1)
            parts.append(f'<polyline fill="none" stroke="{colour}" points="{place}"/>')
            parts.append(f'<text x="{left}" y="{y}" fill="{colour}">{name}: {points[0][1]:.3g} at step '
                         f'{points[0][0]:g}, {points[-1][1]:.3g} at step {points[-1][0]:g}</text>')
        (self.path.parent / "curve.svg").write_text("\n".join([*parts, "</svg>\n"]))
