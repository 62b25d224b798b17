"""Losses and gradients of both objectives from PyTorch autograd, for tests/golden_nn.rs.

Written with torch 2.15.0 and numpy 2.4.6.  Run here: python make.py; writes golden.json (float64).
The nets are written from their formulas, with nothing but torch operators, and the weights are drawn
as one flat list in the order in which the Rust model registers its blocks.
"""
import json

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
DIM, WIDTH, RANK, BETA = 3, 4, 2, 0.5


class Flat:
    """Hands out blocks of one flat list of weights."""

    def __init__(self, values):
        self.values, self.at = values, 0

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


def context(flat, layout, around, dilations):
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
    out, log_variance = linear(flat, WIDTH, DIM), linear(flat, WIDTH, 1)

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


def case(name, layout, valid, seed, dilations, which):
    rng = np.random.default_rng(seed)
    tokens = int(np.prod(layout))
    u = torch.tensor(rng.normal(size=(len(valid), tokens, DIM)))
    hidden = [[bool(t < n and rng.random() < 0.5) for t in range(tokens)] for n in valid]
    size = 4096
    values = torch.tensor(rng.uniform(-0.7, 0.7, size=size), requires_grad=True)
    flat = Flat(values)
    z = adapter(flat)(u)
    if which == "masked":
        loss = masked(flat, layout, u, z, valid, hidden, dilations)
    else:
        loss = predictive(flat, layout, u, z, valid, (1, 2), dilations)
    loss.backward()
    assert not values.grad[flat.at:].any()
    r = lambda x: [float(f"{v:.12g}") for v in x]
    return {
        "name": name, "objective": which, "layout": list(layout), "valid": valid,
        "dilations": list(dilations), "hidden": [h for row in hidden for h in row],
        "u": r(u.flatten().tolist()), "params": r(values[:flat.at].tolist()),
        "loss": loss.item(), "grads": r(values.grad[:flat.at].tolist()),
    }


cases = [
    case("masked, sequence with padding", (5,), [5, 3], 1, (1, 2), "masked"),
    case("masked, picture", (3, 3), [9], 2, (1,), "masked"),
    case("predictive, sequence with padding", (5,), [5, 4], 3, (1, 2), "predictive"),
    case("predictive, picture", (4, 2), [8], 4, (1,), "predictive"),
]
sizes = {"dim": DIM, "width": WIDTH, "rank": RANK, "beta": BETA, "horizons": [1, 2]}
json.dump({"sizes": sizes, "cases": cases}, open("golden.json", "w"), indent=0)
