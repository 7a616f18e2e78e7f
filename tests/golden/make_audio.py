# /usr/bin/python3 tests/golden/make_audio.py    (Debian's python3-torchaudio, python3-numpy)
"""Make tests/data/audio/golden.json: what torchaudio makes of generated sounds, and a float64 restatement of its formulas.

The sound: u = 1; for each sample u = 1664525 u + 1013904223 mod 2^32 and
x = float32(0.3 sin(2 pi 3000 t + 5 sin(2 pi 4 t)) + 0.02 (u / 2^32 - 0.5)), where t is the time of the sample in seconds.
"""
import json
import math
import os

import numpy as np
import torch
import torchaudio

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "audio", "golden.json")
RATES = (8000, 11025, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000, 250000)


def sound(rate, count):
    u, noise = 1, np.empty(count)
    for i in range(count):
        u = (1664525 * u + 1013904223) % 2 ** 32
        noise[i] = u / 2 ** 32
    t = np.arange(count) / rate
    return (0.3 * np.sin(2 * math.pi * 3000 * t + 5 * np.sin(2 * math.pi * 4 * t)) + 0.02 * (noise - 0.5)).astype(np.float32)


def mel(f, scale):
    if scale == "htk":
        return 2595 * np.log10(1 + f / 700)
    return np.where(f < 1000, f * 3 / 200, 15 + np.log(np.maximum(f, 1) / 1000) * 27 / np.log(6.4))


def hertz(m, scale):
    if scale == "htk":
        return 700 * (10 ** (m / 2595) - 1)
    return np.where(m < 15, m * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (m - 15)))


def filters(c):
    """Return the triangles (bins, mels) in float64."""
    edges = hertz(np.linspace(mel(c["f_min"], c["scale"]), mel(c["f_max"], c["scale"]), c["mels"] + 2), c["scale"])
    f = np.arange(c["n_fft"] // 2 + 1)[:, None] * (c["rate"] // 2) / (c["n_fft"] // 2)  # torchaudio rounds half an odd rate
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    b = np.maximum(0, np.minimum((f - left) / (middle - left), (right - f) / (right - middle)))
    return b * (2 / (right - left)) if c["slaney_norm"] else b


def energies(x, c):
    """Return the mel energies (mels, frames) in float64."""
    n, half = c["n_fft"], c["n_fft"] // 2
    window = np.zeros(n)
    before = (n - c["window"]) // 2
    window[before:before + c["window"]] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(c["window"]) / c["window"])
    padded = np.pad(x.astype(np.float64), half, mode="reflect")
    frames = np.stack([padded[t * c["hop"]:t * c["hop"] + n] * window for t in range(1 + len(x) // c["hop"])])
    return filters(c).T @ (np.abs(np.fft.rfft(frames)) ** c["power"]).T


def restate(x, c):
    d = energies(x, c)
    if c["loudness"] == "decibels":
        d = 20 / c["power"] * np.log10(np.maximum(d, c["floor"]))
    elif c["loudness"] == "natural_log":
        d = np.log(np.maximum(d, c["floor"]))
    if c["top_db"]:
        d = np.maximum(d, d.max() - c["top_db"])
    if c["min_max"]:
        d = (d - d.min()) / (d.max() - d.min())
    return (d - c["mean"]) / c["deviation"]


def by_torchaudio(x, c, dtype=torch.float32):
    m = torchaudio.transforms.MelSpectrogram(c["rate"], n_fft=c["n_fft"], win_length=c["window"], hop_length=c["hop"], f_min=c["f_min"],
                                             f_max=c["f_max"], n_mels=c["mels"], power=float(c["power"]), mel_scale=c["scale"],
                                             norm="slaney" if c["slaney_norm"] else None).to(dtype)(torch.from_numpy(x).to(dtype))
    if c["loudness"] == "decibels":
        kind = "power" if c["power"] == 2 else "magnitude"
        m = torchaudio.transforms.AmplitudeToDB(kind, top_db=c["top_db"] or None)(m)
    elif c["loudness"] == "natural_log":
        m = torch.log(m.clamp(min=c["floor"]))
    if c["min_max"]:
        m = (m - m.min()) / (m.max() - m.min())
    return ((m - c["mean"]) / c["deviation"]).numpy()


PROTOCLR = dict(rate=16000, length=96000, n_fft=1024, window=1024, hop=320, mels=128, f_min=50.0, f_max=8000.0, scale="htk",
                slaney_norm=False, power=2, loudness="decibels", floor=1e-10, top_db=0.0, min_max=True, mean=0.5347, deviation=0.0772)
CASES = {
    "protoclr": PROTOCLR,
    "speech": {**PROTOCLR, "length": 16000, "n_fft": 400, "window": 400, "hop": 160, "mels": 80, "f_min": 0.0, "scale": "slaney",
               "slaney_norm": True, "loudness": "natural_log", "min_max": False, "mean": -4.0, "deviation": 4.5},
    "amplitude": {**PROTOCLR, "rate": 22050, "length": 22050, "n_fft": 660, "window": 500, "hop": 200, "mels": 40, "f_max": 11025.0,
                  "power": 1, "top_db": 60.0, "mean": 0.0, "deviation": 1.0},
    "odd": {**PROTOCLR, "rate": 11025, "length": 11025, "n_fft": 630, "window": 629, "hop": 100, "mels": 24, "f_max": 3900.0,
            "loudness": "linear", "min_max": False, "mean": 0.1, "deviation": 2.0},
}


def main():
    golden = {"resampled": [], "spectrograms": []}
    for rate in RATES:
        x = torch.from_numpy(sound(rate, rate))
        y = torchaudio.transforms.Resample(rate, 16000)(x).numpy().astype(np.float64)
        at = sorted({int(i) for i in np.linspace(0, len(y) - 1, 160)} | {0, 1, 2, 160, 15998, 15999} & set(range(len(y))))
        golden["resampled"].append({"rate": rate, "size": len(y), "at": at, "values": [round(float(y[i]), 9) for i in at],
                                    "squares": round(float((y * y).sum()), 6)})
    for name, c in CASES.items():
        x = sound(c["rate"], c["length"])
        z, t = restate(x, c), by_torchaudio(x, c)
        assert z.shape == t.shape
        points = [(i, j) for i in range(0, z.shape[0], max(1, z.shape[0] // 16)) for j in range(0, z.shape[1], max(1, z.shape[1] // 20))]
        print(f"{name}: {z.shape}, torchaudio's float32 differs by {np.abs(z - t).max():.2e}, "
              f"its float64 by {np.abs(z - by_torchaudio(x, c, torch.float64)).max():.2e}")
        golden["spectrograms"].append({"name": name, "fields": c, "shape": z.shape, "mean": float(z.mean()), "std": float(z.std()),
                                       "at": points, "values": [float(z[p]) for p in points],
                                       "torchaudio": [round(float(t[p]), 7) for p in points]})
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
