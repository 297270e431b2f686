"""The back-office of bookings."""

from bookings.admin.availability import change_availability
from bookings.admin.bookings import BookingAdmin
from bookings.admin.day import CheckInAdmin
from bookings.admin.exchange import exchange
from bookings.admin.holds import HoldAdmin
from bookings.admin.partners import PartnerAdmin
from bookings.admin.set_up import BookingKindAdmin

__all__ = [
    "BookingAdmin",
    "BookingKindAdmin",
    "CheckInAdmin",
    "HoldAdmin",
    "PartnerAdmin",
    "change_availability",
    "exchange",
]
