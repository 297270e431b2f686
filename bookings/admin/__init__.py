"""The back-office of bookings."""

from bookings.admin.bookings import BookingAdmin
from bookings.admin.holds import HoldAdmin
from bookings.admin.set_up import BookingKindAdmin

__all__ = ["BookingAdmin", "BookingKindAdmin", "HoldAdmin"]
