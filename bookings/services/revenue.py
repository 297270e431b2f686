"""When money that customers paid becomes the operator's own, for the accountant.

A capture (posted by `payments`) makes the money a customer deposit: a debt of the operator until the trip was given. Then
this module posts deposits → revenue, with the tax it contains to tax payable:

- a booking COMPLETED or NO_SHOW has earned everything that was paid and not given back: `booking:<id>:earned`;
- a CANCELLED one has earned the fee, the part kept by the policy: `booking:<id>:fee`. What goes back stays a deposit
  until `payments` posts the refund.

Where the sums change afterwards (money given back as goodwill, a no-show taken back, cash that came late) the difference is
posted with a number behind the reference, never as an edit. `Booking.amount_earned` is what has been posted in total; so for
each booking deposits are: paid − refunded − earned.
"""

from decimal import Decimal
from typing import Any

from bookings.models import Booking, BookingStatus
from ledger.models import AccountRole, TransactionKind
from ledger.money import amount_text, round_money
from ledger.services import credit, debit, post, system_account

GIVEN = frozenset({BookingStatus.COMPLETED, BookingStatus.NO_SHOW})


def follow_revenue(booking: Booking, actor: Any = None) -> None:
    """Post what is earned by now, or take back what is not any more. Nothing to do posts nothing.

    The caller has locked the booking.
    """
    if booking.status in GIVEN:
        _earn(booking, max(booking.amount_kept, Decimal(0)), "earned", actor)
    elif booking.status == BookingStatus.CANCELLED:
        _earn(booking, min(booking.amount_earned, max(booking.amount_kept, Decimal(0))), "fee", actor)
    else:
        _earn(booking, Decimal(0), "earned", actor)


def earn_fee(booking: Booking, fee: Decimal, actor: Any = None) -> None:
    """A cancelled booking keeps so much, in major units of its currency. The caller has locked the booking."""
    _earn(booking, fee, "fee", actor)


def tax_within(booking: Booking, amount: Decimal) -> Decimal:
    """The tax in a part of what a booking costs, in proportion to the quote."""
    tax = sum((Decimal(line["amount"]) for line in booking.quote["tax_lines"]), Decimal(0))
    return round_money(amount * tax / booking.total, booking.currency) if booking.total else Decimal(0)


def _earn(booking: Booking, target: Decimal, cause: str, actor: Any) -> None:
    before = booking.amount_earned
    amount = target - before
    if amount == 0:
        return
    tax = tax_within(booking, target) - tax_within(booking, before)
    deposits = system_account(AccountRole.CUSTOMER_DEPOSITS, booking.currency)
    parts = [
        (system_account(AccountRole.REVENUE, booking.currency), amount - tax),
        (system_account(AccountRole.TAX_PAYABLE, booking.currency), tax),
    ]
    give, take = (debit, credit) if amount > 0 else (credit, debit)
    postings = booking.events.filter(action="revenue").count()
    reference = f"booking:{booking.pk}:{cause}" + (f":{postings + 1}" if postings else "")
    post(
        reference,
        TransactionKind.PAYMENT,
        give(deposits, abs(amount)),
        *(take(account, abs(part)) for account, part in parts if part),
        memo=booking.reference,
        actor=actor,
    )
    booking.amount_earned = target
    booking.save(update_fields=["amount_earned"])
    booking.events.create(
        action="revenue",
        actor_id=actor.pk if actor else None,
        data={
            "amount": amount_text(amount, booking.currency),
            "currency": booking.currency,
            "reference": reference,
        },
    )
