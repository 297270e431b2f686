"""What the Today page is told of money."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from bookings import selectors
from bookings.models import Booking, BookingStatus
from bookings.tests.factories import TRAVELLERS, BookingFactory, ClerkFactory
from config.tenancy import tenant_context
from payments.flags import failed_refunds, payments_in_question
from payments.models import Payment, PaymentFlag, PaymentStatus, Refund, RefundStatus
from tours.models import Departure

pytestmark = pytest.mark.usefixtures("tenant")


def paid(booking, number="PAY-1", **more):
    return Payment.objects.create(
        number=number,
        booking=booking,
        gateway="sandbox",
        amount=Decimal(200),
        currency="USD",
        idempotency_key=f"key-{number}",
        **{"status": PaymentStatus.PAID, **more},
    )


def refunded(payment, status):
    return Refund.objects.create(
        number=f"R-{payment.number}",
        payment=payment,
        amount=50,
        status=status,
        cause=payment.number,
        idempotency_key="r",
    )


@pytest.fixture
def booking():
    return BookingFactory(status=BookingStatus.CONFIRMED, travellers=TRAVELLERS)


def told(find):
    return [(flag.tone, flag.reason, flag.reference) for flag in find(Booking.objects.all())]


def test_a_flagged_payment_is_named_with_its_amount(booking):
    payment = paid(booking, flag=PaymentFlag.AMOUNT_MISMATCH)
    [flag] = payments_in_question(Booking.objects.all())
    assert (flag.tone, flag.booking_id, flag.reference) == ("bad", booking.pk, booking.reference)
    assert flag.reason == "The gateway names another amount: $200.00"
    assert str(payment.pk) in flag.link


def test_an_attempt_is_in_question_after_it_was_asked_about_in_vain(booking):
    long_ago = now() - timedelta(minutes=11)
    payment = paid(booking, status=PaymentStatus.PROCESSING, created_at=long_ago, check_at=now(), checks=1)
    assert told(payments_in_question) == [("warn", "Nobody knows yet whether it was paid: $200.00", booking.reference)]
    for known in ({"checks": 0}, {"check_at": None}, {"created_at": now()}, {"status": PaymentStatus.FAILED}):
        before = {name: getattr(payment, name) for name in known}
        Payment.objects.filter(pk=payment.pk).update(**known)
        assert told(payments_in_question) == []
        Payment.objects.filter(pk=payment.pk).update(**before)


def test_a_refund_that_failed_is_told_once(booking):
    payment = paid(booking)
    refund = refunded(payment, RefundStatus.FAILED)
    assert told(failed_refunds) == [("bad", "A refund failed: $50.00", booking.reference)]
    Payment.objects.update(flag=PaymentFlag.REFUND_FAILED)
    assert told(failed_refunds) == []
    assert told(payments_in_question) == [("bad", "A refund failed: $200.00", booking.reference)]
    Payment.objects.update(flag="")
    Refund.objects.filter(pk=refund.pk).update(status=RefundStatus.SUCCEEDED)
    assert told(failed_refunds) == []


def test_the_day_shows_them_to_those_who_may_see_payments(booking, other_tenant):
    paid(booking, flag=PaymentFlag.LATE)
    Departure.objects.update(local_date="2026-03-03")
    day = Departure.objects.get().local_date

    def reasons(*permissions):
        found = selectors.day(wanted=day, user=ClerkFactory(permissions=["bookings.view_manifest", *permissions]))
        return [flag.reason for _row, flag in found.flagged]

    assert reasons() == []
    assert reasons("payments.view_payment") == ["Paid after its end: $200.00"]
    with tenant_context(other_tenant.pk):
        assert reasons("payments.view_payment") == []
