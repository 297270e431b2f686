"""What bookings do when something happened: mails to the contact, and the tours' counters."""

from decimal import Decimal
from typing import Any

from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import override

from bookings import wording
from bookings.access import booking_link
from bookings.documents import calendar_ics, voucher_pdf
from bookings.models import Booking
from config.i18n import in_language
from notifications.mail import write_message
from notifications.models import Event
from notifications.outbox import on
from tours.models import Tour
from tours.services import count_bookings

LINK_ONCE_IN = 10 * 60  # seconds: asking again sooner sends nothing more


@on("booking.created")
def tell_that_it_was_received(event: Event) -> None:
    booking = _booking(event)
    if booking.total == 0:
        return  # nothing to pay: its confirmation says all
    _mail("booking_received", booking, f"booking:{booking.pk}:received", pay_by=booking.expires_at)


@on("hold.ending")
def tell_that_the_hold_ends(event: Event) -> None:
    booking = _booking(event)
    if booking.status == "PENDING_PAYMENT":  # paid in the meantime: no reason to alarm anybody
        _mail("hold_ending", booking, f"booking:{booking.pk}:ending", pay_by=booking.expires_at)


@on("booking.confirmed")
def send_the_voucher(event: Event) -> None:
    _mail_with_voucher(_booking(event), f"booking:{event.subject_id}:confirmed")


@on("booking.voucher_asked")
def send_the_voucher_again(event: Event) -> None:
    _mail_with_voucher(_booking(event), f"booking:{event.subject_id}:confirmed:{event.data['event']}")


@on("booking.expired")
def tell_that_it_expired(event: Event) -> None:
    booking = _booking(event)
    _mail("booking_expired", booking, f"booking:{booking.pk}:expired:{event.pk}")


@on("booking.cancelled")
def tell_that_it_was_cancelled(event: Event) -> None:
    booking = _booking(event)
    with override(booking.language):
        kept = booking.cancellation or {"paid": "0", "lines": []}
        terms = wording.refund_in_words(kept)
        lines = [(line["label"], wording.money(booking, line["amount"])) for line in terms["lines"]]
        refund = (_("Comes back to you"), wording.money(booking, event.data["refund"]))
    has_paid = Decimal(kept["paid"]) > 0
    _mail(
        "booking_cancelled",
        booking,
        f"booking:{booking.pk}:cancelled",
        lines=lines if has_paid else [],
        refund=refund if has_paid else None,
    )


@on("booking.link_asked")
def send_the_link(event: Event) -> None:
    booking = _booking(event)
    _mail("booking_link", booking, f"booking:{booking.pk}:link:{int(now().timestamp()) // LINK_ONCE_IN}")


@on("booking.confirmed")
def count_a_booking(event: Event) -> None:
    """How many confirmed bookings a tour had counts for "popular"; one that is cancelled is taken off again."""
    _count(event, 1)


@on("booking.cancelled")
def count_a_booking_less(event: Event) -> None:
    if _booking(event).confirmed_at is not None:
        _count(event, -1)


def _count(event: Event, step: int) -> None:
    # Each delivery runs once (the outbox marks it in the same transaction), so adding is safe.
    booked = Tour.objects.filter(departures__items__booking=event.subject_id)
    count_bookings(tour_ids=booked.values_list("pk", flat=True), step=step)


def _booking(event: Event) -> Booking:
    return Booking.objects.for_display().get(pk=event.subject_id)


def _mail_with_voucher(booking: Booking, once_key: str) -> None:
    if not booking.has_voucher:
        return  # cancelled before the mail was written
    files = [
        (f"{booking.reference}.pdf", "application/pdf", voucher_pdf(booking, "both")),
        (f"{booking.reference}.ics", "text/calendar", calendar_ics(booking, booking.language)),
    ]
    _mail("booking_confirmed", booking, once_key, attachments=files)


def _mail(template: str, booking: Booking, once_key: str, attachments: Any = (), **context: Any) -> None:
    language = booking.language
    zone = booking.quote["time_zone"]
    with override(language):
        starts = wording.local(booking.starts_at, zone)
        pay_by = context.get("pay_by")
        tour = booking.trip.tour
        values = {
            **context,
            "booking": booking,
            "name": booking.contact_name,
            "reference": booking.reference,
            "tour": booking.quote["title"][language],
            "link": f"{booking_link(booking)}?language={language}",
            "pay_by": wording.moment_in_words(wording.local(pay_by, zone)) if pay_by else "",
            "amount_due": wording.money(booking, booking.amount_due),
            "rows": [
                (_("Reference"), booking.reference),
                (_("Trip"), booking.quote["title"][language]),
                (_("Option"), booking.quote["option"][language]),
                (_("When"), wording.moment_in_words(starts)),
                (_("Meeting point"), in_language(tour, "meeting_point", language)),
                (_("Guests"), wording.party_in_words(booking)),
                (_("Total"), wording.money(booking, booking.total)),
            ],
        }
    write_message(
        template,
        to=booking.contact_email,
        language=language,
        once_key=once_key,
        context=values,
        about=booking,
        attachments=attachments,
    )
