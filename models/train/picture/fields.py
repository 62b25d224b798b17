"""Scalar fields on the plane, and random programs of them.

A field maps coordinates `(x, y)`, each `[batch, side, side]` in about -1..1, to values
`[batch, side, side]`. A program is drawn once for a batch: a chain of warps of the plane, a field or
two, and a chain of curves on the values; every number in it is drawn anew for every pair of pictures.
So the number of programs grows with the number of batches, and a batch costs a few array operations.

Pictures come in pairs, `2 i` and `2 i + 1`: their numbers differ a little, and their noise wholly, as
two things of one kind differ. Batches are even.
"""
import math
import random

import torch
import torch.nn.functional as F

TAU = 2 * math.pi
VARY = 0.12  # by how much the numbers of a pair differ: a standard deviation, on 0..1


def draw(batch, *shape):
    """Uniform in 0..1, `[batch, *shape]`; nearly the same within a pair."""
    base = torch.rand(batch // 2, *shape).repeat_interleave(2, 0)
    moved = (base + VARY * torch.randn(batch, *shape)).abs()
    return (1 - (1 - moved).abs()).clamp(0, 1)


def normal(batch, *shape):
    """Normal, `[batch, *shape]`; nearly the same within a pair."""
    base = torch.randn(batch // 2, *shape).repeat_interleave(2, 0)
    return (base + 2 * VARY * torch.randn(batch, *shape)) / math.sqrt(1 + 4 * VARY ** 2)


def whole(batch, low, high):
    """Whole numbers from `low` to below `high`, `[batch, 1, 1]`; the same within a pair."""
    return torch.randint(low, high, (batch // 2, 1, 1)).repeat_interleave(2, 0)


def uniform(batch, low=0.0, high=1.0):
    """`[batch, 1, 1]`."""
    return low + (high - low) * draw(batch, 1, 1)


def log_uniform(batch, low, high):
    return torch.exp(uniform(batch, math.log(low), math.log(high)))


def chance(batch, p):
    """`[batch, 1, 1]`, 1 with chance `p`, else 0; the same within a pair."""
    return (torch.rand(batch // 2, 1, 1) < p).float().repeat_interleave(2, 0)


def plane(batch, side):
    """Coordinates of the pixels, `([1, side, side], [1, side, side])` expanded to the batch."""
    line = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return x.expand(batch, side, side), y.expand(batch, side, side)


def standard(v):
    """Mean 0 and standard deviation 1 within each picture."""
    v = v - v.mean((1, 2), keepdim=True)
    return v / (v.std((1, 2), keepdim=True) + 1e-4)


def spectrum(batch, side, low=0.3, high=2.6, plain=False):
    """Noise with spectrum `1/f^a`, a in `low..high`; unless `plain`, now and then stretched along a
    direction or limited to a band."""
    fy, fx = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)[None]
    angle = uniform(batch, 0, math.pi)
    stretch = torch.exp(uniform(batch, -1.3, 1.3) * chance(batch, 0.0 if plain else 0.4))
    along = (fx * torch.cos(angle) + fy * torch.sin(angle)) * stretch
    across = (fy * torch.cos(angle) - fx * torch.sin(angle)) / stretch
    f = torch.sqrt(along ** 2 + across ** 2) + 1 / side
    amplitude = f ** -uniform(batch, low, high)
    if not plain:
        centre, width = log_uniform(batch, 0.02, 0.3), uniform(batch, 0.1, 0.6)
        band = torch.exp(-0.5 * (torch.log(f / centre) / width) ** 2)
        pick = chance(batch, 0.25)
        amplitude = amplitude * (1 - pick) + band * pick
    noise = torch.randn(batch, side, side // 2 + 1, dtype=torch.complex64)
    return standard(torch.fft.irfft2(amplitude * noise, s=(side, side)))


def sample(picture, x, y):
    """`picture[batch, channels, side, side]` at coordinates, reflected outside."""
    return F.grid_sample(picture, torch.stack([x, y], -1), padding_mode="reflection",
                         align_corners=False)


# Fields.

def noise(x, y):
    image = spectrum(len(x), x.shape[-1])
    return sample(image[:, None], x * 0.8, y * 0.8)[:, 0]


def ridges(x, y):
    """Creases, as in crumpled cloth or marble."""
    image = 1 - 2 * spectrum(len(x), x.shape[-1], 1.3, 2.4).abs()
    return sample(image[:, None], x * 0.8, y * 0.8)[:, 0]


def profile(phase, batch):
    """A periodic curve between sine, square and saw."""
    sine, saw = torch.sin(phase), phase / TAU - torch.floor(phase / TAU) - 0.5
    square = torch.tanh(sine * log_uniform(batch, 1, 12))
    kind = whole(batch, 0, 3)
    return torch.where(kind == 0, sine, torch.where(kind == 1, square, 2 * saw))


def stripes(x, y):
    f = log_uniform(len(x), 2, 45)
    return profile(f * x + uniform(len(x), 0, TAU), len(x))


def plaid(x, y):
    a, b = stripes(x, y), stripes(y, x)
    blend = uniform(len(x))
    return torch.where(blend < 0.5, a * b, a + b * blend)


def checks(x, y):
    f, g = log_uniform(len(x), 3, 25), uniform(len(x), 0.6, 1.6)
    return torch.tanh(5 * torch.sin(f * x) * torch.sin(f * g * y))


def rings(x, y):
    cx, cy = uniform(len(x), -0.8, 0.8), uniform(len(x), -0.8, 0.8)
    r = torch.hypot(x - cx, y - cy)
    return profile(log_uniform(len(x), 2, 40) * r, len(x))


def spiral(x, y):
    r, angle = torch.hypot(x, y) + 0.02, torch.atan2(y, x)
    arms = whole(len(x), 1, 7).float()
    turns = torch.where(chance(len(x), 0.5) > 0, torch.log(r), r) * uniform(len(x), 2, 20)
    return torch.sin(arms * angle + turns)


def dots(x, y):
    f, g = log_uniform(len(x), 3, 30), uniform(len(x), 0.7, 1.4)
    wave = torch.cos(f * x) + torch.cos(f * g * y + uniform(len(x), 0, TAU))
    return torch.tanh((wave - uniform(len(x), 0, 1.2)) * log_uniform(len(x), 1, 8))


def bricks(x, y):
    """Rows of tiles, each row shifted, with joints, and each tile of its own value."""
    f, long = log_uniform(len(x), 2, 9), uniform(len(x), 1, 3)
    v = y * f
    row = torch.floor(v)
    u = x * f / long + row * uniform(len(x), 0, 0.6)
    tile = torch.floor(u)
    own = torch.frac(torch.sin(row * 12.9898 + tile * 78.233) * 43758.547).abs()
    edge = torch.minimum(0.5 - (u - tile - 0.5).abs(), 0.5 - (v - row - 0.5).abs())
    joint = torch.sigmoid((edge - uniform(len(x), 0.02, 0.12)) * 60)
    return joint * (1 + own * uniform(len(x), 0, 1.5))


def crystals(x, y):
    """Three to eight plane waves: moiré and quasi-crystals."""
    total, f = torch.zeros_like(x), log_uniform(len(x), 4, 35)
    count = random.randint(3, 8)
    for k in range(count):
        angle = torch.tensor(math.pi * k / count) + uniform(len(x), 0, 0.05)
        total = total + torch.cos(f * (x * torch.cos(angle) + y * torch.sin(angle)))
    return total


def cells(x, y):
    """Voronoi: the cell's own value, the distance to its edge, or to its centre."""
    batch, count = len(x), random.choice([5, 8, 12, 20])
    px, py = (2.2 * draw(batch, count, 1, 1) - 1.1 for _ in range(2))
    u, v = x[:, None] - px, y[:, None] - py
    d = u.abs() + v.abs() if random.random() < 0.25 else torch.sqrt(u * u + v * v + 1e-6)
    kind = random.random()
    near, index = d.topk(2, dim=1, largest=False) if kind < 0.4 else (None, None)
    if kind < 0.2:
        return draw(batch, count, 1, 1).expand_as(d).gather(1, index[:, :1])[:, 0] * 3
    if kind < 0.4:
        return torch.tanh((near[:, 1] - near[:, 0]) * uniform(batch, 5, 30))
    return d.amin(1) if kind < 0.8 else torch.logsumexp(-d * 12, 1)


def blobs(x, y):
    """Bumps of different widths, up and down."""
    total = torch.zeros_like(x)
    for _ in range(random.randint(2, 9)):
        cx, cy, w = uniform(len(x), -1, 1), uniform(len(x), -1, 1), log_uniform(len(x), 0.05, 0.5)
        total = total + uniform(len(x), -1, 1) * torch.exp(-((x - cx) ** 2 + (y - cy) ** 2) / w ** 2)
    return total


def escape(x, y):
    """Julia and Mandelbrot sets and the burning ship: how long a point stays."""
    zoom = uniform(len(x), 0.3, 1.5)
    cx, cy = uniform(len(x), -0.5, 0.5), uniform(len(x), -0.5, 0.5)
    zx, zy = x * zoom + cx, y * zoom + cy
    julia = chance(len(x), 0.6)
    ax = julia * uniform(len(x), -1, 0.4) + (1 - julia) * (zx - 0.5)
    ay = julia * uniform(len(x), -0.8, 0.8) + (1 - julia) * zy
    ship, stays = random.random() < 0.3, torch.zeros_like(x)
    for _ in range(random.randint(6, 14)):
        if ship:
            zx, zy = zx.abs(), zy.abs()
        zx, zy = (zx * zx - zy * zy + ax).clamp(-9, 9), (2 * zx * zy + ay).clamp(-9, 9)
        stays = stays + (zx * zx + zy * zy < 4).float()
    return stays + 0.1 * torch.hypot(zx, zy)


def lines(x, y):
    """The distance to a few straight lines."""
    best = torch.full_like(x, 9.0)
    for _ in range(random.randint(1, 8)):
        angle, shift = uniform(len(x), 0, math.pi), uniform(len(x), -1, 1)
        best = torch.minimum(best, (x * torch.cos(angle) + y * torch.sin(angle) - shift).abs())
    return torch.tanh(best * log_uniform(len(x), 2, 30))


def slope(x, y):
    """A gradient: straight, round, or round a point."""
    kind = random.random()
    if kind < 0.6:
        return x * uniform(len(x), 0.4, 2)
    if kind < 0.85:
        return torch.hypot(x - uniform(len(x), -1, 1), y - uniform(len(x), -1, 1))
    return torch.atan2(y - uniform(len(x), -0.5, 0.5), x - uniform(len(x), -0.5, 0.5)) / 2


def gabor(x, y):
    """Patches of stripes, each with its own direction."""
    total = torch.zeros_like(x)
    for _ in range(random.randint(3, 9)):
        u, v = x - uniform(len(x), -1, 1), y - uniform(len(x), -1, 1)
        angle, f, w = uniform(len(x), 0, TAU), log_uniform(len(x), 4, 40), log_uniform(len(x), .1, .5)
        wave = torch.cos(f * (u * torch.cos(angle) + v * torch.sin(angle)))
        total = total + wave * torch.exp(-(u * u + v * v) / w ** 2)
    return total


def network(x, y):
    """A small random network of the coordinates: a picture as a composition of simple curves."""
    batch, side, width = len(x), x.shape[-1], random.choice([6, 10])
    curves = [torch.sin, torch.tanh, torch.abs, lambda v: torch.exp(-v * v), torch.relu]
    h = torch.stack([x, y, torch.hypot(x, y)], 1).flatten(2) * log_uniform(batch, 1, 4)
    for _ in range(random.randint(2, 4)):
        weight = normal(batch, width, h.shape[1]) * (1.8 / math.sqrt(h.shape[1]))
        h = torch.baddbmm(normal(batch, width, 1), weight, h)
        h = random.choice(curves)(h)
    return torch.bmm(normal(batch, 1, width), h).view(batch, side, side)


def automaton(x, y):
    """Spots and labyrinths: noise that was sharpened and blurred in turn (a Turing pattern)."""
    batch, side = len(x), x.shape[-1] // 2
    v, k = torch.randn(batch, 1, side, side), random.choice([3, 5])
    bias = uniform(batch, -0.15, 0.15)[:, None]
    for _ in range(8):
        near = F.avg_pool2d(v, k, 1, k // 2)
        wide = F.avg_pool2d(v, 2 * k + 1, 1, k)
        v = torch.tanh(6 * (near - wide) + bias)
    return sample(v, x * 0.7, y * 0.7)[:, 0]


def grain(x, y):
    """A random convolutional network, from a coarse grid of noise to a fine one."""
    batch, width = len(x), 8
    v = torch.randn(batch, width, 6, 6)
    for _ in range(random.randint(2, 3)):
        v = F.interpolate(v, scale_factor=2, mode="bilinear", align_corners=False)
        weight = torch.randn(width, width, 3, 3) / math.sqrt(width * 4)
        v = F.leaky_relu(F.conv2d(v, weight, padding=1) + 0.3 * torch.randn_like(v[:, :, :1, :1]), 0.2)
        v = v / (v.std((2, 3), keepdim=True) + 1e-3)
    return sample(v[:, :1], x * 0.9, y * 0.9)[:, 0]


FIELDS = [noise, noise, ridges, stripes, plaid, checks, rings, spiral, dots, bricks, crystals, cells,
          cells, blobs, escape, lines, slope, slope, gabor, network, network, automaton, grain]


# Warps of the plane.

def turn(x, y):
    angle, scale = uniform(len(x), 0, TAU), log_uniform(len(x), 0.5, 2)
    c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
    return x * c - y * s, x * s + y * c


def tilt(x, y):
    """A floor or a wall seen at an angle."""
    depth = 1 / (1.3 + y * uniform(len(x), -1, 1))
    return x * depth * 1.5, y * depth * 1.5


def ripple(x, y):
    side = x.shape[-1]
    amount = uniform(len(x), 0, 0.2)
    return (x + amount * spectrum(len(x), side, 1.6, 2.6, plain=True),
            y + amount * spectrum(len(x), side, 1.6, 2.6, plain=True))


def mirror(x, y):
    return x.abs(), y


def tiles(x, y):
    f = uniform(len(x), 1, 3)
    wrap = lambda v: (v - torch.round(v / 2) * 2).abs() * 2 - 1
    return wrap(x * f), wrap(y * f)


def polar(x, y):
    return torch.atan2(y, x) * whole(len(x), 1, 4) / 2, torch.hypot(x, y) * 2 - 1


def fold(x, y):
    """A kaleidoscope."""
    count = random.randint(3, 8)
    r, angle = torch.hypot(x, y), torch.atan2(y, x) % (TAU / count)
    angle = (angle - math.pi / count).abs()
    return r * torch.cos(angle), r * torch.sin(angle)


def swirl(x, y):
    angle = uniform(len(x), -3, 3) * torch.exp(-2 * (x * x + y * y))
    c, s = torch.cos(angle), torch.sin(angle)
    return x * c - y * s, x * s + y * c


def bulge(x, y):
    power = torch.hypot(x, y).clamp_min(0.05) ** uniform(len(x), -0.6, 0.9)
    return x * power, y * power


WARPS = [turn, turn, tilt, ripple, ripple, mirror, tiles, polar, fold, swirl, bulge]


# Curves on the values.

CURVES = [
    lambda v: v,
    lambda v: torch.tanh(v * log_uniform(len(v), 0.7, 6) + uniform(len(v), -1, 1)),
    lambda v: torch.sin(v * uniform(len(v), 1, 4)),
    lambda v: v.abs(),
    lambda v: torch.round(v * uniform(len(v), 0.7, 2)),
    lambda v: v + uniform(len(v), 0, 0.6) * spectrum(len(v), v.shape[-1]),
    lambda v: torch.relu(v),
    lambda v: v * spectrum(len(v), v.shape[-1], 1, 2.4),
]

JOINS = [
    lambda a, b: a + b * uniform(len(a)), torch.maximum, torch.minimum, lambda a, b: a * b,
    lambda a, b: torch.where(a > uniform(len(a), -1, 1), a, b),
    lambda a, b: torch.sin(2 * a + b),
]


def program(batch, side):
    """A fresh random program, run for `batch` pictures: `[batch, side, side]`, standardised."""
    x, y = turn(*plane(batch, side))
    for _ in range(random.choice([0, 0, 0, 1, 1, 2])):
        x, y = random.choice(WARPS)(x, y)
    v = standard(random.choice(FIELDS)(x, y))
    if random.random() < 0.4:
        if random.random() < 0.4:
            x, y = x + uniform(batch, 0, 0.3) * v, y + uniform(batch, 0, 0.3) * v
        v = random.choice(JOINS)(v, standard(random.choice(FIELDS)(*turn(x, y))))
    if random.random() < 0.5:
        v = random.choice(CURVES)(standard(v))
    return standard(v.nan_to_num(0)).clamp(-4, 4).nan_to_num(0)
