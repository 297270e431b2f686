"""When it runs: rules that recur, and the departures made from them. Stored in UTC, shown in the destination's zone."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.timezone import now
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from config.i18n import language_now
from config.ids import uuid7
from config.models import TenantForeignKey, TenantManager, TenantOwned
from tours.guards import ENGAGEMENTS_FOLLOW, POOL_SUFFICES, TAKES_LIMITS
from tours.models.catalogue import Tour, TourOption
from tours.models.seasons import Season

A_DAY = timedelta(days=1)  # the longest that opening hours last


def weekday_names() -> dict[int, str]:
    """The weekdays 1 to 7 (ISO 8601), short, in the language at hand; the first is the one a week begins with there."""
    names = {
        1: pgettext("weekday", "Mon"),
        2: pgettext("weekday", "Tue"),
        3: pgettext("weekday", "Wed"),
        4: pgettext("weekday", "Thu"),
        5: pgettext("weekday", "Fri"),
        6: pgettext("weekday", "Sat"),
        7: pgettext("weekday", "Sun"),
    }
    first = 6 if language_now() == "ar" else 1
    return {day: names[day] for day in sorted(names, key=lambda day: (day - first) % 7)}


class Repeats(models.TextChoices):
    WEEKLY = "WEEKLY", _("Every week, or every few weeks")
    MONTHLY = "MONTHLY", _("On certain weekdays of the month")
    DATES = "DATES", _("On certain dates")


def ordinal_names() -> dict[int, str]:
    """Which of a month's Mondays, Tuesdays …, in the language at hand."""
    return {
        1: pgettext("weekday of a month", "first"),
        2: pgettext("weekday of a month", "second"),
        3: pgettext("weekday of a month", "third"),
        4: pgettext("weekday of a month", "fourth"),
        -1: pgettext("weekday of a month", "last"),
    }


class ScheduleRule(TenantOwned):
    """When an option runs: days that recur, from a day until a day (or without end), at one or several local times.

    An option that is sold by opening hours runs once on such a day, from `start_time` until `closes_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    option = TenantForeignKey(TourOption, models.CASCADE, related_name="rules", verbose_name=_("option"))
    repeats = models.CharField(_("runs"), max_length=10, choices=Repeats.choices, default=Repeats.WEEKLY)
    every = models.PositiveSmallIntegerField(
        _("every … weeks or months"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(52)],
        help_text=_("2 is every second one, counted from the first day."),
    )
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)]),
        verbose_name=_("weekdays"),
        default=list,
        blank=True,
        help_text=_("1 is Monday, 7 is Sunday (ISO 8601)."),
    )
    ordinals = ArrayField(
        models.SmallIntegerField(validators=[MinValueValidator(-1), MaxValueValidator(4)]),
        verbose_name=_("of the month"),
        default=list,
        blank=True,
        help_text=_("Which of the month's weekdays: 1 is the first, -1 the last."),
    )
    dates = ArrayField(models.DateField(), verbose_name=_("dates"), default=list, blank=True)
    start_time = models.TimeField(_("starts at"), help_text=_("In the destination's time zone."))
    more_times = ArrayField(models.TimeField(), verbose_name=_("and at"), default=list, blank=True)
    closes_at = models.TimeField(
        _("closes at"),
        null=True,
        blank=True,
        help_text=_("For what is sold by opening hours: it opens at the start."),
    )
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    except_dates = ArrayField(
        models.DateField(),
        verbose_name=_("not on"),
        default=list,
        blank=True,
        help_text=_("Days on which it does not run: holidays, maintenance."),
    )
    season = TenantForeignKey(
        Season,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rules",
        verbose_name=_("season"),
        help_text=_("It runs on days of the season only, year by year."),
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
        return f"{self.times_in_words} · {self.days_in_words}"

    @property
    def times(self) -> list[time]:
        """Its local start times, in order."""
        return sorted({self.start_time, *self.more_times})

    @property
    def times_in_words(self) -> str:
        """`09:00, 12:00`, or `09:00-17:00` for opening hours."""
        if self.closes_at is not None:
            return f"{self.start_time:%H:%M}-{self.closes_at:%H:%M}"
        return gettext(", ").join(f"{at:%H:%M}" for at in self.times)

    @property
    def days_in_words(self) -> str:
        """Its days in the language at hand."""
        if self.repeats == Repeats.DATES:
            return ngettext("{n} date", "{n} dates", len(self.dates)).format(n=len(self.dates))
        names, comma = weekday_names(), gettext(", ")
        days = comma.join(names[day] for day in sorted(self.weekdays) if day in names)
        if self.repeats == Repeats.MONTHLY:
            known = ordinal_names()
            which = comma.join(known[number] for number in known if number in self.ordinals)
            words = gettext("{which} {days} of the month").format(which=which, days=days)
        elif set(self.weekdays) == set(names):
            words = gettext("every day")
        else:
            words = days
        if self.every == 1:
            return words
        return gettext("{days} (every {n})").format(days=words, n=self.every)


class DepartureStatus(models.TextChoices):
    OPEN = "OPEN", _("Open")
    CLOSED = "CLOSED", _("Closed")
    CANCELLED = "CANCELLED", _("Cancelled")


class DepartureQuerySet(models.QuerySet):
    def upcoming(self) -> Any:
        """Not over for buyers: not started; what is sold by opening hours, not closed yet."""
        return self.filter(Q(starts_at__gt=now()) | Q(any_time=True, ends_at__gt=now(), starts_at__gt=now() - A_DAY))

    def sold(self) -> Any:
        """With places held or booked."""
        return self.filter(Q(seats_held__gt=0) | Q(seats_booked__gt=0))

    def without_history(self) -> Any:
        """Those that no row of another table refers to and protects: nobody ever held or booked a place."""
        found = self
        relations: list[Any] = self.model._meta.get_fields(include_hidden=True)  # those without a name on this side too
        for relation in relations:
            if relation.auto_created and getattr(relation, "on_delete", None) is models.PROTECT:
                rows = relation.related_model._default_manager.filter(**{relation.field.name: OuterRef("pk")})
                found = found.filter(~Exists(rows))
        return found

    def bookable(self) -> Any:
        """Open, before their cut-off, with places left."""
        return self.filter(
            Q(opens_at=None) | Q(opens_at__lte=now()),
            status=DepartureStatus.OPEN,
            cutoff_at__gt=now(),
            capacity__gt=F("seats_held") + F("seats_booked") + F("seats_allotted"),
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
    partner_cutoff_at = models.DateTimeField(
        _("bookings by partners close at"), null=True, blank=True, help_text=_("Where it differs from the others'.")
    )
    opens_at = models.DateTimeField(_("on sale from"), null=True, blank=True)
    # Sold by opening hours: guests come when they like, between start and end.
    any_time = models.BooleanField(_("any time of the day"), default=False, db_default=False, editable=False)
    # Closed because schedule or blackout do not ask for it any more; it opens again when they do.
    closed_by_schedule = models.BooleanField(default=False, db_default=False, editable=False)
    local_date = models.DateField(_("date"), editable=False, help_text=_("In the destination's time zone."))
    capacity = models.PositiveIntegerField(_("places"))
    seats_held = models.IntegerField(_("held"), default=0, editable=False)
    seats_booked = models.IntegerField(_("booked"), default=0, editable=False)
    min_to_run = models.PositiveIntegerField(
        _("runs from … guests"), null=True, blank=True, help_text=_("Where it differs from the option's; 1 is always.")
    )
    # Places kept for partners that these have not used and that were not released yet (`bookings.models.Allotment`).
    seats_allotted = models.IntegerField(_("kept for partners"), default=0, db_default=0, editable=False)
    # More than its own places limits it (a pool, resources): it is sold in plain steps. Set by trigger and by `follow_limits`.
    is_limited = models.BooleanField(default=False, db_default=False, editable=False)
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
                condition=Q(seats_held__gte=0, seats_booked__gte=0, seats_allotted__gte=0)
                & Q(seats_held__lte=F("capacity") - F("seats_booked") - F("seats_allotted")),
                name="departure_never_oversold",
            ),
            models.UniqueConstraint(fields=["option", "starts_at"], name="departure_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="departure_ends_after_start"),
            models.CheckConstraint(condition=Q(status__in=DepartureStatus.values), name="departure_status_known"),
        ]
        indexes = [
            models.Index(fields=["tour", "starts_at"], name="departure_by_tour"),
            models.Index(fields=["tenant", "starts_at"], name="departure_by_time"),
            models.Index(fields=["tenant", "local_date"], name="departure_by_date"),
            # For the public list: seats are no part of it, so that taking them touches no index.
            models.Index(fields=["tour", "local_date"], condition=Q(status="OPEN"), name="departure_open_days"),
            models.Index(
                fields=["option", "ends_at", "starts_at"], condition=Q(is_limited=True), name="departure_limited"
            ),
        ]
        triggers = [TAKES_LIMITS, POOL_SUFFICES, ENGAGEMENTS_FOLLOW]

    def __str__(self) -> str:
        return f"{self.tour} · {self.local_start():%Y-%m-%d %H:%M}"

    @property
    def seats_taken(self) -> int:
        """Held, booked, or kept for a partner: below this the capacity cannot go."""
        return self.seats_held + self.seats_booked + self.seats_allotted

    @property
    def seats_left(self) -> int:
        """Of its own places; what it shares with others may leave fewer (`tours.selectors.capacity`)."""
        return self.capacity - self.seats_taken

    def local_start(self) -> datetime:
        """The start in the destination's time zone."""
        return self.starts_at.astimezone(ZoneInfo(self.tour.destination.time_zone))

    @property
    def is_bookable(self) -> bool:
        is_open = self.status == DepartureStatus.OPEN and (self.opens_at is None or self.opens_at <= now())
        return is_open and self.cutoff_at > now() and self.seats_left > 0

    @property
    def is_over(self) -> bool:
        """Whether nobody can join it any more, cut-off or not."""
        return self.begins_by <= now()

    @property
    def begins_by(self) -> datetime:
        """The last moment at which guests begin: the start, by opening hours the closing."""
        return self.ends_at if self.any_time else self.starts_at
