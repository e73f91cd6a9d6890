"""Draws the icon: an ultrasound sector, and text blacked out across it. ``python Resources/draw_icon.py``"""

from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
SIZE, FINER = 128, 8
GROUND, SECTOR, ECHO, BAR, EDGE, DOT = (20, 48, 80), (214, 226, 236), (150, 178, 202), (8, 10, 14), (255, 176, 32), (255, 255, 255)


def icon() -> Image.Image:
    """``SIZE`` pixels square, drawn finer and scaled down."""
    image = Image.new("RGBA", (SIZE * FINER, SIZE * FINER))
    draw = ImageDraw.Draw(image)

    def box(*corners: int) -> list[int]:
        return [corner * FINER for corner in corners]

    draw.rounded_rectangle(box(2, 2, 126, 126), 26 * FINER, fill=GROUND)
    for radius, color in ((100, SECTOR), (80, ECHO), (74, SECTOR), (54, ECHO), (48, SECTOR), (24, GROUND)):
        draw.pieslice(box(64 - radius, 8 - radius, 64 + radius, 8 + radius), 54, 126, fill=color)
    draw.rounded_rectangle(box(12, 62, 116, 98), 8 * FINER, fill=EDGE)
    draw.rounded_rectangle(box(18, 68, 110, 92), 4 * FINER, fill=BAR)
    for x in (40, 64, 88):
        draw.ellipse(box(x - 6, 74, x + 6, 86), fill=DOT)
    return image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    made = icon()
    for place in (ROOT / "Resources" / "PyLogikSlicer.png", ROOT / "PyLogikSlicer" / "Resources" / "Icons" / "PyLogikSlicer.png"):
        made.save(place)
