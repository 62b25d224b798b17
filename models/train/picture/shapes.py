"""Closed shapes as signed distances (below 0 inside), and light on them."""
import math
import random

import torch

from fields import TAU, chance, log_uniform, uniform


def circle(u, v):
    return torch.hypot(u, v) - 1


def blob(u, v):
    """A circle whose radius swings with the angle."""
    angle, radius = torch.atan2(v, u), torch.ones_like(u)
    for waves in (2, 3, 5):
        swing = uniform(len(u), -0.25, 0.25)
        radius = radius + swing * torch.cos(waves * angle + uniform(len(u), 0, TAU))
    return torch.hypot(u, v) / radius - 1


def box(u, v):
    """With corners from sharp to round."""
    r = uniform(len(u), 0, 0.5)
    a, b = u.abs() - 1 + r, v.abs() - 1 + r
    return torch.hypot(a.clamp_min(0), b.clamp_min(0)) + torch.maximum(a, b).clamp_max(0) - r


def polygon(u, v):
    """Regular, or a star."""
    corners = random.randint(3, 8)
    angle = torch.atan2(v, u) % (TAU / corners) - math.pi / corners
    d = torch.hypot(u, v)
    star = uniform(len(u), 0, 0.6) if random.random() < 0.4 else 0.0
    return d * (torch.cos(angle) + star * torch.sin(angle).abs() * 2) - 0.8


def bar(u, v):
    return torch.maximum(v.abs() * uniform(len(u), 3, 12), u.abs() * 0.6) - 1


def wedge(u, v):
    """A trapezium: a skirt, a lamp shade, a hull."""
    half = 0.7 + uniform(len(u), -0.6, 0.6) * v
    return torch.maximum(u.abs() - half, v.abs() - 1)


def crescent(u, v):
    shift = uniform(len(u), 0.3, 1)
    return torch.maximum(torch.hypot(u, v) - 1, uniform(len(u), 0.6, 1) - torch.hypot(u - shift, v))


def frame(u, v):
    """The edge of another shape."""
    return random.choice([circle, blob, box, polygon])(u, v).abs() - uniform(len(u), 0.06, 0.3)


def limbs(u, v):
    """Capsules that start in one place: legs, branches, fingers."""
    best = torch.full_like(u, 9.0)
    for _ in range(random.randint(2, 6)):
        ex, ey, width = uniform(len(u), -1, 1), uniform(len(u), -1, 1), uniform(len(u), 0.06, 0.25)
        along = ((u * ex + v * ey) / (ex * ex + ey * ey + 0.01)).clamp(0, 1)
        best = torch.minimum(best, torch.hypot(u - along * ex, v - along * ey) - width)
    return best


SHAPES = [circle, blob, blob, box, box, polygon, polygon, bar, wedge, crescent, frame, limbs]


def shape(x, y, centre_x, centre_y, radius):
    """One random kind of shape for the batch, each turned and stretched in its own way. The distance
    is in units of the plane, roughly."""
    angle, stretch = uniform(len(x), 0, TAU), log_uniform(len(x), 0.6, 1.7)
    c, s = torch.cos(angle) / radius, torch.sin(angle) / radius
    u, v = x - centre_x, y - centre_y
    d = random.choice(SHAPES)((u * c - v * s) * stretch, (u * s + v * c) / stretch)
    return d * radius


def cover(d, pixels, softness=1.0):
    """The share of each pixel that is inside: `pixels` to a unit of the plane."""
    return torch.sigmoid(-d * pixels * 2 / softness)


def shade(height, pixels, gloss=True):
    """How light falls on a surface: factors `[batch, side, side]`, and highlights to be added."""
    gy, gx = torch.gradient(height * pixels, dim=(1, 2))
    angle, slope = uniform(len(height), 0, TAU), uniform(len(height), 0.3, 1.5)
    lx, ly, lz = torch.cos(angle) * slope, torch.sin(angle) * slope, 1.0
    length = torch.sqrt((gx * gx + gy * gy + 1) * (lx * lx + ly * ly + lz))
    cosine = (lz - gx * lx - gy * ly) / length
    ambient = uniform(len(height), 0.2, 0.7)
    light = ambient + (1.3 - ambient) * cosine.clamp_min(0)
    shine = chance(len(height), 0.4) * uniform(len(height), 0, 0.7) if gloss else 0.0
    return light, shine * cosine.clamp(0, 1) ** 16


def relief(d, radius):
    """A rounded height inside a shape: 0 at its edge, flat in the middle."""
    depth = (-d / radius).clamp(0, 1)
    return radius * torch.sqrt(depth * (2 - depth) + 1e-4) * uniform(len(d), 0.3, 1)
