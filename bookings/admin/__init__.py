"""The back-office of bookings."""

from bookings.admin.allotments import AllotmentAdmin, allotment_grid
from bookings.admin.availability import change_availability
from bookings.admin.bookings import BookingAdmin
from bookings.admin.calendar import departure_calendar
from bookings.admin.day import CheckInAdmin
from bookings.admin.day_prices import day_prices
from bookings.admin.exchange import exchange
from bookings.admin.holds import HoldAdmin
from bookings.admin.messages import write_to_guests
from bookings.admin.offers import ChoiceOfferAdmin
from bookings.admin.partners import PartnerAdmin
from bookings.admin.plans import PlannedChangeAdmin, planned_change
from bookings.admin.preview import price_preview
from bookings.admin.reviews import ReviewAdmin, moderation
from bookings.admin.set_up import BookingKindAdmin
from bookings.admin.why import why_this_price

__all__ = [
    "AllotmentAdmin",
    "BookingAdmin",
    "BookingKindAdmin",
    "CheckInAdmin",
    "ChoiceOfferAdmin",
    "HoldAdmin",
    "PartnerAdmin",
    "PlannedChangeAdmin",
    "ReviewAdmin",
    "allotment_grid",
    "change_availability",
    "day_prices",
    "departure_calendar",
    "exchange",
    "moderation",
    "planned_change",
    "price_preview",
    "why_this_price",
    "write_to_guests",
]
