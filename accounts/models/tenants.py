"""The tenants that people work for or buy from."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from accounts.presence import PublicPresence
from config.i18n import in_language
from config.ids import uuid7


class Language(models.TextChoices):
    ENGLISH = "en", _("English")
    ARABIC = "ar", _("Arabic")


class Unanswered(models.TextChoices):
    """What becomes of a booking when its guest does not answer a choice in time."""

    REFUND = "REFUND", _("Refund in full")
    KEEP = "KEEP", _("Leave it as booked")


class Tenant(PublicPresence):
    """An operator. All others' rows name it; it belongs to nobody."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("slug"), max_length=63, unique=True)
    name_en = models.CharField(_("name (English)"), max_length=120)
    name_ar = models.CharField(_("name (Arabic)"), max_length=120)
    host = models.CharField(
        _("host name"),
        max_length=253,
        blank=True,
        default="",
        help_text=_("Requests to this host are this operator's."),
    )
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    time_zone = models.CharField(_("time zone"), max_length=63, default="Africa/Cairo")
    email = models.EmailField(_("e-mail"), blank=True, default="")
    phone = PhoneNumberField(_("phone"), blank=True, default="")
    address_en = models.CharField(_("address (English)"), max_length=300, blank=True, default="")
    address_ar = models.CharField(_("address (Arabic)"), max_length=300, blank=True, default="")
    guests_may_book = models.BooleanField(_("guests may book without an account"), default=True)
    choice_hours = models.PositiveSmallIntegerField(
        _("hours to choose"),
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
        help_text=_("How long guests have who are offered another departure or their money back."),
    )
    choice_unanswered = models.CharField(
        _("who does not choose"),
        max_length=10,
        choices=Unanswered.choices,
        default=Unanswered.REFUND,
        help_text=_("What becomes of their booking, unless it is decided otherwise each time."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")
        constraints = [
            models.UniqueConstraint(fields=["host"], condition=~models.Q(host=""), name="tenant_host_once"),
        ]

    def __str__(self) -> str:
        return str(in_language(self, "name"))
