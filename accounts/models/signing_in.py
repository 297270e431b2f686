"""Sessions that ended and log-ins that failed."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from config.ids import uuid7
from config.models import TenantOwned


class SignedOut(models.Model):
    """A session that ended before its access token did. Read on a cache miss; swept after the token's life."""

    session = models.UUIDField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return str(self.session)


class SignInLock(TenantOwned):
    """Failed log-ins of one e-mail from one address; five lock the pair for 15 minutes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.CharField(_("e-mail"), max_length=254)
    address = models.GenericIPAddressField(_("address"))
    failures = models.PositiveSmallIntegerField(_("failures"), default=0)
    first_failure_at = models.DateTimeField(_("first failure"))
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)

    class Meta:
        verbose_name = _("locked log-in")
        verbose_name_plural = _("locked log-ins")
        constraints = [models.UniqueConstraint(fields=["tenant", "email", "address"], name="sign_in_lock_once")]

    def __str__(self) -> str:
        return f"{self.email} · {self.address}"
