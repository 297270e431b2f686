"""Skies, land and water, and what grows, swims and sails there."""

import math
from dataclasses import dataclass

from payments.demo.pictures.canvas import HEIGHT, WIDTH, Canvas, Colour, mix, rgb


@dataclass(frozen=True)
class Hour:
    """An hour of the day: the sky's colours from above to the horizon, the sun, and the haze over what is far."""

    sky: tuple[Colour, ...]
    sun: Colour
    sun_height: float
    haze: Colour
    is_dark: bool = False


def _hour(sky: str, sun: str, sun_height: float, haze: str, *, is_dark: bool = False) -> Hour:
    return Hour(tuple(rgb(code) for code in sky.split()), rgb(sun), sun_height, rgb(haze), is_dark)


HOURS = {
    "morning": _hour("5fb4d9 a8d8e6 fbe8c8 ffd9a3", "fff1cf", 330, "f9dfba"),
    "day": _hour("2f8fcf 6fbbe3 bfe3ef eaf5f2", "fffbe6", 170, "d9ecf0"),
    "golden": _hour("4a7fb5 8fb3c9 f5cf94 f7a65b", "ffe3a0", 410, "f3b878"),
    "dusk": _hour("2b2d5b 6a4c84 d9728a f9a66c", "ffcf8a", 455, "c9808c"),
    "night": _hour("0b1533 14264f 25406e 3b5b86", "f4f1de", 150, "2f4a73", is_dark=True),
}


def sky(c: Canvas, hour: Hour, horizon: float = 520) -> tuple[float, float]:
    """The sky down to the horizon, with sun or moon, stars or clouds. Returns where the sun stands."""
    c.gradient(0, horizon + 2, hour.sky)
    c.rectangle(0, horizon, WIDTH, HEIGHT - horizon, hour.sky[-1])
    x, y = c.chance.uniform(250, 950), hour.sun_height
    if hour.is_dark:
        for _ in range(170):
            size = c.chance.choice((1.0, 1.2, 1.6, 2.2))
            c.ellipse(
                c.chance.uniform(0, WIDTH),
                c.chance.uniform(0, horizon - 20),
                size,
                size,
                (255, 255, 240),
                c.chance.randint(90, 235),
            )
    c.glow(x, y, 210, hour.sun, 9 if hour.is_dark else 15)
    c.ellipse(x, y, 40, 40, hour.sun)
    if not hour.is_dark:
        for _ in range(c.chance.randint(2, 4)):
            cloud(c, c.chance.uniform(60, 1140), c.chance.uniform(70, 270), c.chance.uniform(0.6, 1.3))
        birds(c, c.chance.uniform(200, 1000), c.chance.uniform(160, 300), mix(hour.sky[0], (20, 20, 40), 0.55))
    return x, y


def cloud(c: Canvas, x: float, y: float, size: float) -> None:
    for _ in range(7):
        c.ellipse(
            x + c.chance.uniform(-70, 70) * size,
            y + c.chance.uniform(-6, 6) * size,
            c.chance.uniform(40, 85) * size,
            c.chance.uniform(6, 13) * size,
            (255, 255, 255),
            38,
        )


def birds(c: Canvas, x: float, y: float, colour: Colour) -> None:
    for _ in range(c.chance.randint(3, 6)):
        bx, by, span = x + c.chance.uniform(-80, 80), y + c.chance.uniform(-35, 35), c.chance.uniform(7, 12)
        c.line([(bx - span, by - span * 0.4), (bx, by), (bx + span, by - span * 0.4)], colour, 2, 190)


def mountains(c: Canvas, base: float, height: float, colour: Colour, roughness: float = 0.8) -> None:
    c.ground(c.ridge(base, height, roughness, 110), colour)


def dunes(c: Canvas, hour: Hour, colour: Colour, base: float = 600, rows: int = 4) -> None:
    """Rows of dunes, each lit on one flank; the nearest darkest."""
    for row in range(rows):
        far = 1 - row / max(1, rows - 1)
        tone = mix(mix(colour, rgb("5a3418"), 0.16 * row), hour.haze, 0.62 * far)
        if hour.is_dark:
            tone = mix(tone, rgb("101d3d"), 0.62)
        top = base + row * (HEIGHT - base) / rows * 0.8
        line = c.ridge(top, 90 + 30 * row, 0.12, 72)
        c.ground(line, tone)
        peaks = [i for i in range(4, len(line) - 4) if line[i][1] == min(p[1] for p in line[i - 4 : i + 5])]
        for peak in peaks:
            x, y = line[peak]
            reach = c.chance.uniform(150, 260)
            crest = [p for p in line[peak:] if p[0] < x + reach]
            if len(crest) < 3:
                continue
            end = crest[-1]
            foot = [(x - 40 + (end[0] - x + 40) * s, y + 26 + (HEIGHT - y) * 0.34 * s) for s in (0.12, 0.4, 0.75)]
            c.polygon([*crest, (end[0], end[1] + 70), *reversed(foot)], mix(tone, rgb("3b1f10"), 0.22), 150)


def plain(c: Canvas, y: float, near: Colour, far: Colour) -> None:
    c.gradient(y, HEIGHT, (far, mix(far, near, 0.6), near))


def sea(c: Canvas, hour: Hour, sun_x: float, y: float = 520, deep: str = "155e86", shallow: str = "43b0c0") -> None:
    """Water from the horizon down to the lower edge, with the sun's path and small waves."""
    far = mix(rgb(shallow), hour.haze, 0.55)
    tones = (far, rgb(shallow), rgb(deep))
    if hour.is_dark:
        tones = tuple(mix(tone, rgb("0a1630"), 0.66) for tone in tones)  # type: ignore[assignment]
    c.gradient(y, HEIGHT, tones)
    for _ in range(90):
        wy = y + (HEIGHT - y) * c.chance.random() ** 1.5
        depth = (wy - y) / (HEIGHT - y)
        wx, length = c.chance.uniform(-40, WIDTH), 14 + 60 * depth
        c.line([(wx, wy), (wx + length, wy)], (255, 255, 255), 1 + 1.6 * depth, 34)
    for _ in range(70):
        depth = c.chance.random()
        wy = y + (HEIGHT - y) * depth
        spread = 20 + 120 * depth
        wx = sun_x + c.chance.uniform(-spread, spread)
        c.line([(wx - 12 - 20 * depth, wy), (wx + 12 + 20 * depth, wy)], hour.sun, 2 + 2 * depth, 105)


def shore(c: Canvas, colour: Colour, y: float = 690) -> None:
    """A beach along the lower edge, with foam."""
    line = c.ridge(y, 46, 0.1, 60)
    c.line([(x, py - 7) for x, py in line], (255, 255, 255), 9, 120)
    c.ground(line, colour)


def palm(c: Canvas, x: float, y: float, height: float, colour: Colour) -> None:
    lean = c.chance.uniform(-0.16, 0.16) * height
    trunk = [(x + lean * s * s, y - height * s) for s in (0, 0.25, 0.5, 0.75, 1)]
    c.line(trunk, mix(colour, rgb("4a3320"), 0.6), max(3, height * 0.035))
    top_x, top_y = trunk[-1]
    for leaf in range(11):
        angle = math.pi * (leaf / 10) * 1.25 - math.pi * 0.125
        reach = height * c.chance.uniform(0.34, 0.46)
        points = []
        for s in (0, 0.35, 0.7, 1):
            points.append(
                (top_x + math.cos(angle) * reach * s, top_y - math.sin(angle) * reach * s * 0.7 + reach * 0.55 * s * s)
            )
        back = [(px, py + height * 0.05 * (1 - i / 3)) for i, (px, py) in enumerate(points)]
        c.polygon([*points, *reversed(back)], mix(colour, rgb("ffffff"), 0.08 * (leaf % 2)))


def palms(c: Canvas, y: float, count: int, colour: Colour, low: float = 110, high: float = 210) -> None:
    for _ in range(count):
        palm(c, c.chance.uniform(30, 1170), y + c.chance.uniform(-12, 18), c.chance.uniform(low, high), colour)


def bushes(c: Canvas, y: float, colour: Colour, height: float = 34) -> None:
    """A band of growth along a bank."""
    for _ in range(70):
        size = c.chance.uniform(0.5, 1.2) * height
        c.ellipse(
            c.chance.uniform(-20, WIDTH + 20),
            y,
            size * 1.4,
            size,
            mix(colour, rgb("1d3b22"), c.chance.uniform(0, 0.45)),
        )


def sail_boat(c: Canvas, x: float, y: float, size: float, hull: Colour, sail: Colour) -> None:
    """A felucca or dhow with its slanting yard."""
    c.polygon(
        [(x - size * 0.08, y - size * 0.1), (x + size * 0.12, y - size * 1.35), (x + size * 0.62, y - size * 0.14)],
        sail,
    )
    c.polygon(
        [(x + size * 0.12, y - size * 1.35), (x + size * 0.62, y - size * 0.14), (x + size * 0.34, y - size * 0.14)],
        mix(sail, rgb("8a7a63"), 0.28),
    )
    c.line([(x, y), (x, y - size)], mix(hull, (0, 0, 0), 0.2), size * 0.03)
    c.polygon(
        [
            (x - size * 0.55, y - size * 0.1),
            (x + size * 0.62, y - size * 0.13),
            (x + size * 0.42, y + size * 0.08),
            (x - size * 0.4, y + size * 0.08),
        ],
        hull,
    )
    c.polygon(
        [(x - size * 0.4, y + size * 0.1), (x + size * 0.42, y + size * 0.1), (x + size * 0.2, y + size * 0.3)],
        hull,
        45,
    )


def yacht(c: Canvas, x: float, y: float, size: float) -> None:
    white = (250, 250, 248)
    c.polygon(
        [
            (x - size, y - size * 0.2),
            (x + size * 1.1, y - size * 0.3),
            (x + size * 0.75, y + size * 0.1),
            (x - size * 0.85, y + size * 0.1),
        ],
        white,
    )
    c.polygon(
        [
            (x - size * 0.65, y - size * 0.2),
            (x - size * 0.5, y - size * 0.52),
            (x + size * 0.3, y - size * 0.52),
            (x + size * 0.6, y - size * 0.25),
        ],
        rgb("dfe7ea"),
    )
    c.rectangle(x - size * 0.42, y - size * 0.44, size * 0.72, size * 0.12, rgb("35556b"))
    c.polygon([(x - size * 0.8, y + size * 0.12), (x + size * 0.7, y + size * 0.12), (x, y + size * 0.3)], white, 60)


def camels(c: Canvas, y: float, count: int, colour: Colour, size: float = 46) -> None:
    """A caravan in silhouette, walking to the left."""
    x = c.chance.uniform(330, 470)
    for _ in range(count):
        s = size * c.chance.uniform(0.92, 1.08)
        for leg in (-0.5, -0.32, 0.3, 0.48):
            c.line([(x + leg * s, y - 0.55 * s), (x + (leg + c.chance.uniform(-0.1, 0.1)) * s, y)], colour, s * 0.1)
        c.ellipse(x, y - 0.72 * s, 0.66 * s, 0.25 * s, colour)
        c.ellipse(x + 0.05 * s, y - 0.98 * s, 0.26 * s, 0.26 * s, colour)
        c.line(
            [(x - 0.55 * s, y - 0.75 * s), (x - 0.85 * s, y - 0.8 * s), (x - 0.92 * s, y - 1.2 * s)], colour, s * 0.15
        )
        c.ellipse(x - 1.04 * s, y - 1.25 * s, 0.2 * s, 0.1 * s, colour)
        c.polygon(
            [
                (x - 0.16 * s, y - 1.1 * s),
                (x + 0.3 * s, y - 1.1 * s),
                (x + 0.34 * s, y - 0.62 * s),
                (x - 0.2 * s, y - 0.62 * s),
            ],
            rgb("b23a48"),
        )
        x += s * 2.5


def balloon(c: Canvas, x: float, y: float, size: float) -> None:
    one, other = c.chance.sample(["d1495b", "edae49", "00798c", "f4f1de", "30638e", "e76f51", "6a4c93"], 2)
    c.ellipse(x, y, size, size * 1.08, rgb(one))
    c.ellipse(x, y, size * 0.68, size * 1.08, rgb(other))
    c.ellipse(x, y, size * 0.3, size * 1.08, rgb(one))
    c.polygon(
        [
            (x - size * 0.72, y + size * 0.75),
            (x + size * 0.72, y + size * 0.75),
            (x + size * 0.18, y + size * 1.42),
            (x - size * 0.18, y + size * 1.42),
        ],
        mix(rgb(one), (0, 0, 0), 0.12),
    )
    c.line([(x - size * 0.15, y + size * 1.4), (x - size * 0.12, y + size * 1.68)], rgb("5b4636"), 1.5)
    c.line([(x + size * 0.15, y + size * 1.4), (x + size * 0.12, y + size * 1.68)], rgb("5b4636"), 1.5)
    c.rectangle(x - size * 0.15, y + size * 1.64, size * 0.3, size * 0.2, rgb("6f4e37"))


def underwater(c: Canvas) -> None:
    """A reef below the surface: light from above, coral, a school of fish."""
    c.gradient(0, HEIGHT, (rgb("a6ecec"), rgb("41bdd1"), rgb("1688b3"), rgb("0b4f7d")))
    for _ in range(7):
        x, width = c.chance.uniform(0, WIDTH), c.chance.uniform(30, 90)
        lean = c.chance.uniform(-160, 60)
        c.polygon(
            [(x, 0), (x + width, 0), (x + width * 2.2 + lean, 640), (x + width * 0.6 + lean, 640)], (255, 255, 255), 20
        )
    c.ground(c.ridge(760, 130, 0.4, 60), rgb("0d5f80"))
    c.ground(c.ridge(800, 110, 0.3, 60), rgb("1d4e63"))
    corals = ["ff6b6b", "f9a03f", "e85d9e", "9b5de5", "ffd166", "f28482", "c77dff"]
    for _ in range(26):
        x, y, size = c.chance.uniform(0, WIDTH), c.chance.uniform(680, 800), c.chance.uniform(26, 70)
        colour = rgb(c.chance.choice(corals))
        if c.chance.random() < 0.5:
            for branch in range(7):
                angle = math.pi * (0.15 + 0.7 * branch / 6)
                tip = (x + math.cos(angle) * size, y - math.sin(angle) * size * 1.3)
                c.line([(x, y), tip], colour, size * 0.13)
                c.ellipse(*tip, size * 0.1, size * 0.1, mix(colour, (255, 255, 255), 0.3))
        else:
            c.ellipse(x, y, size, size * 0.75, colour)
            for _ in range(12):
                c.ellipse(
                    x + c.chance.uniform(-0.7, 0.7) * size,
                    y - c.chance.uniform(0, 0.5) * size,
                    4,
                    3,
                    mix(colour, (255, 255, 255), 0.4),
                )
    school_x, school_y = c.chance.uniform(350, 850), c.chance.uniform(250, 430)
    body = rgb(c.chance.choice(["ffd23f", "ff8552", "f4f1de"]))
    for _ in range(34):
        x, y = school_x + c.chance.gauss(0, 190), school_y + c.chance.gauss(0, 80)
        size = c.chance.uniform(10, 20)
        c.ellipse(x, y, size, size * 0.5, body)
        c.polygon([(x + size * 0.7, y), (x + size * 1.5, y - size * 0.5), (x + size * 1.5, y + size * 0.5)], body)
        c.line([(x - size * 0.2, y - size * 0.42), (x - size * 0.2, y + size * 0.42)], rgb("1b3a4b"), size * 0.16)
        c.ellipse(x - size * 0.6, y - size * 0.1, 1.6, 1.6, (20, 20, 30))
