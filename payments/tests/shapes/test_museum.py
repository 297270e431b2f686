"""A museum ticket by opening hours: any time from 09:00 to 17:00, closed on Mondays.

Adult 450 EGP, child 225. Entered through the back-office, sold through the API.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils.timezone import now

from bookings.models import ChoiceOffer
from ledger.seeds import seed_platform
from payments.tests.shapes import Office, Shop, category, pay
from tours.models import Blackout, Departure, OptionPrice, PlannedChange, ScheduleRule, TourOption

pytestmark = pytest.mark.usefixtures("tenant")
CAIRO = ZoneInfo("Africa/Cairo")


@pytest.fixture
def office(tenant):
    seed_platform()
    return Office()


@pytest.fixture
def museum(office):
    tour = office.tour(
        [{"code": "ticket", "name_en": "Ticket", "name_ar": "تذكرة", "capacity": 300}],
        title_en="Museum of Luxor",
        title_ar="متحف الأقصر",
        duration_minutes=120,
        cutoff_minutes=60,
    )
    option = TourOption.objects.get(tour=tour)
    office.change(
        option,
        {"by_opening_hours": True},
        rows={
            OptionPrice: [
                {"category": category("adult"), "amount": "450"},
                {"category": category("child"), "amount": "225"},
            ]
        },
    )
    today = now().astimezone(CAIRO).date()
    daily = {"repeats": "WEEKLY", "weekdays": [2, 3, 4, 5, 6, 7], "start_time": "09:00", "closes_at": "17:00"}
    office.change(option, rows={ScheduleRule: [{**daily, "valid_from": today.isoformat()}]})
    return office.publish(tour)


def next_tuesday():
    """At least two days ahead."""
    day = now().astimezone(CAIRO).date() + timedelta(days=2)
    while day.isoweekday() != 2:
        day += timedelta(days=1)
    return day


def test_a_ticket_is_for_a_day_and_sold_at_the_listed_price(museum):
    shop, day = Shop(), next_tuesday()
    found = shop.get(f"tours/{museum.pk}/availability", date_from=day, date_to=day + timedelta(days=6))
    assert [datetime.fromisoformat(item["date"]).isoweekday() for item in found["items"]] == [2, 3, 4, 5, 6, 7]
    item = found["items"][0]
    assert (item["date"], item["time"]) == (day.isoformat(), None)
    assert item["opening_hours"] == {"opens": "09:00", "closes": "17:00"}
    assert (item["available"], item["price_from"], item["currency"]) == (300, "450.00", "EGP")
    departure = Departure.objects.get(pk=item["id"])
    quote = shop.quote(departure, {"adult": 2, "child": 1})
    assert (quote["any_time"], quote["date"], quote["time"]) == (True, day.isoformat(), None)
    assert quote["opening_hours"] == {"opens": "09:00", "closes": "17:00"}
    # 2 × 450 + 1 × 225
    booking = pay(shop.book(departure, {"adult": 2, "child": 1}, "1125.00"))
    assert booking.status == "CONFIRMED"
    (shown,) = shop.get(f"bookings/{booking.pk}")["items"]
    assert (shown["date"], shown["time"], shown["opening_hours"]["closes"]) == (day.isoformat(), None, "17:00")
    departure.refresh_from_db()
    assert departure.seats_booked == 3


def test_it_can_be_bought_on_the_day_until_an_hour_before_closing(museum):
    local = now().astimezone(CAIRO)
    opens, closes = local - timedelta(hours=2), local + timedelta(hours=2)
    running = Departure.objects.order_by("starts_at").last()
    Departure.objects.filter(pk=running.pk).update(
        starts_at=opens, ends_at=closes, cutoff_at=closes - timedelta(hours=1), local_date=local.date()
    )
    shop = Shop()
    booking = shop.book(running, {"adult": 1}, "450.00")
    assert pay(booking).status == "CONFIRMED"
    Departure.objects.filter(pk=running.pk).update(cutoff_at=local - timedelta(minutes=1))
    refused = shop.quote(running, {"adult": 1}, expect=422)
    assert refused["error_code"] == "cutoff_passed"


def test_hours_change_after_a_look_and_only_for_days_to_come(museum, office):
    rule = ScheduleRule.objects.get()
    office.change(rule, {"closes_at": "15:00"})
    rule.refresh_from_db()
    assert rule.closes_at == time(17)  # shown first
    preview = reverse("admin:planned_change", args=[PlannedChange.objects.get().pk])
    plan = office.client.get(preview).context["plan"]
    assert (plan["appear"]["count"], plan["vanish"]["count"]) == (0, 0)
    assert plan["change"]["count"] == Departure.objects.count()
    office.client.post(preview, {"do": "apply", "fingerprint": plan["fingerprint"]})
    item = Shop().get(f"tours/{museum.pk}/availability")["items"][-1]
    assert item["opening_hours"] == {"opens": "09:00", "closes": "15:00"}


def test_a_holiday_moves_who_has_a_ticket_to_a_choice(museum, office):
    shop, day = Shop(), next_tuesday()
    departure = Departure.objects.get(local_date=day)
    booking = pay(shop.book(departure, {"adult": 2}, "900.00"))
    holiday = {"first_day": day.isoformat(), "last_day": day.isoformat(), "reason_en": "Eid", "reason_ar": "العيد"}
    page = office.client.post(reverse("admin:tours_blackout_add"), {"tour": "", "destination": "", **holiday})
    assert not Blackout.objects.exists()
    plan = office.client.get(page["Location"]).context["plan"]
    assert plan["sold"]["rows"][0]["bookings"][0][1] == booking.reference
    office.client.post(
        page["Location"],
        {
            "do": "apply",
            "fingerprint": plan["fingerprint"],
            "guests-how": "offer",
            "guests-reason_en": "Closed for Eid",
            "guests-reason_ar": "مغلق في العيد",
        },
    )
    offer = ChoiceOffer.objects.get()
    assert (offer.booking_id, offer.departure_id) == (booking.pk, departure.pk)
    assert not any(
        item["date"] == day.isoformat() and item["status"] == "OPEN"
        for item in shop.get(f"tours/{museum.pk}/availability")["items"]
    )
