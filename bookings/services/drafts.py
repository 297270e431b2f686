"""What a booking of a hold will be: every row of it, checked and not yet written.

However a booking is written, row by row (`bookings.create_booking`) or in one statement (`swift.book`), it is made here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.models import Membership, Role
from bookings.ages import refuse_other_ages
from bookings.errors import ContactRequired, CustomerNotFound, TravellersMismatch
from bookings.models import Booking, BookingEvent, BookingItem, BookingKind, BookingStatus, Hold, Traveller
from config.addresses import current_caller
from config.ids import short_reference
from tours.models import CancellationPolicy

DETAILS = (
    "special_requests",
    "dietary_needs",
    "accessibility_needs",
    "pickup",
    "flight_number",
    "emergency_name",
    "emergency_phone",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A booking with its one item, its travellers and the first line of its history."""

    booking: Booking
    item: BookingItem
    travellers: list[Traveller]
    line: BookingEvent


def draft_booking(
    *,
    hold: Hold,
    kind: BookingKind,
    policy: dict[str, Any],
    contact: Mapping[str, str] | None = None,
    travellers: Sequence[Mapping[str, Any]] = (),
    details: Mapping[str, Any] | None = None,
    referral_code: str = "",
    language: str = "en",
    customer_id: UUID | None = None,
    age_reason: str = "",
    actor: Any = None,
) -> Draft:
    """The booking of what a usable hold keeps. It writes nothing.

    `contact` is `{"name", "email", "phone"}` (a customer who signed in may leave it out), `travellers` are
    `{"category", "first_name", "last_name", …}` and, where named, must be the party that was priced, at the categories' ages
    (`ages.refuse_other_ages`, with `age_reason`). Staff book for somebody by `customer_id`, or for a caller without an account
    by contact alone; who calls for a partner is the booking's agent, as if they had booked themselves.
    Raises `TravellersMismatch`, `AgeOutsideCategory`, `AgesNotAllowed`, `ReasonRequired`, `CustomerNotFound`,
    `ContactRequired`.
    """
    _refuse_other_travellers(travellers, hold.quote["guests"])
    refuse_other_ages(travellers, hold.quote, actor=actor, reason=age_reason)
    is_agent = actor is not None and role_of(actor) == Role.Code.AGENT
    is_clerk = actor is not None and actor.has_perm("bookings.add_booking")
    agent_id = actor.pk if is_agent else None
    if customer_id is not None:
        if not is_clerk or (role := _role_here(customer_id)) is None:
            raise CustomerNotFound
        agent_id, customer_id = (customer_id, None) if role == Role.Code.AGENT else (agent_id, customer_id)
    own = actor.pk if actor is not None and not agent_id and not is_clerk else None
    quote = hold.quote
    booking = Booking(
        reference=short_reference("BK"),
        kind=kind,
        customer_id=customer_id or own,
        created_by_id=actor.pk if actor else None,
        agent_id=agent_id,
        status=BookingStatus.PENDING_PAYMENT,
        currency=quote["currency"],
        total=Decimal(quote["total"]),
        quote=quote,
        policy=policy,
        guests=sum(quote["guests"].values()),
        starts_at=datetime.fromisoformat(quote["starts_at"]),
        ends_at=datetime.fromisoformat(quote["ends_at"]),
        expires_at=hold.expires_at,
        referral_code=referral_code,
        language=language,
        **deposit_columns(quote),
        flight_at=(details or {}).get("flight_at"),
        **{name: (details or {}).get(name, "") for name in DETAILS},
    )
    _set_contact(booking, contact, actor)
    return Draft(
        booking=booking,
        item=BookingItem(
            booking=booking,
            kind=kind,
            departure_id=hold.departure_id,
            hold=hold,
            title_en=_title(quote, "en"),
            title_ar=_title(quote, "ar"),
            party=quote["guests"],
            seats=hold.seats,
            amount=booking.total,
            status=booking.status,
        ),
        travellers=[
            Traveller(booking=booking, position=place, **traveller) for place, traveller in enumerate(travellers)
        ],
        line=BookingEvent(
            booking=booking,
            new_status=booking.status,
            actor_id=actor.pk if actor else None,
            reason=age_reason.strip()[:500] if is_clerk else "",
            address=current_caller.get().address,
        ),
    )


def _role_here(user_id: UUID) -> str | None:
    """The role of somebody with the tenant at hand; None of a stranger."""
    return Membership.objects.filter(user_id=user_id).values_list("role__code", flat=True).first()


def deposit_columns(quote: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a booking that say what of a frozen quote is its deposit, and when the balance is due."""
    agreed = quote.get("deposit")
    if not agreed:
        return {"deposit_amount": None, "balance_due_at": None, "balance_remind_at": None, "balance_cancel_at": None}
    cancel_at = agreed["cancel_at"]
    return {
        "deposit_amount": Decimal(agreed["amount"]),
        "balance_due_at": datetime.fromisoformat(agreed["balance_due_at"]),
        "balance_remind_at": datetime.fromisoformat(agreed["remind_at"]),
        "balance_cancel_at": datetime.fromisoformat(cancel_at) if cancel_at else None,
    }


def role_of(actor: Any) -> str:
    """The role of a user or account with the tenant at hand (`AGENT`, …), or nothing."""
    role = getattr(actor, "role", None)
    if role is not None:
        return str(role)
    membership = actor.membership
    return str(membership.role.code) if membership else ""


def frozen_policy(policy_id: UUID) -> dict[str, Any]:
    """A cancellation policy as it is kept on a booking: what was agreed, whatever becomes of the row."""
    return kept(CancellationPolicy.objects.prefetch_related("tiers").get(pk=policy_id))


def kept(policy: CancellationPolicy) -> dict[str, Any]:
    """The same of a policy that has been read."""
    return kept_terms(
        policy.name_en, policy.name_ar, [(tier.hours_before, tier.refund_percent) for tier in policy.tiers.all()]
    )


def kept_terms(name_en: str, name_ar: str, tiers: Sequence[tuple[int, Decimal]]) -> dict[str, Any]:
    """The same of a policy's names and tiers (hours before the start, percent that comes back), the earliest first."""
    return {
        "name_en": name_en,
        "name_ar": name_ar,
        "tiers": [
            {"hours_before": hours, "refund_percent": format(percent.normalize(), "f")} for hours, percent in tiers
        ],
    }


def _title(quote: Mapping[str, Any], language: str) -> str:
    return f"{quote['title'][language]} · {quote['option'][language]}"[:320]


def _refuse_other_travellers(travellers: Sequence[Mapping[str, Any]], guests: Mapping[str, int]) -> None:
    if not travellers:
        return
    named = Counter(traveller.get("category", "adult") for traveller in travellers)
    if named != Counter(guests):
        raise TravellersMismatch(details={"named": dict(named), "priced": dict(guests)})


def _set_contact(booking: Booking, contact: Mapping[str, str] | None, actor: Any) -> None:
    given = dict(contact or {})
    if not given and actor is not None and booking.customer_id == actor.pk:
        given = {"name": actor.get_full_name(), "email": actor.email}
    if not given.get("name") or not given.get("email"):
        raise ContactRequired(details={"contact": [str(ContactRequired.message)]})
    booking.contact_name, booking.contact_email = given["name"], given["email"]
    booking.contact_phone = given.get("phone", "")
