# /usr/bin/python3 tests/golden/make_pictures.py     (Pillow, scikit-image: writes tests/data/pictures)
"""Make the golden data of pictures_test: WebP, GIF, BMP, TIFF and PNM files, and their pixels from Pillow's convert("RGB")."""
import io
import os
import struct

import numpy as np
import skimage.data
from PIL import Image, ImageOps

from make_preprocessing import exif, noise

OUT = os.path.join(os.path.dirname(__file__), "..", "data", "pictures")
W, H = 13, 9
PHOTO = skimage.data.coffee()[180:200, 250:273]
GREY = noise(W, H, 1)[..., 0]
RGB = noise(W, H, 3)
RGBA = noise(W, H, 4)
COLORS = noise(16, 16, 3).reshape(-1)


def saved(array, format, mode=None, **options):
    image = array if isinstance(array, Image.Image) else Image.fromarray(array, mode)
    b = io.BytesIO()
    image.save(b, format, **options)
    return b.getvalue()


def paletted(colors, indices=GREY):
    image = Image.fromarray((indices % colors).astype(np.uint8), "P")
    image.putpalette(COLORS[:3 * colors].tobytes())
    return image


# ---- WebP


def riff(*chunks):
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def u24(n):
    return struct.pack("<I", n)[:3]


def vp8x(flags, width, height):
    return riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + u24(width - 1) + u24(height - 1))


def frame(x, y, width, height, image):
    return riff_chunk(b"ANMF", u24(x // 2) + u24(y // 2) + u24(width - 1) + u24(height - 1) + u24(100) + b"\0" + image)


def webp_files():
    yield "lossy.webp", saved(PHOTO, "WEBP", quality=80)
    yield "lossless.webp", saved(PHOTO, "WEBP", lossless=True)
    yield "lossless_alpha.webp", saved(RGBA, "WEBP", lossless=True, exact=True)
    yield "lossy_alpha.webp", saved(np.dstack([PHOTO, noise(23, 20, 1)]), "WEBP", quality=80)
    for turn in (3, 6):
        yield f"exif{turn}.webp", saved(RGB, "WEBP", lossless=True, exif=exif(turn, "<>"[turn % 2]))
    first, second = (saved(RGB[:h, :w], "WEBP", lossless=True)[12:] for w, h in ((7, 5), (13, 9)))
    yield "animated.webp", riff(vp8x(2, 16, 12), riff_chunk(b"ANIM", b"\0" * 6), frame(4, 2, 7, 5, first), frame(0, 0, 13, 9, second))
    lossy = saved(PHOTO, "WEBP", quality=50)[12:]
    yield "animated_lossy.webp", riff(vp8x(2, 30, 30), riff_chunk(b"ANIM", b"\0" * 6), frame(6, 8, 23, 20, lossy))


# ---- GIF


def gif_files():
    yield "palette.gif", saved(paletted(256), "GIF", interlace=0)
    yield "palette_short.gif", saved(paletted(11), "GIF", interlace=0)
    yield "interlaced.gif", saved(paletted(64), "GIF", interlace=1)
    yield "transparent.gif", saved(paletted(16), "GIF", transparency=3)
    yield "grey.gif", saved(GREY, "GIF")
    yield "animated.gif", saved(paletted(32), "GIF", save_all=True, append_images=[paletted(32, GREY.T.reshape(H, W))])
    for name, size, transparency in (("canvas", (20, 15), None), ("canvas_transparent", (20, 15), 5), ("outside", (6, 4), None)):
        file = bytearray(saved(paletted(16), "GIF", interlace=0, **({} if transparency is None else {"transparency": transparency})))
        file[6:10] = struct.pack("<HH", *size)
        at = file.index(b",\0\0\0\0")
        file[at + 1:at + 5] = struct.pack("<HH", 3, 2)
        yield name + ".gif", bytes(file)
    file = saved(paletted(16), "GIF", interlace=0)  # a local palette and no global one
    at = file.index(b",\0\0\0\0")
    table, rest = file[13:13 + 48], file[at:]
    local = file[:10] + b"\0" + file[11:13] + file[13 + 48:at] + rest[:9] + b"\x83" + table + rest[10:]
    yield "local_palette.gif", local
    yield "no_palette.gif", local[:at - 48] + rest


# ---- BMP


def bmp(bits, rows, palette=b"", compression=0, masks=b"", height=None, header=40, width=W):
    head = struct.pack("<IiiHHIIiiII", header, width, H if height is None else height, 1, bits, compression, len(rows), 0, 0, len(palette) // 4, 0)
    head = (head + masks).ljust(header, b"\0") if header > 40 else head + masks
    at = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(rows), 0, 0, at) + head + palette + rows


def bmp_rows(values, bits):
    out = b""
    for row in values[::-1]:
        if bits < 8:
            line = np.packbits(((row[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8).reshape(-1)).tobytes()
        else:
            line = row.astype({8: "u1", 16: "<u2", 32: "<u4"}[bits]).tobytes()
        out += line + b"\0" * (-len(line) % 4)
    return out


def bmp_files():
    bgrx = np.dstack([COLORS.reshape(-1, 3)[None, :, ::-1], np.zeros((1, 256, 1), np.uint8)])[0]
    wide = noise(W, H, 4).view("<u4")[..., 0]
    yield "rgb.bmp", saved(RGB, "BMP")
    yield "grey.bmp", saved(GREY, "BMP")
    yield "rgba.bmp", saved(RGBA, "BMP")
    for bits in (1, 4, 8):
        yield f"palette{bits}.bmp", bmp(bits, bmp_rows(GREY % (1 << bits), bits), bgrx[:1 << bits].tobytes())
    yield "palette_short.bmp", bmp(8, bmp_rows(GREY, 8), bgrx[:100].tobytes())
    yield "top_down.bmp", bmp(8, bmp_rows(GREY, 8), bgrx.tobytes(), height=-H)
    yield "555.bmp", bmp(16, bmp_rows(wide & 0xFFFF, 16))
    yield "565.bmp", bmp(16, bmp_rows(wide & 0xFFFF, 16), compression=3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    yield "xrgb.bmp", bmp(32, bmp_rows(wide, 32))
    yield "rgbx.bmp", bmp(32, bmp_rows(wide, 32), compression=3, masks=struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00))
    yield "abgr.bmp", bmp(32, bmp_rows(wide, 32), compression=3, header=124, masks=struct.pack("<IIII", 0xFF, 0xFF00, 0xFF0000, 0xFF000000))
    os2 = b"".join(bytes(c[:3]) for c in bgrx[:16])
    yield "os2.bmp", b"BM" + struct.pack("<IHHI", 26 + 48 + 72, 0, 0, 26 + 48) + struct.pack("<IHHHH", 12, W, H, 1, 4) + os2 + bmp_rows(GREY % 16, 4)
    literal = lambda row: b"\0" + bytes([len(row)]) + bytes(row) + b"\0" * (len(row) % 2)
    runs = b"".join(bytes([4, row[0], 9, row[1]]) if y % 2 else literal(row) for y, row in enumerate(GREY[:7].tolist()))
    runs = b"\0\0".join(runs[at:at + n] for at, n in split_lines(runs))
    ends = b"\0\0\x02\x09\0\x02\x03\x01\x08\x07\0\x01"  # two of colour 9, three to the right and one up, eight of colour 7
    lines = [row if y % 2 == 0 else [row[0]] * 4 + [row[1]] * 9 for y, row in enumerate(GREY[:7].tolist())] + [[9] * 2 + [0] * 11, [0] * 5 + [7] * 8]
    # Pillow 9.4 reads the wrong two bytes of a delta, so these pixels follow the description of the format.
    yield "rle8.bmp", bmp(8, runs + ends, bgrx.tobytes(), compression=1), COLORS.reshape(-1, 3)[np.array(lines[::-1])]
    nibbles = b"".join(b"\x07" + bytes([a]) + b"\0\x04" + bytes([b, a]) + b"\x02" + bytes([b]) + b"\0\0" for a, b in GREY[:, :2].tolist())
    yield "rle4.bmp", bmp(4, nibbles + b"\0\x01", bgrx[:16].tobytes(), compression=2)


def split_lines(runs):
    """Yield offset and size of each line in the runs of bmp_files: 16 bytes in absolute mode (0, 13, 13 bytes, padding), or two runs of 4 bytes."""
    at = 0
    while at < len(runs):
        n = 16 if runs[at] == 0 else 4
        yield at, n
        at += n


# ---- TIFF


def tiff(tags, data, order="<", big=False):
    """Make a TIFF with tags {number: (type, values)} and strips or tiles from `data`."""
    word, size, types = ("Q", 20, {3: "H", 4: "I", 16: "Q"}) if big else ("I", 12, {3: "H", 4: "I"})
    room = 8 if big else 4
    places, sizes = (324, 325) if 322 in tags else (273, 279)
    tags = {**tags, places: (4, [0] * len(data)), sizes: (4, [len(d) for d in data])}
    start = 16 if big else 8
    extra_at = start + (8 if big else 2) + size * len(tags) + room
    pack = lambda kind, values: struct.pack(order + types[kind] * len(values), *values)
    extra_size = sum(len(pack(*t)) + len(pack(*t)) % 2 for t in tags.values() if len(pack(*t)) > room)
    at, where = extra_at + extra_size, []
    for d in data:
        where.append(at)
        at += len(d)
    tags[places] = (4, where)
    entries = extra = b""
    for number in sorted(tags):
        body = pack(*tags[number])
        entries += struct.pack(order + "HH" + word, number, tags[number][0], len(tags[number][1]))
        if len(body) > room:
            entries += struct.pack(order + word, extra_at + len(extra))
            extra += body + b"\0" * (len(body) % 2)
        else:
            entries += body.ljust(room, b"\0")
    head = b"II" if order == "<" else b"MM"
    head += struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8)
    return head + struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + struct.pack(order + word, 0) + extra + b"".join(data)


def tiff_tags(bits, photometric, samples=1, height=H, width=W, **more):
    tags = {256: (3, [width]), 257: (3, [height]), 258: (3, [bits] * samples), 259: (3, [1]), 262: (3, [photometric]), 277: (3, [samples]),
            278: (3, [height])}
    return {**tags, **{int(k[1:]): v for k, v in more.items()}}


def packed(values, bits):
    rows = ((row[:, None] >> np.arange(bits - 1, -1, -1)) & 1 for row in values)
    return b"".join(np.packbits(r.astype(np.uint8).reshape(-1)).tobytes() for r in rows)


def tiff_files():
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits"):
        yield f"rgb_{compression}.tif", saved(RGB, "TIFF", compression=compression)
    yield "predictor.tif", saved(PHOTO, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    yield "jpeg.tif", saved(PHOTO, "TIFF", compression="jpeg", quality=90)
    for kind in ("group3", "group4", "tiff_ccitt"):
        yield f"{kind}.tif", saved(Image.fromarray(GREY).convert("1"), "TIFF", compression=kind)
    yield "rgba.tif", saved(RGBA, "TIFF", compression="tiff_lzw")
    yield "grey_alpha.tif", saved(noise(W, H, 2), "TIFF", "LA")
    yield "palette.tif", saved(paletted(256), "TIFF", compression="tiff_lzw")
    yield "cmyk.tif", saved(RGBA, "TIFF", "CMYK", compression="tiff_lzw")
    for photometric in (0, 1):
        for bits in (1, 2, 4, 8):
            values = GREY % (1 << bits)
            yield f"grey{bits}_{photometric}.tif", tiff(tiff_tags(bits, photometric), [packed(values, bits)], "<>"[photometric])
    for bits in (1, 2, 4):
        table = [int(c) * 257 for c in COLORS[:3 << bits].reshape(-1, 3).T.reshape(-1)]
        yield f"palette{bits}.tif", tiff(tiff_tags(bits, 3, _320=(3, table)), [packed(GREY % (1 << bits), bits)], ">")
    yield "fill_order.tif", tiff(tiff_tags(1, 1, _266=(3, [2])), [bytes(int(f"{b:08b}"[::-1], 2) for b in packed(GREY % 2, 1))])
    wide = noise(W, H, 8).view("<u2")
    for order in "<>":
        name = "le" if order == "<" else "be"
        yield f"rgb16_{name}.tif", tiff(tiff_tags(16, 2, 3), [wide[..., :3].astype(order + "u2").tobytes()], order)
        yield f"rgba16_{name}.tif", tiff(tiff_tags(16, 2, 4, _338=(3, [1])), [wide.astype(order + "u2").tobytes()], order)
    yield "grey16.tif", tiff(tiff_tags(16, 1), [wide[..., 0].astype(">u2").tobytes()], ">"), (wide[..., :1] >> 8).astype(np.uint8).repeat(3, 2)
    yield "premultiplied.tif", tiff(tiff_tags(8, 2, 4, _338=(3, [1])), [RGBA.tobytes()])
    yield "two_extra.tif", tiff(tiff_tags(8, 2, 5, _338=(3, [2, 0])), [noise(W, H, 5).tobytes()])
    strips = [RGB[y:y + 2].tobytes() for y in range(0, H, 2)]
    yield "strips.tif", tiff(tiff_tags(8, 2, 3, _278=(3, [2])), strips)
    yield "bigtiff.tif", tiff(tiff_tags(8, 2, 3), [RGB.tobytes()], big=True), RGB
    planes = [RGB[..., c].tobytes() for c in range(3)]
    yield "planes.tif", tiff(tiff_tags(8, 2, 3, _284=(3, [2])), planes)
    tiles = []
    big = noise(40, 20, 3)
    padded = np.pad(big, ((0, 12), (0, 8), (0, 0)))
    for y in (0, 16):
        for x in (0, 16, 32):
            tiles.append(padded[y:y + 16, x:x + 16].tobytes())
    yield "tiles.tif", tiff(tiff_tags(8, 2, 3, 20, 40, _322=(3, [16]), _323=(3, [16])), tiles)
    for turn in (2, 5, 6, 8):
        yield f"turned{turn}.tif", saved(RGB, "TIFF", compression="packbits", tiffinfo={274: turn})
    yield "turned6_raw.tif", saved(RGB, "TIFF", tiffinfo={274: 6})
    b = io.BytesIO()
    Image.fromarray(RGB).save(b, "TIFF", save_all=True, append_images=[Image.fromarray(PHOTO)])
    yield "pages.tif", b.getvalue()
    yield "ycbcr.tif", tiff(tiff_tags(8, 6, 3, _530=(3, [1, 1]), _259=(3, [32773])), [b"".join(b"\x26" + row.tobytes() for row in RGB)])


# ---- PNM


def pnm_files():
    numbers = lambda a: b" ".join(str(v).encode() for v in a.reshape(-1).tolist())
    yield "text.pbm", b"P1\n# a comment\n13 9\n" + b"".join(b"01"[v:v + 1] for v in (GREY % 2).reshape(-1).tolist())
    yield "text.pgm", b"P2 13 9 # of white:\n100\n" + numbers(GREY % 101)
    yield "text.ppm", b"P3\n13 9\n255\n" + numbers(RGB).replace(b" ", b"\n", 40) + b"\n"
    yield "bytes.pbm", b"P4\n13 9\n" + packed(GREY % 2, 1)
    yield "bytes.pgm", b"P5\n13 9\n255\n" + GREY.tobytes()
    yield "bytes.ppm", b"P6\n13 9\n255\n" + RGB.tobytes()
    for most in (1, 2, 6, 100, 254):
        yield f"most{most}.ppm", b"P6 13 9 %d\n" % most + (RGB % (most + 1)).tobytes()
    wide = noise(W, H, 6).view("<u2")
    yield "wide.ppm", b"P6\n13 9\n65535\n" + wide.astype(">u2").tobytes()
    yield "wide1000.ppm", b"P6\n13 9\n1000\n" + (wide % 1001).astype(">u2").tobytes()
    grey = np.array([round(int(v) / 65535 * 255) for v in wide[..., 0].reshape(-1)], np.uint8).reshape(H, W, 1).repeat(3, 2)
    yield "wide.pgm", b"P5\n13 9\n65535\n" + wide[..., 0].astype(">u2").tobytes(), grey


def expected_of(data):
    """Return the expected pixels; Pillow applies the orientation of a TIFF itself."""
    image = Image.open(io.BytesIO(data))
    if image.format == "TIFF":
        return np.asarray(image.convert("RGB"))
    return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "pictures.txt"), "w") as f:
        f.write("# file, width, height of the expected file.rgb (EXIF orientation applied)\n")
        for files in (webp_files, gif_files, bmp_files, tiff_files, pnm_files):
            for name, data, *expected in files():
                with open(os.path.join(OUT, name), "wb") as out:
                    out.write(data)
                try:
                    expected = expected[0] if expected else expected_of(data)
                except Exception as e:
                    raise SystemExit(f"{name}: {e!r}")
                expected.tofile(os.path.join(OUT, name + ".rgb"))
                f.write(f"{name} {expected.shape[1]} {expected.shape[0]}\n")
