"""Making and changing bookings. What ends or settles them stands in the modules beside this one."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.selectors import people_here
from bookings.errors import BookingEnded, HoldBooked, HoldNotFound, VoucherNotReady
from bookings.kinds import kind_called
from bookings.models import Booking, BookingEvent, BookingStatus, Hold, Traveller
from bookings.services.drafts import DETAILS, Draft, draft_booking, kept
from bookings.services.holds import hold_seats, may_use, refuse_unless_usable
from bookings.services.keys import constraint_of
from bookings.services.locks import lock_booking, lock_departure
from bookings.services.settlement import settle_free_booking
from config import metrics
from config.addresses import current_caller
from config.ids import short_reference
from notifications.outbox import announce

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
    actor: Any = None,
    **asked: Any,
) -> Booking:
    """Book what a hold keeps, at the hold's price; it then waits for payment until the hold ends.

    What else may be said of it, and is refused, is what `drafts.draft_booking` says. A booking that costs nothing is
    confirmed at once. Raises `HoldNotFound`, `HoldExpired`, `HoldReleased`, `HoldBooked` besides. `swift.book` does the same
    in fewer statements for the usual case.
    """
    # What follows in this transaction (a free booking, cash at the desk) locks the departure: so it comes first here too.
    departure_id = Hold.objects.filter(pk=hold_id).values_list("departure_id", flat=True).first()
    if departure_id is None:
        raise HoldNotFound
    lock_departure(departure_id)
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
    tour = hold.departure.tour
    draft = draft_booking(
        hold=hold, kind=kind_called(tour.kind), policy=kept(tour.cancellation_policy), actor=actor, **asked
    )
    _save(draft)
    announce("booking.created", draft.booking)
    if draft.booking.total == 0:
        settle_free_booking(booking_id=draft.booking.pk)
        draft.booking.refresh_from_db()
    return draft.booking


@transaction.atomic
def book_at_once(
    *,
    departure_id: UUID,
    guests: Mapping[str, int],
    extras: Sequence[Mapping[str, Any]] = (),
    currency: str | None = None,
    voucher_code: str = "",
    pickup: Mapping[str, Any] | None = None,
    transfer: Mapping[str, Any] | None = None,
    fingerprint: str = "",
    customer_id: UUID | None = None,
    actor: Any = None,
    **booking: Any,
) -> Booking:
    """Hold and book in one go; the rest of the arguments, and what is raised, as `hold_seats` and `create_booking` say.

    Where staff book for somebody, it is at that person's prices and from their partner's places.
    """
    may_sell = customer_id is not None and actor is not None and actor.has_perm("bookings.add_booking")
    hold = hold_seats(
        departure_id=departure_id,
        guests=guests,
        extras=extras,
        currency=currency,
        voucher_code=voucher_code,
        pickup=pickup,
        transfer=transfer,
        fingerprint=fingerprint,
        actor=actor,
        payer=people_here().filter(pk=customer_id).first() if may_sell else None,
    )
    return create_booking(hold_id=hold.pk, hold_token=hold.token, customer_id=customer_id, actor=actor, **booking)


def _save(draft: Draft) -> None:
    _save_with_reference(draft.booking)
    draft.item.save(force_insert=True)
    Traveller.objects.bulk_create(draft.travellers)
    draft.line.save(force_insert=True)
    metrics.count(metrics.BOOKINGS, "NEW", draft.booking.status)


def _save_with_reference(booking: Booking) -> None:
    """References are short, so two may meet: the constraint tells, and another is drawn."""
    for last in (False, False, False, False, True):
        try:
            with transaction.atomic():
                booking.save(force_insert=True)
            return
        except IntegrityError as fault:
            if last or constraint_of(fault) != "booking_reference_once":
                raise
            booking.reference = short_reference("BK")


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
    unknown = set(changes) - {*CONTACT, *DETAILS, "flight_at"}
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
