#!/usr/bin/env python3
"""Golden pictures: small files of every kind, and what Pillow decodes and resizes them to.

Writes NAME.jpg / .png / … and NAME.rgb (raw, after orientation), and resized_*.rgb.
Needs: numpy, pillow.
"""
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HERE, WIDTH, HEIGHT = Path(__file__).parent, 45, 34


def scene():
    """Smooth colours and a few edges, as photographs have."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    r = 128 + 100 * np.sin(x / 9) * np.cos(y / 7)
    g = 40 + 4 * x
    b = 200 - 3 * y + 30 * ((x // 11 + y // 9) % 2)
    return Image.fromarray(np.clip(np.stack([r, g, b], 2), 0, 255).astype(np.uint8))


def main():
    picture = scene()
    save = lambda name, image, **how: image.save(HERE / name, **how)
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        save(f"{name}.jpg", picture, quality=92, subsampling=subsampling)
    save("progressive.jpg", picture, quality=92, progressive=True)
    save("restarts.jpg", picture, quality=92, restart_marker_blocks=2)
    save("grey.jpg", picture.convert("L"), quality=92)
    save("cmyk.jpg", picture.convert("CMYK"), quality=92)
    for turn in (3, 6, 8):
        exif = Image.Exif()
        exif[0x0112] = turn
        save(f"turned_{turn}.jpg", picture, quality=92, subsampling=0, exif=exif)
    save("rgb.png", picture)
    save("palette.png", picture.quantize(16))
    save("rgb.bmp", picture)
    save("palette.gif", picture.quantize(16))
    save("lossless.webp", picture, lossless=True)
    for file in sorted(HERE.glob("*.*")):
        if file.suffix in (".jpg", ".png", ".bmp", ".gif", ".webp"):
            decoded = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
            file.with_suffix(file.suffix + ".rgb").write_bytes(decoded.tobytes())
    for width, height in ((16, 16), (60, 20), (45, 5)):
        small = picture.resize((width, height), Image.BILINEAR)
        (HERE / f"stretched_{width}x{height}.rgb").write_bytes(small.tobytes())
    left = (WIDTH - HEIGHT) // 2
    cut = picture.crop((left, 0, left + HEIGHT, HEIGHT)).resize((16, 16), Image.BILINEAR)
    (HERE / "cropped_16x16.rgb").write_bytes(cut.tobytes())


if __name__ == "__main__":
    main()
