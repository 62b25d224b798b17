"""The graph of a picture encoder, node by node: the learned convolutions, and beside them what can be
said about a picture in closed form - where edges of which direction are, where which colours are.

Input `[1, 3, 140, 140]`, RGB as (x - 128) / 128. The learned part has its batch normalisation folded.
Large constants are kept as 16-bit floats and widened by a `Cast`, which runtimes do once.
"""
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from network import SIDE

sys.path.insert(0, str(Path(__file__).parents[2]))
from common import constant, cosines  # noqa: E402

CELL, CELLS = 10, SIDE // 10  # pixels to a cell, cells to a side
OPPONENT = np.array([[1 / 3, 1 / 3, 1 / 3], [1 / 2, 0, -1 / 2], [1 / 4, -2 / 4, 1 / 4]])
DIRECTIONS = 8
WAVE, LUMA, CHROMA = 14, 15, 3  # pixels of a window; waves of brightness and of each colour
WAVE_FLOOR, EDGE_FLOOR = 0.03, 0.01  # below these, flat; on the input's scale


class Graph:
    """Nodes and constants, in order. Every method gives the name of what it made."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def name(self, hint):
        self.count += 1
        return f"{hint}_{self.count}"

    def constant(self, value, dtype=np.float32):
        name, value = self.name("c"), np.asarray(value, dtype)
        if dtype == np.float32 and value.size > 1000:
            self.constants.append(constant(name, value.astype(np.float16)))
            return self.node("Cast", [name], to=TensorProto.FLOAT)
        self.constants.append(constant(name, value))
        return name

    def node(self, kind, inputs, name=None, **attributes):
        name = name or self.name(kind.lower())
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def convolution(self, x, weight, bias=None, stride=1, pad=0, name=None):
        inputs = [x, self.constant(weight)] + ([] if bias is None else [self.constant(bias)])
        return self.node("Conv", inputs, name, kernel_shape=list(weight.shape[2:]),
                         strides=[stride, stride], pads=[pad] * 4)

    def pool(self, x, kernel, stride, kind="AveragePool"):
        return self.node(kind, [x], kernel_shape=[kernel, kernel], strides=[stride, stride])

    def mean(self, x, axes):
        return self.node("ReduceMean", [x], axes=axes, keepdims=1)

    def floored_root(self, x, floor):
        return self.node("Sqrt", [self.node("Add", [x, self.constant(floor ** 2)])])

    def flat(self, x):
        return self.node("Reshape", [x, self.constant([-1], np.int64)])

    def both_ways(self, x, cells, order=None):
        """The mean of a grid `[1, channels, cells, cells]` and its mirror image, left half; channels of
        the mirror image in another order, where they have directions."""
        swap = self.node("Gather", [x, self.constant(range(cells - 1, -1, -1), np.int64)], axis=3)
        if order is not None:
            swap = self.node("Gather", [swap, self.constant(order, np.int64)], axis=1)
        both = self.node("Mul", [self.node("Add", [x, swap]), self.constant(0.5)])
        return self.flat(self.node("Slice", [both, self.constant([0], np.int64),
                                             self.constant([(cells + 1) // 2], np.int64),
                                             self.constant([3], np.int64)]))


def folded(block):
    """Weight and bias of a convolution with the batch normalisation behind it."""
    norm = block.norm
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    weight = block.convolution.weight * scale[:, None, None, None]
    return weight.detach().numpy(), (norm.bias - norm.running_mean * scale).detach().numpy()


def learned(graph, encoder):
    """The three grids of the encoder, fine to coarse."""
    grids, x = [], "input"
    for stage in (encoder.fine, encoder.middle, encoder.coarse):
        for layer in stage:
            if not hasattr(layer, "norm"):
                x = graph.convolution(x, layer.weight.detach().numpy(), layer.bias.detach().numpy())
                continue
            convolution = layer.convolution
            y = graph.convolution(x, *folded(layer), convolution.stride[0], convolution.padding[0])
            x = graph.node("Relu", [graph.node("Add", [x, y]) if layer.skip else y])
        grids.append(x)
    return grids


def directional():
    """`[directions, 1, 3, 3]`: how brightness rises towards each of eight directions."""
    across = np.outer([1, 2, 1], [-1, 0, 1]) / 8
    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    return np.stack([np.cos(a) * across + np.sin(a) * across.T for a in angles])[:, None]


def edges(graph, x, floor):
    """Rises `[1, directions, ..]` to strengths: rectified, squared, over the strength of the edge."""
    rises = graph.node("Relu", [x])
    power = graph.node("Mul", [rises, rises])
    # Over both senses of four axes, cos² and sin² sum to 2: the mean of eight is a quarter.
    whole = graph.node("Mul", [graph.mean(power, [1]), graph.constant(DIRECTIONS / 2)])
    return graph.node("Div", [power, graph.floored_root(whole, floor)])


def outlines(graph, small):
    """Where edges of which direction are: eight directions on a grid of 4 x 4 that overlap, against
    the mean strength of the picture; and their square roots, in which weak edges count. A picture and
    its mirror image get the same."""
    kernel = np.concatenate([directional()] + [np.zeros((DIRECTIONS, 1, 3, 3))] * 2, 1)
    cells = graph.pool(edges(graph, graph.convolution(small, kernel), EDGE_FLOOR), 12, 7)
    power = graph.mean(graph.node("Mul", [cells, cells]), [1, 2, 3])
    level = graph.node("Add", [
        graph.node("Sqrt", [graph.node("Mul", [power, graph.constant(DIRECTIONS)])]),
        graph.constant(0.02)])
    order = [(DIRECTIONS // 2 - k) % DIRECTIONS for k in range(DIRECTIONS)]
    cells = graph.node("Div", [cells, level])
    both = [graph.both_ways(x, 4, order) for x in (cells, graph.floored_root(cells, 1e-3))]
    return graph.node("Concat", both, axis=0)


def colours(graph, small):
    """Which colours are where: brightness and two opponents on a grid of 7 x 7; the mirror image
    gets the same."""
    return graph.both_ways(graph.pool(small, 5, 5), 7)


def cosine_windows():
    """`[3 means, waves; RGB; WAVE, WAVE]`: opponent colours times the slowest cosine waves, so that the
    first is a mean and the others have the same norm."""
    slowest = sorted(((a, b) for a in range(WAVE) for b in range(WAVE)),
                     key=lambda w: (w[0] ** 2 + w[1] ** 2, w[0]))
    c = cosines(WAVE, WAVE)
    wave = lambda colour, w: colour[:, None, None] * np.outer(c[w[0]], c[w[1]]) / WAVE
    means = [wave(colour, slowest[0]) for colour in OPPONENT]
    waves = [wave(colour, w) for colour, count in zip(OPPONENT, (LUMA, CHROMA, CHROMA))
             for w in slowest[1:count]]
    return np.stack(means + waves)


def patches(graph):
    """What each cell looks like: three mean colours, the logarithm of the contrast, waves divided by
    it. `[1, dim, CELLS, CELLS]`, and `dim`."""
    kernel = cosine_windows()
    edge = (WAVE - CELL) // 2
    padded = graph.node("Pad", ["input", graph.constant([0, 0, edge, edge] * 2, np.int64)],
                        mode="reflect")
    found = graph.convolution(padded, kernel, stride=CELL)
    piece = lambda start, end: graph.node("Slice", [found] + [graph.constant([v], np.int64)
                                                              for v in (start, end, 1)])
    means, waves = piece(0, 3), piece(3, len(kernel))
    power = graph.mean(graph.node("Mul", [waves, waves]), [1])
    contrast = graph.floored_root(power, WAVE_FLOOR)
    shape = graph.node("Div", [waves, contrast])
    depth = graph.node("Log", [graph.node("Mul", [contrast, graph.constant(1 / WAVE_FLOOR)])])
    return graph.node("Concat", [means, depth, shape], axis=1), len(cosine_windows()) + 1


def textures(graph, cells):
    """How much every number of a cell differs within each quarter and over the whole picture, and the
    contrast on a grid of 7 x 7; the mirror image gets the same."""
    spreads, square = [], graph.node("Mul", [cells, cells])
    for side in (CELLS // 2, CELLS):
        mean = graph.pool(cells, side, side)
        spread = graph.node("Sub", [graph.pool(square, side, side), graph.node("Mul", [mean, mean])])
        spread = graph.floored_root(graph.node("Relu", [spread]), 1e-2)
        spreads.append(graph.both_ways(spread, CELLS // side))
    contrast = graph.node("Slice", [cells] + [graph.constant([v], np.int64) for v in (3, 4, 1)])
    return graph.node("Concat", [*spreads, graph.both_ways(graph.pool(contrast, 2, 2), 7)], axis=0)


def statistics(graph, middle, coarse):
    """What the learned grids show over the whole picture and on 3 x 3 places, one vector."""
    whole = [graph.mean(middle, [2, 3]), graph.mean(coarse, [2, 3])]
    square = graph.mean(graph.node("Mul", [middle, middle]), [2, 3])
    spread = graph.node("Sub", [square, graph.node("Mul", [whole[0], whole[0]])])
    whole.append(graph.floored_root(graph.node("Relu", [spread]), 1e-3))
    whole += [graph.node("GlobalMaxPool", [coarse])]
    places = [graph.both_ways(graph.pool(coarse, 3, 2), 3),
              graph.both_ways(graph.pool(middle, 6, 4), 3)]
    return graph.node("Concat", [graph.flat(x) for x in whole] + places, axis=0)


def raw(encoder):
    """The graph up to its raw parts: `(graph, {part: name}, (tokens, dim), middle)`."""
    graph = Graph()
    _, middle, coarse = learned(graph, encoder)
    kernel = np.kron(OPPONENT[:, :, None, None], np.ones((1, 1, 4, 4)) / 16)
    small = graph.convolution("input", kernel, stride=4)
    cells, dim = patches(graph)
    parts = {"outlines": outlines(graph, small), "colours": colours(graph, small),
             "textures": textures(graph, cells), "learned": statistics(graph, middle, coarse)}
    return graph, parts, (cells, dim), middle
