#!/usr/bin/env python3
"""Makes logmel-patches.onnx and .toml: a sound encoder in closed form. No data, no training.

Input: 96 log-mel frames of 64 bands (YAMNet's front end), `[1, 1, 96, 64]`.
Tokens `[12, 64]`: patches of 8 frames (80 ms) on two waves in time (level and tilt) times the slowest
32 waves in pitch of the orthonormal DCT-II. Embedding `[192]`: mean, deviation and maximum over the
96 frames of every band, as a fourth root of its magnitude: between a logarithm, which makes much of
nothing, and the magnitude itself, which hears only the loudest.
Needs: numpy, onnx.
"""
import numpy as np
from onnx import helper

from common import HERE, constant, cosines, golden, log_mel, save, sweep

NAME, FRAMES, BANDS, PATCH, DIM = "logmel-patches", 96, 64, 8, 64
IN_TIME, ROOT = 2, 0.25


def basis():
    """`[PATCH * BANDS, DIM]`, orthonormal columns: level of every wave in pitch, then tilt."""
    in_time, in_pitch = cosines(IN_TIME, PATCH), cosines(DIM // IN_TIME, BANDS)
    return np.stack([np.outer(t, p).reshape(-1) for t in in_time for p in in_pitch], 1)


def main():
    tokens = FRAMES // PATCH
    node = helper.make_node
    nodes = [
        node("Reshape", ["input", "as_patches"], ["patches"]),
        node("MatMul", ["patches", "basis"], ["tokens"]),
        node("Reshape", ["input", "as_frames"], ["frames"]),
        node("Mul", ["frames", "root"], ["flattened"]),
        node("Exp", ["flattened"], ["levels"]),
        node("ReduceMean", ["levels"], ["mean"], axes=[0], keepdims=0),
        node("Sub", ["levels", "mean"], ["apart"]),
        node("Mul", ["apart", "apart"], ["squared"]),
        node("ReduceMean", ["squared"], ["variance"], axes=[0], keepdims=0),
        node("Sqrt", ["variance"], ["deviation"]),
        node("ReduceMax", ["levels"], ["maximum"], axes=[0], keepdims=0),
        node("Concat", ["mean", "deviation", "maximum"], ["embedding"], axis=0),
    ]
    constants = [
        constant("as_patches", np.array([tokens, PATCH * BANDS], np.int64)),
        constant("basis", basis().astype(np.float32)),
        constant("as_frames", np.array([FRAMES, BANDS], np.int64)),
        constant("root", np.float32(ROOT)),
    ]
    outputs = {"tokens": [tokens, DIM], "embedding": [3 * BANDS]}
    sha256 = save(NAME, nodes, constants, [1, 1, FRAMES, BANDS], outputs)
    window = log_mel(sweep()).reshape(1, 1, FRAMES, BANDS)
    (HERE / f"{NAME}.toml").write_text(f'''name = "{NAME}"
about = "Sound, in closed form: 80 ms log-mel patches on cosine waves, and statistics of the bands"
license = "MIT OR Apache-2.0"
source = "made by models/make_sound_patches.py; no data, no training"
file = "{NAME}.onnx"
sha256 = "{sha256}"
modality = "sound"
density = "whitened_nearest"

# 0.975 s every 0.48 s.
[input.sound]
rate_hz = 16000
window_frames = {FRAMES}
hop_frames = 48
frame_samples = 400
hop_samples = 160
fft_samples = 512
mel_bands = {BANDS}
low_hz = 125.0
high_hz = 7500.0
log_offset = 0.001
spectrum = "magnitude"
slopes = "mel"

[outputs]
tokens = {{ node = "tokens", axes = "td", len = {tokens}, dim = {DIM} }}
embedding = {{ node = "embedding", dim = {3 * BANDS} }}
''' + golden(NAME, window, 1e-4))


if __name__ == "__main__":
    main()
