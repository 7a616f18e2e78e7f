#!/bin/sh
# published_files.sh PROGRAM: makes full-size PyTorch files with generated weights in a temporary folder (2.6 GB), and checks how
# the library reads them, how fast and with how much memory. Each memory measurement is a separate process. Exit status 77: no PyTorch.
set -eu
program=$1
here=$(dirname "$0")
if ! /usr/bin/python3 -c 'import numpy, torch' 2>/dev/null; then
    echo "python3-torch is not installed: nothing was checked"
    exit 77
fi
CVT_PUBLISHED_FILES=$(mktemp -d)
export CVT_PUBLISHED_FILES
trap 'rm -r "$CVT_PUBLISHED_FILES"' EXIT
trap 'exit 130' INT TERM

failed=0
check() { "$program" "$1" || failed=1; }

/usr/bin/python3 "$here/make_published.py" "$CVT_PUBLISHED_FILES" cvt-13 cvt-21
check "pytorch_model.bin of CvT-13 and CvT-21: the reference's outputs"
check "loading CvT-13 from .bin takes no longer than 1.2 x .safetensors"
check "memory of cvt-13 from .bin"
check "memory of cvt-13 from .safetensors"
/usr/bin/python3 "$here/make_published.py" "$CVT_PUBLISHED_FILES" cvt-w24
check "memory of cvt-w24 from .pth"
check "official .pth of CvT-W24: the reference's outputs in 1.25 x its weights"
check "converting cvt-w24"
rm "$CVT_PUBLISHED_FILES/cvt-w24.pth"
check "memory of cvt-w24 from .safetensors"
check "cvt-w24 converted is the same model"
exit $failed
