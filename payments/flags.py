"""What the Today page is told of money: payments in question and refunds that failed."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext as _

from bookings import wording
from bookings.flags import BAD, WARN, Flag, finder
from bookings.models import Booking
from bookings.selectors.day import SOON
from ledger.money import format_money
from payments.models import OPEN, Payment, PaymentFlag, Refund, RefundStatus

OF_PAYMENT = ("flag", "amount", "currency", "booking__reference", "created_at")
UNCLEAR_AFTER = timedelta(minutes=10)


@finder(permission="payments.view_payment")
def payments_in_question(bookings: Any) -> Iterator[Flag]:
    """Flagged payments, and attempts whose end is not known after a while."""
    unclear = Q(flag="", status__in=OPEN, check_at__isnull=False, checks__gt=0, created_at__lt=now() - UNCLEAR_AFTER)
    found = Payment.objects.filter(~Q(flag="") | unclear, booking__in=bookings.values("pk"))
    for payment in found.select_related("booking").only(*OF_PAYMENT).order_by("created_at"):
        yield Flag(
            BAD if payment.flag else WARN,
            partial(_payment_in_words, payment),
            "admin:payments_payment_change",
            payment.pk,
            payment.booking_id,
            payment.booking.reference,
        )


@finder(permission="payments.view_refund")
def failed_refunds(bookings: Any) -> Iterator[Flag]:
    """Money that should have gone back and did not."""
    failed = Refund.objects.filter(payment__booking__in=bookings.values("pk"), status=RefundStatus.FAILED)
    for refund in failed.exclude(payment__flag=PaymentFlag.REFUND_FAILED).select_related("payment__booking"):
        yield Flag(
            BAD,
            partial(_refund_in_words, refund),
            "admin:payments_refund_change",
            refund.pk,
            refund.payment.booking_id,
            refund.payment.booking.reference,
        )


@finder(permission="bookings.view_booking")
def overdue_balances(bookings: Any) -> Iterator[Flag]:
    """Something is still to pay, and its day has come. Of what begins soon, the day's own flags say so already."""
    overdue = Booking.objects.balance_overdue().filter(pk__in=bookings.values("pk"), starts_at__gt=now() + SOON)
    for booking in overdue.order_by("balance_due_at"):
        yield Flag(
            BAD,
            partial(_balance_in_words, booking),
            "admin:bookings_booking_change",
            booking.pk,
            booking.pk,
            booking.reference,
        )


def _balance_in_words(booking: Booking) -> str:
    return _("Balance overdue: {amount}").format(amount=wording.money(booking, booking.amount_due))


def _payment_in_words(payment: Payment) -> str:
    why = PaymentFlag(payment.flag).label if payment.flag else _("Nobody knows yet whether it was paid")
    return f"{why}: {format_money(payment.amount, payment.currency)}"


def _refund_in_words(refund: Refund) -> str:
    return _("A refund failed: {amount}").format(amount=format_money(refund.amount, refund.payment.currency))
