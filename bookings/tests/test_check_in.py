"""Who came: whole parties and parts, mistakes taken back, and what a phone without reception tells late."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from bookings import services, wording
from bookings.access import voucher_link
from bookings.errors import (
    AlreadyIn,
    BookingNotFound,
    CheckInIdReused,
    CheckInNotFound,
    CheckInNotOpen,
    CheckInUndone,
    NobodyMissing,
    NotForCheckIn,
    NotOnDeparture,
    NotStarted,
    SomeCame,
    TooMany,
    VoucherNotGenuine,
)
from bookings.models import Attendance, Booking, BookingStatus, CheckIn
from bookings.tests.factories import BookingFactory, ClerkFactory, move_in_time
from config.tenancy import tenant_context
from notifications.models import Event
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus


@pytest.fixture
def mona(tenant):
    return ClerkFactory(first_name="Mona", last_name="Saleh")


def soon(minutes=30, guests=4, **booking):
    """A confirmed party of four that starts so many minutes from now."""
    made = BookingFactory(guests={"adult": guests}, status=S.CONFIRMED, **booking)
    start = now() + timedelta(minutes=minutes)
    move_in_time(made, start, start + timedelta(hours=2))
    return Booking.objects.get(pk=made.pk)


def counted(booking):
    row = Attendance.objects.get(item__booking=booking)
    return row.came, row.absent, row.missing


def state(booking):
    booking.refresh_from_db()
    return booking.status


def test_a_whole_party_is_in_and_the_booking_is_in_progress(mona):
    booking = soon()
    step = services.check_in(booking_id=booking.pk, actor=mona)
    assert (step.guests, step.action, step.method, step.actor) == (4, "CAME", "NAME", mona)
    assert counted(booking) == (4, 0, 0)
    assert state(booking) == S.IN_PROGRESS
    line = booking.events.get(action="checked_in")
    assert (line.actor, line.data) == (mona, {"guests": 4, "came": 4, "of": 4})
    assert booking.events.filter(new_status=S.IN_PROGRESS, reason="checked_in", actor=mona).exists()
    assert Event.objects.get(type="booking.checked_in").data == {"guests": 4, "came": 4}


def test_who_is_in_already_is_told_since_when_and_by_whom(mona):
    booking = soon()
    at = now() - timedelta(minutes=3)
    first = services.check_in(booking_id=booking.pk, actor=mona, at=at)
    with pytest.raises(AlreadyIn) as refusal:
        services.check_in(booking_id=booking.pk, actor=ClerkFactory())
    local = at.astimezone(booking.trip.local_start().tzinfo)
    assert str(refusal.value) == f"Already in at {local:%H:%M} by Mona Saleh."
    assert refusal.value.details == {
        "at": at.isoformat(),
        "by": "Mona Saleh",
        "came": 4,
        "guests": 4,
        "check_in_id": str(first.key),
    }
    assert (counted(booking), CheckIn.objects.count()) == ((4, 0, 0), 1)


def test_three_of_four_then_the_fourth(mona):
    booking = soon()
    services.check_in(booking_id=booking.pk, guests=3, actor=mona)
    assert counted(booking) == (3, 0, 1)
    with pytest.raises(TooMany) as refusal:
        services.check_in(booking_id=booking.pk, guests=2, actor=mona)
    assert str(refusal.value) == "3 of 4 are in already; no more than 1 can still come."
    services.check_in(booking_id=booking.pk, actor=mona)
    assert counted(booking) == (4, 0, 0)
    assert [step.guests for step in CheckIn.objects.all()] == [3, 1]


def test_a_step_is_taken_back_once_and_the_booking_is_as_before(mona):
    booking = soon()
    step = services.check_in(booking_id=booking.pk, guests=3, actor=mona)
    services.undo_check_in(booking_id=booking.pk, step=step.key, actor=mona, reason="wrong boat")
    assert (counted(booking), state(booking)) == ((0, 0, 4), S.CONFIRMED)
    assert booking.events.get(action="check_in_undone").reason == "wrong boat"
    with pytest.raises(CheckInUndone) as refusal:
        services.undo_check_in(booking_id=booking.pk, step=step.key, actor=mona)
    assert "by Mona Saleh" in str(refusal.value)
    with pytest.raises(CheckInNotFound):
        services.undo_check_in(booking_id=booking.pk, step=uuid.uuid4(), actor=mona)
    with pytest.raises(CheckInNotFound):
        services.undo_check_in(booking_id=soon().pk, step=step.key, actor=mona)
    services.check_in(booking_id=booking.pk, actor=mona)
    assert (counted(booking), state(booking)) == ((4, 0, 0), S.IN_PROGRESS)


def test_after_the_start_taking_back_leaves_the_state(mona):
    booking = soon(minutes=-10)
    step = services.check_in(booking_id=booking.pk, actor=mona)
    services.undo_check_in(booking_id=booking.pk, step=step.key, actor=mona)
    assert (counted(booking), state(booking)) == ((0, 0, 4), S.IN_PROGRESS)


def test_the_rest_did_not_come(mona):
    booking = soon(minutes=-10)
    services.check_in(booking_id=booking.pk, guests=3, actor=mona)
    step = services.mark_absent(booking_id=booking.pk, actor=mona)
    assert (step.guests, counted(booking), state(booking)) == (1, (3, 1, 0), S.IN_PROGRESS)
    with pytest.raises(NobodyMissing):
        services.mark_absent(booking_id=booking.pk, actor=mona)
    with pytest.raises(SomeCame):
        services.mark_no_show(booking_id=booking.pk, actor=mona)
    services.undo_check_in(booking_id=booking.pk, step=step.key, actor=mona)
    assert counted(booking) == (3, 0, 1)


def test_who_comes_after_all_is_let_in(mona):
    booking = soon(minutes=-10)
    services.check_in(booking_id=booking.pk, guests=2, actor=mona)
    services.mark_absent(booking_id=booking.pk, actor=mona)
    services.check_in(booking_id=booking.pk, guests=1, actor=mona)
    assert counted(booking) == (3, 0, 1)
    assert CheckIn.objects.get(action="UNDO").reason == "came_after_all"


def test_when_nobody_came_it_is_a_no_show_and_can_be_taken_back(mona):
    booking = soon(minutes=-10)
    with pytest.raises(TooMany):
        services.mark_absent(booking_id=booking.pk, guests=5, actor=mona)
    services.mark_absent(booking_id=booking.pk, guests=1, actor=mona)
    assert state(booking) == S.CONFIRMED
    step = services.mark_absent(booking_id=booking.pk, actor=mona, reason="waited 20 minutes")
    assert (counted(booking), state(booking)) == ((0, 4, 0), S.NO_SHOW)
    assert booking.amount_earned == booking.total
    services.undo_check_in(booking_id=booking.pk, step=step.key, actor=mona)
    assert (counted(booking), state(booking)) == ((0, 1, 3), S.CONFIRMED)
    assert booking.amount_earned == 0
    services.mark_absent(booking_id=booking.pk, actor=mona)
    services.check_in(booking_id=booking.pk, actor=mona)
    assert (counted(booking), state(booking)) == ((4, 0, 0), S.IN_PROGRESS)


def test_confirming_a_no_show_forgets_who_was_absent(mona):
    booking = soon(minutes=-10)
    services.mark_absent(booking_id=booking.pk, actor=mona)
    services.confirm_booking(booking_id=booking.pk, actor=mona, reason="another queue")
    assert (counted(booking), state(booking)) == ((0, 0, 4), S.CONFIRMED)


def test_nobody_is_absent_before_the_start(mona):
    booking = soon(minutes=5)
    with pytest.raises(NotStarted):
        services.mark_absent(booking_id=booking.pk, actor=mona)
    assert not CheckIn.objects.exists()


def test_check_in_opens_twelve_hours_before(mona):
    booking = soon(minutes=12 * 60 + 5)
    with pytest.raises(CheckInNotOpen):
        services.check_in(booking_id=booking.pk, actor=mona)
    assert not Attendance.objects.exists()


@pytest.mark.parametrize("status", [S.PENDING_PAYMENT, S.CANCELLED, S.EXPIRED])
def test_who_is_not_confirmed_is_not_let_in(mona, status):
    booking = BookingFactory(status=status)
    start = now() + timedelta(minutes=30)
    move_in_time(booking, start, start + timedelta(hours=2))
    with pytest.raises(NotForCheckIn) as refusal:
        services.check_in(booking_id=booking.pk, actor=mona)
    assert str(refusal.value).startswith(booking.reference)
    assert not CheckIn.objects.exists()


def test_the_wrong_departure_names_the_right_one(mona):
    booking, other = soon(), DepartureFactory()
    with pytest.raises(NotOnDeparture) as refusal:
        services.check_in(booking_id=booking.pk, departure_id=other.pk, actor=mona)
    assert refusal.value.details == {"departure_id": str(booking.trip.pk)}
    assert booking.trip.tour.title_en in str(refusal.value)


def test_a_voucher_that_was_scanned_is_this_bookings_and_genuine(mona, other_tenant):
    booking, other = soon(), soon()
    code = voucher_link(booking).rpartition("/")[2]
    for wrong in ("x", code[:-2], voucher_link(other).rpartition("/")[2]):
        with pytest.raises(VoucherNotGenuine):
            services.check_in(booking_id=booking.pk, actor=mona, code=wrong)
    assert services.check_in(booking_id=booking.pk, actor=mona, code=code).method == "QR"


def test_the_same_id_again_is_the_same_step(mona):
    booking, other, key = soon(), soon(), uuid.uuid4()
    first = services.check_in(booking_id=booking.pk, guests=3, key=key, actor=mona)
    assert services.check_in(booking_id=booking.pk, guests=3, key=key, actor=mona).pk == first.pk
    assert (counted(booking), CheckIn.objects.count()) == ((3, 0, 1), 1)
    for wrong in ({"booking_id": booking.pk, "guests": 1}, {"booking_id": other.pk}):
        with pytest.raises(CheckInIdReused):
            services.check_in(key=key, actor=mona, **wrong)
    with pytest.raises(CheckInIdReused):
        services.undo_check_in(booking_id=booking.pk, step=key, key=key, actor=mona)


def test_an_id_of_another_operator_is_free(mona, other_tenant):
    booking, key = soon(), uuid.uuid4()
    services.check_in(booking_id=booking.pk, key=key, actor=mona)
    with tenant_context(other_tenant.pk):
        theirs = soon()
        with pytest.raises(BookingNotFound):
            services.check_in(booking_id=booking.pk, actor=mona)
        with pytest.raises(CheckInNotFound):
            services.undo_check_in(booking_id=theirs.pk, step=key, actor=mona)
        services.check_in(booking_id=theirs.pk, key=key, actor=mona)


def test_what_happened_is_never_in_the_future(mona):
    step = services.check_in(booking_id=soon().pk, actor=mona, at=now() + timedelta(days=2))
    assert step.at <= now()


def noted(booking, action="CAME", **more):
    return {"id": uuid.uuid4(), "booking_id": booking.pk, "action": action, "at": now(), **more}


def told(outcomes):
    return [outcome.refusal.code if outcome.refusal else outcome.step.action for outcome in outcomes]


def test_a_phones_steps_are_taken_over_in_order_and_replayed_twice(mona):
    departure = DepartureFactory(capacity=40)
    first, second, paid_not = soon(departure=departure), soon(departure=departure), BookingFactory(departure=departure)
    elsewhere = soon(departure=DepartureFactory())
    start = now() - timedelta(minutes=10)
    for booking in (first, second, paid_not):
        move_in_time(booking, start, start + timedelta(hours=2))
    came = noted(first, guests=3)
    steps = [
        came,
        noted(paid_not),
        noted(elsewhere),
        noted(first, "UNDO", undoes=came["id"]),
        noted(first),
        noted(second, "ABSENT"),
        noted(second, "UNDO", undoes=uuid.uuid4()),
        {**noted(second), "booking_id": uuid.uuid4()},
    ]
    expected = [
        "CAME",
        "not_confirmed",
        "other_departure",
        "UNDO",
        "CAME",
        "ABSENT",
        "check_in_not_found",
        "booking_not_found",
    ]
    for _time in range(2):
        outcomes = services.take_over_check_ins(departure_id=departure.pk, steps=steps, actor=mona)
        assert told(outcomes) == expected
        assert [outcome.key for outcome in outcomes] == [step["id"] for step in steps]
        assert (counted(first), counted(second)) == ((4, 0, 0), (0, 4, 0))
        assert CheckIn.objects.count() == 4
        assert (state(first), state(second)) == (S.IN_PROGRESS, S.NO_SHOW)


def test_a_trip_that_is_over_still_takes_what_the_phone_tells(mona):
    booking = BookingFactory(status=S.COMPLETED)
    assert services.check_in(booking_id=booking.pk, actor=mona).guests == 2
    assert state(booking) == S.COMPLETED


def test_history_says_it_in_words(mona):
    booking = soon()
    services.check_in(booking_id=booking.pk, guests=1, actor=mona)
    assert "Checked in: 1 guest" in [wording.event_in_words(line) for line in booking.events.all()]


def test_the_database_refuses_a_party_let_in_twice_and_edited_steps(mona):
    booking = soon()
    step = services.check_in(booking_id=booking.pk, actor=mona)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attendance.objects.update(came=5)
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        CheckIn.objects.filter(pk=step.pk).update(guests=1)
