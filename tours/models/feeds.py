"""Feeds for other companies: the last good one stays until a better one is made."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned


class FeedKind(models.TextChoices):
    THINGS_TO_DO = "things-to-do", _("Google Things to do")


class Feed(TenantOwned):
    """What was published last, and why a later attempt was refused."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("feed"), max_length=20, choices=FeedKind.choices)
    products = models.PositiveIntegerField(_("products"), default=0)
    made_at = models.DateTimeField(_("published at"), null=True)
    # [{"tour": id, "title": …, "reason": …}] of the newest attempt
    left_out = models.JSONField(_("left out"), default=list)
    refused_at = models.DateTimeField(_("refused at"), null=True)
    refusal = models.CharField(_("why it was refused"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("feed")
        verbose_name_plural = _("feeds")
        constraints = [models.UniqueConstraint(fields=["tenant", "kind"], name="feed_kind_once")]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class FeedPart(TenantOwned):
    """A file of the feed; a large catalogue has several."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    feed = TenantForeignKey(Feed, models.CASCADE, related_name="parts")
    number = models.PositiveSmallIntegerField()
    body = models.TextField()

    class Meta:
        verbose_name = _("part of a feed")
        verbose_name_plural = _("parts of feeds")
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["feed", "number"], name="feed_part_once")]

    def __str__(self) -> str:
        return str(self.number)
