"""Trains the built-in model, a small CvT, on Imagenette (10 ImageNet classes), on a CPU or GPU; resumes from its last checkpoint.

usage: train_imagenette.py DATA OUT [--epochs 40] [--size 128] [--minutes 1e9]
DATA holds train_x.npy (N,S,S,3 uint8), train_y.npy (N,), val_x.npy, val_y.npy, made from the photos warped to S x S."""
import argparse
import copy
import math
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/golden"))
import cvt_reference as R  # noqa: E402
from crops import random_crops  # noqa: E402
from cvt_torch import CvT  # noqa: E402

NANO = dict(embed_dim=(32, 96, 192), num_heads=(1, 3, 6), depth=(1, 1, 4), num_classes=10)
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def augment(x, size, device):
    """(B,3,S,S) floats 0..1 -> random resized crop, flip, brightness/contrast/saturation, erasing."""
    x, b = random_crops(x, size, 0.25), len(x)
    j = torch.empty(3, b, 1, 1, 1, device=device).uniform_(0.7, 1.3)
    x = x * j[0]
    x = (x - x.mean((1, 2, 3), keepdim=True)) * j[1] + x.mean((1, 2, 3), keepdim=True)
    g = x.mean(1, keepdim=True)
    return ((x - g) * j[2] + g).clamp(0, 1)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("data"), a.add_argument("out")
    a.add_argument("--epochs", type=int, default=40), a.add_argument("--size", type=int, default=128)
    a.add_argument("--minutes", type=float, default=1e9), a.add_argument("--batch", type=int, default=64)
    a.add_argument("--lr", type=float, default=1e-3)
    a.add_argument("--replicas", type=int, default=1, help="CPU threads, each with a copy of the model and its share of a batch")
    a = a.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    data = {k: torch.from_numpy(np.load(f"{a.data}/{k}.npy")) for k in ("train_x", "train_y", "val_x", "val_y")}
    torch.manual_seed(0)
    config = R.config(**NANO)
    model = CvT(config, drop_path=0.1).to(device)
    ema = {k: v.clone() for k, v in model.state_dict().items()}
    decay = [p for p in model.parameters() if p.ndim > 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05},
                             {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0}], lr=a.lr)
    n, steps, start, begin = len(data["train_x"]), len(data["train_x"]) // a.batch, 0, time.time()
    last = f"{a.out}/last.pth"
    if os.path.exists(last):
        s = torch.load(last, map_location=device)
        model.load_state_dict(s["model"]), opt.load_state_dict(s["opt"])
        ema, start = s["ema"], s["epoch"]
    mean, std = MEAN.to(device), STD.to(device)
    copies = [model] + [copy.deepcopy(model) for _ in range(a.replicas - 1)]
    pool = ThreadPoolExecutor(a.replicas)
    if a.replicas > 1:
        torch.set_num_threads(1)

    def loss_and_gradients(m, x, y, share):
        loss = -(F.log_softmax(m((x - mean) / std), 1) * (0.9 * y + 0.01)).sum(1).mean() * share
        for p in m.parameters():
            p.grad = None
        loss.backward()
        return loss.item()

    def step(x, y):
        """One optimiser step on a batch split over the copies; BatchNorm statistics are averaged. Returns the mean loss."""
        for m in copies[1:]:
            m.load_state_dict(model.state_dict()), m.train()
        jobs = [pool.submit(loss_and_gradients, m, xs, ys, len(xs) / len(x))
                for m, xs, ys in zip(copies, x.chunk(a.replicas), y.chunk(a.replicas))]
        loss = sum(j.result() for j in jobs)
        with torch.no_grad():
            for group in zip(*(m.parameters() for m in copies)):
                for p in group[1:]:
                    group[0].grad += p.grad
            for group in zip(*(m.buffers() for m in copies)):
                if group[0].is_floating_point():
                    group[0].copy_(sum(group) / len(group))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        return loss

    def evaluate(weights):
        keep = {k: v.clone() for k, v in model.state_dict().items()}
        model.load_state_dict(weights), model.eval()
        good = 0
        with torch.no_grad():
            for i in range(0, len(data["val_x"]), 100):
                x = data["val_x"][i:i + 100].to(device).permute(0, 3, 1, 2).float() / 255
                x = F.interpolate(x, size=a.size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
                good += (model((x - mean) / std).argmax(1).cpu() == data["val_y"][i:i + 100]).sum().item()
        model.load_state_dict(keep)
        return good / len(data["val_x"])

    for epoch in range(start, a.epochs):
        model.train()
        order, total = torch.randperm(n), 0.0
        for i in range(steps):
            t = (epoch + i / steps) / a.epochs
            warm = min(1, (epoch + i / steps) / 2)
            for g in opt.param_groups:
                g["lr"] = a.lr * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * t)))
            ids = order[i * a.batch:(i + 1) * a.batch]
            x = augment(data["train_x"][ids].to(device).permute(0, 3, 1, 2).float() / 255, a.size, device)
            y = F.one_hot(data["train_y"][ids].to(device), 10).float()
            if torch.rand(()) < 0.5:  # mixup on half of the batches
                lam, perm = float(np.random.beta(0.4, 0.4)), torch.randperm(len(ids))
                x, y = lam * x + (1 - lam) * x[perm], lam * y + (1 - lam) * y[perm]
            total += step(x, y)
            d = min(0.998, (1 + epoch * steps + i) / (10 + epoch * steps + i))
            for k, v in model.state_dict().items():
                ema[k].lerp_(v, 1 - d) if v.is_floating_point() else ema[k].copy_(v)
        top1 = evaluate(ema)
        torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "ema": ema, "epoch": epoch + 1}, last)
        torch.save({k: v.cpu() for k, v in ema.items()}, f"{a.out}/ema.pth")
        print(f"epoch {epoch + 1}/{a.epochs} loss {total / steps:.4f} val top-1 {top1:.4f} {time.time() - begin:.0f} s", flush=True)
        if time.time() - begin > 60 * a.minutes:
            break


main()
