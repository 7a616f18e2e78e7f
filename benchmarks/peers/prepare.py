# What run and cold need before they measure, all of it under build/peers: the programs, ONNX Runtime, the models.
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "peers")
MODELS = os.path.join(BUILD, "models")
PROGRAMS = os.path.join(BUILD, "release")
NODE_MODULES = os.path.join(BUILD, "node_modules")
ONNXRUNTIME = "1.30.0"


def call(*command):
    """What the tools print goes to standard error: standard output is the table's."""
    try:
        status = subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode
    except FileNotFoundError:
        raise RuntimeError(f"{command[0]} is not installed") from None
    if status != 0:
        raise RuntimeError(f"{' '.join(command)} ended with status {status}")


def programs(*targets):
    """Builds with the release preset's flags, in a directory of its own, without the tests and what they need."""
    call("cmake", "--preset", "release", "-B", PROGRAMS, "-DCVT_BUILD_TESTS=OFF")
    call("cmake", "--build", PROGRAMS, "--target", *targets)
    return [os.path.join(PROGRAMS, target) for target in targets]


def onnxruntime():
    """Its CPU library is inside the npm package; install scripts would only fetch GPU ones."""
    marker = os.path.join(NODE_MODULES, f"onnxruntime-node-{ONNXRUNTIME}")
    if os.path.exists(marker):
        return
    os.makedirs(BUILD, exist_ok=True)
    call("npm", "install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--prefix", BUILD, f"onnxruntime-node@{ONNXRUNTIME}")
    open(marker, "w").close()


def models(variant, works=()):
    """Files of a variant, and for (size, batch) of `works` those that the peers read."""
    call("/usr/bin/python3", os.path.join(HERE, "make_models.py"), MODELS, variant, *(f"{size}:{batch}" for size, batch in works))
    return os.path.join(MODELS, variant + ".safetensors")
