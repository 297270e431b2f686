"""Scenes of deserts, rocks and canyons."""

from payments.demo.pictures import ancient as a
from payments.demo.pictures import nature as n
from payments.demo.pictures.canvas import DARK, HEIGHT, RED_ROCK, WIDTH, Canvas, mix, rgb, shade
from payments.demo.pictures.nature import Hour
from payments.demo.pictures.scenes.registry import scene


@scene("camels", "dusk", "golden")
def camels(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 560)
    n.dunes(c, hour, rgb("dd9a55"), 600, 4)
    n.camels(c, 640, 5, rgb("2a1a16"), 56)


@scene("dunes", "golden", "morning", "dusk")
def dunes(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 560)
    n.dunes(c, hour, rgb(c.chance.choice(["e0a05a", "d98b4a", "e8bd7c"])), 560, 5)


@scene("stars", "night")
def stars(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 580)
    for _ in range(260):
        along = c.chance.uniform(0, WIDTH)
        y = 460 - along * 0.3 + c.chance.gauss(0, 42)
        c.ellipse(along, y, 1.3, 1.3, (255, 250, 235), c.chance.randint(60, 190))
    n.dunes(c, hour, rgb("c98f55"), 600, 3)
    c.glow(560, 690, 150, rgb("ff9f43"), 15)
    for x in (330, 690, 800):
        c.polygon([(x, 705), (x + 62, 622), (x + 124, 705)], rgb("e9d8b4"))
        c.polygon([(x + 62, 622), (x + 124, 705), (x + 70, 705)], rgb("a88d66"))
        c.polygon([(x + 48, 705), (x + 62, 655), (x + 74, 705)], rgb("ffb454"))
    c.polygon([(546, 706), (560, 662), (576, 706)], rgb("ffd166"))


@scene("whitedesert", "golden", "dusk", "morning")
def white_desert(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 560)
    n.plain(c, 560, rgb("e8d2a6"), mix(rgb("efdfc0"), hour.haze, 0.4))
    for _ in range(9):
        x, base, s = c.chance.uniform(40, 1160), c.chance.uniform(600, 740), c.chance.uniform(60, 150)
        tone = mix(rgb("fbf7ec"), hour.haze, (760 - base) / 420)
        c.polygon(
            [(x - s * 0.26, base), (x - s * 0.14, base - s * 0.6), (x + s * 0.14, base - s * 0.6), (x + s * 0.3, base)],
            shade(tone, 0.1),
        )
        c.ellipse(x, base - s * 0.85, s * 0.62, s * 0.4, tone)
        c.ellipse(x + s * 0.2, base - s * 0.76, s * 0.4, s * 0.28, shade(tone, 0.12))
        c.ellipse(x + s * 0.1, base + 4, s * 0.5, s * 0.07, rgb("8a6a44"), 60)


@scene("sinai", "dusk", "golden", "morning")
def sinai(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 620)
    for row in range(5):
        n.mountains(c, 470 + row * 80, 210, mix(rgb("7c3f32"), hour.haze, 0.78 - 0.17 * row), 0.85)


@scene("wadirum", "golden", "dusk")
def wadi_rum(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 600)
    for row in range(3):
        tone = mix(RED_ROCK, hour.haze, 0.6 - 0.25 * row)
        x = c.chance.uniform(-200, 0)
        while x < WIDTH:
            width, height = c.chance.uniform(160, 330), c.chance.uniform(90, 210) + 30 * row
            base = 610 + 26 * row
            c.polygon(
                [
                    (x - 30, base),
                    (x + 8, base - height * 0.8),
                    (x + width * 0.2, base - height),
                    (x + width * 0.7, base - height * 0.94),
                    (x + width - 6, base - height * 0.7),
                    (x + width + 36, base),
                ],
                tone,
            )
            for strata in range(4):
                y = base - height * (0.2 + 0.17 * strata)
                c.line([(x, y), (x + width, y + 5)], shade(tone, 0.2), 4, 120)
            x += width + c.chance.uniform(30, 240)
    n.dunes(c, hour, rgb("cf7442"), 690, 3)
    n.camels(c, 716, 3, rgb("2a1612"), 36)


@scene("petra", "golden", "morning")
def petra(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 300)
    c.rectangle(0, 180, WIDTH, 620, rgb("b9694a"))
    a.rock_front(c, 600, 740, 430, 540, rgb("d98e66"))
    for side in (0, 1):
        for layer in range(3):
            edge = 330 - layer * 110
            points = [
                (0, 0),
                (edge + 60, 0),
                *[(edge + c.chance.uniform(-26, 30), y) for y in range(80, 800, 90)],
                (edge - 20, 800),
                (0, 800),
            ]
            if side:
                points = [(WIDTH - x, y) for x, y in points]
            c.polygon(points, mix(rgb("a04f36"), DARK, 0.22 * layer))
    n.plain(c, 738, rgb("b5764f"), rgb("d39a6c"))
    n.camels(c, 790, 2, rgb("3a1f16"), 44)


@scene("hegra", "golden", "dusk", "morning")
def hegra(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 580)
    n.mountains(c, 590, 120, mix(rgb("b58556"), hour.haze, 0.55), 0.7)
    n.plain(c, 590, rgb("d9a768"), mix(rgb("e6c08c"), hour.haze, 0.3))
    c.polygon(
        [(390, 700), (350, 480), (400, 270), (520, 190), (680, 200), (800, 300), (840, 500), (800, 700)], rgb("c9955c")
    )
    c.polygon([(700, 700), (720, 230), (800, 300), (840, 500), (800, 700)], rgb("a87443"))
    a.rock_front(c, 585, 700, 230, 330, rgb("d6a469"))
    n.dunes(c, hour, rgb("d9a768"), 730, 2)


@scene("cliffs", "golden", "dusk")
def cliffs(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 520)
    n.plain(c, 520, rgb("c08d5c"), mix(rgb("d6ae80"), hour.haze, 0.6))
    for step, (edge, top) in enumerate(((900, 400), (640, 470), (360, 430))):
        tone = mix(rgb("b97a48"), hour.haze, 0.42 - 0.18 * step)
        points = [
            (0, top),
            (edge, top + 12),
            (edge + 26, top + 70),
            (edge - 14, top + 150),
            (edge + 40, top + 330),
            (edge + 90, 800),
            (0, 800),
        ]
        c.polygon(points, tone)
        c.polygon(
            [
                (edge, top + 12),
                (edge + 26, top + 70),
                (edge - 14, top + 150),
                (edge + 40, top + 330),
                (edge + 90, 800),
                (edge - 90, 800),
                (edge - 120, top + 14),
            ],
            shade(tone, 0.22),
        )
        for strata in range(6):
            y = top + 40 + strata * 52
            c.line([(0, y), (edge + 10, y + 4)], shade(tone, 0.14), 5, 120)
    for person in (190, 222):
        c.ellipse(person, 396, 6, 6, DARK)
        c.line([(person, 400), (person, 432)], DARK, 9)


@scene("canyon", "day", "morning")
def canyon(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 420)
    n.mountains(c, 470, 160, mix(rgb("b08a63"), hour.haze, 0.5), 0.7)
    c.gradient(460, HEIGHT, (rgb("8fd6c2"), rgb("2fa58f"), rgb("0f6f6b")))
    for side in (0, 1):
        for layer in range(3):
            edge = 470 - layer * 130
            tone = mix(rgb("c39a6b"), DARK, 0.16 * layer)
            points = [
                (0, 60 + 40 * layer),
                (edge * 0.6, 120 + 30 * layer),
                *[(edge + c.chance.uniform(-20, 26) - (y - 200) * 0.12, y) for y in range(200, 640 + layer * 60, 70)],
                (edge - 120, 660 + layer * 70),
                (0, 700 + layer * 60),
            ]
            if side:
                points = [(WIDTH - x * 0.92, y) for x, y in points]
            c.polygon(points, tone)
            for strata in range(7):
                y = 220 + strata * 60
                ends = [(0, y), (edge - 40, y + 14)]
                if side:
                    ends = [(WIDTH - x * 0.92, py) for x, py in ends]
                c.line(ends, shade(tone, 0.16), 5, 110)
    for x, height in ((180, 150), (290, 120), (930, 170), (1040, 130)):
        n.palm(c, x, 690, height, rgb("3f7a3c"))


@scene("lake", "morning", "golden", "day")
def lake(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 500)
    n.mountains(c, 510, 150, mix(rgb("c58f5a"), hour.haze, 0.5), 0.6)
    n.sea(c, hour, sun, 510, "1f7a8c", "7fd1c7")
    n.dunes(c, hour, rgb("e2b06f"), 690, 2)
    n.palms(c, 730, 4, rgb("446f3c"), 110, 170)
