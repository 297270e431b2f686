"""The bodies of the hot calls, in and out, without nested serializers.

What fits a `Struct` here means exactly what the serializer of `requests` makes of it. Any other body – faulty, or with fields
that are seldom sent – goes through that serializer, which names what is wrong.
"""

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import orjson
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from msgspec import UNSET, Meta, Struct, UnsetType
from phonenumber_field.phonenumber import to_python

from bookings import pricing, wording
from bookings.access import booking_token
from bookings.models import BookingEvent, BookingItem, BookingKind, Traveller
from bookings.services.swift import Booked, Trip
from config.i18n import in_language, language_now
from ledger.money import amount_text

# Texts that a serializer leaves as they are: no blanks around them, and nothing that no database would take.
PLAIN = r"\A[^\s\x00]([^\x00]*[^\s\x00])?\Z"
Text40 = Annotated[str, Meta(max_length=40, pattern=PLAIN)]
Text60 = Annotated[str, Meta(max_length=60, pattern=PLAIN)]
Text64 = Annotated[str, Meta(max_length=64, pattern=PLAIN)]
Text120 = Annotated[str, Meta(max_length=120, pattern=PLAIN)]
Text254 = Annotated[str, Meta(max_length=254, pattern=PLAIN)]
Text300 = Annotated[str, Meta(max_length=300, pattern=PLAIN)]
Text2000 = Annotated[str, Meta(max_length=2000, pattern=PLAIN)]
Code = Annotated[str, Meta(pattern=r"\A[-a-zA-Z0-9_]{1,40}\Z")]
Guests = Annotated[dict[Code, Annotated[int, Meta(ge=0, le=500)]], Meta(min_length=1, max_length=20)]


class ExtraWanted(Struct, forbid_unknown_fields=True):
    code: Code
    quantity: Annotated[int, Meta(ge=1, le=500)] | UnsetType = UNSET


class WantedHold(Struct, forbid_unknown_fields=True):
    departure_id: UUID
    guests: Guests
    extras: Annotated[list[ExtraWanted], Meta(max_length=50)] | UnsetType = UNSET
    currency: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")] | UnsetType | None = UNSET
    fingerprint: Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")] | UnsetType = UNSET


class WantedContact(Struct, forbid_unknown_fields=True):
    name: Text120
    email: Text254
    phone: Text40 | UnsetType = UNSET


class NamedTraveller(Struct, forbid_unknown_fields=True):
    first_name: Text60
    last_name: Text60
    category: Annotated[str, Meta(pattern=r"\A[-a-zA-Z0-9_]{1,30}\Z")] = "adult"
    age: Annotated[int, Meta(ge=0, le=130)] | UnsetType | None = UNSET
    nationality: Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")] | UnsetType = UNSET
    note: Text300 | UnsetType = UNSET


class WantedBooking(Struct, forbid_unknown_fields=True):
    """A booking of a hold. Those without one, and those that staff make for somebody, go the plain way."""

    hold_id: UUID
    hold_token: Text64 | UnsetType = UNSET
    contact: WantedContact | UnsetType = UNSET
    language: Annotated[str, Meta(pattern=r"\A(en|ar)\Z")] | UnsetType = UNSET
    special_requests: Text2000 | UnsetType = UNSET
    dietary_needs: Text300 | UnsetType = UNSET
    accessibility_needs: Text300 | UnsetType = UNSET
    pickup: Text300 | UnsetType = UNSET
    travellers: Annotated[list[NamedTraveller], Meta(max_length=500)] | UnsetType = UNSET


NEEDS = ("special_requests", "dietary_needs", "accessibility_needs", "pickup")


def wanted_hold(request: Any) -> dict[str, Any] | None:
    """The validated data of `requests.NewHold`, or None where that has to look."""
    given = _fitted(request, WantedHold)
    return given if given and any(given["guests"].values()) else None


def wanted_booking(request: Any) -> dict[str, Any] | None:
    """The arguments of `services.create_booking` as `requests.NewBooking` gives them, or None where that has to look."""
    given = _fitted(request, WantedBooking)
    if given is None:
        return None
    contact = given.get("contact")
    if contact is not None and not _is_reachable(contact):
        return None
    return {
        "hold_id": given["hold_id"],
        "hold_token": given.get("hold_token", ""),
        "contact": contact,
        "travellers": given.get("travellers", ()),
        "details": {name: given[name] for name in NEEDS if name in given},
        "referral_code": "",
        "language": given.get("language") or language_now(),
        "customer_id": None,
        "age_reason": "",
    }


def _fitted(request: Any, form: type[Struct]) -> dict[str, Any] | None:
    if request._request.content_type != "application/json":
        return None
    try:
        wanted = msgspec.convert(orjson.loads(request._request.body), form)
    except (orjson.JSONDecodeError, msgspec.ValidationError):
        return None
    return dict(msgspec.to_builtins(wanted, builtin_types=(UUID,)))


def _is_reachable(contact: dict[str, Any]) -> bool:
    """Whether mail and telephone can be right; the number is then a `PhoneNumber`."""
    try:
        validate_email(contact["email"])
    except ValidationError:
        return False
    if "phone" in contact:
        number = to_python(contact["phone"])
        if not number or not number.is_valid():
            return False
        contact["phone"] = number
    return True


def new_booking_answer(booked: Booked) -> dict[str, Any]:
    """What `answers.NewBookingAnswer` says of a booking of one hold that was just made, for who is no staff."""
    draft, booking = booked.draft, booked.draft.booking
    total = amount_text(booking.total, booking.currency)
    nothing = amount_text(booking.amount_paid, booking.currency)
    return {
        "id": str(booking.pk),
        "reference": booking.reference,
        "kind": _kind(booking.kind),
        "status": booking.status,
        "payment_status": booking.payment_status,
        "currency": booking.currency,
        "total": total,
        "amount_paid": nothing,
        "amount_refunded": nothing,
        "amount_due": total,
        "deposit_due": amount_text(booking.deposit_due, booking.currency),
        "balance_due_at": _moment(booking.balance_due_at) if booking.balance_due_at else None,
        "guests": booking.guests,
        "starts_at": _moment(booking.starts_at),
        "ends_at": _moment(booking.ends_at),
        "expires_at": _moment(booking.expires_at),
        "created_at": _moment(booking.created_at),
        "contact": {
            "name": booking.contact_name,
            "email": booking.contact_email,
            "phone": str(booking.contact_phone),
        },
        "items": [_item(draft.item, booked.trip, total)],
        "source": booking.source,
        "language": booking.language,
        "special_requests": booking.special_requests,
        "dietary_needs": booking.dietary_needs,
        "accessibility_needs": booking.accessibility_needs,
        "pickup": booking.pickup,
        "flight_number": booking.flight_number,
        "flight_at": None,
        "emergency_contact": {"name": booking.emergency_name, "phone": str(booking.emergency_phone)},
        "referral_code": booking.referral_code,
        "travellers": [_traveller(traveller) for traveller in draft.travellers],
        "quote": pricing.in_words(booking.quote),
        "cancellation_policy": wording.policy_in_words(booking.policy, booking.is_any_time),
        "confirmed_at": None,
        "cancelled_at": None,
        "cancel_reason": "",
        "cancellation": None,
        "timeline": [_line(draft.line)],
        "token": booking_token(booking),
    }


def _kind(kind: BookingKind) -> dict[str, str]:
    return {"code": kind.code, "name": str(in_language(kind, "name")), "icon": kind.icon, "colour": kind.colour}


def _item(item: BookingItem, trip: Trip, amount: str) -> dict[str, Any]:
    local, when = trip.starts_at.astimezone(ZoneInfo(trip.time_zone)), pricing.when(item.booking.quote)
    return {
        "id": str(item.pk),
        "kind": _kind(item.kind),
        "title": in_language(item, "title"),
        "status": item.status,
        "departure_id": str(item.departure_id),
        "tour_id": str(trip.tour_id),
        "hold_id": str(item.hold_id),
        "starts_at": trip.starts_at.isoformat(),
        "date": local.date().isoformat(),
        "time": None if when["any_time"] else local.strftime("%H:%M"),
        "opening_hours": when["opening_hours"],
        "meeting_point": in_language(trip, "meeting_point"),
        "party": item.party,
        "seats": item.seats,
        "amount": amount,
        "supplier_reference": "",
    }


def _traveller(traveller: Traveller) -> dict[str, Any]:
    return {
        "category": traveller.category,
        "first_name": traveller.first_name,
        "last_name": traveller.last_name,
        "age": traveller.age,
        "nationality": traveller.nationality,
        "note": traveller.note,
    }


def _line(line: BookingEvent) -> dict[str, Any]:
    if line.actor_id is None:
        by = "guest" if line.address else "system"
    else:
        by = "customer" if line.actor_id == line.booking.customer_id else "staff"
    return {
        "at": _moment(line.at),
        "action": line.action,
        "text": wording.event_in_words(line),
        "old_status": "",
        "new_status": line.new_status,
        "by": by,
        "actor": None,
        "reason": "",
        "data": {},
    }


def _moment(moment: Any) -> str:
    return str(moment.isoformat()).replace("+00:00", "Z")
