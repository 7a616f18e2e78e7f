# /usr/bin/python3 tests/golden/make_preprocessing.py     (Pillow, torchvision, scikit-image: writes tests/data/preprocessing)
"""Make the golden data of image_test and decode_test: the results of Pillow and torchvision for the same pixels and files."""
import io
import os
import struct
import zlib

import numpy as np
import skimage.data
import torchvision.transforms as T
from PIL import Image, ImageOps
from torchvision.transforms import InterpolationMode

OUT = os.path.join(os.path.dirname(__file__), "..", "data", "preprocessing")
BICUBIC = InterpolationMode.BICUBIC


def noise(width, height, channels):
    """Make the same bytes as synthetic() in image_test.cpp: a hash of the index."""
    i = np.arange(width * height * channels, dtype=np.uint64)
    x = (i * 2654435761 + width * 97 + height) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 2246822519) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 3266489917) & 0xFFFFFFFF
    return (x >> 24).astype(np.uint8).reshape(height, width, channels)


def gradient(width, height, channels):
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    return ((x * 3 + y * 5 + c * 85) % 256).astype(np.uint8)


def steps(width, height, channels):
    """Make black and white pixels only, so that the kernel's overshoot is clipped everywhere."""
    return ((noise(width, height, channels) >= 128) * 255).astype(np.uint8)


def fnv(array):
    h = 0xCBF29CE484222325
    for b in array.tobytes():
        h = ((h ^ b) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def pillow(pixels):
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[pixels.shape[2]]
    return Image.fromarray(pixels[..., 0] if mode == "L" else pixels, mode).convert("RGB")


def hf_crop(image, height, width):
    """transformers' center_crop: floor on both sides of zero."""
    a = np.asarray(image)
    out = np.zeros((height, width, 3), np.uint8)
    top, left = (a.shape[0] - height) // 2, (a.shape[1] - width) // 2
    part = a[max(top, 0):top + height, max(left, 0):left + width]
    y, x = max(-top, 0), max(-left, 0)
    out[y:y + part.shape[0], x:x + part.shape[1]] = part
    return out


def resize_cases():
    official = lambda n: ("short", int(n / 0.875), 0, 1, n, n, "official")
    warp = lambda h, w: ("warp", h, w, 0, 0, 0, "official")
    short = lambda n: ("short", n, 0, 0, 0, 0, "official")
    crop = lambda h, w, rounding: ("none", 0, 0, 1, h, w, rounding)
    photos = [("coffee.rgb", 320, 213, 3), ("astronaut.rgb", 190, 290, 3)]
    for source in photos:
        for rule in (official(224), short(256), warp(384, 384), short(100), warp(57, 301), short(213), official(160)):
            yield source, rule
    for kind in ("noise", "gradient", "steps"):
        for w, h in ((500, 375), (375, 501), (256, 256), (97, 640), (33, 31)):
            yield (kind, w, h, 3), short(256)
            yield (kind, w, h, 3), warp(384, 384)
            yield (kind, w, h, 3), official(224)
    for w, h in ((1, 1), (1, 300), (300, 1), (1, 7), (1000, 2), (2, 999), (3, 3)):
        yield ("noise", w, h, 3), official(224)
        yield ("noise", w, h, 3), warp(384, 384)
        yield ("noise", w, h, 3), warp(1, 1)
        if max(w, h) < 10:
            yield ("noise", w, h, 3), short(256)
    for channels in (1, 4):
        yield ("noise", 120, 90, channels), official(224)
        yield ("steps", 301, 217, channels), warp(160, 160)
    yield ("noise", 384, 200, 3), warp(384, 384)
    yield ("noise", 200, 384, 3), warp(384, 384)
    for rounding in ("official", "hf"):
        for w, h in ((225, 226), (227, 229), (223, 222), (221, 300), (300, 219), (5, 4), (224, 224)):
            yield ("noise", w, h, 3), crop(224, 224, rounding)
        yield ("noise", 120, 91, 3), ("short", 200, 0, 1, 151, 260, rounding)


def write_resize():
    for name, array in (("coffee", skimage.data.coffee()[100:313, 140:460]), ("astronaut", skimage.data.astronaut()[0:290, 130:320])):
        array.tofile(os.path.join(OUT, name + ".rgb"))
    with open(os.path.join(OUT, "resize.txt"), "w") as f:
        f.write("# source width height channels | rule a b crop crop_height crop_width rounding | height width fnv64 of the RGB bytes\n")
        for (kind, w, h, channels), (rule, a, b, cropped, ch, cw, rounding) in resize_cases():
            if kind.endswith(".rgb"):
                pixels = np.fromfile(os.path.join(OUT, kind), np.uint8).reshape(h, w, channels)
            else:
                pixels = globals()[kind](w, h, channels)
            image = pillow(pixels)
            if rule != "none":
                image = T.Resize(a if rule == "short" else (a, b), BICUBIC)(image)
            if cropped:
                image = T.CenterCrop((ch, cw))(image) if rounding == "official" else hf_crop(image, ch, cw)
            out = np.asarray(image)
            f.write(f"{kind} {w} {h} {channels} {rule} {a} {b} {cropped} {ch} {cw} {rounding} {out.shape[0]} {out.shape[1]} {fnv(out):016x}\n")
    every = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, 2)
    to_tensor = T.Compose([T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    to_tensor(Image.fromarray(every)).numpy().astype("<f4").tofile(os.path.join(OUT, "normalized.f32"))


def write_filters():
    """Every filter: from each size to the sizes 1 to 40, and some larger ones. A line has one hash for all its pictures."""
    filters = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
    larger = (((500, 375), (384, 384)), ((97, 640), (224, 224)), ((641, 481), (223, 161)), ((33, 31), (501, 1003)), ((1, 300), (160, 7)),
              ((1000, 2), (1, 999)), ((3, 3), (1001, 7)), ((255, 256), (256, 255)), ((384, 200), (384, 384)), ((200, 384), (384, 384)))
    with open(os.path.join(OUT, "filters.txt"), "w") as f:
        f.write("# filter source width height | results: 40 are (1, 40), (2, 39) ... (40, 1), 1 has its width and height | fnv64 of their RGB bytes\n")
        for number, name in enumerate(filters):
            cases = [((w, w * 7 % 40 + 1), [(o, 41 - o) for o in range(1, 41)]) for w in range(1, 41)]
            for (w, h), sizes in cases + [(source, [size]) for source, size in larger]:
                for kind in ("noise", "steps"):
                    image = pillow(globals()[kind](w, h, 3))
                    bytes_of_all = b"".join(image.resize(size, number).tobytes() for size in sizes)
                    first = " ".join(f"{a} {b}" for a, b in (sizes if len(sizes) == 1 else []))
                    f.write(f"{name} {kind} {w} {h} {len(sizes)} {first} {fnv(np.frombuffer(bytes_of_all, np.uint8)):016x}\n".replace("  ", " "))


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, color, depth, interlaced=False, before_data=b"", after_data=b""):
    """Encode integer samples (H, W, channels); Pillow writes neither interlaced nor 16-bit RGB files."""

    def rows(s):
        out = b""
        for row in s:
            flat = row.reshape(-1).astype(np.uint32)
            if depth == 16:
                line = flat.astype(">u2").tobytes()
            else:
                bits = ((flat[:, None] >> np.arange(depth - 1, -1, -1, dtype=np.uint32)) & 1).astype(np.uint8)
                line = np.packbits(bits.reshape(-1)).tobytes()
            out += b"\0" + line
        return out

    h, w = samples.shape[:2]
    if interlaced:
        passes = (samples[y::dy, x::dx] for x, y, dx, dy in ADAM7)
        data = b"".join(rows(p) for p in passes if p.size)
    else:
        data = rows(samples)
    z = zlib.compress(data, 9)
    half = len(z) // 2
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, int(interlaced))) + before_data +
            chunk(b"IDAT", z[:half]) + chunk(b"IDAT", z[half:]) + after_data + chunk(b"IEND", b""))


def exif(value, order="<"):
    mark = b"II" if order == "<" else b"MM"
    entries = struct.pack(order + "HHII", 0x0100, 4, 1, 640) + struct.pack(order + "HHIHH", 0x0112, 3, 1, value, 0)
    return mark + struct.pack(order + "HIH", 42, 8, 2) + entries + struct.pack(order + "I", 0)


def with_exif(jpeg, tiff):
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def without_adobe(jpeg):
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]:]


def decode_files():
    """Yield name, bytes of the file, and expected RGB or None for Pillow's result."""
    photo = skimage.data.coffee()[180:209, 250:287]
    h, w = 9, 13
    levels = lambda depth, channels: (noise(w, h, channels).astype(np.uint32) * 257) >> (16 - depth)
    palette = noise(16, 16, 3).reshape(-1)
    for depth in (1, 2, 4, 8, 16):
        for interlaced in (False, True):
            expected = None if depth < 16 else (levels(16, 1) >> 8).astype(np.uint8).repeat(3, 2)
            yield f"grey{depth}{'i' * interlaced}.png", png(levels(depth, 1), 0, depth, interlaced), expected
    for depth in (1, 2, 4, 8):
        for interlaced in (False, True):
            plte = chunk(b"PLTE", palette[:3 << depth].tobytes())
            yield f"palette{depth}{'i' * interlaced}.png", png(levels(depth, 1), 3, depth, interlaced, plte), None
    plte = chunk(b"PLTE", palette.tobytes()) + chunk(b"tRNS", noise(200, 1, 1).tobytes())
    yield "palette8_trns.png", png(levels(8, 1), 3, 8, False, plte), None
    short = levels(8, 1)
    yield "palette8_short.png", png(short, 3, 8, False, chunk(b"PLTE", palette[:300].tobytes())), np.where(
        short < 100, np.concatenate([palette[:300], np.zeros(468, np.uint8)]).reshape(256, 3)[short[..., 0]], 0).astype(np.uint8)
    for color, channels, name in ((4, 2, "grey_alpha"), (2, 3, "rgb"), (6, 4, "rgba")):
        yield name + "8.png", png(levels(8, channels), color, 8), None
        high = (levels(16, channels) >> 8).astype(np.uint8)
        yield name + "16.png", png(levels(16, channels), color, 16, True), high[..., :3] if channels > 2 else high[..., :1].repeat(3, 2)
    yield "rgb8_trns.png", png(levels(8, 3), 2, 8, False, chunk(b"tRNS", b"\0\x10\0\x20\0\x30")), None
    yield "grey16_trns.png", png(levels(16, 1), 0, 16, False, chunk(b"tRNS", b"\x12\x34")), (levels(16, 1) >> 8).astype(np.uint8).repeat(3, 2)

    def jpeg(image, **options):
        b = io.BytesIO()
        image.save(b, "JPEG", **options)
        return b.getvalue()

    rgb = Image.fromarray(photo)
    yield "444.jpg", jpeg(rgb, quality=90, subsampling=0), None
    yield "422.jpg", jpeg(rgb, quality=90, subsampling=1), None
    yield "420.jpg", jpeg(rgb, quality=90, subsampling=2), None
    yield "progressive.jpg", jpeg(rgb, quality=90, progressive=True), None
    yield "grey.jpg", jpeg(rgb.convert("L"), quality=90), None
    cmyk = Image.merge("CMYK", [*rgb.split(), Image.fromarray(gradient(37, 29, 1)[..., 0])])
    yield "cmyk.jpg", jpeg(cmyk, quality=95), None
    yield "cmyk_bare.jpg", without_adobe(jpeg(cmyk, quality=95)), None
    ycck = bytearray(jpeg(cmyk, quality=95))
    ycck[ycck.index(b"Adobe") + 11] = 2
    yield "ycck.jpg", bytes(ycck), None
    tiny = jpeg(Image.fromarray(photo[4:15, 3:20]), quality=90, subsampling=0)
    for value in range(1, 9):
        yield f"exif{value}.jpg", with_exif(tiny, exif(value, "<>"[value % 2])), None
    yield "exif6.png", png(levels(8, 3), 2, 8, False, chunk(b"eXIf", exif(6, ">"))), None


def write_decode():
    with open(os.path.join(OUT, "decode.txt"), "w") as f:
        f.write("# file, width, height of the expected file.rgb (EXIF orientation applied)\n")
        for name, data, expected in decode_files():
            with open(os.path.join(OUT, name), "wb") as out:
                out.write(data)
            if expected is None:
                expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
            expected.tofile(os.path.join(OUT, name + ".rgb"))
            f.write(f"{name} {expected.shape[1]} {expected.shape[0]}\n")


def write_raw_profiles():
    """Write the EXIF of a PNG's text chunk, compressed with each block type of deflate."""
    text = b"\nexif\n      26\n49492a00080000000100120103000100000006000000\n00000000\n"
    lines = b"".join(b"%064x\n" % (n * 0x9E3779B97F4A7C15) for n in range(40))  # enough for dynamic codes
    for name, level, strategy, body in (("fixed", 9, zlib.Z_FIXED, text), ("dynamic", 9, zlib.Z_DEFAULT_STRATEGY, text + lines),
                                        ("stored", 0, zlib.Z_DEFAULT_STRATEGY, text)):
        packer = zlib.compressobj(level, zlib.DEFLATED, 15, 9, strategy)
        with open(os.path.join(OUT, f"raw_profile_{name}.zlib"), "wb") as out:
            out.write(packer.compress(body) + packer.flush())


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    write_resize()
    write_filters()
    write_decode()
    write_raw_profiles()
