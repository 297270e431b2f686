"""Reviews in the back-office: the queue of those to look at, made for the keyboard, and the list of all."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import action, display

from accounts.admin_audit import AuditedAdmin
from bookings.models import Review, ReviewStatus
from bookings.services import reviews as services
from config.admin import id_of, page
from config.errors import DomainError
from config.i18n import in_language
from tours.admin.editor import TOUR
from tours.admin.shown import badge
from tours.models import Tour

AT_ONCE = 20
COLOURS = {ReviewStatus.APPROVED: "success", ReviewStatus.PENDING: "warning", ReviewStatus.REJECTED: "danger"}
TONES = {ReviewStatus.APPROVED: "good", ReviewStatus.PENDING: "warn", ReviewStatus.REJECTED: "bad"}


def waiting_badge(request: HttpRequest) -> str:
    """How many wait, beside the link of the sidebar; nothing where none do."""
    count = Review.objects.to_look_at().count() if request.user.has_perm("bookings.change_review") else 0  # type: ignore[union-attr]
    return str(count) if count else ""


@page("reviews/", name="reviews_to_look_at", permission="bookings.change_review")
def moderation(request: HttpRequest) -> HttpResponse:
    """Reviews to decide on, the oldest first. Decisions come by POST, from a script (answered by JSON) or the plain form."""
    if request.method == "POST":
        return _decided(request)
    waiting = (
        Review.objects.to_look_at()
        .select_related("tour", "booking")
        .prefetch_related("photos", "reports__user")
        .order_by("created_at", "pk")
    )
    found = Paginator(waiting, AT_ONCE).get_page(1)
    context = {
        **admin.site.each_context(request),
        "title": _("Reviews to look at"),
        "cards": [_card(review) for review in found],
        "total": found.paginator.count,
        "usual": _usual_reasons(),
    }
    return TemplateResponse(request, "admin/bookings/reviews.html", context)


def _card(review: Review) -> dict[str, Any]:
    return {
        "row": review,
        "stars": stars(review.rating),
        "tour": in_language(review.tour, "title"),
        "tour_url": reverse("admin:tours_tour_change", args=[review.tour_id]),
        "booking_url": reverse("admin:bookings_booking_change", args=[review.booking_id]),
        "written": date_format(review.created_at, "D j M Y"),
        "travelled": date_format(review.travelled_on, "D j M Y"),
        "photos": [_photo(photo) for photo in review.photos.all()],
        "reports": [report for report in review.reports.all() if report.settled_at is None],
        "dir": "rtl" if review.language == "ar" else "ltr",
    }


def _photo(photo: Any) -> dict[str, str]:
    card = next((size["file"] for size in photo.sizes if size["kind"] == "card"), None)
    return {"url": photo.file.url, "small": photo.file.storage.url(card) if card else photo.file.url}


def _usual_reasons() -> list[str]:
    return [
        _("It names other people."),
        _("It is not about this tour."),
        _("It insults somebody."),
        _("It is advertising."),
    ]


def _decided(request: HttpRequest) -> HttpResponse:
    by_script = request.headers.get("X-Requested-With") == "fetch"
    try:
        told = _decide(request)
    except DomainError as refusal:
        sentences = [str(text) for texts in refusal.details.values() if isinstance(texts, list) for text in texts]
        said = " ".join(sentences) or str(refusal)
        if by_script:
            return JsonResponse({"message": said}, status=refusal.status)
        messages.error(request, said)
    else:
        if by_script:
            return JsonResponse({"message": told, "left": Review.objects.to_look_at().count()})
        messages.success(request, told)
    return redirect("admin:reviews_to_look_at")


def _decide(request: HttpRequest) -> str:
    said = request.POST
    try:
        review_id = UUID(said.get("review", ""))
    except ValueError as fault:
        raise services.ReviewNotFound from fault
    actor = request.user
    match said.get("do"):
        case "approve":
            services.approve_review(review_id=review_id, actor=actor)
            told = _("Shown.")
        case "reject":
            services.reject_review(review_id=review_id, actor=actor, reason=said.get("reason", ""))
            told = _("Not shown.")
        case "reply":
            services.reply_to_review(review_id=review_id, actor=actor, text=said.get("reply", "")[:2000])
            told = _("Your reply is saved.")
        case _:
            raise services.ReviewNotFound
    return told


def stars(rating: int) -> str:
    """Stars with words for those who do not see them."""
    return format_html(
        '<span class="rihla-stars" role="img" aria-label="{}">{}<i>{}</i></span>',
        ngettext("{n} star", "{n} stars", rating).format(n=rating),
        "★" * rating,
        "★" * (5 - rating),
    )


@admin.register(Review)
class ReviewAdmin(AuditedAdmin, ModelAdmin):
    """All reviews. Words are their author's: staff decide whether they are shown, and reply."""

    list_display = ["stars_shown", "title_shown", "tour", "author_name", "status_shown", "counts_shown", "created_at"]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("tour", AutocompleteSelectFilter),
        "rating",
        ("created_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related = ["tour", "booking"]
    search_fields = [
        "title",
        "text",
        "author_name__resembles",
        "booking__reference",
        "tour__title_en",
        "tour__title_ar",
    ]
    list_per_page = 50
    actions = ["approve_chosen"]
    actions_detail = ["approve_this"]
    fields = [
        ("tour_link", "booking_link"),
        ("stars_shown", "state"),
        ("author_name", "travelled_on"),
        "title",
        "text_shown",
        "photos_shown",
        ("created_at", "edited_at"),
        ("moderated_by", "moderated_at"),
        "reason",
        "reports_shown",
        "reply",
        ("replied_by", "replied_at"),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = [name for row in self.fields for name in (row if isinstance(row, tuple) else (row,))]  # type: ignore[union-attr]
        return [str(name) for name in names if name != "reply"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_approve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("bookings.change_review")  # type: ignore[union-attr]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("tour", "booking", "moderated_by", "replied_by")

    def save_model(self, request: HttpRequest, obj: Review, form: Any, change: bool) -> None:
        if "reply" in form.changed_data:
            services.reply_to_review(review_id=obj.pk, text=form.cleaned_data["reply"], actor=request.user)
        obj.refresh_from_db()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return [str(review) for review in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Review) -> None:
        services.delete_review(review_id=obj.pk, actor=request.user)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        waits = (
            Review.objects.filter(pk=id_of(object_id)).exclude(status=ReviewStatus.APPROVED, open_reports=0).exists()
        )
        return super().get_actions_detail(request, object_id) if waits else []

    @action(description=gettext_lazy("Show it"), icon="check", permissions=["approve"])
    def approve_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self._approve(request, [id_of(object_id)])
        return redirect("admin:bookings_review_change", object_id)

    @admin.action(description=gettext_lazy("Show them"), permissions=["approve"])
    def approve_chosen(self, request: HttpRequest, queryset: Any) -> None:
        self._approve(request, list(queryset.values_list("pk", flat=True)))

    def _approve(self, request: HttpRequest, ids: list[UUID]) -> None:
        for review_id in ids:
            try:
                services.approve_review(review_id=review_id, actor=request.user)
            except DomainError as refusal:
                messages.error(request, str(refusal))
        messages.success(
            request, ngettext("{n} review is shown.", "{n} reviews are shown.", len(ids)).format(n=len(ids))
        )

    # --- How it looks ---

    @display(description=gettext_lazy("stars"), ordering="rating")
    def stars_shown(self, review: Review) -> str:
        return stars(review.rating)

    @display(description=gettext_lazy("review"))
    def title_shown(self, review: Review) -> str:
        return review.title or review.text[:60]

    @display(description=gettext_lazy("status"), ordering="status", label=COLOURS)
    def status_shown(self, review: Review) -> tuple[str, str]:
        return review.status, review.get_status_display()

    @display(description=gettext_lazy("status"))
    def state(self, review: Review) -> str:
        return badge(review.get_status_display(), TONES[ReviewStatus(review.status)])

    @display(description=gettext_lazy("helpful, reports"), ordering="-open_reports")
    def counts_shown(self, review: Review) -> str:
        return f"{review.helpful_count} · {review.open_reports}"

    @display(description=gettext_lazy("text"))
    def text_shown(self, review: Review) -> str:
        return format_html('<div dir="auto" class="rihla-words">{}</div>', review.text)

    @display(description=gettext_lazy("photos"))
    def photos_shown(self, review: Review) -> str:
        rows = [(photo["url"], photo["small"]) for photo in map(_photo, review.photos.all())]
        return (
            format_html_join(" ", '<a href="{}"><img class="rihla-thumbnail" src="{}" alt=""></a>', rows)
            if rows
            else "–"
        )

    @display(description=gettext_lazy("reports"))
    def reports_shown(self, review: Review) -> str:
        rows = [(row.get_reason_display(), row.note, str(row.user)) for row in review.reports.select_related("user")]
        return format_html_join("", "<div>{} {} <small>{}</small></div>", rows) if rows else "–"

    @display(description=gettext_lazy("tour"))
    def tour_link(self, review: Review) -> str:
        return _link("admin:tours_tour_change", review.tour_id, review.tour)

    @display(description=gettext_lazy("booking"))
    def booking_link(self, review: Review) -> str:
        return _link("admin:bookings_booking_change", review.booking_id, review.booking)


def _link(name: str, pk: Any, text: Any) -> str:
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', reverse(name, args=[pk]), text
    )


TONES = {ReviewStatus.APPROVED: "rihla-good", ReviewStatus.PENDING: "rihla-warn", ReviewStatus.REJECTED: "rihla-bad"}
ON_TOUR = 10


def reviews_of_tour(request: HttpRequest, tour: Tour) -> dict[str, Any]:
    """The newest reviews, on the page of their tour."""
    found = Review.objects.filter(tour=tour).order_by("-created_at")[:ON_TOUR]
    words = ngettext("{n} shown review", "{n} shown reviews", tour.rating_count).format(n=tour.rating_count)
    return {
        "average": tour.rating_average,
        "words": words,
        "all_url": f"{reverse('admin:bookings_review_changelist')}?tour__id__exact={tour.pk}",
        "cards": [
            {
                "row": review,
                "stars": stars(review.rating),
                "tone": TONES[ReviewStatus(review.status)],
                "written": date_format(review.created_at, "D j M Y"),
                "url": reverse("admin:bookings_review_change", args=[review.pk]),
            }
            for review in found
        ],
    }


TOUR.panel("reviews", "admin/bookings/tour_reviews.html", reviews_of_tour)
