"""Steps that tests of payments share."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bookings.models import Booking
from bookings.tests.factories import BookingFactory
from config.invariants import check_all
from ledger.models import AccountRole
from ledger.services import balance_of, system_account
from payments.models import Payment
from payments.services import start_payment


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
    """All promises hold."""
    faults = {name: found for name, found in check_all().faults.items() if found}
    assert faults == {}
