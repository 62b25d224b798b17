"""Writes what the machine hears, as raw 16-bit samples at 16 kHz: usual.raw, ten minutes of a hum with
noise and a tick about once a second, and foreign.raw, three seconds of a rising siren.

The usual sound does not repeat itself for so long, as no real one does: after a few seconds that come
again and again to the bit, each lost sample would make windows that never were.

Usage: make_sounds.py DIR. The same bytes every time.
"""

import array
import math
import random
import sys

RATE_HZ = 16_000
# No whole number of windows, so that the second time is another.
USUAL_S = 601.3


def usual(rng):
    next_tick_s = 0.5
    tick_s = next_tick_s
    for index in range(int(USUAL_S * RATE_HZ)):
        at_s = index / RATE_HZ
        x = 0.1 * math.sin(2 * math.pi * 100 * at_s) + 0.04 * rng.random() - 0.02
        if next_tick_s <= at_s:
            tick_s = next_tick_s
            next_tick_s += 0.8 + 0.4 * rng.random()
        since_s = at_s - tick_s
        if 0 <= since_s < 0.02:
            x += 0.3 * math.sin(2 * math.pi * 2000 * since_s) * (1 - since_s / 0.02)
        yield x


def foreign(rng):
    for index in range(3 * RATE_HZ):
        at_s = index / RATE_HZ
        yield 0.4 * math.sin(2 * math.pi * (500 + 400 * at_s) * at_s) + 0.2 * rng.random() - 0.1


def write(path, values):
    samples = array.array("h", (round(32767 * max(-1.0, min(1.0, x))) for x in values))
    if sys.byteorder == "big":
        samples.byteswap()
    with open(path, "wb") as out:
        samples.tofile(out)


def main():
    write(f"{sys.argv[1]}/usual.raw", usual(random.Random(1)))
    write(f"{sys.argv[1]}/foreign.raw", foreign(random.Random(2)))


if __name__ == "__main__":
    main()
