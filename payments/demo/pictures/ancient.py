"""What was built long ago: tombs, temples, a theatre."""

from payments.demo.pictures.canvas import DARK, WHITE, Canvas, Colour, mix, rgb, shade
from payments.demo.pictures.towns import arch


def pyramid(c: Canvas, x: float, base: float, width: float, colour: Colour) -> None:
    """Square, lit from the left, with its courses of stone."""
    top = base - width * 0.62
    edge = x + width * 0.16
    c.polygon([(x - width / 2, base), (x, top), (edge, base)], colour)
    c.polygon([(x, top), (edge, base), (x + width / 2, base - width * 0.02)], shade(colour, 0.34))
    for course in range(1, 16):
        share = course / 16
        y = top + (base - top) * share
        c.line([(x - width / 2 * share, y), (x + (edge - x) * share, y)], shade(colour, 0.3), 1.2, 70)


def step_pyramid(c: Canvas, x: float, base: float, width: float, colour: Colour) -> None:
    for step in range(6):
        w, y = width * (1 - step * 0.145), base - step * width * 0.085
        h = width * 0.085
        c.polygon([(x - w / 2, y), (x - w / 2 + 8, y - h), (x + w / 2 - 8, y - h), (x + w / 2, y)], colour)
        c.polygon(
            [(x + w * 0.12, y), (x + w * 0.12, y - h), (x + w / 2 - 8, y - h), (x + w / 2, y)], shade(colour, 0.3)
        )


def sphinx(c: Canvas, x: float, base: float, s: float, colour: Colour) -> None:
    dark = shade(colour, 0.3)
    c.polygon(
        [
            (x - s * 0.2, base),
            (x - s * 0.1, base - s * 0.55),
            (x + s * 1.5, base - s * 0.5),
            (x + s * 1.75, base - s * 0.2),
            (x + s * 1.75, base),
        ],
        colour,
    )
    c.polygon(
        [(x + s * 1.0, base), (x + s * 1.15, base - s * 0.42), (x + s * 1.75, base - s * 0.2), (x + s * 1.75, base)],
        dark,
    )
    c.polygon(
        [(x - s * 1.2, base), (x - s * 1.2, base - s * 0.18), (x + s * 0.2, base - s * 0.24), (x + s * 0.2, base)],
        colour,
    )
    c.line([(x - s * 1.2, base - s * 0.06), (x, base - s * 0.07)], dark, 3)
    c.polygon(
        [
            (x - s * 0.42, base - s * 0.45),
            (x - s * 0.34, base - s * 1.05),
            (x - s * 0.12, base - s * 1.2),
            (x + s * 0.16, base - s * 1.05),
            (x + s * 0.28, base - s * 0.42),
        ],
        dark,
    )
    for stripe in range(5):
        y = base - s * (0.5 + stripe * 0.11)
        c.line([(x - s * 0.38, y), (x + s * 0.22, y)], colour, 2.5)
    c.polygon(
        [
            (x - s * 0.3, base - s * 0.98),
            (x + s * 0.04, base - s * 1.0),
            (x + s * 0.02, base - s * 0.56),
            (x - s * 0.22, base - s * 0.54),
        ],
        colour,
    )
    for eye in (-0.2, -0.06):
        c.ellipse(x + s * eye, base - s * 0.84, s * 0.03, s * 0.014, shade(colour, 0.6))
    c.line([(x - s * 0.19, base - s * 0.65), (x - s * 0.07, base - s * 0.65)], shade(colour, 0.5), 3)


def columns(c: Canvas, x: float, base: float, width: float, height: float, count: int, colour: Colour) -> None:
    """A colonnade with its beam; the light comes from the left."""
    gap = width / count
    c.rectangle(x - gap * 0.2, base - height - 46, width + gap * 0.1, 46, colour)
    c.rectangle(x - gap * 0.2, base - height - 8, width + gap * 0.1, 8, shade(colour))
    for index in range(count):
        left, w = x + index * gap, gap * 0.5
        c.rectangle(left, base - height, w, height, colour)
        c.rectangle(left + w * 0.62, base - height, w * 0.38, height, shade(colour, 0.28))
        for flute in (0.2, 0.42):
            c.line([(left + w * flute, base - height), (left + w * flute, base)], shade(colour, 0.18), 1.4)
        c.polygon(
            [
                (left - w * 0.22, base - height),
                (left + w * 1.22, base - height),
                (left + w, base - height + 30),
                (left, base - height + 30),
            ],
            shade(colour, 0.1),
        )
        c.rectangle(left - w * 0.15, base - 12, w * 1.3, 12, shade(colour, 0.12))


def pediment_temple(c: Canvas, x: float, base: float, width: float, colour: Colour) -> None:
    height = width * 0.36
    for step in range(3):
        c.rectangle(
            x - 12 * (3 - step), base + 12 * (2 - step), width + 24 * (3 - step), 12, shade(colour, 0.08 * step)
        )
    columns(c, x + 8, base, width, height, 8, colour)
    top = base - height - 46
    c.polygon([(x - 18, top), (x + width / 2, top - width * 0.15), (x + width + 18, top)], colour)
    c.polygon([(x + 34, top - 8), (x + width / 2, top - width * 0.115), (x + width - 34, top - 8)], shade(colour, 0.2))


def pylon_temple(c: Canvas, x: float, base: float, size: float, colour: Colour) -> None:
    """An Egyptian gate: two slanting towers with flags, seated giants before them."""
    for side in (-1, 1):
        near, far = x + side * size * 0.16, x + side * size * 0.95
        c.polygon(
            [
                (near, base),
                (near + side * size * 0.05, base - size * 0.82),
                (far - side * size * 0.1, base - size * 0.82),
                (far, base),
            ],
            colour if side < 0 else shade(colour, 0.1),
        )
        c.polygon(
            [
                (near + side * size * 0.02, base - size * 0.82),
                (far - side * size * 0.07, base - size * 0.82),
                (far - side * size * 0.06, base - size * 0.89),
                (near + side * size * 0.01, base - size * 0.89),
            ],
            shade(colour, 0.2),
        )
        pole = x + side * size * 0.4
        c.line([(pole, base - size * 0.1), (pole, base - size * 1.12)], rgb("6b4a2f"), 4)
        c.polygon(
            [(pole, base - size * 1.12), (pole + 34, base - size * 1.08), (pole, base - size * 1.03)], rgb("c1453b")
        )
        for row in range(3):
            for column in range(3):
                c.rectangle(
                    x + side * size * (0.5 + 0.13 * column) - 10,
                    base - size * (0.7 - 0.17 * row),
                    18,
                    40,
                    shade(colour, 0.24),
                )
        seated_giant(c, x + side * size * 0.3, base, size * 0.34, shade(colour, 0.06))
    c.rectangle(x - size * 0.16, base - size * 0.55, size * 0.32, size * 0.55, shade(colour, 0.16))
    c.rectangle(x - size * 0.09, base - size * 0.42, size * 0.18, size * 0.42, DARK)


def seated_giant(c: Canvas, x: float, base: float, s: float, colour: Colour) -> None:
    dark = shade(colour, 0.3)
    c.rectangle(x - s * 0.26, base - s * 0.5, s * 0.52, s * 0.5, shade(colour, 0.15))
    c.rectangle(x - s * 0.22, base - s * 0.42, s * 0.16, s * 0.42, colour)
    c.rectangle(x + s * 0.06, base - s * 0.42, s * 0.16, s * 0.42, colour)
    c.polygon(
        [
            (x - s * 0.3, base - s * 0.92),
            (x + s * 0.3, base - s * 0.92),
            (x + s * 0.22, base - s * 0.4),
            (x - s * 0.22, base - s * 0.4),
        ],
        colour,
    )
    c.polygon(
        [
            (x - s * 0.2, base - s * 0.86),
            (x - s * 0.13, base - s * 1.22),
            (x + s * 0.13, base - s * 1.22),
            (x + s * 0.2, base - s * 0.86),
        ],
        dark,
    )
    c.ellipse(x, base - s * 1.03, s * 0.1, s * 0.14, colour)
    c.rectangle(x - s * 0.08, base - s * 1.42, s * 0.16, s * 0.22, shade(colour, 0.12))


def rock_front(c: Canvas, x: float, base: float, width: float, height: float, colour: Colour) -> None:
    """A façade carved into the cliff: columns, a gable, an urn, a dark door."""
    light, dark = mix(colour, WHITE, 0.16), shade(colour, 0.35)
    c.rectangle(x - width / 2, base - height, width, height, light)
    for column in range(6):
        left = x - width * 0.44 + column * width * 0.165
        c.rectangle(left, base - height * 0.46, width * 0.06, height * 0.46, mix(light, WHITE, 0.14))
        c.rectangle(left + width * 0.04, base - height * 0.46, width * 0.02, height * 0.46, dark, 120)
    c.rectangle(x - width / 2, base - height * 0.5, width, height * 0.045, dark, 150)
    c.polygon(
        [(x - width * 0.34, base - height * 0.5), (x, base - height * 0.6), (x + width * 0.34, base - height * 0.5)],
        mix(light, WHITE, 0.1),
    )
    for column in (-0.4, -0.22, 0.17, 0.35):  # type: ignore[assignment]
        c.rectangle(x + width * column, base - height * 0.9, width * 0.055, height * 0.28, mix(light, WHITE, 0.14))
    c.ellipse(x, base - height * 0.78, width * 0.1, height * 0.12, mix(light, WHITE, 0.2))
    c.polygon(
        [(x - width * 0.12, base - height * 0.88), (x, base - height * 1.02), (x + width * 0.12, base - height * 0.88)],
        dark,
        170,
    )
    c.rectangle(x - width * 0.09, base - height * 0.36, width * 0.18, height * 0.36, shade(colour, 0.75))


def amphitheatre(c: Canvas, x: float, base: float, width: float, colour: Colour) -> None:
    """Four storeys of arches, broken on one side."""
    storey = width * 0.13
    for level in range(4):
        reach = width if level < 2 else width * (0.78 - 0.16 * (level - 2))
        left, y = x - width / 2, base - (level + 1) * storey
        c.rectangle(left, y, reach, storey, mix(colour, WHITE, 0.05 * level))
        c.rectangle(left, y, reach, storey * 0.1, shade(colour, 0.2))
        for opening in range(int(reach / 54)):
            if level < 3:
                arch(c, left + 30 + opening * 54, y + storey, 30, storey * 0.72, shade(colour, 0.62))
            else:
                c.rectangle(left + 24 + opening * 54, y + storey * 0.35, 13, 18, shade(colour, 0.6))
    c.polygon(
        [(x + width * 0.3, base), (x + width * 0.5, base), (x + width * 0.5, base - storey * 2)],
        shade(colour, 0.3),
        140,
    )
