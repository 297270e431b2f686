"""What the public is shown before it has chosen a day: by rules, where there are any."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.utils.timezone import localdate, now

from notifications.models import Event
from tours.models import GroupTier, PriceRule, PublishedTour, SeasonRange
from tours.prices import price_from
from tours.published import faults_in_facts, publish_facts
from tours.receivers import advertise_anew, publish_what_refers
from tours.services.departures import close_departures
from tours.services.references import reference_changed
from tours.tests.factories import DepartureFactory, OptionFactory, PriceCategoryFactory, SeasonFactory, TourFactory


def rule(tour, kind, value, **conditions):
    return PriceRule.objects.create(tour=tour, kind=kind, value=value, name_en="R", name_ar="ق", **conditions)


@pytest.fixture
def option(listed):
    return listed().options.get()


def shown(api, tour):
    publish_facts(tour.pk)
    cache.clear()
    card = api.get("/api/v1/tours").json()["items"][0]
    assert list(faults_in_facts()) == []
    return card["price_from"], card["original_price"]


def start(option, days, **values):
    return DepartureFactory(option=option, starts_at=now().replace(hour=9, minute=0) + timedelta(days=days), **values)


def test_the_list_shows_the_lowest_day(option, api):
    start(option, 7), start(option, 20)
    soon = localdate() + timedelta(days=7)
    rule(option.tour, "SEASON", 50, first_day=soon, last_day=soon)
    assert shown(api, option.tour) == ("100.00", None)
    rule(option.tour, "EARLY_BIRD", -10, days_before=15)
    assert shown(api, option.tour) == ("90.00", "100.00")


def test_what_may_be_over_in_an_hour_is_not_advertised(option, api):
    start(option, 7, capacity=10, seats_booked=9)
    rule(option.tour, "LAST_MINUTE", -50, hours_before=500)
    rule(option.tour, "OCCUPANCY", -50, occupancy_percent=1)
    assert shown(api, option.tour) == ("100.00", None)


def test_days_on_which_the_tour_does_not_run_count_for_nothing(option, api):
    start(option, 7)
    rule(
        option.tour, "SEASON", -50, first_day=localdate() + timedelta(days=8), last_day=localdate() + timedelta(days=9)
    )
    assert shown(api, option.tour) == ("100.00", None)


def test_the_lowest_price_follows_departures_and_seasons(option, api):
    last = start(option, 30)
    start(option, 7)
    season = SeasonFactory(days=[])
    rule(option.tour, "SEASON", -20, season=season)
    assert shown(api, option.tour) == ("100.00", None)
    SeasonRange.objects.create(season=season, first_day=last.local_date, last_day=last.local_date)
    publish_what_refers(reference_changed(season))
    assert PublishedTour.objects.get().compare_minor == 8000
    close_departures(departure_ids=[last.pk], actor=None, reason="storm")
    advertise_anew(Event.objects.get(type="departure.changed"))
    assert PublishedTour.objects.get().compare_minor == 10000
    assert list(faults_in_facts()) == []


def test_a_season_of_every_tour_concerns_every_tour(option):
    season = SeasonFactory(days=[(localdate(), localdate() + timedelta(days=30))])
    rule(None, "SEASON", 20, season=season)
    start(option, 7)
    publish_what_refers(reference_changed(season))
    assert PublishedTour.objects.get().compare_minor == 12000


def test_a_group_price_is_shown_where_nothing_is_sold_by_the_person(tenant):
    tour = TourFactory()
    private = OptionFactory(tour=tour, basis="PER_GROUP", prices={})
    GroupTier.objects.create(option=private, from_guests=1, amount=Decimal(200))
    GroupTier.objects.create(option=private, from_guests=5, amount=Decimal(180))
    assert price_from(tour) == (Decimal(180), None)
    OptionFactory(tour=tour, code="shared", prices={"adult": "40"})
    tour.refresh_from_db()
    assert price_from(type(tour).objects.get(pk=tour.pk)) == (Decimal(40), None)


def test_availability_shows_the_price_of_each_day(option, api):
    monday, full = start(option, 7), start(option, 8, capacity=10, seats_booked=5)
    rule(option.tour, "OVERRIDE", 77, effect="PRICE", first_day=monday.local_date, last_day=monday.local_date)
    rule(option.tour, "OCCUPANCY", 20, occupancy_percent=50)
    GroupTier.objects.create(option=option, category=PriceCategoryFactory(), from_guests=4, amount=Decimal(60))
    cache.clear()
    path = f"/api/v1/tours/{option.tour_id}/availability"
    items = api.get(path).json()["items"]
    assert [(item["id"], item["price_from"]) for item in items] == [(str(monday.pk), "77.00"), (str(full.pk), "120.00")]
    assert [item["price_from"] for item in api.get(path, {"guests": 4}).json()["items"]] == ["77.00", "72.00"]
    month = api.get(f"/api/v1/tours/{option.tour_id}/calendar", {"month": f"{monday.local_date:%Y-%m}"}).json()
    assert next(day for day in month["days"] if day["date"] == str(monday.local_date))["price_from"] == "77.00"
