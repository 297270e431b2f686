"""Holds and bookings: who goes, on what, in which state, and how it came to be so."""

from bookings.models.allotments import Allotment, AllottedPlaces
from bookings.models.booking import (
    Booking,
    BookingItem,
    BookingKind,
    BookingStatus,
    PaymentState,
    Traveller,
)
from bookings.models.check_in import Attendance, CheckIn, CheckInAction, CheckInMethod
from bookings.models.extras import ExtraHeld
from bookings.models.history import BookingEvent
from bookings.models.hold import Hold, HoldStatus
from bookings.models.net_rates import NetBasis, NetRate
from bookings.models.offers import AnsweredBy, ChoiceOffer, OfferedDeparture, OfferStatus
from bookings.models.partners import Partner, PartnerUser
from bookings.models.reviews import (
    HelpfulVote,
    ReportReason,
    Review,
    ReviewOptOut,
    ReviewPhoto,
    ReviewReport,
    ReviewRequest,
    ReviewStatus,
)

__all__ = [
    "Allotment",
    "AllottedPlaces",
    "AnsweredBy",
    "Attendance",
    "Booking",
    "BookingEvent",
    "BookingItem",
    "BookingKind",
    "BookingStatus",
    "CheckIn",
    "CheckInAction",
    "CheckInMethod",
    "ChoiceOffer",
    "ExtraHeld",
    "HelpfulVote",
    "Hold",
    "HoldStatus",
    "NetBasis",
    "NetRate",
    "OfferStatus",
    "OfferedDeparture",
    "Partner",
    "PartnerUser",
    "PaymentState",
    "ReportReason",
    "Review",
    "ReviewOptOut",
    "ReviewPhoto",
    "ReviewReport",
    "ReviewRequest",
    "ReviewStatus",
    "Traveller",
]
