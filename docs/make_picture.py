# Draws the output of `classify --attention` for a photo, as in the README: the photo, its five classes, and where the model looked.
# /usr/bin/python3 docs/make_picture.py examples/images/chelsea.png docs/images/classify.jpg
# Needs Pillow, the DejaVu fonts (Debian: python3-pil fonts-dejavu-core) and a built classify; BUILD names its folder (build/release).
import json
import os
import subprocess
import sys
import tempfile

from PIL import Image, ImageDraw, ImageFont

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLASSIFY = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build", "release")), "classify")
PHOTO, LIST, GAP = (600, 400), 360, 28
PAPER, INK, GREY, EMPTY, BAR = "#f6f8fa", "#1f2328", "#656d76", "#e2e6ea", "#6a3d9a"


def classify(photo, folder):
    """Returns the record of the photo, and the picture that --attention drew."""
    done = subprocess.run([CLASSIFY, "--format", "jsonl", "--attention", folder, photo], stdout=subprocess.PIPE, check=True, text=True)
    record = json.loads(done.stdout)
    return record, Image.open(record["attention"]).convert("RGB")


def caption(pen, left, text):
    pen.text((left, GAP + PHOTO[1] + 14), text, GREY, ImageFont.truetype("DejaVuSans.ttf", 24))


def draw_classes(pen, left, classes):
    """Draws one row per class: its name and probability, and below them a bar with the probability as its length."""
    for i, c in enumerate(classes):
        font = ImageFont.truetype("DejaVuSans.ttf" if i else "DejaVuSans-Bold.ttf", 26)
        top, right = GAP + i * PHOTO[1] // len(classes), left + LIST
        pen.text((left, top + 8), c["label"], INK, font)
        pen.text((right, top + 8), f"{100 * c['probability']:.1f} %", INK, font, anchor="ra")
        pen.rounded_rectangle((left, top + 46, right, top + 54), 4, EMPTY)
        pen.rounded_rectangle((left, top + 46, left + max(8, LIST * c["probability"]), top + 54), 4, BAR)


def main(photo, out):
    with tempfile.TemporaryDirectory() as folder:
        record, attention = classify(photo, folder)
    classes = GAP + PHOTO[0] + GAP
    looked = classes + LIST + GAP
    card = Image.new("RGB", (looked + PHOTO[0] + GAP, PHOTO[1] + 2 * GAP + 30), PAPER)
    card.paste(Image.open(photo).convert("RGB").resize(PHOTO, Image.LANCZOS), (GAP, GAP))
    card.paste(attention.resize(PHOTO, Image.LANCZOS), (looked, GAP))
    pen = ImageDraw.Draw(card)
    draw_classes(pen, classes, record["top"])
    caption(pen, GAP, "a photo")
    caption(pen, classes, "what the model says")
    caption(pen, looked, "where it looked")
    card.save(out, quality=88, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: make_picture.py PHOTO OUT.jpg")
    main(sys.argv[1], sys.argv[2])
