#!/usr/bin/env python3
"""Golden log-mel frames: numpy in f64 as YAMNet defines them, and librosa's mel bands on power.

Writes samples.f32 (little-endian), yamnet.f32 `[frames, 64]`, librosa.f32 `[frames, 40]`.
Needs: numpy, librosa.
"""
import sys
from pathlib import Path

import librosa
import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "models"))
from common import log_mel, sweep  # noqa: E402

RATE = 16_000


def main():
    rng = np.random.default_rng(1)
    x = sweep(3600) + 0.01 * rng.standard_normal(3600)
    x[1800:2200] = 0
    x = x.astype(np.float32)
    x.tofile(HERE / "samples.f32")
    log_mel(x).astype(np.float32).tofile(HERE / "yamnet.f32")
    # librosa puts the 800 samples under the window into the middle of 1024: 112 zeros in front, and
    # its frames begin where ours do.
    power = np.abs(librosa.stft(np.pad(x.astype(np.float64), (112, 0)), n_fft=1024, hop_length=256,
                                win_length=800, window="hann", center=False)) ** 2
    bands = librosa.filters.mel(sr=RATE, n_fft=1024, n_mels=40, fmin=50, fmax=8000, htk=True,
                                norm=None, dtype=np.float64)
    np.log(bands @ power + 1e-6).T.astype(np.float32).tofile(HERE / "librosa.f32")


if __name__ == "__main__":
    main()
