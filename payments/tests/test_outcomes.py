"""Everything the payer can choose, with the gateway in its own process and its notices coming over HTTP."""

import os
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from django.utils.timezone import now

from bookings.models import Booking, BookingStatus, Hold
from bookings.services import expire_holds
from bookings.tests.factories import BookingFactory
from notifications.models import Message
from payments.models import Notice, NoticeStatus, Payment, PaymentFlag, PaymentStatus, Refund, RefundStatus
from payments.services import start_payment, sweep_payments
from payments.tests.steps import assert_sound, booking_of, clearing, deposits, started, status_of, wait_until
from tours.models import Departure
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_approve_confirms_and_posts(shop, sandbox):
    payment = started(return_url="/thanks")
    answer = sandbox.act(payment.action["url"], "approve")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{shop}/api/v1/payments/return/{payment.pk}")
    wait_until(lambda: status_of(payment) == "PAID")
    booking = booking_of(payment)
    assert (booking.status, booking.payment_status) == (BookingStatus.CONFIRMED, "PAID")
    assert (booking.amount_paid, booking.amount_due) == (Decimal(200), Decimal(0))
    assert (deposits(), clearing()) == (Decimal(200), Decimal(200))
    onward = httpx.get(answer.headers["Location"])
    assert (onward.status_code, onward.headers["Location"]) == (303, f"/thanks?payment={payment.pk}&status=PAID")
    assert_sound()


def test_notices_come_from_another_process(shop, sandbox):
    payment = started()
    sandbox.act(payment.action["url"], "approve")
    notice = wait_until(lambda: Notice.objects.filter(type="payment.succeeded", status=NoticeStatus.DONE).first())
    assert sandbox.pid != os.getpid()
    assert notice.headers["User-Agent"] == f"RihlaSandbox/1 (pid {sandbox.pid})"
    assert notice.address == "127.0.0.1"
    assert notice.payment_id == payment.pk


def test_decline_leaves_the_booking_payable(shop, sandbox):
    payment = started()
    sandbox.act(payment.action["url"], "decline")
    wait_until(lambda: status_of(payment) == "FAILED")
    booking = booking_of(payment)
    assert (booking.status, booking.payment_status) == (BookingStatus.PENDING_PAYMENT, "FAILED")
    assert Payment.objects.get(pk=payment.pk).failure_code == "card_declined"
    mail = wait_until(lambda: Message.objects.filter(template="payment_failed").first())
    assert mail.recipient == booking.contact_email
    again = start_payment(booking_id=booking.pk, gateway="sandbox")
    assert again.pk != payment.pk
    sandbox.act(again.action["url"], "approve")
    wait_until(lambda: booking_of(payment).status == BookingStatus.CONFIRMED)
    assert deposits() == Decimal(200)
    assert_sound()


def test_timeout_is_found_by_the_sweep(shop, sandbox):
    payment = started()
    answer = sandbox.act(payment.action["url"], "timeout")
    assert answer.status_code == 504
    sweep_payments()
    assert status_of(payment) == "PENDING"  # its time to be asked about has not come
    Payment.objects.filter(pk=payment.pk).update(check_at=now())
    assert sweep_payments() == 1
    assert status_of(payment) == "PAID"
    assert booking_of(payment).status == BookingStatus.CONFIRMED
    assert not Notice.objects.filter(type="payment.succeeded").exists()
    assert sweep_payments() == 0
    assert_sound()


def end_soon(booking: Booking, seconds: float) -> None:
    moment = now() + timedelta(seconds=seconds)
    Booking.objects.filter(pk=booking.pk).update(expires_at=moment)
    Hold.objects.filter(items__booking=booking).update(expires_at=moment)


def test_late_wins_the_seats_again(shop, sandbox):
    booking = BookingFactory()
    end_soon(booking, 1)
    payment = started(booking)
    sandbox.act(payment.action["url"], "late")
    wait_until(lambda: expire_holds() or booking_of(payment).status == BookingStatus.EXPIRED)
    wait_until(lambda: status_of(payment) == "PROCESSING")  # the gateway is asked to end it, and cannot any more
    wait_until(lambda: status_of(payment) == "PAID")
    booking = booking_of(payment)
    assert booking.status == BookingStatus.CONFIRMED
    departure = Departure.objects.get(items__booking=booking)
    assert (departure.seats_held, departure.seats_booked) == (0, 2)
    assert_sound()


def test_late_without_seats_goes_back_at_once(shop, sandbox):
    departure = DepartureFactory(capacity=2)
    booking = BookingFactory(departure=departure)
    end_soon(booking, 1)
    payment = started(booking)
    sandbox.act(payment.action["url"], "late")
    wait_until(lambda: expire_holds() or booking_of(payment).status == BookingStatus.EXPIRED)
    other = BookingFactory(departure=departure)  # takes the last seats
    wait_until(lambda: status_of(payment) == "REFUNDED")
    booking = booking_of(payment)
    assert (booking.status, booking.amount_paid, booking.amount_refunded) == (
        BookingStatus.REFUNDED,
        Decimal(200),
        Decimal(200),
    )
    refund = Refund.objects.get()
    assert (refund.status, refund.amount, refund.cause) == (RefundStatus.SUCCEEDED, 200, f"late:{payment.pk}")
    assert (deposits(), clearing()) == (0, 0)
    assert Booking.objects.get(pk=other.pk).status == BookingStatus.PENDING_PAYMENT
    assert sandbox.api("GET", f"/v1/payments/{payment.gateway_reference}").json()["refunded_amount"] == "200.00"
    assert_sound()


def test_ten_notices_at_once_are_one_payment(shop, sandbox):
    payment = started()
    sandbox.act(payment.action["url"], "duplicate")
    wait_until(lambda: status_of(payment) == "PAID")
    wait_until(lambda: not Notice.objects.filter(status__in=["NEW", "FAILED"]).exists())
    assert Notice.objects.filter(type="payment.succeeded").count() == 1
    assert deposits() == Decimal(200)
    assert payment.events.filter(new_status=PaymentStatus.PAID).count() == 1
    assert_sound()


def test_reordered_notices_end_right(shop, sandbox):
    payment = started()
    early = Notice.objects.get(type="payment.pending")  # it came before our own call had returned
    assert early.status == NoticeStatus.DONE
    assert early.payment_id == payment.pk
    sandbox.act(payment.action["url"], "reorder")
    stale = wait_until(lambda: Notice.objects.filter(type="payment.processing").exclude(status="NEW").first())
    wait_until(lambda: Notice.objects.get(pk=stale.pk).status == NoticeStatus.STALE)
    assert status_of(payment) == "PAID"
    succeeded = Notice.objects.get(type="payment.succeeded")
    assert succeeded.received_at < stale.received_at
    assert deposits() == Decimal(200)
    assert_sound()


def test_second_success_goes_back(shop, sandbox):
    """Two pages open, both paid: the booking is paid once, the other money returns by itself."""
    first = started()
    sandbox_page = first.action["url"]
    Payment.objects.filter(pk=first.pk).update(status=PaymentStatus.CANCELLED, check_at=None)
    first.events.create(new_status=PaymentStatus.CANCELLED)
    second = start_payment(booking_id=first.booking_id, gateway="sandbox")
    sandbox.act(second.action["url"], "approve")
    wait_until(lambda: status_of(second) == "PAID")
    sandbox.act(sandbox_page, "approve")
    wait_until(lambda: status_of(first) == "REFUNDED")
    late = Payment.objects.get(pk=first.pk)
    assert (late.is_duplicate, late.flag) == (True, PaymentFlag.DUPLICATE)
    booking = booking_of(first)
    assert (booking.status, booking.amount_paid, booking.amount_refunded, booking.payment_status) == (
        BookingStatus.CONFIRMED,
        Decimal(200),
        Decimal(0),
        "PAID",
    )
    assert (deposits(), clearing()) == (Decimal(200), Decimal(200))
    assert_sound()
