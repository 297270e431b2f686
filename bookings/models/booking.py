from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from bookings.models.hold import Hold
from config import metrics
from config.addresses import current_caller
from config.errors import IllegalMove
from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantManager, TenantOwned
from tours.models import Departure


class BookingKind(TenantOwned):
    """Hotel, flight, tour …: what a booking or an item is. Edited in the back-office."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(_("code"), max_length=30)
    name_en = models.CharField(_("name (English)"), max_length=60)
    name_ar = models.CharField(_("name (Arabic)"), max_length=60)
    icon = models.CharField(_("icon"), max_length=40, blank=True, default="")
    colour = models.CharField(_("colour"), max_length=7, blank=True, default="")
    is_active = models.BooleanField(_("active"), default=True)
    display_order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("kind of booking")
        verbose_name_plural = _("kinds of booking")
        ordering = ["display_order", "code"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="booking_kind_once")]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class BookingStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Draft")
    PENDING_PAYMENT = "PENDING_PAYMENT", _("Waiting for payment")
    CONFIRMED = "CONFIRMED", _("Confirmed")
    IN_PROGRESS = "IN_PROGRESS", _("In progress")
    COMPLETED = "COMPLETED", _("Completed")
    CANCELLED = "CANCELLED", _("Cancelled")
    REFUNDED = "REFUNDED", _("Refunded")
    EXPIRED = "EXPIRED", _("Expired")
    NO_SHOW = "NO_SHOW", _("No show")


S = BookingStatus

# Every move there is. What is not here is refused.
ALLOWED_MOVES: dict[str, set[str]] = {
    S.DRAFT: {S.PENDING_PAYMENT, S.CANCELLED},
    S.PENDING_PAYMENT: {S.CONFIRMED, S.CANCELLED, S.EXPIRED},
    S.CONFIRMED: {S.IN_PROGRESS, S.CANCELLED, S.NO_SHOW, S.COMPLETED},
    S.IN_PROGRESS: {S.COMPLETED, S.NO_SHOW, S.CONFIRMED},  # checked in by mistake, before the start
    S.EXPIRED: {S.CONFIRMED, S.REFUNDED},  # paid late: the seats won again, or the money given back
    S.CANCELLED: set(),
    S.COMPLETED: set(),
    S.REFUNDED: set(),
    S.NO_SHOW: {S.CONFIRMED},  # marked by mistake
}


# Nothing more can be asked of the customer for these.
ENDED = frozenset({S.CANCELLED, S.REFUNDED, S.EXPIRED})

WITH_VOUCHER = frozenset({S.CONFIRMED, S.IN_PROGRESS, S.COMPLETED})

# What is still to pay of these is chased, and is due on a day.
OWING = (S.CONFIRMED, S.IN_PROGRESS, S.COMPLETED)


class PaymentState(models.TextChoices):
    UNPAID = "UNPAID", _("Unpaid")
    PARTIALLY_PAID = "PARTIALLY_PAID", _("Partially paid")
    PAID = "PAID", _("Paid")
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED", _("Partially refunded")
    REFUNDED = "REFUNDED", _("Refunded")
    FAILED = "FAILED", _("Failed")


class BookingQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> Any:
        """Staff with the permission see all, customers and agents their own, strangers none."""
        if not user.is_authenticated:
            return self.none()
        if user.has_perm("bookings.view_booking"):
            return self
        return self.filter(Q(customer_id=user.pk) | Q(agent_id=user.pk))

    def not_begun(self) -> Any:
        """Those of which `begins_by` is still to come."""
        return self.filter(Q(starts_at__gt=now()) | Q(quote__any_time=True, ends_at__gt=now()))

    def balance_open(self) -> Any:
        """Confirmed, and something is still to be paid by a day, also once the trip began."""
        return self.filter(
            status__in=OWING,
            balance_due_at__isnull=False,
            amount_refunded=0,
            amount_paid__lt=F("total"),
        )

    def balance_overdue(self) -> Any:
        """Those of them for which the day of the balance has come."""
        return self.balance_open().filter(balance_due_at__lte=now())

    def made_by(self, source: str) -> Any:
        """Those whose `source` is SELF, ADMIN or AGENT."""
        if source == "AGENT":
            return self.filter(agent__isnull=False)
        by_others = Q(created_by__isnull=False) & ~Q(created_by=F("customer"))
        by_staff = by_others | Q(created_by__isnull=False, customer=None)
        return self.filter(by_staff, agent=None) if source == "ADMIN" else self.filter(agent=None).exclude(by_staff)

    def for_display(self) -> Any:
        """With all that an answer shows, in a fixed number of queries."""
        items = BookingItem.objects.select_related("kind", "departure__tour__destination", "departure__option")
        return self.select_related("kind").prefetch_related(models.Prefetch("items", items), "travellers")


class Booking(TenantOwned):
    """A party's booking. Amounts are major units of `currency`, frozen with the quote and its exchange rate."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    reference = models.CharField(_("reference"), max_length=12)
    kind = TenantForeignKey(BookingKind, models.PROTECT, related_name="+", verbose_name=_("kind"))
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("customer")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("agent")
    )
    contact_name = models.CharField(_("contact"), max_length=120)
    contact_email = models.EmailField(_("contact's e-mail"))
    contact_phone = PhoneNumberField(_("contact's phone"), blank=True, default="")
    language = models.CharField(_("language"), max_length=2, default="en")
    emergency_name = models.CharField(_("emergency contact"), max_length=120, blank=True, default="")
    emergency_phone = PhoneNumberField(_("emergency contact's phone"), blank=True, default="")
    special_requests = models.TextField(_("special requests"), max_length=2000, blank=True, default="")
    dietary_needs = models.CharField(_("dietary needs"), max_length=300, blank=True, default="")
    accessibility_needs = models.CharField(_("accessibility needs"), max_length=300, blank=True, default="")
    pickup = models.CharField(_("pickup"), max_length=300, blank=True, default="")
    flight_number = models.CharField(_("flight"), max_length=12, blank=True, default="")
    flight_at = models.DateTimeField(_("lands or leaves at"), null=True, blank=True)
    referral_code = models.CharField(_("referral code"), max_length=40, blank=True, default="")
    staff_note = models.TextField(_("note for staff"), max_length=2000, blank=True, default="")

    status = models.CharField(_("status"), max_length=16, choices=BookingStatus.choices, default=BookingStatus.DRAFT)
    payment_status = models.CharField(
        _("payment"), max_length=20, choices=PaymentState.choices, default=PaymentState.UNPAID
    )
    currency = models.CharField(_("currency"), max_length=3)
    total = models.DecimalField(_("total"), max_digits=14, decimal_places=3, validators=[MinValueValidator(0)])
    # Written from the payments' rows (never added to), so that lists need no join.
    amount_paid = models.DecimalField(_("paid"), max_digits=14, decimal_places=3, default=0)
    amount_refunded = models.DecimalField(_("refunded"), max_digits=14, decimal_places=3, default=0)
    # What of it the ledger counts as earned (`services/revenue.py`); the rest is still the customer's deposit.
    amount_earned = models.DecimalField(_("earned"), max_digits=14, decimal_places=3, default=0)
    # Where a deposit confirms it: how much, when the balance is due, what happens to who does not pay. As it was agreed.
    # A balance without a deposit is what a confirmed booking came to owe: `services/dues.py` says by when.
    deposit_amount = models.DecimalField(_("deposit"), max_digits=14, decimal_places=3, null=True, editable=False)
    balance_due_at = models.DateTimeField(_("balance due"), null=True, editable=False)
    balance_remind_at = models.DateTimeField(null=True, editable=False)  # the next mail about it; none when null
    balance_cancel_at = models.DateTimeField(_("cancelled if unpaid"), null=True, editable=False)
    quote = models.JSONField(_("quote"))
    # The cancellation policy as it stood when the booking was made: {"name_en", "name_ar", "tiers": [...]}.
    policy = models.JSONField(_("cancellation policy"), default=dict)
    guests = models.PositiveSmallIntegerField(_("guests"))
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    expires_at = models.DateTimeField(_("must be paid by"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=now)
    warned_at = models.DateTimeField(null=True, editable=False)  # when we told that the hold is about to end
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True)
    cancel_reason = models.CharField(_("reason of cancellation"), max_length=500, blank=True, default="")
    # The refund as it was shown before the cancellation: {"percent", "amount", "lines": [...]}.
    cancellation = models.JSONField(_("cancellation"), null=True)

    objects = TenantManager.from_queryset(BookingQuerySet)()

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        ordering = ["-created_at"]
        permissions = [
            ("confirm", _("May confirm bookings without payment")),
            ("cancel", _("May cancel bookings")),
            ("refund", _("May refund")),
            ("override_policy", _("May refund against the policy")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "reference"], name="booking_reference_once"),
            models.CheckConstraint(
                condition=Q(total__gte=0, amount_paid__gte=0, amount_refunded__gte=0), name="booking_amounts"
            ),
            models.CheckConstraint(
                condition=Q(deposit_amount=None) | Q(deposit_amount__gt=0, balance_due_at__isnull=False),
                name="booking_deposit_with_its_day",
            ),
            models.CheckConstraint(
                condition=Q(status__in=BookingStatus.values, payment_status__in=PaymentState.values),
                name="booking_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at"], name="booking_by_creation"),
            models.Index(fields=["tenant", "status", "starts_at"], name="booking_by_status"),
            models.Index(fields=["customer", "-created_at"], name="booking_by_customer"),
            models.Index(fields=["expires_at"], condition=Q(status="PENDING_PAYMENT"), name="booking_overdue"),
            models.Index(
                fields=["tenant", "balance_due_at"],
                condition=Q(balance_due_at__isnull=False),
                name="booking_balance_due",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def amount_due(self) -> Decimal:
        """What is still to pay, in major units; never negative. Nothing once it ended, or once money was given back."""
        given_back = self.payment_status in (PaymentState.PARTIALLY_REFUNDED, PaymentState.REFUNDED)
        if self.status in ENDED or given_back:
            return Decimal(0)
        return max(self.total - self.amount_kept, Decimal(0))

    @property
    def deposit_due(self) -> Decimal:
        """What is missing for the deposit, in major units; nothing where it is paid, not agreed, or all is due by now."""
        may_wait = self.status in (BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED)
        if self.deposit_amount is None or not may_wait or self.is_balance_overdue:
            return Decimal(0)
        return min(max(self.deposit_amount - self.amount_kept, Decimal(0)), self.amount_due)

    @property
    def begins_by(self) -> datetime:
        """The last moment at which the trip can begin: its start; by opening hours, when guests come as they like, the closing.

        Moving and cancelling, with their hours beforehand, count back from it. A pickup leaves at its hour: that counts from
        `starts_at`.
        """
        return self.ends_at if self.is_any_time else self.starts_at

    @property
    def is_any_time(self) -> bool:
        """Whether it is by opening hours: guests come when they like between start and end."""
        return bool(self.quote.get("any_time"))

    @property
    def has_deposit(self) -> bool:
        """Whether the deposit that was agreed has been paid, or more."""
        return self.deposit_amount is not None and self.amount_kept >= self.deposit_amount

    @property
    def is_balance_overdue(self) -> bool:
        """Whether the day has come on which all should have been paid, and it is not."""
        return self.balance_due_at is not None and self.balance_due_at <= now() and self.amount_due > 0

    @property
    def amount_kept(self) -> Decimal:
        """Paid and not given back, in major units."""
        return self.amount_paid - self.amount_refunded

    @property
    def trip(self) -> Departure:
        """The first departure it is for. Asks no query after `for_display()`."""
        return next(item.departure for item in self.items.all() if item.departure is not None)

    @property
    def source(self) -> str:
        """SELF, ADMIN or AGENT, from who made it for whom."""
        if self.agent_id:
            return "AGENT"
        if self.created_by_id and self.created_by_id != self.customer_id:
            return "ADMIN"
        return "SELF"

    @property
    def has_voucher(self) -> bool:
        """Whether there is a voucher to show at the meeting point."""
        return self.status in WITH_VOUCHER

    def refuse_move(self, status: BookingStatus) -> None:
        """Raise `IllegalMove` unless the booking may go there from where it is."""
        if status not in ALLOWED_MOVES[self.status]:
            raise IllegalMove(
                what=self.reference, current=self.get_status_display(), wanted=BookingStatus(status).label
            )

    def move_to(
        self, status: BookingStatus, *, actor: Any = None, reason: str = "", data: dict[str, Any] | None = None
    ) -> None:
        """The only line that changes the status, of the booking and its items; writes who, when, why, from where.

        Raises `IllegalMove`. The caller holds the lock (`services.lock_booking`) and moves the seats. Fields changed on
        the object besides are the caller's to save.
        """
        self.refuse_move(status)
        old, self.status = self.status, status
        self.save(update_fields=["status"])
        self.items.update(status=status)
        metrics.count(metrics.BOOKINGS, old, status)
        self.events.create(
            old_status=old,
            new_status=status,
            actor_id=actor.pk if actor else None,
            reason=reason[:500],
            address=current_caller.get().address,
            data=data or {},
        )


class BookingItem(TenantOwned):
    """A part of a booking: a departure of ours, or a service of a supplier. Each holds its own seats."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    booking = TenantForeignKey(Booking, models.CASCADE, related_name="items")
    kind = TenantForeignKey(BookingKind, models.PROTECT, related_name="+", verbose_name=_("kind"))
    departure = TenantForeignKey(
        Departure, models.PROTECT, null=True, blank=True, related_name="items", verbose_name=_("departure")
    )
    hold = TenantForeignKey(Hold, models.PROTECT, null=True, blank=True, related_name="items", verbose_name=_("hold"))
    title_en = models.CharField(_("title (English)"), max_length=320)
    title_ar = models.CharField(_("title (Arabic)"), max_length=320)
    # Guests by price category: two adults and a child are {"adult": 2, "child": 1}.
    party = models.JSONField(_("party"), default=dict)
    seats = models.PositiveSmallIntegerField(_("seats"), default=0)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=3)
    status = models.CharField(_("status"), max_length=16, choices=BookingStatus.choices, default=BookingStatus.DRAFT)
    supplier_reference = models.CharField(_("supplier's reference"), max_length=80, blank=True, default="")

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        constraints = [
            models.UniqueConstraint(fields=["hold"], name="hold_in_one_item"),
            models.CheckConstraint(condition=Q(status__in=BookingStatus.values), name="item_status_known"),
        ]

    def __str__(self) -> str:
        return str(in_language(self, "title"))


class Traveller(TenantOwned):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    booking = TenantForeignKey(Booking, models.CASCADE, related_name="travellers")
    category = models.SlugField(_("price category"), max_length=30, default="adult")
    first_name = models.CharField(_("first name"), max_length=60)
    last_name = models.CharField(_("last name"), max_length=60)
    age = models.PositiveSmallIntegerField(_("age"), null=True, blank=True)
    nationality = models.CharField(_("nationality"), max_length=2, blank=True, default="")
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("traveller")
        verbose_name_plural = _("travellers")
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}"
