"""Holds: seats kept for somebody for a while, at a frozen price.

Taking seats and writing the hold is one statement (`TAKE`), so that the row lock of a popular departure lasts no longer
than it. Where it finds no seats the plain way takes over: let overdue holds go, lock, look again, refuse with what is left.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.encoding import force_str
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from accounts.models import IdempotencyKey
from bookings import pricing
from bookings.errors import (
    CutoffPassed,
    DepartureClosed,
    HoldBooked,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    NoMoreExtensions,
    PriceChanged,
    SeatsUnavailable,
)
from bookings.models import Booking, BookingStatus, Hold, HoldStatus
from bookings.services.expiry import let_go_overdue
from bookings.services.locks import lock_departure, move_seats
from config.errors import Conflict
from config.ids import uuid7
from tours.caching import seats_changed
from tours.errors import DepartureNotFound
from tours.models import Departure, DepartureStatus


class KeyTaken(Conflict):
    """Another request with this Idempotency-Key was first. Nothing was written; its answer is the one to give."""

    code = "request_in_progress"
    message = _("The first request with this Idempotency-Key is still running.")


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A client's Idempotency-Key, written by the statement that takes the seats together with the answer to repeat."""

    caller: str
    route: str
    value: str
    body_hash: str
    status: int
    answer: Callable[[Hold], Any]


TAKE = """
WITH seats AS (
    UPDATE tours_departure SET seats_held = seats_held + %(seats)s::int
    WHERE id = %(departure)s::uuid AND status = 'OPEN' AND cutoff_at > now()
      AND seats_held + seats_booked + %(seats)s::int <= capacity
    RETURNING id, tenant_id
), hold AS (
    INSERT INTO bookings_hold
        (id, tenant_id, departure_id, customer_id, token_hash, seats, quote, status, extensions, created_at, expires_at)
    SELECT %(hold)s::uuid, tenant_id, id, %(customer)s::uuid, %(token_hash)s::text, %(seats)s::smallint, %(quote)s::jsonb,
        'ACTIVE', 0, %(created_at)s::timestamptz, %(expires_at)s::timestamptz
    FROM seats RETURNING id, tenant_id
)
"""
WITHOUT_KEY = "SELECT id FROM hold"
WITH_KEY = """
INSERT INTO accounts_idempotencykey (id, tenant_id, caller, route, key, body_hash, status, answer, taken_at)
SELECT %(key_id)s::uuid, tenant_id, %(caller)s::text, %(route)s::text, %(key)s::text, %(body_hash)s::text,
    %(status)s::smallint, %(answer)s::jsonb, %(created_at)s::timestamptz
FROM hold RETURNING id
"""


def hold_seats(
    *,
    departure_id: UUID,
    guests: Mapping[str, int],
    extras: Sequence[Mapping[str, Any]] = (),
    currency: str | None = None,
    voucher_code: str = "",
    fingerprint: str = "",
    actor: Any = None,
    key: ClientKey | None = None,
) -> Hold:
    """Keep the party's seats for `HOLD_SECONDS` at today's price.

    Whoever is nobody (`actor` None) gets a secret in `hold.token`, which is stored as a hash only. With the `fingerprint` of
    a quote seen before, another price is refused. With `key`, hold and key are written together or not at all.
    Raises what `pricing.quote` raises, `PriceChanged`, `DepartureClosed`, `CutoffPassed`, `SeatsUnavailable`, `KeyTaken`.
    """
    quote = pricing.quote(
        departure_id=departure_id,
        guests=guests,
        extras=extras,
        currency=currency,
        voucher_code=voucher_code,
        customer=actor,
    )
    if fingerprint and fingerprint != quote.fingerprint:
        raise PriceChanged(details={"quote": pricing.in_words(quote.as_json())})
    hold = _new_hold(quote, actor)
    try:
        if not take(hold, key):
            _refuse_where_hopeless(hold)
            let_go_overdue(departure_id)
            take_plainly(hold, key)
    except IntegrityError as fault:
        if key is None or constraint_of(fault) != "idempotency_key_once":
            raise
        raise KeyTaken from fault
    transaction.on_commit(partial(seats_changed, quote.tour_id))
    return hold


def _new_hold(quote: pricing.Quote, actor: Any) -> Hold:
    moment = now()
    hold = Hold(
        departure_id=quote.departure_id,
        customer_id=actor.pk if actor else None,
        seats=quote.seats,
        quote=quote.as_json(),
        created_at=moment,
        expires_at=moment + settings.HOLD_FOR,
    )
    hold.token = "" if actor else secrets.token_urlsafe(24)
    hold.token_hash = hash_of(hold.token) if hold.token else ""
    return hold


def take(hold: Hold, key: ClientKey | None) -> bool:
    """Seats, hold and key in one statement; False when the departure has no such seats on sale (nothing is written)."""
    values: dict[str, Any] = {
        "seats": hold.seats,
        "departure": hold.departure_id,
        "hold": hold.pk,
        "customer": hold.customer_id,
        "token_hash": hold.token_hash,
        "quote": orjson.dumps(hold.quote).decode(),
        "created_at": hold.created_at,
        "expires_at": hold.expires_at,
    }
    if key is not None:
        values |= {
            "key_id": uuid7(),
            "caller": key.caller,
            "route": key.route,
            "key": key.value,
            "body_hash": key.body_hash,
            "status": key.status,
            "answer": orjson.dumps(key.answer(hold), default=force_str).decode(),
        }
    with connection.cursor() as cursor:
        cursor.execute(TAKE + (WITH_KEY if key is not None else WITHOUT_KEY), values)
        taken = cursor.fetchone() is not None
    hold._state.adding = not taken
    return taken


@transaction.atomic
def take_plainly(hold: Hold, key: ClientKey | None) -> None:
    """The same in plain steps under the lock; refuses with what is left."""
    departure = lock_departure(hold.departure_id)
    _refuse_unless_on_sale(departure)
    if departure.seats_left < hold.seats:
        raise SeatsUnavailable(left=departure.seats_left, asked=hold.seats)
    move_seats(departure.pk, held=hold.seats)
    hold.save(force_insert=True)
    if key is not None:
        IdempotencyKey.objects.create(
            caller=key.caller,
            route=key.route,
            key=key.value,
            body_hash=key.body_hash,
            status=key.status,
            answer=orjson.loads(orjson.dumps(key.answer(hold), default=force_str)),
        )


def _refuse_where_hopeless(hold: Hold) -> None:
    """Refuse without a lock where no overdue hold could make room, so that a sold-out departure is no queue."""
    departure = Departure.objects.filter(pk=hold.departure_id).first()
    if departure is None:
        raise DepartureNotFound
    _refuse_unless_on_sale(departure)
    if departure.seats_left < hold.seats and not Hold.objects.overdue().filter(departure=departure).exists():
        raise SeatsUnavailable(left=departure.seats_left, asked=hold.seats)


def _refuse_unless_on_sale(departure: Departure) -> None:
    if departure.status != DepartureStatus.OPEN:
        raise DepartureClosed
    if departure.cutoff_at <= now():
        raise CutoffPassed


def find_hold(*, hold_id: UUID, actor: Any = None, token: str = "") -> Hold:
    """The hold, for its owner, for who has its secret, and for staff. Raises `HoldNotFound` for everybody else."""
    hold = Hold.objects.filter(pk=hold_id).first()
    if hold is None or not may_use(hold, actor, token):
        raise HoldNotFound
    return hold


def may_use(hold: Hold, actor: Any, token: str) -> bool:
    """Its owner, who has its secret, and staff who may change holds."""
    if token and hold.token_hash and hmac.compare_digest(hash_of(token), hold.token_hash):
        return True
    if actor is None:
        return False
    return hold.customer_id == actor.pk or actor.has_perm("bookings.change_hold")


def refuse_unless_usable(hold: Hold) -> None:
    """Raise what is the matter with a hold that is not active any more: `HoldExpired`, `HoldReleased`, `HoldBooked`."""
    if hold.status == HoldStatus.CONVERTED:
        raise HoldBooked
    if hold.status == HoldStatus.RELEASED:
        raise HoldReleased
    if hold.status == HoldStatus.EXPIRED or hold.expires_at <= now():
        raise HoldExpired


@transaction.atomic
def extend_hold(*, hold_id: UUID, actor: Any = None, token: str = "") -> Hold:
    """Another `HOLD_SECONDS` from now, for the hold and for the booking that waits on it, `HOLD_EXTENSIONS` times at most.

    Raises `HoldNotFound`, `HoldExpired`, `HoldReleased`, `HoldBooked`, `NoMoreExtensions`.
    """
    hold = _lock_hold(hold_id, actor, token)
    refuse_unless_usable(hold)
    if hold.extensions >= settings.HOLD_EXTENSIONS:
        raise NoMoreExtensions(times=settings.HOLD_EXTENSIONS)
    hold.extensions += 1
    hold.expires_at = now() + settings.HOLD_FOR
    hold.save(update_fields=["extensions", "expires_at"])
    Booking.objects.filter(items__hold=hold, status=BookingStatus.PENDING_PAYMENT).update(expires_at=hold.expires_at)
    return hold


@transaction.atomic
def release_hold(*, hold_id: UUID, actor: Any = None, token: str = "") -> Hold:
    """Give the seats back. A hold with a booking on it is released by cancelling that (`HoldBooked`).

    Raises `HoldNotFound`, `HoldExpired`, `HoldReleased`.
    """
    hold = _lock_hold(hold_id, actor, token)
    refuse_unless_usable(hold)
    if hold.items.exists():
        raise HoldBooked
    hold.move_to(HoldStatus.RELEASED)
    move_seats(hold.departure_id, held=-hold.seats)
    transaction.on_commit(partial(seats_changed, UUID(hold.quote["tour_id"])))
    return hold


def _lock_hold(hold_id: UUID, actor: Any, token: str) -> Hold:
    seen = find_hold(hold_id=hold_id, actor=actor, token=token)
    lock_departure(seen.departure_id)
    return Hold.objects.select_for_update(of=("self",), no_key=True).get(pk=hold_id)


def is_usable(hold: Hold) -> bool:
    """Whether it is active and its time is not over."""
    return hold.status == HoldStatus.ACTIVE and hold.expires_at > now()


def extensions_left(hold: Hold) -> int:
    """How often it may still be extended."""
    return max(0, settings.HOLD_EXTENSIONS - hold.extensions)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def constraint_of(fault: IntegrityError) -> str:
    """The name of the constraint that was broken."""
    diagnostics = getattr(fault.__cause__, "diag", None)
    return str(getattr(diagnostics, "constraint_name", "") or "")
