"""Files that a confirmed booking brings: the voucher and the calendar entry."""

from bookings.documents.calendar import calendar_ics
from bookings.documents.voucher import voucher_pdf

__all__ = ["calendar_ics", "voucher_pdf"]
