"""What goes back of a booking: the figure that is told is the one that `payments` gives back.

What was paid beyond the price is on its way back already: each change that made it so said so, and is never said again.
"""

from decimal import Decimal

from bookings.models import Booking


def goes_back(booking: Booking, total: Decimal) -> Decimal:
    """What a cheaper `total` brings back, in major units: what is kept of the price so far, beyond the new one."""
    return max(min(booking.total, booking.amount_kept) - total, Decimal(0))


def has_gone_back(booking: Booking) -> bool:
    """Whether money went back, or is on its way: a dearer price would ask again for a part of what was promised."""
    return booking.amount_refunded > 0 or booking.amount_kept > booking.total
