# python3 tests/golden/make_checkpoints.py    (numpy, torch)
"""Make the checkpoints of tests/data/torch: one small model (generated weights, seed 7) in every container and naming that users
have, a few tensors of every kind that torch.save writes (mixed*.pth), and files that must be refused. Needs numpy and torch.

tiny-input.npy and tiny-logits-*.npy: the reference's outputs; -f16 and -bf16 are computed with the rounded weights.
"""
import argparse
import json
import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import torch

import cvt_reference as ref

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "torch")
SEED = 7
TINY = dict(embed_dim=(4, 8, 12), num_heads=(1, 2, 3), depth=(1, 1, 1), num_classes=10)


def path(name):
    os.makedirs(os.path.dirname(os.path.join(OUT, name)), exist_ok=True)
    return os.path.join(OUT, name)


def save(value, name, **options):
    torch.save(value, path(name), **options)


def formula(name, shape):
    return torch.from_numpy(np.ascontiguousarray(ref.formula_tensor(name, shape, SEED)))


def converted(state, kind):
    return {n: t.to(kind) if t.is_floating_point() else t for n, t in state.items()}


def models():
    c = ref.config(**TINY)
    state = {}
    for n, shape in ref.shapes(c).items():
        state[n] = formula(n, shape)
        if n.endswith("running_var"):
            state[n.replace("running_var", "num_batches_tracked")] = torch.tensor(123, dtype=torch.int64)
    hf = {ref.hf_name(n): t for n, t in state.items()}

    save(state, "tiny-official.pth")
    save(state, "tiny-official-legacy.pth", _use_new_zipfile_serialization=False)
    save({"epoch": 3, "state_dict": state, "perf": 0.5}, "tiny-official-nested.pth")
    save({"encoder": {n: t for n, t in state.items() if not n.startswith("head")}}, "tiny-encoder.pth")
    save({"module." + n: t for n, t in state.items()}, "tiny-official-ddp.pth")
    save(converted(state, torch.float16), "tiny-official-f16.pth")
    save(converted(state, torch.bfloat16), "tiny-official-bf16.pth")

    flat = torch.cat([t.reshape(-1) for t in state.values() if t.is_floating_point()])
    views, at = {}, 0  # every tensor a view of one storage, one of them transposed
    for n, t in state.items():
        if t.is_floating_point():
            views[n] = t.t().contiguous().t() if n == "head.weight" else flat[at:at + t.numel()].view(t.shape)
            at += t.numel()
    save(views, "tiny-official-views.pth")

    save(hf, "tiny-hf/pytorch_model.bin")
    shards = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    home = {n: shards[i * 2 // len(hf)] for i, n in enumerate(hf)}
    for s in shards:
        save({n: t for n, t in hf.items() if home[n] == s}, f"tiny-hf-sharded/{s}")
    index = {"metadata": {"total_size": sum(t.numel() * t.element_size() for t in hf.values())}, "weight_map": home}
    with open(path("tiny-hf-sharded/pytorch_model.bin.index.json"), "w") as f:
        json.dump(index, f, indent=1)
    for folder in ("tiny-hf", "tiny-hf-sharded"):
        with open(path(f"{folder}/config.json"), "w") as f:
            json.dump(ref.hf_config(c), f, indent=1)

    image = ref.formula_image(32, 48, seed=SEED)
    np.save(path("tiny-input.npy"), image[None])
    for name, kind in (("", None), ("-f16", torch.float16), ("-bf16", torch.bfloat16)):
        rounded = {n: (t if kind is None else t.to(kind).float()).numpy() for n, t in state.items() if t.is_floating_point()}
        for g in ("quick", "erf"):
            logits = ref.forward(image, rounded, {**c, "gelu": g})["logits"]
            np.save(path(f"tiny-logits-{g}{name}.npy"), logits[None].astype(np.float32))


def mixed():
    base = formula("base.weight", (5, 6))
    state = OrderedDict([
        ("parameter.weight", torch.nn.Parameter(formula("parameter.weight", (3, 4)))),
        ("double.weight", formula("double.weight", (2, 3)).double() / 3),
        ("half.bias", formula("half.bias", (5,)).half()),
        ("bfloat.bias", formula("bfloat.bias", (5,)).bfloat16()),
        ("long.count", torch.tensor(2**40, dtype=torch.int64)),
        ("int.count", torch.tensor([1, -2, 3], dtype=torch.int32)),
        ("view.weight", base[1:4, 2:5].t()),
        ("base.weight", base),
        ("expanded.bias", formula("expanded.bias", (1,)).expand(4)),
        ("scalar.bias", formula("scalar.bias", (1,))[0]),
        ("empty.weight", torch.zeros(0, 3)),
    ])
    state._metadata = OrderedDict([("", {"version": 1})])  # as in Module.state_dict()
    save(state, "mixed.pth")
    save(state, "mixed-legacy.pth", _use_new_zipfile_serialization=False)
    save(state, "mixed-protocol4.pth", pickle_protocol=4)
    with zipfile.ZipFile(path("mixed.pth")) as original:
        for name, method in (("mixed-repacked.pth", zipfile.ZIP_STORED), ("refused-deflated.pth", zipfile.ZIP_DEFLATED)):
            with zipfile.ZipFile(path(name), "w", method) as z:  # without zip64, with a comment at the end
                z.comment = b"packed again"
                for n in original.namelist():
                    z.writestr(zipfile.ZipInfo(n), original.read(n), method)

    layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    with torch.no_grad():
        for n, p in layer.named_parameters():
            p.copy_(formula(n, p.shape))
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-9)
    layer(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    with torch.no_grad():
        for n, p in layer.named_parameters():
            p.copy_(formula(n, p.shape))
    save({"epoch": 1, "loss": torch.tensor(0.5), "model": layer.state_dict(), "optimizer": optimizer.state_dict(),
          "best": None, "done": False, "name": "run"}, "training.pth")


class Evil:
    def __reduce__(self):
        return os.system, ("touch cvt-pickle-was-executed",)


def refused():
    tensor = formula("head.weight", (2, 3))
    save({"head.weight": tensor, "payload": Evil()}, "hostile-reduce.pth")
    with open(path("hostile-bare-pickle.pth"), "wb") as f:
        f.write(pickle.dumps(Evil()))
    save({"state_dict": {"head.weight": tensor}, "args": argparse.Namespace(lr=0.1)}, "beside-namespace.pth")
    save([tensor], "refused-list.pth")


if __name__ == "__main__":
    models()
    mixed()
    refused()
