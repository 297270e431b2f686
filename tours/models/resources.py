"""Who and what a departure takes along: guides, vehicles, equipment; what tours need of them, and when they are engaged."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantManager, TenantOwned
from tours.guards import EQUIPMENT_SUFFICES
from tours.models.catalogue import Tour, TourOption
from tours.models.schedule import Departure


class ResourceKind(models.TextChoices):
    GUIDE = "GUIDE", _("Guide")
    VEHICLE = "VEHICLE", _("Vehicle")
    EQUIPMENT = "EQUIPMENT", _("Equipment")


class Resource(TenantOwned):
    """A guide, a vehicle, or a kind of equipment of which there are so many."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=ResourceKind.choices, default=ResourceKind.GUIDE)
    name_en = models.CharField(_("name (English)"), max_length=120)
    name_ar = models.CharField(_("name (Arabic)"), max_length=120)
    skills = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("skills"),
        default=list,
        blank=True,
        help_text=_("What it can do, one a line: diving, desert driving. Tours ask for them by the same words."),
    )
    languages = ArrayField(
        models.CharField(max_length=8),
        verbose_name=_("languages"),
        default=list,
        blank=True,
        help_text=_("Codes of the languages spoken, one a line: ar, en, de."),
    )
    seats = models.PositiveSmallIntegerField(
        _("seats for guests"), null=True, blank=True, help_text=_("Of a vehicle, without driver and guide.")
    )
    quantity = models.PositiveIntegerField(
        _("how many there are"), default=1, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    minutes_before = models.PositiveSmallIntegerField(
        _("minutes before"), default=0, help_text=_("Needed before each departure: to drive there, to prepare.")
    )
    minutes_after = models.PositiveSmallIntegerField(_("minutes after"), default=0)
    email = models.EmailField(
        _("e-mail"), blank=True, default="", help_text=_("Where it is asked to accept or decline.")
    )
    phone = models.CharField(_("phone"), max_length=40, blank=True, default="")
    language = models.CharField(
        _("language of its mails"), max_length=2, choices=[("en", "English"), ("ar", "العربية")], default="ar"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("signs in as"),
    )
    # Raised to make the address of its calendar, and of all its mails, worthless.
    link_version = models.PositiveIntegerField(default=1, editable=False)
    is_active = models.BooleanField(_("in service"), default=True)

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("guides, vehicles, equipment")
        ordering = ["kind", "name_en"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "name_en"],
                name="resource_name_once",
                violation_error_message=_("There is one of this kind and name already."),
            ),
            models.CheckConstraint(
                condition=Q(kind=ResourceKind.EQUIPMENT) | Q(quantity=1),
                name="only_equipment_has_a_quantity",
                violation_error_message=_("Only of equipment there can be several in one row."),
            ),
            models.CheckConstraint(
                condition=~Q(kind=ResourceKind.VEHICLE) | Q(seats__isnull=False, seats__gte=1),
                name="vehicle_has_seats",
                violation_error_message=_("Say how many guests the vehicle takes."),
            ),
        ]

    def __str__(self) -> str:
        return str(in_language(self, "name"))

    @property
    def is_whole(self) -> bool:
        """Whether it can be in one place only."""
        return self.kind != ResourceKind.EQUIPMENT


class OnShortage(models.TextChoices):
    WARN = "WARN", _("Sell, and warn us")
    STOP = "STOP", _("Sell only while one is free")


class ResourceNeed(TenantOwned):
    """What each departure of a tour, or of one of its options, takes along."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(Tour, models.CASCADE, related_name="needs", verbose_name=_("tour"))
    option = TenantForeignKey(
        TourOption,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="needs",
        verbose_name=_("option"),
        help_text=_("All options, when left empty."),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=ResourceKind.choices, default=ResourceKind.GUIDE)
    skill = models.CharField(_("skill"), max_length=40, blank=True, default="")
    language = models.CharField(_("language"), max_length=8, blank=True, default="", help_text=_("ar, en, de …"))
    count = models.PositiveSmallIntegerField(
        _("how many"), default=1, validators=[MinValueValidator(1)], help_text=_("Of vehicles: at most so many.")
    )
    per_guests = models.PositiveSmallIntegerField(
        _("for every … guests"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "4: one up to four guests, two up to eight. Empty: the same for any number. Of vehicles the seats count."
        ),
    )
    on_shortage = models.CharField(
        _("when none is free"), max_length=4, choices=OnShortage.choices, default=OnShortage.WARN
    )

    class Meta:
        verbose_name = _("need")
        verbose_name_plural = _("guides, vehicles and equipment needed")
        ordering = ["kind", "id"]
        constraints = [models.CheckConstraint(condition=Q(count__gte=1), name="need_is_of_something")]

    def __str__(self) -> str:
        return " · ".join(str(part) for part in (self.get_kind_display(), self.skill, self.language) if part)


class EngagementState(models.TextChoices):
    LEAVE = "LEAVE", _("Away")
    TENTATIVE = "TENTATIVE", _("Kept by the system")
    ASSIGNED = "ASSIGNED", _("Asked")
    ACCEPTED = "ACCEPTED", _("Accepted")
    DECLINED = "DECLINED", _("Declined")
    RELEASED = "RELEASED", _("Taken off")


GONE = (EngagementState.DECLINED, EngagementState.RELEASED)


class EngagementQuerySet(models.QuerySet):
    def live(self) -> Any:
        """Those that keep their resource from being elsewhere."""
        return self.exclude(state__in=GONE)

    def coming(self) -> Any:
        return self.filter(span__endswith__gt=now())


class Engagement(TenantOwned):
    """A resource is taken for a span of time: for a departure (with what it needs before and after), or because it is away."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    resource = TenantForeignKey(Resource, models.PROTECT, related_name="engagements", verbose_name=_("resource"))
    departure = TenantForeignKey(
        Departure, models.CASCADE, null=True, blank=True, related_name="engagements", verbose_name=_("departure")
    )
    need = TenantForeignKey(ResourceNeed, models.SET_NULL, null=True, blank=True, related_name="engagements")
    span = DateTimeRangeField(_("from – until"))
    quantity = models.PositiveIntegerField(_("how many"), default=1)
    is_whole = models.BooleanField(default=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=EngagementState.choices)
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    objects = TenantManager.from_queryset(EngagementQuerySet)()

    class Meta:
        verbose_name = _("engagement")
        verbose_name_plural = _("engagements")
        ordering = ["span"]
        constraints = [
            ExclusionConstraint(
                name="resource_in_one_place",
                expressions=[("resource", RangeOperators.EQUAL), ("span", RangeOperators.OVERLAPS)],
                condition=Q(is_whole=True) & ~Q(state__in=["DECLINED", "RELEASED"]),
                violation_error_message=_("It is taken at that time already."),
            ),
            models.CheckConstraint(
                condition=Q(departure=None, state__in=["LEAVE", "RELEASED"])
                | Q(departure__isnull=False) & ~Q(state="LEAVE"),
                name="engagement_is_work_or_leave",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="engagement_of_something"),
            models.CheckConstraint(condition=Q(state__in=EngagementState.values), name="engagement_state_known"),
        ]
        indexes = [models.Index(fields=["departure"], name="engagement_by_departure")]
        permissions = [("assign", _("May assign guides, vehicles and equipment"))]
        triggers = [EQUIPMENT_SUFFICES]

    def __str__(self) -> str:
        return f"{self.resource} · {self.get_state_display()}"
