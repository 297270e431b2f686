"""Scenes of old towns and new ones."""

from payments.demo.pictures import ancient as a
from payments.demo.pictures import nature as n
from payments.demo.pictures import towns as t
from payments.demo.pictures.canvas import DARK, HEIGHT, WIDTH, Canvas, mix, rgb, shade
from payments.demo.pictures.nature import HOURS, Hour
from payments.demo.pictures.scenes.registry import scene


@scene("mosque", "golden", "dusk", "morning")
def mosque(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 600)
    t.town(c, 640, 90, [mix(rgb("d9bd93"), hour.haze, 0.45), mix(rgb("cfae80"), hour.haze, 0.35)], rows=2)
    t.mosque(c, 600, 690, 250, mix(rgb("dcc39a"), hour.haze, 0.1))
    n.plain(c, 688, rgb("a98456"), rgb("c9a874"))
    n.palms(c, 740, 4, rgb("35592f"), 130, 200)


@scene("white-mosque", "day", "dusk")
def white_mosque(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 600)
    white = mix(rgb("fdfbf6"), hour.haze, 0.12)
    for x in (170, 1030):
        t.minaret(c, x, 640, 470, white)
    for x, radius in ((330, 56), (870, 56), (450, 78), (750, 78)):
        t.dome(c, x, 520, radius, white)
    t.dome(c, 600, 500, 128, white)
    c.rectangle(120, 520, 960, 120, white)
    for opening in range(16):
        t.arch(c, 165 + opening * 58, 640, 36, 96, rgb("9db4c0"))
    c.gradient(640, HEIGHT, (rgb("bfe0e6"), rgb("4fa3b8")))
    for opening in range(16):
        c.rectangle(148 + opening * 58, 646, 36, 70, (255, 255, 255), 60)


@scene("lanterns", "night", "dusk")
def lanterns(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 620)
    wall = rgb("7d5437")
    c.rectangle(0, 0, WIDTH, HEIGHT, wall, 120)
    t.arch(c, 600, 800, 460, 720, mix(rgb("f2b366"), hour.haze, 0.3))
    t.arch(c, 600, 800, 330, 520, rgb("c98747"))
    t.arch(c, 600, 800, 210, 340, rgb("5b3a29"))
    for x in (130, 1070):
        t.arch(c, x, 800, 250, 560, rgb("4a2f22"))
        for shelf in range(4):
            c.rectangle(x - 105, 420 + shelf * 95, 210, 10, rgb("8a5a34"))
            for pot in range(5):
                c.ellipse(
                    x - 84 + pot * 42,
                    404 + shelf * 95,
                    15,
                    17,
                    rgb(c.chance.choice(["c1453b", "e9c46a", "2a9d8f", "e76f51", "b5838d"])),
                )
    for _ in range(11):
        t.lantern(
            c,
            c.chance.uniform(60, 1140),
            c.chance.uniform(90, 330),
            c.chance.uniform(34, 66),
            rgb(c.chance.choice(["e63946", "f4a261", "2a9d8f", "8ecae6", "e9c46a", "b56576"])),
        )


@scene("church", "day", "golden")
def church(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 560)
    n.mountains(c, 580, 150, mix(rgb("7f9c6b"), hour.haze, 0.5), 0.4)
    n.plain(c, 580, rgb("b99a63"), rgb("d8c18d"))
    t.town(c, 640, 30, [rgb("e7d3ab"), rgb("dcc295"), rgb("efe0c2")], rows=2)
    t.church(c, 600, 690, 230, rgb("f0e2c4"), rgb("b5553c"))
    n.bushes(c, 790, rgb("5c7a45"), 42)


@scene("skyline", "day", "dusk", "night")
def skyline(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 560)
    t.skyline(c, 560, mix(rgb("5d7fa3"), hour.haze, 0.3), lit=hour.is_dark or hour is HOURS["dusk"])
    n.sea(c, hour, sun, 560, "14557f", "5fb0c4")
    n.yacht(c, 320, 690, 74)
    n.sail_boat(c, 830, 700, 130, rgb("5a3b26"), rgb("fdf6e3"))


@scene("creek", "golden", "day")
def creek(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 540)
    t.skyline(c, 530, mix(rgb("8aa3b8"), hour.haze, 0.6), lit=False)
    t.town(c, 560, 20, [rgb("dfc596"), rgb("d3b481"), rgb("ead7b0")], rows=2)
    for x in (160, 420, 700, 980):
        c.rectangle(x, 390, 54, 150, rgb("cfae7b"))
        for slot in range(3):
            c.rectangle(x + 7 + slot * 15, 400, 9, 56, rgb("5f4a33"))
    n.sea(c, hour, sun, 570, "1d6a7d", "62b3b4")
    for x, y in ((300, 660), (760, 720)):
        c.polygon([(x - 110, y), (x + 120, y - 8), (x + 90, y + 34), (x - 84, y + 34)], rgb("6b4226"))
        c.rectangle(x - 74, y - 62, 150, 12, rgb("f1e3c2"))
        for post in (-66, 0, 66):
            c.line([(x + post, y - 52), (x + post, y)], rgb("4a2f1d"), 4)


@scene("fort", "golden", "day")
def fort(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 540)
    n.mountains(c, 560, 240, mix(rgb("8f7257"), hour.haze, 0.5), 0.85)
    n.bushes(c, 590, rgb("5f8148"), 40)
    n.palms(c, 620, 10, rgb("41703a"), 70, 120)
    t.fort(c, 600, 680, 400, rgb("d9b987"))
    n.plain(c, 678, rgb("a9814f"), rgb("cda873"))
    n.palms(c, 770, 4, rgb("2f5a33"), 130, 200)


@scene("balad", "golden", "dusk", "day")
def balad(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 640)
    woods = [rgb("7a4b2c"), rgb("3f6f6a"), rgb("8d5a3a"), rgb("5c6b4a")]
    x = -30.0
    while x < 1200:
        width = c.chance.uniform(170, 240)
        t.coral_house(
            c,
            x,
            700,
            width,
            c.chance.uniform(330, 560),
            mix(rgb("efe3cc"), hour.haze, c.chance.uniform(0.05, 0.25)),
            c.chance.choice(woods),
        )
        x += width + 6
    n.plain(c, 698, rgb("9a7f5c"), rgb("c9b28a"))
    t.minaret(c, c.chance.uniform(300, 900), 420, 330, mix(rgb("f3ead6"), hour.haze, 0.2))
    for lamp in (150, 560, 980):
        c.line([(lamp, 700), (lamp, 590)], DARK, 5)
        c.glow(lamp, 585, 60, rgb("ffd98a"), 18)


@scene("bosphorus", "golden", "dusk", "day")
def bosphorus(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 540)
    n.mountains(c, 545, 110, mix(rgb("4f7a5a"), hour.haze, 0.55), 0.3)
    t.town(c, 545, 50, [mix(rgb("dcc7a8"), hour.haze, 0.4), mix(rgb("c98f74"), hour.haze, 0.4)], rows=2)
    t.mosque(c, 640, 550, 165, mix(rgb("cfc4b4"), hour.haze, 0.2), ottoman=True)
    n.sea(c, hour, sun, 550, "17507a", "5c9fb8")
    n.yacht(c, 300, 690, 96)
    n.birds(c, 760, 260, rgb("3a4a5a"))


@scene("acropolis", "golden", "morning", "day")
def acropolis(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 560)
    n.mountains(c, 580, 140, mix(rgb("7e8f7a"), hour.haze, 0.55), 0.4)
    c.polygon([(60, 700), (180, 520), (420, 470), (860, 470), (1060, 540), (1180, 700)], rgb("b9a07a"))
    c.polygon([(700, 700), (760, 470), (860, 470), (1060, 540), (1180, 700)], rgb("97805d"))
    a.pediment_temple(c, 380, 446, 460, rgb("f2e6cc"))
    n.bushes(c, 700, rgb("5f7f4a"), 40)
    t.town(c, 780, 40, [rgb("f3ead8"), rgb("e8d9bd"), rgb("d9a98a")], rows=2)


@scene("santorini", "day", "dusk", "golden")
def santorini(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 470)
    n.mountains(c, 474, 50, mix(rgb("6d6a7d"), hour.haze, 0.5), 0.4)
    n.sea(c, hour, sun, 474, "104e8b", "3f8fc4")
    c.polygon([(0, 520), (300, 480), (760, 560), (1200, 700), (1200, 800), (0, 800)], rgb("8b6b57"))
    white = mix((252, 251, 248), hour.haze, 0.1)
    t.town(c, 740, 190, [white, shade(white, 0.05), mix(white, rgb("f6d7c3"), 0.4)], rows=5, domes=rgb("2f6fb7"))


@scene("colosseum", "golden", "morning", "dusk")
def colosseum(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 600)
    n.plain(c, 640, rgb("a08a68"), rgb("c7b08a"))
    a.amphitheatre(c, 600, 690, 860, mix(rgb("dcbf92"), hour.haze, 0.15))
    for x in (70, 130, 1090, 1150):
        c.line([(x, 720), (x, 500)], rgb("5a4632"), 8)
        c.ellipse(x, 480, 66, 34, rgb("44683f"))


@scene("amalfi", "day", "golden")
def amalfi(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 520)
    n.mountains(c, 560, 330, mix(rgb("5f7f58"), hour.haze, 0.35), 0.8)
    n.sea(c, hour, sun, 640, "0e6a94", "4cb7c4")
    walls = [rgb("f4d6b0"), rgb("eba98b"), rgb("f6e7cf"), rgb("f2c879"), rgb("e58f7b"), rgb("fdf6ea")]
    t.town(c, 610, 200, walls, rows=5)
    n.sea(c, hour, sun, 690, "0e6a94", "4cb7c4")
    n.yacht(c, 330, 750, 52)
    n.sail_boat(c, 860, 760, 84, rgb("b5453a"), (255, 255, 255))


@scene("hills", "day", "golden", "morning")
def hills(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 520)
    for row in range(5):
        line = c.ridge(520 + row * 70, 130, 0.22, 60)
        tone = mix(rgb("55803f"), hour.haze, 0.65 - 0.15 * row)
        c.ground(line, tone)
        for _ in range(10 + 4 * row):
            x, y = c.chance.choice(line)
            s = 8 + 7 * row
            c.polygon(
                [(x - s * 0.4, y + s * 0.4), (x, y - s * 1.5), (x + s * 0.4, y + s * 0.4)],
                mix(tone, rgb("1f3d24"), 0.5),
            )
    for x in (420, 480, 540, 610, 680):
        height = c.chance.uniform(40, 60)
        c.rectangle(x, 690 - height, 54, height + 16, rgb("f3e7d0"))
        c.polygon([(x - 6, 690 - height), (x + 27, 664 - height), (x + 60, 690 - height)], rgb("b9583c"))
        c.rectangle(x + 20, 702 - height, 12, 16, rgb("6b4a35"))


@scene("sagrada", "day", "dusk", "golden")
def sagrada(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 620)
    t.town(c, 690, 60, [mix(rgb("e6cfae"), hour.haze, 0.3), mix(rgb("d9b38f"), hour.haze, 0.3)], rows=2)
    t.spires(c, 600, 690, 380, mix(rgb("cfae82"), hour.haze, 0.12))
    n.bushes(c, 720, rgb("4f7a45"), 50)
    c.gradient(740, HEIGHT, (rgb("7fb7b0"), rgb("3f8f8f")))


@scene("bluewhite", "day", "morning")
def blue_and_white(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 420)
    n.sea(c, hour, sun, 420, "1067a8", "4fb3d9")
    t.town(c, 760, 200, [(253, 252, 249), rgb("f4f1ea"), rgb("e9eef0")], rows=4, domes=rgb("2878bd"))
    t.minaret(c, 820, 560, 210, (252, 251, 247))
    for _ in range(26):
        c.ellipse(
            c.chance.uniform(0, WIDTH),
            c.chance.uniform(740, 800),
            24,
            15,
            rgb(c.chance.choice(["c2267a", "d94f9a", "4f8a45", "3f7a3c"])),
        )
