"""Variations of a tour are whole: what is a list in the original is the same list in each of them."""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate

from payments.demo.replicas import add_replicas
from tours.models import Departure, ScheduleRule, Tour
from tours.tests.factories import OptionFactory, ScheduleRuleFactory, TourFactory

pytestmark = pytest.mark.usefixtures("tenant")


def test_a_variation_has_the_lists_of_its_original():
    original = TourFactory(
        tags=["desert", "صحراء"], exclusions_en=['Drinks, "strong" ones', "{braces}"], amenities_en=[]
    )
    closed = localdate() + timedelta(days=2)
    ScheduleRuleFactory(option=OptionFactory(tour=original), weekdays=[1, 5, 7], except_dates=[closed])
    tours = Tour.objects.prefetch_related("options__prices", "options__rules", "extras", "itinerary", "images")
    assert add_replicas(list(tours), copies=2, until=localdate() + timedelta(days=14), seed="x") == 2
    for copy in Tour.objects.exclude(pk=original.pk):
        assert (copy.tags, copy.amenities_en) == (["desert", "صحراء"], [])
        assert copy.exclusions_en == original.exclusions_en
        assert copy.highlights_ar == original.highlights_ar
        rule = ScheduleRule.objects.get(option__tour=copy)
        assert (rule.weekdays, rule.except_dates) == ([1, 5, 7], [closed])
        assert Departure.objects.filter(tour=copy).exists()
    assert add_replicas(list(tours.filter(pk=original.pk)), copies=2, until=localdate(), seed="x") == 0
