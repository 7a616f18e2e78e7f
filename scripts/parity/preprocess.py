"""Preprocesses a photo by the rules of a preprocessor_config.json, with Pillow and numpy. Used by scripts/compare."""
import numpy as np
from PIL import Image, ImageOps


WARPS, CROPS = ("ViT", "Siglip", "DeiT", "Beit"), ("DeiT", "Beit", "CLIP", "Bit", "Levit", "MobileNetV1", "MobileNetV2")
FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")


def processor_of(preprocessor):
    """Returns the processor's name without its suffix, "ViT" for ViTImageProcessor, or "" if the file names no processor."""
    name = preprocessor.get("image_processor_type") or preprocessor.get("feature_extractor_type") or ""
    for end in ("FeatureExtractor", "ImageProcessor", "ImageProcessorFast"):
        if name.endswith(end):
            return name[:-len(end)]
    return name


def rule_of_processor(preprocessor, processor):
    """Does the work of rule_for() for all processors except ConvNext's."""
    size, edge = preprocessor["size"], None
    if isinstance(size, dict):
        edge = size.get("shortest_edge")
        warp = None if edge else (size["height"], size["width"])
    elif processor in WARPS:
        warp = (size, size)
    else:
        edge, warp = size, None
    short = edge and (int(256 / 224 * edge) if processor == "Levit" else edge)
    crop = preprocessor["crop_size"] if processor in CROPS and preprocessor.get("do_center_crop", True) else None
    crop = crop and ((crop, crop) if isinstance(crop, int) else (crop["height"], crop["width"]))
    return (short, warp, crop) if preprocessor.get("do_resize", True) else (None, None, crop)


def rule_for(preprocessor, image_size, size=0):
    """Returns (short side or None, warp (height, width) or None, crop (height, width) or None). `size` overrides the file's input size."""
    def official(n):
        return (int(n / 0.875), None, (n, n)) if n < 384 else (None, (n, n), None)

    preprocessor = {key: value for key, value in preprocessor.items() if value is not None}
    processor = processor_of(preprocessor)
    if processor not in ("", "ConvNext"):
        rule = rule_of_processor(preprocessor, processor)
    else:
        given = preprocessor.get("size", image_size)
        given = given.get("shortest_edge", given) if isinstance(given, dict) else given
        crop = preprocessor.get("crop_size") if processor == "" else None  # ConvNext's processor has none
        if isinstance(given, dict):
            rule = (None, (given["height"], given["width"]), None)
        else:
            rule = official(given)
            pct = preprocessor.get("crop_pct", 0.875 if crop is None else 1.0)
            if rule[0] or crop is not None:
                rule = (int(given / pct), None, (given, given))
        if crop is not None:
            rule = rule[:2] + ((crop, crop) if isinstance(crop, int) else (crop["height"], crop["width"]),)
        if not preprocessor.get("do_resize", True):
            rule = (None, None, rule[2] if crop is not None else None)
        if processor == "" and not preprocessor.get("do_center_crop", True):
            rule = rule[:2] + (None,)
    if size:
        follows = (rule[0] is None) == (official((rule[2] or rule[1] or (size,))[0])[0] is None)
        rule = official(size) if follows else (None, (size, size), None)
    return rule


def preprocess(path, rule, preprocessor):
    """Returns the network's input, float32 (1, 3, height, width)."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    short, warp, crop = rule
    resample = preprocessor.get("resample")
    resample = Image.BICUBIC if resample is None else resample if isinstance(resample, int) else FILTERS.index(resample.lower())
    if short:
        w, h = image.size
        w, h = short * w // min(image.size), short * h // min(image.size)
        image = image.resize((w, h), resample)
    if warp:
        image = image.resize((warp[1], warp[0]), resample)
    x = np.asarray(image)
    if crop:
        top, left = (int(round((n - c) / 2.0)) for n, c in zip(x.shape, crop))
        x = x[top:top + crop[0], left:left + crop[1]]
    factor = preprocessor.get("rescale_factor") or 1 / 255 if preprocessor.get("do_rescale", True) else 1
    x = x.astype(np.float32) / np.float32(255) if abs(255 * factor - 1) < 1e-6 else (x * float(factor)).astype(np.float32)
    if preprocessor.get("do_normalize", True):
        mean = np.float32(preprocessor.get("image_mean", [0.485, 0.456, 0.406]))
        std = np.float32(preprocessor.get("image_std", [0.229, 0.224, 0.225]))
        x = (x - mean) / std
    return np.ascontiguousarray(x.transpose(2, 0, 1))[None]
