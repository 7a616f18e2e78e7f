# python3 tests/golden/make_model_golden.py [small published w24]
"""Make golden outputs of whole models in float64, with cvt_reference.py, for the cases listed in tests/data/golden/*.cases.

Writes tests/data/golden/<list>.npy: float64, one dimension, for each case its outputs in sequence: logits (none without
a head), embedding, each stage's map, cls_attention (none without a class token). Of an output of n elements in row-major
order it keeps element i * n // m for i < m = min(n, LIMIT). Weights and image are made by formula from the case's seed.
W24 needs 6 GB of memory and some minutes.
"""
import os
import sys

import numpy as np

import cvt_reference as ref

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "golden")
LIMIT = {"small": 257, "published": 1000, "w24": 1000}
KEYS = {  # key in the list -> key in the configuration, its type, its default; per stage
    "heads": ("num_heads", int, "1"), "depth": ("depth", int, "1"), "patch": ("patch_size", int, "3"),
    "stride": ("patch_stride", int, "2"), "pad": ("patch_padding", int, "1"), "ratio": ("mlp_ratio", float, "4"),
    "bias": ("qkv_bias", lambda v: v == "1", "1"), "cls": ("cls_token", lambda v: v == "1", "0"),
    "method": ("qkv_proj_method", str, "dw_bn"), "kernel": ("kernel_qkv", int, "3"),
    "pad_kv": ("padding_kv", int, "1"), "stride_kv": ("stride_kv", int, "2"),
}


def parse(line):
    name, *words = line.split()
    given = dict(w.split("=") for w in words)
    size, seed = given.pop("size"), int(given.pop("seed", "0"))
    if "variant" in given:
        c = ref.config(given.pop("variant"), gelu=given.pop("gelu", "quick"))
    else:
        dims = tuple(int(v) for v in given.pop("dim").split(","))
        c = dict(embed_dim=dims, gelu=given.pop("gelu", "quick"), in_chans=int(given.pop("chans", "3")),
                 num_classes=int(given.pop("classes", "7")))
        for key, (field, kind, default) in KEYS.items():
            values = [kind(v) for v in given.pop(key, default).split(",")]
            c[field] = tuple(values * len(dims) if len(values) == 1 else values)
            assert len(c[field]) == len(dims), (name, key)
        c["stride_q"] = (1,) * len(dims)
        c["padding_q"] = tuple((k - 1) // 2 for k in c["kernel_qkv"])
    assert not given, (name, given)
    if size == "min":
        n = minimum(c)
        return name, c, n, n, seed
    h, w = size.split("x")
    return name, c, int(h), int(w), seed


def minimum(c):
    """Find the smallest square input that the reference runs without an error or an empty grid, by trial."""
    params = ref.formula_model(c)
    for n in range(1, 400):
        try:
            out = ref.forward(ref.formula_image(n, n, c["in_chans"]), params, c)
            if all(s.size for s in out["stages"]):
                return n
        except (ValueError, IndexError, ZeroDivisionError):
            pass
    raise AssertionError("no size fits")


def sample(a, limit):
    a = np.asarray(a, np.float64).ravel()
    m = min(a.size, limit)
    return a[[i * a.size // m for i in range(m)]]


def outputs(c, h, w, seed):
    out = ref.forward(ref.formula_image(h, w, c["in_chans"], seed), ref.formula_model(c, seed), c)
    every = [out["logits"]] if c["num_classes"] else []
    every += [out["embedding"], *out["stages"]]
    return every + ([out["cls_attention"]] if out["cls_attention"] is not None else [])


def main(lists):
    for which in lists:
        with open(os.path.join(DATA, which + ".cases")) as f:
            lines = [line for line in f if line.strip() and not line.startswith("#")]
        kept = []
        for line in lines:
            name, c, h, w, seed = parse(line)
            every = outputs(c, h, w, seed)
            assert all(np.isfinite(a).all() for a in every), name
            print(f"{name} {h}x{w}: " + " ".join(f"{np.asarray(a).shape}~{np.abs(a).max():.3g}" for a in every), flush=True)
            kept += [sample(a, LIMIT[which]) for a in every]
        np.save(os.path.join(DATA, which + ".npy"), np.concatenate(kept))


if __name__ == "__main__":
    main(sys.argv[1:] or ["small", "published", "w24"])
