"""What stands below a booking on its page: items, travellers, timeline."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import display

from bookings import wording
from bookings.models import BookingEvent, BookingItem, Traveller


class RowsBelow(TabularInline):
    """Rows of the booking, to be looked at."""

    extra = 0
    can_delete = False
    tab = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("bookings.view_booking"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ItemInline(RowsBelow):
    model = BookingItem
    fields = ["kind", "title_en", "party_shown", "seats", "amount_shown", "status", "supplier_reference"]
    readonly_fields = ["party_shown", "amount_shown"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("kind", "booking")

    @display(description=gettext_lazy("party"))
    def party_shown(self, item: BookingItem) -> str:
        return wording.party_in_words(item.booking)

    @display(description=gettext_lazy("amount"))
    def amount_shown(self, item: BookingItem) -> str:
        return wording.money(item.booking, item.amount)


class TravellerInline(RowsBelow):
    model = Traveller
    fields = ["first_name", "last_name", "category", "age", "nationality", "note"]


class EventInline(RowsBelow):
    """The history: who did what, when and why."""

    model = BookingEvent
    verbose_name_plural = gettext_lazy("Timeline")
    fields = ["at", "what", "actor", "why", "address"]
    readonly_fields = ["what", "why"]
    ordering = ["-at", "-id"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("actor", "booking")

    @display(description=gettext_lazy("why"))
    def why(self, event: BookingEvent) -> str:
        return wording.reason_in_words(event)

    @display(description=gettext_lazy("what"))
    def what(self, event: BookingEvent) -> str:
        return wording.event_in_words(event)
