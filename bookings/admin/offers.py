"""Choices of guests: which are open, and the answer of who calls instead of clicking."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from accounts.admin_audit import AuditedAdmin
from bookings import services, wording
from bookings.access import offer_link
from bookings.admin.forms import ReasonForm
from bookings.admin.moving import departure_in_words, departures_for, start_of
from bookings.models import Booking, ChoiceOffer, OfferStatus
from bookings.services.offers import Answer
from config.admin import id_of, link_to_copy
from config.errors import DomainError
from config.i18n import in_language
from tours.selectors.capacity import places_left_of

COLOURS = {
    OfferStatus.OPEN: "warning",
    OfferStatus.MOVED: "success",
    OfferStatus.KEPT: "success",
    OfferStatus.REFUNDED: "info",
    OfferStatus.WITHDRAWN: "danger",
}


class AnswerForm(forms.Form):
    answer = forms.ChoiceField(label=gettext_lazy("The guest wants"), widget=forms.RadioSelect)


@admin.register(ChoiceOffer)
class ChoiceOfferAdmin(AuditedAdmin, ModelAdmin):
    empty_hint = gettext_lazy(
        "Where a departure cannot run as it was booked, its guests are offered a choice. Their answers stand here."
    )
    list_display = ["booking_shown", "trip", "deadline_shown", "unanswered", "status_shown", "answered_by"]
    list_filter = [("status", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["booking", "departure__tour__destination", "departure__option"]
    search_fields = ["booking__reference", "booking__contact_name", "booking__contact_email"]
    ordering = ["-created_at"]
    actions_detail = ["answer_this", "withdraw_this"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("booking_link", "state"),
                    ("trip", "deadline_shown", "unanswered"),
                    ("reason_en", "reason_ar"),
                    ("may_keep", "offered_shown"),
                    ("chosen_shown", "answered_by", "actor"),
                    "link_shown",
                ]
            },
        )
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        shown = [
            "booking_link",
            "trip",
            "deadline_shown",
            "state",
            "offered_shown",
            "chosen_shown",
            "link_shown",
        ]
        return [*shown, "unanswered", "reason_en", "reason_ar", "may_keep", "answered_by", "actor"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("booking", "departure__tour__destination", "chosen")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Only what is open can be answered."""
        is_open = ChoiceOffer.objects.waiting().filter(pk=id_of(object_id)).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    @action(description=gettext_lazy("Answer for the guest …"), icon="call", permissions=["change"])
    def answer_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The guest is on the phone: any departure of the tour, everything back, or as booked."""
        offer = self._offer(object_id)
        booking = Booking.objects.for_display().get(pk=offer.booking_id)
        seats = sum(item.seats for item in booking.items.all())
        rows = departures_for(
            offer.departure.tour_id, around=offer.departure.starts_at, without=[offer.departure_id], seats=seats
        )
        left = places_left_of(rows)
        choices = [(f"{Answer.MOVE}:{row.pk}", departure_in_words(row, left[row.pk])) for row in rows]
        choices += [
            (Answer.REFUND.value, wording.refund_choice(booking)),
            (Answer.KEEP.value, wording.keep_choice()),
        ]
        form = AnswerForm(request.POST or None)
        form.fields["answer"].choices = choices  # type: ignore[attr-defined]
        if form.is_valid():
            word, _colon, departure = form.cleaned_data["answer"].partition(":")
            try:
                services.answer_offer(
                    offer_id=offer.pk,
                    answer=word,
                    departure_id=UUID(departure) if departure else None,
                    actor=request.user,
                    by_staff=True,
                )
            except DomainError as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, _("Done, and the guest is told."))
                return redirect("admin:bookings_choiceoffer_change", offer.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Answer for {name}").format(name=booking.contact_name),
            "offer": offer,
            "booking": booking,
            "when": wording.start_in_words(booking),
            "reason": in_language(offer, "reason"),
            "form": form,
        }
        return TemplateResponse(request, "admin/bookings/choiceoffer/answer.html", context)

    @action(description=gettext_lazy("Withdraw …"), icon="undo", permissions=["change"])
    def withdraw_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        offer = self._offer(object_id)
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            try:
                services.withdraw_offer(offer_id=offer.pk, actor=request.user, reason=form.cleaned_data["reason"])
            except DomainError as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, _("The choice is withdrawn; the booking stays as it is."))
                return redirect("admin:bookings_choiceoffer_change", offer.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Withdraw the choice of {reference}").format(reference=offer.booking.reference),
            "explanation": _("The link in the guest's mail no longer offers anything. Nobody is told."),
            "verb": _("Withdraw"),
            "booking": offer.booking,
            "form": form,
        }
        return TemplateResponse(request, "admin/bookings/booking/ask.html", context)

    def _offer(self, object_id: str) -> ChoiceOffer:
        try:
            return self.get_queryset(None).get(pk=UUID(str(object_id)))  # type: ignore[arg-type]
        except (ValueError, ChoiceOffer.DoesNotExist) as fault:
            raise Http404 from fault

    @display(description=gettext_lazy("booking"), header=True, ordering="booking__reference")
    def booking_shown(self, offer: ChoiceOffer) -> list[str]:
        return [offer.booking.reference, offer.booking.contact_name]

    @display(description=gettext_lazy("booking"))
    def booking_link(self, offer: ChoiceOffer) -> str:
        address = reverse("admin:bookings_booking_change", args=[offer.booking_id])
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}"><bdi dir="ltr">{}</bdi></a> {}',
            address,
            offer.booking.reference,
            offer.booking.contact_name,
        )

    @display(description=gettext_lazy("departure as booked"))
    def trip(self, offer: ChoiceOffer) -> str:
        return f"{in_language(offer.departure.tour, 'title')} · {start_of(offer.departure)}"

    @display(description=gettext_lazy("answer until"), ordering="deadline")
    def deadline_shown(self, offer: ChoiceOffer) -> str:
        return wording.moment_in_words(wording.local(offer.deadline, offer.departure.tour.destination.time_zone))

    @display(description=gettext_lazy("status"), ordering="status", label=COLOURS)
    def status_shown(self, offer: ChoiceOffer) -> tuple[str, str]:
        return offer.status, offer.get_status_display()

    @display(description=gettext_lazy("status"))
    def state(self, offer: ChoiceOffer) -> str:
        return offer.get_status_display()

    @display(description=gettext_lazy("offered departures"))
    def offered_shown(self, offer: ChoiceOffer) -> int:
        return offer.offered.count()

    @display(description=gettext_lazy("chosen departure"))
    def chosen_shown(self, offer: ChoiceOffer) -> str:
        return departure_in_words(offer.chosen) if offer.chosen else "–"

    @display(description=gettext_lazy("guest's link"))
    def link_shown(self, offer: ChoiceOffer) -> str:
        return link_to_copy(offer_link(offer))
