# Draws the attention of a model over the spectrogram of a sound, as in docs/sounds.md. Makes both: the sound by formulas, the model from
# the built-in one, whose weights of the first layer are added over its three channels.
# /usr/bin/python3 docs/make_sound_picture.py docs/images/spectrogram.png
# Needs NumPy (Debian: python3-numpy) and a built classify; BUILD names its folder (build/release).
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import wave

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLASSIFY = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build", "release")), "classify")
WEIGHTS, RATE, SECONDS = os.path.join(ROOT, "weights"), 16000, 6
FIRST = "cvt.encoder.stages.0.embedding.convolution_embeddings.projection.weight"
SPECTROGRAM = {"feature_extractor_type": "CvtSpectrogram", "sampling_rate": RATE, "nb_max_samples": RATE * SECONDS, "fft_window_size": 1024,
               "hop_length": 320, "feature_size": 128, "frequency_min": 50.0, "frequency_max": 8000.0, "min_max": True, "mean": 0.45,
               "std": 0.225}


def sound():
    """Returns noise with calls: a sweep down, a sweep up, and a trill, each twice."""
    t = np.arange(RATE * SECONDS) / RATE
    x = 0.002 * np.random.default_rng(1).standard_normal(t.size)

    def call(begin, length, low, high, trill=0.0):
        at = (t - begin) / length
        inside = (at >= 0) & (at <= 1)
        hertz = np.where(inside, low + (high - low) * at + trill * np.sin(2 * np.pi * 18 * (t - begin)), 0)
        x[:] += 0.2 * np.where(inside, np.sin(np.pi * at) ** 2, 0) * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)

    for begin in (0.3, 3.4):
        call(begin, 0.5, 6000, 2500)
        call(begin + 0.8, 0.5, 2000, 5500)
        call(begin + 1.6, 0.9, 3800, 3800, trill=900)
    return x


def write_wav(path):
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE)
        f.writeframes(np.rint(sound() * 32767).astype("<i2").tobytes())


def write_model(folder):
    with open(os.path.join(WEIGHTS, "model.safetensors"), "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(size)), f.read()
    del header["__metadata__"]  # the self-test of the three channels
    parts, at = [], 0
    for name, about in header.items():
        begin, end = about["data_offsets"]
        part = data[begin:end]
        if name == FIRST:
            whole = np.frombuffer(part, "<f2").reshape(about["shape"]).astype(np.float32)
            about["shape"][1] = 1
            part = whole.sum(1).astype("<f2").tobytes()
        about["data_offsets"] = [at, at + len(part)]
        at += len(part)
        parts.append(part)
    text = json.dumps(header).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
    with open(os.path.join(WEIGHTS, "config.json")) as f:
        config = json.load(f)
    config["num_channels"] = 1
    for name, content in (("config.json", config), ("preprocessor_config.json", SPECTROGRAM)):
        with open(os.path.join(folder, name), "w") as f:
            json.dump(content, f)


def main(out):
    with tempfile.TemporaryDirectory() as folder:
        write_wav(os.path.join(folder, "calls.wav"))
        write_model(folder)
        done = subprocess.run([CLASSIFY, "--model", folder, "--format", "jsonl", "--attention", folder, os.path.join(folder, "calls.wav")],
                              stdout=subprocess.PIPE, check=True, text=True)
        shutil.copyfile(json.loads(done.stdout)["attention"], out)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_sound_picture.py OUT.png")
    main(sys.argv[1])
