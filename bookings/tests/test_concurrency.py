"""Promise 1 and 5 under races: no seat is sold twice, a request repeated is done once, whatever runs at once."""

import random
from collections import Counter
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection
from rest_framework.test import APIClient

from bookings import services
from bookings.errors import HoldBooked, SeatsUnavailable
from bookings.models import Booking, BookingStatus, Hold, HoldStatus
from bookings.services import Settlement, holds
from bookings.tests.factories import CONTACT, BookingFactory, CustomerFactory, HoldFactory, run_out
from config.errors import DomainError
from config.invariants import check_all
from config.testing import run_together
from config.testing.corruption import without_guard
from notifications.models import Event
from tours.models import Departure
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.django_db(transaction=True)

S = BookingStatus
UNCONDITIONAL = holds.TAKE.replace("AND seats_held + seats_booked + seats_allotted + %(seats)s::int <= capacity", "")


@pytest.fixture(autouse=True)
def many_connections():
    """As many connections as there are processes in production; the pool of the tests has four."""
    pool = connection.settings_dict["OPTIONS"]["pool"]
    before = dict(pool)
    connection.close()
    connection.close_pool()
    pool.update(max_size=24, timeout=60)
    yield
    connection.close()
    connection.close_pool()
    pool.clear()
    pool.update(before)


@pytest.fixture
def departure(tenant):
    return DepartureFactory(capacity=100)


@pytest.fixture
def without_check(tenant):
    """The last guard taken away, for the control that shows what it guards."""
    emptied = "UPDATE tours_departure SET seats_held = 0, seats_booked = 0"
    with without_guard("tours_departure", "departure_never_oversold", emptied):
        yield


def counters(departure):
    departure.refresh_from_db()
    return departure.seats_held, departure.seats_booked


def names(outcomes):
    return Counter(type(outcome).__name__ for outcome in outcomes)


def assert_proven():
    faults = {name: found for name, found in check_all().faults.items() if name.startswith("bookings:") and found}
    assert faults == {}


def four_hundred_buyers(departure):
    """80 people at once, each trying five times to hold a seat; every outcome."""

    def buy():
        outcomes = []
        for _try in range(5):
            try:
                outcomes.append(services.hold_seats(departure_id=departure.pk, guests={"adult": 1}))
            except SeatsUnavailable as refusal:
                outcomes.append(refusal)
        return outcomes

    outcomes = run_together(*[buy] * 80)
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    return [outcome for five in outcomes for outcome in five]


def test_400_buyers_at_once_get_100_seats(departure):
    outcomes = four_hundred_buyers(departure)
    assert names(outcomes) == {"Hold": 100, "SeatsUnavailable": 300}
    assert counters(departure) == (100, 0)
    assert Hold.objects.filter(departure=departure, status=HoldStatus.ACTIVE).count() == 100
    assert_proven()


def test_control_without_condition_and_check_they_get_more(departure, without_check, monkeypatch):
    monkeypatch.setattr(holds, "TAKE", UNCONDITIONAL)
    outcomes = four_hundred_buyers(departure)
    assert names(outcomes)["Hold"] > 100
    assert counters(departure)[0] > 100
    faults = check_all().faults["bookings: no departure is sold beyond its capacity"]
    assert len(faults) == 1


def test_control_the_check_alone_still_sells_no_seat_twice(departure, monkeypatch):
    monkeypatch.setattr(holds, "TAKE", UNCONDITIONAL)
    Departure.objects.filter(pk=departure.pk).update(capacity=5)
    buy = partial(services.hold_seats, departure_id=departure.pk, guests={"adult": 1})
    assert names(run_together(*[buy] * 20)) == {"Hold": 5, "IntegrityError": 15}
    assert counters(departure) == (5, 0)


def test_control_checking_before_acting_without_a_lock_loses_count(departure, without_check, monkeypatch):
    """What everybody writes first; the same race shows what is wrong with it."""

    def naive(hold, key):
        row = Departure.objects.get(pk=hold.departure_id)
        if row.seats_left < hold.seats:
            raise SeatsUnavailable(left=row.seats_left, asked=hold.seats)
        row.seats_held += hold.seats
        hold.save(force_insert=True)
        row.save(update_fields=["seats_held"])
        return True

    monkeypatch.setattr(holds, "take", naive)
    outcomes = four_hundred_buyers(departure)
    assert names(outcomes)["Hold"] > 100
    assert check_all().faults["bookings: a departure's counters are the seats of its holds"]


def test_the_plain_way_sells_no_seat_twice_either(departure, monkeypatch):
    monkeypatch.setattr(holds, "take", lambda hold, key: False)
    Departure.objects.filter(pk=departure.pk).update(capacity=5)
    buy = partial(services.hold_seats, departure_id=departure.pk, guests={"adult": 1})
    assert names(run_together(*[buy] * 20)) == {"Hold": 5, "SeatsUnavailable": 15}
    assert counters(departure) == (5, 0)


def test_overdue_seats_are_given_out_once(departure):
    Departure.objects.filter(pk=departure.pk).update(capacity=6)
    for _hold in range(3):
        run_out(HoldFactory(departure=departure))
    buy = partial(services.hold_seats, departure_id=departure.pk, guests={"adult": 1})
    assert names(run_together(*[buy] * 16)) == {"Hold": 6, "SeatsUnavailable": 10}
    assert counters(departure) == (6, 0)
    assert_proven()


def test_one_key_sent_many_times_at_once_is_one_hold(departure):
    Departure.objects.filter(pk=departure.pk).update(capacity=3)

    def send():
        client = APIClient(headers={"Idempotency-Key": "same"})
        body = {"departure_id": str(departure.pk), "guests": {"adult": 3}}
        answer = client.post("/api/v1/holds", body)
        return answer.status_code, answer.json()["id"]

    outcomes = run_together(*[send] * 12)
    assert len(set(outcomes)) == 1, outcomes
    assert outcomes[0][0] == 201
    assert Hold.objects.count() == 1
    assert counters(departure) == (3, 0)


def test_one_key_sent_many_times_at_once_is_one_booking(departure):
    def send():
        client = APIClient(headers={"Idempotency-Key": "same"})
        body = {"departure_id": str(departure.pk), "guests": {"adult": 2}, "contact": CONTACT}
        answer = client.post("/api/v1/bookings", body)
        return answer.status_code, answer.json()["reference"]

    outcomes = run_together(*[send] * 8)
    assert len(set(outcomes)) == 1, outcomes
    assert outcomes[0][0] == 201
    assert Booking.objects.count() == 1
    assert counters(departure) == (2, 0)


def test_many_keys_for_one_hold_are_one_booking(departure):
    hold = HoldFactory(departure=departure)
    book = partial(services.create_booking, hold_id=hold.pk, actor=hold.customer)
    assert names(run_together(*[book] * 10)) == {"Booking": 1, "HoldBooked": 9}
    assert Booking.objects.count() == 1


def test_of_two_late_payments_one_wins_the_last_seats(departure):
    Departure.objects.filter(pk=departure.pk).update(capacity=2)
    late = []
    for _late in range(2):
        late.append(BookingFactory(departure=departure, status=S.EXPIRED))
    pay = [
        partial(services.record_payment, booking_id=booking.pk, paid=booking.total, refunded=Decimal(0))
        for booking in late
    ]
    assert sorted(run_together(*pay)) == [Settlement.CONFIRMED, Settlement.SEATS_GONE]
    assert counters(departure) == (0, 2)
    assert_proven()


def test_the_same_payment_told_many_times_at_once_confirms_once(departure):
    booking = BookingFactory(departure=departure)
    pay = partial(services.record_payment, booking_id=booking.pk, paid=booking.total, refunded=Decimal(0))
    assert Counter(run_together(*[pay] * 8)) == {Settlement.CONFIRMED: 1, Settlement.UNCHANGED: 7}
    assert Event.objects.filter(type="booking.confirmed").count() == 1
    assert counters(departure) == (0, 2)


def test_two_jobs_at_once_end_each_hold_once(departure):
    bookings = [BookingFactory(departure=DepartureFactory(capacity=4)) for _n in range(6)]
    for booking in bookings:
        run_out(booking.items.get().hold)
    ended = run_together(*[services.expire_holds] * 4)
    ended.append(services.expire_holds())  # what was busy for everybody
    assert sum(ended) == 6
    assert Event.objects.filter(type="booking.expired").count() == 6
    assert_proven()


def test_two_cancellations_at_once_give_back_once(departure):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    cancel = partial(services.cancel_booking, booking_id=booking.pk, actor=booking.customer, reason="ill")
    assert names(run_together(*[cancel] * 6)) == {"Booking": 6}
    assert Event.objects.filter(type="booking.cancelled").count() == 1
    assert counters(departure) == (0, 0)


ENDS = {S.CONFIRMED, S.CANCELLED, S.EXPIRED, S.PENDING_PAYMENT}


@pytest.mark.parametrize("over", [False, True])
def test_expiry_payment_extension_and_cancellation_at_once(departure, over):
    """Whoever comes first, rows and counters agree, and a payment that was told of is never forgotten."""
    for _round in range(5):
        booking = BookingFactory(departure=departure)
        hold = booking.items.get().hold
        if over:
            run_out(hold)
        outcomes = run_together(
            services.expire_holds,
            partial(services.record_payment, booking_id=booking.pk, paid=booking.total, refunded=Decimal(0)),
            partial(services.extend_hold, hold_id=hold.pk, actor=booking.customer),
            partial(services.cancel_booking, booking_id=booking.pk, actor=booking.customer),
            partial(services.release_hold, hold_id=hold.pk, actor=booking.customer),
            partial(services.let_go_overdue, departure.pk),
        )
        wrong = [one for one in outcomes if isinstance(one, BaseException) and not isinstance(one, DomainError)]
        assert wrong == []
        assert isinstance(outcomes[4], HoldBooked | DomainError)
        booking.refresh_from_db()
        assert booking.status in ENDS
        if outcomes[1] == Settlement.CONFIRMED:
            assert booking.status in (S.CONFIRMED, S.CANCELLED)
        assert booking.amount_paid == booking.total
        assert_proven()


def test_booking_release_extension_and_expiry_of_one_hold_at_once(departure):
    for round_ in range(6):
        hold = HoldFactory(departure=departure)
        if round_ % 2:
            run_out(hold)
        outcomes = run_together(
            partial(services.create_booking, hold_id=hold.pk, actor=hold.customer),
            partial(services.release_hold, hold_id=hold.pk, actor=hold.customer),
            partial(services.extend_hold, hold_id=hold.pk, actor=hold.customer),
            services.expire_holds,
        )
        wrong = [one for one in outcomes if isinstance(one, BaseException) and not isinstance(one, DomainError)]
        assert wrong == []
        assert not (isinstance(outcomes[0], Booking) and isinstance(outcomes[1], Hold))
        assert_proven()


def test_a_crowd_doing_everything_leaves_rows_that_agree(tenant):
    """Random deeds on three small departures, the same for the same seed; no deadlock, no fault."""
    departures, people = [DepartureFactory(capacity=7) for _n in range(3)], [CustomerFactory() for _n in range(4)]

    def live(seed):
        chance = random.Random(seed)
        for _deed in range(12):
            actor, departure = chance.choice(people), chance.choice(departures)
            try:
                hold = services.hold_seats(
                    departure_id=departure.pk, guests={"adult": chance.randint(1, 3)}, actor=actor
                )
                if chance.random() < 0.3:
                    run_out(hold)
                if chance.random() < 0.2:
                    services.release_hold(hold_id=hold.pk, actor=actor)
                booking = services.create_booking(hold_id=hold.pk, actor=actor)
                if chance.random() < 0.6:
                    services.record_payment(booking_id=booking.pk, paid=booking.total, refunded=Decimal(0))
                if chance.random() < 0.5:
                    services.cancel_booking(booking_id=booking.pk, actor=actor)
            except DomainError:
                services.expire_holds()

    assert run_together(*[partial(live, seed) for seed in range(10)]) == [None] * 10
    assert Booking.objects.filter(status=S.CONFIRMED).exists()
    assert_proven()


def test_a_free_trip_booked_while_its_hold_is_extended_waits_in_the_same_order(tenant):
    departure = DepartureFactory(capacity=100, option__prices={"adult": "0"})
    for _again in range(12):
        customer = CustomerFactory()
        hold = HoldFactory(departure=departure, actor=customer)
        extend = partial(services.extend_hold, hold_id=hold.pk, actor=customer)
        book = partial(services.create_booking, hold_id=hold.pk, contact=CONTACT, actor=customer)
        booked, *extended = run_together(book, extend, extend)
        assert isinstance(booked, Booking), booked
        assert {type(outcome) for outcome in extended} <= {Hold, HoldBooked}
