#!/usr/bin/env python3
"""Measures frozen sound encoders on real recordings, which take no part in training.

  evaluate.py --streams STREAMS --clips esc16k logmel untrained-0.onnx RUN/last.pt yamnet.onnx

STREAMS is a folder of places, as soundscapes.py mixes it: `streams.json` with their names (`scenes`) and
how long each is alone (`learn_s`), and for every place `NAME.wav`, 16 kHz, mono, with foreign sounds after
that, which `NAME.csv` lists (`start_s`, `end_s`).
Novelty: AUROC and pAUC (false-positive rate up to 0.1) of the shrunk Mahalanobis distance and of the
cosine distance to the three nearest, fitted on the learning minutes only. CLIPS has a folder of clips
for every class, `FOLD-*.flac` with two folds: a linear probe learns one and names the other, both
ways; 5-way 5-shot is a logistic regression on 25 clips of one fold, asked about the other.

An encoder is `logmel` (mean, deviation and maximum over 80 ms), a checkpoint (its averaged weights), or an
ONNX file with 96 frames of 64 bands as its input; `export.py --untrained 0 --name untrained-0` writes one
that has learnt nothing and ships all else. `FILE.pt#deep`, `#local`, `#mean` or `#max` takes only that part
of a checkpoint's embedding. Needs: torch, numpy, soundfile, scikit-learn, onnxruntime (for ONNX files).
"""
import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from front import FRAME, HOP, RATE, WEIGHTS
from network import FRAMES, SoundEncoder

STEP = 48  # frames from one window of a stream to the next
EPISODES = 100
PARTS = {"deep", "local", "mean", "max"}
ACCEPTED = ("an encoder is `logmel`, a checkpoint (FILE.pt, or a part of its embedding: FILE.pt#deep, #local, #mean, "
            "#max), or FILE.onnx")


def log_mel(samples):
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP] * np.hanning(FRAME + 1)[:-1]
    return np.log(np.abs(np.fft.rfft(frames, 512)) @ WEIGHTS.numpy() + 1e-3).astype(np.float32)


def windows(mel, step=STEP):
    starts = np.arange(0, len(mel) - FRAMES, step)
    return starts, np.stack([mel[s:s + FRAMES] for s in starts])


def statistics(x):
    """Log-mel statistics `[N, 192]`: what an encoder has to beat."""
    short = x.reshape(len(x), FRAMES // 8, 8, -1).mean(2)
    return np.concatenate([x.mean(1), x.std(1), short.max(1)], 1)


def part_of(network, part):
    """Which columns of an embedding `part` names: all where it names none."""
    deep, local = network.deep_dim, network.local_dim
    kinds = np.repeat(["deep mean", "deep max", "local mean", "local max"], [deep, deep, local, local])
    return np.array([all(word in kind.split() for word in part.split()) for kind in kinds])


def by_torch(network, part):
    network.eval()
    columns = part_of(network, part)

    @torch.no_grad()
    def embed(x):
        parts = [network(torch.from_numpy(x[i:i + 128])[:, None])[2].numpy() for i in range(0, len(x), 128)]
        return np.concatenate(parts)[:, columns]
    return embed


def by_onnx(path):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    inputs = session.get_inputs()[0]
    outputs = [output.name for output in session.get_outputs()]
    name = "embedding" if "embedding" in outputs else outputs[0]
    size = 1 if inputs.shape[0] == 1 else 32

    def embed(x):
        return np.concatenate([session.run([name], {inputs.name: x[i:i + size, None]})[0].reshape(
            min(size, len(x) - i), -1) for i in range(0, len(x), size)])
    return embed


def encoder(name):
    """A function from windows `[N, 96, 64]` to embeddings `[N, dim]`."""
    path, _, part = name.partition("#")
    if name == "logmel":
        return statistics
    known = path.endswith(".onnx") and not part or path.endswith(".pt") and PARTS.issuperset(part.split())
    if not known:
        raise SystemExit(f"{name}: not known; {ACCEPTED}")
    if not Path(path).is_file():
        raise SystemExit(f"{path}: no such file; {ACCEPTED}")
    if path.endswith(".onnx"):
        return by_onnx(path)
    state = torch.load(path, weights_only=False)
    network = SoundEncoder(state["size"])
    network.load_state_dict(state["average"]["values"])
    return by_torch(network, part)


def unit(x):
    return x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-9)


def nearest(learnt, x, k=3):
    return np.sort(1 - unit(x) @ unit(learnt).T, 1)[:, :k].mean(1)


def mahalanobis(learnt, x):
    mean = learnt.mean(0)
    values, vectors = np.linalg.eigh(np.cov((learnt - mean).T))
    return (((x - mean) @ vectors) ** 2 / (np.maximum(values, 0) + 0.05 * values.mean())).sum(1)


def labels_of(starts, ends, sounds):
    """1 where a foreign sound and a window cover 30 % of each other, -1 where they only touch."""
    found = np.zeros(len(starts), int)
    for i, (start, end) in enumerate(zip(starts, ends)):
        for first, last in sounds:
            overlap = min(end, last) - max(start, first)
            if overlap > 0:
                enough = overlap >= 0.3 * min(end - start, last - first)
                found[i] = 1 if enough or found[i] == 1 else -1
    return found


def streams(folder):
    """Every stream of `folder`: name, windows, which are to learn from, labels (0 before the test)."""
    if not (folder / "streams.json").exists():
        raise SystemExit(f"{folder}: no streams.json, which names the places")
    about = json.loads((folder / "streams.json").read_text())
    for scene in about["scenes"]:
        samples, rate = soundfile.read(folder / f"{scene}.wav", dtype="float32")
        assert rate == RATE
        frames, x = windows(log_mel(samples))
        start, end = frames * HOP / RATE, (frames * HOP + (FRAMES - 1) * HOP + FRAME) / RATE
        with open(folder / f"{scene}.csv", newline="") as file:
            sounds = [(float(row["start_s"]), float(row["end_s"])) for row in csv.DictReader(file)]
        found = labels_of(start, end, sounds)
        yield scene, x, end <= about["learn_s"], (start >= about["learn_s"]) & (found >= 0), found


def novelty(embed, data):
    """Means over the streams, and the AUROC of the Mahalanobis distance for each."""
    scores, each = {}, {}
    for scene, x, learn, test, found in data:
        embedding = embed(x)
        for name, method in (("Maha", mahalanobis), ("kNN", nearest)):
            score = method(embedding[learn], embedding)[test]
            area = roc_auc_score(found[test], score)
            scores.setdefault(name, []).append(area)
            scores.setdefault(f"{name} pAUC", []).append(roc_auc_score(found[test], score, max_fpr=0.1))
            if name == "Maha":
                each[scene] = area
    return {name: float(np.mean(values)) for name, values in scores.items()}, each


def clips(folder, seconds=5):
    """Windows `[clips, windows, 96, 64]`, classes and folds."""
    x, classes, folds = [], [], []
    for number, path in enumerate(sorted(p for p in folder.iterdir() if p.is_dir())):
        for file in sorted(path.glob("*.flac")):
            samples, _ = soundfile.read(file, dtype="float32")
            samples = np.pad(samples, (0, max(0, seconds * RATE - len(samples))))
            x.append(windows(log_mel(samples)[:498])[1])
            classes.append(number)
            folds.append(int(file.name.split("-")[0].lstrip("f")))
    return np.stack(x), np.array(classes), np.array(folds)


def naming(embed, x, classes, folds):
    """Linear probe both ways and 5-way 5-shot, on the mean embedding of a clip."""
    z = embed(x.reshape(-1, *x.shape[2:])).reshape(len(x), x.shape[1], -1).mean(1)
    probe = []
    first, second = np.unique(folds)[:2]
    for learn, test in ((first, second), (second, first)):
        here, there = folds == learn, folds == test
        scaled = (z - z[here].mean(0)) / (z[here].std(0) + 1e-6) / np.sqrt(z.shape[1])
        fit = LogisticRegression(C=10, max_iter=300).fit(scaled[here], classes[here])
        probe.append((fit.predict(scaled[there]) == classes[there]).mean())
    scaled = unit((z - z[folds == first].mean(0)) / (z[folds == first].std(0) + 1e-6))
    rng, few = np.random.default_rng(0), []
    for _ in range(EPISODES):
        picked = rng.choice(classes.max() + 1, 5, False)
        shown = np.concatenate([rng.choice(np.flatnonzero((classes == c) & (folds == first)), 5, False)
                                for c in picked])
        asked = np.flatnonzero(np.isin(classes, picked) & (folds == second))
        fit = LogisticRegression(C=10, max_iter=200).fit(scaled[shown], classes[shown])
        few.append((fit.predict(scaled[asked]) == classes[asked]).mean())
    return {"linear": float(np.mean(probe)), "5-shot": float(np.mean(few))}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("encoders", nargs="+")
    p.add_argument("--streams", type=Path)
    p.add_argument("--clips", type=Path)
    p.add_argument("--scenes", action="store_true", help="the AUROC of every stream, too")
    a = p.parse_args()
    torch.set_num_threads(1)
    encoders = {name: encoder(name) for name in a.encoders}
    data = list(streams(a.streams)) if a.streams else []
    named = clips(a.clips) if a.clips else None
    columns = ["Maha", "Maha pAUC", "kNN", "kNN pAUC"] * bool(data) + ["linear", "5-shot"] * bool(named)
    print("| encoder | dim |", " | ".join(columns), "|")
    print("|---" * (2 + len(columns)) + "|")
    for name, embed in encoders.items():
        row, each = novelty(embed, data) if data else ({}, {})
        row |= naming(embed, *named) if named else {}
        dim = embed(np.zeros((1, FRAMES, 64), np.float32)).shape[1]
        print(f"| {name} | {dim} |", " | ".join(f"{row[c]:.3f}" for c in columns), "|", flush=True)
        if a.scenes:
            print("  ", " ".join(f"{scene} {area:.3f}" for scene, area in each.items()), flush=True)


if __name__ == "__main__":
    main()
