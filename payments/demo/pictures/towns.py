"""Mosques, churches, towns, forts and lamps."""

import math

from payments.demo.pictures.canvas import WHITE, Canvas, Colour, mix, rgb, shade


def dome(c: Canvas, x: float, base: float, radius: float, colour: Colour, *, drum: float = 0.35) -> None:
    """A pointed dome on its drum, with a finial."""
    c.rectangle(x - radius * 0.94, base - radius * drum, radius * 1.88, radius * drum, shade(colour, 0.12))
    for window in range(5):
        c.rectangle(
            x - radius * 0.75 + window * radius * 0.34,
            base - radius * drum * 0.8,
            radius * 0.12,
            radius * drum * 0.6,
            shade(colour, 0.5),
        )
    foot = base - radius * drum
    left = [
        (x - radius * math.cos(t), foot - radius * 1.02 * math.sin(t) - radius * 0.16 * (t / 1.5708) ** 4)
        for t in [i * math.pi / 24 for i in range(13)]
    ]
    right = [(2 * x - px, py) for px, py in reversed(left)]
    c.polygon([*left, *right], colour)
    c.polygon(
        [(x + radius * 0.2, foot), *[(x + (px - x) * 0.55, py) for px, py in right][:9], *right[4:]],
        shade(colour, 0.16),
        120,
    )
    top = foot - radius * 1.18
    c.line([(x, top), (x, top - radius * 0.34)], rgb("e0b04c"), max(2, radius * 0.05))
    c.ellipse(x, top - radius * 0.14, radius * 0.06, radius * 0.06, rgb("e0b04c"))


def minaret(c: Canvas, x: float, base: float, height: float, colour: Colour, *, pencil: bool = False) -> None:
    width = height * (0.055 if pencil else 0.1)
    c.rectangle(x - width / 2, base - height * 0.8, width, height * 0.8, colour)
    c.rectangle(x + width * 0.12, base - height * 0.8, width * 0.38, height * 0.8, shade(colour, 0.22))
    for gallery in (0.5, 0.8):
        c.rectangle(x - width * 0.85, base - height * gallery, width * 1.7, height * 0.025, shade(colour, 0.1))
    if pencil:
        c.polygon(
            [(x - width * 0.6, base - height * 0.8), (x, base - height), (x + width * 0.6, base - height * 0.8)],
            rgb("5b7083"),
        )
    else:
        c.rectangle(x - width * 0.32, base - height * 0.92, width * 0.64, height * 0.13, colour)
        c.ellipse(x, base - height * 0.935, width * 0.42, width * 0.6, colour)
    c.line([(x, base - height * 0.96), (x, base - height * 1.04)], rgb("e0b04c"), 3)


def arch(c: Canvas, x: float, base: float, width: float, height: float, colour: Colour, alpha: int = 255) -> None:
    """A pointed arch, filled."""
    spring = base - height * 0.6
    left = [
        (x - width / 2 * math.cos(t), spring - height * 0.4 * math.sin(t) ** 0.9)
        for t in [i * math.pi / 20 for i in range(11)]
    ]
    right = [(2 * x - px, py) for px, py in reversed(left)]
    c.polygon([(x - width / 2, base), *left, *right, (x + width / 2, base)], colour, alpha)


def mosque(c: Canvas, x: float, base: float, size: float, colour: Colour, *, ottoman: bool = False) -> None:
    if ottoman:
        for side in (-1.5, -1.15, 1.15, 1.5):
            minaret(c, x + side * size, base, size * 2.1, colour, pencil=True)
        for side in (-0.85, 0.85):
            dome(c, x + side * size, base - size * 0.55, size * 0.42, mix(colour, rgb("7d93a6"), 0.4))
        dome(c, x, base - size * 0.75, size * 0.72, mix(colour, rgb("7d93a6"), 0.4))
    else:
        minaret(c, x - size * 1.25, base, size * 2.0, colour)
        minaret(c, x + size * 1.3, base, size * 1.7, colour)
        dome(c, x, base - size * 0.6, size * 0.6, mix(colour, WHITE, 0.12))
    c.rectangle(x - size * 1.4, base - size * 0.62, size * 2.8, size * 0.62, colour)
    c.rectangle(x - size * 1.4, base - size * 0.66, size * 2.8, size * 0.06, shade(colour, 0.12))
    for opening in range(9):
        arch(c, x - size * 1.2 + opening * size * 0.3, base, size * 0.17, size * 0.42, shade(colour, 0.55))


def skyline(c: Canvas, base: float, colour: Colour, *, lit: bool, landmark: bool = True) -> None:
    x = -20.0
    while x < 1220:
        width, height = c.chance.uniform(34, 78), c.chance.uniform(60, 250) * (0.6 + 0.6 * math.sin(x / 380) ** 2)
        tone = mix(colour, WHITE, c.chance.uniform(0, 0.22))
        c.rectangle(x, base - height, width, height, tone)
        c.rectangle(x + width * 0.66, base - height, width * 0.34, height, shade(tone, 0.18))
        if c.chance.random() < 0.3:
            c.polygon([(x, base - height), (x + width, base - height), (x + width, base - height - width * 0.7)], tone)
        for row in range(int(height / 15)):
            for column in range(int(width / 12)):
                if c.chance.random() < (0.45 if lit else 0.3):
                    c.rectangle(
                        x + 4 + column * 12,
                        base - height + 6 + row * 15,
                        5,
                        7,
                        rgb("ffd98a") if lit else WHITE,
                        190 if lit else 70,
                    )
        x += width + c.chance.uniform(-6, 14)
    if landmark:
        centre = c.chance.uniform(420, 780)
        tone = mix(colour, WHITE, 0.3)
        for tier, (w, h) in enumerate(((66, 190), (48, 300), (30, 390), (14, 460))):
            c.rectangle(centre - w / 2, base - h, w, h, mix(tone, WHITE, 0.08 * tier))
            c.rectangle(centre + w * 0.14, base - h, w * 0.36, h, shade(tone, 0.14), 160)
        c.line([(centre, base - 460), (centre, base - 540)], tone, 4)


def town(
    c: Canvas, base: float, rise: float, walls: list[Colour], *, rows: int = 4, domes: Colour | None = None
) -> None:
    """Houses climbing a slope, the far rows first."""
    for row in range(rows):
        y = base - rise * (1 - row / max(1, rows - 1))
        x = -30.0 + c.chance.uniform(0, 30)
        while x < 1220:
            width, height = c.chance.uniform(52, 104), c.chance.uniform(52, 112)
            wall = c.chance.choice(walls)
            lift = 34 * math.sin(x / 210 + row)
            c.rectangle(x, y - height - lift, width, height + lift + 90, wall)
            c.rectangle(x + width * 0.72, y - height - lift, width * 0.28, height + lift + 90, shade(wall, 0.13))
            if domes and c.chance.random() < 0.22:
                dome(c, x + width * 0.45, y - height - lift, width * 0.33, domes, drum=0.12)
            for window in range(int(width / 26)):
                c.rectangle(x + 9 + window * 26, y - height - lift + 20, 10, 16, domes or shade(wall, 0.5))
            x += width + c.chance.uniform(-8, 4)


def coral_house(c: Canvas, x: float, base: float, width: float, height: float, wall: Colour, wood: Colour) -> None:
    """A merchant's house with its wooden bays."""
    c.rectangle(x, base - height, width, height, wall)
    c.rectangle(x, base - height - 14, width, 14, shade(wall, 0.15))
    floors = int(height / 105)
    for floor in range(1, floors + 1):
        for bay in range(2):
            left, top = x + width * (0.1 + 0.46 * bay), base - floor * 105 - 62 + 60
            c.rectangle(left, top - 60, width * 0.34, 78, wood)
            c.rectangle(left - 4, top - 66, width * 0.34 + 8, 8, shade(wood, 0.3))
            c.polygon(
                [
                    (left, top + 18),
                    (left + width * 0.34, top + 18),
                    (left + width * 0.24, top + 32),
                    (left + width * 0.1, top + 32),
                ],
                shade(wood, 0.3),
            )
            for lattice in range(4):
                c.line(
                    [
                        (left + width * 0.34 * lattice / 3.2 + 3, top - 54),
                        (left + width * 0.34 * lattice / 3.2 + 3, top + 12),
                    ],
                    shade(wood, 0.4),
                    2,
                )
            c.line([(left, top - 22), (left + width * 0.34, top - 22)], shade(wood, 0.4), 2)
    arch(c, x + width * 0.5, base, width * 0.26, 74, shade(wood, 0.35))


def fort(c: Canvas, x: float, base: float, size: float, colour: Colour) -> None:
    """Walls with battlements between round towers."""
    c.rectangle(x - size, base - size * 0.42, size * 2, size * 0.42, colour)
    for merlon in range(20):
        c.rectangle(x - size + merlon * size * 0.1, base - size * 0.47, size * 0.06, size * 0.06, colour)
    for tower, height in ((-1.0, 0.62), (-0.1, 0.86), (0.95, 0.7)):
        w = size * 0.34
        left = x + tower * size - w / 2
        c.polygon(
            [(left - 8, base), (left, base - size * height), (left + w, base - size * height), (left + w + 8, base)],
            mix(colour, WHITE, 0.07),
        )
        c.polygon(
            [
                (left + w * 0.6, base),
                (left + w * 0.6, base - size * height),
                (left + w, base - size * height),
                (left + w + 8, base),
            ],
            shade(colour, 0.22),
        )
        for merlon in range(5):
            c.rectangle(left + merlon * w / 4.6, base - size * height - 13, w / 8, 14, mix(colour, WHITE, 0.07))
        for slot in (0.3, 0.5):
            c.rectangle(left + w * 0.4, base - size * height * (0.4 + slot * 0.6), 7, 26, shade(colour, 0.6))
    arch(c, x + size * 0.42, base, size * 0.2, size * 0.3, shade(colour, 0.6))


def lantern(c: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    c.line([(x, 0), (x, y - size)], rgb("3b2a20"), 2.5)
    c.glow(x, y, size * 2.6, mix(colour, rgb("ffd98a"), 0.6), 11)
    c.polygon(
        [(x - size * 0.28, y - size * 0.75), (x, y - size * 1.1), (x + size * 0.28, y - size * 0.75)], rgb("8a5a2b")
    )
    c.polygon(
        [
            (x - size * 0.3, y - size * 0.75),
            (x + size * 0.3, y - size * 0.75),
            (x + size * 0.5, y),
            (x + size * 0.2, y + size * 0.55),
            (x - size * 0.2, y + size * 0.55),
            (x - size * 0.5, y),
        ],
        colour,
    )
    c.polygon(
        [
            (x - size * 0.14, y - size * 0.7),
            (x + size * 0.14, y - size * 0.7),
            (x + size * 0.2, y),
            (x + size * 0.08, y + size * 0.5),
            (x - size * 0.08, y + size * 0.5),
            (x - size * 0.2, y),
        ],
        mix(colour, rgb("fff3c4"), 0.65),
    )
    c.rectangle(x - size * 0.24, y + size * 0.52, size * 0.48, size * 0.1, rgb("8a5a2b"))


def spires(c: Canvas, x: float, base: float, size: float, colour: Colour) -> None:
    """A church of tall, pierced spires."""
    for offset, height in ((-0.62, 1.0), (-0.36, 1.25), (0.36, 1.25), (0.62, 1.0), (-0.12, 1.55), (0.14, 1.48)):
        left, h, w = x + offset * size, size * height, size * 0.16
        outline = [
            (left - w / 2, base),
            (left - w * 0.46, base - h * 0.45),
            (left - w * 0.26, base - h * 0.8),
            (left, base - h),
        ]
        c.polygon([*outline, *[(2 * left - px, py) for px, py in reversed(outline)]], colour)
        c.polygon(
            [(left, base), (left, base - h), *[(2 * left - px, py) for px, py in reversed(outline)][1:]],
            shade(colour, 0.2),
        )
        for slot in range(8):
            c.rectangle(left - w * 0.16, base - h * (0.32 + slot * 0.065), w * 0.32, h * 0.025, shade(colour, 0.5))
        c.ellipse(left, base - h, w * 0.14, w * 0.14, rgb("e9c46a"))
    c.polygon(
        [
            (x - size * 0.8, base),
            (x - size * 0.7, base - size * 0.4),
            (x, base - size * 0.62),
            (x + size * 0.7, base - size * 0.4),
            (x + size * 0.8, base),
        ],
        mix(colour, WHITE, 0.06),
    )
    for opening in (-0.4, 0.0, 0.4):
        arch(c, x + opening * size, base, size * 0.2, size * 0.36, shade(colour, 0.55))


def church(c: Canvas, x: float, base: float, size: float, wall: Colour, roof: Colour) -> None:
    c.rectangle(x - size * 0.7, base - size * 0.7, size * 1.4, size * 0.7, wall)
    c.rectangle(x + size * 0.35, base - size * 0.7, size * 0.35, size * 0.7, shade(wall, 0.14))
    dome(c, x, base - size * 0.7, size * 0.42, roof)
    for side in (-0.95, 0.95):
        c.rectangle(x + side * size - size * 0.16, base - size * 1.25, size * 0.32, size * 1.25, mix(wall, WHITE, 0.1))
        c.polygon(
            [
                (x + side * size - size * 0.2, base - size * 1.25),
                (x + side * size, base - size * 1.62),
                (x + side * size + size * 0.2, base - size * 1.25),
            ],
            roof,
        )
        arch(c, x + side * size, base - size * 0.9, size * 0.12, size * 0.22, shade(wall, 0.6))
    for window in (-0.45, 0, 0.45):
        arch(c, x + window * size, base - size * 0.12, size * 0.14, size * 0.36, shade(wall, 0.55))
