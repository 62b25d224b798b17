#!/usr/bin/env python3
"""Makes sounds to train on: shards of clips, every clip in several variants, and backgrounds.

A shard is a folder `OUT/NNNN/` with `clips.npy [clips, variants, 160, 64]` (log-mel, f16),
`levels.npy [clips, variants, 160, voices]` (dB, f16), `knobs.npy [clips, knobs]` and
`sounding.npy [clips, voices]`; `OUT/knobs.json` says which knob is whose. Shard N of a seed is always
the same, and one that exists is left as it is. The backgrounds are `OUT/backgrounds/`.

  generate.py --out target/train/sound/pool --shards 40
Needs: torch, numpy. No other data goes in.
"""
import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from progress import seed_all
from front import BANDS, FRAMES
from synthesise import VOICES, choose, name_knobs, synthesise
from voices import Knobs

BATCH = 64


@torch.no_grad()
def shard(out, clips, variants, delta, background=False):
    """Writes one shard; it appears under its name only when it is whole."""
    partial = out.with_name(out.name + ".partial")
    partial.mkdir(parents=True, exist_ok=True)
    make = lambda name, *shape: np.lib.format.open_memmap(
        partial / f"{name}.npy", "w+", np.float16, (clips, *shape))
    files = {"clips": make("clips", variants, FRAMES, BANDS),
             "levels": make("levels", variants, FRAMES, len(VOICES)),
             "knobs": make("knobs", Knobs.COUNT), "sounding": make("sounding", len(VOICES))}
    for start in range(0, clips, BATCH):
        n = min(BATCH, clips - start)
        part = slice(start, start + n)
        u, (shared, each) = torch.rand(n, Knobs.COUNT), choose(n, background)
        move = delta * (0.5 + torch.rand(n, 1))  # some doubles are closer than others
        for v in range(variants):
            moved = (u + move * torch.randn_like(u)).clamp(0, 1)
            mel, levels = synthesise(moved, shared, each)
            if not torch.isfinite(mel).all():
                raise SystemExit(f"{out}: clips from {start} on are not finite")
            files["clips"][part, v], files["levels"][part, v] = mel.numpy(), levels.numpy()
        files["knobs"][part], files["sounding"][part] = u.numpy(), shared["on"].numpy()
    for file in files.values():
        file.flush()
    os.replace(partial, out)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True, type=Path)
    p.add_argument("--shards", type=int, default=40)
    p.add_argument("--clips", type=int, default=512, help="clips of a shard")
    p.add_argument("--variants", type=int, default=3, help="variants of a clip")
    p.add_argument("--backgrounds", type=int, default=3000)
    p.add_argument("--delta", type=float, default=0.2, help="how far a variant's knobs move")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    (a.out / "knobs.json").write_text(json.dumps({"columns": name_knobs(), "voices": VOICES}, indent=1))
    jobs = [("backgrounds", 0, a.backgrounds, 1, 0.0, True)]
    jobs += [(f"{i:04d}", i + 1, a.clips, a.variants, a.delta, False) for i in range(a.shards)]
    for name, number, clips, variants, delta, background in jobs:
        if (a.out / name).exists():
            continue
        start = time.monotonic()
        seed_all(a.seed * 100_003 + number)
        shard(a.out / name, clips, variants, delta, background)
        print(f"{name}: {clips * variants / (time.monotonic() - start):.0f} clips/s", flush=True)


if __name__ == "__main__":
    main()
