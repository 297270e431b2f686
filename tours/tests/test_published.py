"""The published facts are the tours, whatever changes."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils.timezone import now

from ledger.models import ExchangeRate
from notifications.models import Event
from notifications.outbox import announce
from tours.invariants import published_facts_are_the_tours as proof
from tours.models import PublishedTour, Tour
from tours.services import count_bookings
from tours.services.references import reference_changed
from tours.tests.factories import (
    CurrencyFactory,
    DepartureFactory,
    OptionFactory,
)

LIST = "/api/v1/tours"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("row", "change", "shown"),
    [
        ("destination", {"city_en": "Edfu"}, lambda page: page["destination"]["city"] == "Edfu"),
        ("category", {"name_en": "Sailing"}, lambda page: page["category"]["name"] == "Sailing"),
        ("cancellation_policy", {"name_en": "Strict"}, lambda page: page["cancellation_policy"]["name"] == "Strict"),
        ("tax", {"percent": Decimal("15.5")}, lambda page: page["tax"]["percent"] == "15.5"),
        ("price", {"name_en": "Grown-up"}, lambda page: page["options"][0]["prices"][0]["name"] == "Grown-up"),
    ],
)
def test_a_change_of_what_many_tours_show_is_shown_by_them(full_tour, page, api, row, change, shown):
    assert not shown(api.get(page).json())
    changed = (
        full_tour.options.get(code="standard").prices.first().category if row == "price" else getattr(full_tour, row)
    )
    with transaction.atomic():
        type(changed).objects.filter(pk=changed.pk).update(**change)
        reference_changed(changed)
    assert shown(api.get(page).json())
    assert list(proof()) == []


@pytest.mark.django_db(transaction=True)
def test_a_new_rate_compares_prices_anew(listed):
    pounds = listed(title_en="In pounds", currency=CurrencyFactory(code="EGP"), prices={"adult": "3000"})
    assert PublishedTour.objects.get(pk=pounds.pk).compare_minor is None
    with transaction.atomic():
        announce(
            "rate.changed",
            ExchangeRate.objects.create(base=CurrencyFactory(), quote_id="EGP", rate=50, valid_from="2026-01-01"),
        )
    assert PublishedTour.objects.get(pk=pounds.pk).compare_minor == 6000


def test_bookings_counted_leave_the_facts_right(full_tour, page):
    count_bookings(tour_ids=[full_tour.pk, full_tour.pk], step=1)
    assert Tour.objects.get(pk=full_tour.pk).bookings_count == 1
    assert PublishedTour.objects.get(pk=full_tour.pk).popularity == 21
    assert list(proof()) == []


CORRUPTIONS = {
    "title in the card": {"card_en": '{"title": "Free!"}'},
    "price": {"compare_minor": 1},
    "vector": {"vector": None},
    "words": {"words": "free"},
    "guests": {"max_guests": 500},
    "tenant's slug": {"slug": "other"},
}


@pytest.mark.parametrize("what", CORRUPTIONS)
def test_a_corrupted_fact_is_named(full_tour, page, what):
    assert list(proof()) == []
    PublishedTour.objects.filter(pk=full_tour.pk).update(**CORRUPTIONS[what])
    (fault,) = proof()
    assert str(full_tour.pk) in fault
    assert next(iter(CORRUPTIONS[what])) in fault


@pytest.mark.parametrize(
    ("fact", "subject"),
    [
        ("tour.changed", lambda tour: tour),
        ("departure.changed", lambda tour: DepartureFactory(option=tour.options.first())),
        ("catalogue.changed", lambda tour: tour.destination),
    ],
)
def test_what_is_on_its_way_is_no_fault_until_it_takes_too_long(full_tour, page, fact, subject):
    PublishedTour.objects.filter(pk=full_tour.pk).update(words="free")
    with transaction.atomic():
        event = announce(fact, subject(full_tour), tour=str(full_tour.pk))
    assert list(proof()) == []
    Event.objects.filter(pk=event.pk).update(occurred_at=now() - timedelta(minutes=11))
    assert len(list(proof())) == 1
    Event.objects.filter(pk=event.pk).update(occurred_at=now())
    event.deliveries.update(status="DONE")
    assert len(list(proof())) == 1


def test_what_is_on_its_way_excuses_no_other_tour(full_tour, page):
    PublishedTour.objects.filter(pk=full_tour.pk).update(words="free")
    with transaction.atomic():
        announce("tour.changed", OptionFactory().tour)
    assert len(list(proof())) == 1


def test_a_row_too_many_or_too_few_is_named(full_tour, page, rebuilt):
    PublishedTour.objects.filter(pk=full_tour.pk).delete()
    assert list(proof()) == [f"tour {full_tour.pk} is public, but not listed"]
    assert rebuilt() == 1
    assert list(proof()) == []
    Tour.objects.filter(pk=full_tour.pk).update(status="DRAFT")
    assert list(proof()) == [f"tour {full_tour.pk} is listed, but not public"]
    assert rebuilt() == 0
    assert list(proof()) == []


def test_the_command_rebuilds_every_operators_catalogue(full_tour, page, capsys):
    PublishedTour.objects.update(words="")
    call_command("rebuild_catalogue")
    assert "default: 1 tours listed" in capsys.readouterr().out
    assert PublishedTour.objects.get().words != ""
