"""Seasons: named stretches of the calendar ("high season", "Ramadan") that prices and schedules refer to."""

from datetime import date

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned

BOTH_INCLUDED = models.Value("[]", output_field=models.CharField())


class Season(TenantOwned):
    """A name for some days of the year, entered year by year. Different seasons may share days."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40)
    name_en = models.CharField(_("name (English)"), max_length=80)
    name_ar = models.CharField(_("name (Arabic)"), max_length=80)

    class Meta:
        verbose_name = _("season")
        verbose_name_plural = _("seasons")
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="season_code_once")]

    def __str__(self) -> str:
        return str(in_language(self, "name"))

    def contains(self, day: date) -> bool:
        """Whether the day is of the season. Asks no query when `ranges` is prefetched."""
        return any(span.first_day <= day <= span.last_day for span in self.ranges.all())


class DateSpan(Func):
    """The days from the first to the last, both included, as a range."""

    function = "daterange"
    output_field = DateRangeField()


class SeasonRange(TenantOwned):
    """From this day until that day, both included."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    season = TenantForeignKey(Season, models.CASCADE, related_name="ranges", verbose_name=_("season"))
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))

    class Meta:
        verbose_name = _("days of a season")
        verbose_name_plural = _("days of a season")
        ordering = ["first_day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="season_range_ends_after_start",
                violation_error_message=_("The last day cannot be before the first."),
            ),
            ExclusionConstraint(
                name="season_ranges_apart",
                expressions=[
                    ("season", RangeOperators.EQUAL),
                    (
                        DateSpan("first_day", "last_day", models.Value("[]", output_field=models.CharField())),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_("These days overlap other days of the season."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_day:%Y-%m-%d} – {self.last_day:%Y-%m-%d}"
