"""How states and amounts look in the back-office."""

from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from bookings import wording
from bookings.models import Booking, BookingStatus, HoldStatus, PaymentState
from ledger.money import format_money
from notifications.models import Message, MessageStatus

STATUS_COLOURS = {
    BookingStatus.DRAFT: "default",
    BookingStatus.PENDING_PAYMENT: "warning",
    BookingStatus.CONFIRMED: "success",
    BookingStatus.IN_PROGRESS: "info",
    BookingStatus.COMPLETED: "primary",
    BookingStatus.CANCELLED: "danger",
    BookingStatus.REFUNDED: "danger",
    BookingStatus.EXPIRED: "default",
    BookingStatus.NO_SHOW: "danger",
}
PAYMENT_COLOURS = {
    PaymentState.UNPAID: "default",
    PaymentState.PARTIALLY_PAID: "warning",
    PaymentState.PAID: "success",
    PaymentState.PARTIALLY_REFUNDED: "primary",
    PaymentState.REFUNDED: "primary",
    PaymentState.FAILED: "danger",
}
HOLD_COLOURS = {
    HoldStatus.ACTIVE: "warning",
    HoldStatus.CONVERTED: "success",
    HoldStatus.RELEASED: "default",
    HoldStatus.EXPIRED: "default",
}


MESSAGE_COLOURS = {MessageStatus.QUEUED: "warning", MessageStatus.SENT: "success", MessageStatus.FAILED: "danger"}
MOST_MESSAGES = 30

TONES = {"success": "good", "danger": "bad", "warning": "warn"}


def state_shown(booking: Booking) -> SafeString:
    """State and payment as badges."""
    badges = [
        (TONES.get(STATUS_COLOURS[BookingStatus(booking.status)], "plain"), booking.get_status_display()),
        (
            TONES.get(PAYMENT_COLOURS[PaymentState(booking.payment_status)], "plain"),
            booking.get_payment_status_display(),
        ),
    ]
    return format_html_join(" ", '<span class="rihla-badge rihla-{}">{}</span>', badges)


def amounts(rows: list[tuple[Any, Any]]) -> SafeString:
    """A small table of labels and amounts; the last row is the sum."""
    body = format_html_join("", "<tr><td>{}</td><td><bdi>{}</bdi></td></tr>", rows)
    return format_html('<table class="rihla-amounts">{}</table>', body)


def quote_shown(booking: Booking) -> SafeString:
    """What the price is made of, with the rule behind each line."""
    return quoted_shown(booking.quote)


def quoted_shown(quote: dict[str, Any]) -> SafeString:
    """A frozen quote line by line: what each step of a price did stands below its line."""
    words = wording.quote_in_words(quote)

    def money(amount: Decimal | str) -> str:
        return format_money(Decimal(amount), quote["currency"])

    rows: list[tuple[Any, Any]] = []
    for line in words["lines"]:
        steps = format_html_join(
            "", "<div><small><bdi>{}</bdi> → <bdi>{}</bdi></small></div>", _steps(line["because"], money)
        )
        name = format_html(
            '{} × {} <small title="{}" dir="ltr">{}</small>{}',
            line["quantity"],
            line["label"],
            line["rule"],
            line["rule"],
            steps,
        )
        was = money(Decimal(line["was"]) * line["quantity"]) if line["was"] else ""
        amount = format_html("<s>{}</s> {}", was, money(line["amount"])) if was else money(line["amount"])
        rows.append((name, amount))
    for line in words["tax_lines"]:
        note = _("contained") if line["inclusive"] else _("added")
        rows.append((f"{line['label']} {line['percent']} % ({note})", money(line["amount"])))
    return amounts([*rows, (_("Total"), money(quote["total"]))])


def messages_shown(booking: Booking) -> SafeString | str:
    """What was written to the guest about the booking, the newest first, and whether it went out."""
    written = Message.objects.filter(subject_type=booking._meta.label_lower, subject_id=booking.pk)
    rows = [
        (
            f"{localtime(one.created_at):%Y-%m-%d %H:%M}",
            reverse("admin:notifications_message_change", args=[one.pk]),
            one.subject,
            TONES[MESSAGE_COLOURS[MessageStatus(one.status)]],
            one.get_status_display(),
        )
        for one in written.only("subject", "status", "created_at").order_by("-created_at")[:MOST_MESSAGES]
    ]
    line = (
        '<tr><td dir="ltr">{}</td><td><a href="{}"><bdi>{}</bdi></a></td>'
        '<td><span class="rihla-badge rihla-{}">{}</span></td></tr>'
    )
    return format_html('<table class="rihla-amounts">{}</table>', format_html_join("", line, rows)) if rows else "–"


def _steps(because: list[dict[str, Any]], money: Any) -> list[tuple[str, str]]:
    return [(step["text"], money(step["unit"])) for step in because]


def in_words(booking: Booking) -> dict[str, Any]:
    """The frozen quote in the language at hand."""
    return wording.quote_in_words(booking.quote)


def cancellation_shown(booking: Booking) -> SafeString | str:
    """The refund as it was when the booking was cancelled."""
    if not booking.cancellation:
        return "–"
    return refund_shown(booking, booking.cancellation)


def refund_shown(booking: Booking, terms: dict[str, Any]) -> SafeString:
    """The lines of a refund, and their sum."""
    rows = [(line["label"], wording.money(booking, line["amount"])) for line in wording.refund_in_words(terms)["lines"]]
    return amounts([*rows, (_("Goes back"), wording.money(booking, terms["refund"]))])


def deposit_shown(booking: Booking) -> str:
    """The deposit that was agreed, when the rest is due, and what happens if it does not come."""
    told = [wording.balance_in_words(booking)]
    if booking.deposit_amount is not None:
        told.insert(0, _("Deposit: {amount}.").format(amount=wording.money(booking, booking.deposit_amount)))
    if booking.balance_cancel_at is not None and booking.amount_due > 0:
        day = wording.moment_in_words(wording.local(booking.balance_cancel_at, booking.quote["time_zone"]))
        told.append(_("Cancelled on {day} if unpaid.").format(day=day))
    return " ".join(part for part in told if part) or "–"


def in_pieces(*parts: str) -> str:
    """Parts of which none is broken over two lines: a date is not torn at its hyphens."""
    return format_html_join(" ", '<span class="whitespace-nowrap">{}</span>', ((part,) for part in parts))
