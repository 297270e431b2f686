"""When it runs: rules that recur, and the departures made from them. Stored in UTC, shown in the destination's zone."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.timezone import now
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from config.ids import uuid7
from config.models import TenantForeignKey, TenantManager, TenantOwned
from tours.models.catalogue import Tour, TourOption


def weekday_names() -> dict[int, str]:
    """The weekdays 1 to 7 (ISO 8601), short, in the language at hand."""
    return {
        1: pgettext("weekday", "Mon"),
        2: pgettext("weekday", "Tue"),
        3: pgettext("weekday", "Wed"),
        4: pgettext("weekday", "Thu"),
        5: pgettext("weekday", "Fri"),
        6: pgettext("weekday", "Sat"),
        7: pgettext("weekday", "Sun"),
    }


class ScheduleRule(TenantOwned):
    """An option runs on these weekdays at this local time, from a day until a day (or without end)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    option = TenantForeignKey(TourOption, models.CASCADE, related_name="rules", verbose_name=_("option"))
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)]),
        verbose_name=_("weekdays"),
        help_text=_("1 is Monday, 7 is Sunday (ISO 8601)."),
    )
    start_time = models.TimeField(_("starts at"), help_text=_("In the destination's time zone."))
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    except_dates = ArrayField(
        models.DateField(),
        verbose_name=_("not on"),
        default=list,
        blank=True,
        help_text=_("Days on which it does not run: holidays, maintenance."),
    )
    capacity = models.PositiveIntegerField(
        _("places"), null=True, blank=True, help_text=_("Where it differs from the option's.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("schedule rule")
        verbose_name_plural = _("schedule rules")
        ordering = ["valid_from", "start_time"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")), name="rule_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.start_time:%H:%M} · {self.days_in_words}"

    @property
    def days_in_words(self) -> str:
        """Its weekdays in the language at hand."""
        names = weekday_names()
        if set(self.weekdays) == set(names):
            return gettext("every day")
        return gettext(", ").join(names[day] for day in sorted(self.weekdays) if day in names)


class DepartureStatus(models.TextChoices):
    OPEN = "OPEN", _("Open")
    CLOSED = "CLOSED", _("Closed")
    CANCELLED = "CANCELLED", _("Cancelled")


class DepartureQuerySet(models.QuerySet):
    def upcoming(self) -> Any:
        return self.filter(starts_at__gt=now())

    def sold(self) -> Any:
        """With places held or booked."""
        return self.filter(Q(seats_held__gt=0) | Q(seats_booked__gt=0))

    def without_history(self) -> Any:
        """Those that no row of another table refers to and protects: nobody ever held or booked a place."""
        found = self
        for relation in self.model._meta.related_objects:
            if relation.on_delete is models.PROTECT:
                rows = relation.related_model._default_manager.filter(**{relation.field.name: OuterRef("pk")})
                found = found.filter(~Exists(rows))
        return found

    def bookable(self) -> Any:
        """Open, before their cut-off, with places left."""
        return self.filter(
            status=DepartureStatus.OPEN, cutoff_at__gt=now(), capacity__gt=F("seats_held") + F("seats_booked")
        )


class Departure(TenantOwned):
    """One start of an option. The row is the lock over all its holds and bookings; the CHECK is the last guard."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(Tour, models.PROTECT, related_name="departures", verbose_name=_("tour"))
    option = TenantForeignKey(TourOption, models.PROTECT, related_name="departures", verbose_name=_("option"))
    rule = TenantForeignKey(
        ScheduleRule, models.SET_NULL, null=True, blank=True, editable=False, related_name="departures"
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    cutoff_at = models.DateTimeField(_("bookings close at"))
    local_date = models.DateField(_("date"), editable=False, help_text=_("In the destination's time zone."))
    capacity = models.PositiveIntegerField(_("places"))
    seats_held = models.IntegerField(_("held"), default=0, editable=False)
    seats_booked = models.IntegerField(_("booked"), default=0, editable=False)
    status = models.CharField(
        _("status"), max_length=10, choices=DepartureStatus.choices, default=DepartureStatus.OPEN, editable=False
    )
    note_en = models.CharField(_("note for guests (English)"), max_length=300, blank=True, default="")
    note_ar = models.CharField(_("note for guests (Arabic)"), max_length=300, blank=True, default="")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = TenantManager.from_queryset(DepartureQuerySet)()

    class Meta:
        verbose_name = _("departure")
        verbose_name_plural = _("departures")
        ordering = ["starts_at"]
        permissions = [
            ("close", _("May close and reopen departures")),
            ("overbook", _("May sell more places than a departure has")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(seats_held__gte=0, seats_booked__gte=0)
                & Q(seats_held__lte=F("capacity") - F("seats_booked")),
                name="departure_never_oversold",
            ),
            models.UniqueConstraint(fields=["option", "starts_at"], name="departure_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="departure_ends_after_start"),
        ]
        indexes = [
            models.Index(fields=["tour", "starts_at"], name="departure_by_tour"),
            models.Index(fields=["tenant", "starts_at"], name="departure_by_time"),
            models.Index(fields=["tenant", "local_date"], name="departure_by_date"),
        ]

    def __str__(self) -> str:
        return f"{self.tour} · {self.local_start():%Y-%m-%d %H:%M}"

    @property
    def seats_left(self) -> int:
        return self.capacity - self.seats_held - self.seats_booked

    def local_start(self) -> datetime:
        """The start in the destination's time zone."""
        return self.starts_at.astimezone(ZoneInfo(self.tour.destination.time_zone))

    @property
    def is_bookable(self) -> bool:
        return self.status == DepartureStatus.OPEN and self.cutoff_at > now() and self.seats_left > 0
