# CvT in PyTorch for inference, with the official tensor names. peer_torch.py runs it, and make_models.py exports it to ONNX.
"""The published variants of Wu et al. 2021, as tests/golden/cvt_reference.py defines them.

Every size is known when the module is made, so that a trace contains no shape arithmetic. In the q, k, v projections,
convolution and batch norm are separate, as in checkpoints; both runtimes can fold them.
"""
import os
import sys

import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden"))
import cvt_reference as ref  # noqa: E402  (defines names, shapes and generated weights)


class Projection(nn.Sequential):
    """Depth-wise 3x3 convolution and batch norm of the token grid."""

    def __init__(self, dim, stride):
        super().__init__()
        self.add_module("conv", nn.Conv2d(dim, dim, 3, stride, 1, groups=dim, bias=False))
        self.add_module("bn", nn.BatchNorm2d(dim))


class Attention(nn.Module):
    def __init__(self, batch, dim, heads, grid, with_cls):
        super().__init__()
        self.batch, self.dim, self.heads, self.grid, self.with_cls = batch, dim, heads, grid, with_cls
        self.scale = dim ** -0.5  # dim is the full width, not that of a head
        self.conv_proj_q, self.conv_proj_k, self.conv_proj_v = Projection(dim, 1), Projection(dim, 2), Projection(dim, 2)
        self.proj_q, self.proj_k, self.proj_v, self.proj = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, x):
        cls_row, grid = (x[:, :1], x[:, 1:]) if self.with_cls else (None, x)
        grid = grid.transpose(1, 2).reshape(self.batch, self.dim, self.grid, self.grid)

        def heads_of(convolution, linear):
            tokens = convolution(grid).flatten(2).transpose(1, 2)
            if cls_row is not None:
                tokens = torch.cat((cls_row, tokens), dim=1)
            return linear(tokens).reshape(self.batch, tokens.shape[1], self.heads, -1).transpose(1, 2)

        q = heads_of(self.conv_proj_q, self.proj_q)
        k = heads_of(self.conv_proj_k, self.proj_k)
        v = heads_of(self.conv_proj_v, self.proj_v)
        probabilities = torch.softmax(torch.matmul(q, k.transpose(-2, -1)) * self.scale, dim=-1)
        y = torch.matmul(probabilities, v).transpose(1, 2).reshape(self.batch, -1, self.dim)
        return self.proj(y)


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x):
        x = self.fc1(x)
        return self.fc2(x * torch.sigmoid(1.702 * x))  # QuickGELU, which the official weights were trained with


class Block(nn.Module):
    def __init__(self, batch, dim, heads, grid, with_cls):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn, self.mlp = Attention(batch, dim, heads, grid, with_cls), Mlp(dim, 4 * dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, channels, dim, size, stride, padding):
        super().__init__()
        self.proj, self.norm = nn.Conv2d(channels, dim, size, stride, padding), nn.LayerNorm(dim)

    def forward(self, x):
        return self.norm(self.proj(x).flatten(2).transpose(1, 2))


class Stage(nn.Module):
    def __init__(self, batch, channels, dim, heads, depth, grid, patch, with_cls):
        super().__init__()
        self.batch, self.dim, self.grid, self.with_cls = batch, dim, grid, with_cls
        self.patch_embed = PatchEmbed(channels, dim, *patch)
        if with_cls:
            self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.blocks = nn.Sequential(*(Block(batch, dim, heads, grid, with_cls) for _ in range(depth)))

    def forward(self, x):
        x = self.patch_embed(x)
        if self.with_cls:
            return self.blocks(torch.cat((self.cls_token.expand(self.batch, -1, -1), x), dim=1))
        return self.blocks(x).transpose(1, 2).reshape(self.batch, self.dim, self.grid, self.grid)


class CvT(nn.Module):
    """(batch, 3, size, size), normalised -> logits (batch, 1000)."""

    def __init__(self, variant, size, batch):
        super().__init__()
        c = ref.config(variant)
        channels, grid = c["in_chans"], size
        for i, dim in enumerate(c["embed_dim"]):
            patch = c["patch_size"][i], c["patch_stride"][i], c["patch_padding"][i]
            grid = (grid + 2 * patch[2] - patch[0]) // patch[1] + 1
            self.add_module(f"stage{i}", Stage(batch, channels, dim, c["num_heads"][i], c["depth"][i], grid, patch, c["cls_token"][i]))
            channels = dim
        self.norm, self.head = nn.LayerNorm(channels), nn.Linear(channels, c["num_classes"])

    def forward(self, x):
        return self.head(self.norm(self.stage2(self.stage1(self.stage0(x)))[:, 0]))


def load_state(model, state):
    """Fills `model` from a state dict, of which only num_batches_tracked may be missing, and prepares it for inference."""
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise RuntimeError(f"state dict: missing {missing}, unexpected {unexpected}")
    return model.eval().requires_grad_(False)
