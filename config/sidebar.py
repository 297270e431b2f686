"""The back-office's sidebar: the day's work first, set-up last. A link shows to those who may open it."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _


class May:
    """True for those who hold a permission (`bookings.view_booking`)."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    def __call__(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.permission))  # type: ignore[union-attr]


def link(title: Any, icon: str, app: str, model: str) -> dict[str, Any]:
    """A link to the list of a model."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": May(f"{app}.view_{model}"),
    }


def page(title: Any, icon: str, name: str, permission: str) -> dict[str, Any]:
    """A link to a page that belongs to no model (`config.admin.page`)."""
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{name}"), "permission": May(permission)}


def is_check_in_list(request: HttpRequest) -> bool:
    return request.path == reverse("admin:bookings_checkin_changelist")


def group(title: Any, *links: dict[str, Any], folded: bool = False) -> dict[str, Any]:
    return {"title": title, "separator": True, "collapsible": folded, "items": list(links)}


SIDEBAR: dict[str, Any] = {
    "show_search": True,
    "command_search": True,
    "show_all_applications": False,
    "navigation": [
        {
            "items": [
                page(_("Today"), "today", "bookings_today", "bookings.view_manifest"),
                {"title": _("Dashboard"), "icon": "dashboard", "link": reverse_lazy("admin:index")},
            ]
        },
        group(
            _("Bookings"),
            page(_("Phone booking"), "call", "phone_booking", "bookings.add_booking"),
            link(_("Bookings"), "confirmation_number", "bookings", "booking"),
            link(_("Departures"), "event", "tours", "departure"),
            page(_("Calendar"), "calendar_month", "departure_calendar", "tours.view_departure"),
            page(_("Change availability"), "edit_calendar", "availability", "tours.change_departure"),
            page(_("Who goes where"), "badge", "resource_calendar", "tours.view_engagement"),
            link(_("Holds"), "hourglass_top", "bookings", "hold"),
            link(_("Choices of guests"), "alt_route", "bookings", "choiceoffer"),
            # The day's pages stand below this list's address.
            page(_("Reviews to look at"), "rate_review", "reviews_to_look_at", "bookings.change_review")
            | {"badge": "bookings.admin.reviews.waiting_badge"},
            link(_("Reviews"), "reviews", "bookings", "review"),
            link(_("Check-ins"), "how_to_reg", "bookings", "checkin") | {"active": is_check_in_list},
        ),
        group(
            _("Catalogue"),
            link(_("Tours"), "sailing", "tours", "tour"),
            link(_("Options and prices"), "sell", "tours", "touroption"),
            link(_("Schedule rules"), "event_repeat", "tours", "schedulerule"),
            link(_("Blackouts"), "event_busy", "tours", "blackout"),
            link(_("Changes of the schedule"), "history_toggle_off", "tours", "plannedchange"),
            link(_("Price rules"), "price_change", "tours", "pricerule"),
            page(_("Why this price"), "help_center", "why_this_price", "tours.view_pricerule"),
            link(_("Seasons"), "calendar_month", "tours", "season"),
            link(_("Shared places"), "directions_boat", "tours", "pool"),
            link(_("Guides, vehicles, equipment"), "hail", "tours", "resource"),
            page(_("Import and export"), "swap_vert", "exchange", "tours.view_tour"),
            link(_("Destinations"), "location_on", "tours", "destination"),
            link(_("Feeds"), "rss_feed", "tours", "feed"),
            link(_("Pickup zones"), "airport_shuttle", "tours", "pickupzone"),
        ),
        group(
            _("Money"),
            link(_("Payments"), "credit_card", "payments", "payment"),
            link(_("Refunds"), "undo", "payments", "refund"),
            link(_("Gateway notices"), "inbox", "payments", "notice"),
            link(_("Ledger"), "account_balance", "ledger", "transaction"),
            link(_("Accounts"), "account_balance_wallet", "ledger", "account"),
            link(_("Exchange rates"), "currency_exchange", "ledger", "exchangerate"),
        ),
        group(
            _("People"),
            link(_("People"), "group", "accounts", "user"),
            link(_("Allotments"), "inventory_2", "bookings", "allotment"),
            link(_("Partners"), "handshake", "bookings", "partner"),
            link(_("Locked log-ins"), "lock", "accounts", "signinlock"),
            link(_("Messages"), "mail", "notifications", "message"),
        ),
        group(
            _("Set-up"),
            link(_("Operator"), "domain", "accounts", "tenant"),
            link(_("Roles"), "badge", "accounts", "role"),
            link(_("Categories"), "category", "tours", "category"),
            link(_("Price categories"), "groups", "tours", "pricecategory"),
            link(_("Cancellation policies"), "policy", "tours", "cancellationpolicy"),
            link(_("Tax rates"), "percent", "tours", "taxrate"),
            link(_("Service fees"), "room_service", "tours", "servicefee"),
            link(_("Price groups"), "loyalty", "accounts", "pricegroup"),
            link(_("Kinds of booking"), "label", "bookings", "bookingkind"),
            link(_("Currencies"), "payments", "ledger", "currency"),
            folded=True,
        ),
        group(
            _("System"),
            link(_("Audit trail"), "history", "accounts", "auditentry"),
            link(_("Promises kept"), "verified", "accounts", "invariantreport"),
            link(_("Events"), "bolt", "notifications", "event"),
            link(_("Deliveries"), "local_shipping", "notifications", "delivery"),
            folded=True,
        ),
    ],
}
