# Draws a golf ball on grass, one of the images for the examples: python3 draw_golf_ball.py golf_ball.png (needs numpy and Pillow)
import sys

import numpy as np
from PIL import Image, ImageFilter

SIZE, RADIUS, CENTRE = 384, 118, (192, 205)
rng = np.random.default_rng(3)

# Grass: thin strokes of many greens, blurred more towards the top, as a lens would.
grass = np.zeros((SIZE, SIZE, 3), np.float32) + (62, 104, 34)
for _ in range(26000):
    x, y = rng.integers(0, SIZE, 2)
    length, lean = rng.integers(6, 22), rng.uniform(-0.6, 0.6)
    colour = np.array((70, 120, 38)) * rng.uniform(0.45, 1.55) + rng.normal(0, 6, 3)
    for t in range(length):
        xx = int(x + lean * t)
        if 0 <= xx < SIZE and y - t >= 0:
            grass[y - t, xx] = colour
picture = Image.fromarray(grass.clip(0, 255).astype(np.uint8))
soft = picture.filter(ImageFilter.GaussianBlur(6))
depth = np.linspace(1, 0, SIZE)[:, None, None] ** 1.5
grass = np.asarray(picture) * (1 - depth) + np.asarray(soft) * depth

# The ball: a sphere whose normals are dented by dimples on a spherical Fibonacci lattice.
yy, xx = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
u, v = (xx - CENTRE[0]) / RADIUS, (yy - CENTRE[1]) / RADIUS
inside = u * u + v * v < 1
w = np.sqrt(np.clip(1 - u * u - v * v, 0, 1))
normal = np.stack([u, v, w], -1)
count = 340
i = np.arange(count) + 0.5
polar, turn = np.arccos(1 - 2 * i / count), np.pi * (1 + 5**0.5) * i
dimples = np.stack([np.cos(turn) * np.sin(polar), np.cos(polar), np.sin(turn) * np.sin(polar)], -1).astype(np.float32)
nearest = np.full((SIZE, SIZE), -1, np.float32)
axis = np.zeros_like(normal)
for d in dimples:
    c = normal @ d
    closer = c > nearest
    nearest[closer], axis[closer] = c[closer], d
angle = np.arccos(nearest.clip(-1, 1)) / 0.092
dent = np.where(angle < 1, np.sin(np.pi * angle.clip(0, 1)) * 0.45, 0)[..., None]
toward = normal - axis
toward /= np.linalg.norm(toward, axis=-1, keepdims=True) + 1e-6
normal = normal - dent * toward
normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
light = np.array((-0.45, -0.72, 0.53), np.float32)
shade = np.clip(normal @ light, 0, 1)
ball = (70 + 185 * shade[..., None]) * np.array((1.0, 1.0, 0.97)) + np.clip(v, 0, 1)[..., None] * np.array((0, 12, -6))

shadow = np.exp(-(((xx - CENTRE[0] - 40) / 130) ** 2 + ((yy - CENTRE[1] - 100) / 36) ** 2) * 1.2)[..., None] * 0.75
picture = grass * (1 - shadow)
edge = np.clip((1 - np.sqrt(u * u + v * v)) * RADIUS, 0, 1)[..., None]
picture = np.where(inside[..., None], ball, picture) * edge + picture * (1 - edge)
picture = Image.fromarray(picture.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))
# Blades in front of the ball's foot.
front = np.asarray(picture).copy()
for _ in range(900):
    x, y = rng.integers(40, 344), rng.integers(300, 350)
    length, lean = rng.integers(10, 34), rng.uniform(-0.5, 0.5)
    colour = (np.array((70, 120, 38)) * rng.uniform(0.5, 1.5)).clip(0, 255)
    for t in range(length):
        col = int(x + lean * t)
        if 0 <= col < SIZE:
            front[y - t, col] = colour
Image.fromarray(front).filter(ImageFilter.GaussianBlur(0.5)).resize((256, 256), Image.Resampling.LANCZOS).save(sys.argv[1], optimize=True)
