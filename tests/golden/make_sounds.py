# /usr/bin/python3 tests/golden/make_sounds.py    (Debian's libsndfile1, python3-torchaudio, python3-numpy)
"""Make tests/data/sounds: short generated sounds in every format that cvt/extra/sound.hpp reads, and what torchaudio decodes them to.

Encoded by libsndfile through ctypes; decoded by torchaudio, and its channels averaged.
"""
import ctypes
import json
import os

import numpy as np
import torchaudio

from make_audio import sound

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "sounds")
WAV, FLAC, OGG, MPEG = 0x010000, 0x170000, 0x200000, 0x230000
PCM8, PCM16, PCM24, PCM32, FLOAT, VORBIS, MP3 = 0x0005, 0x0002, 0x0003, 0x0004, 0x0006, 0x0060, 0x0082
FILES = [("8.wav", WAV | PCM8, 8000, 1, 400), ("16.wav", WAV | PCM16, 44100, 2, 900), ("24.wav", WAV | PCM24, 48000, 1, 500),
         ("32.wav", WAV | PCM32, 22050, 1, 300), ("float.wav", WAV | FLOAT, 16000, 3, 300), ("16.flac", FLAC | PCM16, 44100, 2, 9000),
         ("24.flac", FLAC | PCM24, 192000, 1, 900), ("vorbis.ogg", OGG | VORBIS, 32000, 2, 4000), ("layer3.mp3", MPEG | MP3, 44100, 2, 9000)]


class Info(ctypes.Structure):
    _fields_ = [("frames", ctypes.c_int64), ("rate", ctypes.c_int), ("channels", ctypes.c_int), ("format", ctypes.c_int),
                ("sections", ctypes.c_int), ("seekable", ctypes.c_int)]


def write(path, kind, rate, samples):
    library = ctypes.CDLL("libsndfile.so.1")
    library.sf_open.restype = ctypes.c_void_p
    info = Info(0, rate, samples.shape[1], kind)
    file = library.sf_open(path.encode(), 0x20, ctypes.byref(info))
    assert file, path
    data = np.ascontiguousarray(samples, np.float32)
    library.sf_writef_float.restype = ctypes.c_int64
    count = library.sf_writef_float(ctypes.c_void_p(file), data.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(len(data)))
    assert count == len(data)
    library.sf_close(ctypes.c_void_p(file))


def main():
    os.makedirs(OUT, exist_ok=True)
    expected = []
    for name, kind, rate, channels, count in FILES:
        path = os.path.join(OUT, name)
        one = sound(rate, count)
        write(path, kind, rate, np.stack([np.roll(one, 7 * c) * (1 - 0.2 * c) for c in range(channels)], 1))
        samples, found = torchaudio.load(path)
        assert found == rate and samples.shape[0] == channels
        mono = samples.mean(0).numpy().astype(np.float64)
        at = sorted({int(i) for i in np.linspace(0, len(mono) - 1, 40)})
        expected.append({"name": name, "rate": rate, "channels": channels, "frames": len(mono), "at": at,
                         "values": [round(float(mono[i]), 9) for i in at], "squares": round(float((mono * mono).sum()), 6)})
    with open(os.path.join(OUT, "expected.json"), "w") as f:
        json.dump(expected, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
