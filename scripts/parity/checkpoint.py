"""Reads any CvT checkpoint into PyTorch: a Hugging Face folder, .safetensors, .bin or .pth, with official or transformers' names.

Used by scripts/compare. It shares no code with the C++ reader, so that a mistake in one of them shows.
"""
import json
import os
import pickle
import struct
import sys
from dataclasses import dataclass

import numpy as np
import torch

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path += [os.path.join(ROOT, "tests", "golden"), os.path.join(ROOT, "weights", "train")]
import cvt_reference as ref  # noqa: E402
from cvt_torch import CvT  # noqa: E402

HF_KEYS = {"num_channels": "in_chans", "patch_sizes": "patch_size", "qkv_projection_method": "qkv_proj_method"}  # other keys have the same name


@dataclass
class Checkpoint:
    config: dict  # of cvt_reference.config()
    model: CvT  # float64, in evaluation mode
    folder: str  # with a config.json, or ""
    config_file: str  # the config.json that was read, or ""
    preprocessor: dict  # preprocessor_config.json, or empty
    image_size: int  # from config.json, otherwise the published size of the variant


def read_json(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def read_safetensors(path):
    kinds = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16, "I64": np.int64}
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        start, tensors = f.tell(), {}
        for name, t in header.items():
            if name == "__metadata__":
                continue
            begin, end = t["data_offsets"]
            f.seek(start + begin)
            a = np.frombuffer(f.read(end - begin), kinds[t["dtype"]]).reshape(t["shape"])
            if t["dtype"] == "BF16":  # the upper half of a float32
                a = (a.astype(np.uint32) << 16).view(np.float32)
            tensors[name] = torch.from_numpy(a.copy())
    return tensors


def read_weights(path, trust):
    if path.endswith(".json"):  # the index of a sharded checkpoint
        shards = sorted(set(read_json(path)["weight_map"].values()))
        return {n: t for s in shards for n, t in read_weights(os.path.join(os.path.dirname(path), s), trust).items()}
    with open(path, "rb") as f:
        if f.read(9)[8:] == b"{":
            return read_safetensors(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=not trust)
    except pickle.UnpicklingError as refused:
        why = str(refused).split(". ")[-1]
        sys.exit(f"{path}: PyTorch {torch.__version__} can only read it by running code from the file ({why}); --trust allows that")
    for key in ("state_dict", "model", "encoder"):  # a training checkpoint
        inner = state.get(key)
        if isinstance(inner, dict) and any(isinstance(v, torch.Tensor) for v in inner.values()):
            state = inner
            break
    return {n: t for n, t in state.items() if isinstance(t, torch.Tensor)}


def weights_of(model):
    if not os.path.isdir(model):
        return model
    for name in ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"):
        if os.path.exists(os.path.join(model, name)):
            return os.path.join(model, name)
    sys.exit(f"{model}: expected a model.safetensors or pytorch_model.bin in the folder, found neither")


def configuration(hf):
    given = {HF_KEYS.get(k, k): v for k, v in hf.items() if HF_KEYS.get(k, k) in ref.DEFAULTS or k in ("embed_dim", "num_heads", "depth")}
    return {**ref.config("cvt-13"), **{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}}


def recognise(names, state):
    """Returns the published variant whose widths and depths are those of the tensors."""
    def depth(i):
        return len({n.split(".")[2] for n in names if n.startswith(f"stage{i}.blocks.")})
    for variant, c in ref.VARIANTS.items():
        widths = tuple(state[names[f"stage{i}.patch_embed.proj.weight"]].shape[0] for i in range(3))
        if c["embed_dim"] == widths and c["depth"] == tuple(map(depth, range(3))):
            return variant
    sys.exit("the file has no configuration and is not a published variant: give one with --config FILE")


def official_names(state):
    """Returns {official name: name in the file}, and the naming scheme."""
    names = {}
    for name in state:
        short = name[len("module."):] if name.startswith("module.") else name
        if short.startswith("encoder.stages."):  # transformers' CvtModel
            short = "cvt." + short
        names[short] = name
    if not any(n.startswith("cvt.encoder.") for n in names):
        return names, "official"
    wide = ref.config("cvt-13", embed_dim=(1,) * 8, depth=(99,) * 8, cls_token=(True,) * 8,
                      **{k: (v[0],) * 8 for k, v in ref.DEFAULTS.items() if isinstance(v, tuple) and k != "cls_token"})
    return {n: names[ref.hf_name(n)] for n in ref.shapes(wide) if ref.hf_name(n) in names}, "transformers"


def load(path, config_file, gelu, trust):
    state = read_weights(weights_of(path), trust)
    names, naming = official_names(state)
    if "stage0.patch_embed.proj.weight" not in names:
        sys.exit(f"{path}: not a CvT: expected a tensor stage0.patch_embed.proj.weight, or transformers' name for it")
    folder = path if os.path.exists(os.path.join(path, "config.json")) else ""
    config_file = config_file or (os.path.join(folder, "config.json") if folder else "")
    hf = read_json(config_file) if config_file else {}
    variant = "" if hf else recognise(names, state)
    c = configuration(hf) if hf else ref.config(variant)
    hidden_act = {"quick_gelu": "quick", "gelu": "erf"}.get(hf.get("hidden_act"))
    c["gelu"] = gelu or hidden_act or ("quick" if naming == "official" else "erf")
    c["in_chans"] = state[names["stage0.patch_embed.proj.weight"]].shape[1]
    c["num_classes"] = len(state[names["head.weight"]]) if "head.weight" in names else 0

    model = CvT(c)
    if "norm.weight" not in names:
        model.norm = torch.nn.Identity()
    wanted = [n for n in model.state_dict() if not n.endswith("num_batches_tracked")]
    missing = [n for n in wanted if n not in names]
    if missing:
        sys.exit(f"{path}: {len(missing)} tensors are missing; the first is {missing[0]}")
    model.load_state_dict({n: state[names[n]].double() for n in wanted}, strict=False)
    beside = os.path.join(folder, "preprocessor_config.json")
    size = hf.get("image_size", 384 if variant == "cvt-w24" else 224)
    return Checkpoint(c, model.double().eval(), folder, config_file, read_json(beside) if folder and os.path.exists(beside) else {},
                      size[0] if isinstance(size, list) else size)
