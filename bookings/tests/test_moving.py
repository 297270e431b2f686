"""Moving a booking: seats, price, money, history; refusals; races."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEntry
from bookings import services
from bookings.access import booking_token
from bookings.errors import (
    BookingEnded,
    DearerAfterRefund,
    MoveByStaffOnly,
    NotMovable,
    OtherTour,
    PriceChanged,
    SeatsUnavailable,
)
from bookings.models import Booking, BookingStatus, HoldStatus
from bookings.services import locks, moving
from bookings.tests.asking import client_of, pay, seats_of
from bookings.tests.factories import BookingFactory, ClerkFactory, CustomerFactory, run_out
from config.invariants import check_all
from config.tenancy import tenant_context
from config.testing import run_together
from config.testing.corruption import without_guard
from notifications.models import Event
from tours.errors import DepartureNotFound
from tours.models import Departure
from tours.tests.factories import DepartureFactory, OptionFactory

pytestmark = pytest.mark.usefixtures("tenant")
S = BookingStatus


@pytest.fixture
def departure():
    return DepartureFactory()


@pytest.fixture
def later(departure):
    return DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=3))


@pytest.fixture
def dearer(departure):
    """Another option of the same tour, at 130 an adult."""
    option = OptionFactory(
        tour=departure.tour, code="sunset", name_en="Sunset", name_ar="الغروب", prices={"adult": "130"}
    )
    return DepartureFactory(option=option, starts_at=departure.starts_at + timedelta(days=1))


@pytest.fixture
def clerk():
    return ClerkFactory(permissions=["bookings.change_booking", "bookings.view_booking"])


def assert_proven():
    assert {name: found for name, found in check_all("bookings:").faults.items() if found} == {}


def move(booking, departure, actor=None, **asked):
    return services.move_booking(
        booking_id=booking.pk, departure_id=departure.pk, actor=actor or booking.customer, **asked
    )


def test_a_confirmed_booking_takes_the_new_seats_and_gives_the_old_ones_back(departure, later):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    old = booking.items.get().hold
    moved = move(booking, later)
    item = moved.items.get()
    assert (seats_of(departure), seats_of(later)) == ((0, 0), (0, 2))
    assert (item.departure_id, item.hold.departure_id, item.hold.status) == (later.pk, later.pk, HoldStatus.CONVERTED)
    old.refresh_from_db()
    assert old.status == HoldStatus.RELEASED
    assert (moved.status, moved.payment_status, moved.starts_at) == (S.CONFIRMED, "PAID", later.starts_at)
    assert moved.quote["departure_id"] == str(later.pk)
    line = moved.events.get(action="moved")
    assert (line.data["from"], line.data["to"]) == (departure.starts_at.isoformat(), later.starts_at.isoformat())
    assert AuditEntry.objects.get(action="bookings.booking.moved").after["to"] == later.starts_at.isoformat()
    assert Event.objects.get(type="booking.moved").data["refund"] == "0.00"
    assert_proven()


def test_asked_again_it_stays_where_it_is(departure, later):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    move(booking, later)
    move(booking, later)
    assert seats_of(later) == (0, 2)
    assert Event.objects.filter(type="booking.moved").count() == 1


def test_a_waiting_booking_keeps_its_time_to_pay(departure, later):
    booking = BookingFactory(departure=departure)
    moved = move(booking, later)
    assert (seats_of(departure), seats_of(later)) == ((0, 0), (2, 0))
    assert moved.expires_at == booking.expires_at == moved.items.get().hold.expires_at
    pay(moved)
    assert seats_of(later) == (0, 2)
    assert_proven()


def test_a_dearer_departure_leaves_the_difference_to_pay(departure, dearer):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    terms = services.move_terms(booking, dearer.pk, actor=booking.customer)
    assert (terms.difference, terms.to_pay, terms.refund) == (Decimal(60), Decimal(60), Decimal(0))
    moved = move(booking, dearer)
    assert (moved.total, moved.amount_due, moved.payment_status, moved.status) == (
        Decimal(260),
        Decimal(60),
        "PARTIALLY_PAID",
        S.CONFIRMED,
    )
    assert_proven()


def test_a_cheaper_one_sends_the_rest_back(departure, dearer):
    booking = BookingFactory(departure=dearer, status=S.CONFIRMED)
    moved = move(booking, departure)
    assert (moved.total, moved.amount_due, moved.payment_status) == (Decimal(200), Decimal(0), "PAID")
    assert Event.objects.get(type="booking.moved").data["refund"] == "60.00"
    services.record_payment(booking_id=booking.pk, paid=Decimal(260), refunded=Decimal(60))
    moved.refresh_from_db()
    assert (moved.payment_status, moved.status) == ("PAID", S.CONFIRMED)
    assert_proven()
    with pytest.raises(DearerAfterRefund):
        move(moved, dearer)
    assert seats_of(dearer) == (0, 0)


def test_staff_may_keep_the_price_and_sell_after_the_cut_off(departure, dearer, clerk):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    Departure.objects.filter(pk=dearer.pk).update(cutoff_at=now() - timedelta(hours=1))
    moved = move(booking, dearer, actor=clerk, keep_price=True, reason="our boat broke")
    assert (moved.total, moved.amount_due, moved.payment_status) == (Decimal(200), Decimal(0), "PAID")
    assert moved.quote["option"]["en"] == "Sunset"
    assert moved.events.get(action="moved").reason == "our boat broke"
    assert_proven()


def test_customers_may_do_neither(departure, later):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    with pytest.raises(MoveByStaffOnly):
        move(booking, later, keep_price=True)
    Booking.objects.filter(pk=booking.pk).update(starts_at=now() + timedelta(hours=20))  # nothing comes back by now
    with pytest.raises(MoveByStaffOnly):
        move(booking, later)
    assert seats_of(later) == (0, 0)


def test_another_price_than_was_shown_is_refused(departure, dearer):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    shown = services.move_terms(booking, dearer.pk, actor=booking.customer).quote["fingerprint"]
    dearer.option.prices.update(amount=140)
    with pytest.raises(PriceChanged):
        move(booking, dearer, fingerprint=shown)
    assert seats_of(departure) == (0, 2)


def test_without_seats_everything_stays(departure, later):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    BookingFactory(departure=later, guests={"adult": 9})
    with pytest.raises(SeatsUnavailable):
        move(booking, later)
    booking.refresh_from_db()
    assert (seats_of(departure), seats_of(later), booking.starts_at) == ((0, 2), (9, 0), departure.starts_at)
    assert not booking.events.filter(action="moved").exists()


def test_seats_of_holds_that_ran_out_are_there(departure, later):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    gone = BookingFactory(departure=later, guests={"adult": 9})
    run_out(gone.items.get().hold)
    move(booking, later)
    assert seats_of(later) == (0, 2)
    assert_proven()


@pytest.mark.parametrize("status", [S.CANCELLED, S.EXPIRED, S.COMPLETED, S.NO_SHOW])
def test_what_has_ended_does_not_move(departure, later, clerk, status):
    booking = BookingFactory(departure=departure, status=status)
    with pytest.raises(BookingEnded):
        move(booking, later, actor=clerk)


def test_what_has_begun_does_not_move(departure, later, clerk):
    booking = BookingFactory(departure=departure, status=S.IN_PROGRESS)
    with pytest.raises(NotMovable):
        move(booking, later, actor=clerk)


def test_only_within_the_tour_and_the_operator(departure, clerk, other_tenant):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    with pytest.raises(OtherTour):
        move(booking, DepartureFactory(), actor=clerk)
    with tenant_context(other_tenant.pk):
        theirs = DepartureFactory()
    for unknown in (theirs.pk, uuid4()):
        with pytest.raises(DepartureNotFound):
            services.move_booking(booking_id=booking.pk, departure_id=unknown, actor=clerk)


# --- API ---


def url(booking):
    return f"/api/v1/bookings/{booking.pk}/reschedule"


def test_the_api_shows_first_then_moves(departure, dearer):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    client = client_of(booking.customer)
    shown = client.get(url(booking), {"departure_id": str(dearer.pk)}).json()
    assert (shown["old_total"], shown["total"], shown["difference"], shown["to_pay"], shown["refund"]) == (
        "200.00",
        "260.00",
        "60.00",
        "60.00",
        "0.00",
    )
    assert seats_of(dearer) == (0, 0)
    body = {"departure_id": str(dearer.pk), "fingerprint": shown["fingerprint"]}
    done = client.post(url(booking), body, format="json", headers={"Idempotency-Key": "move-1"})
    assert done.status_code == 200, done.content
    assert (done.json()["total"], done.json()["amount_due"]) == ("260.00", "60.00")
    assert [line["text"][:5] for line in done.json()["timeline"] if line["action"] == "moved"] == ["Moved"]
    again = client.post(url(booking), body, format="json", headers={"Idempotency-Key": "move-1"})
    assert again.json()["total"] == "260.00"
    assert seats_of(dearer) == (0, 2)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"departure_id": "tomorrow"}, 400),
        ({"departure_id": str(uuid4())}, 404),
        ({"fingerprint": "x"}, 400),
        ({"keep_price": True}, 409),
        ({"reason": "x" * 501}, 400),
    ],
)
def test_bad_questions(departure, later, body, status):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    asked = ({"departure_id": str(later.pk)} | body) if body else body
    assert client_of(booking.customer).post(url(booking), asked, format="json").status_code == status
    assert seats_of(departure) == (0, 2)


def test_who_may(departure, later, clerk):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    body = {"departure_id": str(later.pk)}
    assert client_of().post(url(booking), body, format="json").status_code == 404
    assert client_of(CustomerFactory()).post(url(booking), body, format="json").status_code == 404
    viewer = ClerkFactory(permissions=["bookings.view_booking"])
    assert client_of(viewer).post(url(booking), body, format="json").status_code == 403
    token = booking_token(booking)
    assert client_of().post(f"{url(booking)}?token={token}", body, format="json").status_code == 200
    assert client_of(clerk).post(url(booking), {"departure_id": str(departure.pk)}, format="json").status_code == 200


# --- Back-office ---


def test_the_page_shows_the_difference_then_moves(client, departure, dearer, clerk):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    client.force_login(clerk)
    address = reverse("admin:bookings_booking_move_this", args=[booking.pk])
    assert "Sunset" in client.get(address).content.decode()
    asked = {"departure": str(dearer.pk), "reason": "asked for"}
    shown = client.post(address, {**asked, "do": "look"})
    assert dict(shown.context["terms"]["rows"])["Still to pay then"].replace("\xa0", " ").endswith("60.00")
    seen = {"total": shown.context["terms"]["total"], "fingerprint": shown.context["terms"]["seen"]}
    other = client.post(address, {**asked, **seen, "keep_price": "on", "do": "apply"})
    assert "look again" in other.content.decode()
    assert seats_of(dearer) == (0, 0)
    assert client.post(address, {**asked, **seen, "do": "apply"}).status_code == 302
    assert seats_of(dearer) == (0, 2)


# --- Races ---


@pytest.mark.django_db(transaction=True)
def test_of_many_moves_to_the_last_seats_one_wins(tenant):
    departure = DepartureFactory(capacity=40)
    target = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=1), capacity=2)
    bookings = [BookingFactory(departure=departure, status=S.CONFIRMED) for _n in range(6)]
    outcomes = run_together(*[partial(move, booking, target) for booking in bookings])
    assert sorted(type(one).__name__ for one in outcomes) == ["Booking"] + ["SeatsUnavailable"] * 5
    assert (seats_of(departure), seats_of(target)) == ((0, 10), (0, 2))
    assert_proven()


@pytest.mark.django_db(transaction=True)
def test_control_without_lock_and_check_they_all_win(tenant, monkeypatch):
    departure = DepartureFactory(capacity=40)
    target = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=1), capacity=2)
    bookings = [BookingFactory(departure=departure, status=S.CONFIRMED) for _n in range(6)]
    seen = Departure.objects.get(pk=target.pk)
    monkeypatch.setattr("bookings.services.holds.lock_departure", lambda pk: seen)
    emptied = "UPDATE tours_departure SET seats_held = 0, seats_booked = 0"
    with without_guard("tours_departure", "departure_never_oversold", emptied):
        outcomes = run_together(*[partial(move, booking, target) for booking in bookings])
        assert [type(one).__name__ for one in outcomes] == ["Booking"] * 6
        assert seats_of(target) == (0, 12)


@pytest.mark.django_db(transaction=True)
def test_crossing_moves_and_cancellations_end_without_a_deadlock(tenant):
    one = DepartureFactory(capacity=40)
    two = DepartureFactory(option=one.option, starts_at=one.starts_at + timedelta(days=1), capacity=40)
    for _round in range(4):
        there = BookingFactory(departure=one, status=S.CONFIRMED)
        back = BookingFactory(departure=two, status=S.CONFIRMED)
        outcomes = run_together(
            partial(move, there, two),
            partial(move, back, one),
            partial(services.cancel_booking, booking_id=there.pk, actor=there.customer),
            partial(move, there, two),
            partial(services.hold_seats, departure_id=one.pk, guests={"adult": 1}),
        )
        assert {type(outcome).__name__ for outcome in outcomes} <= {"Booking", "Hold", "BookingEnded"}
        assert_proven()


@pytest.mark.django_db
def test_a_booking_moved_while_its_departure_was_waited_for_is_locked_anew(tenant, monkeypatch):
    booking = BookingFactory(status=S.CONFIRMED)
    item = booking.items.get()
    other = DepartureFactory(option=item.departure.option, starts_at=item.departure.starts_at + timedelta(days=1))
    waited_for = []

    def wait(departures, **how):
        waited_for.append({departure.pk for departure in departures})
        if len(waited_for) == 1:  # another transaction moves it and commits
            booking.items.update(departure=other)
        return []

    monkeypatch.setattr(locks, "lock_all", wait)
    assert locks.lock_booking(booking.pk) == booking
    assert len(waited_for) == 2


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_the_new_seats_and_the_old_leaves_everything_as_it_was(tenant, monkeypatch):
    departure = DepartureFactory()
    later = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=1))
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)

    def crash(hold, **asked):
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patched:
        patched.setattr(moving, "free_seats", crash)
        with pytest.raises(RuntimeError):
            move(booking, later)
    assert (seats_of(departure), seats_of(later)) == ((0, 2), (0, 0))
    move(booking, later)
    assert (seats_of(departure), seats_of(later)) == ((0, 0), (0, 2))
