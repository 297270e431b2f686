"""One booking with everything (deposit, stocked extra, pickup; pool, guide, places of a partner) through every end."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import localdate, now

from bookings import services
from bookings.models import Allotment, AllottedPlaces, Booking, ChoiceOffer
from bookings.receivers import offer_a_choice_where_too_few_came
from bookings.services.allotments import arrange_allotments
from bookings.services.offers import answer_offer, lapse_offers
from bookings.tests.factories import CONTACT, ClerkFactory, run_out
from bookings.tests.test_allotments import agent_of, kept, partner
from bookings.tests.test_pools import departure as running
from bookings.tests.test_pools import pool_of
from bookings.tests.test_resources import guide, need
from notifications.models import Event
from payments import receivers
from payments.gateways.interface import RemoteRefund
from payments.models import Refund, RefundStatus
from payments.services import apply_remote_state, request_refund
from payments.services.refunds import settle_refund
from payments.tests.steps import assert_sound, begun, said
from tours.models import Departure, DepositRule, Engagement, ExtraStock, PickupPrice, PickupRule, PickupZone
from tours.services.minimum import decide_departure
from tours.tests.factories import ExtraFactory

pytestmark = pytest.mark.django_db(transaction=True)
ON = {
    "booking.cancelled": [receivers.refund_cancelled_booking],
    "booking.pickup_changed": [receivers.refund_cheaper_pickup],
    "booking.expired": [receivers.refund_expired_booking],
    "booking.moved": [receivers.refund_moved_booking],
    "departure.under_minimum": [offer_a_choice_where_too_few_came],
}


@pytest.fixture
def days(tenant):
    """The same trip on two days far ahead."""
    first = running(hour=24 * 60, capacity=8)
    second = running(hour=24 * 70, capacity=8, tour=first.tour, option=first.option)
    tour = first.tour
    pool_of(first.option)
    guide()
    need(tour)
    DepositRule.objects.create(tour=tour, amount=Decimal(25))
    ExtraFactory(tour=tour, code="snorkel", basis="PER_UNIT", amount=10, stock=6, max_quantity=6)
    PickupRule.objects.create(tour=tour, allows_unlisted=True)
    for code, amount in (("makadi", 10), ("gouna", 4)):
        zone = PickupZone.objects.create(code=code, name_en=code, name_ar=code)
        PickupPrice.objects.create(tour=tour, zone=zone, basis="PER_PERSON", amount=amount, minutes_before=60)
    return first, second


@pytest.fixture
def clerk():
    return ClerkFactory(
        permissions=["bookings.change_booking", "bookings.view_booking", "bookings.cancel", "bookings.override_policy"]
    )


def booked(departure, **more):
    """Two adults, two snorkels, fetched in Makadi: 200 + 20 + 20, of which 60 are the deposit."""
    return services.book_at_once(
        departure_id=departure.pk,
        guests={"adult": 2},
        extras=[{"code": "snorkel", "quantity": 2}],
        pickup={"zone": "makadi", "text": "Hotel"},
        contact=CONTACT.copy(),
        **more,
    )


def pay(booking, amount):
    payment = begun(fresh(booking), amount=Decimal(amount))
    return apply_remote_state(payment.pk, said(payment, "PAID", captured_reference=f"sbc_{payment.pk.hex}"))


def fresh(booking):
    return Booking.objects.get(pk=booking.pk)


def deliver():
    """All facts twice, then all refunds."""
    for event in list(Event.objects.order_by("occurred_at")) * 2:
        for receive in ON.get(event.type, []):
            receive(event)
    for refund in Refund.objects.filter(status=RefundStatus.PENDING):
        settle_refund(refund.pk, RemoteRefund(RefundStatus.SUCCEEDED, f"r{refund.pk.hex}", refund.amount))


def state(departure):
    departure.refresh_from_db()
    engaged = Engagement.objects.live().filter(departure=departure).count()
    snorkels = sum(ExtraStock.objects.filter(departure=departure).values_list("taken", flat=True))
    return departure.seats_held, departure.seats_booked, engaged, snorkels


NOTHING = (0, 0, 0, 0)


def kept_money(booking):
    return fresh(booking).amount_kept


def test_expired_and_paid_late(days):
    first, _second = days
    booking = booked(first)
    assert (booking.total, booking.deposit_amount, state(first)) == (240, 60, (2, 0, 1, 2))
    attempt = begun(booking, amount=Decimal(60))
    run_out(booking.items.get().hold)
    services.expire_holds()
    deliver()
    assert state(first) == NOTHING
    apply_remote_state(attempt.pk, said(attempt, "PAID", captured_reference="sbc_1"))
    deliver()
    assert (fresh(booking).status, state(first), kept_money(booking)) == ("CONFIRMED", (0, 2, 1, 2), 60)
    assert_sound()


def test_expired_and_paid_late_when_the_snorkels_are_gone(days):
    first, _second = days
    booking = booked(first)
    attempt = begun(booking, amount=Decimal(60))
    run_out(booking.items.get().hold)
    services.expire_holds()
    services.hold_seats(
        departure_id=first.pk,
        guests={"adult": 1},
        extras=[{"code": "snorkel", "quantity": 5}],
        pickup={"zone": "makadi", "text": "Hotel"},
    )
    apply_remote_state(attempt.pk, said(attempt, "PAID", captured_reference="sbc_1"))
    deliver()
    assert (fresh(booking).status, state(first), kept_money(booking)) == ("REFUNDED", (1, 0, 1, 5), 0)
    assert_sound()


@pytest.mark.parametrize("keep_price", [True, False])
@pytest.mark.parametrize("paid_before", ["0", "60", "240"])
def test_moved_and_cancelled_by_policy(days, clerk, keep_price, paid_before):
    first, second = days
    booking = booked(first)
    waits = paid_before == "0"
    if waits:
        attempt = begun(booking, amount=Decimal(60))
    else:
        pay(booking, paid_before)
    services.move_booking(booking_id=booking.pk, departure_id=second.pk, actor=clerk, keep_price=keep_price)
    assert (state(first), state(second)) == (NOTHING, (2, 0, 1, 2) if waits else (0, 2, 1, 2))
    if waits:
        apply_remote_state(attempt.pk, said(attempt, "PAID", captured_reference="sbc_1"))
    services.change_pickup(booking_id=booking.pk, pickup={"zone": "gouna", "text": "Hotel"}, actor=clerk)
    deliver()
    assert fresh(booking).total == 228
    assert kept_money(booking) == (228 if paid_before == "240" else 60)
    assert_sound()
    services.cancel_booking(booking_id=booking.pk, actor=clerk)
    deliver()
    assert (state(first), state(second)) == (NOTHING, NOTHING)
    assert kept_money(booking) == Decimal(fresh(booking).cancellation["fee"])
    assert_sound()


def test_partly_refunded_then_moved_and_cancelled(days, clerk):
    first, second = days
    booking = booked(first)
    payment = pay(booking, 240)
    request_refund(payment_id=payment.pk, amount=Decimal(30), cause="goodwill", reason="late", actor=None)
    services.move_booking(booking_id=booking.pk, departure_id=second.pk, actor=clerk)
    deliver()
    assert (state(first), state(second), kept_money(booking)) == (NOTHING, (0, 2, 1, 2), 210)
    services.cancel_booking(booking_id=booking.pk, actor=clerk, refund_percent=Decimal(50), reason="ill")
    deliver()
    assert (state(second), kept_money(booking)) == (NOTHING, 120)
    assert_sound()


@pytest.mark.parametrize("answer", ["refund", "move", "silence"])
@pytest.mark.parametrize("amount", ["60", "240"])
def test_too_few_came(days, clerk, answer, amount):
    first, second = days
    booking = booked(first)
    pay(booking, amount)
    Departure.objects.filter(pk=first.pk).update(min_to_run=5)
    decide_departure(departure_id=first.pk, decision="CANCEL", actor=clerk, reason="too few")
    deliver()
    offer = ChoiceOffer.objects.get()
    if answer == "silence":
        ChoiceOffer.objects.update(deadline=now() - timedelta(seconds=1))
        assert lapse_offers() == 1
    else:
        to = second.pk if answer == "move" else None
        if answer == "move" and not offer.offered.filter(departure_id=second.pk).exists():
            answer_offer(offer_id=offer.pk, answer=answer, departure_id=to, actor=clerk, by_staff=True)
        else:
            answer_offer(offer_id=offer.pk, answer=answer, departure_id=to)
    deliver()
    assert state(first) == NOTHING
    if answer == "move":
        assert (state(second), kept_money(booking)) == ((0, 2, 1, 2), Decimal(amount))
    else:
        assert (state(second), kept_money(booking), fresh(booking).status) == (NOTHING, 0, "CANCELLED")
    assert_sound()


def test_a_partner_with_places_of_its_own(days, clerk):
    first, second = days
    sindbad = partner()
    kept(first, partner=sindbad, places=4)
    Allotment.objects.update(last_day=localdate() + timedelta(days=200))
    arrange_allotments()
    agent = agent_of(sindbad)
    booking = booked(first, actor=agent)
    assert AllottedPlaces.objects.filter(departure=first).values_list("places", "used").first() == (4, 2)
    pay(booking, booking.total)
    services.move_booking(booking_id=booking.pk, departure_id=second.pk, actor=clerk)
    deliver()
    assert state(first) == NOTHING
    services.cancel_booking(booking_id=booking.pk, actor=clerk)
    deliver()
    assert (state(second), sum(AllottedPlaces.objects.values_list("used", flat=True))) == (NOTHING, 0)
    assert_sound()
