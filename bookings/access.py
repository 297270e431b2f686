"""Who may come to a booking: its customer, its agent, staff, and whoever holds the signed link that its mails carry."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID

from django.core import signing
from rest_framework.exceptions import PermissionDenied

from bookings.errors import BookingNotFound
from bookings.models import Booking, ChoiceOffer
from config.tenancy import tenant_at_hand, tenant_id_or_raise
from notifications.mail import site_url

LINK_SALT = "bookings.link"
VOUCHER_SALT = "bookings.voucher"
OFFER_SALT = "bookings.choice"
LINK_LASTS = 400 * 24 * 3600  # seconds: a year's trip and some time to complain


def booking_token(booking: Booking) -> str:
    """The secret part of the booking's link: whoever has it may do what its customer may. Nothing is stored.

    It names the operator too, because a link is opened without a header that could.
    """
    return signing.TimestampSigner(salt=LINK_SALT).sign(_packed(booking.pk.bytes + tenant_id_or_raise().bytes))


def opened_by(token: str) -> tuple[UUID, UUID]:
    """The booking that a link's token opens, and its operator. Raises `BookingNotFound` for a forged or outdated one."""
    try:
        both = _unpacked(signing.TimestampSigner(salt=LINK_SALT).unsign(token, max_age=LINK_LASTS))
        return UUID(bytes=both[:16]), UUID(bytes=both[16:])
    except (signing.BadSignature, ValueError) as fault:
        raise BookingNotFound from fault


def booking_link(booking: Booking) -> str:
    """The address of the page that shows the booking to whoever has the link."""
    return f"{site_url(tenant_at_hand())}/b/{booking_token(booking)}"


def offer_link(offer: ChoiceOffer) -> str:
    """The address of the page on which the guest chooses. Whoever has it answers for the guest."""
    return f"{site_url(tenant_at_hand())}/c/{offer_token(offer)}"


def offer_token(offer: ChoiceOffer) -> str:
    """The secret part of that address; it names the operator too."""
    return signing.Signer(salt=OFFER_SALT).sign(_packed(offer.pk.bytes + tenant_id_or_raise().bytes))


def offer_of(token: str) -> tuple[UUID, UUID]:
    """The choice that such a secret opens, and its operator. Raises `BookingNotFound` for a forged one."""
    try:
        both = _unpacked(signing.Signer(salt=OFFER_SALT).unsign(token))
        return UUID(bytes=both[:16]), UUID(bytes=both[16:])
    except (signing.BadSignature, ValueError) as fault:
        raise BookingNotFound from fault


def review_link(booking: Booking) -> str:
    """The address where the trip is reviewed by whoever has the link."""
    return f"{booking_link(booking)}/review"


def voucher_link(booking: Booking) -> str:
    """The address in the voucher's QR code. It opens nothing but the state of the voucher."""
    code = signing.Signer(salt=VOUCHER_SALT).sign(f"{booking.reference}.{_packed(tenant_id_or_raise().bytes)}")
    return f"{site_url(tenant_at_hand())}/v/{code}"


def proven_by(code: str) -> tuple[str, UUID]:
    """The reference in a voucher's code, and its operator. Raises `BookingNotFound` for a forged one."""
    try:
        reference, _dot, tenant = signing.Signer(salt=VOUCHER_SALT).unsign(code).partition(".")
        return reference, UUID(bytes=_unpacked(tenant))
    except (signing.BadSignature, ValueError) as fault:
        raise BookingNotFound from fault


def _packed(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _unpacked(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


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
    return bool(token) and opened_by(token)[0] == booking_id


def refuse_unless_may(request: Any, booking: Booking, permission: str) -> None:
    """Owners and holders of the link act on their booking; staff need the permission. Raises `PermissionDenied`."""
    user = request.user
    owns = user.is_authenticated and user.pk in (booking.customer_id, booking.agent_id)
    if not owns and not user.has_perm(permission) and not opened_by_token(request, booking.pk):
        raise PermissionDenied


def actor_of(request: Any) -> Any:
    """Who acts: the account, or None for a stranger."""
    return request.user if request.user.is_authenticated else None
