"""How picture encoders are measured on real pictures: for measuring only, never for training.

Classes: half of each class is the gallery, half are queries; nearest neighbours by cosine (five of
them), and a linear probe on standardised embeddings. Tiles: half of the good ones are known, and what
is farthest from them is a defect; by the embedding, or by the patch that is farthest from all patches.
"""
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

NEIGHBOURS, BANK = 5, 3000  # voters; patches of good tiles that are remembered


def load(folder, side):
    """`folder/CLASS/*.jpg` as `[count, side, side, 3]` uint8 and class numbers."""
    pictures, classes = [], []
    for index, kind in enumerate(sorted(p for p in Path(folder).iterdir() if p.is_dir())):
        for path in sorted(kind.glob("*.jpg")):
            with Image.open(path) as picture:
                small = picture.convert("RGB").resize((side, side), Image.BILINEAR)
            pictures.append(np.asarray(small))
            classes.append(index)
    return np.stack(pictures), np.array(classes)


def unit(x):
    return x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-9)


def gallery(classes, seed=0):
    """True for half of each class."""
    rng, chosen = np.random.default_rng(seed), np.zeros(len(classes), bool)
    for kind in np.unique(classes):
        members = np.flatnonzero(classes == kind)
        chosen[rng.permutation(members)[:len(members) // 2]] = True
    return chosen


def neighbours(embeddings, classes, known):
    """The share of queries that most of their neighbours in the gallery name rightly."""
    likeness = unit(embeddings[~known]) @ unit(embeddings[known]).T
    near = classes[known][np.argsort(-likeness, 1)[:, :NEIGHBOURS]]
    votes = np.stack([(near == kind).sum(1) for kind in range(classes.max() + 1)], 1)
    return (votes.argmax(1) == classes[~known]).mean()


def linear(embeddings, classes, known):
    mean, spread = embeddings[known].mean(0), embeddings[known].std(0) + 1e-6
    x = (embeddings - mean) / spread / np.sqrt(embeddings.shape[1])
    probe = LogisticRegression(C=10, max_iter=300).fit(x[known], classes[known])
    return probe.score(x[~known], classes[~known])


def levelled(pictures):
    """Each picture with mean 128 and standard deviation 25: no brightness, no contrast."""
    x = pictures.astype(np.float32)
    mean, spread = x.mean((1, 2, 3), keepdims=True), x.std((1, 2, 3), keepdims=True) + 1
    return np.clip((x - mean) / spread * 25 + 128, 0, 255)


def by_embedding(known, asked):
    """The mean cosine distance to the three nearest."""
    return np.sort(1 - unit(asked) @ unit(known).T, 1)[:, :3].mean(1)


def by_patches(known, asked, rng):
    """The patch that is farthest from its nearest among known patches; each number standardised."""
    bank = known.reshape(-1, known.shape[-1])
    mean, spread = bank.mean(0), bank.std(0) + 1e-6
    bank = ((bank - mean) / spread)[rng.permutation(len(bank))[:BANK]]
    square = (bank ** 2).sum(1)
    far = lambda q: ((q ** 2).sum(1)[:, None] + square - 2 * q @ bank.T).min(1).max()
    return np.array([far((tokens - mean) / spread) for tokens in asked])


def defects(classes, embeddings, tokens=None):
    """AUROC of both kinds of defect: `{"blowhole": .., "uneven": ..}`, by patches where there are."""
    rng, found = np.random.default_rng(0), {}
    good = rng.permutation(np.flatnonzero(classes == 1))
    known, fresh = good[:len(good) // 2], good[len(good) // 2:]
    for name, kind in (("blowhole", 0), ("uneven", 2)):
        asked = np.concatenate([fresh, np.flatnonzero(classes == kind)])
        truth = np.arange(len(asked)) >= len(fresh)
        score = by_embedding(embeddings[known], embeddings[asked]) if tokens is None \
            else by_patches(tokens[known], tokens[asked], rng)
        found[name] = roc_auc_score(truth, score)
    return found
