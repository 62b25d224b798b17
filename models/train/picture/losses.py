"""What the encoder is trained for, and the small networks used only for that."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from network import pooled
from views import matching

TEMPERATURE, LOCAL_TEMPERATURE = 0.12, 0.15
LOCAL, MASKED = 0.4, 0.15  # weights beside the contrast of whole pictures
POINTS = 4  # of a picture, for the contrast of places


def head(before, hidden, after):
    return nn.Sequential(nn.Linear(before, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(),
                         nn.Linear(hidden, after))


class Guess(nn.Module):
    """Guesses hidden cells of a grid from those around."""

    def __init__(self, width):
        super().__init__()
        self.hidden = nn.Parameter(torch.zeros(width, 1, 1))
        self.net = nn.Sequential(
            nn.Conv2d(width + 1, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=2, dilation=2), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=3, dilation=3), nn.ReLU(), nn.Conv2d(width, width, 1))

    def forward(self, grid):
        batch, _, rows, columns = grid.shape
        coarse = (torch.rand(batch, 1, (rows + 1) // 2, (columns + 1) // 2) < 0.45).float()
        mask = F.interpolate(coarse, size=(rows, columns), mode="nearest")
        guess = self.net(torch.cat([grid * (1 - mask) + self.hidden * mask, mask], 1)).float()
        target = grid.detach().float()
        middle, spread = target.mean((0, 2, 3), keepdim=True), target.std((0, 2, 3), keepdim=True)
        wrong = F.smooth_l1_loss(guess, (target - middle) / (spread + 1e-3), reduction="none")
        return (wrong * mask).sum() / (mask.sum() * grid.shape[1]).clamp_min(1)


class Heads(nn.Module):
    def __init__(self, widths):
        super().__init__()
        _, middle, coarse = widths
        self.whole = head(2 * (middle + coarse), 384, 128)
        self.places = nn.ModuleList([head(middle, 160, 64), head(coarse, 160, 64)])
        self.guess = Guess(middle)


def contrast(a, b, temperature):
    """InfoNCE: each of `a` and `b`, `[count, dim]`, finds its partner among all others."""
    z = F.normalize(torch.cat([a, b]).float(), dim=1)
    likeness = z @ z.T / temperature
    likeness.fill_diagonal_(-1e9)
    partner = torch.arange(len(z)).roll(len(a))
    return F.cross_entropy(likeness, partner)


def at(grid, points):
    """`grid[batch, channels, rows, columns]` between its cells: `[batch, points, channels]`."""
    found = F.grid_sample(grid.float(), points[:, :, None], align_corners=False)
    return found[..., 0].transpose(1, 2)


def losses(encoder, heads, views, frames, same):
    """`views`: both of each pair, `[2 pairs, 3, side, side]`; `frames` of both; the first `same` pairs
    are two views of one picture, the others of two of a kind, which have no places in common."""
    fine, middle, coarse = encoder(views)
    found = {"whole": contrast(*heads.whole(pooled(middle, coarse)).chunk(2), TEMPERATURE)}
    a, b, inside = matching(frames[0][:same], frames[1][:same], POINTS)
    for name, grid, place in zip(("middle", "coarse"), (middle, coarse), heads.places):
        first, second = (part[:same] for part in grid.chunk(2))
        found[name] = LOCAL * contrast(place(at(first, a)[inside]), place(at(second, b)[inside]),
                                       LOCAL_TEMPERATURE)
    found["masked"] = MASKED * heads.guess(middle[::4])
    return found
