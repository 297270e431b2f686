"""Tours: texts side by side in both languages, options, itinerary, pictures, extras; publishing as a button."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Min, OuterRef, Prefetch, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import action, display

from config.admin import id_of, page
from config.errors import DomainError
from tours.admin.archiving import plan_to_archive
from tours.admin.copying import duplicate_view
from tours.admin.editor import TOUR, EditedInTabs
from tours.admin.interest import InterestShown, with_interest
from tours.admin.pages import CatalogueAdmin, WordedForm, add_faults
from tours.admin.parts import ItineraryInline, OptionInline
from tours.admin.pictures import manager
from tours.admin.shown import badge, duration, local_time, money
from tours.errors import TourHasNoPrice
from tours.limits import Gap, empty_fields, faults_of_tour, gaps_for_sale
from tours.models import (
    Departure,
    Extra,
    OptionPrice,
    Tour,
    TourOption,
    TourStatus,
)
from tours.prices import price_from
from tours.services import (
    create_tour,
    delete_tour,
    publish_tour,
    restore_tour,
    take_off_sale,
    update_tour,
)
from tours.services.departures import follow_options
from tours.services.facts import settle_tour
from tours.services.states import ALLOWED_MOVES
from tours.services.stock import follow_stock
from tours.services.tours import FIELDS

TONES = {TourStatus.ACTIVE: "good", TourStatus.DRAFT: "warn", TourStatus.INACTIVE: "", TourStatus.ARCHIVED: ""}
MOVES = {
    "publish": TourStatus.ACTIVE,
    "take_off_sale": TourStatus.INACTIVE,
}


def _gap(gap: Gap) -> dict[str, str]:
    """Where the gap is closed: a field of the page, an option's own page, or the tab of the options."""
    if gap.option is not None:
        address = reverse("admin:tours_touroption_change", args=[gap.option.pk])
        return {"words": gap.words, "address": f"{address}#tab-prices", "tab": ""}
    tab = TOUR.tab_of(gap.field) if gap.field else "prices"
    return {"words": gap.words, "address": f"#tab-{tab}", "tab": tab, "field": f"id_{gap.field}"}


class DeletedFilter(DropdownFilter):
    """Deleted tours, to bring them back; left out unless asked for."""

    title = gettext_lazy("deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Deleted tours"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.exclude(deleted_at=None) if self.value() == "yes" else queryset.alive()


class TourForm(WordedForm):
    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        tour = self.instance
        add_faults(self, faults_of_tour(tour))
        for field in ("title_en", "title_ar"):
            title = getattr(tour, field)
            others = Tour.objects.alive().exclude(pk=tour.pk).filter(**{f"{field}__iexact": title})
            if title and field in self.fields and others.exists():
                add_faults(self, {field: [_("Another tour is called “{title}” already.").format(title=title)]})
        if tour.status == TourStatus.ACTIVE:
            needed = _("A tour on sale needs this. Take it off sale first.")
            add_faults(self, {field: [needed] for field in empty_fields(tour) if field in self.fields})


TOUR.fields(
    "texts",
    ("title_en", "title_ar"),
    ("summary_en", "summary_ar"),
    ("description_en", "description_ar"),
    ("meeting_point_en", "meeting_point_ar"),
    order=10,
)
TOUR.fields(
    "texts",
    ("highlights_en", "highlights_ar"),
    ("inclusions_en", "inclusions_ar"),
    ("exclusions_en", "exclusions_ar"),
    ("amenities_en", "amenities_ar"),
    title=gettext_lazy("What is in it"),
    order=20,
)
TOUR.fields(
    "facts",
    ("kind", "is_featured"),
    ("destination", "category"),
    ("duration_minutes", "nights"),
    ("duration_shown", "difficulty"),
    ("min_group_size", "max_group_size"),
    ("min_age", "tags"),
    ("sold_shown", "interest_line"),
    ("made_shown",),
    order=10,
    shown=("duration_shown", "sold_shown", "interest_line", "made_shown"),
)
TOUR.panel(
    "pictures",
    "admin/tours/pictures/panel.html",
    lambda request, tour: {"manager": manager(request, tour), "tour": tour},
)
TOUR.fields("prices", ("currency", "tax"), order=10)
TOUR.inline("prices", OptionInline, order=20)
TOUR.inline("itinerary", ItineraryInline, order=10)
TOUR.fields(
    "policies",
    ("cancellation_policy", "cutoff_minutes", "partner_cutoff_minutes"),
    ("min_guests", "max_guests"),
    order=10,
)
TOUR.fields(
    "seo",
    ("slug", "display_order"),
    ("seo_title_en", "seo_title_ar"),
    ("seo_description_en", "seo_description_ar"),
    order=10,
    shown=("slug",),
)


@page("tours/<uuid:tour_id>/panels/<slug:code>/", name="tour_panel", permission="tours.view_tour")
def tour_panel(request: HttpRequest, tour_id: UUID, code: str) -> HttpResponse:
    """One of the panels of a tour's page, as a piece of it."""
    tour = Tour.objects.alive().filter(pk=tour_id).first()
    shown = TOUR.shown_panel(code, request, tour) if tour is not None else None
    if shown is None:
        raise Http404
    return HttpResponse(shown)


@admin.register(Tour)
class TourAdmin(InterestShown, EditedInTabs, CatalogueAdmin):
    """What its page is made of: `tours.admin.editor.TOUR`."""

    editor = TOUR
    head_template = "admin/tours/editor/tour_head.html"
    form = TourForm
    list_display = [
        "title_shown",
        "status_shown",
        "category",
        "price_shown",
        "next_shown",
        "interest_shown",
        "featured_shown",
    ]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("category", RelatedDropdownFilter),
        ("destination", AutocompleteSelectFilter),
        ("difficulty", ChoicesDropdownFilter),
        "is_featured",
        DeletedFilter,
    ]
    list_select_related = ["destination", "category"]
    search_fields = [
        "title_en",
        "title_ar",
        "slug",
        "destination__city_en",
        "destination__city_ar",
    ]
    search_help_text = gettext_lazy("Title or city, in English or Arabic")
    autocomplete_fields = ["destination"]
    actions = ["publish_chosen", "take_off_sale_chosen", "archive_chosen", "restore_chosen"]
    actions_submit_line = ["publish", "take_off_sale"]
    list_per_page = 50
    keeps_changes_of_others = True

    def get_queryset(self, request: HttpRequest) -> Any:
        tours = super().get_queryset(request)
        page = request.resolver_match.url_name if request.resolver_match else None
        if page not in ("tours_tour_changelist", "tours_tour_change"):
            return tours.alive()
        prices = Prefetch("options__prices", OptionPrice.objects.select_related("category"))
        if page == "tours_tour_change":
            tours = tours.alive().select_related("destination", "created_by", "deposit_rule", "pickup_rule")
        coming = Departure.objects.filter(tour_id=OuterRef("pk")).bookable()
        first = coming.values("tour_id").annotate(first=Min("starts_at")).values("first")
        tours = with_interest(tours.annotate(next_start=Subquery(first)))
        return tours.prefetch_related("options", prices, *(["images"] if page == "tours_tour_changelist" else []))

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> Tour | None:
        """Read once for the page, though its buttons ask for it too."""
        if request.method != "GET":
            return super().get_object(request, object_id, from_field)
        if "shown_tour" not in request.__dict__:
            request.shown_tour = super().get_object(request, object_id, from_field)
        return request.shown_tour

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("tours.publish")

    def get_urls(self) -> list[Any]:
        copying = self.admin_site.admin_view(partial(duplicate_view, self))
        return [path("<uuid:tour_id>/duplicate/", copying, name="tours_tour_duplicate"), *super().get_urls()]

    def head(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        may_archive = self.has_publish_permission(request) and TourStatus.ARCHIVED in ALLOWED_MOVES[row.status]
        return {
            "status": self.status_shown(row),
            "price": self.price_shown(row),
            "next": self.next_shown(row),
            "is_draft": row.status == TourStatus.DRAFT,
            "gaps": [_gap(gap) for gap in gaps_for_sale(row)] if row.status != TourStatus.ACTIVE else [],
            "calendar": f"{reverse('admin:departure_calendar')}?tour={row.pk}",
            "duplicate": reverse("admin:tours_tour_duplicate", args=[row.pk])
            if self.has_add_permission(request)
            else "",
            "archive": reverse("admin:tours_archive", args=[row.pk]) if may_archive else "",
        }

    # --- Saving ---

    def save_model(self, request: HttpRequest, obj: Tour, form: Any, change: bool) -> None:
        data = {name: form.cleaned_data[name] for name in form.changed_data if name in FIELDS}
        for name, key in (("destination", "slug"), ("category", "code"), ("currency", "code"), ("tax", "code")):
            if name in data:
                data[name] = getattr(data[name], key, None)
        if "cancellation_policy" in data:
            data["cancellation_policy"] = data["cancellation_policy"].pk
        if change:
            if data:
                update_tour(tour_id=obj.pk, data=data, actor=request.user)
        else:
            obj.pk = create_tour(data=data, actor=request.user).pk
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        changed = {formset.model for formset in formsets if formset.has_changed()}
        if TourOption in changed:
            follow_options(form.instance.pk)
        if Extra in changed:
            follow_stock(form.instance.pk)
        if changed:
            settle_tour(form.instance.pk)
        for button in self.get_actions_submit_line(request, form.instance.pk):
            if button.action_name in request.POST:
                button.method(request, form.instance)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A deleted tour is kept for the bookings of the past: nothing else goes with it."""
        return [str(tour) for tour in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Tour) -> None:
        delete_tour(tour_id=obj.pk, actor=request.user)

    # --- On sale and off ---

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> Any:
        """Only the moves that the tour can make from where it is."""
        buttons = super().get_actions_submit_line(request, object_id)
        tour = self.get_object(request, str(id_of(object_id))) if buttons and object_id else None
        allowed = ALLOWED_MOVES[tour.status] if tour else set()
        prefix = f"{self.opts.app_label}_{self.opts.model_name}_"
        return [button for button in buttons if MOVES[button.action_name.removeprefix(prefix)] in allowed]

    @action(description=gettext_lazy("Save and publish"), permissions=["publish"])
    def publish(self, request: HttpRequest, obj: Tour) -> None:
        self._move(request, [obj], publish_tour)

    @action(description=gettext_lazy("Save and take off sale"), permissions=["publish"])
    def take_off_sale(self, request: HttpRequest, obj: Tour) -> None:
        self._move(request, [obj], take_off_sale)

    @admin.action(description=gettext_lazy("Publish"), permissions=["publish"])
    def publish_chosen(self, request: HttpRequest, queryset: QuerySet[Tour]) -> None:
        self._move(request, queryset, publish_tour)

    @admin.action(description=gettext_lazy("Take off sale"), permissions=["publish"])
    def take_off_sale_chosen(self, request: HttpRequest, queryset: QuerySet[Tour]) -> None:
        self._move(request, queryset, take_off_sale)

    @admin.action(description=gettext_lazy("Archive …"), permissions=["publish"])
    def archive_chosen(self, request: HttpRequest, queryset: QuerySet[Tour]) -> HttpResponse:
        """Archiving shows first whom it concerns."""
        return plan_to_archive(request, list(queryset.values_list("pk", flat=True)))

    @admin.action(description=gettext_lazy("Bring back"), permissions=["publish"])
    def restore_chosen(self, request: HttpRequest, queryset: QuerySet[Tour]) -> None:
        self._move(request, queryset.exclude(deleted_at=None), restore_tour)

    def get_actions(self, request: HttpRequest) -> Any:
        """What is deleted can only be brought back, and nothing else can."""
        actions = super().get_actions(request)
        of_deleted = request.GET.get("deleted") == "yes"
        return {name: found for name, found in actions.items() if (name == "restore_chosen") is of_deleted}

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """A deleted tour has no page."""
        return None if request.GET.get("deleted") == "yes" else super().get_list_display_links(request, list_display)

    def _move(self, request: HttpRequest, tours: Any, service: Callable[..., Tour]) -> None:
        moved = 0
        for tour in tours:
            try:
                service(tour_id=tour.pk, actor=request.user)
            except DomainError as refusal:
                messages.error(request, str(refusal))
            else:
                moved += 1
        if moved:
            messages.success(request, ngettext("{n} tour changed.", "{n} tours changed.", moved).format(n=moved))

    # --- How it looks ---

    @display(description=gettext_lazy("tour"), ordering="title_en", header=True)
    def title_shown(self, tour: Tour) -> Any:
        cover = next(iter(tour.images.all()), None)
        picture = (
            {"path": cover.thumbnail.url, "squared": True, "width": 60, "height": 40, "borderless": True}
            if cover and cover.thumbnail
            else None
        )
        place = f"{tour.get_kind_display()} · {tour.destination}"
        return [str(tour), place, None if picture else "–", picture] if picture else [str(tour), place]

    @display(description=gettext_lazy("status"), ordering="status")
    def status_shown(self, tour: Tour) -> str:
        return badge(tour.get_status_display(), TONES[TourStatus(tour.status)])

    @display(description=gettext_lazy("price from"))
    def price_shown(self, tour: Tour) -> Any:
        try:
            price, original = price_from(tour)
        except TourHasNoPrice:
            return "–"
        shown = money(price, tour.currency_id)
        if original is None:
            return format_html("<bdi>{}</bdi>", shown)
        return format_html("<bdi>{}</bdi> <s><bdi>{}</bdi></s>", shown, money(original, tour.currency_id))

    @display(description=gettext_lazy("next departure"), ordering="next_start")
    def next_shown(self, tour: Any) -> str:
        return local_time(tour.next_start, tour.destination.time_zone)

    @display(description=gettext_lazy("featured"), ordering="is_featured")
    def featured_shown(self, tour: Tour) -> str:
        return format_html('<span class="material-symbols-outlined">{}</span>', "star") if tour.is_featured else ""

    @display(description=gettext_lazy("duration"))
    def duration_shown(self, tour: Tour) -> str:
        return duration(tour.duration_minutes, tour.nights) if tour.duration_minutes else "–"

    @display(description=gettext_lazy("so far"))
    def sold_shown(self, tour: Tour) -> str:
        return _("{bookings} bookings, rated {rating} by {ratings}").format(
            bookings=tour.bookings_count, rating=tour.rating_average, ratings=tour.rating_count
        )

    @display(description=gettext_lazy("made"))
    def made_shown(self, tour: Tour) -> str:
        who = str(tour.created_by) if tour.created_by_id else _("the system")
        return f"{local_time(tour.created_at, 'UTC')} UTC · {who}"
