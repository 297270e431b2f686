"""What customers are told about their money."""

from decimal import Decimal

from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from bookings import wording
from bookings.access import booking_link
from bookings.models import Booking, BookingStatus
from config.i18n import in_language
from ledger.money import format_money
from notifications.mail import write_message
from payments.models import Payment, Refund


def write_payment_failed(payment: Payment) -> None:
    """Once per attempt, to the booking's contact in the booking's language."""
    booking = payment.booking
    with override(booking.language):
        rows = [
            (_("Booking"), booking.reference),
            (_("Amount"), _shown(booking, payment.amount)),
            (_("Payment"), payment.number),
        ]
        context = {"booking": booking, "rows": rows, "pay_by": _pay_by(booking), "link": payment_link(booking)}
    write_message(
        "payment_failed",
        to=booking.contact_email,
        language=booking.language,
        once_key=f"payment.failed:{payment.pk}",
        context=context,
        about=booking,
    )


def write_refunded(refund: Refund) -> None:
    """Once per refund, to the booking's contact in the booking's language."""
    payment, booking = refund.payment, refund.payment.booking
    amount = _shown(booking, refund.amount)
    with override(booking.language):
        rows = [
            (_("Booking"), booking.reference),
            (_("Paid"), _shown(booking, payment.amount)),
            (_("Returned now"), amount),
            (_("Refund"), refund.number),
        ]
    write_message(
        "refunded",
        to=booking.contact_email,
        language=booking.language,
        once_key=f"refund.done:{refund.pk}",
        context={"booking": booking, "rows": rows, "amount": amount},
        about=booking,
    )


def write_payment_link(booking: Booking, event: str) -> None:
    """Once per asking, to the booking's contact in the booking's language; nothing when it was settled in the meantime."""
    if booking.amount_due <= 0:
        return
    with override(booking.language):
        item = booking.items.all()[0]
        rows = [
            (_("Booking"), booking.reference),
            (_("Trip"), in_language(item, "title")),
            (_("When"), wording.start_in_words(booking)),
            (_("Guests"), wording.party_in_words(booking)),
            (_("Amount"), _shown(booking, booking.amount_due)),
            *_deposit_rows(booking),
        ]
        context = {
            "booking": booking,
            "name": booking.contact_name,
            "reference": booking.reference,
            "amount": _shown(booking, booking.deposit_due or booking.amount_due),
            "pay_by": _pay_by(booking),
            "link": payment_link(booking),
            "rows": rows,
        }
    write_message(
        "payment_link",
        to=booking.contact_email,
        language=booking.language,
        once_key=f"booking:{booking.pk}:payment_link:{event}",
        context=context,
        about=booking,
    )


def write_balance(booking: Booking, event: str, *, is_overdue: bool) -> None:
    """Before the day of the balance, and once more when it has come; nothing when it was paid in the meantime."""
    if booking.amount_due <= 0 or booking.balance_due_at is None:
        return
    with override(booking.language):
        item, zone = booking.items.all()[0], booking.quote["time_zone"]
        cancel_at = booking.balance_cancel_at if is_overdue else None
        context = {
            "booking": booking,
            "name": booking.contact_name,
            "reference": booking.reference,
            "amount": _shown(booking, booking.amount_due),
            "due_by": wording.day_in_words(wording.local(booking.balance_due_at, zone)),
            "cancel_by": wording.moment_in_words(wording.local(cancel_at, zone)) if cancel_at else "",
            "link": payment_link(booking),
            "rows": [
                (_("Booking"), booking.reference),
                (_("Trip"), in_language(item, "title")),
                (_("When"), wording.moment_in_words(wording.local(booking.starts_at, zone))),
                (_("Paid"), _shown(booking, booking.amount_kept)),
                (_("Still to pay"), _shown(booking, booking.amount_due)),
            ],
        }
    write_message(
        "balance_overdue" if is_overdue else "balance_reminder",
        to=booking.contact_email,
        language=booking.language,
        once_key=f"booking:{booking.pk}:balance:{event}",
        context=context,
        about=booking,
    )


def _deposit_rows(booking: Booking) -> list[tuple[str, str]]:
    if not booking.deposit_due:
        return []
    rows = [(pgettext("booking", "Deposit"), _shown(booking, booking.deposit_due))]
    if booking.balance_due_at is not None:
        rest = _shown(booking, booking.amount_due - booking.deposit_due)
        day = wording.day_in_words(wording.local(booking.balance_due_at, booking.quote["time_zone"]))
        rows.append((_("The rest"), f"{rest} · {_('until {day}').format(day=day)}"))
    return rows


def payment_link(booking: Booking) -> str:
    """The address where whoever has it pays for the booking."""
    return f"{booking_link(booking)}/pay?language={booking.language}"


def _shown(booking: Booking, amount: Decimal) -> str:
    return format_money(amount, booking.currency, booking.language)


def _pay_by(booking: Booking) -> str:
    """Until when the places are kept, by the trip's clock, which is named, as payers may be elsewhere; else nothing."""
    if booking.status != BookingStatus.PENDING_PAYMENT or booking.expires_at is None or booking.expires_at <= now():
        return ""
    zone = booking.quote["time_zone"]
    return f"{wording.moment_in_words(wording.local(booking.expires_at, zone))} ({zone})"
