"""Writes a model of train_default.py for `classify` and transformers: F16 safetensors, config.json, preprocessor_config.json.

usage: export.py STATE OUT_DIR [--size 80]

STATE is train_default.py's state.pth; the weights are its EMA. The written preprocessing resizes the short side of a photo to --size
pixels and takes the middle square."""
import argparse
import json
import os
import sys

import numpy as np
import torch

import train_default as T
from pack_data import classes


def exported(state):
    """{transformers' name: F16 array} of the EMA."""
    model = T.build()
    n, b = T.sizes(model)
    tensors = T.Flat(model, torch.zeros(n), torch.zeros(b)).state_dict(state["ema"], state["ema_b"])
    out = {T.R.hf_name(k): tensors[k].half().numpy() for k in T.R.shapes(T.R.config(**T.DEFAULT))}
    assert all(np.isfinite(t).all() for t in out.values())
    return out


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("state"), a.add_argument("out"), a.add_argument("--size", type=int, default=80)
    a = a.parse_args()
    os.makedirs(a.out, exist_ok=True)
    state = torch.load(a.state)
    T.R.save_safetensors(f"{a.out}/model.safetensors", exported(state), {"format": "pt"})
    config = T.R.hf_config(T.R.config(**T.DEFAULT), [name for _, name in classes()])
    config.update(hidden_act="quick_gelu", image_size=a.size, torch_dtype="float16", num_stages=3, wordnet_ids=[i for i, _ in classes()])
    preprocessor = dict(do_normalize=True, do_resize=True, feature_extractor_type="ConvNextFeatureExtractor",
                        size={"shortest_edge": a.size}, crop_pct=1.0, resample=3,
                        image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])
    for name, value in (("config", config), ("preprocessor_config", preprocessor)):
        with open(f"{a.out}/{name}.json", "w", encoding="utf-8") as f:
            f.write(json.dumps(value, indent=1) + "\n")
    print({f: os.path.getsize(f"{a.out}/{f}") for f in sorted(os.listdir(a.out))}, f"after epoch {int(state['epoch'])}", file=sys.stderr)


if __name__ == "__main__":
    main()
