"""Writes what the machine hears, as raw 16-bit samples at 16 kHz: usual.raw, four seconds that can be
repeated without a seam, and foreign.raw, three seconds of a rising siren.

Usage: make_sounds.py DIR. The same bytes every time.
"""

import math
import random
import struct
import sys

RATE_HZ = 16_000


def usual(at_s, noise):
    hum = 0.1 * math.sin(2 * math.pi * 100 * at_s) + 0.02 * noise
    since_tick = at_s % 1.0
    if since_tick < 0.02:
        hum += 0.3 * math.sin(2 * math.pi * 2000 * at_s) * (1 - since_tick / 0.02)
    return hum


def foreign(at_s, noise):
    return 0.4 * math.sin(2 * math.pi * (500 + 400 * at_s) * at_s) + 0.1 * noise


def write(path, seconds, sound):
    rng = random.Random(1)
    values = []
    for index in range(seconds * RATE_HZ):
        x = sound(index / RATE_HZ, 2 * rng.random() - 1)
        values.append(round(32767 * max(-1.0, min(1.0, x))))
    with open(path, "wb") as out:
        out.write(struct.pack(f"<{len(values)}h", *values))


def main():
    write(f"{sys.argv[1]}/usual.raw", 4, usual)
    write(f"{sys.argv[1]}/foreign.raw", 3, foreign)


if __name__ == "__main__":
    main()
