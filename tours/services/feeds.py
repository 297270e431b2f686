"""Publishing feeds. An empty one would take everything off the other side: it is refused, and the last good one stays."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts.audit import record
from config.tenancy import tenant_at_hand
from tours import things_to_do
from tours.errors import FeedRefused
from tours.models import Feed, FeedKind, FeedPart


def publish_things_to_do(*, actor: Any = None) -> Feed:
    """Make the feed anew. Raises `FeedRefused`, kept on the row, without tours to show or a site to link to."""
    try:
        return _publish(FeedKind.THINGS_TO_DO, things_to_do.products, actor)
    except FeedRefused as refusal:
        _keep_refusal(FeedKind.THINGS_TO_DO, refusal)
        raise


@transaction.atomic
def _publish(kind: FeedKind, make: Callable[[Any], things_to_do.Made], actor: Any) -> Feed:
    feed = _locked(kind)
    tenant = tenant_at_hand()
    if not tenant.site_address:
        raise FeedRefused(why=_("The operator's public site is not set, so there is nothing to link to."))
    made = make(tenant)
    if not made.products:
        raise FeedRefused(why=_("There is no tour that could be shown."), left_out=made.left_out)
    moment = now()
    feed.parts.all().delete()
    bodies = things_to_do.parts(made.products, nonce=int(f"{moment:%Y%m%d%H%M%S}"))
    FeedPart.objects.bulk_create(FeedPart(feed=feed, number=number, body=body) for number, body in enumerate(bodies))
    feed.products, feed.left_out, feed.made_at = len(made.products), made.left_out, moment
    feed.refusal, feed.refused_at = "", None
    feed.save()
    record("tours.feed.published", feed, actor=actor, after={"products": feed.products})
    return feed


@transaction.atomic
def _keep_refusal(kind: FeedKind, refusal: FeedRefused) -> None:
    feed = _locked(kind)
    feed.refusal, feed.refused_at = str(refusal)[:300], now()
    feed.left_out = refusal.values.get("left_out", [])
    feed.save(update_fields=["refusal", "refused_at", "left_out"])


def _locked(kind: FeedKind) -> Feed:
    Feed.objects.bulk_create([Feed(kind=kind)], ignore_conflicts=True)
    return Feed.objects.select_for_update().get(kind=kind)
