"""Scenes of Egypt: the pyramids, the Nile and the temples along it."""

import math

from payments.demo.pictures import ancient as a
from payments.demo.pictures import nature as n
from payments.demo.pictures import towns as t
from payments.demo.pictures.canvas import DARK, SAND, STONE, WIDTH, Canvas, mix, rgb
from payments.demo.pictures.nature import Hour
from payments.demo.pictures.scenes.registry import scene


@scene("pyramids", "golden", "morning", "dusk")
def pyramids(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 540)
    n.plain(c, 540, SAND, mix(SAND, hour.haze, 0.6))
    shift = c.chance.uniform(-60, 60)
    a.pyramid(c, 230 + shift, 585, 300, mix(STONE, hour.haze, 0.45))
    a.pyramid(c, 900 + shift, 600, 390, mix(STONE, hour.haze, 0.25))
    a.pyramid(c, 530 + shift, 625, 520, mix(STONE, hour.haze, 0.1))
    n.dunes(c, hour, SAND, 690, 3)
    n.camels(c, 720, 4, rgb("3a2718"), 34)


@scene("sphinx", "morning", "golden")
def sphinx(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 560)
    n.plain(c, 560, SAND, mix(SAND, hour.haze, 0.5))
    a.pyramid(c, 760, 600, 640, mix(STONE, hour.haze, 0.35))
    n.dunes(c, hour, SAND, 640, 2)
    a.sphinx(c, 430, 745, 270, rgb("c29457"))
    n.plain(c, 744, rgb("d9ab68"), rgb("edca8f"))


@scene("museum", "day", "golden")
def museum(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 560)
    a.pyramid(c, 980, 570, 260, mix(STONE, hour.haze, 0.5))
    n.plain(c, 570, rgb("cdbd9c"), rgb("e6dcc6"))
    c.polygon([(60, 640), (60, 420), (900, 300), (1010, 640)], rgb("e9ddc4"))
    for strip in range(14):
        x = 90 + strip * 62
        top = 424 - strip * 8.6
        c.polygon([(x, 640), (x, top), (x + 31, top - 4), (x + 31, 640)], rgb("d6c39d"))
        c.polygon([(x + 36, 640), (x + 36, top + 26), (x + 56, top + 70), (x + 56, 640)], rgb("7aa7b5"), 150)
    c.polygon([(470, 640), (470, 470), (600, 470), (600, 640)], rgb("37495a"))
    a.seated_giant(c, 535, 640, 104, STONE)
    n.palms(c, 706, 7, rgb("3f6b3a"), 90, 160)


@scene("steppyramid", "day", "golden")
def step_pyramid(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 560)
    n.plain(c, 560, SAND, mix(SAND, hour.haze, 0.5))
    a.step_pyramid(c, 600, 640, 620, mix(STONE, hour.haze, 0.1))
    a.columns(c, 60, 660, 240, 90, 6, STONE)
    n.dunes(c, hour, SAND, 710, 2)


@scene("palms", "morning", "day", "golden")
def palm_grove(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 520)
    n.mountains(c, 530, 90, mix(rgb("c19a6b"), hour.haze, 0.5), 0.5)
    n.bushes(c, 535, rgb("6f9a52"), 26)
    n.sea(c, hour, sun, 545, "2f7f86", "7cc4b8")
    n.palms(c, 560, 12, rgb("4c7a41"), 100, 170)
    n.bushes(c, 800, rgb("4f7d3e"), 60)
    n.palms(c, 790, 5, rgb("2f5a33"), 230, 340)


@scene("nile-night", "night")
def nile_night(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 520)
    t.skyline(c, 520, rgb("26365c"), lit=True, landmark=False)
    n.sea(c, hour, sun, 520)
    for _ in range(90):
        x, y = c.chance.uniform(0, WIDTH), c.chance.uniform(530, 690)
        c.line([(x, y), (x, y + c.chance.uniform(10, 34))], rgb("ffcf70"), 2.4, 90)
    for deck in range(3):
        c.rectangle(360 + 26 * deck, 660 - 40 * deck, 520 - 60 * deck, 36, rgb("f4efe2"))
        for window in range(16 - 2 * deck):
            c.rectangle(382 + 26 * deck + window * 30, 668 - 40 * deck, 17, 18, rgb("ffcf70"))
    c.polygon([(310, 694), (930, 694), (880, 740), (370, 740)], rgb("13294b"))
    n.sail_boat(c, 180, 620, 110, rgb("30241c"), rgb("b8b3a4"))


@scene("felucca", "golden", "dusk", "morning")
def felucca(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 500)
    n.mountains(c, 505, 100, mix(rgb("cf9d62"), hour.haze, 0.45), 0.35)
    n.bushes(c, 505, rgb("5f8a4b"), 22)
    n.palms(c, 508, 14, rgb("47703d"), 50, 100)
    n.sea(c, hour, sun, 515, "205f86", "6fb2bd")
    for x, y, size in ((930, 575, 120), (330, 600, 150), (680, 690, 300)):
        n.sail_boat(c, x + c.chance.uniform(-50, 50), y, size, rgb("6b4a2f"), rgb("fbf3df"))


@scene("library", "day", "morning")
def library(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 520)
    n.sea(c, hour, sun, 520, "12608f", "3fa9c9")
    n.plain(c, 640, rgb("b9a98a"), rgb("d6c8aa"))
    c.ellipse(600, 600, 430, 160, rgb("8d9aa3"))
    c.ellipse(600, 586, 424, 150, rgb("c6d2d6"))
    for row in range(9):
        for column in range(22):
            x, y = 220 + column * 36, 470 + row * 27
            if ((x - 600) / 400) ** 2 + ((y - 586) / 138) ** 2 < 1:
                c.polygon([(x, y), (x + 20, y - 6), (x + 20, y + 7), (x, y + 13)], rgb("5f8aa0"))
    n.palms(c, 770, 9, rgb("3e6b3e"), 100, 190)


@scene("temple", "morning", "golden", "dusk")
def temple(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 600)
    n.mountains(c, 610, 170, mix(rgb("c99a66"), hour.haze, 0.5), 0.7)
    n.plain(c, 610, SAND, mix(SAND, hour.haze, 0.4))
    a.pylon_temple(c, 600, 690, 420, mix(rgb("d8b07a"), hour.haze, 0.08))
    n.palms(c, 730, 5, rgb("3d6a3a"), 150, 220)


@scene("valley", "day", "golden")
def valley(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 520)
    n.mountains(c, 600, 360, mix(rgb("d3a66f"), hour.haze, 0.25), 0.75)
    c.polygon([(250, 640), (300, 330), (900, 330), (960, 640)], rgb("c0925c"), 170)
    for terrace in range(3):
        y, inset = 690 - terrace * 92, terrace * 70
        c.rectangle(150 + inset, y - 70, 900 - 2 * inset, 70, rgb("ecd2a2"))
        for pillar in range(int((900 - 2 * inset) / 34)):
            c.rectangle(162 + inset + pillar * 34, y - 58, 16, 58, rgb("8a6741"))
    c.polygon([(540, 690), (560, 440), (640, 440), (660, 690)], rgb("f5e3bd"))
    n.plain(c, 690, rgb("d2a468"), rgb("e8c890"))


@scene("nubian", "day", "golden")
def nubian(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 460)
    n.mountains(c, 480, 130, mix(rgb("d9a15c"), hour.haze, 0.3), 0.2)
    walls = [rgb("f2c14e"), rgb("5fa8d3"), rgb("f78154"), rgb("f4f1de"), rgb("62b6a0"), rgb("e07a9b")]
    t.town(c, 600, 80, walls, rows=3, domes=rgb("3f7cac"))
    n.sea(c, hour, sun, 620, "1b6a92", "56b0c9")
    n.palms(c, 640, 6, rgb("3f7a3c"), 120, 180)
    n.sail_boat(c, 760, 730, 150, rgb("6b4a2f"), rgb("fbf3df"))


@scene("abusimbel", "morning", "golden")
def abu_simbel(c: Canvas, hour: Hour) -> None:
    sun, _ = n.sky(c, hour, 520)
    n.sea(c, hour, sun, 520, "1b6a92", "6fb9c9")
    c.polygon([(120, 720), (200, 330), (330, 210), (880, 190), (1020, 320), (1110, 720)], rgb("c98e54"))
    c.polygon([(230, 700), (290, 300), (910, 300), (970, 700)], rgb("b07a45"))
    c.rectangle(290, 290, 620, 26, rgb("b57b45"))
    for x in (365, 490, 710, 835):
        a.seated_giant(c, x, 690, 205, rgb("f0cd98"))
    c.rectangle(560, 520, 80, 170, DARK)
    n.plain(c, 690, rgb("cf9f60"), rgb("e6c08a"))
    for index in range(5):
        angle = math.pi * index / 4
        c.ellipse(600 + 30 * math.cos(angle), 470 - 20 * math.sin(angle), 5, 5, rgb("e9c46a"))


@scene("balloons", "morning", "golden")
def balloons(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 560)
    n.mountains(c, 570, 170, mix(rgb("c08a5a"), hour.haze, 0.45), 0.6)
    n.plain(c, 570, rgb("5d8f45"), mix(rgb("9dbb6a"), hour.haze, 0.4))
    for strip in range(8):
        y = 600 + strip * strip * 3.4
        c.line([(0, y), (WIDTH, y + c.chance.uniform(-14, 14))], rgb("3f6f38"), 5 + strip, 80)
    n.palms(c, 640, 10, rgb("41703a"), 40, 70)
    for x, y, size in (
        (260, 190, 92),
        (620, 300, 62),
        (880, 150, 120),
        (1060, 400, 40),
        (430, 420, 34),
        (120, 420, 46),
    ):
        n.balloon(c, x + c.chance.uniform(-40, 40), y + c.chance.uniform(-20, 20), size)


@scene("columns", "golden", "dusk", "morning")
def colonnade(c: Canvas, hour: Hour) -> None:
    n.sky(c, hour, 600)
    n.plain(c, 600, SAND, mix(SAND, hour.haze, 0.4))
    a.columns(c, 120, 640, 960, 210, 12, mix(rgb("cfa877"), hour.haze, 0.4))
    a.columns(c, -30, 760, 1300, 470, 7, rgb("dcb682"))
    n.palms(c, 780, 2, rgb("3d6a3a"), 120, 160)
