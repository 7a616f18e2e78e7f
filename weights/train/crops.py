"""Random resized crops, half of them mirrored: the first step of augmentation."""
import torch
import torch.nn.functional as F


def random_crops(x, size, least):
    """(B,3,S,S) floats -> (B,3,size,size): crops of `least` to 1 of the area, with sides of 3:4 to 4:3 and reflection at the borders."""
    b = len(x)
    scale, ratio = torch.empty(b).uniform_(least, 1), torch.exp(torch.empty(b).uniform_(-0.29, 0.29))
    sw, sh = (scale * ratio).sqrt().clamp(max=1), (scale / ratio).sqrt().clamp(max=1)
    cx, cy = (torch.rand(b) * 2 - 1) * (1 - sw), (torch.rand(b) * 2 - 1) * (1 - sh)
    flip = torch.where(torch.rand(b) < 0.5, -1.0, 1.0)
    theta = torch.zeros(b, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2], theta[:, 1, 1], theta[:, 1, 2] = sw * flip, cx, sh, cy
    grid = F.affine_grid(theta, (b, 3, size, size), align_corners=False)
    return F.grid_sample(x, grid.to(x.device), mode="bilinear", padding_mode="reflection", align_corners=False)
