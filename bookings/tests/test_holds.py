import hashlib
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from bookings import pricing, services
from bookings.errors import (
    CutoffPassed,
    DepartureClosed,
    HoldBooked,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    NoMoreExtensions,
    PriceChanged,
    SeatsUnavailable,
    VoucherUnknown,
)
from bookings.models import Hold, HoldStatus
from bookings.services import holds
from bookings.tests.factories import BookingFactory, CustomerFactory, HoldFactory, run_out
from config.tenancy import tenant_context
from tours.errors import DepartureNotFound, PartyTooLarge, UnknownExtra, UnknownPriceCategory
from tours.models import OptionPrice, TourStatus
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")


def counters(departure):
    departure.refresh_from_db()
    return departure.seats_held, departure.seats_booked


def test_a_hold_takes_the_partys_seats_at_the_quoted_price():
    departure, mona = DepartureFactory(capacity=10), CustomerFactory()
    before = now()
    hold = services.hold_seats(departure_id=departure.pk, guests={"adult": 2, "child": 1, "infant": 1}, actor=mona)
    hold = Hold.objects.get(pk=hold.pk)
    assert (hold.status, hold.seats, hold.customer_id, hold.token_hash) == (HoldStatus.ACTIVE, 3, mona.pk, "")
    assert hold.quote["total"] == "250.00"
    assert hold.quote["guests"] == {"adult": 2, "child": 1, "infant": 1}
    assert before + timedelta(seconds=899) < hold.expires_at < now() + timedelta(seconds=901)
    assert counters(departure) == (3, 0)


def test_a_stranger_gets_a_secret_of_which_only_the_hash_is_kept():
    hold = HoldFactory(actor=None)
    stored = Hold.objects.get(pk=hold.pk)
    assert len(hold.token) == 32
    assert stored.token_hash == hashlib.sha256(hold.token.encode()).hexdigest()
    assert services.find_hold(hold_id=hold.pk, token=hold.token) == stored
    for token in ("", "x", hold.token[:-1]):
        with pytest.raises(HoldNotFound):
            services.find_hold(hold_id=hold.pk, token=token)
    with pytest.raises(HoldNotFound):
        services.find_hold(hold_id=hold.pk, actor=CustomerFactory())


def test_both_ways_of_taking_seats_write_the_same_rows():
    """The one statement and its plain twin."""
    rows = []
    for taken in (holds.take, holds.take_plainly):
        departure = DepartureFactory(capacity=3)
        quote = pricing.quote(departure_id=departure.pk, guests={"adult": 2})
        hold = holds._new_hold(quote, CustomerFactory(email=f"{taken.__name__}@example.com"))
        answer = {"id": "x", "seats": hold.seats}
        key = services.ClientKey("user:1", "holds", taken.__name__, "hash", 201, lambda hold, answer=answer: answer)
        taken(hold, key)
        stored = Hold.objects.filter(pk=hold.pk).values().get()
        written = holds.IdempotencyKey.objects.filter(key=taken.__name__).values().get()
        assert stored.pop("id") == hold.pk
        assert stored.pop("departure_id") == departure.pk
        assert stored.pop("customer_id") == hold.customer_id
        assert stored.pop("created_at") == hold.created_at
        assert stored.pop("expires_at") == hold.expires_at
        assert stored.pop("quote") == hold.quote
        for changing in ("id", "key", "taken_at"):
            written.pop(changing)
        rows.append((stored, written, counters(departure)))
    assert rows[0] == rows[1]


def test_what_is_left_is_told_when_seats_are_refused():
    departure = DepartureFactory(capacity=3)
    HoldFactory(departure=departure)
    with pytest.raises(SeatsUnavailable) as refusal:
        HoldFactory(departure=departure)
    assert refusal.value.details == {"left": 1, "asked": 2}
    assert counters(departure) == (2, 0)
    assert Hold.objects.count() == 1


def test_overdue_holds_make_room_for_who_comes_now():
    departure = DepartureFactory(capacity=2)
    old = HoldFactory(departure=departure)
    run_out(old)
    new = HoldFactory(departure=departure)
    old.refresh_from_db()
    assert (old.status, new.status) == (HoldStatus.EXPIRED, HoldStatus.ACTIVE)
    assert counters(departure) == (2, 0)


def test_another_price_than_the_one_seen_is_refused_with_the_new_quote():
    departure = DepartureFactory()
    seen = pricing.quote(departure_id=departure.pk, guests={"adult": 2}).fingerprint
    OptionPrice.objects.filter(option=departure.option, category__code="adult").update(amount=Decimal(110))
    with pytest.raises(PriceChanged) as refusal:
        HoldFactory(departure=departure, fingerprint=seen)
    assert refusal.value.details["quote"]["total"] == "220.00"
    assert counters(departure) == (0, 0)
    agreed = refusal.value.details["quote"]["fingerprint"]
    assert HoldFactory(departure=departure, fingerprint=agreed).quote["total"] == "220.00"


@pytest.mark.parametrize(
    ("changes", "guests", "refused"),
    [
        ({"status": "CLOSED"}, {"adult": 1}, DepartureClosed),
        ({"status": "CANCELLED"}, {"adult": 1}, DepartureClosed),
        ({"cutoff_at": now() - timedelta(minutes=1)}, {"adult": 1}, CutoffPassed),
        ({"starts_at": now() - timedelta(days=1), "cutoff_at": now() - timedelta(days=2)}, {"adult": 1}, CutoffPassed),
        ({}, {"adult": 11}, PartyTooLarge),
        ({}, {"alien": 1}, UnknownPriceCategory),
    ],
)
def test_refused_holds_take_nothing(changes, guests, refused):
    departure = DepartureFactory(capacity=30, **changes)
    with pytest.raises(refused):
        HoldFactory(departure=departure, guests=guests)
    assert counters(departure) == (0, 0)
    assert not Hold.objects.exists()


def test_unknown_extras_and_vouchers_are_refused():
    departure = DepartureFactory()
    with pytest.raises(UnknownExtra):
        HoldFactory(departure=departure, extras=[{"code": "balloon", "quantity": 1}])
    with pytest.raises(VoucherUnknown):
        HoldFactory(departure=departure, voucher_code="FREE")


def test_what_is_not_on_sale_is_not_there(other_tenant):
    draft = DepartureFactory(option__tour__status=TourStatus.DRAFT)
    with pytest.raises(DepartureNotFound):
        HoldFactory(departure=draft)
    departure = DepartureFactory()
    with tenant_context(other_tenant.pk), pytest.raises(DepartureNotFound):
        services.hold_seats(departure_id=departure.pk, guests={"adult": 1})


def test_extending_has_a_limit(settings):
    hold = HoldFactory()
    Hold.objects.update(expires_at=now() + timedelta(seconds=60))
    for times in (1, 2):
        hold = services.extend_hold(hold_id=hold.pk, actor=hold.customer)
        assert hold.extensions == times
        assert hold.expires_at > now() + timedelta(seconds=890)
    with pytest.raises(NoMoreExtensions):
        services.extend_hold(hold_id=hold.pk, actor=hold.customer)


def test_extending_moves_the_time_to_pay_of_its_booking():
    booking = BookingFactory()
    hold = booking.items.get().hold
    extended = services.extend_hold(hold_id=hold.pk, actor=booking.customer)
    booking.refresh_from_db()
    assert booking.expires_at == extended.expires_at > hold.expires_at


def test_releasing_gives_the_seats_back_once():
    hold = HoldFactory()
    released = services.release_hold(hold_id=hold.pk, actor=hold.customer)
    assert released.status == HoldStatus.RELEASED
    assert counters(hold.departure) == (0, 0)
    with pytest.raises(HoldReleased):
        services.release_hold(hold_id=hold.pk, actor=hold.customer)
    with pytest.raises(HoldReleased):
        services.extend_hold(hold_id=hold.pk, actor=hold.customer)
    assert counters(hold.departure) == (0, 0)


def test_a_hold_that_ran_out_is_over_before_anybody_noticed():
    hold = HoldFactory()
    run_out(hold)
    for verb in (services.extend_hold, services.release_hold):
        with pytest.raises(HoldExpired):
            verb(hold_id=hold.pk, actor=hold.customer)
    assert services.expire_holds() == 1
    assert services.expire_holds() == 0
    assert counters(hold.departure) == (0, 0)
    with pytest.raises(HoldExpired):
        services.extend_hold(hold_id=hold.pk, actor=hold.customer)


def test_a_hold_with_a_booking_is_not_released_alone():
    booking = BookingFactory()
    hold = booking.items.get().hold
    with pytest.raises(HoldBooked):
        services.release_hold(hold_id=hold.pk, actor=booking.customer)
    assert counters(hold.departure) == (2, 0)
    services.record_payment(booking_id=booking.pk, paid=booking.total, refunded=Decimal(0))
    for verb in (services.extend_hold, services.release_hold):
        with pytest.raises(HoldBooked):
            verb(hold_id=hold.pk, actor=booking.customer)
    assert counters(hold.departure) == (0, 2)


def test_other_peoples_holds_are_not_there(other_tenant):
    hold = HoldFactory()
    for verb in (services.extend_hold, services.release_hold):
        with pytest.raises(HoldNotFound):
            verb(hold_id=hold.pk, actor=CustomerFactory())
        with pytest.raises(HoldNotFound):
            verb(hold_id=hold.pk)
        with tenant_context(other_tenant.pk), pytest.raises(HoldNotFound):
            verb(hold_id=hold.pk, actor=hold.customer)
    assert counters(hold.departure) == (2, 0)
