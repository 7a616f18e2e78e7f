# /usr/bin/python3 tests/golden/make_protoclr.py [FOLDER]    (Debian's python3-torchaudio, python3-numpy)
"""Make tests/data/audio/protoclr.json: embeddings of sounds by ProtoCLR with generated weights, as its authors compute them.

The steps: mean of the channels, torchaudio's Resample to 16 kHz, 6 seconds (shorter sounds are repeated), MelSpectrogram, AmplitudeToDB,
min-max over the clip, (x - 0.5347) / 0.0772; then CvT-13 with one channel and the exact GELU, up to the final norm. Spectrogram and
network are in float64. With FOLDER, also write the four checkpoints and the config.json that the authors publish, with their names.
"""
import collections
import json
import os
import sys

import numpy as np
import torch
import torchaudio

import cvt_reference as ref
from make_audio import PROTOCLR, by_torchaudio, sound

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "data")
CONFIG = ref.config("cvt-13", in_chans=1, num_classes=0, gelu="erf")


def front_end(mono, rate):
    x = torchaudio.transforms.Resample(rate, 16000)(torch.from_numpy(mono))
    x = x.repeat(-(-96000 // len(x)))[:96000]
    return by_torchaudio(x.numpy(), PROTOCLR, torch.float64)


def embeddings():
    """Return {name: embedding} of a generated WAV of 16 bits, and of the FLAC file of tests/data/sounds."""
    pcm = np.rint(sound(44100, 6 * 44100).astype(np.float64) * 32768).astype(np.int16)
    samples, rate = torchaudio.load(os.path.join(DATA, "sounds", "16.flac"))
    sounds = {"wav": ((pcm / 32768).astype(np.float32), 44100), "flac": (samples.mean(0).numpy(), rate)}
    weights = ref.formula_model(CONFIG)
    return {name: ref.forward(front_end(*s)[None], weights, CONFIG)["embedding"] for name, s in sounds.items()}


def checkpoint(seed):
    names = collections.OrderedDict()
    for name, shape in ref.shapes(CONFIG).items():
        names[name] = torch.from_numpy(np.ascontiguousarray(ref.formula_tensor(name, shape, seed)))
        if name.endswith("running_var"):
            names[name.replace("running_var", "num_batches_tracked")] = torch.tensor(7)
    return names


def publish(folder):
    os.makedirs(folder, exist_ok=True)
    for seed, name in enumerate(("protoclr", "supcon", "simclr")):
        torch.save(checkpoint(seed), os.path.join(folder, name + ".pth"))
    head = {n: torch.from_numpy(ref.formula_tensor("head." + n, s, 3)) for n, s in (("weight", (10127, 384)), ("bias", (10127,)))}
    torch.save({"encoder": checkpoint(3), "classifier": head}, os.path.join(folder, "ce.pth"))
    three = {key.upper(): list(CONFIG[key]) for key in
             ("patch_size", "patch_stride", "patch_padding", "num_heads", "depth", "mlp_ratio", "qkv_bias", "cls_token",
              "qkv_proj_method", "kernel_qkv", "padding_kv", "stride_kv", "padding_q", "stride_q")}
    spec = {"INIT": "trunc_norm", "NUM_STAGES": 3, "DIM_EMBED": list(CONFIG["embed_dim"]), **three, "POS_EMBED": [False] * 3}
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump({"OUTPUT_DIR": "OUTPUT/", "MODEL": {"NAME": "cls_cvt", "SPEC": spec}, "TRAIN": {"IMAGE_SIZE": [224, 224]}}, f, indent=2)


def main():
    if len(sys.argv) > 1:
        publish(sys.argv[1])
    with open(os.path.join(DATA, "audio", "protoclr.json"), "w") as f:
        json.dump({name: [round(float(v), 9) for v in e] for name, e in embeddings().items()}, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
