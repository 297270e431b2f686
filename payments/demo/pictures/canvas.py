"""A sheet of 1200 × 800 to draw on, in those units whatever its resolution, and colours that blend."""

import math
from collections.abc import Iterable, Sequence
from random import Random

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

WIDTH, HEIGHT = 1200, 800
SHARPNESS = 1.5  # drawn so much larger and reduced, which smooths the edges


def rgb(code: str) -> Colour:
    """`"f4a261"` as a colour."""
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """The colour between two, `share` of the way to the other."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


DARK: Colour = (30, 24, 40)
WHITE: Colour = (255, 255, 255)


def shade(colour: Colour, share: float = 0.25) -> Colour:
    """The colour where the light does not reach."""
    return mix(colour, DARK, share)


SAND, STONE, RED_ROCK = rgb("e3b778"), rgb("d8b98a"), rgb("b8623d")


class Canvas:
    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.image = Image.new("RGB", (round(WIDTH * SHARPNESS), round(HEIGHT * SHARPNESS)))
        self.pen = ImageDraw.Draw(self.image, "RGBA")

    def finished(self) -> Image.Image:
        """The picture in its final size."""
        return self.image.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)

    def _scaled(self, points: Iterable[Point]) -> list[Point]:
        return [(x * SHARPNESS, y * SHARPNESS) for x, y in points]

    def polygon(self, points: Iterable[Point], colour: Colour, alpha: int = 255) -> None:
        self.pen.polygon(self._scaled(points), fill=(*colour, alpha))

    def rectangle(self, x: float, y: float, width: float, height: float, colour: Colour, alpha: int = 255) -> None:
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour, alpha)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: int = 255) -> None:
        """Around (x, y)."""
        self.pen.ellipse(self._scaled([(x - rx, y - ry), (x + rx, y + ry)]), fill=(*colour, alpha))

    def line(self, points: Iterable[Point], colour: Colour, width: float = 2, alpha: int = 255) -> None:
        self.pen.line(
            self._scaled(points), fill=(*colour, alpha), width=max(1, round(width * SHARPNESS)), joint="curve"
        )

    def gradient(self, top: float, bottom: float, colours: Sequence[Colour]) -> None:
        """A band across the sheet from one height to another, through all the colours."""
        column = Image.new("RGB", (1, len(colours)))
        column.putdata(list(colours))
        height = max(1, round((bottom - top) * SHARPNESS))
        # Enlarged past its ends and cut, so that the first and last colours stand at the very edges.
        margin = height / max(1, len(colours) - 1) / 2 if len(colours) > 1 else 0
        tall = column.resize((1, round(height + 2 * margin)), Image.Resampling.BILINEAR)
        band = tall.crop((0, round(margin), 1, round(margin) + height)).resize((self.image.width, height))
        self.image.paste(band, (0, round(top * SHARPNESS)))

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: int = 16) -> None:
        """A light that fades out."""
        for step in range(27):
            r = radius * (1 - step / 27)
            self.ellipse(x, y, r, r, colour, max(2, strength // 3))

    def ridge(self, base: float, height: float, roughness: float, points: int = 64) -> list[Point]:
        """A line of hills from edge to edge: smooth for a roughness of 0, jagged for 1."""
        waves = [
            (self.chance.uniform(0.6, 1.4) * 2**n, self.chance.uniform(0, math.tau), (0.35 + 0.3 * roughness) ** n)
            for n in range(1 + round(5 * roughness) + 1)
        ]
        most = sum(weight for _, _, weight in waves)
        line = []
        for index in range(points + 1):
            share = index / points
            value = sum(weight * math.sin(math.tau * pace * share + phase) for pace, phase, weight in waves) / most
            line.append((share * WIDTH, base - height * (0.5 + 0.5 * value)))
        return line

    def ground(self, line: Sequence[Point], colour: Colour, alpha: int = 255) -> None:
        """Everything below a ridge."""
        self.polygon([*line, (WIDTH, HEIGHT), (0, HEIGHT)], colour, alpha)
