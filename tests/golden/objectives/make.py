"""Losses and gradients of all objectives from PyTorch autograd, for tests/golden_nn.rs.

Written with torch 2.15.0 and numpy 2.4.6.  Run here: python make.py; writes golden.json (float64).
The nets are written from their formulas, with nothing but torch operators, and the weights are drawn
as one flat list in the order in which the Rust model registers its blocks.
"""
import json
import math

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
DIM, WIDTH, RANK, BETA = 3, 4, 2, 0.5


class Flat:
    """Hands out blocks of one flat list of weights."""

    def __init__(self, values, learnt_variance=True):
        self.values, self.at, self.learnt_variance = values, 0, learnt_variance

    def __call__(self, rows, cols):
        block = self.values[self.at:self.at + rows * cols].reshape(rows, cols)
        self.at += rows * cols
        return block


def linear(flat, i, o):
    w, b = flat(i, o), flat(1, o)
    return lambda x: x @ w + b


def neighbours(layout, around, dilation):
    """For every token, for every tap, the token looked at or None."""
    rows, cols = layout if len(layout) == 2 else (1, layout[0])
    d = dilation
    if len(layout) == 1:
        moves = [(0, -d), (0, 0), (0, d)] if around else [(0, -2 * d), (0, -d), (0, 0)]
    elif around:
        moves = [(r, c) for r in (-d, 0, d) for c in (-d, 0, d)]
    else:
        moves = [(r, c) for r in (-d, 0) for c in (-d, 0, d)]
    inside = lambda r, c: r * cols + c if 0 <= r < rows and 0 <= c < cols else None
    return [[inside(t // cols + r, t % cols + c) for r, c in moves] for t in range(rows * cols)]


RECURRENT = "recurrent"  # in the place of dilations


def unit(flat, own):
    """PyTorch's own unit with our weights, which are stored [in, out]."""
    names = ("weight_ih_l0", "bias_ih_l0", "weight_hh_l0", "bias_hh_l0")
    blocks = [flat(WIDTH, 3 * own), flat(1, 3 * own), flat(own, 3 * own), flat(1, 3 * own)]
    given = {n: b.T if n.startswith("weight") else b[0] for n, b in zip(names, blocks)}
    gru = torch.nn.GRU(WIDTH, own)
    return lambda x: torch.func.functional_call(gru, given, (x,))[0]


def recurrent(flat, around):
    into = linear(flat, DIM, WIDTH)
    past = unit(flat, WIDTH // 2 if around else WIDTH)
    coming = unit(flat, WIDTH // 2) if around else None

    def forward(z, valid):  # z: [tokens, dim] of one window
        x = into(z)
        h = past(x[:valid])
        if around:
            h = torch.cat([h, coming(x[:valid].flip(0)).flip(0)], -1)
        return x + torch.cat([h, torch.zeros(len(x) - valid, WIDTH)])

    return forward


def context(flat, layout, around, dilations):
    if dilations == RECURRENT:
        return recurrent(flat, around)
    steps = [linear(flat, DIM, WIDTH)]
    for dilation in dilations:
        taps = neighbours(layout, around, dilation)
        depthwise = flat(len(taps[0]), WIDTH)
        steps.append((taps, depthwise, linear(flat, WIDTH, 2 * WIDTH)))

    def forward(z, valid):  # z: [tokens, dim] of one window
        h = steps[0](z)
        for taps, depthwise, mix in steps[1:]:
            mixed = torch.stack([
                sum((depthwise[k] * h[j] for k, j in enumerate(row) if j is not None and j < valid),
                    torch.zeros(WIDTH)) for row in taps])
            a, s = mix(mixed).chunk(2, -1)
            h = h + torch.tanh(a) * torch.sigmoid(s)
        return h

    return forward


def head(flat):
    """The cost of a guess: its squared error, or, where the variance is learnt, beta-NLL (Seitzer et al. 2022)."""
    out = linear(flat, WIDTH, DIM)
    if not flat.learnt_variance:
        return lambda h, u: ((out(h) - u) ** 2).mean(-1).mean()
    log_variance = linear(flat, WIDTH, 1)

    def loss(h, u):  # rows
        e = ((out(h) - u) ** 2).mean(-1)
        v = log_variance(h)[:, 0].clamp(-6, 6)
        return (torch.exp(BETA * v).detach() * (torch.exp(-v) * e + v)).mean()

    return loss


def adapter(flat):
    down, up = linear(flat, DIM, RANK), linear(flat, RANK, DIM)
    return lambda u: u + up(torch.tanh(down(u)))


def masked(flat, layout, u, z, valid, hidden, dilations):
    net, cost = context(flat, layout, True, dilations), head(flat)
    token = flat(1, DIM)
    states, targets = [], []
    for w, n in enumerate(valid):
        m = torch.tensor(hidden[w])
        h = net(torch.where(m[:, None], token, z[w]), n)
        states.append(h[m])
        targets.append(u[w][m])
    return cost(torch.cat(states), torch.cat(targets))


def predictive(flat, layout, u, z, valid, horizons, dilations):
    net = context(flat, layout, False, dilations)
    step = layout[1] if len(layout) == 2 else 1
    losses = []
    states = [net(z[w], n) for w, n in enumerate(valid)]
    for k in horizons:
        cost, a = head(flat), k * step
        pairs = [(states[w][t], u[w][t + a]) for w, n in enumerate(valid) for t in range(n - a)]
        losses.append(cost(torch.stack([h for h, _ in pairs]), torch.stack([t for _, t in pairs])))
    return sum(losses) / len(losses)


def describe(flat, layout, windows, around=True, dilations=(1,)):
    """Mean hidden state of each whole window, projected."""
    net = context(flat, layout, around, dilations)
    return [net(w, len(w)) for w in windows], linear(flat, WIDTH, WIDTH)


def twins(flat, layout, side):
    """Descriptions of first and second views; view i of pair p is side window 2 p + i."""
    states, project = describe(flat, layout, side)
    return states[0::2], states[1::2], project


def contrastive_views(flat, layout, side):
    a, b, project = twins(flat, layout, side)
    a, b = (F.normalize(project(torch.stack([h.mean(0) for h in v])), dim=-1) for v in (a, b))
    scores = a @ b.T / 0.2
    own = torch.arange(len(a))
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


def align_uniform(flat, layout, side):
    a, b, project = twins(flat, layout, side)
    a, b = (F.normalize(project(torch.stack([h.mean(0) for h in v])), dim=-1) for v in (a, b))
    uniform = lambda v: torch.pdist(v).pow(2).mul(-2).exp().mean().log()
    return (a - b).pow(2).sum(-1).mean() + (uniform(a) + uniform(b)) / 2


def vicreg(flat, layout, side):
    a, b, project = twins(flat, layout, side)
    a, b = project(torch.cat(a)), project(torch.cat(b))
    loss = 25 * F.mse_loss(a, b)
    for z in (a, b):
        z = z - z.mean(0)
        loss = loss + 25 * F.relu(1 - (z.var(0) + 1e-4).sqrt()).mean() / 2
        cov = z.T @ z / (len(z) - 1)
        loss = loss + (cov - torch.diag(torch.diag(cov))).pow(2).sum() / z.shape[1]
    return loss


def contrastive_predictive(flat, layout, u, z, pairs):
    net = context(flat, layout, False, (1,))
    states = torch.cat([net(w, len(w)) for w in z])
    targets = u.reshape(-1, DIM)
    q, k, of = [], [], []
    for asked in pairs:
        predict = linear(flat, WIDTH, DIM)
        q.append(predict(states[[f for f, _ in asked]]))
        k.append(targets[[t for _, t in asked]])
        of += [f // len(z[0]) for f, _ in asked]
    q, k = (F.normalize(torch.cat(x), dim=-1) for x in (q, k))
    scores, of = q @ k.T / 0.2, torch.tensor(of)
    near = (of[:, None] == of[None, :]) & ~torch.eye(len(of), dtype=torch.bool)
    return F.cross_entropy(scores.masked_fill(near, -math.inf), torch.arange(len(of)))


def temporal_order(flat, rows, triples):
    orders = [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1], [1, 2, 0], [2, 0, 1]]
    inner, outer = linear(flat, 3 * DIM, 32), linear(flat, 32, 3)
    x = torch.stack([torch.cat([rows[at[i]] for i in orders[o]]) for at, o in triples])
    return F.cross_entropy(outer(torch.tanh(inner(x))), torch.tensor([min(o, 2) for _, o in triples]))


def autoencoding(flat, u, valid, dropped):
    code = linear(flat, DIM, RANK)
    out, log_variance = linear(flat, RANK, DIM), linear(flat, RANK, 1)
    shown = torch.where(torch.tensor(dropped).reshape(u.shape), 0.0, u)
    h = torch.cat([torch.tanh(code(shown[w, :n])) for w, n in enumerate(valid)])
    target = torch.cat([u[w, :n] for w, n in enumerate(valid)])
    e = ((out(h) - target) ** 2).mean(-1)
    v = log_variance(h)[:, 0].clamp(-6, 6)
    return (torch.exp(BETA * v).detach() * (torch.exp(-v) * e + v)).mean()


def rotation(flat, layout, side, quarters):
    net = context(flat, layout, True, (1,))
    classify = linear(flat, WIDTH, 4)
    logits = classify(torch.stack([net(w, len(w)).mean(0) for w in side]))
    return F.cross_entropy(logits, torch.tensor(quarters))


def colorization(flat, layout, side, labels):
    net = context(flat, layout, True, (1,))
    classify = linear(flat, WIDTH, 25)
    return F.cross_entropy(classify(torch.cat([net(w, len(w)) for w in side])), torch.tensor(labels))


def inpainting(flat, layout, side, labels, hidden):
    net, paint = context(flat, layout, True, (1,)), linear(flat, WIDTH, 48)
    token, m = flat(1, DIM), torch.tensor(hidden)
    tokens = len(side[0])
    states = torch.cat([
        net(torch.where(m[i * tokens:(i + 1) * tokens, None], token, w), tokens)
        for i, w in enumerate(side)])
    target = torch.tensor(labels).double().reshape(-1, 48) / 32
    return ((paint(states) - target)[m] ** 2).mean()


def case(name, layout, valid, seed, dilations, which, side=0, trail=0, learnt_variance=True):
    rng = np.random.default_rng(seed)
    tokens = int(np.prod(layout))
    rows = (len(valid) + side) * tokens + trail
    all_u = torch.tensor(rng.normal(size=(rows, DIM)))
    main = len(valid) * tokens
    u = all_u[:main].reshape(len(valid), tokens, DIM)
    hidden = [[bool(t < n and rng.random() < 0.5) for t in range(tokens)] for n in valid]
    size = 4096
    values = torch.tensor(rng.uniform(-0.7, 0.7, size=size), requires_grad=True)
    flat = Flat(values, learnt_variance)
    all_z = adapter(flat)(all_u)
    z = all_z[:main].reshape(len(valid), tokens, DIM)
    sides = list(all_z[main:main + side * tokens].reshape(side, tokens, DIM)) if side else []
    given = {}
    if which == "masked":
        loss = masked(flat, layout, u, z, valid, hidden, dilations)
    elif which == "predictive":
        loss = predictive(flat, layout, u, z, valid, (1, 2), dilations)
    elif which in ("contrastive_views", "align_uniform", "vicreg"):
        loss = globals()[which](flat, layout, sides)
    elif which == "contrastive_predictive":
        pairs = [[(w * tokens + t, w * tokens + t + k) for w in range(len(valid))
                  for t in range(k % 2, tokens - k, 2)] for k in (1, 2)]
        given["pairs"] = pairs
        loss = contrastive_predictive(flat, layout, u, z, pairs)
    elif which == "temporal_order":
        first = 0 if len(layout) == 1 else main + side * tokens
        triples = [([first + a, first + b, first + c], o)
                   for (a, b, c), o in zip([(0, 1, 2), (0, 2, 3), (1, 2, 4), (0, 1, 4), (1, 3, 4)],
                                           [0, 1, 3, 5, 1])]
        given["triples"] = [[*rows, order] for rows, order in triples]
        loss = temporal_order(flat, all_z, triples)
    elif which == "autoencoding":
        dropped = [bool(x) for x in rng.random(u.numel()) < 0.25]
        given["dropped"] = dropped
        loss = autoencoding(flat, u, valid, dropped)
    elif which == "rotation":
        quarters = [int(q) for q in rng.integers(0, 4, side)]
        given["quarters"] = quarters
        loss = rotation(flat, layout, sides, quarters)
    elif which == "colorization":
        labels = [int(x) for x in rng.integers(0, 25, side * tokens)]
        given["labels"] = labels
        loss = colorization(flat, layout, sides, labels)
    elif which == "inpainting":
        labels = [int(x) for x in rng.integers(-100, 101, side * tokens * 48)]
        hidden = [[bool(x) for x in rng.random(side * tokens) < 0.5]]
        given["labels"] = labels
        loss = inpainting(flat, layout, sides, labels, hidden[0])
    loss.backward()
    assert not values.grad[flat.at:].any()
    r = lambda x: [float(f"{v:.12g}") for v in x]
    return {
        "name": name, "objective": which, "learnt_variance": learnt_variance, "layout": list(layout), "valid": valid,
        "context": RECURRENT if dilations == RECURRENT else "gated",
        "dilations": [1] if dilations == RECURRENT else list(dilations), "hidden": [h for row in hidden for h in row],
        "side": side, "trail": trail, **given,
        "u": r(all_u.flatten().tolist()), "params": r(values[:flat.at].tolist()),
        "loss": loss.item(), "grads": r(values.grad[:flat.at].tolist()),
    }


cases = [
    case("masked, sequence with padding", (5,), [5, 3], 1, (1, 2), "masked"),
    case("masked, picture", (3, 3), [9], 2, (1,), "masked"),
    case("predictive, sequence with padding", (5,), [5, 4], 3, (1, 2), "predictive"),
    case("predictive, picture", (4, 2), [8], 4, (1,), "predictive"),
    # A window this short is never cut, so both views of a changed pair are shown whole.
    case("contrastive views, changed sound", (3,), [], 5, (1,), "contrastive_views", side=8),
    case("contrastive views, changed pictures", (2, 3), [], 6, (1,), "contrastive_views", side=6),
    case("align and uniform, changed sound", (3,), [], 7, (1,), "align_uniform", side=8),
    case("VICReg, changed pictures", (3, 3), [], 8, (1,), "vicreg", side=6),
    case("contrastive prediction", (5,), [5, 5, 5], 9, (1,), "contrastive_predictive"),
    case("temporal order, sound", (5,), [5], 10, (1,), "temporal_order"),
    case("temporal order, pictures", (2, 2), [4], 11, (1,), "temporal_order", trail=5),
    case("autoencoding", (5,), [5, 3], 12, (1,), "autoencoding"),
    case("rotation", (3, 2), [6], 13, (1,), "rotation", side=5),
    case("colorization", (3, 2), [6], 14, (1,), "colorization", side=2),
    case("inpainting", (3, 2), [6], 15, (1,), "inpainting", side=2),
    case("masked, recurrent, sequence with padding", (5,), [5, 3], 17, RECURRENT, "masked"),
    case("masked, recurrent, picture", (3, 2), [6], 18, RECURRENT, "masked"),
    case("predictive, recurrent, sequence with padding", (5,), [5, 4], 19, RECURRENT, "predictive"),
    # As the program is shipped.
    case("masked, squared error", (5,), [5, 3], 20, (1, 2), "masked", learnt_variance=False),
    case("predictive, squared error, picture", (4, 2), [8], 21, (1,), "predictive", learnt_variance=False),
]


def cross_modal():
    rng = np.random.default_rng(16)
    dims, pairs, gap_s = (3, 5), 5, 40.0
    x, y = (torch.tensor(rng.normal(size=(pairs, d))) for d in dims)
    width = min(dims)
    size = sum(d * width + width for d in dims)
    values = torch.tensor(
        np.append(rng.uniform(-0.7, 0.7, size=size), [math.log(10), -3.0]), requires_grad=True)
    flat = Flat(values)
    a, v = (F.normalize(linear(flat, d, width)(z), dim=-1) for d, z in zip(dims, (x, y)))
    t, b = flat(1, 1), flat(1, 1)
    own = torch.eye(pairs, dtype=torch.bool)
    at = gap_s * torch.arange(pairs)
    counts = own | ((at[:, None] - at[None, :]).abs() >= 60)
    logits = torch.exp(t) * (a @ v.T) + b
    loss = -(F.logsigmoid(torch.where(own, 1.0, -1.0) * logits) * counts).sum() / pairs
    loss.backward()
    r = lambda x: [float(f"{v:.12g}") for v in x]
    return {"dims": dims, "gap_s": gap_s, "sound": r(x.flatten().tolist()),
            "picture": r(y.flatten().tolist()), "params": r(values.tolist()),
            "loss": loss.item(), "grads": r(values.grad.tolist())}


sizes = {"dim": DIM, "width": WIDTH, "rank": RANK, "beta": BETA, "horizons": [1, 2]}
json.dump({"sizes": sizes, "cases": cases, "cross_modal": cross_modal()}, open("golden.json", "w"), indent=0)
