"""The pages of a phone booking: the screen, what came of it, and the seats let go when the clerk walks away."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Role, User
from accounts.selectors import people_here
from accounts.services.people import add_person
from bookings import wording
from bookings.errors import AgeOutsideCategory, HoldBooked, SeatsUnavailable
from bookings.models import Booking, BookingItem, BookingStatus, Hold
from bookings.services import (
    extend_hold,
    find_hold,
    hold_beyond_capacity,
    hold_instead,
    hold_seats,
    release_hold,
    resend_voucher,
)
from config.admin import page
from config.errors import DomainError, InvalidInput
from config.i18n import in_language
from payments.desk.shown import desk_of, in_words, is_held, payer
from payments.desk.typed import DETAILS, Typed
from payments.mails import payment_link
from payments.services.desk import PERMISSIONS, Settling, book_by_phone, settle
from payments.services.ways import ways_to_pay
from tours.models import Departure

Notices = list[tuple[str, str]]


@page("phone-booking/", name="phone_booking", permission="bookings.add_booking")
def phone_booking(request: HttpRequest) -> HttpResponse:
    """The screen. Each button does its step and shows the screen again; only a booking leads on."""
    notices: Notices = []
    typed = Typed(request.POST if request.method == "POST" else request.GET)
    status, wants_room, is_of_other_age = 200, False, False
    if request.method == "POST" and typed.do in STEPS:
        try:
            answer = STEPS[typed.do](request, typed, notices)
        except DomainError as refusal:
            answer, status = None, refusal.status
            wants_room = isinstance(refusal, SeatsUnavailable)
            is_of_other_age = isinstance(refusal, AgeOutsideCategory)
            _note_refusal(typed, refusal, notices)
        if answer is not None:
            return answer
    desk = desk_of(typed, request.user, notices)
    desk.may_overbook = wants_room
    desk.is_of_other_age = is_of_other_age or bool(typed.texts["age_reason"])
    response = TemplateResponse(
        request,
        "admin/desk/phone.html",
        {**admin.site.each_context(request), "title": _("Phone booking"), **in_words(desk)},
        status=status,
    )
    add_never_cache_headers(response)
    return response


def _note_refusal(typed: Typed, refusal: DomainError, notices: Notices) -> None:
    """The refusal in words at the top, and each fault at its field."""
    notices.append(("bad", str(refusal)))
    if isinstance(refusal, AgeOutsideCategory):
        for place, faults in zip(typed.named_places(), refusal.details["travellers"], strict=True):
            for fault in faults.get("age", ()):
                typed.fault(f"traveller-{place}", fault)
        return
    for field, faults in refusal.details.items():
        if isinstance(faults, list):
            for fault in faults:
                typed.fault(field, str(fault))


# --- The steps: each answers None to show the screen again ---


def _create_customer(request: HttpRequest, typed: Typed, notices: Notices) -> None:
    if not request.user.has_perm("accounts.add_user"):  # type: ignore[union-attr]
        raise InvalidInput(details={"contact_name": [_("You may not add people; book for the contact alone.")]})
    contact = typed.contact()
    first, _space, last = contact["name"].partition(" ")
    if len(first) < 2 or len(last.strip()) < 2 or len(first) > 50 or len(last) > 50:
        typed.fault("contact_name", _("First and last name, two letters each or more."))
    _refuse_faults(typed, "contact_")
    user = add_person(
        actor=request.user,
        email=contact["email"],
        first_name=first,
        last_name=last.strip(),
        role=Role.Code.CUSTOMER,
        phone=contact["phone"],
        language=typed.language,
    )
    typed.customer = user.pk
    typed.texts["filled_from"] = str(user.pk)
    notices.append(("good", _("{name} is a customer now; a mail lets them set a password.").format(name=user)))


def _forget_customer(request: HttpRequest, typed: Typed, notices: Notices) -> None:
    """Another caller: the contact goes with the customer it came from."""
    typed.customer = None
    typed.texts |= {"contact_name": "", "contact_email": "", "contact_phone": "", "filled_from": "", "q": ""}


def _another_tour(request: HttpRequest, typed: Typed, notices: Notices) -> None:
    typed.tour = typed.departure = None
    typed.texts["tq"] = ""


def _hold(request: HttpRequest, typed: Typed, notices: Notices) -> None:
    hold = _hold_now(request, typed)
    held = ngettext("{n} seat is held.", "{n} seats are held.", hold.seats).format(n=hold.seats)
    notices.append(("good", held))


def _hold_now(request: HttpRequest, typed: Typed) -> Hold:
    """Seats for what the form says, in place of those that are held, if any."""
    _refuse_faults(typed, "guests-", "extra-")
    if typed.departure is None:
        raise InvalidInput(details={"departure": [_("Choose a departure.")]})
    if not typed.party:
        raise InvalidInput(details={"guests": [_("Say how many guests there are.")]})
    asked: dict[str, Any] = {
        "departure_id": typed.departure,
        "guests": typed.party,
        "extras": typed.extras_wanted,
        "currency": typed.currency or None,
        "fingerprint": typed.fingerprint,
        "actor": request.user,
        "payer": payer(_caller(typed)),
        **typed.ride,
    }
    if typed.do == "overbook":
        asked["reason"] = typed.texts["overbooking_reason"]
    if typed.hold is not None:
        hold = hold_instead(hold_id=typed.hold, **asked)
    else:
        hold = (hold_beyond_capacity if "reason" in asked else hold_seats)(**asked)
    typed.hold = hold.pk
    return hold


def _caller(typed: Typed) -> User | None:
    """Who calls, where it is somebody who is known here."""
    return people_here().filter(pk=typed.customer).first() if typed.customer is not None else None


def _extend(request: HttpRequest, typed: Typed, notices: Notices) -> None:
    if typed.hold is not None:
        extend_hold(hold_id=typed.hold, actor=request.user)
        notices.append(("good", _("The seats are held longer.")))


def _release(request: HttpRequest, typed: Typed, notices: Notices) -> None:
    if typed.hold is not None:
        _let_go(request, typed.hold)
        typed.hold = None
        notices.append(("good", _("The seats are on sale again.")))


def _start_over(request: HttpRequest, typed: Typed, notices: Notices) -> HttpResponse:
    if typed.hold is not None:
        _let_go(request, typed.hold)
    return redirect("admin:phone_booking")


def _book(request: HttpRequest, typed: Typed, notices: Notices) -> HttpResponse:
    made = _booked_before(request, typed)
    if made is not None:
        return redirect("admin:phone_booked", made)
    contact, travellers = typed.contact(), typed.named_travellers()
    settling = _settling(typed)
    flight_at = typed.flies_at(_zone_of(typed))
    _refuse_faults(typed, "")
    hold = _held_as_asked(request, typed) or _hold_now(request, typed)
    try:
        booking = book_by_phone(
            hold_id=hold.pk,
            contact=contact,
            settling=settling,
            actor=request.user,
            customer_id=typed.customer,
            travellers=travellers,
            details={name: typed.texts[name].strip() for name in DETAILS} | {"flight_at": flight_at},
            language=typed.language,
            staff_note=typed.texts["staff_note"].strip(),
            age_reason=typed.texts["age_reason"],
        )
    except HoldBooked:
        made = _booked_before(request, typed)  # the same button, pressed twice
        if made is None:
            raise
        return redirect("admin:phone_booked", made)
    messages.success(request, _told(booking, settling))
    return redirect("admin:phone_booked", booking.pk)


def _zone_of(typed: Typed) -> str:
    """The time zone of where the trip goes."""
    departures = Departure.objects.filter(pk=typed.departure)
    return departures.values_list("tour__destination__time_zone", flat=True).first() or "UTC"


def _booked_before(request: HttpRequest, typed: Typed) -> UUID | None:
    if typed.hold is None:
        return None
    mine = BookingItem.objects.filter(hold_id=typed.hold, booking__created_by_id=request.user.pk)
    return mine.values_list("booking_id", flat=True).first()


def _held_as_asked(request: HttpRequest, typed: Typed) -> Hold | None:
    """The hold at hand, if it is for just what the form says."""
    if typed.hold is None:
        return None
    hold = find_hold(hold_id=typed.hold, actor=request.user)
    return hold if is_held(hold, typed, _caller(typed)) else None


def _settling(typed: Typed) -> Settling:
    """How it is paid; what is missing stands in `faults`."""
    receipt, reason = typed.texts["receipt"].strip(), typed.texts["reason"].strip()
    if not typed.way:
        typed.fault("way", _("Choose how it is paid."))
    if typed.way == "cash" and not receipt:
        typed.fault("receipt", _("The number on the receipt."))
    if typed.way == "later" and not reason:
        typed.fault("reason", _("Say why."))
    return Settling(typed.way, receipt=receipt, reason=reason, deposit=typed.deposit)


def _refuse_faults(typed: Typed, *prefixes: str) -> None:
    if any(field.startswith(prefixes) for field in typed.faults):
        raise InvalidInput(details={})


def _let_go(request: HttpRequest, hold_id: UUID) -> None:
    """Whatever became of the hold in the meantime, it is not ours any more."""
    with suppress(DomainError):
        hold = find_hold(hold_id=hold_id, actor=request.user)
        if hold.customer_id == request.user.pk:
            release_hold(hold_id=hold_id, actor=request.user)


def _told(booking: Booking, settling: Settling) -> str:
    told = {
        "cash": _("{reference} is confirmed, its deposit paid; the voucher is on its way to {email}.")
        if settling.deposit
        else _("{reference} is paid and confirmed; the voucher is on its way to {email}."),
        "link": _("{reference} is made; the payment link is on its way to {email}."),
        "later": _("{reference} is confirmed unpaid; the voucher is on its way to {email}."),
    }
    return told[settling.way].format(reference=booking.reference, email=booking.contact_email)


STEPS: dict[str, Callable[[HttpRequest, Typed, Notices], HttpResponse | None]] = {
    "create": _create_customer,
    "forget": _forget_customer,
    "another": _another_tour,
    "hold": _hold,
    "overbook": _hold,
    "extend": _extend,
    "release": _release,
    "over": _start_over,
    "book": _book,
}


@page("phone-booking/leave/", name="phone_booking_leave", permission="bookings.add_booking")
def leave(request: HttpRequest) -> HttpResponse:
    """The clerk left the screen: its seats go on sale again at once, not only when their time is over."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    typed = Typed(request.POST)
    if typed.hold is not None:
        _let_go(request, typed.hold)
    return HttpResponse(status=204)


@page("phone-booking/<uuid:booking_id>/", name="phone_booked", permission="bookings.add_booking")
def booked(request: HttpRequest, booking_id: UUID) -> HttpResponse:
    """What came of the call, and what can still be done: take the money, send link or voucher again."""
    booking = Booking.objects.visible_to(request.user).for_display().filter(pk=booking_id).first()
    if booking is None:
        raise Http404
    typed = Typed(request.POST if request.method == "POST" else {})
    status = 200
    if request.method == "POST":
        try:
            _after(request, typed, booking)
        except DomainError as refusal:
            status = refusal.status
            notices: Notices = []
            _note_refusal(typed, refusal, notices)
            messages.error(request, notices[0][1])
        else:
            return redirect("admin:phone_booked", booking_id)
    return TemplateResponse(
        request,
        "admin/desk/booked.html",
        {**admin.site.each_context(request), "title": booking.reference, **_booked_in_words(request, booking, typed)},
        status=status,
    )


def _after(request: HttpRequest, typed: Typed, booking: Booking) -> None:
    if typed.do == "voucher":
        resend_voucher(booking_id=booking.pk, actor=request.user)
        messages.success(request, _("The voucher is on its way to {email}.").format(email=booking.contact_email))
        return
    settling = _settling(typed)
    _refuse_faults(typed, "")
    settle(booking, settling, request.user)
    messages.success(request, _told(booking, settling))


def _booked_in_words(request: HttpRequest, booking: Booking, typed: Typed) -> dict[str, Any]:
    item, zone = booking.items.all()[0], booking.quote["time_zone"]
    waits = booking.status == BookingStatus.PENDING_PAYMENT
    may = {way: request.user.has_perm(permission) for way, permission in PERMISSIONS.items()}  # type: ignore[union-attr]
    may["link"] = may["link"] and any(way.on_its_page for way in ways_to_pay(booking))
    may["later"] = may["later"] and waits
    return {
        "booking": booking,
        "typed": typed,
        "texts": typed.texts,
        "faults": typed.faults,
        "may": may,
        "trip": in_language(item, "title"),
        "starts": wording.start_in_words(booking),
        "party": wording.party_in_words(booking),
        "pickup": wording.pickup_in_words(booking),
        "total": wording.money(booking, booking.total),
        "due": wording.money(booking, booking.amount_due) if booking.amount_due else "",
        "deposit": wording.money(booking, booking.deposit_due) if booking.deposit_due else "",
        "balance": wording.balance_in_words(booking),
        "pay_by": wording.moment_in_words(wording.local(booking.expires_at, zone)) if booking.expires_at else "",
        "link": payment_link(booking) if booking.amount_due else "",
    }
