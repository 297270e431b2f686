"""How a booking looks in the list and on its page: columns and fields that are only looked at."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from bookings import wording
from bookings.access import booking_link
from bookings.admin.shown import (
    PAYMENT_COLOURS,
    STATUS_COLOURS,
    cancellation_shown,
    deposit_shown,
    in_pieces,
    messages_shown,
    quote_shown,
    state_shown,
)
from bookings.models import Booking
from bookings.services.bookings import OVER
from config.admin import link_to_copy


def once_for_a_row(show: Callable[[Any, Booking], str]) -> Callable[[Any, Booking], str]:
    """A page asks for each of its fields several times: what takes a statement is asked once for a row."""

    @wraps(show)
    def remembered(admin: Any, booking: Booking) -> str:
        known: dict[str, str] = booking.__dict__.setdefault("shown_before", {})
        if show.__name__ not in known:
            known[show.__name__] = show(admin, booking)
        return known[show.__name__]

    return remembered


class BookingColumns:
    """What `BookingAdmin` names in `list_display` and `readonly_fields`."""

    @display(description=gettext_lazy("reference"), ordering="created_at", header=True)
    def reference_shown(self, booking: Booking) -> list[str]:
        return [booking.reference, booking.contact_name]

    @display(description=gettext_lazy("trip"))
    def trip(self, booking: Booking) -> str:
        return str(booking.items.all()[0]) if booking.items.all() else "–"

    @display(description=gettext_lazy("starts at"), ordering="starts_at")
    def starts(self, booking: Booking) -> str:
        start = wording.local(booking.starts_at, booking.quote["time_zone"])
        if booking.is_any_time:
            end = wording.local(booking.ends_at, booking.quote["time_zone"])
            return in_pieces(f"{start:%Y-%m-%d}", f"· {wording.hours_in_words(start, end)}")
        return in_pieces(f"{start:%Y-%m-%d}", f"{start:%H:%M}")

    @display(description=gettext_lazy("party"))
    def party(self, booking: Booking) -> str:
        return wording.party_in_words(booking)

    @display(description=gettext_lazy("party"))
    def party_shown(self, booking: Booking) -> str:
        """With the way to who travels, as long as that can change."""
        if booking.status in OVER:
            return wording.party_in_words(booking)
        page = reverse("admin:bookings_booking_travellers_this", args=[booking.pk])
        return format_html('{} · <a href="{}">{}</a>', wording.party_in_words(booking), page, _("Travellers …"))

    @display(description=gettext_lazy("status"), ordering="status", label=STATUS_COLOURS)
    def status_shown(self, booking: Booking) -> tuple[str, str]:
        return booking.status, booking.get_status_display()

    @display(description=gettext_lazy("payment"), ordering="payment_status", label=PAYMENT_COLOURS)
    def payment_shown(self, booking: Booking) -> tuple[str, str]:
        return booking.payment_status, booking.get_payment_status_display()

    @display(description=gettext_lazy("state"))
    def state_shown(self, booking: Booking) -> str:
        return state_shown(booking)

    @display(description=gettext_lazy("total"), ordering="total")
    def money_shown(self, booking: Booking) -> str:
        return wording.money(booking, booking.total)

    @display(description=gettext_lazy("made at"), ordering="created_at")
    def made(self, booking: Booking) -> str:
        made = localtime(booking.created_at)
        return in_pieces(f"{made:%Y-%m-%d}", f"{made:%H:%M}")

    @display(description=gettext_lazy("made by"))
    def source_shown(self, booking: Booking) -> str:
        return {"SELF": _("Customer"), "ADMIN": _("Staff"), "AGENT": _("Agent")}[booking.source]

    @display(description=gettext_lazy("must be paid by"))
    def pay_by(self, booking: Booking) -> str:
        if booking.expires_at is None:
            return "–"
        return f"{localtime(booking.expires_at):%Y-%m-%d %H:%M}"

    @display(description=gettext_lazy("price"))
    def quote_shown(self, booking: Booking) -> str:
        return quote_shown(booking)

    @display(description=gettext_lazy("paid, less what went back"))
    def paid_shown(self, booking: Booking) -> str:
        return wording.money(booking, booking.amount_kept)

    @display(description=gettext_lazy("still to pay"))
    def due_shown(self, booking: Booking) -> str:
        return wording.money(booking, booking.amount_due)

    @display(description=gettext_lazy("pickup and time"))
    def ride_shown(self, booking: Booking) -> str:
        return wording.pickup_in_words(booking) or "–"

    @display(description=gettext_lazy("deposit and balance"))
    def deposit_shown(self, booking: Booking) -> str:
        return deposit_shown(booking)

    @display(description=gettext_lazy("cancellation policy"))
    def policy_shown(self, booking: Booking) -> str:
        return " · ".join(wording.policy_in_words(booking.policy, booking.is_any_time))

    @display(description=gettext_lazy("refund at cancellation"))
    def cancellation_shown(self, booking: Booking) -> str:
        return cancellation_shown(booking)

    @display(description=gettext_lazy("written to the guest"))
    @once_for_a_row
    def messages_shown(self, booking: Booking) -> str:
        return messages_shown(booking)

    @display(description=gettext_lazy("customer's link"))
    @once_for_a_row
    def link_shown(self, booking: Booking) -> str:
        return link_to_copy(booking_link(booking))
