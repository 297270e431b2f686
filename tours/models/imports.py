"""A table on its way in: kept while it is looked at and written in the background."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.ids import uuid7
from config.models import TenantOwned


class ImportStatus(models.TextChoices):
    CHECKING = "CHECKING", _("Being looked at")
    CHECKED = "CHECKED", _("Looked at")
    WRITING = "WRITING", _("Being written")
    DONE = "DONE", _("Imported")
    FAILED = "FAILED", _("Not imported")


class ImportRun(TenantOwned):
    """The file, what its dry run said, and how far it is. The file goes once it is imported or too old.

    Whoever works on a run holds its row: a second worker passes by.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("what"), max_length=20)
    name = models.CharField(_("file"), max_length=200)
    content = models.BinaryField(_("content"), help_text=_("Compressed."))
    language = models.CharField(_("language"), max_length=5)
    status = models.CharField(
        _("status"), max_length=10, choices=ImportStatus.choices, default=ImportStatus.CHECKING, editable=False
    )
    good_rows_only = models.BooleanField(_("without the faulty rows"), default=False)
    outcome = models.JSONField(_("outcome"), default=dict)
    refusal = models.TextField(_("refusal"), blank=True, default="")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("started by")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    sent_at = models.DateTimeField(_("last sent to a worker"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=ImportStatus.values), name="import_status_known")
        ]
        indexes = [models.Index(fields=["tenant", "created_at"], name="import_by_time")]

    def __str__(self) -> str:
        return self.name
