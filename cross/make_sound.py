"""Writes a sound for a replay: a hum and ticks that repeat, noise, and one strange chirp near the end.

Usage: make_sound.py OUT.wav [SECONDS]. The same bytes every time.
"""

import math
import random
import struct
import sys
import wave

RATE_HZ = 16_000


def samples(seconds):
    rng = random.Random(1)
    strange_from, strange_to = 0.9 * seconds, 0.9 * seconds + 3.0
    for index in range(int(seconds * RATE_HZ)):
        at_s = index / RATE_HZ
        x = 0.1 * math.sin(2 * math.pi * 100 * at_s) + 0.02 * (2 * rng.random() - 1)
        since_tick = at_s % 1.0
        if since_tick < 0.02:
            x += 0.3 * math.sin(2 * math.pi * 2000 * at_s) * (1 - since_tick / 0.02)
        if strange_from <= at_s < strange_to:
            x += 0.3 * math.sin(2 * math.pi * (500 + 400 * (at_s - strange_from)) * at_s)
        yield round(32767 * max(-1.0, min(1.0, x)))


def main():
    path = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 120.0
    values = list(samples(seconds))
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(struct.pack(f"<{len(values)}h", *values))


if __name__ == "__main__":
    main()
