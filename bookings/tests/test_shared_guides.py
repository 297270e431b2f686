"""Guides and equipment that could meet several needs of a departure: counted once, and shared out as well as can be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.errors import SeatsUnavailable
from bookings.tests.factories import HoldFactory
from bookings.tests.test_pools import departure, left
from bookings.tests.test_resources import engaged, gear, guide, need
from tours.models import Engagement
from tours.services.resources import keeping


def test_a_guide_who_could_meet_two_needs_meets_one_of_them(tenant):
    """An Arabic-speaking guide and one who dives: somebody who is both is one person, in what is shown as in what is sold."""
    one = departure()
    need(one.tour, language="ar")
    need(one.tour, skill="diving")
    guide(languages=["ar"], skills=["diving"])
    assert left(one) == [0]
    with pytest.raises(SeatsUnavailable):
        HoldFactory(departure=one)
    guide("Omar", languages=["ar"])
    assert left(one) == [10]
    HoldFactory(departure=one)
    assert [row[0] for row in engaged(one)] == ["Fatima", "Omar"]
    assert left(one) == [8]


def test_who_alone_can_meet_a_need_is_left_to_it(tenant):
    """Whoever looks at one need after the other gives Beta to the cave and has nobody for the dunes."""
    one = departure()
    for skill in ("cave", "dunes", "oasis"):
        need(one.tour, skill=skill)
    guide("Alpha", skills=["dunes", "oasis"])
    guide("Beta", skills=["cave", "dunes", "oasis"])
    guide("Gamma", skills=["cave"], languages=["de", "it"])
    assert left(one) == [10]
    HoldFactory(departure=one)
    met = Engagement.objects.live().values_list("need__skill", "resource__name_en")
    assert {skill: name for skill, name in met if skill == "cave"} == {"cave": "Gamma"}
    assert len(met) == 3


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.sets(st.integers(0, 4))), max_size=3))
def test_guides_are_shared_out_as_well_as_can_be(wanted):
    """By trying every way: no other meets more."""
    missing = {n: number for n, (number, _guides) in enumerate(wanted)}
    offers = {n: sorted(guides) for n, (_number, guides) in enumerate(wanted)}
    found = keeping.shared_out(missing, offers)
    assert all(guide in offers[n] for guide, n in found.items())
    assert all(list(found.values()).count(n) <= missing[n] for n in missing)
    places = [n for n, number in missing.items() for _each in range(number)]

    def most(left, taken):
        if not left:
            return 0
        free = [guide for guide in offers[left[0]] if guide not in taken]
        return max([most(left[1:], taken), *(1 + most(left[1:], {*taken, guide}) for guide in free)])

    assert len(found) == most(places, set())


def test_of_several_needs_by_guests_the_tightest_together_counts(tenant):
    """A diving guide for every four guests and an Arabic-speaking one for every five, of four of whom two are both."""
    one = departure(capacity=30)
    need(one.tour, skill="diving", per_guests=4)
    need(one.tour, language="ar", per_guests=5)
    for name in ("Ali", "Mona"):
        guide(name, skills=["diving"], languages=["ar"])
    guide("Hans", skills=["diving"])
    guide("Zaki", languages=["ar"])
    # Three would do for twelve divers, three for fifteen who speak Arabic: but there are four, two each, for eight guests.
    assert left(one) == [8]
    HoldFactory(departure=one, guests={"adult": 8})
    assert len(engaged(one)) == 4
    with pytest.raises(SeatsUnavailable):
        HoldFactory(departure=one, guests={"adult": 1})


def test_equipment_of_which_two_needs_take_is_counted_once(tenant):
    one = departure()
    gear(quantity=8)
    need(one.tour, "EQUIPMENT", per_guests=1)
    need(one.tour, "EQUIPMENT", count=3)
    assert left(one) == [5]
    HoldFactory(departure=one, guests={"adult": 2})
    assert left(one) == [3]
