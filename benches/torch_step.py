"""The step of `adapter step S` in learn.rs, in PyTorch eager on one thread. Needs torch, numpy.

Same sizes, same net, same loss, same optimiser: whitened tokens [8, 16, 128] through the bounded
adapter (rank 64) and the gated context net (width 64, dilations 1 2 4 8), masked prediction, backward,
clip, RMSProp-like Adam with decay towards an anchor, and the spectral cap.
"""
import time

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)
WINDOWS, TOKENS, DIM, RANK, WIDTH, DILATIONS = 8, 16, 128, 64, 64, (1, 2, 4, 8)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(DIM, RANK), nn.Linear(RANK, DIM)
        nn.init.zeros_(self.up.weight)
        self.mask = nn.Parameter(torch.zeros(DIM))
        self.input = nn.Linear(DIM, WIDTH)
        self.taps = nn.ModuleList(
            nn.Conv1d(WIDTH, WIDTH, 3, padding=d, dilation=d, groups=WIDTH, bias=False) for d in DILATIONS)
        self.mix = nn.ModuleList(nn.Linear(WIDTH, 2 * WIDTH) for _ in DILATIONS)
        self.out = nn.Linear(WIDTH, DIM)

    def forward(self, u, hidden):
        z = u + self.up(torch.tanh(self.down(u)))
        h = self.input(torch.where(hidden, self.mask, z))
        for taps, mix in zip(self.taps, self.mix):
            a, s = mix(taps(h.transpose(1, 2)).transpose(1, 2)).chunk(2, -1)
            h = h + torch.tanh(a) * torch.sigmoid(s)
        return self.out(h)


net = Net()
params = list(net.parameters())
anchor = [p.detach().clone() for p in params]
# Adam with β1 = 0 is one fused call; decay towards the anchor and the cap come on top.
adam = torch.optim.Adam(params, lr=1e-3, betas=(0.0, 0.99), foreach=True)
rng = np.random.default_rng(0)
u = torch.randn(WINDOWS, TOKENS, DIM)
v = [torch.ones(RANK) / RANK**0.5, torch.ones(DIM) / DIM**0.5]


def draw():
    hidden = rng.random((WINDOWS, TOKENS)) < 0.15
    for row in hidden:
        for span in (3, 2):
            start = rng.integers(0, TOKENS - span + 1)
            row[start:start + span] = True
    return torch.from_numpy(hidden)[..., None]


def step():
    hidden = draw()
    error = ((net(u, hidden) - u) ** 2).mean(-1, keepdim=True)
    loss = (error * hidden).sum() / hidden.sum()
    adam.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(params, 1.0)
    adam.step()
    with torch.no_grad():
        torch._foreach_lerp_(params, anchor, 1e-5)
        sigma = 1.0
        for i, w in enumerate((net.down.weight, net.up.weight)):
            for _ in range(2):
                image = w.T @ v[i]
                s = image.norm()
                if s > 0:
                    v[i] = w @ image
                    v[i] /= v[i].norm()
            sigma *= float(s)
        if sigma > 0.5:
            net.up.weight *= 0.5 / sigma


for _ in range(50):
    step()
times = []
for _ in range(5):
    start = time.perf_counter()
    for _ in range(100):
        step()
    times.append((time.perf_counter() - start) / 100)
print(f"torch {torch.__version__} eager, one thread: {1e3 * sorted(times)[2]:.3f} ms a step")
