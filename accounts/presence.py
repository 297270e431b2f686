"""How an operator stands before the public: its own site, and what guests say of its tours."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.sites import check_tour_path


class SiteAddress(models.URLField):
    """An address that people may type without its `https://`."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"assume_scheme": "https", **kwargs})

    def deconstruct(self) -> Any:
        """In the database it is a `URLField` like any other."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.URLField", args, kwargs


class PublicPresence(models.Model):
    """A part of the operator's settings."""

    site_address = SiteAddress(
        _("public site"),
        max_length=200,
        blank=True,
        default="",
        validators=[RegexValidator(r"^https?://[^?#\s]+$", _("An address with https://, without ? and #."))],
        help_text=_("Where customers see your tours: https://www.example.com. Search engines are sent there."),
    )
    tour_path = models.CharField(
        _("a tour's page on it"),
        max_length=120,
        default="/{language}/tours/{slug}",
        validators=[check_tour_path],
        help_text=_("{slug} (or {id}) and {language} stand for those of the tour."),
    )
    reviews_approve_from = models.PositiveSmallIntegerField(
        _("reviews are shown at once from"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text=_("So many stars or more need nobody to look at them first. Empty: staff look at each."),
    )
    reviews_ask_after_days = models.PositiveSmallIntegerField(
        _("ask for a review after (days)"),
        default=2,
        validators=[MaxValueValidator(60)],
        help_text=_("So many days after the trip a mail asks for a review. 0: nobody is asked."),
    )

    class Meta:
        abstract = True
