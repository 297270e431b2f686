"""What the scenarios share."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.test import Client
from django.utils.timezone import now

from bookings.models import Booking
from bookings.services import expire_holds
from bookings.tests.factories import BookingFactory, let_time_run_out
from ledger.models import AccountRole
from ledger.services import balance_of, system_account
from payments.models import Payment, Refund
from payments.services import carry_out_refund, request_refund, start_payment, sweep_payments
from payments.tests.conformance.drivers import Driver


def begun(gateway: Driver, booking: Booking | None = None, **rest: Any) -> Payment:
    """An attempt that waits for its payer."""
    booking = booking or BookingFactory()
    return start_payment(
        booking_id=booking.pk, gateway=gateway.code, own_form=gateway.own_form, actor=booking.customer, **rest
    )


def paid(gateway: Driver, booking: Booking | None = None) -> Payment:
    """An attempt of 200 that was paid, and we know."""
    payment = begun(gateway, booking)
    gateway.pay(payment)
    gateway.tell(payment)
    payment = again(payment)
    assert payment.status == "PAID", payment.status
    return payment


def again(payment: Payment) -> Payment:
    """The payment as it stands now."""
    return Payment.objects.select_related("booking").get(pk=payment.pk)


def come_back(payment: Payment) -> Any:
    """The payer returns from the gateway."""
    return Client().get(f"/api/v1/payments/return/{payment.pk}")


def sweep(times: int = 1) -> None:
    """Time passes: what is unclear is asked about."""
    for _ in range(times):
        Payment.objects.filter(check_at__isnull=False).update(check_at=now())
        sweep_payments()


def refunded(payment: Payment, amount: str, cause: str = "test") -> Refund:
    """Asked for and carried out, as far as the gateway lets."""
    refund = request_refund(payment_id=payment.pk, amount=Decimal(amount), cause=cause, reason="goodwill", actor=None)
    refund.refresh_from_db()  # tasks run at once
    return refund


def try_again(refund: Refund) -> Refund:
    """The refund's next try has come."""
    Refund.objects.filter(pk=refund.pk, status="PENDING").update(next_try_at=now())
    return carry_out_refund(refund_id=refund.pk)


def run_out(booking: Booking) -> None:
    """The time to pay is over, for the booking and its attempts."""
    Payment.objects.filter(booking=booking).update(expires_at=now() - timedelta(seconds=1))
    let_time_run_out(booking)
    expire_holds()


def deposits(currency: str = "USD") -> Decimal:
    return balance_of(system_account(AccountRole.CUSTOMER_DEPOSITS, currency))


def clearing(gateway: Driver, currency: str = "USD") -> Decimal:
    return balance_of(system_account(AccountRole.GATEWAY_CLEARING, currency, gateway.code))


def kept_there(gateway: Driver, *payments: Payment) -> Decimal:
    """What the gateway took and did not give back."""
    return sum((gateway.taken(one) - sum(gateway.given(one), Decimal(0)) for one in payments), Decimal(0))
