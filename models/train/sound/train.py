#!/usr/bin/env python3
"""Trains a sound encoder on the shards of generate.py.

  train.py --size sound --pool target/train/sound/pool --run target/train/sound/sound-1 --minutes 240
  train.py ... --teacher target/train/sound/teacher.onnx     # one that also follows another

The same command goes on from `RUN/last.pt` where it stopped. To train longer than it was meant to,
copy `RUN/stable.pt` over `RUN/last.pt` and give more minutes: its rate has not fallen yet.

Losses: InfoNCE between two views of a clip among all others of the batch; the knobs of the voices
that sound, and which sound; the level of every voice in every token, local and deep; hidden local
tokens predicted from their neighbours. Needs: torch, numpy; for a teacher onnx and onnxruntime.
"""
import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from network import SIZES, TOKENS, Heads, SoundEncoder
from progress import Average, Budget, Log, finite, half_precision, load, same, save, seed_all, trapezoid
from views import Pool, Views

WEIGHTS = {"contrast": 1.0, "knobs": 6.0, "sounding": 0.5, "levels": 1.0, "masked": 0.5, "teacher": 2.0}
TEMPERATURE, HIDDEN_SHARE = 0.1, 0.4


def contrast(z, pairs):
    """InfoNCE: of all other views in the batch, which is the double? `z [2 pairs, dim]`."""
    z = functional.normalize(z, dim=1)
    likeness = z @ z.T / TEMPERATURE
    likeness.fill_diagonal_(-1e9)
    return functional.cross_entropy(likeness, torch.arange(2 * pairs).roll(pairs))


def masked(heads, local):
    """Error at local tokens that were hidden in spans of two, predicted from the others."""
    n, _, dim = local.shape
    target = functional.layer_norm(local.detach(), (dim,))
    hidden = (torch.rand(n, TOKENS // 2, 1) < HIDDEN_SHARE).float().repeat_interleave(2, 1)
    seen = local * (1 - hidden) + heads.hidden_token * hidden
    with half_precision():
        guess = heads.context(seen.transpose(1, 2)).transpose(1, 2).float()
    return ((guess - target) ** 2 * hidden).sum() / (hidden.sum() + 1e-6) / dim


def losses_of(outputs, heads, pool, levels, knobs, sounding, pairs):
    """Every loss by name, unweighted."""
    local, deep, embedding = outputs
    knobs, sounding = knobs.repeat(2, 1), sounding.repeat(2, 1)
    guess = heads.parameters_of(embedding)
    count = knobs.shape[1]
    audible = torch.cat([sounding, torch.ones(len(sounding), 1)], 1)[:, pool.owners]
    levels = (levels.clamp(-45, 10) + 20) / 10
    at_tokens = lambda head, tokens: functional.smooth_l1_loss(head(tokens), levels)
    return {
        "contrast": contrast(heads.project(embedding), pairs),
        "knobs": ((guess[:, :count] - knobs) ** 2 * audible).sum() / audible.sum(),
        "sounding": functional.binary_cross_entropy_with_logits(guess[:, count:], sounding),
        "levels": 0.5 * (at_tokens(heads.levels_deep, deep) + at_tokens(heads.levels_local, local)),
        "masked": masked(heads, local),
    }


class Teacher:
    """An encoder as it ships, whose tokens and embedding, in units of their deviation in the batch, a smaller one
    follows by linear maps of its own."""

    def __init__(self, path, student, learnt):
        import onnx
        import onnxruntime
        graph = onnx.load(path)
        for value in [*graph.graph.input, *graph.graph.output]:
            value.type.tensor_type.shape.dim[0].dim_param = "views"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
        widths = [value.type.tensor_type.shape.dim[-1].dim_value for value in graph.graph.output]
        self.names = [value.name for value in graph.graph.output]
        into = {"tokens": student.deep_dim, "embedding": student.embedding_dim}
        self.norms = [torch.nn.BatchNorm1d(width, affine=False) for width in widths]
        self.follow = torch.nn.ModuleList(
            torch.nn.Linear(into[name], width) for name, width in zip(self.names, widths))
        learnt.add_module("follow", self.follow)

    def loss(self, x, deep, embedding):
        """Mean over outputs of the squared error, of which 1 is all there is to know."""
        seen = {"tokens": deep, "embedding": embedding}
        targets = self.session.run(self.names, {"input": x.contiguous().numpy()})
        errors = []
        for name, target, norm, follow in zip(self.names, targets, self.norms, self.follow):
            target = norm(torch.from_numpy(target).flatten(0, -2))
            errors.append(functional.mse_loss(follow(seen[name]).flatten(0, -2), target))
        return sum(errors) / len(errors)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--size", choices=SIZES, default="sound")
    p.add_argument("--pool", required=True, type=Path)
    p.add_argument("--run", required=True, type=Path)
    p.add_argument("--minutes", type=float)
    p.add_argument("--steps", type=int)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--pairs", type=int, default=256, help="pairs of a step")
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--teacher", type=Path, help="an exported encoder to follow")
    a = p.parse_args()
    a.run.mkdir(parents=True, exist_ok=True)
    seed_all(a.seed)
    rng, budget = np.random.default_rng(a.seed), Budget(a.minutes, a.steps)
    pool = Pool(a.pool)
    views = Views(pool, rng)
    encoder = SoundEncoder(a.size)
    heads = Heads(encoder, len(pool.columns), len(pool.voices))
    teacher = Teacher(a.teacher, encoder, heads) if a.teacher else None
    encoder = encoder.to(memory_format=torch.channels_last)
    average = Average(encoder)
    learnt = [*encoder.parameters(), *heads.parameters()]
    adam = torch.optim.AdamW(learnt, a.rate, weight_decay=0.02)
    last, stable = a.run / "last.pt", a.run / "stable.pt"
    about = {"size": a.size, "seed": a.seed, "pairs": a.pairs, "rate": a.rate,
             "teacher": hashlib.sha256(a.teacher.read_bytes()).hexdigest() if a.teacher else "none"}
    if last.exists():
        state = load(last, rng)
        same(state, **about)
        encoder.load_state_dict(state["encoder"])
        heads.load_state_dict(state["heads"])
        adam.load_state_dict(state["adam"])
        average.load(state["average"])
        budget.load(state["budget"])
        print(f"going on from step {budget.step}", flush=True)
    log = Log(a.run, [*WEIGHTS, "rate", "shards", "pairs_per_s"], last.exists())
    keep = lambda path: save(path, about | {
        "encoder": encoder.state_dict(), "heads": heads.state_dict(), "adam": adam.state_dict(),
        "average": average.state(), "budget": budget.state()}, rng)

    falling, saved, seen = budget.progress() >= 0.7, budget.seconds(), (budget.seconds(), budget.step)
    while not budget.done():
        factor = trapezoid(budget.progress())
        for group in adam.param_groups:
            group["lr"] = a.rate * factor
        if not falling and budget.progress() >= 0.7:
            falling = True
            keep(stable)
        x, levels, knobs, sounding = views.batch(a.pairs)
        x = x.contiguous(memory_format=torch.channels_last)
        with half_precision():
            outputs = encoder(x)
        outputs = [output.float() for output in outputs]
        losses = losses_of(outputs, heads, pool, levels, knobs, sounding, a.pairs)
        if teacher:
            losses["teacher"] = teacher.loss(x, *outputs[1:])
        loss = sum(WEIGHTS[name] * value for name, value in losses.items())
        finite(loss, budget.step, last)
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 5.0)
        adam.step()
        average.update(encoder)
        budget.step += 1
        log.observe({name: value.item() for name, value in losses.items()})
        if budget.step % 25 == 0 or budget.done():
            speed = (budget.step - seen[1]) * a.pairs / max(1e-3, budget.seconds() - seen[0])
            seen = (budget.seconds(), budget.step)
            log.write(budget, rate=a.rate * factor, shards=pool.rescan(), pairs_per_s=speed)
        if budget.seconds() - saved > 120:
            keep(last)
            saved = budget.seconds()
    keep(last)
    log.curve(["contrast", "knobs", "levels", "masked"])


if __name__ == "__main__":
    main()
