"""What staff do with departures: add, change, close, reopen, upsert."""

from datetime import date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection
from django.db.models import F
from django.utils.timezone import now

from accounts.models import AuditEntry
from config.errors import IllegalMove, InvalidInput
from config.tenancy import tenant_context
from config.testing import run_together
from notifications.models import Event
from tours.errors import (
    CapacityBelowSold,
    DepartureExists,
    DepartureNotFound,
    DepartureOver,
    LocalTimeDoesNotExist,
    OptionNotFound,
    TourNotFound,
)
from tours.models import Departure, DepartureStatus
from tours.services import (
    add_departure,
    change_departure,
    close_departures,
    reopen_departures,
    upsert_departures,
)
from tours.tests.factories import DepartureFactory, DestinationFactory, OptionFactory, TourFactory

CAIRO = ZoneInfo("Africa/Cairo")


def in_days(days):
    return now().astimezone(CAIRO).date() + timedelta(days=days)


def test_one_departure_by_hand(tenant):
    option = OptionFactory(capacity=12)
    made = add_departure(option_id=option.pk, day=in_days(4), at=time(16, 30), note_en="Bring water", actor=None)
    departure = Departure.objects.get()
    assert departure == made
    assert departure.local_start() == datetime.combine(in_days(4), time(16, 30), CAIRO)
    assert (departure.capacity, departure.note_en, departure.rule_id) == (12, "Bring water", None)
    assert list(Event.objects.values_list("type", "subject_id", "data")) == [
        ("departure.changed", departure.pk, {"tour": str(option.tour_id)})
    ]
    with pytest.raises(DepartureExists):
        add_departure(option_id=option.pk, day=in_days(4), at=time(16, 30), actor=None)
    assert Departure.objects.count() == 1


def test_departures_that_cannot_be_added(tenant, other_tenant):
    option = OptionFactory()
    with pytest.raises(DepartureOver):
        add_departure(option_id=option.pk, day=in_days(-1), at=time(9), actor=None)
    for capacity in (0, -1, 1.5, True, 10**9):
        with pytest.raises(InvalidInput):
            add_departure(option_id=option.pk, day=in_days(1), at=time(9), capacity=capacity, actor=None)
    with pytest.raises(OptionNotFound):
        add_departure(option_id=uuid4(), day=in_days(1), at=time(9), actor=None)
    with tenant_context(other_tenant.pk), pytest.raises(OptionNotFound):
        add_departure(option_id=option.pk, day=in_days(1), at=time(9), actor=None)
    in_rome = OptionFactory(tour__destination=DestinationFactory(slug="rome", time_zone="Europe/Rome"))
    with pytest.raises(LocalTimeDoesNotExist):
        add_departure(option_id=in_rome.pk, day=date(2028, 3, 26), at=time(2, 30), actor=None)
    assert not Departure.objects.exists()


def test_capacity_and_notes_change_with_an_audit_entry(tenant):
    departure = DepartureFactory(capacity=10, seats_booked=4)
    change_departure(departure_id=departure.pk, data={"capacity": 6, "note_ar": " أحضر ماءً "}, actor=None)
    departure.refresh_from_db()
    assert (departure.capacity, departure.note_ar) == (6, "أحضر ماءً")
    entry = AuditEntry.objects.get()
    assert (entry.before, entry.after) == (
        {"capacity": 10, "note_ar": ""},
        {"capacity": 6, "note_ar": "أحضر ماءً"},
    )
    change_departure(departure_id=departure.pk, data={"capacity": 6}, actor=None)
    assert AuditEntry.objects.count() == Event.objects.count() == 1


def test_capacity_never_falls_below_what_is_sold(tenant):
    departure = DepartureFactory(capacity=10, seats_booked=4, seats_held=3)
    with pytest.raises(CapacityBelowSold) as refused:
        change_departure(departure_id=departure.pk, data={"capacity": 6}, actor=None)
    assert refused.value.details == {"sold": 7, "asked": 6, "departure_id": str(departure.pk)}
    assert str(refused.value).startswith("7 places are held or booked already")
    departure.refresh_from_db()
    assert departure.capacity == 10
    assert not Event.objects.exists()


def test_closing_and_reopening(tenant):
    departures = [DepartureFactory(option__code=code) for code in ("a", "b")]
    ids = [departure.pk for departure in departures]
    close_departures(departure_ids=ids, actor=None, reason="Khamsin wind")
    assert set(Departure.objects.values_list("status", flat=True)) == {"CLOSED"}
    assert AuditEntry.objects.filter(action="tours.departure.closed", reason="Khamsin wind").count() == 2
    close_departures(departure_ids=ids, actor=None, reason="again")
    assert Event.objects.count() == 2
    reopen_departures(departure_ids=ids[:1], actor=None)
    assert {d.pk: d.status for d in Departure.objects.all()} == {ids[0]: "OPEN", ids[1]: "CLOSED"}


def test_what_cannot_be_closed_or_reopened(tenant, other_tenant):
    cancelled = DepartureFactory(status=DepartureStatus.CANCELLED)
    gone = DepartureFactory(status=DepartureStatus.CLOSED, starts_at=now() - timedelta(hours=1))
    with pytest.raises(IllegalMove):
        close_departures(departure_ids=[cancelled.pk], actor=None, reason="")
    with pytest.raises(IllegalMove):
        reopen_departures(departure_ids=[cancelled.pk], actor=None)
    with pytest.raises(DepartureOver):
        reopen_departures(departure_ids=[gone.pk], actor=None)
    with pytest.raises(DepartureNotFound):
        close_departures(departure_ids=[gone.pk, uuid4()], actor=None, reason="")
    with tenant_context(other_tenant.pk), pytest.raises(DepartureNotFound):
        close_departures(departure_ids=[gone.pk], actor=None, reason="")


# --- Upsert ---


def test_upsert_makes_and_changes_in_the_order_asked(tenant):
    tour = TourFactory()
    shared = OptionFactory(tour=tour, code="shared", capacity=12)
    private = OptionFactory(tour=tour, code="private", capacity=4, is_default=False)
    known = DepartureFactory(
        option=shared, starts_at=datetime.combine(in_days(5), time(9), CAIRO), capacity=10, note_en="kept"
    )
    outcome = upsert_departures(
        tour_id=tour.pk,
        rows=[
            {"date": in_days(6), "time": time(10), "option": "private", "status": "CLOSED"},
            {"date": in_days(5), "time": time(9), "capacity": 8},
            {"date": in_days(7), "time": time(9), "note_en": "Full moon"},
        ],
        actor=None,
    )
    assert [(d.option_id, d.local_start().hour, d.capacity, d.status, d.note_en) for d in outcome] == [
        (private.pk, 10, 4, "CLOSED", ""),
        (shared.pk, 9, 8, "OPEN", "kept"),
        (shared.pk, 9, 12, "OPEN", "Full moon"),
    ]
    assert outcome[1].pk == known.pk
    assert Departure.objects.count() == 3
    assert AuditEntry.objects.count() == 3
    upsert_departures(tour_id=tour.pk, rows=[{"date": in_days(5), "time": time(9), "status": "CLOSED"}], actor=None)
    known.refresh_from_db()
    assert (known.status, known.capacity) == ("CLOSED", 8)


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"option": "ghost"}, "departures.1.option"),
        ({"date": date(2020, 1, 1)}, "departures.1.date"),
        ({"status": "CANCELLED"}, "departures.1.status"),
        ({"status": "SOLD_OUT"}, "departures.1.status"),
        ({"time": time(9)}, "departures.1.time"),
        ({"date": date(2028, 4, 28), "time": time(0, 30)}, "departures.1.time"),
        ({"capacity": 0}, "departures.1.capacity"),
        ({"capacity": -4}, "departures.1.capacity"),
    ],
)
def test_upsert_is_all_or_nothing(tenant, row, place):
    option = OptionFactory()
    rows = [{"date": in_days(5), "time": time(9)}, {"date": in_days(5), "time": time(10)} | row]
    with pytest.raises(InvalidInput) as refused:
        upsert_departures(tour_id=option.tour_id, rows=rows, actor=None)
    assert list(refused.value.details) == [place]
    assert not Departure.objects.exists()


def test_upsert_keeps_what_is_sold(tenant):
    departure = DepartureFactory(starts_at=datetime.combine(in_days(5), time(9), CAIRO), seats_booked=6)
    rows = [{"date": in_days(4), "time": time(9)}, {"date": in_days(5), "time": time(9), "capacity": 5}]
    with pytest.raises(CapacityBelowSold):
        upsert_departures(tour_id=departure.tour_id, rows=rows, actor=None)
    assert Departure.objects.count() == 1


def test_upsert_of_nothing_of_too_much_and_of_others(tenant, other_tenant):
    option = OptionFactory()
    row = {"date": in_days(5), "time": time(9)}
    for rows in ([], [row] * 1001):
        with pytest.raises(InvalidInput):
            upsert_departures(tour_id=option.tour_id, rows=rows, actor=None)
    with tenant_context(other_tenant.pk), pytest.raises(TourNotFound):
        upsert_departures(tour_id=option.tour_id, rows=[row], actor=None)


# --- At once ---


def take_one(departure_id):
    """One seat, as a booking takes it: one conditional statement."""
    return Departure.objects.filter(
        pk=departure_id, capacity__gt=F("seats_held") + F("seats_booked"), status="OPEN"
    ).update(seats_held=F("seats_held") + 1)


def lower(departure_id, capacity):
    return change_departure(departure_id=departure_id, data={"capacity": capacity}, actor=None)


def lower_unguarded(departure_id, capacity):
    """The control: look first, then write, without a lock."""
    departure = Departure.objects.get(pk=departure_id)
    if departure.seats_held <= capacity:
        run_together(*[lambda: take_one(departure_id)] * 3)  # between the look and the write
        Departure.objects.filter(pk=departure_id).update(capacity=capacity)


@pytest.mark.django_db(transaction=True)
def test_capacity_is_lowered_while_seats_are_taken(tenant):
    departure = DepartureFactory(capacity=20)
    calls = [lambda: take_one(departure.pk)] * 12 + [lambda n=n: lower(departure.pk, n) for n in (11, 8, 6)]
    outcomes = run_together(*calls)
    departure.refresh_from_db()
    assert all(isinstance(outcome, int | Departure | CapacityBelowSold) for outcome in outcomes), outcomes
    assert departure.seats_held == sum(outcome for outcome in outcomes if isinstance(outcome, int))
    assert departure.seats_held <= departure.capacity


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_the_check_is_the_last_guard(tenant):
    departure = DepartureFactory(capacity=20, seats_held=5)
    with pytest.raises(IntegrityError, match="departure_never_oversold"):
        lower_unguarded(departure.pk, 6)


@pytest.mark.django_db(transaction=True)
def test_control_without_lock_and_check_seats_are_sold_twice(tenant, without_check):
    departure = DepartureFactory(capacity=20, seats_held=5)
    lower_unguarded(departure.pk, 6)
    departure.refresh_from_db()
    assert (departure.seats_held, departure.capacity) == (8, 6)


@pytest.fixture
def without_check(tenant):
    """Takes the constraint away and puts it back. The tables are the owner's, so this is done as the owner."""
    table, name = Departure._meta.db_table, "departure_never_oversold"
    rule = next(c for c in Departure._meta.constraints if c.name == name)
    with connection.schema_editor(collect_sql=True) as editor:
        drop, add = str(rule.remove_sql(Departure, editor)), str(rule.create_sql(Departure, editor))
    connection.ops.execute_sql_flush([drop])
    yield
    connection.ops.execute_sql_flush([f"DELETE FROM {table}"])
    connection.ops.execute_sql_flush([add])
