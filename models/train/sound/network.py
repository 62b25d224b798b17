"""The sound encoders: log-mel `[N, 1, 96, 64]` to local tokens, deep tokens and an embedding.

Plain convolutions with few channels, because the program's runtime is fast at those, and nothing it
lacks: Conv, Relu, Add, Mul, Transpose, ReduceMean, ReduceMax, Concat once batch norms are folded.
"""
import torch
from torch import nn
from torch.nn import functional

FRAMES, BANDS, TOKENS = 96, 64, 12

# Name to (channels of both early stages, of local tokens, of deep tokens, blocks over time).
# The teacher does not ship: what follows it is better, at half the cost and less.
SIZES = {"teacher": (48, 96, 64, 192, 2), "sound": (32, 64, 64, 192, 2), "sound-small": (16, 32, 32, 128, 1)}


class Convolution(nn.Conv2d):
    """As `nn.Conv2d`. Where the kernel covers all bands, or there is one band only, training does it
    as a matrix product, which is faster to differentiate."""

    def forward(self, x):
        in_time, in_bands = self.kernel_size
        if not self.training or in_bands != x.shape[3] or self.stride != (1, 1):
            return super().forward(x)
        rows = x.permute(0, 2, 3, 1).flatten(2)
        if in_time > 1:
            frames, side = rows.shape[1], in_time // 2
            padded = functional.pad(rows, (0, 0, side, side))
            rows = torch.cat([padded[:, i:i + frames] for i in range(in_time)], 2)
        matrix = self.weight.permute(0, 2, 3, 1).flatten(1)
        return functional.linear(rows, matrix, self.bias).transpose(1, 2)[..., None]


class Block(nn.Module):
    """Convolution, batch norm, ReLU; with `residual` the input is added before the ReLU."""

    def __init__(self, into, out, kernel, stride=1, padding=None, residual=False):
        super().__init__()
        if padding is None:
            padding = tuple(side // 2 for side in kernel)
        self.conv = Convolution(into, out, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.residual = residual

    def forward(self, x):
        y = self.norm(self.conv(x))
        return functional.relu(y + x) if self.residual else functional.relu(y)


class SoundEncoder(nn.Module):
    """Tokens of 80 ms from two depths.

    A local token sees 21 frames (225 ms with the length of a frame), a deep one more than half a
    second. Training compares windows by `embed`; what ships describes them by `summaries`.
    """

    def __init__(self, size="sound"):
        super().__init__()
        width, wide, self.local_dim, self.deep_dim, over_time = SIZES[size]
        deep = self.deep_dim
        self.early = nn.Sequential(
            Block(1, width, (5, 7), 4),  # 24 x 16; sees 5 frames
            Block(width, width, (3, 3), residual=True),  # 13 frames
            Block(width, wide, (3, 3), 2),  # 12 x 8; 21 frames
        )
        self.local = Convolution(wide, self.local_dim, (1, BANDS // 8))
        self.late = nn.Sequential(
            Block(wide, wide, (3, 3), residual=True),
            Block(wide, deep, (1, BANDS // 8), padding=0),
            *[Block(deep, deep, (3, 1), residual=True) for _ in range(over_time)],
            Convolution(deep, deep, 1),
        )

    @property
    def embedding_dim(self):
        return 2 * (self.deep_dim + self.local_dim)

    def forward(self, x):
        """Local tokens `[N, 12, local]`, deep tokens `[N, 12, deep]`, embedding `[N, dim]`."""
        early = self.early((x + 3.0) * 0.4)
        local = self.local(early).squeeze(3).transpose(1, 2)
        deep = self.late(early).squeeze(3).transpose(1, 2)
        return local, deep, embed(local, deep)


def embed(local, deep):
    """Means first, then maxima."""
    return torch.cat([deep.mean(1), deep.amax(1), local.mean(1), local.amax(1)], 1)


def summaries(local, deep):
    """Mean, maximum and deviation over the window: `[N, 3 * (deep + local)]`."""
    parts = []
    for tokens in (deep, local):
        parts += [tokens.mean(1), tokens.amax(1), tokens.var(1, unbiased=False).sqrt()]
    return torch.cat(parts, 1)


class Heads(nn.Module):
    """What training hangs on an encoder and export throws away."""

    def __init__(self, encoder, parameters, voices, hidden=256):
        super().__init__()
        dim, local = encoder.embedding_dim, encoder.local_dim
        mlp = lambda into, out: nn.Sequential(nn.Linear(into, hidden), nn.ReLU(),
                                              nn.Linear(hidden, out))
        self.project = nn.Sequential(nn.Linear(dim, hidden), nn.BatchNorm1d(hidden), nn.ReLU(),
                                     nn.Linear(hidden, 128))
        self.parameters_of = mlp(dim, parameters + voices)
        self.levels_deep = nn.Linear(encoder.deep_dim, voices)
        self.levels_local = nn.Linear(local, voices)
        self.hidden_token = nn.Parameter(torch.zeros(local))
        self.context = nn.Sequential(
            nn.Conv1d(local, 128, 5, padding=2), nn.ReLU(),
            nn.Conv1d(128, 128, 5, padding=2), nn.ReLU(), nn.Conv1d(128, local, 1))


def fold(encoder):
    """Folds every batch norm into its convolution: the same answers with fewer operations."""
    encoder.eval()
    for block in [module for module in encoder.modules() if isinstance(module, Block)]:
        block.conv = torch.nn.utils.fuse_conv_bn_eval(block.conv, block.norm)
        block.norm = nn.Identity()
    return encoder
