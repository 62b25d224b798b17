"""The front end of the encoders (YAMNet's) in torch, and curves that the voices are drawn with.

Three rates: samples (16 kHz), controls (400 Hz: envelopes, pitch) and frames (100 Hz: log-mel).
A clip has 160 frames, more than the 96 of a window, so that views can be cut out of it.
"""
import math

import torch
from torch.nn import functional

RATE, FRAMES, HOP, FRAME, FFT, BANDS = 16_000, 160, 160, 400, 512, 64
LOW_HZ, HIGH_HZ = 125.0, 7500.0
SAMPLES = (FRAMES - 1) * HOP + FRAME
CONTROL_RATE = 400
CONTROLS = SAMPLES * CONTROL_RATE // RATE + 2
SECONDS = SAMPLES / RATE


def mel(hz):
    return 1127.0 * torch.log1p(torch.as_tensor(hz, dtype=torch.float32) / 700.0)


def slopes():
    """Weights of the bands `[257, 64]`, and their centres in octaves from 1 kHz `[64]`."""
    edges = torch.linspace(float(mel(LOW_HZ)), float(mel(HIGH_HZ)), BANDS + 2)
    at = mel(torch.linspace(0, RATE / 2, FFT // 2 + 1))[None]
    step = edges[1:] - edges[:-1]
    rise, fall = (at - edges[:-2, None]) / step[:-1, None], (edges[2:, None] - at) / step[1:, None]
    hz = 700.0 * torch.expm1(edges[1:-1] / 1127.0)
    return torch.minimum(rise, fall).clamp(min=0).T.contiguous(), torch.log2(hz / 1000.0)


WEIGHTS, OCTAVES = slopes()
BAND_HZ = 1000.0 * 2**OCTAVES
HANN = torch.hann_window(FRAME)
TIMES = torch.arange(CONTROLS)[None] / CONTROL_RATE
FRAME_TIMES = (torch.arange(FRAMES) * HOP + FRAME / 2) / RATE


def magnitudes(x):
    """Samples `[N, SAMPLES]` to mel magnitudes `[N, FRAMES, BANDS]`."""
    return torch.fft.rfft(x.unfold(1, FRAME, HOP) * HANN, FFT).abs() @ WEIGHTS


def sine_table(count=512, low=60.0, high=7800.0):
    """Mel power of a sine of power 1 at `count` pitches, evenly spaced in octaves: `[count, BANDS]`."""
    hz = low * (high / low) ** (torch.arange(count) / (count - 1))
    waves = torch.sin(2 * math.pi * hz[:, None] * torch.arange(FRAME)[None] / RATE) * HANN
    return (torch.fft.rfft(waves, FFT).abs() @ WEIGHTS) ** 2


SINES = sine_table()


def sine_powers(hz):
    """Mel power of sines at `hz` `[...]`: `[..., BANDS]`; none outside the table."""
    place = torch.log2(hz / 60.0) / math.log2(7800.0 / 60.0) * (len(SINES) - 1)
    inside = ((place >= 0) & (place <= len(SINES) - 1)).float()[..., None]
    return SINES[place.round().long().clamp(0, len(SINES) - 1)] * inside


def to_samples(controls):
    return functional.interpolate(controls[:, None], size=SAMPLES, mode="linear",
                                  align_corners=True)[:, 0]


def to_frames(controls):
    return functional.interpolate(controls[:, None], size=FRAMES, mode="linear",
                                  align_corners=True)[:, 0]


def wander(count, knots, size=CONTROLS):
    """Smooth random curves of about unit deviation `[count, size]`."""
    return functional.interpolate(torch.randn(count, 1, knots), size=size, mode="linear",
                                  align_corners=True)[:, 0]


def decay_along(power, keep):
    """`y[t] = keep * y[t-1] + power[t]` over frames; `power [N, FRAMES, BANDS]`, `keep [N, BANDS]`."""
    out, level = torch.empty_like(power), torch.zeros_like(power[:, 0])
    for t in range(power.shape[1]):
        level = torch.addcmul(power[:, t], level, keep)
        out[:, t] = level
    return out
