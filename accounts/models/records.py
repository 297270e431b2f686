"""What is written down for everyone: the audit trail, clients' keys, reports of the nightly proof."""

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from config.ids import uuid7
from config.models import TenantOwned

APPEND_ONLY = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]


class AuditEntry(TenantOwned):
    """Who did what to which row. Written in the transaction of the change; the database refuses to edit it."""

    class Outcome(models.TextChoices):
        DONE = "DONE", _("Done")
        REFUSED = "REFUSED", _("Refused")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("at"), auto_now_add=True)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("who"))
    actor_name = models.CharField(_("name of who"), max_length=120, blank=True, default="")
    action = models.CharField(_("action"), max_length=80)
    subject_type = models.CharField(_("kind of thing"), max_length=60)
    subject_id = models.CharField(_("id of the thing"), max_length=64)
    subject_name = models.CharField(_("thing"), max_length=200, blank=True, default="")
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    address = models.GenericIPAddressField(_("address"), null=True)
    agent = models.CharField(_("browser"), max_length=300, blank=True, default="")
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices, default=Outcome.DONE)
    request_id = models.CharField(_("request"), max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["tenant", "-at"], name="audit_by_time"),
            models.Index(fields=["tenant", "subject_type", "subject_id"], name="audit_by_subject"),
        ]
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return f"{self.action} {self.subject_name}"


class IdempotencyKey(TenantOwned):
    """A client's key and the answer its request got (see `config.idempotency`). No status means: still running."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    caller = models.CharField(max_length=64)
    route = models.CharField(max_length=60)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    taken_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "caller", "route", "key"], name="idempotency_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class InvariantReport(TenantOwned):
    """What a run of `check_invariants` found for a tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ran_at = models.DateTimeField(_("ran at"), auto_now_add=True)
    is_clean = models.BooleanField(_("clean"))
    faults = models.JSONField(_("faults"), default=dict)
    milliseconds = models.PositiveIntegerField(_("took (ms)"))

    class Meta:
        verbose_name = _("invariants report")
        verbose_name_plural = _("invariants reports")
        ordering = ["-ran_at"]

    def __str__(self) -> str:
        return f"{self.ran_at:%Y-%m-%d %H:%M}"
