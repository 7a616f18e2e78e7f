# /usr/bin/python3 tests/golden/make_published.py FOLDER [cvt-13 cvt-21 cvt-w24]    (numpy, torch; 0.4 GB of files, 1.1 GB more with cvt-w24)
"""Make the published models in full size in their usual files, with generated weights: FOLDER/cvt-13 and FOLDER/cvt-21 are Hugging Face
folders with a pytorch_model.bin, FOLDER/cvt-13-safetensors the same weights in a model.safetensors, FOLDER/cvt-w24.pth an
official state dict. tests/golden/published_files.sh runs the library on them.
"""
import json
import os
import sys

import numpy as np
import torch

import cvt_reference as ref


def state_dict(c, rename):
    state = {}
    for n, shape in ref.shapes(c).items():
        state[rename(n)] = torch.from_numpy(np.ascontiguousarray(ref.formula_tensor(n, shape)))
        if n.endswith("running_var"):
            state[rename(n.replace("running_var", "num_batches_tracked"))] = torch.tensor(0, dtype=torch.int64)
    return state


def folder(out, c):
    os.makedirs(out)
    with open(os.path.join(out, "config.json"), "w") as f:
        json.dump(ref.hf_config(c), f, indent=1)


def main(out, names):
    for name in names:
        c = ref.config(name)
        if name == "cvt-w24":
            torch.save(state_dict(c, lambda n: n), os.path.join(out, "cvt-w24.pth"))
            continue
        state = state_dict(c, ref.hf_name)
        folder(os.path.join(out, name), c)
        torch.save(state, os.path.join(out, name, "pytorch_model.bin"))
        if name == "cvt-13":
            folder(os.path.join(out, name + "-safetensors"), c)
            tensors = {n: t.numpy() for n, t in state.items()}
            ref.save_safetensors(os.path.join(out, name + "-safetensors", "model.safetensors"), tensors, {"format": "pt"})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or ["cvt-13", "cvt-21", "cvt-w24"])
