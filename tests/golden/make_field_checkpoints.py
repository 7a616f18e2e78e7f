# /usr/bin/python3 tests/golden/make_field_checkpoints.py    (Debian's python3-torch, python3-numpy)
"""Make the checkpoints of tests/data/field: one very small model (generated weights, seed 7) in the kinds of files that training
scripts write, and files that must be refused. Classes of packages that need not be installed (Lightning, yacs, OmegaConf, timm ...)
are stand-ins with the same qualified name and state: a pickle contains nothing else of a class.

Each file's name begins with the expected result: `loads-` (the logits of logits-quick.npy, or of logits-erf.npy with transformers'
names), `head-` (the same, with a warning), `encoder-` (no head), `refused-` (an error; cases.txt has a part of its text).
"""
import argparse
import collections
import datetime
import enum
import json
import os
import pathlib
import pickle
import random
import sys
import types

import numpy as np
import torch

import cvt_reference as ref

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "field")
SEED = 7
CONFIG = dict(embed_dim=(2, 4), num_heads=(1, 2), depth=(1, 1), num_classes=3, patch_size=(3, 3), patch_stride=(2, 2),
              patch_padding=(1, 1), mlp_ratio=(1.0, 1.0), qkv_bias=(True, True), cls_token=(False, True),
              qkv_proj_method=("dw_bn", "linear"), kernel_qkv=(3, 3), padding_q=(1, 1), padding_kv=(1, 1), stride_q=(1, 1),
              stride_kv=(2, 2))
CASES = []


def stand_in(qualified, bases=(object,), **members):
    """Make a class that pickles as `module.name`, whether or not that package is installed."""
    module, name = qualified.rsplit(".", 1)
    parts = module.split(".")
    for i in range(len(parts)):
        part = ".".join(parts[:i + 1])
        if part not in sys.modules:
            sys.modules[part] = types.ModuleType(part)
    kind = type(name, bases, {"__module__": module, **members})
    setattr(sys.modules[module], name, kind)
    return kind


def save(value, name, part="", **options):
    CASES.append((name, part))
    torch.save(value, os.path.join(OUT, name), **options)


def write(data, name, part):
    CASES.append((name, part))
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)


def formula(name, shape):
    return torch.from_numpy(np.ascontiguousarray(ref.formula_tensor(name, shape, SEED)))


def in_one_storage(names):
    """Return the same tensors as views of one storage, which makes small files."""
    flat, at, views = torch.cat([t.reshape(-1) for t in names.values()]), 0, collections.OrderedDict()
    for n, t in names.items():
        views[n] = flat[at:at + t.numel()].view(t.shape)
        at += t.numel()
    return views


c = ref.config(**CONFIG)
state = in_one_storage({n: formula(n, shape) for n, shape in ref.shapes(c).items()})
hf = {ref.hf_name(n): t for n, t in state.items()}


def renamed(front, names=state):
    return {front + n: t for n, t in names.items()}


def with_head(stem, names, old):
    return {(stem + n[len(old):] if n.startswith(old) else n): t for n, t in names.items()}


# ---------------------------------------------------------------- the values beside the weights
class Phase(enum.Enum):
    TRAIN = 1


def beside():
    attribute_dict = stand_in("pytorch_lightning.utilities.parsing.AttributeDict", (dict,))
    cfg_node = stand_in("yacs.config.CfgNode", (dict,))
    dict_config = stand_in("omegaconf.dictconfig.DictConfig")
    metadata = stand_in("omegaconf.base.ContainerMetadata")
    any_node = stand_in("omegaconf.nodes.AnyNode")
    options_class = stand_in("train.Options")
    Phase.__module__ = "train"
    Phase.__qualname__ = "Phase"
    sys.modules["train"].Phase = Phase

    node = cfg_node(NAME="cls_cvt", SPEC=cfg_node(DEPTH=[1, 1]))
    node.__dict__.update({"__immutable__": False, "__deprecated_keys__": set()})
    omega, content = dict_config(), any_node()
    content.__dict__.update({"_metadata": metadata(), "_parent": omega, "_val": 0.1})  # a cycle
    omega.__dict__.update({"_metadata": metadata(), "_parent": None, "_content": {"lr": content}})
    options = options_class()
    options.__dict__.update({"lr": 0.1, "milestones": (30, 60), "device": torch.device("cpu")})
    everything = {
        "args": argparse.Namespace(lr=1e-3, data="/data/imagenet", model="cvt_13"),
        "best_acc": np.float64(81.6), "acc": np.float32(0.5), "curve": np.arange(3.0), "epoch": 7,
        "scheduler": {"milestones": collections.Counter([30, 60]), "T": float("inf")},
        "size": torch.Size([224, 224]), "device": torch.device("cuda:0"), "dtype": torch.bfloat16,
        "rng": torch.get_rng_state(), "python_rng": random.Random(1).getstate(), "mask": torch.tensor([True, False]),
        "short": torch.tensor([1], dtype=torch.int16), "char": torch.tensor([-1], dtype=torch.int8),
        "complex_tensor": torch.tensor([1 + 2j]), "complex": 1 + 2j, "bytes": b"\x00\xff", "big": 1 << 100,
        "hyper_parameters": attribute_dict(lr=0.1), "cfg": node, "omega": omega, "options": options, "phase": Phase.TRAIN,
        "default": collections.defaultdict(list, a=[1]), "set": {1, 2}, "frozen": frozenset({3}),
        "when": datetime.datetime(2024, 1, 2), "path": pathlib.PurePosixPath("/runs/7"), "range": range(3), "slice": slice(1),
        "loss": torch.tensor(0.25), "optimizer": {"state": {0: {"exp_avg": torch.zeros(2, 2), "step": torch.tensor(1.0)}}},
    }
    everything["python_rng"] = everything["python_rng"][:1] + (everything["python_rng"][1][:9],) + everything["python_rng"][2:]
    everything["rng"] = everything["rng"][:16].clone()
    for protocol in (2, 4):
        save({"model": state, **everything}, f"loads-beside-protocol{protocol}.pth", pickle_protocol=protocol)
    save({"model": state, **everything}, "loads-beside-legacy.pth", _use_new_zipfile_serialization=False)
    save(attribute_dict(state_dict=state, epoch=1), "loads-dict-subclass.pth")
    save(options_with(state), "loads-in-an-object.pth")
    save({"model": state, "graph": torch.eye(2).to_sparse()}, "loads-beside-sparse.pth")


def options_with(weights):
    holder = stand_in("train.Checkpoint")()
    holder.__dict__.update({"weights": weights, "epoch": 1})
    return holder


# ---------------------------------------------------------------- the places of the weights
def wrappers():
    for key in ("model_state_dict", "net", "module", "weights", "params", "ema"):
        save({key: state, "loss": torch.tensor(1.0)}, f"loads-key-{key}.pth")
    save({"a": {"b": {"c": state}}}, "loads-dictionaries.pth")
    save((state, {"epoch": 1}), "loads-tuple.pth")
    save([{"epoch": 1}, state], "loads-list.pth")
    save({"state_dict": renamed("model.", hf)}, "loads-hf-prefix.pth")
    save({n.removeprefix("cvt."): t for n, t in hf.items() if n.startswith("cvt.")}, "encoder-hf-bare.pth")
    for front in ("model.", "backbone.", "module._orig_mod.", "_orig_mod.module."):
        save({"state_dict": renamed(front), "epoch": 1}, f"loads-prefix-{front}pth")
    save({"state_dict": {**renamed("model."), "criterion.weight": torch.ones(5)}}, "loads-beside-criterion.pth")
    save({"model": state, "model_ema": renamed("module.", in_one_storage({n: t + 1 for n, t in state.items()}))}, "refused-two-sets.pth",
         "2 sets of weights are whole models: model (60 tensors")
    save({"state_dict": {n: t for n, t in state.items() if "norm1" not in n}}, "refused-incomplete.pth", "missing: stage0.blocks.0.norm1")
    save({"state_dict": {"conv1.weight": torch.ones(1)}}, "refused-other-model.pth", "not a CvT")
    save({**state, "stage1.blocks.1.norm1.weight": torch.ones(4)}, "refused-deeper.pth", "unexpected: stage1.blocks.1.norm1.weight")
    save({n: (t.to(torch.complex64) if n == "norm.bias" else t) for n, t in state.items()}, "refused-complex-weight.pth",
         "norm.bias: not read: torch.ComplexFloatStorage")


def heads():
    save(with_head("fc.", state, "head."), "head-fc.pth")
    save(with_head("head.0.", state, "head."), "head-sequential.pth")
    save(with_head("classifier.1.", hf, "classifier."), "head-hf-sequential.pth")
    save({**{"backbone." + n: t for n, t in state.items() if not n.startswith("head.")}, "linear.weight": state["head.weight"],
          "linear.bias": state["head.bias"]}, "head-outside.pth")
    save({n: t for n, t in state.items() if not n.startswith("head.")}, "encoder-no-head.pth")
    save({**{n: t for n, t in state.items() if not n.startswith("head.")}, "a.weight": torch.ones(3, 4), "a.bias": torch.ones(3),
          "b.weight": torch.ones(4, 4), "b.bias": torch.ones(4)}, "encoder-two-heads.pth")
    # Heads of more than one layer: their linear layer alone would give wrong numbers.
    encoder = {n: t for n, t in state.items() if not n.startswith("head.")}
    save({**encoder, "head.0.weight": torch.ones(4), "head.0.bias": torch.zeros(4), "head.1.weight": state["head.weight"],
          "head.1.bias": state["head.bias"]}, "encoder-norm-and-head.pth")
    save({**encoder, "fc1.weight": torch.ones(6, 4), "fc1.bias": torch.zeros(6), "fc2.weight": torch.ones(3, 6),
          "fc2.bias": torch.zeros(3)}, "encoder-two-layers.pth")


def modules():
    """Make a module as torch.save(model) saves it, with classes from a script."""
    module = stand_in("cls_cvt.ConvolutionalVisionTransformer", (torch.nn.Module,))

    def tree(names):
        m = module()
        for name, t in names.items():
            at, parts = m, name.split(".")
            for part in parts[:-1]:
                if part not in at._modules:
                    at.add_module(part, module())
                at = at._modules[part]
            (at.register_buffer if "running" in name else at.register_parameter)(
                parts[-1], t if "running" in name else torch.nn.Parameter(t))
        return m

    save(tree(state), "loads-module.pth")
    save({"model": tree(renamed("module."))}, "loads-module-ddp.pth")
    save(module(), "refused-module-without-tensors.pth", "save model.state_dict()")


class Evil:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def refused():
    for name, function in (("system", os.system), ("eval", eval), ("exec", exec)):
        save({"model": state, "payload": Evil(function, "open('cvt-pickle-was-executed', 'w')")}, f"refused-hostile-{name}.pth",
             f"refused {'posix' if function is os.system else '__builtin__'}.{function.__name__}")
    harmless = stand_in("some.package.function")
    weights = dict(state)
    weights["norm.bias"] = Evil(harmless)
    save(weights, "refused-object-as-weight.pth", "missing: norm.bias")
    save({"epoch": 3}, "refused-no-tensors.pth", "no tensors found")
    save({"net": {k: v.numpy() for k, v in state.items()}}, "refused-numpy-arrays.pth", "is a NumPy array: save torch.from_numpy()")


def main():
    os.makedirs(OUT, exist_ok=True)
    for name in os.listdir(OUT):
        os.remove(os.path.join(OUT, name))
    beside()
    wrappers()
    heads()
    modules()
    refused()
    with open(os.path.join(OUT, "config.json"), "w") as f:
        json.dump(ref.hf_config(c), f)
        f.write("\n")
    with open(os.path.join(OUT, "cases.txt"), "w") as f:
        for name, part in sorted(CASES):
            f.write(f"{name} {part}\n")
    image = ref.formula_image(16, 16, seed=SEED)
    np.save(os.path.join(OUT, "input.npy"), image[None])
    weights = {n: t.numpy() for n, t in state.items()}
    for g in ("quick", "erf"):
        np.save(os.path.join(OUT, f"logits-{g}.npy"), ref.forward(image, weights, {**c, "gelu": g})["logits"][None].astype(np.float32))


if __name__ == "__main__":
    main()
