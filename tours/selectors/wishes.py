"""What is on a wish list, in the order saved, and the signed link that shows it to others."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import connection

from config.tenancy import tenant_at_hand, tenant_id_or_raise
from notifications.mail import site_url
from tours.errors import WishListNotFound
from tours.models import SharedList

SALT = "tours.wishes"

# What is not on sale now is left out; it is back with the tour.
SAVED = """
WITH saved AS (
    SELECT s.saved_at, s.id, p.card_{language} AS card
    FROM tours_savedtour s JOIN tours_publishedtour p ON p.tour_id = s.tour_id AND p.tenant_id = s.tenant_id
    WHERE s.tenant_id = %(tenant)s::uuid AND s.customer_id = %(customer)s::uuid
), page AS (
    SELECT * FROM saved ORDER BY saved_at {direction}, id {direction} LIMIT %(size)s::int OFFSET %(offset)s::int
)
SELECT (SELECT count(*) FROM saved), coalesce(string_agg('{{"saved_at":"'
    || to_char(saved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","tour":' || card || '}}', ','
    ORDER BY saved_at {direction}, id {direction}), '')
FROM page
"""


def saved_tours(
    customer_id: UUID, *, language: str, page: int, size: int, newest_first: bool = False
) -> tuple[int, str]:
    """How many tours somebody saved, and a page of them as JSON without the brackets. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            SAVED.format(language=language, direction="DESC" if newest_first else "ASC"),
            {"tenant": tenant_id_or_raise(), "customer": customer_id, "size": size, "offset": (page - 1) * size},
        )
        total, items = cursor.fetchone()
    return total, items


def link_token(shared: SharedList) -> str:
    """The secret part of the link. It names the operator too, because a link is opened without a header that could."""
    packed = urlsafe_b64encode(shared.pk.bytes + tenant_id_or_raise().bytes).rstrip(b"=").decode()
    return signing.Signer(salt=SALT).sign(packed)


def list_link(shared: SharedList) -> str:
    """The address of the page that shows the list."""
    return f"{site_url(tenant_at_hand())}/w/{link_token(shared)}"


def opened_by(token: str) -> tuple[UUID, UUID]:
    """The shared list that a token names, and its operator. Raises `WishListNotFound` for a forged one."""
    try:
        packed = signing.Signer(salt=SALT).unsign(token)
        both = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        return UUID(bytes=both[:16]), UUID(bytes=both[16:])
    except (signing.BadSignature, ValueError) as fault:
        raise WishListNotFound from fault


def shared_list(token: str) -> SharedList:
    """The list behind a token of the operator at hand. Raises `WishListNotFound` where it is shared no more."""
    shared_id, tenant_id = opened_by(token)
    found: Any = None
    if tenant_id == tenant_id_or_raise():
        found = SharedList.objects.select_related("customer").filter(pk=shared_id, customer__is_active=True).first()
    if found is None:
        raise WishListNotFound
    shared: SharedList = found
    return shared
