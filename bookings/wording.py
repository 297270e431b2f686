"""What is stored as codes and numbers, said to people in the language at hand."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, override

from bookings import pricing
from bookings.models import Booking, BookingEvent, BookingStatus
from bookings.services.cancellation import NOT_CONFIRMED, OPERATOR, STAFF_OVERRIDE
from config.i18n import language_now
from ledger.money import format_money


def refund_line(line: Mapping[str, Any]) -> str:
    """A line of a cancellation in words: what was paid, or what is kept and by which rule."""
    if line["code"] == "paid":
        return _("Paid so far")
    rule, percent = line["rule"], line["percent_kept"]
    if rule == NOT_CONFIRMED:
        return _("Not confirmed yet: nothing is kept")
    if rule == OPERATOR:
        return _("Cancelled because of us: nothing is kept")
    if rule == STAFF_OVERRIDE:
        return _("Kept by our staff's decision: {percent} % of the price").format(percent=percent)
    if line["hours_before"] is None:
        return _("Too late for a refund: {percent} % of the price is kept").format(percent=percent)
    if line.get("before_closing"):
        return ngettext(
            "Cancelled {hours} hour or more before closing: {percent} % of the price is kept",
            "Cancelled {hours} hours or more before closing: {percent} % of the price is kept",
            line["hours_before"],
        ).format(hours=line["hours_before"], percent=percent)
    return ngettext(
        "Cancelled {hours} hour or more before the start: {percent} % of the price is kept",
        "Cancelled {hours} hours or more before the start: {percent} % of the price is kept",
        line["hours_before"],
    ).format(hours=line["hours_before"], percent=percent)


def quote_in_words(quote: Mapping[str, Any]) -> dict[str, Any]:
    """A stored quote with each text in the language at hand."""
    return pricing.in_words(dict(quote))


def quoted_total(quote: Mapping[str, Any]) -> str:
    """The total of a stored quote as people read it."""
    return format_money(Decimal(quote["total"]), quote["currency"])


def refund_in_words(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The terms of a cancellation with a label on each line."""
    return {**terms, "lines": [{**line, "label": refund_line(line)} for line in terms["lines"]]}


def policy_in_words(policy: Mapping[str, Any], before_closing: bool = False) -> list[str]:
    """The frozen cancellation policy, a sentence for each tier, the earliest first; by opening hours counted from closing."""
    tiers = sorted(policy.get("tiers", []), key=lambda tier: -tier["hours_before"])
    sentences = [
        _until(tier["hours_before"], before_closing).format(hours=tier["hours_before"], percent=tier["refund_percent"])
        for tier in tiers
    ]
    return [*sentences, _("Later: nothing back")] if sentences else [_("No refund after confirmation")]


def _until(hours: int, before_closing: bool) -> str:
    if before_closing:
        return ngettext(
            "Until {hours} hour before closing: {percent} % back",
            "Until {hours} hours before closing: {percent} % back",
            hours,
        )
    return ngettext(
        "Until {hours} hour before the start: {percent} % back",
        "Until {hours} hours before the start: {percent} % back",
        hours,
    )


ACTIONS: dict[str, Any] = {
    "details_changed": gettext_lazy("Details changed"),
    "moved": gettext_lazy("Moved to another departure"),
    "choice_offered": gettext_lazy("Offered a choice"),
    "choice_answered": gettext_lazy("Choice answered"),
    "choice_withdrawn": gettext_lazy("Choice withdrawn"),
    "travellers_named": gettext_lazy("Travellers named"),
    "payment_link_sent": gettext_lazy("Payment link sent"),
    "staff_note": gettext_lazy("Note for staff changed"),
    "message_sent": gettext_lazy("Message to the guests"),
    "voucher_resent": gettext_lazy("Voucher sent again"),
    "balance_reminded": gettext_lazy("Reminded of the balance"),
    "pickup_changed": gettext_lazy("Pickup changed"),
    "revenue": gettext_lazy("Posted to revenue"),
    "checked_in": gettext_lazy("Checked in"),
    "marked_absent": gettext_lazy("Did not come"),
    "check_in_undone": gettext_lazy("Check-in taken back"),
    "payment_paid": gettext_lazy("Paid"),
    "payment_failed": gettext_lazy("Payment failed"),
    "refund_done": gettext_lazy("Refunded"),
    "refund_failed": gettext_lazy("Refund failed"),
}

REASONS: dict[str, Any] = {
    "hold_over": gettext_lazy("Not paid in time"),
    "paid": gettext_lazy("Paid in full"),
    "deposit_paid": gettext_lazy("Deposit paid"),
    "balance_overdue": gettext_lazy("The balance was not paid in time"),
    "paid_late": gettext_lazy("Paid late, but the seats were still free"),
    "given_back": gettext_lazy("Everything that was paid went back"),
    "started": gettext_lazy("The trip began"),
    "over": gettext_lazy("The trip is over"),
    "checked_in": gettext_lazy("Checked in"),
    "check_in_undone": gettext_lazy("Check-in taken back"),
    "came_after_all": gettext_lazy("Came after all"),
}


def event_in_words(event: BookingEvent) -> str:
    """A line of the history, with its amount if it has one. Unknown actions, of apps above, are shown by their name."""
    if event.action == "status":
        return str(BookingStatus(event.new_status).label) if event.old_status else _("Booked")
    words = str(ACTIONS.get(event.action, event.action.replace("_", " ").capitalize()))
    if "came" in event.data:
        detail = ngettext("{n} guest", "{n} guests", event.data["guests"]).format(n=event.data["guests"])
        return _("{what}: {detail}").format(what=words, detail=detail)
    if event.action == "message_sent":
        return _("{what}: {detail}").format(what=words, detail=event.data[f"subject_{language_now()}"])
    if event.action == "moved":
        start = local(datetime.fromisoformat(event.data["to"]), event.data["time_zone"])
        return _("{what}: {detail}").format(what=words, detail=moment_in_words(start))
    amount, currency = event.data.get("amount"), event.data.get("currency")
    if not amount or not currency:
        return words
    return _("{what}: {detail}").format(what=words, detail=format_money(Decimal(amount), currency))


def reason_in_words(event: BookingEvent) -> str:
    """Why: the rule that did it in words, else what somebody wrote."""
    return str(REASONS.get(event.reason, event.reason))


def refund_choice(booking: Booking) -> str:
    """What asking for one's money back is called."""
    return _("Cancel and get everything back") if booking.amount_kept > 0 else _("Cancel the booking")


def keep_choice() -> str:
    return _("Stay with what I booked")


def local(moment: datetime, time_zone: str) -> datetime:
    """The moment in the destination's time."""
    return moment.astimezone(ZoneInfo(time_zone))


def day_in_words(moment: date, language: str | None = None) -> str:
    """`Saturday, 28 November 2026`, in Latin digits in both languages."""
    wanted = language or language_now()
    return format_date(moment, "EEEE، d MMMM y" if wanted == "ar" else "EEEE, d MMMM y", locale=locale_of(wanted))


def time_in_words(moment: datetime, language: str | None = None) -> str:
    """`09:00`, in Latin digits in both languages."""
    return format_time(moment, "HH:mm", locale=locale_of(language or language_now()))


def moment_in_words(moment: datetime, language: str | None = None) -> str:
    """`Saturday, 28 November 2026, 09:00`."""
    comma = "، " if (language or language_now()) == "ar" else ", "
    return f"{day_in_words(moment, language)}{comma}{time_in_words(moment, language)}"


def start_in_words(booking: Booking, language: str | None = None) -> str:
    """When the trip starts, at the place; by opening hours `Saturday, 28 November 2026, any time 09:00-17:00`."""
    zone = booking.quote["time_zone"]
    return span_in_words(local(booking.starts_at, zone), local(booking.ends_at, zone), booking.is_any_time, language)


def span_in_words(start: datetime, end: datetime, any_time: bool, language: str | None = None) -> str:
    """The same of a local start and end."""
    if not any_time:
        return moment_in_words(start, language)
    comma = "، " if (language or language_now()) == "ar" else ", "
    return f"{day_in_words(start, language)}{comma}{hours_in_words(start, end, language)}"


def hours_in_words(start: datetime, end: datetime, language: str | None = None) -> str:
    """`any time 09:00-17:00`; the hours keep their order in an Arabic line."""
    with override(language or language_now()):
        words = _("any time {hours}")
    return words.format(hours=f"\u2066{time_in_words(start, language)}\u2013{time_in_words(end, language)}\u2069")


def locale_of(language: str) -> str:
    """Babel's locale: Arabic with Egyptian month names and Latin digits, English with the day before the month."""
    return "ar_EG@numbers=latn" if language == "ar" else "en_GB"


def party_in_words(booking: Booking, language: str | None = None) -> str:
    """`2 × Adult, 1 × Child`, from the frozen quote."""
    wanted = language or language_now()
    guests, labels = booking.quote["guests"], booking.quote.get("guest_labels", {})
    lines = {line["code"]: line for line in booking.quote["lines"] if line["rule"].startswith("price_list:")}
    names = []
    for code, number in guests.items():
        old = lines[code][f"label_{wanted}"] if code in lines else code
        names.append(f"{number} × {labels[code][wanted] if code in labels else old}")
    return ("، " if wanted == "ar" else ", ").join(names)


def money(booking: Booking, amount: Decimal | str, language: str | None = None) -> str:
    """An amount of the booking as people read it."""
    return format_money(Decimal(amount), booking.currency, language)


def balance_in_words(booking: Booking) -> str:
    """`The rest, 800.00 US$, is due by Saturday, 28 November 2026.`; nothing where there is none.

    Where nothing was paid or agreed to be paid before, there is no rest: `200.00 US$ is due by …`.
    """
    if booking.balance_due_at is None or booking.amount_due <= 0:
        return ""
    rest = money(booking, booking.amount_due - booking.deposit_due)
    day = day_in_words(local(booking.balance_due_at, booking.quote["time_zone"]))
    if not booking.amount_kept and not booking.deposit_due:
        if booking.is_balance_overdue:
            return _("{amount} was due on {day}.").format(amount=rest, day=day)
        return _("{amount} is due by {day}.").format(amount=rest, day=day)
    if booking.is_balance_overdue:
        return _("The rest, {rest}, was due on {day}.").format(rest=rest, day=day)
    return _("The rest, {rest}, is due by {day}.").format(rest=rest, day=day)


def pickup_in_words(booking: Booking, language: str | None = None) -> str:
    """`07:15 · Steigenberger (Makadi Bay)`, `Hurghada airport, Gate 2 → …`, or the remark where no place was chosen."""
    wanted = language or language_now()
    ride = pricing.ride_in_words(booking.quote.get("pickup"), wanted)
    if ride is None:
        return booking.pickup
    at = time_in_words(local(datetime.fromisoformat(ride["at"]), booking.quote["time_zone"]), wanted)
    told = f"{at} · {_point_in_words(ride)}"
    if "destination" in ride:
        told += f" → {_point_in_words(ride['destination'])}"
    return f"{told} · {booking.pickup}" if booking.pickup else told


def extras_in_words(booking: Booking, language: str | None = None) -> list[str]:
    """What was bought beside the places: `2 × Snorkel set` …"""
    lines = [line for line in booking.quote["lines"] if line["rule"].startswith("extra:")]
    return [f"{line['quantity']} × {line[f'label_{language or language_now()}']}" for line in lines]


def flight_in_words(booking: Booking, language: str | None = None) -> str:
    """`MS 777, Saturday, 28 November 2026, 09:00`; nothing where none is known."""
    at = booking.flight_at and local(booking.flight_at, booking.quote["time_zone"])
    return " · ".join(part for part in (booking.flight_number, moment_in_words(at, language) if at else "") if part)


def _point_in_words(point: Mapping[str, Any]) -> str:
    return f"{point['name']} ({point['zone_name']})"
