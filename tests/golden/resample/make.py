#!/usr/bin/env python3
"""Golden resampling: tones under a smooth envelope, by scipy's polyphase filter with a long window.

Writes FROM.f32 (input) and FROM_to_16000.f32. Needs: numpy, scipy.
"""
from math import gcd
from pathlib import Path

import numpy as np
from scipy.signal import firwin, resample_poly

HERE, TO = Path(__file__).parent, 16_000


def main():
    for rate, tones in ((8000, (300, 1234, 3000)), (44_100, (300, 1234, 6000))):
        t = np.arange(rate // 10) / rate
        envelope = np.exp(-0.5 * ((t - 0.05) / 0.012) ** 2)
        x = (envelope * sum(0.2 * np.sin(2 * np.pi * hz * t + k) for k, hz in enumerate(tones)))
        x = x.astype(np.float32)
        up, down = TO // gcd(rate, TO), rate // gcd(rate, TO)
        widest = max(up, down)
        kernel = firwin(2 * 64 * widest + 1, 1 / widest, window=("kaiser", 10))
        y = resample_poly(x.astype(np.float64), up, down, window=kernel)
        x.tofile(HERE / f"{rate}.f32")
        y.astype(np.float32).tofile(HERE / f"{rate}_to_{TO}.f32")


if __name__ == "__main__":
    main()
