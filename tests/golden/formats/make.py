#!/usr/bin/env python3
"""Has a program learn a made-up place, and keeps its checkpoint: format-N.checkpoint, N being the format.

Usage: make.py PROGRAM. The program is `habituate` as built from the last commit that wrote the format; of format 5
that is the one before "Let an alarm be told beside a visit that was told, ...", of format 6 the one before "Switch off
guesses that are copies, ...", of format 7 the one before "Keep what is learnt between two sources ...", of format 8
the one before "Compare the mean of the weights in training ...". `tests/formats.rs` goes on from what it learnt, with
the pictures that would have come next.
"""
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
# Ten seconds from one picture to the next: four hours.
PICTURES, SIDE = 1440, 8


def picture(number):
    """Planes of luma and two colours, by whole numbers alone: `tests/formats.rs` makes the same."""
    return bytes(
        (40 + (number * 7 + x * 31 + y * 17 + plane * 50) % 97 + 20 * (number // 5 % 3)) % 256
        for plane in range(3) for y in range(SIDE) for x in range(SIDE)
    )


def main():
    with tempfile.TemporaryDirectory() as work:
        pictures, state = Path(work) / "place.y4m", Path(work) / "state"
        with pictures.open("wb") as out:
            out.write(b"YUV4MPEG2 W%d H%d F1:10 C444 XCOLORRANGE=FULL\n" % (SIDE, SIDE))
            for number in range(PICTURES):
                out.write(b"FRAME\n" + picture(number))
        encoder = ["--encoder", HERE / "tiny.toml", "--encoder-file", HERE.parent / "encoders/open.onnx"]
        subprocess.run([sys.argv[1], "replay", pictures, "-c", HERE / "place.toml", *encoder, "--state", state,
                        "--source", "view", "--frames-per-s", "1", "--seed", "5"], check=True)
        newest = sorted((state / "view").glob("*.checkpoint"))[-1].read_bytes()
    version, = struct.unpack_from("<Q", newest, 8)
    (HERE / f"format-{version}.checkpoint").write_bytes(newest)
    print(f"format {version}, {len(newest)} bytes")


if __name__ == "__main__":
    main()
