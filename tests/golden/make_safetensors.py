# python3 tests/golden/make_safetensors.py    (numpy)
"""Make the files of tests/data/checkpoint: a Hugging Face folder with the small model of tests/data/torch (generated weights, seed 7),
the same with int8 weights as compressed-tensors writes them (int8-logits.npy: of the image and GELU of tiny-logits-quick.npy), and
names.txt with the official name, the transformers name and the shape of every tensor of two configurations."""
import json
import os

import numpy as np

import cvt_reference as ref

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "checkpoint")
TINY = ref.config(embed_dim=(4, 8, 12), num_heads=(1, 2, 3), depth=(1, 1, 1), num_classes=10)
# Every option that changes names or shapes; tensor_names_test.cpp has the same configuration.
MIXED = ref.config(in_chans=1, num_classes=0, embed_dim=(6, 10), num_heads=(1, 2), depth=(1, 11), patch_size=(5, 3), patch_stride=(2, 2),
                   patch_padding=(1, 1), mlp_ratio=(2.5, 3.0), qkv_bias=(False, True), cls_token=(True, False),
                   qkv_proj_method=("avg", "dw_bn"), kernel_qkv=(3, 5), padding_q=(1, 2), padding_kv=(1, 2), stride_q=(1, 1),
                   stride_kv=(2, 2))

os.makedirs(os.path.join(OUT, "tiny-hf"), exist_ok=True)
with open(os.path.join(OUT, "tiny-hf", "config.json"), "w") as f:
    json.dump(ref.hf_config(TINY), f, indent=1)
state = {}
for name, shape in ref.shapes(TINY).items():
    state[ref.hf_name(name)] = np.ascontiguousarray(ref.formula_tensor(name, shape, 7))
    if name.endswith("running_var"):
        state[ref.hf_name(name.replace("running_var", "num_batches_tracked"))] = np.array(123, np.int64)
ref.save_safetensors(os.path.join(OUT, "tiny-hf", "model.safetensors"), state, {"format": "pt"})

def quantised(name):
    """Whether a writer of compressed-tensors quantises the tensor: linear layers, and here the convolutions of token embeddings."""
    return name.endswith(("proj_q.weight", "proj_k.weight", "proj_v.weight", "attn.proj.weight", "fc1.weight", "fc2.weight")) or (
        name.endswith("patch_embed.proj.weight") and not name.startswith("stage0."))


int8, values = {}, {}
for name, shape in ref.shapes(TINY).items():
    w = np.ascontiguousarray(ref.formula_tensor(name, shape, 7))
    if quantised(name):
        scale = np.abs(w).reshape(len(w), -1).max(axis=1).reshape(-1, *[1] * (w.ndim - 1)).astype(np.float32) / np.float32(127)
        q = np.clip(np.rint(w / scale), -127, 127).astype(np.int8)
        int8[ref.hf_name(name)], int8[ref.hf_name(name) + "_scale"] = q, scale
        w = q.astype(np.float32) * scale
    else:
        int8[ref.hf_name(name)] = w
    values[name] = w
os.makedirs(os.path.join(OUT, "tiny-int8"), exist_ok=True)
ref.save_safetensors(os.path.join(OUT, "tiny-int8", "model.safetensors"), dict(sorted(int8.items(), key=lambda t: -t[1].itemsize)))
config = {**ref.hf_config(TINY), "quantization_config": {"quant_method": "compressed-tensors", "format": "int-quantized"}}
with open(os.path.join(OUT, "tiny-int8", "config.json"), "w") as f:
    json.dump(config, f, indent=1)
logits = ref.forward(ref.formula_image(32, 48, seed=7), values, {**TINY, "gelu": "quick"})["logits"]
np.save(os.path.join(OUT, "tiny-int8", "int8-logits.npy"), logits[None].astype(np.float32))

with open(os.path.join(OUT, "names.txt"), "w") as f:
    for c in (TINY, MIXED):
        for name, shape in ref.shapes(c).items():
            print(name, ref.hf_name(name), *shape, file=f)
        print(file=f)
