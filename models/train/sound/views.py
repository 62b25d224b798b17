"""Two views of a clip: what a microphone in another place, at another time, could have made of it.

Everything happens on log-mel clips that lie in shards, so a view costs a fraction of a millisecond:
another variant of the clip, another part, gain, equaliser, a background, a foreign sound below it.
"""
import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from network import BANDS, FRAMES, TOKENS

OFFSET = 1e-3  # of the front end: log(magnitude + OFFSET)


class Pool:
    """The shards of `folder`, and those that appear later."""

    def __init__(self, folder):
        self.folder, self.shards = Path(folder), {}
        about = self.folder / "knobs.json"
        if not about.exists() or not (self.folder / "backgrounds").is_dir():
            raise SystemExit(f"{self.folder}: no pool of sounds; make one with generate.py --out {self.folder}")
        about = json.loads(about.read_text())
        self.columns, self.voices = about["columns"], about["voices"]
        self.backgrounds = self.open(self.folder / "backgrounds")["clips"]
        # A knob tells nothing when its voice is silent; those of no voice always count.
        owner = {voice: i for i, voice in enumerate(self.voices)}
        self.owners = torch.tensor([owner.get(name.split(".")[0], -1) for name in self.columns])
        self.rescan()

    @staticmethod
    def open(path):
        return {file.stem: np.load(file, mmap_mode="r") for file in path.glob("*.npy")}

    def rescan(self):
        for path in sorted(self.folder.glob("[0-9]*")):
            if path.name not in self.shards and path.suffix != ".partial":
                self.shards[path.name] = self.open(path)
        if not self.shards:
            raise SystemExit(f"{self.folder}: no shards yet; make some with generate.py")
        return len(self.shards)


class Views:
    """Draws batches of pairs. Settings are the defaults that measured best or were given by the study."""

    def __init__(self, pool, rng, same=0.2, background=0.8, foreign=0.25, colour=0.55):
        self.pool, self.rng = pool, rng
        self.same, self.background, self.foreign, self.colour = same, background, foreign, colour

    def batch(self, pairs):
        """`x [2 pairs, 1, 96, 64]`, levels of the voices `[2 pairs, 12, voices]` in dB, knobs,
        and which voices sound, the last two for one view of each pair."""
        names = list(self.pool.shards)
        # A few shards a batch, many clips of each: other clips of the shard are as foreign as any.
        which = self.rng.integers(0, len(names), pairs)
        clips = np.empty((2, pairs, FRAMES, BANDS), np.float32)
        levels, knobs, sounding = [np.empty((2, pairs, FRAMES, len(self.pool.voices)), np.float32), [], []]
        rows = np.empty(pairs, np.int64)
        for shard in np.unique(which):
            here = np.flatnonzero(which == shard)
            size = len(self.pool.shards[names[shard]]["knobs"])
            rows[here] = self.rng.choice(size, len(here), replace=len(here) > size)
        for i, (shard, row) in enumerate(zip(which, rows)):
            data = self.pool.shards[names[shard]]
            variants = data["clips"].shape[1]
            first = self.rng.integers(variants)
            second = first
            if self.rng.random() >= self.same and variants > 1:
                second = (first + self.rng.integers(1, variants)) % variants
            for view, variant in enumerate((first, second)):
                at = self.offset(data["levels"][row, variant])
                clips[view, i] = data["clips"][row, variant, at:at + FRAMES]
                levels[view, i] = data["levels"][row, variant, at:at + FRAMES]
            knobs.append(data["knobs"][row, :len(self.pool.columns)])
            sounding.append(data["sounding"][row])
        gain = torch.rand(pairs, 1, 1) * 5.5 - 4.3
        x = torch.cat([self.view(torch.from_numpy(clip), gain) for clip in clips])
        levels = torch.from_numpy(levels).reshape(2 * pairs, TOKENS, -1, len(self.pool.voices)).mean(2)
        as_tensor = lambda rows: torch.from_numpy(np.stack(rows).astype(np.float32))
        return x[:, None], levels, as_tensor(knobs), as_tensor(sounding)

    def offset(self, levels):
        """Of two random places the one where more sounds: few windows are silent."""
        most = len(levels) - FRAMES
        places = self.rng.integers(0, most + 1, 2)
        loud = levels.max(1)
        return max(places, key=lambda at: float(loud[at:at + FRAMES:4].astype(np.float32).max()))

    def equaliser(self, n):
        """A smooth log gain over the bands, about 5 dB."""
        curve = functional.interpolate(torch.randn(n, 1, 6), size=BANDS, mode="linear", align_corners=True)
        return self.colour * curve

    def view(self, mel, gain):
        n = len(mel)
        chance = lambda p: (torch.rand(n, 1, 1) < p).float()
        below = lambda low, high: 10 ** (-(low + (high - low) * torch.rand(n, 1, 1)) / 20)
        sound = torch.exp(mel + self.equaliser(n))
        which = self.rng.integers(0, len(self.pool.backgrounds), n)
        at = self.rng.integers(0, self.pool.backgrounds.shape[2] - FRAMES + 1, n)
        behind = np.stack([self.pool.backgrounds[i, 0, o:o + FRAMES] for i, o in zip(which, at)])
        behind = torch.exp(torch.from_numpy(behind.astype(np.float32)) + self.equaliser(n))
        foreign = sound[torch.randperm(n)] * chance(self.foreign) * below(3, 23)
        behind = behind * chance(self.background) * below(-5, 28)
        total = torch.sqrt(sound**2 + behind**2 + foreign**2)
        return torch.log(total * torch.exp(gain + 0.8 * torch.randn(n, 1, 1)) + OFFSET)
