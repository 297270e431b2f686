"""A booking's life in outline: what `telling` writes down in full."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from bookings.models import BookingKind
from tours.prices import Terms

# How long a hold of the demo lasted: the stories are told at a human pace, whatever HOLD_SECONDS is set to here.
HELD_FOR = timedelta(minutes=15)


class Ending(StrEnum):
    """How far the story goes."""

    WAITING = "WAITING"  # booked, not paid yet
    REFUSED = "REFUSED"  # the card was declined; the booking can still be paid
    CONFIRMED = "CONFIRMED"
    ON_ACCOUNT = "ON_ACCOUNT"  # confirmed by staff without payment
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    NO_SHOW = "NO_SHOW"
    EXPIRED = "EXPIRED"  # never paid
    GIVEN_UP = "GIVEN_UP"  # never paid, though the payer had gone to the gateway
    PAID_LATE = "PAID_LATE"  # paid after the end, when the seats were gone: given back
    CANCELLED_UNPAID = "CANCELLED_UNPAID"
    CANCELLED = "CANCELLED"
    REFUND_REFUSED = "REFUND_REFUSED"  # cancelled, but the gateway would not give the money back


HAS_SEATS = frozenset({Ending.CONFIRMED, Ending.ON_ACCOUNT, Ending.IN_PROGRESS, Ending.COMPLETED, Ending.NO_SHOW})
HOLDS_SEATS = frozenset({Ending.WAITING, Ending.REFUSED})
UNPAID = frozenset(
    {Ending.WAITING, Ending.REFUSED, Ending.ON_ACCOUNT, Ending.EXPIRED, Ending.GIVEN_UP, Ending.CANCELLED_UNPAID}
)


@dataclass(frozen=True)
class Buyer:
    """Who booked for whom. `actor_id` is who did it: the customer, a clerk, an agent, or nobody with an account."""

    name: str
    email: str
    phone: str
    language: str
    customer_id: UUID | None = None
    actor_id: UUID | None = None
    is_agent: bool = False


@dataclass(frozen=True)
class Story:
    """`terms` are those of the departure in the price list's currency; `rate` is one unit of it in `currency`."""

    terms: Terms
    kind: BookingKind
    policy: Mapping[str, Any]
    party: Mapping[str, int]
    extras: Sequence[Mapping[str, Any]]
    currency: str
    rate: Decimal
    buyer: Buyer
    travellers: Sequence[Mapping[str, Any]]
    booked_at: datetime
    ending: Ending
    reference: str
    # When it was cancelled, given the party did not travel.
    ended_at: datetime | None = None
    reason: str = ""
    clerk_id: UUID | None = None
    declined_first: bool = False
    special_requests: str = ""
