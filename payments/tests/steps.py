"""Steps that tests of payments share."""

import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.timezone import now

from bookings.models import Booking
from bookings.tests.factories import BookingFactory
from config.invariants import check_all
from ledger.models import AccountRole
from ledger.services import balance_of, system_account
from payments.gateways.interface import RemoteState
from payments.models import Payment
from payments.services import apply_remote_state, start_payment
from payments.services.locks import free_number


def wait_until(true: Callable[[], Any], seconds: float = 15) -> Any:
    """Ask until the answer is true; fails the test when it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = true()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"still not true after {seconds} s")


def started(booking: Booking | None = None, **rest: Any) -> Payment:
    """An attempt that waits for its payer."""
    booking = booking or BookingFactory()
    return start_payment(booking_id=booking.pk, gateway="sandbox", actor=booking.customer, **rest)


def status_of(payment: Payment) -> str:
    return str(Payment.objects.values_list("status", flat=True).get(pk=payment.pk))


def booking_of(payment: Payment) -> Booking:
    return Booking.objects.get(pk=payment.booking_id)


def deposits() -> Decimal:
    """What the ledger holds for customers, in US dollars."""
    return balance_of(system_account(AccountRole.CUSTOMER_DEPOSITS, "USD"))


def clearing() -> Decimal:
    """What the ledger expects from the sandbox, in US dollars."""
    return balance_of(system_account(AccountRole.GATEWAY_CLEARING, "USD", "sandbox"))


def assert_sound() -> None:
    """All promises hold, but for the tours that factories made without publishing them."""
    faults = {name: found for name, found in check_all().faults.items() if found and not name.startswith("tours")}
    assert not faults, faults


def said(payment: Payment, status: str, **other: Any) -> RemoteState:
    """What the gateway says of the payment."""
    told: dict[str, Any] = {
        "status": status,
        "amount": payment.amount,
        "currency": payment.currency,
        "gateway_reference": f"sbp_{payment.pk.hex}",
    }
    return RemoteState(**(told | other))


def begun(booking: Booking | None = None, **fields: Any) -> Payment:
    """An attempt as it stands before its gateway has answered; no gateway is needed."""
    booking = booking or BookingFactory()
    payment = Payment(
        number=free_number(Payment, "PAY"),
        booking=booking,
        gateway="sandbox",
        amount=booking.amount_due,
        currency=booking.currency,
        expires_at=booking.expires_at or now() + timedelta(minutes=15),
        check_at=now() + timedelta(minutes=1),
    )
    for name, value in fields.items():
        setattr(payment, name, value)
    payment.idempotency_key = f"sandbox:payment:{payment.pk}"
    payment.save(force_insert=True)
    payment.note("begun", new_status=payment.status)
    return payment


def paid(booking: Booking | None = None) -> Payment:
    """A payment that the gateway (which need not run) has taken."""
    payment = begun(booking)
    return apply_remote_state(payment.pk, said(payment, "PAID", captured_reference=f"sbc_{payment.pk.hex}"))
