"""Prints all figures for the card of a model of train_default.py as Markdown, by `classify --evaluate`, and by PyTorch for comparison.

usage: measure_default.py CLASSIFY MODEL TINY IMAGENETTE IMAGEWOOF [--photo FILE ...] [--no-torch] [--work DIR]

CLASSIFY is the built program, MODEL a folder that export.py wrote. TINY, IMAGENETTE and IMAGEWOOF are clones as for pack_data.py; their
validation photos are copied into one folder per class under --work (a temporary folder). --photo: prints the first five classes of these
photos."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

from pack_data import HERE, Repo, classes

ROOT = os.path.join(HERE, "../..")
TSV = os.path.join(HERE, "classes.tsv")


def lay_out(folder, items):
    """Writes items (repo, path, WordNet id) as files DIR/id/name, unless they exist."""
    items = list(items)
    if os.path.isdir(folder):
        return
    for repo in dict.fromkeys(r for r, _, _ in items):
        mine = [(p, i) for r, p, i in items if r is repo]
        for (path, i), data in zip(mine, repo.read([p for p, _ in mine])):
            os.makedirs(f"{folder}/{i}", exist_ok=True)
            with open(f"{folder}/{i}/{os.path.basename(path)}", "wb") as f:
                f.write(data)


def validation_sets(tiny, nette, woof):
    root = "tiny-imagenet-200/val/"
    notes = [n.split()[:2] for n in next(tiny.read([root + "val_annotations.txt"])).decode().splitlines()]
    yield "Tiny ImageNet", [(tiny, f"{root}images/{name}", i) for name, i in notes]
    for name, repo in (("Imagenette", nette), ("Imagewoof", woof)):
        yield name, [(repo, p, p.split("/")[1]) for p in sorted(repo.blobs) if p.startswith("val/")]


def by_classify(program, model, folder):
    out = subprocess.run([program, "--model", model, "--evaluate", folder, "--classes", TSV, "--workers", "2", "--format", "jsonl"],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)


def by_pytorch(model, folder):
    """Returns top-1 of the same weights in float32 in PyTorch, with Pillow's decoding and resizing."""
    import torch
    sys.path[:0] = [os.path.join(ROOT, "scripts/parity")]
    import checkpoint
    from preprocess import preprocess, rule_for
    loaded = checkpoint.load(model, "", "", False)
    net, preprocessor = loaded.model.float(), loaded.preprocessor
    rule, right, count = rule_for(preprocessor, loaded.image_size), 0, 0
    with torch.no_grad():
        for label, (wordnet, _) in enumerate(classes()):
            names = sorted(os.listdir(f"{folder}/{wordnet}")) if os.path.isdir(f"{folder}/{wordnet}") else []
            for at in range(0, len(names), 50):
                x = np.concatenate([preprocess(f"{folder}/{wordnet}/{n}", rule, preprocessor) for n in names[at:at + 50]])
                right += int((net(torch.from_numpy(x)).argmax(1) == label).sum())
                count += len(x)
    return right / count


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("classify"), a.add_argument("model"), a.add_argument("tiny"), a.add_argument("imagenette"), a.add_argument("imagewoof")
    a.add_argument("--photo", nargs="*", default=[]), a.add_argument("--no-torch", action="store_true"), a.add_argument("--work")
    a = a.parse_args()
    work = a.work or tempfile.mkdtemp()
    names, reports = [name for _, name in classes()], {}
    print("| validation photos | number | top-1 | top-5 |" + ("" if a.no_torch else " PyTorch's top-1 |"))
    print("|---|---|---|---|" + ("" if a.no_torch else "---|"))
    for name, items in validation_sets(*(Repo(p) for p in (a.tiny, a.imagenette, a.imagewoof))):
        folder = f"{work}/{name.replace(' ', '-').lower()}"
        lay_out(folder, items)
        r = reports[name] = by_classify(a.classify, a.model, folder)
        torchs = "" if a.no_torch else f" {by_pytorch(a.model, folder):.4f} |"
        print(f"| {name} | {r['images']:,} | {r['top1']:.4f} | {r['top5']:.4f} |{torchs}", flush=True)
    print("\nPer class, best first (top-1 / top-5; in brackets what is taken for it most often):\n")
    rows = []
    for name, r in reports.items():
        for c in r["classes"]:
            if name == "Imagewoof" and any(c["index"] == t["index"] for t in reports["Tiny ImageNet"]["classes"]):
                continue
            wrong = [w for w in r["confusions"] if w["expected"] == c["index"]][:2]
            rows.append((c["top1"], c["top5"], names[c["index"]], ", ".join(f"{names[w['found']]} {w['images']}" for w in wrong), c["images"]))
    rows.sort(reverse=True)
    print("| class | photos | top-1 | top-5 | taken for |\n|---|---|---|---|---|")
    for top1, top5, name, wrong, count in rows:
        print(f"| {name} | {count} | {top1:.2f} | {top5:.2f} | {wrong} |")
    print("\nMost frequent confusions on Tiny ImageNet's photos (of 50 a class):\n")
    for w in reports["Tiny ImageNet"]["confusions"][:15]:
        print(f"* {names[w['expected']]}, taken for {names[w['found']]}: {w['images']}")
    for photo in a.photo:
        out = subprocess.run([os.path.abspath(a.classify), "--model", os.path.abspath(a.model), os.path.basename(photo)], check=True,
                             stdout=subprocess.PIPE, text=True, cwd=os.path.dirname(os.path.abspath(photo))).stdout
        print(f"\n```\n{out.rstrip()}\n```")


if __name__ == "__main__":
    main()
