# Makes tests/data/head_trainer with scikit-learn: /usr/bin/python3 tests/golden/make_head_trainer.py build/release/classify
"""Three data sets, each with the heads, folds and held-out accuracies that train_head must give. Needs Debian's python3-sklearn and
python3-pil; the program embeds the drawn pictures with the built-in model."""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageDraw
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

STRENGTHS = [0.001, 0.1, 10]
FOLDS = 5
OUT = pathlib.Path(__file__).parent.parent / "data" / "head_trainer"


def clusters():
    """Four overlapping classes of unequal sizes, far from the origin."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), [40, 25, 12, 30])
    return 0.7 * rng.normal(size=(4, 16))[labels] + rng.normal(size=(len(labels), 16)) + 3, labels


def two_classes():
    """One row in six is of class 1. Column 3 is constant, and the columns have very different scales."""
    rng = np.random.default_rng(2)
    labels = (np.arange(90) % 6 == 0).astype(int)
    rows = rng.normal(size=(90, 12)) + 0.5 * labels[:, None]
    rows *= 10.0 ** np.linspace(-3, 3, 12)
    rows[:, 3] = 2
    return rows, labels


def drawn_pictures(classify):
    """Embeddings of discs, squares and stripes of random sizes, colours and places, on noise."""
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(3), 20)
    with tempfile.TemporaryDirectory() as folder:
        for number, label in enumerate(labels):
            picture = Image.fromarray(rng.integers(0, 256, (160, 160, 3), dtype=np.uint8))
            draw = ImageDraw.Draw(picture)
            x, y, size = rng.integers(10, 90), rng.integers(10, 90), rng.integers(25, 65)
            colour = tuple(int(c) for c in rng.integers(0, 256, 3))
            if label == 0:
                draw.ellipse((x, y, x + size, y + size), fill=colour)
            elif label == 1:
                draw.rectangle((x, y, x + size, y + size), fill=colour)
            else:
                for stripe in range(0, 160, int(size)):
                    draw.line((stripe, 0, stripe + x, 160), fill=colour, width=6)
            picture.save(f"{folder}/{number:02}.png")
        subprocess.run([classify, "--embedding", f"{folder}/e.npy", folder], check=True, stdout=subprocess.DEVNULL)
        return np.load(f"{folder}/e.npy"), labels


def fold_of(labels):
    """Shuffles the rows of each class with SplitMix64 from seed 0 and deals them to the folds in turn."""
    state, mask, dealt, fold = 0, 2**64 - 1, 0, np.full(len(labels), -1)
    for label in range(labels.max() + 1):
        rows = list(np.flatnonzero(labels == label))
        for i in range(len(rows), 1, -1):
            state = (state + 0x9E3779B97F4A7C15) & mask
            z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
            j = (z ^ (z >> 31)) % i
            rows[i - 1], rows[j] = rows[j], rows[i - 1]
        for row in rows:
            fold[row], dealt = dealt % FOLDS, dealt + 1
    return fold


def whole_head(weights, intercept, classes):
    """Both rows of a binary regression; intercepts that sum to 0."""
    if classes == 2:
        weights, intercept = np.vstack([-weights / 2, weights / 2]), np.concatenate([-intercept / 2, intercept / 2])
    return np.column_stack([weights, intercept])


def prototype_head(rows, labels):
    """Directions of the classes' means of unit vectors around the mean of the classes' means, times 1."""
    classes = range(labels.max() + 1)
    centre = np.mean([rows[labels == k].mean(0) for k in classes], axis=0)
    unit = (rows - centre) / np.linalg.norm(rows - centre, axis=1, keepdims=True)
    means = np.array([unit[labels == k].mean(0) for k in classes])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return np.column_stack([means, -means @ centre])


def write(name, rows, labels):
    rows = rows.astype(np.float32)
    np.save(OUT / f"{name}.embeddings.npy", rows)
    rows, folds, classes = rows.astype(np.float64), fold_of(labels), labels.max() + 1
    heads, correct = [], []
    for strength in STRENGTHS:
        for weight in (None, "balanced"):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, tol=1e-8, max_iter=10000, class_weight=weight))
            accuracy = cross_val_score(model, rows, labels, cv=PredefinedSplit(folds))
            correct.append(np.rint(accuracy * np.bincount(folds)))
            # SciPy's default ftol ends a fit before tol does, so it goes on from where it ended.
            scaler, fitted = model.fit(rows, labels)[0], model[1].set_params(warm_start=True)
            for _ in range(50):
                fitted.fit(scaler.transform(rows), labels)
            weights = fitted.coef_ / scaler.scale_
            heads.append(whole_head(weights, fitted.intercept_ - weights @ scaler.mean_, classes))
    prototypes = []
    for fold in range(FOLDS):
        head, held_out = prototype_head(rows[folds != fold], labels[folds != fold]), folds == fold
        scores = rows[held_out] @ head[:, :-1].T + head[:, -1]
        prototypes.append((scores.argmax(1) == labels[held_out]).sum())
    shape = (len(STRENGTHS), 2)
    for what, values in (("labels", labels), ("folds", folds), ("heads", np.reshape(heads, shape + heads[0].shape)),
                         ("correct", np.reshape(correct, shape + (FOLDS,))), ("prototypes", prototype_head(rows, labels)),
                         ("prototypes_correct", prototypes)):
        np.save(OUT / f"{name}.{what}.npy", np.asarray(values, dtype=np.float32))


OUT.mkdir(exist_ok=True)
write("clusters", *clusters())
write("two_classes", *two_classes())
write("pictures", *drawn_pictures(sys.argv[1]))
