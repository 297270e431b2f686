"""Holds: seats kept for somebody for a while, at a frozen price.

Taking seats and writing the hold is one statement (`TAKE`), so that the row lock of a popular departure lasts no longer
than it. Where it finds no seats the plain way takes over: let overdue holds go, lock, look again, refuse with what is left.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now

from accounts.models import IdempotencyKey
from bookings import pricing
from bookings.errors import (
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
from bookings.partners import partner_of
from bookings.services.allotted import allotted_to, use_allotted
from bookings.services.expiry import let_go_of_extras, let_go_overdue
from bookings.services.extras import hold_extras
from bookings.services.keys import ClientKey, KeyTaken, is_taken
from bookings.services.locks import free_seats, lock_all, lock_departure, places_to_take
from config import metrics
from config.db.rows import as_row, inserting
from config.errors import DomainError
from tours.caching import seats_changed
from tours.errors import DepartureNotFound, ExtraSoldOut
from tours.models import Departure, DepartureStatus
from tours.prices import recent_terms
from tours.selectors.capacity import departures_sharing
from tours.services.seats import move_seats

TAKE = """
WITH seats AS (
    UPDATE tours_departure SET seats_held = seats_held + %(seats)s::int
    WHERE id = %(departure)s::uuid AND status = 'OPEN' AND starts_at = %(starts_at)s::timestamptz
      AND CASE WHEN %(by_partner)s::boolean THEN coalesce(partner_cutoff_at, cutoff_at) ELSE cutoff_at END > now()
      AND (opens_at IS NULL OR opens_at <= now())
      AND seats_held + seats_booked + seats_allotted + %(seats)s::int <= capacity AND NOT is_limited
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
WITH_KEY = f"{inserting(IdempotencyKey, 'key', 'hold')} RETURNING id"


def hold_seats(
    *,
    departure_id: UUID,
    guests: Mapping[str, int],
    extras: Sequence[Mapping[str, Any]] = (),
    currency: str | None = None,
    voucher_code: str = "",
    pickup: Mapping[str, Any] | None = None,
    transfer: Mapping[str, Any] | None = None,
    fingerprint: str = "",
    actor: Any = None,
    payer: Any = None,
    key: ClientKey | None = None,
) -> Hold:
    """Keep the party's seats for `HOLD_SECONDS` at today's price, which is that of `payer` where staff hold for somebody.

    Whoever is nobody (`actor` None) gets a secret in `hold.token`, which is stored as a hash only. With the `fingerprint` of
    a quote seen before, another price is refused. With `key`, hold and key are written together or not at all.
    Raises what `pricing.quote` raises, `PriceChanged`, `DepartureClosed`, `CutoffPassed`, `SeatsUnavailable`,
    `ExtraSoldOut`, `KeyTaken`.
    """
    quote = pricing.quote(
        departure_id=departure_id,
        guests=guests,
        extras=extras,
        currency=currency,
        voucher_code=voucher_code,
        pickup=pickup,
        transfer=transfer,
        customer=payer or actor,
    )
    if fingerprint and fingerprint != quote.fingerprint:
        raise PriceChanged(details={"quote": pricing.in_words(quote.as_json())})
    hold = _new_hold(quote, actor)
    with _refusing_taken_keys(key):
        hold.partner = partner_of(payer or actor)
        has_places = allotted_to(hold.partner, departure_id) is not None
        if has_places or pricing.stocked_extras(hold.quote) or not take(hold, key):
            if not has_places:
                _refuse_where_hopeless(hold)
            crowded = departures_to_clear(departure_id)
            if (
                len(crowded) > 1 and connection.in_atomic_block
            ):  # then their locks stay: all of them first, in their order
                lock_all(Departure.objects.filter(pk__in=crowded), extras_follow=True)
            for one in crowded:
                let_go_overdue(one)
            try:
                take_plainly(hold, key)
            except ExtraSoldOut:
                if not let_go_of_extras(departure_id):
                    raise
                take_plainly(hold, key)
    return _made(hold, quote)


def hold_seats_swiftly(
    *, departure_id: UUID, fingerprint: str = "", actor: Any = None, key: ClientKey | None = None, **party: Any
) -> Hold:
    """As `hold_seats`, at a price that was right at most `PRICES_KEPT_SECONDS` seconds ago: one statement in a rush.

    Whatever such a price list would refuse, a departure without seats, and extras of which there are only so many are looked at
    by `hold_seats`.
    """
    try:
        terms = recent_terms(departure_id)
        quote = pricing.quote(departure_id=departure_id, customer=actor, terms=terms, **party)
    except DomainError:
        quote = None
    is_stocked = quote is not None and any(extra.get("stocked") for extra in quote.extras)
    if quote is not None and not is_stocked and partner_of(actor) is None and fingerprint in ("", quote.fingerprint):
        hold = _new_hold(quote, actor)
        with _refusing_taken_keys(key):
            if take(hold, key):
                return _made(hold, quote)
        _refuse_where_hopeless(hold)
    return hold_seats(departure_id=departure_id, fingerprint=fingerprint, actor=actor, key=key, **party)


@contextmanager
def _refusing_taken_keys(key: ClientKey | None) -> Iterator[None]:
    try:
        yield
    except IntegrityError as fault:
        if is_taken(key, fault):
            raise KeyTaken from fault
        raise


def _made(hold: Hold, quote: pricing.Quote) -> Hold:
    transaction.on_commit(partial(seats_changed, quote.tour_id))
    metrics.count(metrics.HOLDS, "MADE")
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
    hold.by_partner = quote.by_partner
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
        "starts_at": hold.quote["starts_at"],
        "by_partner": hold.by_partner,
        "created_at": hold.created_at,
        "expires_at": hold.expires_at,
    }
    if key is not None:
        values["key"] = as_row(key.row(key.answer(hold)))
    with connection.cursor() as cursor:
        cursor.execute(TAKE + (WITH_KEY if key is not None else WITHOUT_KEY), values)
        taken = cursor.fetchone() is not None
    hold._state.adding = not taken
    return taken


@transaction.atomic
def take_plainly(hold: Hold, key: ClientKey | None, *, late: bool = False) -> None:
    """The same in plain steps under the lock; refuses with what is left. With `late` until the start, whatever the cut-off."""
    departure = lock_departure(hold.departure_id)
    if not late:
        _refuse_unless_on_sale(departure, hold.by_partner)
    elif departure.status != DepartureStatus.OPEN or departure.is_over:
        raise DepartureClosed
    own = allotted_to(hold.partner, departure.pk)
    left = places_to_take(departure) + (own.left if own else 0)
    if left < hold.seats:
        raise SeatsUnavailable(left=left, asked=hold.seats)
    taken = use_allotted(hold, own)
    move_seats(departure.pk, held=hold.seats, allotted=-taken)
    hold.save(force_insert=True)
    hold_extras(hold, departure)
    if key is not None:
        key.row(key.answer(hold)).save(force_insert=True)


def _refuse_where_hopeless(hold: Hold) -> None:
    """Refuse without a lock where no overdue hold could make room, so that a sold-out departure is no queue."""
    departure = Departure.objects.filter(pk=hold.departure_id).first()
    if departure is None:
        raise DepartureNotFound
    _refuse_unless_on_sale(departure, hold.by_partner)
    if departure.seats_left < hold.seats and not Hold.objects.overdue().filter(departure=departure).exists():
        raise SeatsUnavailable(left=max(departure.seats_left, 0), asked=hold.seats)


def departures_to_clear(departure_id: UUID) -> list[UUID]:
    """The departure, and those that share places with it and have overdue holds, in the order in which they are locked."""
    others = Hold.objects.overdue().filter(departure_id__in=departures_sharing(departure_id))
    return sorted({departure_id, *others.values_list("departure_id", flat=True)})


def _refuse_unless_on_sale(departure: Departure, by_partner: bool) -> None:
    if departure.status != DepartureStatus.OPEN:
        raise DepartureClosed
    pricing.refuse_out_of_time(departure, by_partner)


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
    free_seats(hold)
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
