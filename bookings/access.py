"""Who may come to a booking: its customer, its agent, staff, and whoever holds the signed link that its mails carry."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from rest_framework.exceptions import PermissionDenied

from bookings.errors import BookingNotFound
from bookings.models import Booking

LINK_SALT = "bookings.link"
VOUCHER_SALT = "bookings.voucher"
LINK_LASTS = 400 * 24 * 3600  # seconds: a year's trip and some time to complain


def booking_token(booking: Booking) -> str:
    """The secret part of the booking's link: whoever has it may do what its customer may. Nothing is stored."""
    return signing.TimestampSigner(salt=LINK_SALT).sign(booking.pk.hex)


def booking_id_of(token: str) -> UUID:
    """The booking that a link's token opens. Raises `BookingNotFound` for a forged or outdated one."""
    try:
        return UUID(signing.TimestampSigner(salt=LINK_SALT).unsign(token, max_age=LINK_LASTS))
    except (signing.BadSignature, ValueError) as fault:
        raise BookingNotFound from fault


def booking_link(booking: Booking) -> str:
    """The address of the page that shows the booking to whoever has the link."""
    return f"{settings.PUBLIC_URL}/b/{booking_token(booking)}"


def voucher_code(booking: Booking) -> str:
    """What the voucher's QR code proves: the reference, signed. It opens nothing but the state of the voucher."""
    return signing.Signer(salt=VOUCHER_SALT).sign(booking.reference)


def reference_of(code: str) -> str:
    """The reference in a voucher's code. Raises `BookingNotFound` for a forged one."""
    try:
        return signing.Signer(salt=VOUCHER_SALT).unsign(code)
    except signing.BadSignature as fault:
        raise BookingNotFound from fault


def voucher_link(booking: Booking) -> str:
    """The address in the voucher's QR code."""
    return f"{settings.PUBLIC_URL}/v/{voucher_code(booking)}"


def given_token(request: Any) -> str:
    """The booking token that came with a request: `X-Booking-Token`, else `?token=`."""
    return request.headers.get("X-Booking-Token") or request.query_params.get("token", "")


def booking_for(request: Any, booking_id: UUID) -> Booking:
    """The booking with all that answers show, if the caller may see it; else `BookingNotFound`."""
    found = Booking.objects.visible_to(request.user).for_display().filter(pk=booking_id).first()
    if found is None and opened_by_token(request, booking_id):
        found = Booking.objects.for_display().filter(pk=booking_id).first()
    if found is None:
        raise BookingNotFound
    return found


def opened_by_token(request: Any, booking_id: UUID) -> bool:
    """Whether the request carries the signed link of this booking."""
    token = given_token(request)
    return bool(token) and booking_id_of(token) == booking_id


def refuse_unless_may(request: Any, booking: Booking, permission: str) -> None:
    """Owners and holders of the link act on their booking; staff need the permission. Raises `PermissionDenied`."""
    user = request.user
    owns = user.is_authenticated and user.pk in (booking.customer_id, booking.agent_id)
    if not owns and not user.has_perm(permission) and not opened_by_token(request, booking.pk):
        raise PermissionDenied


def actor_of(request: Any) -> Any:
    """Who acts: the account, or None for a stranger."""
    return request.user if request.user.is_authenticated else None
