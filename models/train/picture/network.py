"""The learned part: plain convolutions with few channels, which the built-in runtime runs fast.

`[batch, 3, side, side]`, RGB as (x - 128) / 128, goes through a stem of stride 5 and two halvings: of
140 pixels become a grid of 28 x 28, of 14 x 14 (the tokens), and of 7 x 7.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZES = {"picture": (32, 64, 160), "picture-small": (16, 40, 96)}  # channels of the three grids
SIDE = 140


class Block(nn.Module):
    """Convolution, batch normalisation, rectifier; with `skip` what came in is added before it."""

    def __init__(self, before, after, kernel=3, stride=1, pad=1, skip=False):
        super().__init__()
        self.convolution = nn.Conv2d(before, after, kernel, stride, pad, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.skip = skip
        if skip:
            nn.init.constant_(self.norm.weight, 0.3)

    def forward(self, x):
        y = self.norm(self.convolution(x))
        return F.relu(x + y if self.skip else y)


class Encoder(nn.Module):
    """Gives the three grids `[batch, channels, side, side]`, fine to coarse."""

    def __init__(self, name="picture"):
        super().__init__()
        fine, middle, coarse = self.widths = SIZES[name]
        self.fine = nn.Sequential(Block(3, fine, 7, 5), Block(fine, fine, skip=True))
        self.middle = nn.Sequential(Block(fine, middle, stride=2), Block(middle, middle, skip=True))
        self.coarse = nn.Sequential(Block(middle, coarse, stride=2),
                                    Block(coarse, coarse, skip=True), nn.Conv2d(coarse, coarse, 1))

    def forward(self, x):
        fine = self.fine(x)
        middle = self.middle(fine)
        return fine, middle, self.coarse(middle)


def pooled(*grids):
    """Mean and maximum over each grid, `[batch, 2 x channels in all]`."""
    return torch.cat([part for grid in grids for part in (grid.mean((2, 3)), grid.amax((2, 3)))], 1)
