"""Views of pictures: crop, flip, turn, colour, blur, noise - each by array operations on the batch."""
import math

import torch
import torch.nn.functional as F


def frames(batch, areas):
    """Where views lie in their pictures: `[batch, 2, 3]`, from a view's -1..1 to the picture's.
    `areas`: the least and the largest share of the picture that is seen."""
    area = torch.empty(batch).uniform_(*areas).sqrt()
    aspect = torch.exp(torch.empty(batch).uniform_(-0.25, 0.25))
    sx, sy = (area * aspect).clamp_max(1), (area / aspect).clamp_max(1)
    tx, ty = ((1 - s) * torch.empty(batch).uniform_(-1, 1) for s in (sx, sy))
    flip = torch.randint(0, 2, (batch,)) * 2.0 - 1
    angle = 0.12 * torch.randn(batch)
    c, s = torch.cos(angle), torch.sin(angle)
    return torch.stack([torch.stack([sx * flip * c, -sy * s, tx], 1),
                        torch.stack([sx * flip * s, sy * c, ty], 1)], 1)


def colour_matrix(batch):
    """Hue turned about grey, saturation scaled, now and then to none: `[batch, 3, 3]`."""
    angle = 0.25 * torch.randn(batch)
    c, s = torch.cos(angle), torch.sin(angle)
    same, left, right = c + (1 - c) / 3, (1 - c) / 3 - s / math.sqrt(3), (1 - c) / 3 + s / math.sqrt(3)
    turn = torch.stack([same, left, right, right, same, left, left, right, same], 1).view(batch, 3, 3)
    keep = torch.empty(batch).uniform_(0.3, 1.3)
    keep[torch.rand(batch) < 0.15] = 0
    keep = keep[:, None, None]
    return (keep * torch.eye(3) + (1 - keep) / 3) @ turn


def view(pictures, side, areas):
    """`[batch, 3, any, any]` in 0..1 to `[batch, 3, side, side]` in -1..1, and the frames."""
    batch, frame = len(pictures), frames(len(pictures), areas)
    grid = F.affine_grid(frame, (batch, 3, side, side), align_corners=False)
    x = F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    contrast = torch.empty(batch, 1, 1).uniform_(0.55, 1.45)
    light = torch.empty(batch, 1, 1).uniform_(0.6, 1.4)
    tint = torch.empty(batch, 3, 1).uniform_(0.9, 1.1)
    matrix = colour_matrix(batch) * contrast * light * tint
    mean = x.mean((1, 2, 3)).view(batch, 1, 1)
    shift = 2 * light * mean * (1 - contrast) - 1
    x = torch.baddbmm(shift, matrix, x.flatten(2), alpha=2).view(batch, 3, side, side)
    order = torch.randperm(batch)
    blurred, noisy = order[:batch // 10], order[batch * 8 // 10:]
    x[blurred] = F.avg_pool2d(x[blurred], 3, 1, 1)
    for part, k in zip(order[batch // 10:batch * 4 // 10].chunk(3), (2, 3, 4)):
        small = F.avg_pool2d(x[part], k)  # as if from a small picture
        x[part] = F.interpolate(small, size=side, mode="bilinear", align_corners=False)
    x[noisy] += 0.15 * torch.rand(len(noisy), 1, 1, 1) * torch.randn_like(x[noisy])
    return x.clamp_(-1, 1), frame


def matching(frame_a, frame_b, count):
    """`count` random points of each picture in the coordinates of both views, `[batch, count, 2]`
    each, and whether they lie inside both."""
    a = torch.empty(len(frame_a), count, 2).uniform_(-0.9, 0.9)
    at = a @ frame_a[:, :, :2].transpose(1, 2) + frame_a[:, None, :, 2]
    back = torch.linalg.inv(frame_b[:, :, :2]).transpose(1, 2)
    b = (at - frame_b[:, None, :, 2]) @ back
    return a, b, (b.abs() < 0.9).all(2)
