"""Colours for fields, and light: palettes and single colours, drawn the way things are coloured -
mostly a little grey, now and then bright."""
import random

import torch

from fields import TAU, draw, normal


def colours(batch, count=1):
    """Random colours `[batch, count, 3]`: hue anywhere, saturation mostly low, lightness anywhere."""
    hue = draw(batch, count, 1) * TAU
    saturation = draw(batch, count, 1) ** 1.5
    light = draw(batch, count, 1)
    shift = torch.tensor([0.0, TAU / 3, -TAU / 3])
    tint = 0.5 + 0.5 * torch.cos(hue + shift)
    return (light * (1 - saturation + saturation * tint * 1.6)).clamp(0, 1)


def near(colour, spread):
    """Colours `[batch, count, 3]` like the given ones."""
    light = 1 + spread * normal(*colour.shape[:-1], 1)
    return (colour * light + 0.3 * spread * normal(*colour.shape)).clamp(0, 1)


def flat(colour):
    """`[batch, 3]` as a picture `[batch, 3, 1, 1]`."""
    return colour[:, :, None, None]


def waves(v):
    """Each colour a cosine of the value: `[batch, side, side]` to `[batch, 3, side, side]`."""
    batch = len(v)
    middle, swing = draw(batch, 3), draw(batch, 3) * 0.6
    speed = torch.exp(0.5 * normal(batch, 1)) * (0.8 + 0.4 * draw(batch, 3))
    start = draw(batch, 1) + 0.25 * normal(batch, 3)
    angle = TAU * (0.25 * flat(speed) * v[:, None] + flat(start))
    return (flat(middle) + flat(swing) * torch.cos(angle)).clamp(0, 1)


def ramp(v):
    """Two to five colours, blended along the value."""
    batch, count = len(v), random.randint(2, 5)
    stops = colours(batch, count)
    if random.random() < 0.5:
        stops = near(stops[:, :1].expand(-1, count, -1), 0.35)
    at = ((v + 2) / 4).clamp(0, 0.999) * (count - 1)
    low = at.floor().long()
    part = (at - low)[:, None]
    pick = lambda index: stops.gather(1, index.flatten(1)[..., None].expand(-1, -1, 3)) \
        .view(*v.shape, 3).permute(0, 3, 1, 2)
    return pick(low) * (1 - part) + pick(low + 1) * part


def tinted(v):
    """One colour, lighter and darker with the value."""
    base = colours(len(v))[:, 0]
    depth = draw(len(v), 1, 1, 1) * 0.5
    return (flat(base) * (1 + depth * v[:, None]) + 0.15 * depth * v[:, None]).clamp(0, 1)


def paint(v):
    """A field as a picture, by a random kind of palette."""
    return random.choice([waves, ramp, ramp, tinted])(v)
