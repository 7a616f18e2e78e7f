# /usr/bin/python3 tests/golden/make_heif.py     (avifenc, avifdec, heif-enc, heif-convert, Pillow: writes tests/data/heif)
"""Make the golden data of heif_test: AVIF and HEIC files, and their pixels from avifdec and heif-convert, rotated by NumPy if necessary."""
import os
import subprocess
import tempfile

import numpy as np
import skimage.data
from PIL import Image

OUT = os.path.join(os.path.dirname(__file__), "..", "data", "heif")
PHOTO = skimage.data.coffee()[180:204, 240:272]
Y, X = np.mgrid[0:24, 0:32]
SMOOTH = np.dstack([Y * 10, X * 8, 255 - Y * 4 - X * 4]).astype(np.uint8)


def run(*command):
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def png_of(pixels, folder):
    path = os.path.join(folder, "in.png")
    Image.fromarray(pixels).save(path)
    return path


def avif(pixels, *options):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.avif")
        run("avifenc", "-s", "6", "-j", "1", *options, png_of(pixels, folder), out)
        return open(out, "rb").read()


def heic(pixels, *options):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.heic")
        run("heif-enc", *options, "-o", out, png_of(pixels, folder))
        return open(out, "rb").read()


def decoded(file, name):
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, name), os.path.join(folder, "out.png")
        open(path, "wb").write(file)
        if name.endswith(".avif"):
            run("avifdec", "-j", "1", "-d", "8", "-u", "nearest", path, out)  # libheif also repeats the chroma of 4:2:0 and 4:2:2
        else:
            run("heif-convert", path, out)
        return np.asarray(Image.open(out).convert("RGB"))


def limited(file, red, blue):
    """Convert avifdec's samples by the formula of their matrix: libyuv, which avifdec uses, is up to 6 levels off for these."""
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "in.avif"), os.path.join(folder, "out.y4m")
        open(path, "wb").write(file)
        run("avifdec", "-j", "1", path, out)
        data = open(out, "rb").read()
    start = data.index(b"\n", data.index(b"FRAME")) + 1
    y, cb, cr = np.frombuffer(data[start:], np.uint8).reshape(3, *PHOTO.shape[:2]).astype(float)
    y, cb, cr = (y - 16) * 255 / 219, (cb - 128) * 255 / 224, (cr - 128) * 255 / 224
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.clip(np.rint(np.dstack([r, g, b])), 0, 255).astype(np.uint8)


def imir(pixels, axis):
    """Mirror: axis 0 (libavif's "vertical") exchanges top and bottom, axis 1 left and right."""
    return pixels[::-1] if axis == 0 else pixels[:, ::-1]


def files():
    yield "444.avif", avif(PHOTO, "-y", "444")
    yield "420.avif", avif(SMOOTH, "-y", "420")
    yield "422.avif", avif(SMOOTH, "-y", "422")
    yield "grey.avif", avif(PHOTO, "-y", "400")
    yield "lossless.avif", avif(PHOTO, "--lossless")
    yield "alpha.avif", avif(np.dstack([PHOTO, Y.astype(np.uint8) * 10]), "-y", "444")
    for matrix, red, blue in ((1, 0.2126, 0.0722), (5, 0.299, 0.114), (6, 0.299, 0.114), (9, 0.2627, 0.0593)):
        yield f"matrix{matrix}.avif", avif(PHOTO, "-y", "444", "--cicp", f"1/13/{matrix}")
        file = avif(PHOTO, "-y", "444", "-r", "limited", "--cicp", f"1/13/{matrix}")
        yield f"limited{matrix}.avif", file, limited(file, red, blue)
    yield "ten.avif", avif(PHOTO, "-y", "444", "-d", "10")
    yield "ten_limited.avif", avif(PHOTO, "-y", "444", "-d", "10", "-r", "limited")
    yield "twelve.avif", avif(PHOTO, "-y", "444", "-d", "12")
    yield "odd.avif", avif(PHOTO[:21, :25], "-y", "444")
    yield "grid.avif", avif(np.tile(SMOOTH, (3, 4, 1))[:64], "-y", "444", "--grid", "2x1")
    yield "shared.avif", avif(np.tile(np.tile(SMOOTH, (3, 2, 1))[:64], (2, 2, 1)), "-y", "444", "--grid", "2x2")  # its tiles are the same bytes
    straight = decoded(avif(PHOTO, "-y", "444"), "straight.avif")
    for turns in (1, 2, 3):
        yield f"irot{turns}.avif", avif(PHOTO, "-y", "444", "--irot", turns), np.rot90(straight, turns)
    for axis in (0, 1):
        yield f"imir{axis}.avif", avif(PHOTO, "-y", "444", "--imir", axis), imir(straight, axis)
    yield "irot1_imir0.avif", avif(PHOTO, "-y", "444", "--irot", 1, "--imir", 0), imir(np.rot90(straight, 1), 0)
    yield "444.heic", heic(PHOTO, "-q", "60", "-p", "chroma=444")
    yield "420.heic", heic(SMOOTH, "-q", "60", "-p", "chroma=420")
    yield "alpha.heic", heic(np.dstack([PHOTO, Y.astype(np.uint8) * 10]), "-q", "60", "-p", "chroma=444")
    yield "ten.heic", heic(PHOTO, "-q", "60", "-b", "10", "-p", "chroma=444")
    yield "odd.heic", heic(SMOOTH[:21, :25], "-q", "60", "-p", "chroma=420")
    for matrix in (1, 6):
        for wide in (0, 1):
            yield f"matrix{matrix}_{wide}.heic", heic(PHOTO, "-q", "60", "-p", "chroma=444", f"--matrix_coefficients={matrix}", f"--full_range_flag={wide}")


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "pictures.txt"), "w") as f:
        f.write("# file, width, height of the expected file.rgb\n")
        for name, data, *expected in files():
            expected = np.ascontiguousarray(expected[0] if expected else decoded(data, name))
            with open(os.path.join(OUT, name), "wb") as out:
                out.write(data)
            expected.tofile(os.path.join(OUT, name + ".rgb"))
            f.write(f"{name} {expected.shape[1]} {expected.shape[0]}\n")
