"""Making and changing bookings. What ends or settles them stands in the modules beside this one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import Membership
from bookings.errors import (
    BookingEnded,
    ContactRequired,
    CustomerNotFound,
    HoldBooked,
    HoldNotFound,
    TravellersMismatch,
    VoucherNotReady,
)
from bookings.kinds import kind_called
from bookings.models import Booking, BookingEvent, BookingItem, BookingStatus, Hold, Traveller
from bookings.services.holds import constraint_of, hold_seats, may_use, refuse_unless_usable
from bookings.services.locks import lock_booking
from bookings.services.settlement import settle_free_booking
from config.addresses import current_caller
from config.ids import short_reference
from notifications.outbox import announce
from tours.models import CancellationPolicy

DETAILS = (
    "special_requests",
    "dietary_needs",
    "accessibility_needs",
    "pickup",
    "emergency_name",
    "emergency_phone",
)
CONTACT = ("contact_name", "contact_email", "contact_phone", "language")
OVER = frozenset(
    {
        BookingStatus.CANCELLED,
        BookingStatus.REFUNDED,
        BookingStatus.EXPIRED,
        BookingStatus.COMPLETED,
        BookingStatus.NO_SHOW,
    }
)


@transaction.atomic
def create_booking(
    *,
    hold_id: UUID,
    hold_token: str = "",
    contact: Mapping[str, str] | None = None,
    travellers: Sequence[Mapping[str, Any]] = (),
    details: Mapping[str, str] | None = None,
    referral_code: str = "",
    language: str = "en",
    customer_id: UUID | None = None,
    actor: Any = None,
) -> Booking:
    """Book what a hold keeps, at the hold's price; it then waits for payment until the hold ends.

    `contact` is `{"name", "email", "phone"}` (a customer who signed in may leave it out), `travellers` are
    `{"category", "first_name", "last_name", …}` and, where named, must be the party that was priced. Staff book for somebody
    by `customer_id`, or for a caller without an account by contact alone. A booking that costs nothing is confirmed at once.
    Raises `HoldNotFound`, `HoldExpired`, `HoldReleased`, `HoldBooked`, `ContactRequired`, `TravellersMismatch`,
    `CustomerNotFound`.
    """
    # The hold's lock is enough: expiry, release and extension wait for it, and nothing here waits for them.
    hold = (
        Hold.objects.select_for_update(of=("self",), no_key=True)
        .select_related("departure__tour__cancellation_policy")
        .filter(pk=hold_id)
        .first()
    )
    if hold is None or not may_use(hold, actor, hold_token):
        raise HoldNotFound
    refuse_unless_usable(hold)
    if hold.items.exists():
        raise HoldBooked
    _refuse_other_travellers(travellers, hold.quote["guests"])
    booking = _new_booking(hold, actor, customer_id)
    booking.referral_code = referral_code
    booking.language = language
    _set_contact(booking, contact, actor)
    for name in DETAILS:
        setattr(booking, name, (details or {}).get(name, ""))
    _save_with_reference(booking)
    BookingItem.objects.create(
        booking=booking,
        kind=booking.kind,
        departure=hold.departure,
        hold=hold,
        title_en=_title(hold, "en"),
        title_ar=_title(hold, "ar"),
        party=hold.quote["guests"],
        seats=hold.seats,
        amount=booking.total,
        status=booking.status,
    )
    if travellers:
        Traveller.objects.bulk_create(
            Traveller(booking=booking, position=place, **traveller) for place, traveller in enumerate(travellers)
        )
    booking.events.create(
        new_status=booking.status, actor_id=actor.pk if actor else None, address=current_caller.get().address
    )
    announce("booking.created", booking)
    if booking.total == 0:
        settle_free_booking(booking_id=booking.pk)
        booking.refresh_from_db()
    return booking


@transaction.atomic
def book_at_once(
    *,
    departure_id: UUID,
    guests: Mapping[str, int],
    extras: Sequence[Mapping[str, Any]] = (),
    currency: str | None = None,
    voucher_code: str = "",
    fingerprint: str = "",
    actor: Any = None,
    **booking: Any,
) -> Booking:
    """Hold and book in one go; the rest of the arguments, and what is raised, as `hold_seats` and `create_booking` say."""
    hold = hold_seats(
        departure_id=departure_id,
        guests=guests,
        extras=extras,
        currency=currency,
        voucher_code=voucher_code,
        fingerprint=fingerprint,
        actor=actor,
    )
    return create_booking(hold_id=hold.pk, hold_token=hold.token, actor=actor, **booking)


def _new_booking(hold: Hold, actor: Any, customer_id: UUID | None) -> Booking:
    quote, tour = hold.quote, hold.departure.tour
    is_agent = actor is not None and role_of(actor) == "AGENT"
    is_clerk = actor is not None and actor.has_perm("bookings.add_booking")
    if customer_id is not None and not (is_clerk and Membership.objects.filter(user_id=customer_id).exists()):
        raise CustomerNotFound
    own = actor.pk if actor is not None and not is_agent and not is_clerk else None
    return Booking(
        kind=kind_called(tour.kind),
        customer_id=customer_id or own,
        created_by_id=actor.pk if actor else None,
        agent_id=actor.pk if is_agent else None,
        status=BookingStatus.PENDING_PAYMENT,
        currency=quote["currency"],
        total=Decimal(quote["total"]),
        quote=quote,
        policy=_kept(tour.cancellation_policy),
        guests=sum(quote["guests"].values()),
        starts_at=datetime.fromisoformat(quote["starts_at"]),
        ends_at=datetime.fromisoformat(quote["ends_at"]),
        expires_at=hold.expires_at,
    )


def role_of(actor: Any) -> str:
    """The role of a user or account with the tenant at hand (`AGENT`, …), or nothing."""
    role = getattr(actor, "role", None)
    if role is not None:
        return str(role)
    membership = actor.membership
    return str(membership.role.code) if membership else ""


def frozen_policy(policy_id: UUID) -> dict[str, Any]:
    """A cancellation policy as it is kept on a booking: what was agreed, whatever becomes of the row."""
    return _kept(CancellationPolicy.objects.prefetch_related("tiers").get(pk=policy_id))


def _kept(policy: CancellationPolicy) -> dict[str, Any]:
    return {
        "name_en": policy.name_en,
        "name_ar": policy.name_ar,
        "tiers": [
            {"hours_before": tier.hours_before, "refund_percent": format(tier.refund_percent.normalize(), "f")}
            for tier in policy.tiers.all()
        ],
    }


def _title(hold: Hold, language: str) -> str:
    quote = hold.quote
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


def _save_with_reference(booking: Booking) -> None:
    """References are short, so two may meet: the constraint tells, and another is drawn."""
    for last in (False, False, False, False, True):
        booking.reference = short_reference("BK")
        try:
            with transaction.atomic():
                booking.save(force_insert=True)
            return
        except IntegrityError as fault:
            if last or constraint_of(fault) != "booking_reference_once":
                raise


@transaction.atomic
def update_booking(*, booking_id: UUID, changes: Mapping[str, Any], actor: Any = None) -> Booking:
    """Change contact, language, requests or needs (the names in `CONTACT` and `DETAILS`; others are a bug).

    The history notes which fields changed, not their values: it cannot be edited, and people may ask to be forgotten.
    Raises `BookingNotFound`, `BookingEnded`.
    """
    booking = lock_booking(booking_id)
    if booking.status in OVER:
        raise BookingEnded(reference=booking.reference)
    changed = sorted(name for name, value in changes.items() if getattr(booking, name) != value)
    unknown = set(changes) - {*CONTACT, *DETAILS}
    if unknown:
        raise ValueError(f"{unknown} cannot be changed here")
    if changed:
        for name in changed:
            setattr(booking, name, changes[name])
        booking.save(update_fields=changed)
        note(booking_id=booking.pk, action="details_changed", actor=actor, data={"fields": changed})
    return booking


@transaction.atomic
def write_staff_note(*, booking_id: UUID, text: str, actor: Any) -> Booking:
    """Replace the note that only staff see."""
    booking = lock_booking(booking_id)
    booking.staff_note = text
    booking.save(update_fields=["staff_note"])
    note(booking_id=booking.pk, action="staff_note", actor=actor)
    return booking


def note(
    booking_id: UUID, action: str, actor: Any = None, data: Mapping[str, Any] | None = None, reason: str = ""
) -> BookingEvent:
    """Add a line to a booking's history (`payment_paid`, `refund_done`, `voucher_resent` …). `data` must be JSON."""
    return BookingEvent.objects.create(
        booking_id=booking_id,
        action=action,
        actor_id=actor.pk if actor else None,
        reason=reason[:500],
        address=current_caller.get().address,
        data=dict(data or {}),
    )


@transaction.atomic
def resend_voucher(*, booking_id: UUID, actor: Any) -> Booking:
    """Send the confirmation with voucher and calendar file again. Raises `BookingNotFound`, `VoucherNotReady`."""
    booking = lock_booking(booking_id)
    if not booking.has_voucher:
        raise VoucherNotReady(reference=booking.reference)
    line = note(booking_id=booking.pk, action="voucher_resent", actor=actor)
    announce("booking.voucher_asked", booking, event=str(line.pk))
    return booking


@transaction.atomic
def send_link(*, reference: str, email: str) -> None:
    """Mail a booking's link to its contact, if reference and e-mail belong together; silent if not."""
    booking = Booking.objects.filter(reference=reference.strip().upper(), contact_email__iexact=email.strip()).first()
    if booking is not None:
        announce("booking.link_asked", booking)
