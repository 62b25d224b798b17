"""Whole pictures: `[batch, 3, side, side]` in 0..1, from nothing but random numbers.

Each kind of scene draws its structure once for a batch and every number anew for every picture.
"""
import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw

from colour import colours, flat, near, paint
from fields import chance, draw, log_uniform, normal, plane, program, spectrum, uniform
from shapes import cover, relief, shade, shape

SIDE = 128


def texture(batch, side=SIDE):
    """A field, painted; or three fields as three colours."""
    if random.random() < 0.08:
        return torch.stack([program(batch, side) for _ in range(3)], 1) * 0.2 + 0.5
    return paint(program(batch, side))


def plain(batch, side=SIDE):
    """A single colour with a little noise and a slow gradient."""
    x, y = plane(batch, side)
    slow = x * uniform(batch, -1, 1) + y * uniform(batch, -1, 1)
    change = 0.2 * uniform(batch) * slow + 0.06 * uniform(batch) * spectrum(batch, side)
    return (flat(colours(batch)[:, 0]) + change[:, None]).clamp(0, 1)


def blurred(picture):
    side, k = picture.shape[-1], random.choice([4, 8, 16])
    return F.interpolate(F.avg_pool2d(picture, k), size=side, mode="bilinear", align_corners=False)


def backdrop(batch):
    """What lies behind things: plain, blurred, textured, or a horizon."""
    kind = random.random()
    if kind < 0.3:
        return plain(batch)
    if kind < 0.5:
        return blurred(texture(batch))
    return texture(batch) if kind < 0.7 else horizon(batch)


def horizon(batch):
    """Layers behind each other with uneven edges: sky, hills, water, floor and wall."""
    x, y = plane(batch, SIDE)
    picture = plain(batch) if random.random() < 0.6 else blurred(texture(batch))
    count = random.randint(1, 4)
    for layer in range(count):
        edge = spectrum(batch, SIDE, 1.2, 2.6, plain=True)[:, :1]
        level = -0.6 + 1.4 * (layer + uniform(batch)) / count
        d = level + uniform(batch, 0, 0.25) * edge + uniform(batch, -0.2, 0.2) * x - y
        mask = cover(d, SIDE / 2, random.choice([1, 1, 4]))[:, None]
        own = texture(batch) if random.random() < 0.6 else plain(batch)
        picture = picture * (1 - mask) + own * mask
    return picture


def surfaces(batch, count, side):
    """`count` pictures for the batch to cut leaves from; half of them one colour or nearly."""
    made = [texture(batch, side) for _ in range(max(1, count // 2))]
    return made + [flat(colours(batch)[:, 0]).expand(-1, -1, side, side)
                   for _ in range(count - len(made))]


def leaves(batch):
    """Dead leaves: shapes that hide each other, many small and few large, radii by `r^-3`.

    A leaf is drawn in a window of its own size, so that small leaves cost little.
    """
    picture = backdrop(batch)
    bank = surfaces(batch, 6, SIDE)
    smallest = random.choice([0.05, 0.08, 0.14, 0.25])
    lit = random.random() < 0.5
    for _ in range(random.choice([6, 12, 25, 45])):
        radius = smallest / math.sqrt(1 - random.random() * (1 - (smallest / 0.9) ** 2))
        half = min(SIDE // 2, math.ceil(radius * 1.6 * SIDE / 2))
        own = radius * log_uniform(batch, 0.7, 1.2)
        line = torch.linspace(-half, half, 2 * half + 1) / (SIDE / 2)
        y, x = torch.meshgrid(line, line, indexing="ij")
        x, y = x.expand(batch, -1, -1), y.expand(batch, -1, -1)
        d = shape(x, y, torch.zeros(batch, 1, 1), torch.zeros(batch, 1, 1), own)
        mask = cover(d, SIDE / 2)
        light = shade(relief(d, own), SIDE / 2, gloss=False)[0] if lit and half > 4 else None
        source, own_colour = random.choice(bank), flat(colours(batch)[:, 0])
        one_colour = random.random() < 0.4
        for i in range(batch):
            if i % 2 == 0:
                at = random.randrange(SIDE), random.randrange(SIDE)
            cy, cx = (min(SIDE - 1, max(0, round(a + random.gauss(0, 5)))) for a in at)
            top, left = max(0, cy - half), max(0, cx - half)
            bottom, right = min(SIDE, cy + half + 1), min(SIDE, cx + half + 1)
            rows = slice(top - cy + half, bottom - cy + half)
            columns = slice(left - cx + half, right - cx + half)
            m = mask[i, rows, columns]
            if one_colour:
                leaf = own_colour[i]
            else:
                h, w = m.shape
                sy, sx = random.randint(0, SIDE - h), random.randint(0, SIDE - w)
                leaf = source[i, :, sy:sy + h, sx:sx + w]
            if light is not None:
                leaf = leaf * light[i, rows, columns]
            picture[i, :, top:bottom, left:right].lerp_(leaf.expand(3, *m.shape), m)
    return picture


def thing(batch):
    """One composite object, often symmetric, with light, a shadow, a backdrop."""
    x, y = plane(batch, SIDE)
    symmetric, upright = random.random() < 0.65, random.random() < 0.5
    picture = backdrop(batch)
    whole, height = torch.full_like(x, 9.0), torch.zeros_like(x)
    colour = torch.zeros(batch, 3, SIDE, SIDE)
    base = colours(batch)
    for part in range(random.randint(1, 6)):
        reach = 0.15 if part == 0 else 0.5
        radius = log_uniform(batch, 0.3, 0.75) if part == 0 else log_uniform(batch, 0.08, 0.45)
        cx, cy = uniform(batch, -reach, reach), uniform(batch, -reach, reach)
        d = shape(x.abs() if symmetric and part else x, y, cx, cy, radius)
        if symmetric:
            d = torch.minimum(d, d.flip(2))
        mask = cover(d, SIDE / 2)[:, None]
        kind = random.random()
        if kind < 0.4:
            own = texture(batch)
        else:
            own = flat((near(base, 0.3) if kind < 0.75 else colours(batch))[:, 0])
        colour = colour * (1 - mask) + own * mask
        whole = torch.minimum(whole, d)
        height = torch.maximum(height, relief(d, radius))
    if random.random() < 0.75:
        folds = uniform(batch, 0, 0.05) * spectrum(batch, SIDE, 1.4, 2.4)
        light, shine = shade(height + folds, SIDE / 2)
        colour = colour * light[:, None] + shine[:, None]
    shift = (random.randint(-9, 9), random.randint(-2, 9))
    dark = cover(whole.roll(shift, (2, 1)), SIDE / 2, random.choice([1, 6, 12])) * uniform(batch, 0, .7)
    mask = cover(whole, SIDE / 2)[:, None]
    made = (picture * (1 - dark[:, None]) * (1 - mask) + colour * mask).clamp(0, 1)
    return made if upright else made.rot90(random.randint(0, 3), (2, 3))


def bodies(batch, grid=SIDE):
    """Spheres and ellipsoids on a floor, seen by a ray per pixel, with a lamp and its shadows."""
    x, y = plane(batch, grid)
    ray = torch.stack([x, y * 1.0, torch.full_like(x, 1.6)], -1)
    ray = ray / ray.norm(dim=-1, keepdim=True)
    lamp = F.normalize(torch.cat([normal(batch, 1), -draw(batch, 1) - 0.4,
                                  normal(batch, 1) - 0.5], 1), dim=1)[:, None, None]
    floor = uniform(batch, 0.5, 1.2)
    far = torch.where(y > 0.02, floor / ray[..., 1].clamp_min(0.02), torch.full_like(x, 30.0))
    far = far.clamp_max(30.0)
    back, ground = texture(batch), texture(batch)
    spot = ray * far[..., None]
    tiling = uniform(batch, 0.15, 0.6)
    wrap = lambda v: (v / 2 - torch.floor(v / 2)) * 2 - 1
    on_floor = F.grid_sample(ground, torch.stack([wrap(spot[..., 0] * tiling),
                                                  wrap(spot[..., 2] * tiling)], -1),
                             align_corners=False)
    fog = torch.exp(-far * uniform(batch, 0.02, 0.25))[:, None]
    floor_colour = on_floor * fog + flat(colours(batch)[:, 0]) * (1 - fog)
    picture = torch.where((far < 30)[:, None], floor_colour,
                          back if random.random() < 0.4 else blurred(back))
    nearest, shadow = far.clone(), torch.ones_like(x)
    for _ in range(random.randint(1, 6)):
        size = torch.exp(1.4 * draw(batch, 1, 1, 3) - 1.6)
        depth = uniform(batch, 1.6, 5)
        centre = torch.stack([uniform(batch, -0.6, 0.6) * depth,
                              torch.where(chance(batch, .6) > 0, floor - size[..., 1],
                                          uniform(batch, -0.8, 0.5) * depth), depth], -1)
        hit, distance = meet(-centre, ray, size)
        facing = F.normalize((ray * distance[..., None] - centre) / size ** 2, dim=-1)
        lit = (facing * lamp).sum(-1).clamp_min(0)
        gleam = (2 * (facing * lamp).sum(-1, keepdim=True) * facing - lamp)
        gleam = (-(gleam * ray).sum(-1)).clamp(0, 1) ** random.choice([8, 30]) * uniform(batch, 0, .8)
        if random.random() < 0.5:
            skin = flat(colours(batch)[:, 0])
        else:
            skin = F.grid_sample(texture(batch, 64), facing[..., :2] * uniform(batch, .4, 1)[..., None],
                                 align_corners=False)
        skin = skin * (0.3 + 0.9 * lit)[:, None] + gleam[:, None]
        hides = hit & (distance < nearest)
        dark, _ = meet(spot - centre, lamp.expand_as(spot), size)
        shadow = torch.where(dark & (nearest == far), 0.55 * shadow, shadow)
        picture = torch.where(hides[:, None], skin, picture)
        nearest = torch.where(hides, distance, nearest)
    picture = torch.where((nearest == far)[:, None], picture * shadow[:, None], picture)
    return picture.clamp(0, 1)


def meet(start, direction, size):
    """Where rays meet ellipsoids at the origin: whether, and how far along. Scaling the space by the
    half axes makes it `|s + t d| = 1`."""
    s, d = start / size, direction / size
    a, b, c = (d * d).sum(-1), (s * d).sum(-1), (s * s).sum(-1) - 1
    root = b * b - a * c
    t = (-b - torch.sqrt(root.clamp_min(0))) / a
    return (root > 0) & (t > 1e-3), t


def drawing(batch):
    """Strokes, polygons, ellipses, arcs, branches and scribbled signs, on a backdrop. The two of a pair
    have the same strokes in other colours before another backdrop."""
    back = (backdrop(batch) * 255).byte().permute(0, 2, 3, 1).numpy()
    kinds = random.sample([strokes, figures, branches, signs, hatching], random.randint(1, 3))
    made = []
    tones_of = (colours(len(back), 5) * 255).byte().tolist()
    for i, one in enumerate(back):
        canvas = Image.fromarray(one).resize((2 * SIDE, 2 * SIDE), Image.BILINEAR)
        pen = ImageDraw.Draw(canvas)
        tones = [tuple(tone) for tone in tones_of[i]]
        if i % 2 == 0:
            state = random.getstate()
        else:
            random.setstate(state)
        for kind in kinds:
            kind(pen, tones, 2 * SIDE)
        made.append(np.asarray(canvas.reduce(2)))
    return torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).float() / 255


def strokes(pen, tones, side):
    """Walks that turn slowly: hair, wires, scribbles."""
    turn, width, step = random.uniform(0.02, 0.5), random.randint(1, 9), side / 30
    for _ in range(random.randint(2, 14)):
        x, y, angle = random.uniform(0, side), random.uniform(0, side), random.uniform(0, 6.3)
        walk = [(x, y)]
        for _ in range(random.randint(6, 40)):
            angle += random.gauss(0, turn)
            x, y = x + step * math.cos(angle), y + step * math.sin(angle)
            walk.append((x, y))
        pen.line(walk, fill=random.choice(tones), width=width, joint="curve")


def figures(pen, tones, side):
    """Polygons, ellipses, rounded boxes, pie slices; filled or not."""
    for _ in range(random.randint(2, 16)):
        x, y, r = random.uniform(0, side), random.uniform(0, side), side * random.uniform(.03, .35)
        other = r * random.uniform(0.3, 1.6)
        edge = random.choice(tones)
        look = dict(fill=random.choice(tones + [None]), outline=edge, width=random.randint(1, 6))
        around = (x - r, y - other, x + r, y + other)
        kind = random.randrange(4)
        if kind == 0:
            pen.ellipse(around, **look)
        elif kind == 1:
            pen.rounded_rectangle(around, min(r, other) * random.random(), **look)
        elif kind == 2:
            start = random.uniform(0, 360)
            pen.pieslice(around, start, start + random.uniform(30, 300), **look)
        else:
            spots = sorted(random.uniform(0, 6.3) for _ in range(random.randint(3, 9)))
            pen.polygon([(x + r * math.cos(a) * random.uniform(.4, 1.2),
                          y + other * math.sin(a) * random.uniform(.4, 1.2)) for a in spots], **look)


def branches(pen, tones, side):
    """A tree: each branch splits into shorter ones."""
    spread, shrink, tone = random.uniform(0.2, 0.9), random.uniform(0.6, 0.85), random.choice(tones)
    tip = random.choice(tones + [None])

    def grow(x, y, angle, length, depth):
        ex, ey = x + length * math.cos(angle), y + length * math.sin(angle)
        pen.line((x, y, ex, ey), fill=tone, width=max(1, int(depth * 1.4)))
        if depth == 0:
            if tip:
                pen.ellipse((ex - 5, ey - 5, ex + 5, ey + 5), fill=tip)
            return
        for _ in range(random.choice([2, 2, 3])):
            grow(ex, ey, angle + random.gauss(0, spread), length * shrink, depth - 1)

    for _ in range(random.randint(1, 3)):
        grow(random.uniform(0, side), side * random.uniform(0.6, 1.1),
             -math.pi / 2 + random.gauss(0, 0.4), side * random.uniform(0.1, 0.28), random.randint(2, 5))


def signs(pen, tones, side):
    """Rows of made-up letters: a few strokes each."""
    size, tone = random.uniform(0.04, 0.16) * side, random.choice(tones)
    alphabet = [[[(random.random(), random.random()) for _ in range(random.randint(2, 4))]
                 for _ in range(random.randint(1, 3))] for _ in range(8)]
    top = random.uniform(0, side / 2)
    for row in range(random.randint(1, 6)):
        x = random.uniform(0, side / 3)
        for _ in range(random.randint(2, 14)):
            for walk in random.choice(alphabet):
                pen.line([(x + a * size, top + row * size * 1.5 + b * size) for a, b in walk],
                         fill=tone, width=max(1, int(size / 7)))
            x += size * random.choice([1.2, 1.2, 1.2, 2.4])


def hatching(pen, tones, side):
    """Straight lines side by side, or through a point."""
    count, tone, width = random.randint(4, 30), random.choice(tones), random.randint(1, 7)
    x, y, angle = random.uniform(0, side), random.uniform(0, side), random.uniform(0, 6.3)
    fan = random.random() < 0.3
    for k in range(count):
        a = angle + (k * 6.3 / count if fan else 0)
        shift = 0 if fan else (k - count / 2) * side / count
        cx, cy = x - shift * math.sin(a), y + shift * math.cos(a)
        reach = 0 if fan else -2 * side
        pen.line((cx + reach * math.cos(a), cy + reach * math.sin(a),
                  cx + 2 * side * math.cos(a), cy + 2 * side * math.sin(a)), fill=tone, width=width)


def attractor(batch):
    """Fractal dust: points that jump by random affine maps (an iterated function system)."""
    count = random.randint(2, 5)
    turn = normal(batch, count, 2, 2)
    turn = turn + torch.stack([turn[..., 1, 1], -turn[..., 1, 0], -turn[..., 0, 1], turn[..., 0, 0]],
                              -1).view_as(turn) * draw(batch, count, 1, 1)  # towards a rotation
    largest = torch.linalg.matrix_norm(turn, 2)[..., None, None]
    turn = turn / largest * (0.4 + 0.45 * draw(batch, count, 1, 1))
    shift = normal(batch, count, 2) * 0.6
    spots = torch.zeros(batch, 4000, 2)
    at, hue = [], []
    for step in range(16):
        owner = torch.randint(0, count, (batch, 4000))
        index = owner[..., None]
        matrix = turn.flatten(2).gather(1, index.expand(-1, -1, 4)).view(batch, 4000, 2, 2)
        spots = (matrix @ spots[..., None])[..., 0] + shift.gather(1, index.expand(-1, -1, 2))
        if step >= 10:
            at.append(spots)
            hue.append(owner)
    at, hue = torch.cat(at, 1), torch.cat(hue, 1)
    low, high = at.amin(1, keepdim=True), at.amax(1, keepdim=True)
    cell = ((at - low) / (high - low + 1e-3) * (SIDE - 1)).long()
    index = (cell[..., 1] * SIDE + cell[..., 0])
    tint = colours(batch, count).gather(1, hue[..., None].expand(-1, -1, 3))
    total = torch.zeros(batch, SIDE * SIDE, 4)
    total.scatter_add_(1, index[..., None].expand(-1, -1, 4), torch.cat([tint, tint[..., :1] * 0 + 1], 2))
    total = total.view(batch, SIDE, SIDE, 4).permute(0, 3, 1, 2)
    total = F.avg_pool2d(total, 3, 1, 1)
    density = total[:, 3:]
    alpha = (torch.log1p(4 * density) / 2.5).clamp(0, 1)
    return backdrop(batch) * (1 - alpha) + total[:, :3] / (density + 1e-3) * alpha


def patchwork(batch):
    """Three pictures joined by the values of a fourth field."""
    made = texture(batch)
    for _ in range(random.randint(1, 2)):
        field = program(batch, SIDE)
        mask = torch.sigmoid((field - uniform(batch, -1, 1)) * log_uniform(batch, 3, 40))[:, None]
        made = made * (1 - mask) + texture(batch) * mask
    return made


def crumpled(batch):
    """A texture on an uneven surface, with light from a side."""
    height = program(batch, SIDE) * uniform(batch, 0.005, 0.06)
    light, shine = shade(height, SIDE / 2)
    own = texture(batch) if random.random() < 0.4 else plain(batch)
    return (own * light[:, None] + shine[:, None]).clamp(0, 1)


SCENES = {leaves: 5, thing: 6, bodies: 3, drawing: 4, texture: 4, patchwork: 3, horizon: 2,
          crumpled: 2, attractor: 1, plain: 0.3}


def shuffled(batch):
    """A random order of the pairs, as indices of the pictures."""
    return (2 * torch.randperm(batch // 2)[:, None] + torch.arange(2)).flatten()


def mixed(pictures):
    """Pictures joined by a mask that is the brightness of another picture; pairs stay pairs."""
    batch = len(pictures)
    light = pictures.mean(1)[shuffled(batch)]
    middle = light.flatten(1)[:, ::37].quantile(torch.empty(1).uniform_(0.25, 0.75).item(), dim=1)
    mask = torch.sigmoid((light - middle[:, None, None]) * random.choice([8, 40]))[:, None]
    return pictures * mask + pictures[shuffled(batch)] * (1 - mask)


def pictures(batch):
    """A fresh batch of one kind of scene."""
    made = random.choices(list(SCENES), list(SCENES.values()))[0](batch).clamp(0, 1)
    return made.nan_to_num(0.5)
