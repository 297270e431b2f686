"""Scenes by and below the sea."""

from payments.demo.pictures import nature as n
from payments.demo.pictures import towns as t
from payments.demo.pictures.canvas import WIDTH, Canvas, mix, rgb
from payments.demo.pictures.nature import Hour
from payments.demo.pictures.scenes.registry import scene


@scene("citadel-sea", "day", "golden")
def citadel(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 500)
    n.sea(c, hour, sun, 500, "12608f", "3fa9c9")
    c.polygon([(300, 640), (360, 590), (1200, 570), (1200, 680)], rgb("a78b62"))
    t.fort(c, 800, 610, 300, rgb("dcc49a"))
    n.shore(c, rgb("b49a72"), 760)
    n.sail_boat(c, 190, 600, 110, rgb("9c3d34"), rgb("f7f2e4"))


@scene("sea-boat", "day", "golden", "dusk")
def sea_boat(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 480)
    n.mountains(c, 485, 90, mix(rgb("a9714b"), hour.haze, 0.55), 0.7)
    n.sea(c, hour, sun, 485, "0f5f94", "39b3c4")
    if c.chance.random() < 0.5:
        n.yacht(c, 560, 650, 150)
    else:
        n.sail_boat(c, 560, 670, 260, rgb("6b4226"), rgb("fdf6e3"))
    n.sail_boat(c, 980, 560, 90, rgb("3d5a73"), (255, 255, 255))


@scene("reef", "day")
def reef(c: Canvas, hour: Hour) -> None:
    n.underwater(c)


@scene("beach", "day", "golden")
def beach(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 470)
    n.sea(c, hour, sun, 470, "1ba3b8", "7fe0d6")
    n.shore(c, rgb("f4e2b8"), 660)
    for x in (330, 620, 900):
        c.polygon([(x - 80, 690), (x, 636), (x + 80, 690)], rgb(c.chance.choice(["e76f51", "2a9d8f", "f4a261"])))
        c.line([(x, 640), (x, 760)], rgb("7a5a3a"), 5)
        c.ellipse(x + 70, 756, 70, 11, rgb("fefae0"))
    n.palms(c, 770, 3, rgb("3f7a46"), 230, 330)


@scene("fjord", "day", "golden", "morning")
def fjord(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 480)
    for row in range(3):
        n.mountains(c, 500 + 12 * row, 260 - 50 * row, mix(rgb("9b7352"), hour.haze, 0.66 - 0.2 * row), 0.9)
    n.sea(c, hour, sun, 520, "0d6e72", "3fb59f")
    for side in (0, 1):
        points = [(0, 300), (130, 350), (250, 440), (330, 540), (300, 570), (0, 640)]
        if side:
            points = [(WIDTH - x * 0.85, y + 20) for x, y in points]
        c.polygon(points, rgb("7d5a40"))
        for strata in range(5):
            y = 400 + strata * 38
            reach = 150 + strata * 36
            ends = [(0, y), (reach, y + 26)] if not side else [(WIDTH, y + 20), (WIDTH - reach * 0.85, y + 46)]
            c.line(ends, rgb("5e412d"), 4, 130)
    n.sail_boat(c, 610, 680, 190, rgb("6b3f22"), rgb("fbf0d6"))


@scene("waterfall", "day", "morning")
def waterfall(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 420)
    c.rectangle(0, 240, WIDTH, 560, rgb("8d7a5b"))
    n.bushes(c, 250, rgb("4f8a45"), 40)
    for strata in range(7):
        c.line([(0, 320 + strata * 46), (WIDTH, 330 + strata * 46)], rgb("6f5d42"), 6, 120)
    for x, width in ((430, 70), (540, 150), (730, 54)):
        c.rectangle(x, 246, width, 420, rgb("e8f6f8"))
        for _ in range(16):
            at = x + c.chance.uniform(4, width - 4)
            c.line([(at, 246), (at + c.chance.uniform(-4, 4), 660)], rgb("9fd3de"), 3, 140)
    n.sea(c, hour, sun, 640, "0f7a94", "5cc4c8")
    for _ in range(40):
        c.ellipse(
            c.chance.uniform(400, 820),
            c.chance.uniform(620, 680),
            c.chance.uniform(20, 60),
            c.chance.uniform(8, 22),
            (255, 255, 255),
            60,
        )
    n.yacht(c, 250, 730, 70)
