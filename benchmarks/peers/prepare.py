# Prepares run and cold: builds the programs, installs ONNX Runtime and makes the models, all under build/peers.
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
    """Runs a command. Its output goes to standard error, as standard output is for the table."""
    try:
        status = subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode
    except FileNotFoundError:
        raise RuntimeError(f"{command[0]} is not installed") from None
    if status != 0:
        raise RuntimeError(f"{' '.join(command)} ended with status {status}")


def programs(*targets):
    """Builds with the release preset's flags, in a separate folder, without the tests and their packages."""
    call("cmake", "--preset", "release", "-B", PROGRAMS, "-DCVT_BUILD_TESTS=OFF")
    call("cmake", "--build", PROGRAMS, "--target", *targets)
    return [os.path.join(PROGRAMS, target) for target in targets]


def onnxruntime():
    """Installs ONNX Runtime. The npm package contains the CPU library; its install scripts would only fetch GPU libraries."""
    marker = os.path.join(NODE_MODULES, f"onnxruntime-node-{ONNXRUNTIME}")
    if os.path.exists(marker):
        return
    os.makedirs(BUILD, exist_ok=True)
    call("npm", "install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--prefix", BUILD, f"onnxruntime-node@{ONNXRUNTIME}")
    open(marker, "w").close()


def models(variant, works=()):
    """Makes the files of a variant, and for each (size, batch) of `works` those that the peers read."""
    call("/usr/bin/python3", os.path.join(HERE, "make_models.py"), MODELS, variant, *(f"{size}:{batch}" for size, batch in works))
    return os.path.join(MODELS, variant + ".safetensors")
