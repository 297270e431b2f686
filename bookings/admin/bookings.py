"""Bookings in the back-office: state and money are looked at, and change through actions that call services."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin_audit import AuditedAdmin, record_saved, stored
from accounts.models import Language
from bookings import services
from bookings.admin.columns import BookingColumns
from bookings.admin.filters import BalanceFilter, SourceFilter
from bookings.admin.forms import CancelForm, ReasonForm
from bookings.admin.inlines import EventInline, ItemInline, TravellerInline
from bookings.admin.moving import move_page
from bookings.admin.pickups import pickup_page
from bookings.admin.shown import (
    refund_shown,
)
from bookings.admin.travellers import travellers_page
from bookings.documents import voucher_pdf
from bookings.models import Booking, BookingStatus
from bookings.views.bookings import file_answer
from config.admin import id_of
from config.errors import DomainError
from config.filters import DaysFilter

EDITABLE = (
    "contact_name",
    "contact_email",
    "contact_phone",
    "language",
    "special_requests",
    "dietary_needs",
    "accessibility_needs",
    "pickup",
    "flight_number",
    "flight_at",
    "emergency_name",
    "emergency_phone",
)


@admin.register(Booking)
class BookingAdmin(BookingColumns, AuditedAdmin, ModelAdmin):
    """Apps above add what they know by `BookingAdmin.inlines.append(…)`."""

    list_display = [
        "reference_shown",
        "trip",
        "starts",
        "party",
        "status_shown",
        "payment_shown",
        "money_shown",
        "made",
    ]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("payment_status", ChoicesDropdownFilter),
        ("items__departure__tour", AutocompleteSelectFilter),
        ("starts_at", DaysFilter),
        ("created_at", DaysFilter),
        SourceFilter,
        BalanceFilter,
    ]
    list_filter_submit = True
    keeps_changes_of_others = True
    list_fullwidth = True
    search_fields = ["reference", "contact_name__resembles", "contact_email", "contact_phone"]
    search_help_text = gettext_lazy("Reference, name, e-mail or phone")
    date_hierarchy = "starts_at"
    list_per_page = 50
    ordering = ["-created_at"]
    inlines: list[Any] = [ItemInline, TravellerInline, EventInline]
    actions_detail = [
        "confirm_this",
        "move_this",
        "pickup_this",
        "travellers_this",
        "cancel_this",
        "no_show_this",
        "resend_this",
        "voucher_this",
    ]
    readonly_fields = [
        "reference",
        "state_shown",
        "trip",
        "starts",
        "party_shown",
        "made",
        "source_shown",
        "customer",
        "pay_by",
        "quote_shown",
        "paid_shown",
        "due_shown",
        "deposit_shown",
        "ride_shown",
        "policy_shown",
        "cancellation_shown",
        "link_shown",
        "messages_shown",
    ]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("reference", "state_shown", "pay_by"),
                    ("trip", "starts", "party_shown"),
                    ("made", "source_shown", "customer"),
                    "staff_note",
                ]
            },
        ),
        (
            gettext_lazy("Contact"),
            {
                "classes": ["tab"],
                "fields": [
                    ("contact_name", "language"),
                    ("contact_email", "contact_phone"),
                    ("emergency_name", "emergency_phone"),
                    "link_shown",
                ],
            },
        ),
        (
            gettext_lazy("Requests"),
            {
                "classes": ["tab"],
                "fields": [
                    "ride_shown",
                    ("flight_number", "flight_at"),
                    *("special_requests", "pickup", "dietary_needs", "accessibility_needs"),
                ],
            },
        ),
        (
            gettext_lazy("Price"),
            {
                "classes": ["tab"],
                "fields": [
                    "quote_shown",
                    ("paid_shown", "due_shown", "deposit_shown"),
                    "policy_shown",
                    "cancellation_shown",
                ],
            },
        ),
        (gettext_lazy("Messages"), {"classes": ["tab"], "fields": ["messages_shown"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).for_display().select_related("customer", "agent")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "language":
            return forms.ChoiceField(
                label=capfirst(db_field.verbose_name), choices=Language.choices, widget=UnfoldAdminSelectWidget
            )
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in ("staff_note", "special_requests") and field is not None:
            field.widget.attrs["rows"] = 3
        return field

    def save_model(self, request: HttpRequest, obj: Booking, form: Any, change: bool) -> None:
        before = stored(obj)
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name in EDITABLE}
        if changes:
            services.update_booking(booking_id=obj.pk, changes=changes, actor=request.user)
        if "staff_note" in form.changed_data:
            services.write_staff_note(booking_id=obj.pk, text=form.cleaned_data["staff_note"], actor=request.user)
        record_saved(request.user, Booking.objects.get(pk=obj.pk), before, added=False)

    # --- Actions ---

    def has_confirm_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("bookings.confirm"))

    def has_cancel_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("bookings.cancel"))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Only what the booking's state allows."""
        booking = Booking.objects.filter(pk=id_of(object_id)).first()
        allowed = self._allowed(booking) if booking else set()
        return [
            one
            for one in super().get_actions_detail(request, object_id)
            if any(one.action_name.endswith(f"{name}_this") for name in allowed)
        ]

    def _allowed(self, booking: Booking) -> set[str]:
        waiting = {BookingStatus.PENDING_PAYMENT, BookingStatus.EXPIRED, BookingStatus.NO_SHOW}
        allowed = {"confirm"} if booking.status in waiting else set()
        if booking.status in (BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED):
            allowed |= {"cancel"}
            allowed |= {"move"} if booking.begins_by > now() else set()
            allowed |= {"pickup"} if booking.starts_at > now() else set()
        if booking.status in (BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS) and booking.starts_at <= now():
            allowed |= {"no_show"}
        return allowed | ({"resend", "voucher"} if booking.has_voucher else set())

    @action(description=gettext_lazy("Confirm …"), icon="check_circle", permissions=["confirm"])
    def confirm_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        booking = self._booking(object_id)
        form = ReasonForm(request.POST or None)
        if form.is_valid() and self._done(
            request,
            _("The booking is confirmed."),
            services.confirm_booking,
            booking_id=booking.pk,
            actor=request.user,
            reason=form.cleaned_data["reason"],
        ):
            return self._back(booking)
        context = {
            "title": _("Confirm {reference}").format(reference=booking.reference),
            "explanation": _("The seats become firm and the voucher goes out, although it is not paid in full."),
            "verb": _("Confirm"),
        }
        return self._ask(request, booking, form, context)

    @action(description=gettext_lazy("Move …"), icon="event_repeat", permissions=["change"])
    def move_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Choose a departure, see the difference, confirm exactly that."""
        return move_page(self, request, self._booking(object_id))

    @action(description=gettext_lazy("Pickup …"), icon="airport_shuttle", permissions=["change"])
    def pickup_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Choose a place, see the difference, confirm exactly that."""
        return pickup_page(self, request, self._booking(object_id))

    @action(description=gettext_lazy("Travellers …"), icon="group", permissions=["change"])
    def travellers_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Who travels, as far as it is known by now. Its link stands beside the party."""
        return travellers_page(self, request, self._booking(object_id))

    @action(description=gettext_lazy("Cancel …"), icon="cancel", permissions=["cancel"])
    def cancel_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Shows the refund with its lines first; only the answer to what was shown cancels."""
        booking = self._booking(object_id)
        may_override = request.user.has_perm("bookings.override_policy")
        form = CancelForm(request.POST or None, may_override=may_override)
        percent: Decimal | None = None
        if form.is_valid():
            percent, expected = form.cleaned_data.get("refund_percent"), form.cleaned_data["expected_refund"]
            if expected is not None and self._done(
                request,
                _("The booking is cancelled."),
                services.cancel_booking,
                booking_id=booking.pk,
                actor=request.user,
                reason=form.cleaned_data["reason"],
                refund_percent=percent,
                expected_refund=expected,
            ):
                return self._back(booking)
        terms = services.cancellation_terms(booking, refund_percent=percent)
        is_shown = form.is_bound and form.is_valid()
        context = {
            "title": _("Cancel {reference}").format(reference=booking.reference),
            "explanation": _("The seats go on sale again. What goes back is sent the way it was paid."),
            "refund": refund_shown(booking, terms),
            "expected_refund": terms["refund"] if is_shown or not may_override else "",
            "verb": _("Cancel the booking") if is_shown or not may_override else _("Show the refund"),
        }
        return self._ask(request, booking, form, context)

    @action(description=gettext_lazy("No show …"), icon="person_off", permissions=["change"])
    def no_show_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        booking = self._booking(object_id)
        form = ReasonForm(request.POST or None)
        if form.is_valid() and self._done(
            request,
            _("Noted: the party did not come."),
            services.mark_no_show,
            booking_id=booking.pk,
            actor=request.user,
            reason=form.cleaned_data["reason"],
        ):
            return self._back(booking)
        context = {
            "title": _("{reference}: the party did not come").format(reference=booking.reference),
            "explanation": _("What was paid is kept. Confirming the booking takes this back."),
            "verb": _("Note it"),
        }
        return self._ask(request, booking, form, context)

    @action(description=gettext_lazy("Send voucher again"), icon="forward_to_inbox", permissions=["change"])
    def resend_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks first: a link that sends mail would be followed by whatever looks ahead, or by a stranger's page."""
        booking = self._booking(object_id)
        if request.method == "POST":
            told = _("The voucher is on its way to {email}.").format(email=booking.contact_email)
            self._done(request, told, services.resend_voucher, booking_id=booking.pk, actor=request.user)
            return self._back(booking)
        context = {
            "title": _("Send the voucher of {reference} again").format(reference=booking.reference),
            "explanation": _("It goes to {email}.").format(email=booking.contact_email),
            "verb": _("Send it"),
        }
        return self._ask(request, booking, forms.Form(), context)

    @action(description=gettext_lazy("Voucher (PDF)"), icon="picture_as_pdf", permissions=["view"])
    def voucher_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        booking = self._booking(object_id)
        return file_answer(voucher_pdf(booking, "both"), "application/pdf", f"{booking.reference}.pdf")

    def _booking(self, object_id: str) -> Booking:
        try:
            return Booking.objects.for_display().get(pk=UUID(str(object_id)))
        except (ValueError, Booking.DoesNotExist) as fault:
            raise Http404 from fault

    def _done(self, request: HttpRequest, told: str, service: Any, **asked: Any) -> bool:
        """Call the service; say what came of it."""
        try:
            service(**asked)
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return False
        messages.success(request, told)
        return True

    def _back(self, booking: Model) -> HttpResponseRedirect:
        return redirect("admin:bookings_booking_change", booking.pk)

    def _ask(self, request: HttpRequest, booking: Booking, form: forms.Form, context: dict[str, Any]) -> HttpResponse:
        return TemplateResponse(
            request,
            "admin/bookings/booking/ask.html",
            {**self.admin_site.each_context(request), "opts": self.opts, "booking": booking, "form": form, **context},
        )
