"""What the scripts that make our encoders share: the built-in input of `selftest`, and the files."""
import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

HERE = Path(__file__).parent
SHOWN = 24  # golden values per output


def sweep(samples=15_600, rate=16_000):
    """The built-in sound: see `src/encode/selftest.rs`."""
    t = np.arange(samples) / rate
    level = np.where((t * 8) % 2 < 1, 0.4, 0.04)
    return (level * np.sin(2 * np.pi * (200 * t + 1500 * t * t))).astype(np.float32)


def pattern(width, height):
    """The built-in picture `[height, width, 3]`: see `src/encode/selftest.rs`."""
    y, x = np.mgrid[:height, :width]
    return (np.stack([5 * x + 3 * y, x * y, 255 - 2 * x + y], 2) % 256).astype(np.uint8)


def log_mel(x, bands=64, low=125, high=7500, offset=1e-3, rate=16_000):
    """YAMNet's front end in f64: `[frames, bands]`."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), 400)[::160] * hann
    magnitude = np.abs(np.fft.rfft(frames, 512))
    mel = lambda f: 1127 * np.log1p(f / 700)
    edges = np.linspace(mel(low), mel(high), bands + 2)
    at = mel(np.linspace(0, rate / 2, 257))[None]
    rise = (at - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - at) / np.diff(edges)[1:, None]
    return np.log(magnitude @ np.maximum(0, np.minimum(rise, fall)).T + offset)


def cosines(count, length):
    """The first `count` waves of the orthonormal DCT-II, `[count, length]`."""
    k, n = np.mgrid[:count, :length]
    scale = np.where(k == 0, 1, 2) / length
    return np.sqrt(scale) * np.cos(np.pi * (2 * n + 1) * k / (2 * length))


def constant(name, value):
    return onnx.numpy_helper.from_array(np.asarray(value), name)


def save(name, nodes, constants, input_shape, outputs, folder=HERE):
    """Writes `NAME.onnx` in `folder`, byte for byte the same for the same graph. `outputs`: name to shape."""
    describe = lambda n, shape: helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, name, [describe("input", input_shape)],
                              [describe(n, shape) for n, shape in outputs.items()], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                              producer_name="habituate", ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString(deterministic=True)
    (folder / f"{name}.onnx").write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def golden(name, window, tolerance, folder=HERE):
    """The `[golden]` table, by ONNX's own reference evaluator."""
    run = ReferenceEvaluator(str(folder / f"{name}.onnx"))
    tokens, embedding = run.run(["tokens", "embedding"], {"input": window.astype(np.float32)})
    assert np.isfinite(tokens).all() and np.isfinite(embedding).all()
    if tokens.ndim == 4:
        tokens = tokens.transpose(0, 2, 3, 1)  # cell by cell, as the program gives them
    return "\n[golden]\n" + values("embedding", embedding) + values("tokens", tokens) \
        + f"tolerance = {tolerance}\n"


def values(key, found):
    """Evenly spaced values, the i-th of n at `i * len // n`."""
    found = found.reshape(-1)
    picked = [found[i * len(found) // SHOWN] for i in range(SHOWN)]
    rows = [picked[i:i + 6] for i in range(0, SHOWN, 6)]
    body = "".join("    " + " ".join(f"{v:.6g}," if "." in f"{v:.6g}" or "e" in f"{v:.6g}"
                                     else f"{v:.6g}.0," for v in row) + "\n" for row in rows)
    return f"{key} = [\n{body}]\n"
