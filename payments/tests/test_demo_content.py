"""The demo's texts, pictures and people, apart from the database."""

import hashlib
import re
from collections import Counter
from random import Random

import phonenumbers
import pytest

from payments.demo.catalogue import load_places, load_tours
from payments.demo.catalogue.reader import weekdays
from payments.demo.people import make_people
from payments.demo.pictures import draw
from payments.demo.pictures.scenes import scene_names

ARABIC = re.compile(r"[\u0600-\u06ff]")
TOURS = load_tours()
ALL = TOURS + load_tours("marhaba.toml")


def texts_of(tour):
    yield from (tour.title, tour.summary, tour.description, tour.meeting_point)
    yield from (*tour.highlights, *tour.inclusions, *tour.exclusions, *tour.amenities)
    yield from (option.name for option in tour.options)
    yield from (extra.name for extra in tour.extras)
    for day in tour.itinerary:
        yield from (day.title, day.text)


def test_there_are_some_forty_tours_in_three_kinds_and_every_title_once():
    assert 40 <= len(TOURS) <= 60
    assert {tour.kind for tour in TOURS} == {"TOUR", "PACKAGE", "ACTIVITY"}
    for language in (0, 1):
        assert max(Counter(tour.title[language].lower() for tour in TOURS).values()) == 1
    assert {tour.place for tour in TOURS} == set(load_places())


@pytest.mark.parametrize("tour", ALL, ids=lambda tour: tour.key)
def test_every_text_stands_in_both_languages_and_within_its_limits(tour):
    for english, arabic in texts_of(tour):
        assert not ARABIC.search(english)
        assert ARABIC.search(arabic)
        # Apart from figures, signs and names of brands in brackets, Arabic has no Latin letters.
        assert not re.search(r"[A-Za-z]{2,}", arabic)
    for language in (0, 1):
        assert 3 <= len(tour.title[language]) <= 200
        assert 10 <= len(tour.summary[language]) <= 500
        assert len(tour.description[language]) >= 50
        assert 5 <= len(tour.meeting_point[language]) <= 300
    assert 1 <= len(tour.highlights) <= 10
    assert 1 <= len(tour.inclusions) <= 15
    if tour.kind == "PACKAGE":
        assert len(tour.itinerary) == tour.nights + 1
    else:
        assert tour.nights == 0


@pytest.mark.parametrize("tour", ALL, ids=lambda tour: tour.key)
def test_prices_make_sense(tour):
    for option in tour.options:
        assert option.prices["adult"] > 0
        assert option.prices["child"] < option.prices["adult"]
        assert option.prices["senior"] <= option.prices["adult"] if "senior" in option.prices else True
        assert all(option.was[category] > option.prices[category] for category in option.was)


@pytest.mark.parametrize("name", scene_names())
def test_a_scene_is_the_same_for_the_same_seed(name):
    def digest(seed):
        return hashlib.sha256(draw(name, seed).tobytes()).hexdigest()

    assert draw(name, "a").size == (1200, 800)
    assert digest("a") == digest("a") != digest("b")


def test_every_scene_named_is_there():
    assert {scene for tour in ALL for scene in tour.scenes} <= set(scene_names())


def test_people_are_the_same_for_the_same_seed_and_share_no_address():
    people = make_people(2000, Random(7))
    assert people == make_people(2000, Random(7)) != make_people(2000, Random(8))
    assert len({person.email for person in people}) == 2000
    assert all(re.fullmatch(r"[a-z0-9]+\.[a-z0-9]+\.\d+@guests\.rihla\.example", person.email) for person in people)
    valid = [phonenumbers.is_valid_number(phonenumbers.parse(person.phone)) for person in people]
    assert sum(valid) > 0.97 * len(valid)
    assert {person.language for person in people} == {"en", "ar"}


def test_weekdays_are_read_from_ranges():
    assert weekdays("1-3,6") == (1, 2, 3, 6)
    assert weekdays("5") == (5,)
