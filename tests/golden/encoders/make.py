#!/usr/bin/env python3
"""What ONNX Runtime makes of the development encoders, on the built-in input and on real input.

Usage: make.py DEV_DATA [PROTOTYPE.onnx]. Writes the `[golden]` tables of `tests/encoders/*.toml`, and
NAME_embedding.f32 and NAME_tokens.f32 (every STEP-th value) for real input: the sound that comes with
YAMNet, and a cut of `robustness/image/a.bmp`. Needs: numpy, onnx, onnxruntime, pillow.
"""
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "models"))
from common import log_mel, pattern, sweep, values  # noqa: E402

STEP, LEFT, TOP = 13, 200, 100


def session(path, node):
    """The graph with a middle layer among its outputs."""
    model = onnx.load(path)
    names = [o.name for o in model.graph.output]
    if node and node not in names:
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(node))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model.SerializeToString(), options)


def patches(window):
    """`from = "input_patches"`: see `src/encode/patches.rs`."""
    sys.path.insert(0, str(ROOT / "models"))
    from make_sound_patches import basis
    return window.reshape(12, 512) @ basis()


def latent(run, node, window):
    window = window.astype(np.float32)
    embedding, = run.run(["embedding"], {"input": window})
    if not node:
        return embedding, patches(window.astype(np.float64))
    tokens, = run.run([node], {"input": window})
    return embedding, tokens.transpose(0, 2, 3, 1) if tokens.ndim == 4 else tokens


def pixels(rgb):
    return ((rgb.astype(np.float32) - 128) / 128).transpose(2, 0, 1)[None]


def main():
    dev = Path(sys.argv[1])
    speech = np.fromfile(dev / "encoders/yamnet_test_audio.bin", "<i2") / 32768
    photo = np.asarray(Image.open(dev / "robustness/image/a.bmp").convert("RGB"))
    for manifest in sorted((ROOT / "tests/encoders").glob("*.toml")):
        text = manifest.read_text().split("\n[golden]")[0]
        file = dev / "encoders" / re.search(r'^file = "(.*)"', text, re.M)[1]
        if not file.exists():
            if len(sys.argv) < 3:
                continue
            file = Path(sys.argv[2])
        node = re.search(r'^tokens = \{ node = "([^"]*)"', text, re.M)
        node = node and node[1]
        run = session(file, node)
        if "[input.sound]" in text:
            window = lambda x: log_mel(x)[None, None]
            builtin, real = window(sweep()), window(speech)
        else:
            side = int(re.search(r"^width = (\d+)", text, re.M)[1])
            builtin = pixels(pattern(side, side))
            real = pixels(photo[TOP:TOP + side, LEFT:LEFT + side])
        embedding, tokens = latent(run, node, builtin)
        manifest.write_text(text + "\n[golden]\n" + values("embedding", embedding)
                            + values("tokens", tokens) + "tolerance = 0.001\n")
        embedding, tokens = latent(run, node, real)
        embedding.astype(np.float32).tofile(HERE / f"{manifest.stem}_embedding.f32")
        tokens.reshape(-1)[::STEP].astype(np.float32).tofile(HERE / f"{manifest.stem}_tokens.f32")


if __name__ == "__main__":
    main()
