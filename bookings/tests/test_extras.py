"""Extras of which there are only so many, that add themselves, and that are for some only."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError
from django.utils.timezone import now

from bookings.errors import SeatsUnavailable
from bookings.models import Booking, BookingStatus, ExtraHeld, Hold, HoldStatus
from bookings.pricing import asked_again, quote
from bookings.services import (
    Settlement,
    book_at_once,
    cancel_booking,
    expire_holds,
    hold_instead,
    hold_seats,
    hold_seats_swiftly,
    move_booking,
    record_payment,
    release_hold,
)
from bookings.tests.factories import CONTACT, ClerkFactory, run_out
from bookings.tests.test_concurrency import assert_proven, many_connections, names  # noqa: F401
from config.testing import run_together
from config.testing.corruption import without_guard
from tours.errors import ExtraForNobody, ExtraQuantityRefused, ExtraSoldOut, UnknownExtra
from tours.models import ExtraCategory, ExtraOption, ExtraStock, PriceCategory
from tours.services import stock
from tours.tests.factories import DepartureFactory, ExtraFactory, OptionFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def departure(tenant):
    """In the morning: what starts an hour or two later starts on the same day."""
    start = now().replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=7)
    return DepartureFactory(capacity=100, starts_at=start)


def sets(departure, number=8, **values):
    """Snorkel sets: so many of them."""
    return ExtraFactory(
        tour=departure.tour, code="snorkel", basis="PER_UNIT", amount=10, stock=number, max_quantity=20, **values
    )


def held(departure, number, adults=1, **more):
    extras = [{"code": "snorkel", "quantity": number}]
    return hold_seats(departure_id=departure.pk, guests={"adult": adults}, extras=extras, **more)


def booked(departure, number, adults=1):
    return book_at_once(
        departure_id=departure.pk,
        guests={"adult": adults},
        extras=[{"code": "snorkel", "quantity": number}],
        contact=CONTACT.copy(),
    )


def taken():
    return list(ExtraStock.objects.order_by("day", "departure_id").values_list("taken", flat=True))


# --- How many there are ---


def test_taken_with_the_hold_and_refused_with_what_is_left(departure):
    sets(departure)
    first = held(departure, 5)
    assert (taken(), first.extras_held.get().quantity) == ([5], 5)
    with pytest.raises(ExtraSoldOut) as refusal:
        held(departure, 4)
    assert str(refusal.value) == "Of the extra “snorkel” only 3 are left; 4 were asked for."
    departure.refresh_from_db()
    assert (departure.seats_held, Hold.objects.count(), taken()) == (1, 1, [5])  # its seat was not kept either
    held(departure, 3)
    assert taken() == [8]
    assert_proven()


def test_each_departure_has_its_own_stock_unless_the_day_has_it(departure):
    extra = sets(departure)
    other = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(hours=1))
    held(departure, 6)
    held(other, 6)
    assert taken() == [6, 6]
    ExtraHeld.objects.all().delete()
    ExtraStock.objects.all().delete()
    extra.stock_per = "DAY"
    extra.save(update_fields=["stock_per"])
    held(departure, 6)
    with pytest.raises(ExtraSoldOut):
        held(other, 3)
    held(other, 2)
    tomorrow = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=2))
    held(tomorrow, 8)
    assert taken() == [8, 8]


@pytest.mark.parametrize("how", ["released", "expired", "cancelled", "cancelled unpaid"])
def test_given_back_with_the_seats(departure, how):
    sets(departure)
    if how == "released":
        hold = held(departure, 5)
        release_hold(hold_id=hold.pk, token=hold.token)
    elif how == "expired":
        run_out(held(departure, 5))
        assert expire_holds() == 1
    else:
        booking = booked(departure, 5)
        if how == "cancelled":
            record_payment(booking_id=booking.pk, paid=booking.total, refunded=0)
        assert taken() == [5]
        cancel_booking(booking_id=booking.pk, actor=None)
    assert taken() == [0]
    held(departure, 8)


def test_an_overdue_hold_elsewhere_makes_room_at_once(departure):
    sets(departure, stock_per="DAY")
    other = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(hours=1))
    run_out(held(other, 8))
    assert held(departure, 8).status == HoldStatus.ACTIVE
    assert taken() == [8]


def test_other_seats_instead_take_the_sets_along(departure):
    sets(departure)
    clerk = ClerkFactory()
    old = held(departure, 6, actor=clerk)
    new = hold_instead(
        hold_id=old.pk,
        actor=clerk,
        departure_id=departure.pk,
        guests={"adult": 2},
        extras=[{"code": "snorkel", "quantity": 8}],
    )
    assert (taken(), new.extras_held.get().quantity) == ([8], 8)


def test_a_late_payment_wins_the_sets_again_or_goes_back(departure):
    sets(departure)
    winner, loser = booked(departure, 4), booked(departure, 4)
    for booking in (winner, loser):
        run_out(booking.items.get().hold)
    expire_holds()
    assert taken() == [0]
    assert record_payment(booking_id=winner.pk, paid=winner.total, refunded=0) == Settlement.CONFIRMED
    held(departure, 2)
    assert taken() == [6]
    assert record_payment(booking_id=loser.pk, paid=loser.total, refunded=0) == Settlement.SEATS_GONE
    assert (taken(), Booking.objects.get(pk=loser.pk).status) == ([6], BookingStatus.EXPIRED)
    departure.refresh_from_db()
    assert (departure.seats_held, departure.seats_booked) == (1, 1)
    assert_proven()


@pytest.mark.parametrize(("per", "after"), [("DAY", [5]), ("DEPARTURE", [0, 5])])
def test_the_sets_move_with_the_party(departure, per, after):
    """On the same day the five are the same five, though only eight are there."""
    sets(departure, stock_per=per)
    other = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(hours=1))
    booking = booked(departure, 5)
    clerk = ClerkFactory(permissions=["bookings.change_booking"])
    move_booking(booking_id=booking.pk, departure_id=other.pk, actor=clerk)
    assert sorted(taken()) == after
    assert_proven()
    full = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(hours=2), capacity=0)
    with pytest.raises(SeatsUnavailable):
        move_booking(booking_id=booking.pk, departure_id=full.pk, actor=clerk)
    assert sorted(taken())[-1] == 5
    assert_proven()


def test_the_swift_way_steps_aside(departure, settings):
    settings.PRICES_KEPT_SECONDS = 5
    sets(departure, number=1)
    hold = hold_seats_swiftly(
        departure_id=departure.pk, guests={"adult": 1}, extras=[{"code": "snorkel", "quantity": 1}]
    )
    assert (hold.extras_held.count(), taken()) == (1, [1])


# --- Races ---


def eight_buyers(departure):
    return run_together(*[partial(held, departure, 3)] * 8)


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_for_eight_sets_by_threes(departure):
    sets(departure)
    outcomes = eight_buyers(departure)
    assert names(outcomes) == {"Hold": 2, "ExtraSoldOut": 6}
    departure.refresh_from_db()
    assert (taken(), departure.seats_held) == ([6], 2)
    assert_proven()


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_on_two_departures_of_a_day(departure):
    sets(departure, stock_per="DAY")
    other = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(hours=1))
    outcomes = run_together(*[partial(held, departure, 3), partial(held, other, 3)] * 4)
    assert names(outcomes) == {"Hold": 2, "ExtraSoldOut": 6}
    assert_proven()


@pytest.mark.django_db(transaction=True)
def test_control_the_check_alone_refuses(departure, monkeypatch):
    """Without condition the CHECK still lets no set go twice."""
    sets(departure)
    held(departure, 6)
    monkeypatch.setattr(stock, "Q", lambda **_: _anything())
    with pytest.raises(IntegrityError):
        held(departure, 3)
    assert taken() == [6]


@pytest.mark.django_db(transaction=True)
def test_control_without_condition_and_check_more_are_sold(departure, monkeypatch):
    sets(departure)
    mending = "UPDATE tours_extrastock SET taken = 0"
    with without_guard("tours_extrastock", "extra_never_oversold", mending):
        monkeypatch.setattr(stock, "Q", lambda **_: _anything())
        outcomes = eight_buyers(departure)
        assert names(outcomes)["Hold"] == 8
        assert taken() == [24]


def _anything():
    from django.db.models import Q  # noqa: PLC0415

    return Q()


@pytest.mark.django_db(transaction=True)
def test_taking_and_giving_back_at_once_ends_even(departure):
    sets(departure)
    holds = [held(departure, 2) for _ in range(4)]
    gives = [partial(release_hold, hold_id=hold.pk, token=hold.token) for hold in holds]
    takes = [partial(held, departure, 2)] * 4
    outcomes = run_together(*gives, *takes)
    assert set(names(outcomes)) <= {"Hold", "ExtraSoldOut"}
    assert_proven()


# --- Who takes what ---


def line_of(departure, code, guests, extras=()):
    made = quote(departure_id=departure.pk, guests=guests, extras=extras)
    return next(((line.quantity, line.amount) for line in made.lines if line.code == code), None)


def test_a_park_fee_adds_itself_for_those_it_is_for(departure):
    """A fee of 5 for adults only: two adults and a child pay 10."""
    fee = ExtraFactory(tour=departure.tour, code="park-fee", amount=5, is_required=True)
    assert line_of(departure, "park-fee", {"adult": 2, "child": 1}) == (3, 15)
    ExtraCategory.objects.create(extra=fee, category=PriceCategory.objects.get(code="adult"))
    assert line_of(departure, "park-fee", {"adult": 2, "child": 1}) == (2, 10)
    assert line_of(departure, "park-fee", {"child": 1}) is None
    with pytest.raises(ExtraQuantityRefused):
        line_of(departure, "park-fee", {"adult": 2}, [{"code": "park-fee", "quantity": 1}])
    made = quote(departure_id=departure.pk, guests={"adult": 2})
    assert made.as_json()["extras"] == [{"code": "park-fee", "quantity": 2, "required": True}]
    again = quote(departure_id=departure.pk, **asked_again(made.as_json()))
    assert again.fingerprint == made.fingerprint


def test_only_for_some_guests_and_some_options(departure):
    seat = ExtraFactory(tour=departure.tour, code="child-seat", amount=3)
    ExtraCategory.objects.create(extra=seat, category=PriceCategory.objects.get(code="child"))
    assert line_of(departure, "child-seat", {"adult": 2, "child": 1}, [{"code": "child-seat"}]) == (1, 3)
    with pytest.raises(ExtraForNobody):
        line_of(departure, "child-seat", {"adult": 2}, [{"code": "child-seat"}])
    private = OptionFactory(tour=departure.tour, code="private")
    ExtraOption.objects.create(extra=seat, option=private)
    with pytest.raises(UnknownExtra):
        line_of(departure, "child-seat", {"child": 1, "adult": 1}, [{"code": "child-seat"}])


@pytest.mark.parametrize(
    ("quantity", "is_fine"), [(None, True), (1, False), (2, True), (4, True), (5, False), (0, False)]
)
def test_at_least_and_at_most(departure, quantity, is_fine):
    ExtraFactory(tour=departure.tour, code="bottle", basis="PER_UNIT", amount=2, min_quantity=2, max_quantity=4)
    asked = [{"code": "bottle"} if quantity is None else {"code": "bottle", "quantity": quantity}]
    if is_fine:
        assert line_of(departure, "bottle", {"adult": 1}, asked) == (quantity or 2, 2 * (quantity or 2))
    else:
        with pytest.raises(ExtraQuantityRefused):
            line_of(departure, "bottle", {"adult": 1}, asked)


def test_no_seat_no_set(departure):
    sets(departure)
    type(departure).objects.filter(pk=departure.pk).update(capacity=1)
    with pytest.raises(SeatsUnavailable):
        held(departure, 1, adults=2)
    assert taken() == []
    assert now() < departure.starts_at
