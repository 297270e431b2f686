"""Partners: agencies and hotels that sell our tours, and the people who act for them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned


class Partner(TenantOwned):
    """A company that sells for us, in its own currency."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40)
    name_en = models.CharField(_("name (English)"), max_length=120)
    name_ar = models.CharField(_("name (Arabic)"), max_length=120)
    currency = models.ForeignKey("ledger.Currency", models.PROTECT, related_name="+", verbose_name=_("currency"))
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("partner")
        verbose_name_plural = _("partners")
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="partner_code_once")]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class PartnerUser(TenantOwned):
    """A person who acts for a partner: what they quote and book is at the partner's terms. One partner a person."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = TenantForeignKey(Partner, models.CASCADE, related_name="people", verbose_name=_("partner"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("person"))
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("person of a partner")
        verbose_name_plural = _("people of a partner")
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user"],
                name="partner_user_once",
                violation_error_message=_("This person acts for a partner already."),
            )
        ]

    def __str__(self) -> str:
        return str(self.user)
