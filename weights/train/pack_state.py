"""Packs the state of train_default.py into one small file, so that training can continue on another machine.

usage: pack_state.py STATE.pth OUT.xz      (train_default.py --resume OUT.xz begins from it)

Weights and EMA are F16, the EMA as its difference from the weights. AdamW's moments are BF16, since the second one would underflow in F16.
Differences keep 6 bits of mantissa and moments 3, which is enough for the optimiser. The low and high bytes of all numbers are stored
separately, because xz compresses them better that way."""
import json
import lzma
import sys

import torch

FLAT = (("p", torch.float16, 10), ("ema", torch.float16, 6), ("m", torch.bfloat16, 3), ("v", torch.bfloat16, 3),
        ("b", torch.bfloat16, 7), ("ema_b", torch.bfloat16, 7))


def rounded(t, dtype, bits):
    """Returns t's bit patterns in dtype, as int16, rounded to `bits` bits of mantissa; a carry into the exponent is correct."""
    whole = 10 if dtype == torch.float16 else 7
    raw = t.to(dtype).view(torch.int16).int() & 0xffff
    drop = whole - bits
    if drop:
        raw = ((raw & 0x7fff) + (1 << (drop - 1)) >> drop << drop) | (raw & 0x8000)
    return (raw - ((raw & 0x8000) << 1)).to(torch.int16)


def pack(s):
    p16 = s["p"].half().float()
    head, body = {k: s[k].tolist() for k in ("epoch", "steps", "cooldown")}, b""
    for name, dtype, bits in FLAT:
        t = s[name] - p16 if name == "ema" else s[name].mean(0) if name == "b" else s[name]
        body += rounded(t, dtype, bits).view(torch.uint8).view(-1, 2).t().contiguous().numpy().tobytes()
        head[name] = len(t)
    head = json.dumps(head).encode()
    return lzma.compress(len(head).to_bytes(4, "little") + head + body, preset=9 | lzma.PRESET_EXTREME)


def unpack(path):
    """Reads a packed file; returns the entries with which train_default.py updates its shared state."""
    with open(path, "rb") as f:
        data = lzma.decompress(f.read())
    at = 4 + int.from_bytes(data[:4], "little")
    head, s = json.loads(data[4:at]), {}
    for name, dtype, _ in FLAT:
        n = head[name]
        s[name] = torch.frombuffer(bytearray(data[at:at + 2 * n]), dtype=torch.uint8).view(2, n).t().contiguous().view(dtype).view(n).float()
        at += 2 * n
    s["ema"] += s["p"]
    s["b"] = torch.stack([s["b"]] * 2)
    s.update({k: torch.tensor(head[k]) for k in ("epoch", "steps", "cooldown")})
    return s


if __name__ == "__main__":
    packed = pack(torch.load(sys.argv[1]))
    with open(sys.argv[2], "wb") as f:
        f.write(packed)
    print(f"{len(packed) / 1e6:.2f} MB")
