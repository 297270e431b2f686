"""Which gateways can be asked for exactly what a booking has to pay."""

from dataclasses import dataclass
from decimal import Decimal

from bookings.models import Booking
from ledger.money import amount_text
from payments.errors import NoWayToPay
from payments.gateways.amounts import may_be_paid
from payments.gateways.registry import gateway_of, offered_codes


@dataclass(frozen=True)
class Way:
    """A gateway that can take all that is due (`whole`), the deposit, or both.

    `on_its_page`: the payer can be sent to it. `in_a_form`: the client's own page can collect the payment.
    """

    gateway: str
    whole: bool
    deposit: bool
    on_its_page: bool
    in_a_form: bool


def ways_to_pay(booking: Booking) -> list[Way]:
    """In the order they are shown; none where nothing is due."""
    return [way for way in (_way(code, booking) for code in offered_codes()) if way.whole or way.deposit]


def _way(code: str, booking: Booking) -> Way:
    gateway = gateway_of(code)

    def takes(amount: Decimal) -> bool:
        return amount > 0 and may_be_paid(gateway, amount, booking.currency)

    return Way(
        gateway=code,
        whole=takes(booking.amount_due),
        deposit=takes(booking.deposit_due),
        on_its_page=gateway.capabilities.hosted_redirect,
        in_a_form=gateway.capabilities.own_form,
    )


def ways_by_link(booking: Booking) -> list[Way]:
    """Those that a payment link can lead to. Raises `NoWayToPay` where there is none."""
    ways = [way for way in ways_to_pay(booking) if way.on_its_page]
    if not ways:
        raise NoWayToPay(amount=amount_text(booking.amount_due, booking.currency), currency=booking.currency)
    return ways
