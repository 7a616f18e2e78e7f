# Makes the files that the contestants of benchmarks/peers read: one model with generated weights in three formats, and images.
"""make_models.py FOLDER VARIANT [SIZE:BATCH ...]     (numpy, torch, onnx)

Writes FOLDER/VARIANT.safetensors for cvt and, if sizes are given, VARIANT.pth for PyTorch, VARIANT-SIZE-bBATCH.onnx for ONNX
Runtime, for batch 1 VARIANT-SIZE-b1-int8.onnx too, and images-SIZE-bBATCH.f32. The weights are those of tests/golden/cvt_reference.py. Existing files are kept.
"""
import os
import sys
import warnings

import numpy as np
import torch

import int8_onnx
from cvt_torch import CvT, load_state, ref


def make(path, write):
    """Writes a file under a temporary name first, so that an interrupted write leaves no file at `path`."""
    if not os.path.exists(path):
        print(f"making {path}", file=sys.stderr)
        write(path + ".part")
        os.replace(path + ".part", path)


def export(path, model, images):
    # Opset 17 has LayerNormalization as one operator; with fixed shapes ONNX Runtime plans everything before it runs.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, images, path, opset_version=17, do_constant_folding=True, input_names=["image"], output_names=["logits"])


def main(folder, variant, *works):
    os.makedirs(folder, exist_ok=True)
    stem = os.path.join(folder, variant)
    tensors = {}

    def weights():  # slow for W24, so only when a file is missing
        if not tensors:
            tensors.update((n, ref.formula_tensor(n, s)) for n, s in ref.shapes(ref.config(variant)).items())
        return tensors

    def state():
        return {n: torch.from_numpy(t) for n, t in weights().items()}

    make(stem + ".safetensors", lambda path: ref.save_safetensors(path, weights()))
    if works:
        make(stem + ".pth", lambda path: torch.save(state(), path))
    for size, batch in (map(int, work.split(":")) for work in works):
        images = np.stack([ref.formula_image(size, size, seed=i) for i in range(batch)])
        make(os.path.join(folder, f"images-{size}-b{batch}.f32"), images.tofile)
        make(f"{stem}-{size}-b{batch}.onnx",
             lambda path: export(path, load_state(CvT(variant, size, batch), state()), torch.from_numpy(images)))
        if batch == 1:
            make(f"{stem}-{size}-b1-int8.onnx", lambda path: int8_onnx.main(f"{stem}-{size}-b1.onnx", path))


if __name__ == "__main__":
    main(*sys.argv[1:])
