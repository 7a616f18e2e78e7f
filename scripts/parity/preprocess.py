"""A photo to a network's input as the official evaluation does it, with Pillow and numpy. For scripts/compare."""
import numpy as np
from PIL import Image, ImageOps


def rule_for(preprocessor, image_size, size=0):
    """(short side or None, warp (height, width) or None, crop (height, width) or None) of a preprocessor_config.json; `size`: another."""
    def official(n):
        return (int(n / 0.875), None, (n, n)) if n < 384 else (None, (n, n), None)

    given = preprocessor.get("size", image_size)
    given = given.get("shortest_edge", given) if isinstance(given, dict) else given
    if isinstance(given, dict):
        rule = (None, (given["height"], given["width"]), None)
    else:
        rule = official(given)
        pct = preprocessor.get("crop_pct", 1.0 if "crop_size" in preprocessor else 0.875)
        if rule[0] or "crop_size" in preprocessor:
            rule = (int(given / pct), None, (given, given))
    crop = preprocessor.get("crop_size")
    if crop is not None:
        rule = rule[:2] + ((crop, crop) if isinstance(crop, int) else (crop["height"], crop["width"]),)
    if not preprocessor.get("do_resize", True):
        rule = (None, None, rule[2] if crop is not None else None)
    if not preprocessor.get("do_center_crop", True):
        rule = rule[:2] + (None,)
    if size:
        follows = (rule[0] is None) == (official((rule[2] or rule[1] or (size,))[0])[0] is None)
        rule = official(size) if follows else (None, (size, size), None)
    return rule


def preprocess(path, rule, preprocessor):
    """float32 (1, 3, height, width)."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    short, warp, crop = rule
    if short:
        w, h = image.size
        w, h = short * w // min(image.size), short * h // min(image.size)
        image = image.resize((w, h), Image.BICUBIC)
    if warp:
        image = image.resize((warp[1], warp[0]), Image.BICUBIC)
    x = np.asarray(image)
    if crop:
        top, left = (int(round((n - c) / 2.0)) for n, c in zip(x.shape, crop))
        x = x[top:top + crop[0], left:left + crop[1]]
    x = x.astype(np.float32) / np.float32(255)
    if preprocessor.get("do_normalize", True):
        mean = np.float32(preprocessor.get("image_mean", [0.485, 0.456, 0.406]))
        std = np.float32(preprocessor.get("image_std", [0.229, 0.224, 0.225]))
        x = (x - mean) / std
    return np.ascontiguousarray(x.transpose(2, 0, 1))[None]
