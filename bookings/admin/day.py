"""The clerk's and the guide's day: Today, the manifest of a departure, and check-in."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.authentication import SessionAuthentication
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from accounts.models import Language
from bookings import selectors, wording
from bookings.access import proven_by
from bookings.documents.manifest import manifest_csv
from bookings.documents.today import today_csv
from bookings.errors import BookingNotFound
from bookings.models import BookingItem, CheckIn, CheckInAction
from bookings.selectors import Day, Manifest
from bookings.services.arrivals import OPENS_BEFORE
from bookings.views.bookings import file_answer
from bookings.views.check_in import CheckInBatchView, ManifestView
from config.i18n import in_language
from config.tables import CSV_TYPE
from config.tenancy import tenant_id_or_raise
from tours.errors import DepartureNotFound

AT_ONCE = 40  # departures on a page
FLAGS_AT_ONCE = 25
TONES = {CheckInAction.CAME: "success", CheckInAction.ABSENT: "danger", CheckInAction.UNDO: "warning"}


@admin.register(CheckIn)
class CheckInAdmin(ModelAdmin):
    """The steps of all check-ins, to be looked at; below it the pages of the day."""

    empty_hint = gettext_lazy(
        "Each guest who is let in, marked as absent or taken back leaves a line here. Check-in begins on the page Today."
    )
    list_display = ["at_shown", "booking_shown", "action_shown", "guests", "actor", "method", "reason"]
    list_display_links = None
    list_filter = [("action", ChoicesDropdownFilter), ("at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_select_related = ["attendance__item__booking", "attendance__item__departure__tour__destination", "actor"]
    search_fields = ["attendance__item__booking__reference", "attendance__item__booking__contact_name__resembles"]
    ordering = ["-recorded_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        def page(view: Any) -> Any:
            return self.admin_site.admin_view(view)

        by_session: dict[str, Any] = {"authentication_classes": [SessionAuthentication], "schema": None}
        departure = "departure/<uuid:departure_id>/"
        return [
            path("today/", page(self.today), name="bookings_today"),
            path("today/today.csv", page(self.today_csv), name="bookings_today_csv"),
            path("today/print/", page(self.today_print), name="bookings_today_print"),
            path(departure, page(self.manifest), name="bookings_manifest"),
            path(f"{departure}manifest.csv", page(self.manifest_csv), name="bookings_manifest_csv"),
            path(f"{departure}print/", page(self.manifest_print), name="bookings_manifest_print"),
            path(f"{departure}check-in/", page(self.check_in), name="bookings_check_in"),
            path(f"{departure}list", ManifestView.as_view(**by_session), name="bookings_check_in_list"),
            path(f"{departure}steps", CheckInBatchView.as_view(**by_session), name="bookings_check_in_steps"),
            path("code/<str:code>/", page(self.code), name="bookings_check_in_code"),
            path("worker.js", self.worker, name="bookings_check_in_worker"),
            *super().get_urls(),
        ]

    # --- Today ---

    def today(self, request: HttpRequest) -> HttpResponse:
        """The day's departures, red flags first; another day by `?day=`."""
        found = self._day(request)
        present = _today(request)
        page = Paginator(found.rows, AT_ONCE).get_page(request.GET.get("page", "1"))
        flags = found.flagged if request.GET.get("flags") == "all" else found.flagged[:FLAGS_AT_ONCE]
        asked = request.GET.copy()
        asked.pop("page", None)

        def link(name: str, **changes: str) -> str:
            query = asked.copy()
            for key, value in changes.items():
                query[key] = value
            return f"{reverse(f'admin:{name}')}?{query.urlencode()}"

        days = [
            (_("Yesterday"), present - timedelta(days=1)),
            (_("Today"), present),
            (_("Tomorrow"), present + timedelta(days=1)),
        ]
        context = {
            "title": _("Today") if found.day == present else wording.day_in_words(found.day),
            "subtitle": None,
            "found": found,
            "day_words": wording.day_in_words(found.day),
            "days": [(label, link("bookings_today", day=day.isoformat()), day == found.day) for label, day in days],
            "before": link("bookings_today", day=(found.day - timedelta(days=1)).isoformat()),
            "after": link("bookings_today", day=(found.day + timedelta(days=1)).isoformat()),
            "csv_url": link("bookings_today_csv", day=found.day.isoformat()),
            "print_url": link("bookings_today_print", day=found.day.isoformat()),
            "all_url": link("bookings_today", day=found.day.isoformat(), all="1"),
            "page": page,
            "earlier_url": link("bookings_today", page=str(page.number - 1)) if page.has_previous() else "",
            "later_url": link("bookings_today", page=str(page.number + 1)) if page.has_next() else "",
            "flagged": flags,
            "more_flags": len(found.flagged) - len(flags),
            "flags_url": link("bookings_today", day=found.day.isoformat(), flags="all"),
            "asked": {name: request.GET.get(name, "") for name in ("q", "destination", "all")},
            "may": self._may(request),
        }
        return self._page(request, "admin/bookings/day/today.html", context)

    def today_csv(self, request: HttpRequest) -> HttpResponse:
        found = self._day(request)
        return file_answer(today_csv(found), CSV_TYPE, f"day-{found.day.isoformat()}.csv")

    def today_print(self, request: HttpRequest) -> HttpResponse:
        found = self._day(request)
        context = {"found": found, "day_words": wording.day_in_words(found.day)}
        return self._paper(request, "paper/today.html", context)

    def _day(self, request: HttpRequest) -> Day:
        self._refuse_unless(request, "bookings.view_manifest")
        return selectors.day(
            wanted=_date(request.GET.get("day", "")) or _today(request),
            user=request.user,
            q=request.GET.get("q", "")[:100],
            destination_id=_uuid(request.GET.get("destination", "")),
            all_rows=request.GET.get("all") == "1",
        )

    # --- Manifest ---

    def manifest(self, request: HttpRequest, departure_id: UUID) -> HttpResponse:
        """Who travels on a departure."""
        found = self._manifest(request, departure_id)
        context = {
            "title": found.title,
            "manifest": found,
            "day_words": found.when,
            "today_url": f"{reverse('admin:bookings_today')}?day={found.departure.local_date.isoformat()}",
            "may": self._may(request),
        }
        return self._page(request, "admin/bookings/day/manifest.html", context)

    def manifest_csv(self, request: HttpRequest, departure_id: UUID) -> HttpResponse:
        found = self._manifest(request, departure_id)
        return file_answer(manifest_csv(found), CSV_TYPE, f"manifest-{found.starts:%Y-%m-%d-%H%M}.csv")

    def manifest_print(self, request: HttpRequest, departure_id: UUID) -> HttpResponse:
        found = self._manifest(request, departure_id)
        context = {"manifest": found, "day_words": found.when}
        return self._paper(request, "paper/manifest.html", context)

    def _manifest(self, request: HttpRequest, departure_id: UUID) -> Manifest:
        self._refuse_unless(request, "bookings.view_manifest")
        try:
            return selectors.manifest(departure_id)
        except DepartureNotFound as fault:
            raise Http404 from fault

    # --- Check-in ---

    def check_in(self, request: HttpRequest, departure_id: UUID) -> HttpResponse:
        """The guide's page: a frame without guests, which fetches the list and keeps it for when there is no reception."""
        found = self._manifest(request, departure_id)
        get_token(request)  # its script sends the cookie back
        opens = wording.moment_in_words(found.starts - OPENS_BEFORE)
        context = {
            "manifest": found,
            "day_words": found.when,
            "opens_words": _("Check-in opens on {opens}.").format(opens=opens),
            "manifest_url": reverse("admin:bookings_manifest", args=[departure_id]),
            "sign_in_url": f"{reverse('admin:login')}?next={request.path}",
            "config": self._config(request, found),
        }
        return _unkept(render(request, "check_in/page.html", context))

    def _config(self, request: HttpRequest, found: Manifest) -> dict[str, Any]:
        user: Any = request.user
        departure = [found.departure.pk]
        return {
            "user": {"id": str(user.pk), "name": user.get_full_name()},
            "departure": str(found.departure.pk),
            "time_zone": found.departure.tour.destination.time_zone,
            "may_check_in": user.has_perm("bookings.check_in"),
            "urls": {
                "list": reverse("admin:bookings_check_in_list", args=departure),
                "upload": reverse("admin:bookings_check_in_steps", args=departure),
                "worker": reverse("admin:bookings_check_in_worker"),
            },
            "words": _words(),
        }

    def code(self, request: HttpRequest, code: str) -> HttpResponseRedirect:
        """A voucher that was scanned leads to the check-in of its booking."""
        self._refuse_unless(request, "bookings.view_manifest")
        try:
            reference, tenant_id = proven_by(code)
        except BookingNotFound as fault:
            raise Http404 from fault
        items = BookingItem.objects.filter(booking__reference=reference).exclude(departure=None)
        starts = sorted(items.values_list("departure_id", "departure__starts_at"), key=lambda row: abs(row[1] - now()))
        if tenant_id != tenant_id_or_raise() or not starts:
            raise Http404
        return redirect(f"{reverse('admin:bookings_check_in', args=[starts[0][0]])}?code={code}")

    def worker(self, request: HttpRequest) -> HttpResponse:
        """The script that keeps the check-in page at hand; it stands here because its place limits what it may answer."""
        response = render(request, "check_in/worker.js", content_type="text/javascript; charset=utf-8")
        response["Cache-Control"] = "no-cache"
        return response

    # --- What they share ---

    def _refuse_unless(self, request: HttpRequest, permission: str) -> None:
        if not request.user.has_perm(permission):  # type: ignore[union-attr]
            raise PermissionDenied

    def _may(self, request: HttpRequest) -> dict[str, bool]:
        user: Any = request.user
        return {
            "check_in": user.has_perm("bookings.check_in"),
            "bookings": user.has_perm("bookings.view_booking"),
            "write": user.has_perm("bookings.change_booking"),
            "departures": user.has_perm("tours.view_departure"),
        }

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        everywhere = {**self.admin_site.each_context(request), "media": self.media}
        return _unkept(TemplateResponse(request, template, {**everywhere, **context}))

    def _paper(self, request: Any, template: str, context: dict[str, Any]) -> HttpResponse:
        printed = {
            "operator": in_language(request.tenant, "name"),
            "printed_at": wording.moment_in_words(now().astimezone(ZoneInfo(request.tenant.time_zone))),
            "printed_by": request.user.get_full_name(),
        }
        return _unkept(render(request, template, {**printed, **context}))

    # --- How the list looks ---

    @display(description=gettext_lazy("at"), ordering="at")
    def at_shown(self, step: CheckIn) -> str:
        departure = step.attendance.item.departure
        zone = departure.tour.destination.time_zone if departure else "UTC"
        return f"{wording.local(step.at, zone):%Y-%m-%d %H:%M}"

    @display(description=gettext_lazy("booking"), header=True)
    def booking_shown(self, step: CheckIn) -> list[str]:
        booking = step.attendance.item.booking
        return [booking.reference, booking.contact_name]

    @display(description=gettext_lazy("what"), ordering="action", label=TONES)
    def action_shown(self, step: CheckIn) -> tuple[str, str]:
        return step.action, step.get_action_display()


def _words() -> dict[str, Any]:
    """What the check-in page's script says."""
    return {
        "online": _("Online"),
        "offline": _("No reception"),
        "signed_out": _("Signed out"),
        "sending": _("Sending"),
        "waiting": _("waiting to be sent"),
        "waits": _("not sent yet"),
        "as_of": _("List of"),
        "loading": _("Loading the list …"),
        "never_loaded": _("This list was never loaded on this device. It needs reception once."),
        "nobody": _("Nobody is booked on this departure."),
        "nobody_found": _("Nobody by that name is on this list."),
        "all_here": _("Everybody is accounted for."),
        "check_in": _("Check in"),
        "not_come": _("Did not come"),
        "came": _("In"),
        "absent": _("Absent"),
        "undo": _("Undo"),
        "fewer": _("Fewer"),
        "more": _("More"),
        "due": _("To pay:"),
        "access": _("Accessibility"),
        "diet": _("Diet"),
        "requests": _("Requests"),
        "staff": _("Note for staff"),
        "traveller": _("Note"),
        "extras": _("Extras"),
        "emergency": _("In an emergency"),
        "travellers": _("Travellers"),
        "comma": _(", "),
        "language": _("Language"),
        "languages": {code: str(label) for code, label in Language.choices},
        "pickup": _("Pickup"),
        "phone": _("Phone"),
        "already_in": _("already in at"),
        "not_here": _("is not on this list"),
        "no_camera": _("The camera cannot be used here. Type the reference or the name."),
        "storage_full": _("This device cannot keep the check-in: its storage is full or closed. Note it on paper."),
        "refused": _("Not accepted"),
        "read": _("Seen"),
    }


def _today(request: Any) -> date:
    """The operator's day."""
    return now().astimezone(ZoneInfo(request.tenant.time_zone)).date()


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _unkept(response: HttpResponse) -> HttpResponse:
    """Names and telephone numbers of guests stay in no cache."""
    add_never_cache_headers(response)
    response["Cache-Control"] = "private, no-store"
    return response
