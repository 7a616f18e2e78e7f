"""Trains the built-in model, a small CvT on the 219 classes of weights/classes.tsv, on CPUs: two processes of one thread each.

usage: train_default.py DATA OUT [--epochs 26] [--cooldown-length 6] [--cooldown N] [--weights FILE] ...

DATA is the output of pack_data.py. OUT receives state.pth (everything, after each epoch; the same command continues from it), train.log,
train.pid and train.pgid (to stop and continue the processes: kill -STOP -- -PGID). --weights begins from the weights of an earlier run,
as export.py wrote them, if OUT has no state.pth.

Schedule: one epoch of warm-up, a constant rate, then a cosine down to zero over the last --cooldown-length epochs; --cooldown N
begins that now instead, for N epochs, so that training can end with a usable model at any time. Crops of 32 pixels at first, then 48, 64 in the
cooldown and 80 in its last fifth.

Every random number comes from (--seed, epoch, process), so that an interrupted run gives the same result as an uninterrupted one."""
import argparse
import json
import math
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WANTED = {  # read at start-up by PyTorch (vectors of 512 bits in element-wise kernels) and malloc (keep big blocks, no page faults)
    "ATEN_CPU_CAPABILITY": "avx512", "MALLOC_MMAP_THRESHOLD_": str(8 << 30), "MALLOC_TRIM_THRESHOLD_": str(16 << 30),
    "MALLOC_TOP_PAD_": str(100 << 20), "OMP_NUM_THREADS": "1"}
if __name__ == "__main__" and any(k not in os.environ for k in WANTED):
    with open("/proc/cpuinfo", encoding="ascii") as cpu:
        if "avx512bw" not in cpu.read():
            WANTED["ATEN_CPU_CAPABILITY"] = "avx2"
    os.environ.update({k: v for k, v in WANTED.items() if k not in os.environ})
    os.execv(sys.executable, [sys.executable, *sys.argv])

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.multiprocessing as mp  # noqa: E402
import torch.nn.functional as F  # noqa: E402

sys.path[:0] = [HERE, os.path.join(HERE, "../../tests/golden")]
import cvt_reference as R  # noqa: E402
from crops import random_crops  # noqa: E402
from cvt_fast import forward  # noqa: E402
from cvt_torch import CvT  # noqa: E402

CLASSES = sum(1 for _ in open(os.path.join(HERE, "../classes.tsv"), encoding="utf-8"))
DEFAULT = dict(embed_dim=(32, 96, 192), num_heads=(1, 3, 6), depth=(1, 2, 4), patch_stride=(2, 2, 2), patch_padding=(3, 1, 1),
               num_classes=CLASSES)
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
RANKS = 2


class Flat:
    """The model's parameters and BatchNorm statistics as views of two flat tensors."""

    def __init__(self, model, parameters, buffers):
        self.model, self.parameters, self.buffers = model, parameters, buffers
        items = list(model.named_parameters())
        self.names, self.shapes = [n for n, _ in items], [p.shape for _, p in items]
        self.decay = torch.cat([torch.full((p.numel(),), float(p.ndim > 1 and "cls_token" not in n)) for n, p in items])
        at = 0
        for _, p in items:
            p.data = self.view(parameters, at, p)
            at += p.numel()
        at = 0
        self.buffer_names = [n for n, b in model.named_buffers() if b.is_floating_point()]
        for m in model.modules():
            if isinstance(m, torch.nn.BatchNorm2d):
                for key in ("running_mean", "running_var"):
                    setattr(m, key, self.view(buffers, at, getattr(m, key)))
                    at += m.num_features

    @staticmethod
    def view(flat, at, like):
        return flat[at:at + like.numel()].view(like.shape)

    def gather(self, out):
        torch.cat([p.grad.reshape(-1) for p in self.model.parameters()], out=out)

    def state_dict(self, parameters, buffers):
        """Returns flat parameters and statistics as named copies, as in the model's state dict."""
        keep = self.parameters.clone(), self.buffers.clone()
        self.parameters.copy_(parameters), self.buffers.copy_(buffers)
        out = {k: v.clone() for k, v in self.model.state_dict().items() if v.is_floating_point()}
        self.parameters.copy_(keep[0]), self.buffers.copy_(keep[1])
        return out


def build():
    torch.manual_seed(0)
    return CvT(R.config(**DEFAULT), drop_path=0.05)


def sizes(model):
    return sum(p.numel() for p in model.parameters()), sum(b.numel() for b in model.buffers() if b.is_floating_point())


def resharpen(x):
    """Sharpens two thirds of the photos (B,3,S,S) by up to half of what a 3 x 3 mean takes away, or blurs them by up to that mean."""
    share = torch.empty(len(x), 1, 1, 1).uniform_(-0.5, 1).mul_(torch.rand(len(x), 1, 1, 1) < 2 / 3)
    return x.add_(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False).sub_(x).mul_(share))


def augment(x, size):
    """(B,S,S,3) uint8 -> (B,3,size,size): sharpness, random resized crop, flip, brightness, contrast, saturation; normalised."""
    b = len(x)
    x = random_crops(resharpen(x.permute(0, 3, 1, 2).float()), size, 0.3)
    brightness, contrast, saturation = torch.empty(3, b, 1, 1, 1).uniform_(0.7, 1.3)
    x.mul_(brightness / 255)
    mean = x.mean((1, 2, 3), keepdim=True)
    x.sub_(mean).mul_(contrast).add_(mean)
    grey = x.mean(1, keepdim=True)
    return x.sub_(grey).mul_(saturation).add_(grey).clamp_(0, 1).sub_(MEAN).div_(STD)


class Data:
    def __init__(self, folder):
        def load(name):
            return np.load(f"{folder}/{name}.npy", mmap_mode="r" if name.endswith("_x") else None)

        self.train = [(load("tiny_train_x"), load("tiny_train_y")), (load("photo_train_x"), load("photo_train_y"))]
        self.val = [(load("tiny_val_x"), load("tiny_val_y")), (load("photo_val_x"), load("photo_val_y"))]
        self.extra = np.nonzero(~np.isin(self.train[1][1], self.train[0][1]))[0]

    def epoch(self, seed, epoch, photos):
        """(set, index) pairs of an epoch, shuffled: all of Tiny ImageNet and as many photos of the other two, others each time. A class
        that Tiny ImageNet has gets none of the others: its share would be twice that of every other class."""
        r = np.random.default_rng([seed, epoch])
        n, m = len(self.train[0][1]), len(self.extra)
        extra = np.concatenate([np.random.default_rng([seed, 1 << 20, k]).permutation(m) for k in
                                range(epoch * photos // m, ((epoch + 1) * photos - 1) // m + 1)])
        extra = self.extra[extra[epoch * photos % m:][:photos]]
        pairs = np.concatenate([np.stack([np.zeros(n, np.int64), np.arange(n)], 1), np.stack([np.ones(photos, np.int64), extra], 1)])
        return pairs[r.permutation(len(pairs))]

    def batch(self, pairs):
        x, y = np.empty((len(pairs), 64, 64, 3), np.uint8), np.empty(len(pairs), np.int64)
        for s in (0, 1):
            at = np.nonzero(pairs[:, 0] == s)[0]
            ids = pairs[at, 1]
            x[at], y[at] = self.train[s][0][ids], self.train[s][1][ids]
        return torch.from_numpy(x), torch.from_numpy(y)


def phase(a, epoch, cooldown):
    """(learning rate's share at t in [0, 1) of the epoch, crop size); cooldown: (first epoch, length)."""
    begin, length = cooldown
    if epoch < begin:
        return lambda t: min(1.0, (epoch + t + 0.01) / a.warmup), 32 if epoch < a.epochs_at_32 else 48
    return (lambda t: 0.5 * (1 + math.cos(math.pi * min(1, (epoch + t - begin) / length)))), 64 if epoch - begin < 0.8 * length else 80


def evaluate(model, data, rank, every, size, dtype):
    """[right, in first five, photos] of Tiny ImageNet and of the others, of each `every`-th photo; this process's half."""
    model.eval()
    out = torch.zeros(2, 3)
    with torch.no_grad():
        for s, (photos, labels) in enumerate(data.val):
            ids = np.arange(rank * every, len(labels), RANKS * every)
            for at in range(0, len(ids), 100):
                j = ids[at:at + 100]
                x = torch.from_numpy(photos[j]).permute(0, 3, 1, 2).float().div_(255)
                if size != 64:
                    x = F.interpolate(x, size=size, mode="bicubic", antialias=True, align_corners=False).clamp_(0, 1)
                best = forward(model, (x - MEAN) / STD, dtype).topk(5, 1)[1] == torch.from_numpy(labels[j])[:, None]
                out[s] += torch.tensor([best[:, 0].sum(), best.sum(), len(j)])
    model.train()
    return out


def work(rank, a, shared, barrier):
    torch.set_num_threads(1)
    try:
        train(rank, a, shared, barrier)
    except BaseException:
        barrier.abort()
        raise


def train(rank, a, s, barrier):
    data, dtype = Data(a.data), torch.float32 if a.float32 else torch.bfloat16
    flat = Flat(build(), s["p"], s["b"][rank])
    model, grads, half = flat.model, s["g"], slice(rank * len(s["p"]) // RANKS, (rank + 1) * len(s["p"]) // RANKS)
    p, m, v, ema, decay = s["p"][half], s["m"][half], s["v"][half], s["ema"][half], flat.decay[half]
    steps = (len(data.train[0][1]) + a.photos) // (RANKS * a.batch)
    model.train()

    def log(text):
        if rank == 0:
            line = f"{time.strftime('%H:%M:%S')} {text}"
            print(line, flush=True)
            with open(f"{a.out}/train.log", "a", encoding="utf-8") as f:
                f.write(line + "\n")

    while int(s["epoch"]) < a.epochs_total(s):
        epoch, began = int(s["epoch"]), time.time()
        cooldown = int(s["cooldown"][0]), int(s["cooldown"][1])
        rate, size = phase(a, epoch, cooldown)
        torch.manual_seed((a.seed * 1000 + epoch) * RANKS + rank)
        order, total, seen = data.epoch(a.seed, epoch, a.photos), 0.0, int(s["steps"])
        busy = time.process_time()
        for i in range(min(steps, a.max_steps)):
            at = (i * RANKS + rank) * a.batch
            x, y = data.batch(order[at:at + a.batch])
            loss = F.cross_entropy(forward(model, augment(x, size), dtype), y, label_smoothing=a.smooth)
            for q in model.parameters():
                q.grad = None
            loss.backward()
            flat.gather(grads[rank])
            total += loss.item()
            barrier.wait()
            with torch.no_grad():
                g = grads.mean(0)
                norm = g.norm().item()
                g = g[half].mul_(min(1.0, 1.0 / (norm + 1e-6)))
                n, lr = seen + i + 1, a.lr * rate(i / steps)
                m.lerp_(g, 0.1), v.mul_(0.98).addcmul_(g, g, value=0.02)
                p.mul_(1 - lr * a.decay * decay)
                p.addcdiv_(m, (v / (1 - 0.98 ** n)).sqrt_().add_(1e-8), value=-lr / (1 - 0.9 ** n))
                d = min(a.ema, (1 + n) / (10 + n))
                ema.lerp_(p, 1 - d)
                if rank == 0:
                    s["ema_b"].lerp_(s["b"][0], 1 - d)
            barrier.wait()
            if i % 100 == 99 and rank == 0:
                print(f"  {epoch + 1}.{i + 1} loss {total / (i + 1):.3f} norm {norm:.2f} lr {lr:.2e} "
                      f"{(i + 1) * RANKS * a.batch / (time.time() - began):.0f}/s", flush=True)
        spent, busy = time.time() - began, time.process_time() - busy
        if rank == 0:
            s["b"].copy_(s["b"].mean(0, keepdim=True).expand_as(s["b"]).clone())
        barrier.wait()
        keep = p.clone(), flat.buffers.clone()
        barrier.wait()
        p.copy_(ema), flat.buffers.copy_(s["ema_b"])
        barrier.wait()
        final = epoch + 1 == a.epochs_total(s)
        s["val"][rank] = evaluate(model, data, rank, 1 if final or epoch % 5 == 4 else 5, size + 16, dtype)
        barrier.wait()
        p.copy_(keep[0]), flat.buffers.copy_(keep[1])
        barrier.wait()
        if rank == 0:
            s["epoch"] += 1
            s["steps"] += min(steps, a.max_steps)
            torch.save({k: t for k, t in s.items() if k not in ("g", "val")}, f"{a.out}/state.tmp")
            os.replace(f"{a.out}/state.tmp", f"{a.out}/state.pth")
            t, o = s["val"].sum(0)
            log(f"epoch {epoch + 1}/{a.epochs_total(s)} size {size} lr {lr:.2e} loss {total / min(steps, a.max_steps):.4f} "
                f"tiny {t[0] / t[2]:.4f} {t[1] / t[2]:.4f} of {t[2]:.0f}, photos {o[0] / o[2]:.4f} {o[1] / o[2]:.4f} of {o[2]:.0f}; "
                f"{spent:.0f} s, {busy:.0f} s of a core, {min(steps, a.max_steps) * RANKS * a.batch / spent:.0f} photos/s")
        barrier.wait()


def load_weights(model, path):
    """Fills the model with the weights of a model.safetensors that export.py wrote."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    dtypes = {"F16": torch.float16, "F32": torch.float32}
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            entry = header[R.hf_name(name)]
            begin, end = entry["data_offsets"]
            tensor.copy_(torch.frombuffer(bytearray(data[begin:end]), dtype=dtypes[entry["dtype"]]).view(entry["shape"]))


def start(a):
    """The shared state: from OUT, or new, with the weights of --weights or random ones."""
    model = build()
    if a.weights:
        load_weights(model, a.weights)
    n, b = sizes(model)
    flat = Flat(model, torch.cat([p.detach().reshape(-1) for p in model.parameters()]).clone(),
                torch.cat([x.reshape(-1) for x in model.buffers() if x.is_floating_point()]).clone())
    s = {"p": flat.parameters, "m": torch.zeros(n), "v": torch.zeros(n), "ema": flat.parameters.clone(),
         "b": torch.stack([flat.buffers] * RANKS), "ema_b": flat.buffers.clone(), "epoch": torch.tensor(0), "steps": torch.tensor(0),
         "cooldown": torch.tensor([a.epochs - a.cooldown_length, a.cooldown_length])}
    if os.path.exists(f"{a.out}/state.pth"):
        s.update(torch.load(f"{a.out}/state.pth"))
    if a.cooldown and int(s["cooldown"][0]) > int(s["epoch"]):
        s["cooldown"] = torch.tensor([int(s["epoch"]), a.cooldown])
    s.update(g=torch.zeros(RANKS, n), val=torch.zeros(RANKS, 2, 3))
    for t in s.values():
        t.share_memory_()
    print(f"{n} parameters, from epoch {int(s['epoch'])}, cooldown {s['cooldown'].tolist()}", flush=True)
    return s


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("data"), a.add_argument("out")
    a.add_argument("--epochs", type=int, default=26), a.add_argument("--cooldown-length", type=int, default=6)
    a.add_argument("--cooldown", type=int, default=0, help="begin the cooldown now, this many epochs long")
    a.add_argument("--epochs-at-32", type=int, default=14), a.add_argument("--warmup", type=float, default=1.0)
    a.add_argument("--batch", type=int, default=64, help="of each of the two processes"), a.add_argument("--seed", type=int, default=1)
    a.add_argument("--lr", type=float, default=1.5e-3), a.add_argument("--decay", type=float, default=0.05)
    a.add_argument("--smooth", type=float, default=0.1), a.add_argument("--ema", type=float, default=0.9995)
    a.add_argument("--photos", type=int, default=10000, help="of Imagenette and Imagewoof in an epoch")
    a.add_argument("--weights", help="model.safetensors of export.py to begin with instead of random weights")
    a.add_argument("--max-steps", type=int, default=10 ** 9, help="for trials")
    a.add_argument("--float32", action="store_true", help="no bfloat16: for processors without its instructions")
    a = a.parse_args()
    a.epochs_total = lambda s: int(s["cooldown"].sum())
    os.makedirs(a.out, exist_ok=True)
    shared, context = start(a), mp.get_context("fork")
    barrier = context.Barrier(RANKS)
    other = context.Process(target=work, args=(1, a, shared, barrier), daemon=True)
    other.start()
    for name, ids in (("train.pid", (os.getpid(), other.pid)), ("train.pgid", (os.getpgid(0),))):
        with open(f"{a.out}/{name}", "w", encoding="ascii") as f:
            f.writelines(f"{i}\n" for i in ids)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work(0, a, shared, barrier)
    other.join()


if __name__ == "__main__":
    main()
