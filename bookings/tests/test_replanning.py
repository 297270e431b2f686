"""What becomes of guests when their departure goes: kept, moved, or offered a choice; in one step with the departures."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEntry
from bookings import services
from bookings.errors import ChangeApplied, GuestsNotMoved, OfferNeedsReason
from bookings.models import Booking, ChoiceOffer, OfferStatus
from bookings.services import Decision, How
from bookings.tests.factories import BookingFactory, ClerkFactory, HoldFactory
from bookings.tests.test_offers import run_deliveries
from config.errors import NotFound
from config.invariants import check_all
from config.tenancy import tenant_context
from config.testing import run_together
from notifications.models import Message
from tours.errors import PlanStale
from tours.models import Blackout, Departure, DepartureStatus, PlannedChange
from tours.services import create_rule
from tours.services.operations import written
from tours.services.planning import look
from tours.services.schedule import change_or_plan
from tours.tests.factories import DepartureFactory, OptionFactory

pytestmark = pytest.mark.usefixtures("tenant")
CAIRO = ZoneInfo("Africa/Cairo")
REASONS = {"reason_en": "The Nile is closed", "reason_ar": "النيل مغلق"}


def in_days(days):
    return now().astimezone(CAIRO).date() + timedelta(days=days)


def on(day):
    return Departure.objects.get(local_date=in_days(day))


@pytest.fixture
def rule():
    option = OptionFactory(capacity=10)
    data = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "start_time": time(9), "valid_from": in_days(0)}
    return create_rule(option_id=option.pk, data=data, actor=None).rule


@pytest.fixture
def clerk():
    return ClerkFactory(permissions=["tours.change_schedulerule", "bookings.change_booking"])


def rest_on(first, last=None):
    """A planned blackout of these days."""
    data = {"first_day": in_days(first), "last_day": in_days(last or first), "reason_en": "Flood", "reason_ar": "فيضان"}
    change, _replan = change_or_plan(
        operations=[{"op": "blackout.add", "data": written(data)}], title="Flood", actor=None
    )
    return change


def apply(change, decision, actor=None, fingerprint=None):
    return services.apply_planned_change(
        change_id=change.pk,
        fingerprint=fingerprint or look(change.operations).fingerprint,
        decision=decision,
        actor=actor,
    )


def to(departure, target):
    return {departure.pk: (target.option_id, target.starts_at)}


def assert_proven():
    assert {name: found for name, found in check_all("bookings:").faults.items() if found} == {}


def test_kept_guests_keep_their_departure_and_nobody_else_comes(rule, clerk):
    booking = BookingFactory(departure=on(5), status="CONFIRMED")
    change, _done = apply(rest_on(5, 6), Decision(), clerk)
    assert (on(5).status, on(5).seats_booked) == (DepartureStatus.CLOSED, 2)
    assert not Departure.objects.filter(local_date=in_days(6)).exists()
    booking.refresh_from_db()
    assert booking.status == "CONFIRMED"
    assert change.outcome == {
        "decision": "keep",
        "departures_made": 0,
        "departures_removed": 1,
        "departures_closed": 0,
        "departures_changed": 0,
        "departures_left": 1,
    }
    assert change.applied_by_id == clerk.pk


def test_moved_guests_are_where_they_were_moved_to_at_their_price(rule, clerk):
    first = BookingFactory(departure=on(5), status="CONFIRMED")
    second = BookingFactory(departure=on(5), guests={"adult": 1})
    HoldFactory(departure=on(5))
    change, _done = apply(rest_on(5), Decision(how=How.MOVE, targets=to(on(5), on(6)), **REASONS), clerk)
    assert change.outcome["bookings_moved"] == 2
    assert (on(5).seats_held, on(5).seats_booked) == (0, 0)  # the hold was given up
    assert (on(6).seats_held, on(6).seats_booked) == (1, 2)
    for booking in (first, second):
        booking.refresh_from_db()
        assert booking.starts_at == on(6).starts_at
    assert first.events.get(action="moved").reason == "The Nile is closed"
    run_deliveries("booking.moved")
    for mail in Message.objects.filter(template="booking_moved"):
        assert "The Nile is closed" in mail.text
        assert "The Nile is closed" in mail.html
    assert Message.objects.filter(template="booking_moved").count() == 2
    assert_proven()


def test_moved_to_a_departure_that_only_appears_with_the_change(rule, clerk):
    BookingFactory(departure=on(5), status="CONFIRMED")
    old = on(5)
    change, _replan = change_or_plan(
        operations=[{"op": "rule.change", "rule": str(rule.pk), "data": {"start_time": "11:00:00"}}],
        title="Later",
        actor=None,
    )
    new = next(row for row in look(change.operations).appear if row.local_date == old.local_date)
    apply(change, Decision(how=How.MOVE, targets=to(old, new), **REASONS), clerk)
    assert Booking.objects.get().starts_at.astimezone(CAIRO).hour == 11
    old.refresh_from_db()
    assert (old.status, old.seats_booked) == (DepartureStatus.CLOSED, 0)
    assert_proven()


@pytest.mark.parametrize("why", ["full", "nowhere", "gone"])
def test_where_one_cannot_be_moved_nothing_is_done(rule, clerk, why):
    booking = BookingFactory(departure=on(5), status="CONFIRMED")
    other = BookingFactory(departure=on(4), status="CONFIRMED")
    targets = to(on(4), on(7)) | to(on(5), on(6))
    if why == "full":
        Departure.objects.filter(pk=on(6).pk).update(capacity=1)
    elif why == "nowhere":
        del targets[on(5).pk]
    else:
        targets |= {on(5).pk: (rule.option_id, now() + timedelta(days=3))}
    change = rest_on(4, 5)
    with pytest.raises(GuestsNotMoved) as refused:
        apply(change, Decision(how=How.MOVE, targets=targets, **REASONS), clerk)
    assert set(refused.value.details["bookings"]) == {booking.reference}
    assert not Blackout.objects.exists()
    assert (on(4).status, on(5).seats_booked, on(7).seats_booked) == ("OPEN", 2, 0)
    other.refresh_from_db()
    assert other.starts_at == on(4).starts_at
    change.refresh_from_db()
    assert change.applied_at is None


def test_guests_are_offered_a_choice_of_what_still_runs(rule, clerk):
    booking = BookingFactory(departure=on(5), status="CONFIRMED")
    change, _done = apply(rest_on(5, 6), Decision(how=How.OFFER, hours=48, unanswered="KEEP", **REASONS), clerk)
    offer = ChoiceOffer.objects.get()
    assert change.outcome["bookings_offered"] == 1
    assert (offer.booking_id, offer.reason_ar, offer.unanswered) == (booking.pk, "النيل مغلق", "KEEP")
    offered = {row.departure_id for row in offer.offered.all()}
    assert on(5).pk not in offered
    assert {on(4).pk, on(7).pk} <= offered
    BookingFactory(departure=on(9), status="CONFIRMED")
    with pytest.raises(OfferNeedsReason):
        apply(rest_on(9), Decision(how=How.OFFER), clerk)
    assert on(9).status == DepartureStatus.OPEN


def test_once_and_only_as_it_was_shown(rule, clerk, other_tenant):
    change = rest_on(5)
    shown = look(change.operations).fingerprint
    BookingFactory(departure=on(5), status="CONFIRMED")
    with pytest.raises(PlanStale):
        apply(change, Decision(), clerk, shown)
    apply(change, Decision(), clerk)
    with pytest.raises(ChangeApplied):
        apply(change, Decision(), clerk)
    with tenant_context(other_tenant.pk), pytest.raises(NotFound):
        apply(change, Decision(), clerk, "x")


@pytest.mark.django_db(transaction=True)
def test_two_clerks_apply_it_once_while_guests_book(rule_committed):
    change = rest_on(5)
    BookingFactory(departure=on(5), status="CONFIRMED")
    fingerprint = look(change.operations).fingerprint
    target = to(on(5), on(6))

    def do():
        return apply(change, Decision(how=How.MOVE, targets=target, **REASONS), None, fingerprint)

    def buy():
        return services.hold_seats(departure_id=on(6).pk, guests={"adult": 1})

    outcomes = run_together(do, do, buy, buy, do)
    assert sorted(type(one).__name__ for one in outcomes) == ["ChangeApplied"] * 2 + ["Hold"] * 2 + ["tuple"]
    assert (on(6).seats_held, on(6).seats_booked) == (2, 2)
    assert Blackout.objects.count() == 1
    assert_proven()


@pytest.fixture
def rule_committed(tenant):
    data = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "start_time": time(9), "valid_from": in_days(0)}
    return create_rule(option_id=OptionFactory(capacity=10).pk, data=data, actor=None).rule


# --- The pages ---


def test_the_page_names_guests_and_does_what_was_decided(rule, clerk, client):
    client.force_login(clerk)
    booking = BookingFactory(departure=on(5), status="CONFIRMED")
    page = reverse("admin:planned_change", args=[rest_on(5).pk])
    shown = client.get(page)
    text = shown.content.decode()
    assert booking.reference in text
    assert booking.contact_name in text
    given = {"do": "apply", "fingerprint": shown.context["plan"]["fingerprint"], "guests-how": "offer"}
    silent = client.post(page, given)
    assert silent.status_code == 400
    assert "the guests read it" in silent.content.decode()
    reasons = {
        "guests-reason_en": "Flood",
        "guests-reason_ar": "فيضان",
        "guests-hours": "",
        "guests-unanswered": "REFUND",
    }
    assert client.post(page, {**given, **reasons, "guests-hours": "0"}).status_code == 400
    assert not Blackout.objects.exists()
    assert client.post(page, {**given, **reasons}).status_code == 302
    assert ChoiceOffer.objects.get().status == OfferStatus.OPEN
    listed = client.get(reverse("admin:tours_plannedchange_changelist"))
    assert listed.status_code in (200, 403)


def test_the_page_moves_to_the_nearest_unless_another_is_chosen(rule, clerk, client):
    client.force_login(clerk)
    BookingFactory(departure=on(5), status="CONFIRMED")
    page = reverse("admin:planned_change", args=[rest_on(5).pk])
    (row,) = client.get(page).context["plan"]["sold"]["rows"]
    chosen = [value for value, _words, is_chosen in row["targets"] if is_chosen]
    assert chosen == [row["targets"][0][0]]
    assert len(row["targets"]) > 3
    given = {
        "do": "apply",
        "fingerprint": client.get(page).context["plan"]["fingerprint"],
        "guests-how": "move",
        "guests-reason_en": "Flood",
        "guests-reason_ar": "فيضان",
        f"guests-to-{row['pk']}": row["targets"][2][0],
    }
    assert client.post(page, {**given, f"guests-to-{row['pk']}": "nonsense"}).status_code == 409
    assert client.post(page, given).status_code == 302
    assert f"{rule.option_id}@{Booking.objects.get().starts_at.isoformat()}" == row["targets"][2][0]


def test_who_may(rule, client):
    client.force_login(ClerkFactory(permissions=["tours.view_schedulerule"]))
    page = reverse("admin:planned_change", args=[rest_on(5).pk])
    assert client.get(page).status_code == 403
    client.force_login(ClerkFactory(permissions=["tours.change_schedulerule"]))
    shown = client.get(page)
    move = {"do": "apply", "fingerprint": shown.context["plan"]["fingerprint"], "guests-how": "move"}
    reasons = {"guests-reason_en": "x", "guests-reason_ar": "x"}
    assert client.post(page, {**move, **reasons}).status_code == 403
    assert PlannedChange.objects.get().applied_at is None


# --- A weather day: the bulk page ---


def weather(departures, **more):
    return {
        "date_from": departures[0].local_date.isoformat(),
        "date_to": departures[-1].local_date.isoformat(),
        "weekdays": list(range(1, 8)),
        "status": "CLOSED",
        "reason": "Sandstorm",
        "do": "look",
        **more,
    }


@pytest.fixture
def closer(client):
    clerk = ClerkFactory(permissions=["tours.change_departure", "tours.close", "bookings.change_booking"])
    client.force_login(clerk)
    return clerk


def test_a_weather_day_closes_a_destination_and_offers_every_guest_a_choice_then_opens_again(client, closer):
    option = OptionFactory()
    start = now().replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=7)
    today, tomorrow = (DepartureFactory(option=option, starts_at=start + timedelta(days=day)) for day in (0, 1))
    elsewhere = DepartureFactory(starts_at=start)
    elsewhere.tour.destination = type(elsewhere.tour.destination).objects.create(
        slug="luxor", country="EG", city_en="Luxor", city_ar="الأقصر", latitude=25, longitude=32
    )
    elsewhere.tour.save()
    booking = BookingFactory(departure=today, status="CONFIRMED")
    asked = weather([today], places=[str(today.tour.destination_id)])
    page = reverse("admin:availability")
    shown = client.post(page, asked).context["plan"]
    assert (shown["changing"], shown["closing"]) == (1, 1)
    apply = asked | {"do": "apply", "fingerprint": shown["fingerprint"], "guests-how": "offer"}
    assert client.post(page, apply).status_code == 400
    assert client.post(page, apply | {"guests-reason_en": "Storm", "guests-reason_ar": "عاصفة"}).status_code == 302
    today.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (today.status, elsewhere.status) == ("CLOSED", "OPEN")
    offer = ChoiceOffer.objects.get()
    assert [row.departure_id for row in offer.offered.all()] == [tomorrow.pk]
    assert AuditEntry.objects.get(action="tours.departure.changed_in_bulk").reason == "Sandstorm"
    reopen = weather([today], status="OPEN", reason="The storm passed", places=[str(today.tour.destination_id)])
    plan = client.post(page, reopen).context["plan"]
    assert client.post(page, reopen | {"do": "apply", "fingerprint": plan["fingerprint"]}).status_code == 302
    offer.refresh_from_db()
    today.refresh_from_db()
    assert (offer.status, today.status) == (OfferStatus.WITHDRAWN, "OPEN")
    booking.refresh_from_db()
    assert booking.status == "CONFIRMED"


def test_a_weather_day_moves_all_or_none(client, closer):
    option = OptionFactory()
    start = now().replace(microsecond=0) + timedelta(days=7)
    today = DepartureFactory(option=option, starts_at=start)
    tomorrow = DepartureFactory(option=option, starts_at=start + timedelta(days=1), capacity=3)
    for _booking in range(2):
        BookingFactory(departure=today, status="CONFIRMED")
    asked = weather([today])
    page = reverse("admin:availability")
    plan = client.post(page, asked).context["plan"]
    given = asked | {
        "do": "apply",
        "fingerprint": plan["fingerprint"],
        "guests-how": "move",
        "guests-reason_en": "Storm",
        "guests-reason_ar": "عاصفة",
        f"guests-to-{today.pk}": f"{option.pk}@{tomorrow.starts_at.isoformat()}",
    }
    refused = client.post(page, given)
    assert refused.status_code == 409
    assert "Nothing was changed" in refused.content.decode()
    today.refresh_from_db()
    assert (today.status, today.seats_booked) == ("OPEN", 4)
    Departure.objects.filter(pk=tomorrow.pk).update(capacity=10)
    assert client.post(page, given).status_code == 302
    today.refresh_from_db()
    tomorrow.refresh_from_db()
    assert (today.status, today.seats_booked, tomorrow.seats_booked) == ("CLOSED", 0, 4)
    assert_proven()
