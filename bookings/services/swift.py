"""A booking of a hold in two statements: one reads what the hold keeps, one writes all that a booking is.

It does what `bookings.create_booking` does for the usual case, and hands everything else to it: whatever is refused, costs
nothing, or meets another request is left untouched, and None is returned. So no rule stands here, and no refusal either.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, connection

from accounts.models import IdempotencyKey
from bookings.models import Booking, BookingEvent, BookingItem, BookingKind, Hold, HoldStatus, Traveller
from bookings.services.drafts import Draft, draft_booking, kept_terms
from bookings.services.holds import is_usable, may_use
from bookings.services.keys import ClientKey
from config import metrics
from config.db.rows import as_row, as_rows, inserting
from config.errors import DomainError
from notifications.models import Delivery, Event
from notifications.outbox import fact
from notifications.posting import post_on_commit

# What a booking takes over from the hold and the catalogue, and what its answer shows of them.
SEEN = """
SELECT h.departure_id, h.customer_id, h.token_hash, h.seats, h.quote, h.status, h.expires_at,
    EXISTS (SELECT FROM bookings_bookingitem i WHERE i.hold_id = h.id),
    d.starts_at, t.id, t.meeting_point_en, t.meeting_point_ar, g.time_zone,
    p.name_en, p.name_ar,
    (SELECT json_agg(json_build_array(x.hours_before, x.refund_percent::text) ORDER BY x.hours_before DESC)
        FROM tours_cancellationtier x WHERE x.policy_id = p.id),
    k.id, k.code, k.name_en, k.name_ar, k.icon, k.colour
FROM bookings_hold h
JOIN tours_departure d ON d.id = h.departure_id
JOIN tours_tour t ON t.id = d.tour_id
JOIN tours_destination g ON g.id = t.destination_id
JOIN tours_cancellationpolicy p ON p.id = t.cancellation_policy_id
JOIN bookings_bookingkind k ON k.tenant_id = h.tenant_id AND k.code = t.kind
WHERE h.id = %s::uuid
"""

# Written only while the hold is as it was seen: active, in time, without a booking. Its lock is enough: expiry, release
# and extension wait for it. Of two requests for one hold the second breaks `hold_in_one_item`, and nothing of it stays.
WRITE = f"""
WITH held AS (
    SELECT h.tenant_id FROM bookings_hold h
    WHERE h.id = %(hold)s::uuid AND h.status = 'ACTIVE' AND h.expires_at > now()
      AND h.expires_at = %(expires_at)s::timestamptz
    FOR NO KEY UPDATE
),
booking AS ({inserting(Booking, "booking", "held")}),
item AS ({inserting(BookingItem, "item", "held")}),
travellers AS ({inserting(Traveller, "travellers", "held", many=True)}),
history AS ({inserting(BookingEvent, "line", "held")}),
fact AS ({inserting(Event, "fact", "held")}),
deliveries AS ({inserting(Delivery, "deliveries", "held", many=True)})"""
WITHOUT_KEY = "SELECT FROM held"
WITH_KEY = f", key AS ({inserting(IdempotencyKey, 'key', 'held')}) SELECT FROM held"


@dataclass(frozen=True, slots=True)
class Trip:
    """What the answer shows of the departure that was booked."""

    tour_id: UUID
    starts_at: datetime
    time_zone: str
    meeting_point_en: str
    meeting_point_ar: str


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking that is about to be written, with everything that its answer shows."""

    draft: Draft
    trip: Trip


def book(
    *,
    hold_id: UUID,
    show: Callable[[Booked], dict[str, Any]],
    hold_token: str = "",
    actor: Any = None,
    key: ClientKey | None = None,
    **asked: Any,
) -> dict[str, Any] | None:
    """Book what a hold keeps, with the key and the answer, which `show` makes and this returns.

    `asked` is what `draft_booking` takes. None where nothing was written and the plain way has to look.
    """
    seen = _see(hold_id)
    if seen is None:
        return None
    hold, trip, kind, policy = seen
    if not is_usable(hold) or not may_use(hold, actor, hold_token):
        return None
    try:
        draft = draft_booking(hold=hold, kind=kind, policy=policy, actor=actor, **asked)
    except DomainError:
        return None
    if draft.booking.total == 0:
        return None
    answer = show(Booked(draft, trip))
    return answer if _write(draft, key, answer) else None


def _see(hold_id: UUID) -> tuple[Hold, Trip, BookingKind, dict[str, Any]] | None:
    with connection.cursor() as cursor:
        cursor.execute(SEEN, [hold_id])
        row = cursor.fetchone()
    if row is None:
        return None
    departure_id, customer_id, token_hash, seats, quote, status, expires_at, is_booked, *rest = row
    if is_booked or status != HoldStatus.ACTIVE:
        return None
    starts_at, tour_id, meeting_point_en, meeting_point_ar, time_zone, *rest = rest
    policy_en, policy_ar, tiers, *kind = rest
    hold = Hold(
        pk=hold_id,
        departure_id=departure_id,
        customer_id=customer_id,
        token_hash=token_hash,
        seats=seats,
        quote=orjson.loads(quote),
        status=status,
        expires_at=expires_at,
    )
    policy = kept_terms(policy_en, policy_ar, [(hours, Decimal(percent)) for hours, percent in tiers or ()])
    return hold, Trip(tour_id, starts_at, time_zone, meeting_point_en, meeting_point_ar), _kind(kind), policy


def _kind(columns: list[Any]) -> BookingKind:
    return BookingKind(**dict(zip(("pk", "code", "name_en", "name_ar", "icon", "colour"), columns, strict=True)))


def _write(draft: Draft, key: ClientKey | None, answer: dict[str, Any]) -> bool:
    event, deliveries = fact("booking.created", draft.booking)
    values = {
        "hold": draft.item.hold_id,
        "expires_at": draft.booking.expires_at,
        "booking": as_row(draft.booking),
        "item": as_row(draft.item),
        "travellers": as_rows(draft.travellers),
        "line": as_row(draft.line),
        "fact": as_row(event),
        "deliveries": as_rows(deliveries),
    }
    if key is not None:
        values["key"] = as_row(key.row(answer))
    try:
        with connection.cursor() as cursor:
            cursor.execute(WRITE + (WITH_KEY if key is not None else WITHOUT_KEY), values)
            written = cursor.rowcount == 1
    except IntegrityError:  # the key, the hold or the reference is taken: the plain way finds out which
        return False
    if written:
        post_on_commit(deliveries)
        metrics.count(metrics.BOOKINGS, "NEW", draft.booking.status)
    return written
