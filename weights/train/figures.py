"""Measures the built-in model, weights/, and writes every figure that names it: the card, the README, its picture, the documents.

usage: figures.py TINY IMAGENETTE IMAGEWOOF [--no-torch] [--work DIR]

TINY, IMAGENETTE and IMAGEWOOF are clones as for pack_data.py; their photos are copied into one folder per class under --work (a temporary
folder). Needs build/release, built with the weights that are measured, and what docs/make_picture.py needs. PyTorch computes the top-1
accuracy a second time, with Pillow's pixels. What the commands of a document print is written into that document; a text that this script
does not find is an error. docs/images/page.jpg is the browser test's light.png instead (CVT_SCREENSHOTS)."""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

from pack_data import HERE, Repo, classes

ROOT = os.path.abspath(os.path.join(HERE, "../.."))
WEIGHTS, TSV = os.path.join(ROOT, "weights"), os.path.join(ROOT, "weights/classes.tsv")
CLASSIFY = os.path.join(ROOT, "build/release/classify")
PHOTOS = ["examples/images/chelsea.png", "examples/images/coffee.jpg"]  # of scripts/classify-demo


def printed(*command, **environment):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, **environment}).stdout


def rewrite(path, *changes):
    """Replaces the one match of each (regular expression, text) of a file of the repository."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        text = f.read()
    for pattern, new in changes:
        text, count = re.subn(pattern, lambda _: new, text, flags=re.S)
        if count != 1:
            sys.exit(f"{path}: expected one match of {pattern}, found {count}")
    with open(os.path.join(ROOT, path), "w", encoding="utf-8") as f:
        f.write(text)


def percent(share, digits=1):
    return f"{100 * share:.{digits}f} %"


def table(header, rows):
    line = lambda cells: "| " + " | ".join(map(str, cells)) + " |\n"
    return line(header) + "|" + "---|" * len(header) + "\n" + "".join(map(line, rows))


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


def by_classify(folder):
    return json.loads(printed(CLASSIFY, "--evaluate", folder, "--classes", TSV, "--workers", "2", "--format", "jsonl"))


def by_pytorch(folder):
    """Returns top-1 of the same weights in float32 in PyTorch, with Pillow's decoding and resizing."""
    import torch
    sys.path[:0] = [os.path.join(ROOT, "scripts/parity")]
    import checkpoint
    from preprocess import preprocess, rule_for
    loaded = checkpoint.load(WEIGHTS, "", "", False)
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


def accuracy_of_classes(reports):
    """Rows (class, photos, top-1, top-5, what is taken for it), best first."""
    names, rows = [name for _, name in classes()], []
    for name, r in reports.items():
        for c in r["classes"]:
            if name == "Imagewoof" and any(c["index"] == t["index"] for t in reports["Tiny ImageNet"]["classes"]):
                continue
            wrong = sorted((w for w in r["confusions"] if w["expected"] == c["index"]), key=lambda w: -w["images"])[:2]
            taken = ", ".join(f"{names[w['found']]} {w['images']}" for w in wrong)
            rows.append((names[c["index"]], c["images"], f"{c['top1']:.2f}", f"{c['top5']:.2f}", taken))
    return sorted(rows, key=lambda row: (-float(row[2]), -float(row[3]), row[0]))


def card(reports, torch):
    names = [name for _, name in classes()]
    out = table(["validation photos", "number", "top-1", "top-5"] + ["PyTorch's top-1"] * bool(torch),
                [[name, f"{r['images']:,}", percent(r["top1"], 2), percent(r["top5"], 2)] + ([percent(torch[name], 2)] if torch else [])
                 for name, r in reports.items()])
    confusions = sorted(reports["Tiny ImageNet"]["confusions"], key=lambda w: -w["images"])[:15]
    out += "\nThe most frequent confusions on Tiny ImageNet, of 50 photos per class:\n\n"
    out += table(["class", "taken for", "photos"], [[names[w["expected"]], names[w["found"]], w["images"]] for w in confusions])
    out += "\nEach class, best first, with what it is taken for most often:\n\n"
    return out + table(["class", "photos", "top-1", "top-5", "taken for"], accuracy_of_classes(reports))


def rows_of_precision(folder):
    """Rows of docs/precision.md: float32, and int8 with both kinds of kernels."""
    rows = []
    for inputs, kernels in (("8 bits", "avx512_vnni"), ("7 bits", "avx2")):
        out = printed(sys.executable, "scripts/compare-precision", folder, "--classes", TSV, "--threads", "2", CVT_FORCE_KERNELS=kernels)
        values = {line[:20].split(",")[0].strip(): line[20:].split(" / ") for line in out.splitlines()}
        cosines = re.findall(r"cosine, \w+ +([\d.]+)", out)
        if not rows:
            rows.append(["float32", values["top1"][0], values["top5"][0], "", "", ""])
        rows.append([f"{inputs} (`{kernels}`)", values["top1"][1], values["top5"][1], values["same first class"][0], *cosines])
    return table(["inputs", "top-1", "top-5", "same top class", "cosine of embeddings, mean", "worst"], rows)


def draw_report(train, folder):
    """Draws the report of --learn for 20 photos of each class."""
    names = dict(classes())
    for wordnet in sorted(os.listdir(train)):
        os.makedirs(f"{folder}/photos/{names[wordnet]}", exist_ok=True)
        for i, photo in enumerate(sorted(os.listdir(f"{train}/{wordnet}"))[:20]):
            shutil.copy(f"{train}/{wordnet}/{photo}", f"{folder}/photos/{names[wordnet]}/{i + 1:02}.jpg")
    shutil.rmtree(f"{folder}/my-classes", ignore_errors=True)
    command = ["classify", "--learn", "photos", "--convert", "my-classes"]
    report = subprocess.run([CLASSIFY, *command[1:]], check=True, stdout=subprocess.PIPE, text=True, cwd=folder).stdout
    subprocess.run([sys.executable, f"{ROOT}/docs/make_report_picture.py", f"{ROOT}/docs/images/learn.png"], check=True, text=True,
                   input=f"$ {' '.join(command)}\n{report}")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("tiny"), a.add_argument("imagenette"), a.add_argument("imagewoof")
    a.add_argument("--no-torch", action="store_true"), a.add_argument("--work")
    a = a.parse_args()
    work, nette = os.path.abspath(a.work or tempfile.mkdtemp()), Repo(a.imagenette)
    lay_out(f"{work}/imagenette/train", [(nette, p, p.split("/")[1]) for p in sorted(nette.blobs) if p.startswith("train/")])
    reports, torch = {}, {}
    for name, items in validation_sets(Repo(a.tiny), nette, Repo(a.imagewoof)):
        folder = f"{work}/{name.replace(' ', '-').lower()}/val"
        lay_out(folder, items)
        reports[name] = by_classify(folder)
        if not a.no_torch:
            torch[name] = by_pytorch(folder)
        print(name, reports[name]["top1"], reports[name]["top5"], torch.get(name), flush=True)
    rewrite("weights/CARD.md", (r"(?<=<!-- figures -->\n\n).*(?=\n<!-- /figures -->)", card(reports, torch)))

    demo = printed(CLASSIFY, *PHOTOS)
    first, probability = re.search(r"\n +([\d.]+ %)  ([^\n]*)", demo).group(2, 1)
    rewrite("README.md", (r"(?<=\$ scripts/classify-demo\n\.\.\.\n).*?(?=```)", demo),
            (r"(?<=its five classes, ).*?(?=; and the photo again)", f"{first} first with {probability}"),
            (r"(?<= of )[\d.]+ %(?=\s+on Tiny)", percent(reports["Tiny ImageNet"]["top1"])))
    for photo in sorted(glob.glob(f"{ROOT}/examples/images/*.[jp][pn]g")):
        best = json.loads(printed(CLASSIFY, "--format", "jsonl", photo))["top"][0]
        rewrite("examples/images/README.md", (f"(?<=\\| `{os.path.basename(photo)}` \\| )[^|]*(?= \\|)", f"{best['label']}, {best['probability']:.2f}"))
    record = printed("sh", "-c", """echo '{"path": "examples/images/coffee.jpg", "id": 42}' | build/release/classify --format jsonl --top-k 1 -""")
    rewrite("docs/cluster/streams.md", (r'(?<=classify --format jsonl --top-k 1 -\n)\{"path": "examples[^\n]*\n', record))
    rewrite("docs/precision.md", (r"\| inputs \| top-1 .*?\n(?=\n)", rows_of_precision(f"{work}/imagenette/val")))
    rewrite("docs/command-line.md", (r"\| head \| top-1 .*?\n(?=\n)", printed("scripts/learn-imagenette", f"{work}/imagenette")))
    printed(sys.executable, "docs/make_picture.py", PHOTOS[0], "docs/images/classify.jpg")
    printed(sys.executable, "docs/make_sound_picture.py", "docs/images/spectrogram.png")
    draw_report(f"{work}/imagenette/train", f"{work}/report")


if __name__ == "__main__":
    main()
