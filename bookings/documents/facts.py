"""What stands on the voucher, in one language."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from bookings import wording
from bookings.documents.text import apart, ltr
from bookings.models import Booking
from config.i18n import in_language


@dataclass(frozen=True)
class Fact:
    """`is_free`: somebody typed it, so it has its own direction."""

    label: str
    value: str
    is_free: bool = False


@dataclass(frozen=True)
class Facts:
    """The words of a voucher in a language."""

    language: str
    operator: str
    title: str
    heading: str
    scan: str
    rows: list[Fact]
    small_print: list[str]
    footer: str

    @property
    def rtl(self) -> bool:
        return self.language == "ar"


def facts_of(booking: Booking, tenant: Any, language: str) -> Facts:
    """The voucher's words. Empty facts are left out."""
    with override(language):
        rows = [fact for fact in _rows(booking, language) if fact.value]
        return Facts(
            language=language,
            operator=in_language(tenant, "name", language),
            title=_("Voucher"),
            heading=booking.quote["title"][language],
            scan=_("Show this code at the meeting point."),
            rows=rows,
            small_print=[_("Cancellation"), *wording.policy_in_words(booking.policy, booking.is_any_time)],
            footer=" · ".join(part for part in _operator(tenant, language) if part),
        )


def _rows(booking: Booking, language: str) -> list[Fact]:
    quote, departure, tour = booking.quote, booking.trip, booking.trip.tour
    start = wording.local(booking.starts_at, quote["time_zone"])
    end = wording.local(booking.ends_at, quote["time_zone"])
    times = wording.hours_in_words(start, end) if quote.get("any_time") else _times(start, end, language)
    city = in_language(tour.destination, "city", language)
    phone = ltr(str(booking.contact_phone)) if booking.contact_phone else ""
    separator = "، " if language == "ar" else ", "
    return [
        Fact(_("Option"), quote["option"][language]),
        Fact(_("When"), f"{wording.day_in_words(start, language)} · {times}"),
        Fact(_("Meeting point"), f"{in_language(tour, 'meeting_point', language)} · {city}"),
        Fact(_("Guests"), wording.party_in_words(booking, language)),
        Fact(_("Extras"), separator.join(wording.extras_in_words(booking, language))),
        Fact(_("Booked by"), " · ".join(part for part in (apart(booking.contact_name), phone) if part)),
        Fact(_("Travellers"), separator.join(apart(str(traveller)) for traveller in booking.travellers.all())),
        Fact(_("Pickup"), wording.pickup_in_words(booking, language), is_free=True),
        Fact(_("Flight"), wording.flight_in_words(booking, language), is_free=True),
        Fact(_("Dietary needs"), booking.dietary_needs, is_free=True),
        Fact(_("Accessibility"), booking.accessibility_needs, is_free=True),
        Fact(_("Special requests"), booking.special_requests, is_free=True),
        Fact(_("Note"), in_language(departure, "note", language), is_free=True),
        Fact(_("Includes"), separator.join(in_language(tour, "inclusions", language) or [])),
        *_amounts(booking, language),
    ]


def _amounts(booking: Booking, language: str) -> list[Fact]:
    paid = Fact(_("Paid"), _money(booking, booking.amount_kept, language))
    if not booking.amount_due:
        return [paid]
    due = [paid, Fact(_("Still to pay"), _money(booking, booking.amount_due, language))]
    if booking.balance_due_at is None:
        return due
    by = wording.day_in_words(wording.local(booking.balance_due_at, booking.quote["time_zone"]), language)
    return [*due, Fact(_("Due by"), by)]


def _money(booking: Booking, amount: Decimal, language: str) -> str:
    """An amount in its own direction: `250.00 US$` must not become `$US 250.00` in an Arabic line."""
    return apart(wording.money(booking, amount, language).replace("\u200f", ""))


def _times(start: Any, end: Any, language: str) -> str:
    if start.date() == end.date():
        return ltr(f"{wording.time_in_words(start, language)} – {wording.time_in_words(end, language)}")
    return _("{start}, back on {day} at {end}").format(
        start=ltr(wording.time_in_words(start, language)),
        day=wording.day_in_words(end, language),
        end=ltr(wording.time_in_words(end, language)),
    )


def _operator(tenant: Any, language: str) -> list[str]:
    return [
        in_language(tenant, "name", language),
        in_language(tenant, "address", language),
        ltr(str(tenant.phone)) if tenant.phone else "",
        tenant.email,
    ]
