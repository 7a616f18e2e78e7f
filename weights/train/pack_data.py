"""Packs the training photos into a few .npy files, which train_default.py maps into memory.

usage: pack_data.py TINY IMAGENETTE IMAGEWOOF OUT

TINY, IMAGENETTE and IMAGEWOOF are clones (bare or not) of the public repositories seshuad/IMagenet, thunderInfy/imagenette and
thunderInfy/imagewoof on GitHub. Photos are read from git's objects, without a checkout. Classes are those of weights/classes.tsv,
in its order. OUT receives these files, photos as uint8 (photos, height, width, 3), labels as int64:

    tiny_train_x, _y   100,000 photos of Tiny ImageNet, 64 x 64
    tiny_val_x, _y      10,000, in the order of val_annotations.txt
    photo_train_x, _y   18,000 photos of Imagenette and Imagewoof, reduced to 64 x 64 as Tiny ImageNet's were
    photo_val_x, _y      7,800

Tiny ImageNet's photos look as if they were reduced by bilinear interpolation without antialiasing and saved as JPEG with quality 75. The
mean difference of neighbouring grey pixels is 17.2 in its 500 golden retrievers, 15.9 in Imagewoof's 949 reduced like that, and 12.3 in
those reduced by Pillow's bicubic filter. If the photos of some classes are smoother than those of the others, the model learns that."""
import io
import os
import subprocess
import sys

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))


def classes():
    """Returns [(WordNet id, common name)] of weights/classes.tsv."""
    with open(os.path.join(HERE, "../classes.tsv"), encoding="utf-8") as f:
        return [tuple(line.rstrip("\n").split("\t")) for line in f]


class Repo:
    """Reads files of a clone's newest commit by path, in the requested order."""

    def __init__(self, path):
        self.path = path
        tree = subprocess.run(["git", "-C", path, "ls-tree", "-r", "HEAD"], check=True, capture_output=True, text=True).stdout
        self.blobs = {line.split("\t")[1]: line.split()[2] for line in tree.splitlines()}

    def read(self, paths):
        process = subprocess.Popen(["git", "-C", self.path, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for p in paths:
            process.stdin.write(self.blobs[p].encode() + b"\n")
            process.stdin.flush()
            size = int(process.stdout.readline().split()[2])
            yield process.stdout.read(size)
            process.stdout.read(1)
        process.stdin.close()
        process.wait()


def reduced(image):
    """Returns the photo at 64 x 64, reduced as Tiny ImageNet's seem to be."""
    if image.size == (64, 64):
        return image
    scale = (image.width / 64, 0, 0, 0, image.height / 64, 0)
    jpeg = io.BytesIO()
    image.transform((64, 64), Image.AFFINE, scale, Image.BILINEAR).save(jpeg, "JPEG", quality=75)
    return Image.open(jpeg)


def pack(out, name, items):
    """items: [(repo, path, label)]."""
    photos, done = np.lib.format.open_memmap(f"{out}/{name}_x.npy", "w+", np.uint8, (len(items), 64, 64, 3)), 0
    for repo in dict.fromkeys(r for r, _, _ in items):
        paths = [p for r, p, _ in items if r is repo]
        for data in repo.read(paths):
            photos[done] = np.asarray(reduced(Image.open(io.BytesIO(data)).convert("RGB")))
            done += 1
    np.save(f"{out}/{name}_y.npy", np.array([label for _, _, label in items]))
    print(name, done, flush=True)


def main():
    tiny, nette, woof = (Repo(p) for p in sys.argv[1:4])
    out = sys.argv[4]
    os.makedirs(out, exist_ok=True)
    label = {c: i for i, (c, _) in enumerate(classes())}
    root = "tiny-imagenet-200/"
    train = sorted(p for p in tiny.blobs if p.startswith(root + "train/") and p.endswith(".JPEG"))
    pack(out, "tiny_train", [(tiny, p, label[p.split("/")[2]]) for p in train])
    notes = next(tiny.read([root + "val/val_annotations.txt"])).decode().splitlines()
    pack(out, "tiny_val", [(tiny, f"{root}val/images/{n.split()[0]}", label[n.split()[1]]) for n in notes])
    for part in ("train", "val"):
        items = [(r, p, label[p.split("/")[1]]) for r in (nette, woof) for p in sorted(r.blobs) if p.startswith(part + "/")]
        pack(out, f"photo_{part}", items)


if __name__ == "__main__":
    main()
