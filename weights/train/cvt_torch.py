"""CvT in PyTorch, with the official tensor names, for training small models, exporting ONNX and scripts/compare.

It computes the same as tests/golden/cvt_reference.py.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class ConvProjection(nn.Module):
    def __init__(self, dim, kernel, stride, padding):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, kernel, stride, padding, groups=dim, bias=False)
        self.bn = nn.BatchNorm2d(dim)

    def forward(self, x):
        return self.bn(self.conv(x))


def grid_projection(method, which, dim, kernel, stride, padding):
    """Computes the grid of q, k or v from the token grid: depth-wise convolution; average pooling of keys and values; or no change."""
    if method == "dw_bn":
        return ConvProjection(dim, kernel, stride, padding)
    return nn.AvgPool2d(kernel, stride, padding, ceil_mode=True) if method == "avg" and which != "q" else nn.Identity()


class Attention(nn.Module):
    def __init__(self, dim, heads, method, kernel, stride_q, stride_kv, padding_q, padding_kv, bias, cls):
        super().__init__()
        self.heads, self.scale, self.cls = heads, dim ** -0.5, cls
        self.conv_proj_q = grid_projection(method, "q", dim, kernel, stride_q, padding_q)
        self.conv_proj_k = grid_projection(method, "k", dim, kernel, stride_kv, padding_kv)
        self.conv_proj_v = grid_projection(method, "v", dim, kernel, stride_kv, padding_kv)
        self.proj_q, self.proj_k, self.proj_v = (nn.Linear(dim, dim, bias=bias) for _ in range(3))
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, h, w):
        token, grid = (x[:, :1], x[:, 1:]) if self.cls else (x[:, :0], x)
        grid = grid.transpose(1, 2).reshape(x.shape[0], -1, h, w)

        def heads(conv, proj):
            y = proj(torch.cat((token, conv(grid).flatten(2).transpose(1, 2)), 1))
            return y.view(*y.shape[:2], self.heads, -1).transpose(1, 2)

        q, k, v = heads(self.conv_proj_q, self.proj_q), heads(self.conv_proj_k, self.proj_k), heads(self.conv_proj_v, self.proj_v)
        y = (q @ k.transpose(-1, -2) * self.scale).softmax(-1) @ v
        return self.proj(y.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, dim, ratio, act):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(dim, int(dim * ratio)), act(), nn.Linear(int(dim * ratio), dim)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim, heads, ratio, act, drop_path, **attn):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim), Attention(dim, heads, **attn)
        self.norm2, self.mlp, self.drop_path = nn.LayerNorm(dim), Mlp(dim, ratio, act), drop_path

    def drop(self, y):
        if not self.training or self.drop_path == 0:
            return y
        keep = torch.rand(len(y), 1, 1, device=y.device) >= self.drop_path
        return y * keep / (1 - self.drop_path)

    def forward(self, x, h, w):
        x = x + self.drop(self.attn(self.norm1(x), h, w))
        return x + self.drop(self.mlp(self.norm2(x)))


class ConvEmbed(nn.Module):
    def __init__(self, cin, dim, kernel, stride, padding):
        super().__init__()
        self.proj, self.norm = nn.Conv2d(cin, dim, kernel, stride, padding), nn.LayerNorm(dim)

    def forward(self, x):
        x = self.proj(x)
        h, w = x.shape[2:]
        return self.norm(x.flatten(2).transpose(1, 2)), h, w


class Stage(nn.Module):
    def __init__(self, c, i, act, drop_path):
        super().__init__()
        dim, cin = c["embed_dim"][i], c["embed_dim"][i - 1] if i else c["in_chans"]
        self.patch_embed = ConvEmbed(cin, dim, c["patch_size"][i], c["patch_stride"][i], c["patch_padding"][i])
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim)) if c["cls_token"][i] else None
        self.blocks = nn.ModuleList(
            Block(dim, c["num_heads"][i], c["mlp_ratio"][i], act, drop_path * j / max(1, c["depth"][i] - 1),
                  method=c["qkv_proj_method"][i], kernel=c["kernel_qkv"][i], stride_q=c["stride_q"][i], stride_kv=c["stride_kv"][i],
                  padding_q=c["padding_q"][i], padding_kv=c["padding_kv"][i], bias=c["qkv_bias"][i], cls=c["cls_token"][i])
            for j in range(c["depth"][i]))

    def forward(self, x):
        x, h, w = self.patch_embed(x)
        if self.cls_token is not None:
            x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1)
        for b in self.blocks:
            x = b(x, h, w)
        token, grid = (x[:, 0], x[:, 1:]) if self.cls_token is not None else (None, x)
        return grid.transpose(1, 2).reshape(len(x), -1, h, w), token


class CvT(nn.Module):
    """config: a dict of cvt_reference.config()."""

    def __init__(self, c, drop_path=0.0):
        super().__init__()
        act = {"quick": QuickGELU, "erf": nn.GELU}[c["gelu"]]
        n = len(c["depth"])
        for i in range(n):
            setattr(self, f"stage{i}", Stage(c, i, act, drop_path if i == n - 1 else 0.0))
        self.stages, self.norm = n, nn.LayerNorm(c["embed_dim"][-1])
        self.head = nn.Linear(c["embed_dim"][-1], c["num_classes"]) if c["num_classes"] else nn.Identity()
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.trunc_normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(self, x):
        for i in range(self.stages):
            x, token = getattr(self, f"stage{i}")(x)
        x = self.norm(token) if token is not None else self.norm(x.flatten(2).transpose(1, 2)).mean(1)
        return self.head(x)
