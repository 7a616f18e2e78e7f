"""The forward pass of cvt_torch.CvT, arranged for training on CPUs: the same function of the same parameters, in bfloat16.

It is fast for these reasons (README.md has the measurements). Matrix products and convolutions are in bfloat16. Tokens stay channels-last,
so that the grid of a depth-wise convolution is a view of them. Scores are computed, normalised and used for a few images at a time, while
they are in the cache. QuickGELU is SiLU with 1.702 folded into the weights on both sides, and attention's scale is folded into q's weights.
"""
import torch
import torch.nn.functional as F

SCORES = 1 << 20  # elements of the score matrix that are computed at once
HIDDEN = 1 << 18  # elements of an MLP's hidden layer that are computed at once


class Attention(torch.autograd.Function):
    """softmax(q k^T) v for (B, heads, N, D): a few images at a time."""

    @staticmethod
    def forward(ctx, q, k, v):
        shape, (n, m) = q.shape, (q.shape[2], k.shape[2])
        q, k, v = (t.reshape(-1, *t.shape[2:]) for t in (q, k, v))
        out, p, step = torch.empty_like(q), q.new_empty(len(q), n, m), max(1, SCORES // (n * m))
        for i in range(0, len(q), step):
            j = slice(i, i + step)
            torch.softmax(torch.bmm(q[j], k[j].transpose(1, 2)), -1, out=p[j])
            torch.bmm(p[j], v[j], out=out[j])
        ctx.save_for_backward(q, k, v, out, p)
        ctx.step = step
        return out.view(shape)

    @staticmethod
    def backward(ctx, g):
        q, k, v, out, p = ctx.saved_tensors
        heads, g = g.shape[1], g.reshape(q.shape)
        inner = (g * out).sum(-1, keepdim=True)
        dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        for i in range(0, len(q), ctx.step):
            j = slice(i, i + ctx.step)
            torch.bmm(p[j].transpose(1, 2), g[j], out=dv[j])
            s = torch.bmm(g[j], v[j].transpose(1, 2)).sub_(inner[j]).mul_(p[j])
            torch.bmm(s, k[j], out=dq[j])
            torch.bmm(s.transpose(1, 2), q[j], out=dk[j])
        return tuple(t.view(-1, heads, *t.shape[1:]) for t in (dq, dk, dv))


class SiLU(torch.autograd.Function):
    """x sigmoid(x), some rows at a time (in bfloat16 PyTorch's own backward pass is several times slower)."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return F.silu(x)

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        out = torch.empty_like(x)
        for a, b, c in zip(*(t.view(-1).split(HIDDEN) for t in (x, g.contiguous(), out))):
            s = torch.sigmoid(a)
            torch.neg(s, out=c)
            c.add_(1).mul_(a).add_(1).mul_(s).mul_(b)  # s (1 + x (1 - s)) g; addcmul has no vectors in bfloat16
        return out


def linear(x, layer, scale=1.0, scale_bias=True):
    w, b = (layer.weight, layer.bias) if scale == 1 else (layer.weight * scale, layer.bias * scale if scale_bias else layer.bias)
    return F.linear(x, w.to(x.dtype), b.to(x.dtype))


def layer_norm(x, m):
    return F.layer_norm(x.float(), m.normalized_shape, m.weight, m.bias, m.eps).to(x.dtype)


def attention(a, x, h, w, training):
    b, n, c = x.shape
    token, grid = (x[:, :1], x[:, 1:].contiguous()) if a.cls else (None, x)
    grid = grid.view(b, h, w, c).permute(0, 3, 1, 2)

    def heads(p, proj, scale=1.0):
        y = F.conv2d(grid, p.conv.weight.to(x.dtype), None, p.conv.stride, p.conv.padding, 1, c)
        y = F.batch_norm(y, p.bn.running_mean, p.bn.running_var, p.bn.weight, p.bn.bias, training, p.bn.momentum, p.bn.eps)
        y = y.permute(0, 2, 3, 1).reshape(b, -1, c)
        y = linear(y if token is None else torch.cat((token, y), 1), proj, scale)
        return y.view(b, -1, a.heads, c // a.heads).transpose(1, 2)

    y = Attention.apply(heads(a.conv_proj_q, a.proj_q, a.scale), heads(a.conv_proj_k, a.proj_k), heads(a.conv_proj_v, a.proj_v))
    return linear(y.transpose(1, 2).reshape(b, n, c), a.proj)


def forward(model, x, dtype=torch.bfloat16):
    """Logits (float32) of a CvT with QuickGELU, dw_bn projections and a class token in its last stage."""
    x = x.to(dtype).contiguous(memory_format=torch.channels_last)
    for i in range(model.stages):
        stage = getattr(model, f"stage{i}")
        conv = stage.patch_embed.proj
        x = F.conv2d(x, conv.weight.to(dtype), conv.bias.to(dtype), conv.stride, conv.padding)
        b, c, h, w = x.shape
        x = layer_norm(x.permute(0, 2, 3, 1).reshape(b, h * w, c), stage.patch_embed.norm)
        if stage.cls_token is not None:
            x = torch.cat((stage.cls_token.to(dtype).expand(b, -1, -1), x), 1)
        for block in stage.blocks:
            x = x + block.drop(attention(block.attn, layer_norm(x, block.norm1), h, w, model.training))
            y = SiLU.apply(linear(layer_norm(x, block.norm2), block.mlp.fc1, 1.702))
            x = x + block.drop(linear(y, block.mlp.fc2, 1 / 1.702, scale_bias=False))
        if stage.cls_token is None:
            x = x.view(b, h, w, c).permute(0, 3, 1, 2)
    return model.head(layer_norm(x[:, 0], model.norm).float())
