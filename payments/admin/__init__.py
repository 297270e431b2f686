"""The back-office of money: everything is shown, nothing is typed over; buttons call services."""

from payments.admin.bookings import PaymentInline
from payments.admin.notices import NoticeAdmin
from payments.admin.payments import PaymentAdmin
from payments.admin.refunds import RefundAdmin
from payments.desk.pages import booked, leave, phone_booking

__all__ = [
    "NoticeAdmin",
    "PaymentAdmin",
    "PaymentInline",
    "RefundAdmin",
    "booked",
    "leave",
    "phone_booking",
]
