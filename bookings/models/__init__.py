"""Holds and bookings: who goes, on what, in which state, and how it came to be so."""

from bookings.models.booking import (
    Booking,
    BookingItem,
    BookingKind,
    BookingStatus,
    PaymentState,
    Traveller,
)
from bookings.models.history import BookingEvent
from bookings.models.hold import Hold, HoldStatus

__all__ = [
    "Booking",
    "BookingEvent",
    "BookingItem",
    "BookingKind",
    "BookingStatus",
    "Hold",
    "HoldStatus",
    "PaymentState",
    "Traveller",
]
