# One contestant of benchmarks/peers: holds a model in PyTorch and answers each line of standard input with a line.
"""peer_torch.py MODEL VARIANT SIZE BATCH THREADS INPUT     MODEL: a state dict with official names

The commands are those of peer_cvt. The model is traced, frozen (which folds batch norm) and channels-last: the fastest of
eager, traced, frozen and optimize_for_inference, with either memory format.
"""
import json
import re
import sys
import time

import numpy as np
import torch

from cvt_torch import CvT, load_state


def blas():
    with open("/proc/self/maps") as maps:
        found = set(re.findall(r"/(lib(?:openblas|mkl|blis|atlas|blas)[\w.-]*\.so[\w.]*)", maps.read()))
    return " ".join(sorted(found)) or "unknown"


def peak_memory():
    """Returns the peak memory of the process so far, in bytes."""
    with open("/proc/self/status") as status:
        return 1024 * int(re.search(r"VmHWM:\s*(\d+)", status.read())[1])


def main(path, variant, size, batch, threads, input_path):
    size, batch, threads = int(size), int(batch), int(threads)
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    bare = peak_memory()
    module = CvT(variant, size, batch)
    load_state(module, torch.load(path))

    images = torch.from_numpy(np.fromfile(input_path, np.float32).reshape(batch, 3, size, size))
    with torch.inference_mode():
        images = images.contiguous(memory_format=torch.channels_last)
        model = torch.jit.trace(module.to(memory_format=torch.channels_last), images, check_trace=False)
        model = torch.jit.freeze(model)
        del module
        print(json.dumps({"bare_memory": bare, "version": torch.__version__, "blas": blas()}), flush=True)
        logits = None
        for line in sys.stdin:
            line = line.rstrip("\n")
            if line == "run":
                start = time.perf_counter()
                logits = model(images)
                print(1e3 * (time.perf_counter() - start), flush=True)
            elif line.startswith("logits "):
                logits.numpy().tofile(line[7:])
                print("written", flush=True)
            else:
                raise ValueError(f"unknown line: {line}")


if __name__ == "__main__":
    main(*sys.argv[1:])
