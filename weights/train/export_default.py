"""Writes the trained EMA weights as the files of weights/: HF names, F16 safetensors, config.json, preprocessor_config.json.

usage: export_default.py ema.pth OUT_DIR [--size 128]"""
import argparse
import json
import os
import sys

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/golden"))
import cvt_reference as R  # noqa: E402

NANO = dict(embed_dim=(32, 96, 192), num_heads=(1, 3, 6), depth=(1, 1, 4), num_classes=10)
LABELS = ["tench", "English springer", "cassette player", "chain saw", "church", "French horn", "garbage truck", "gas pump",
          "golf ball", "parachute"]
a = argparse.ArgumentParser()
a.add_argument("ema"), a.add_argument("out"), a.add_argument("--size", type=int, default=128)
a = a.parse_args()
os.makedirs(a.out, exist_ok=True)
c = R.config(**NANO)
state = torch.load(a.ema, map_location="cpu")
tensors = {R.hf_name(n): state[n].half().numpy().astype(np.float16) for n in R.shapes(c)}
assert all(np.isfinite(t).all() for t in tensors.values())
R.save_safetensors(f"{a.out}/model.safetensors", tensors, {"format": "pt"})
config = R.hf_config(c, LABELS)
config.update(hidden_act="quick_gelu", image_size=a.size, torch_dtype="float16", num_stages=3)
json.dump(config, open(f"{a.out}/config.json", "w"), indent=1)
json.dump(dict(do_normalize=True, do_resize=True, feature_extractor_type="ConvNextFeatureExtractor", size={"height": a.size, "width": a.size},
               resample=3, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225]),
          open(f"{a.out}/preprocessor_config.json", "w"), indent=1)
print({f: os.path.getsize(f"{a.out}/{f}") for f in os.listdir(a.out)})
