"""What those who travelled say of a tour. The average that a tour shows is written down onto it (`services.reviews`)."""

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinLengthValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from accounts.models import Language
from bookings.models.booking import Booking
from config.ids import uuid7
from config.models import TenantForeignKey, TenantManager, TenantOneToOneField, TenantOwned
from config.pictures import Picture
from tours.models import Tour

SHORTEST, LONGEST = 10, 4000  # letters of a review


class ReviewStatus(models.TextChoices):
    PENDING = "PENDING", _("Waits to be looked at")
    APPROVED = "APPROVED", _("Shown")
    REJECTED = "REJECTED", _("Not shown")


class ReviewQuerySet(models.QuerySet):
    def shown(self) -> Any:
        """What everyone may read; only these count for the average."""
        return self.filter(status=ReviewStatus.APPROVED)

    def to_look_at(self) -> Any:
        """What staff have to decide on: new ones, and shown ones that somebody reported since."""
        return self.filter(Q(status=ReviewStatus.PENDING) | Q(status=ReviewStatus.APPROVED, open_reports__gt=0))


class Review(TenantOwned):
    """One for each booking, of the tour it was for. The text is as its author wrote it, in `language`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    booking = TenantOneToOneField(Booking, models.PROTECT, related_name="review", verbose_name=_("booking"))
    tour = TenantForeignKey(Tour, models.PROTECT, related_name="reviews", verbose_name=_("tour"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    author_name = models.CharField(_("name shown"), max_length=80)
    travelled_on = models.DateField(_("travelled on"))
    rating = models.PositiveSmallIntegerField(_("stars"), validators=[MinValueValidator(1), MaxValueValidator(5)])
    title = models.CharField(_("title"), max_length=120, blank=True, default="")
    text = models.TextField(_("text"), max_length=LONGEST, validators=[MinLengthValidator(SHORTEST)])
    language = models.CharField(_("language"), max_length=2, choices=Language.choices)
    status = models.CharField(_("status"), max_length=8, choices=ReviewStatus.choices, default=ReviewStatus.PENDING)
    reason = models.CharField(_("why it is not shown"), max_length=500, blank=True, default="")
    moderated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    moderated_at = models.DateTimeField(_("decided at"), null=True)
    reply = models.TextField(_("reply"), max_length=2000, blank=True, default="")
    replied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("replied by")
    )
    replied_at = models.DateTimeField(_("replied at"), null=True)
    # Both are counted from their rows, under this row's lock.
    helpful_count = models.PositiveIntegerField(_("found helpful"), default=0)
    open_reports = models.PositiveIntegerField(_("reports"), default=0)
    created_at = models.DateTimeField(_("written at"), default=now)
    edited_at = models.DateTimeField(_("edited at"), null=True)

    objects = TenantManager.from_queryset(ReviewQuerySet)()

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(rating__range=(1, 5)), name="review_rating_range"),
            models.CheckConstraint(condition=Q(status__in=ReviewStatus.values), name="review_status_known"),
        ]
        indexes = [
            models.Index(fields=["tour", "status", "-created_at"], name="review_of_tour"),
            models.Index(fields=["tenant", "created_at"], condition=Q(status="PENDING"), name="review_to_look_at"),
        ]

    def __str__(self) -> str:
        return f"{'★' * self.rating} {self.title or self.text[:40]}"


class ReviewPhoto(Picture):
    """A photo of a guest, checked by content and stripped of metadata, with its sizes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    review = TenantForeignKey(Review, models.CASCADE, related_name="photos")
    file = models.ImageField(_("picture"), upload_to="reviews/", width_field="width", height_field="height")
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)

    class Meta:
        verbose_name = _("photo of a review")
        verbose_name_plural = _("photos of reviews")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(focus_x__lte=100, focus_y__lte=100), name="review_photo_focus")
        ]
        indexes = [
            models.Index(fields=["sizes_due_at"], condition=Q(sizes_due_at__isnull=False), name="review_photo_due")
        ]

    def __str__(self) -> str:
        return str(self.file.name)


class ReportReason(models.TextChoices):
    SPAM = "SPAM", _("Advertising or spam")
    OFFENSIVE = "OFFENSIVE", _("Insults or hate")
    PRIVATE = "PRIVATE", _("Names or private facts of others")
    UNTRUE = "UNTRUE", _("Not about this tour, or untrue")


class ReviewReport(TenantOwned):
    """Somebody says that a review should not be shown; each person once. Settled when staff have decided."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    review = TenantForeignKey(Review, models.CASCADE, related_name="reports", verbose_name=_("review"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("by"))
    reason = models.CharField(_("reason"), max_length=10, choices=ReportReason.choices)
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    at = models.DateTimeField(_("at"), default=now)
    settled_at = models.DateTimeField(_("settled at"), null=True)

    class Meta:
        verbose_name = _("report of a review")
        verbose_name_plural = _("reports of reviews")
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["review", "user"], name="review_reported_once")]

    def __str__(self) -> str:
        return str(self.get_reason_display())


class HelpfulVote(TenantOwned):
    """Somebody found a review helpful; each person once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    review = TenantForeignKey(Review, models.CASCADE, related_name="votes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("helpful vote")
        verbose_name_plural = _("helpful votes")
        constraints = [models.UniqueConstraint(fields=["review", "user"], name="review_helpful_once")]

    def __str__(self) -> str:
        return str(self.pk)


class ReviewRequest(TenantOwned):
    """A booking's contact was asked for a review: once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    booking = TenantOneToOneField(Booking, models.CASCADE, related_name="review_request")
    asked_at = models.DateTimeField(default=now)

    class Meta:
        verbose_name = _("request for a review")
        verbose_name_plural = _("requests for reviews")

    def __str__(self) -> str:
        return str(self.booking_id)


class ReviewOptOut(TenantOwned):
    """Somebody does not want to be asked for reviews. Kept by e-mail in small letters: guests have no account."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.CharField(_("e-mail"), max_length=254)
    at = models.DateTimeField(_("at"), default=now)

    class Meta:
        verbose_name = _("no requests for reviews")
        verbose_name_plural = _("no requests for reviews")
        constraints = [models.UniqueConstraint(fields=["tenant", "email"], name="review_opt_out_once")]

    def __str__(self) -> str:
        return self.email
