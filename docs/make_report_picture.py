# Draws the report of `classify --learn`, as in the README: standard input, which is the command and its output, as a terminal shows it.
# (echo '$ classify ...'; classify --learn photos --convert my-classes) | /usr/bin/python3 docs/make_report_picture.py docs/images/learn.png
# Needs Pillow and the DejaVu fonts (Debian: python3-pil fonts-dejavu-core).
import sys

from PIL import Image, ImageDraw, ImageFont

SIZE, LINE, GAP = 22, 30, 28
PAPER, INK, GOOD = "#f6f8fa", "#1f2328", "#1a7f37"
TITLES = ("$ ", "class ", "labels to check")


def main(out):
    lines = [line.rstrip("\n") for line in sys.stdin]
    plain = ImageFont.truetype("DejaVuSansMono.ttf", SIZE)
    bold = ImageFont.truetype("DejaVuSansMono-Bold.ttf", SIZE)
    width = max(int(plain.getlength(line)) for line in lines)
    card = Image.new("RGB", (width + 2 * GAP, LINE * len(lines) + 2 * GAP), PAPER)
    pen = ImageDraw.Draw(card)
    for i, line in enumerate(lines):
        colour = GOOD if line.startswith("top-1") else INK
        pen.text((GAP, GAP + i * LINE), line, colour, bold if line.startswith(TITLES) else plain)
    card.quantize(32).save(out, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_report_picture.py OUT.png < REPORT")
    main(sys.argv[1])
