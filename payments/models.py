"""Attempts to pay, what gateways told us, and money that went back."""

import logging
from decimal import Decimal
from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from bookings.models import Booking
from config import metrics
from config.errors import IllegalMove
from config.ids import uuid7
from config.models import TenantForeignKey, TenantManager, TenantOwned
from ledger.models import Transaction

logger = logging.getLogger(__name__)


class PaymentStatus(models.TextChoices):
    PENDING = "PENDING", _("Pending")
    PROCESSING = "PROCESSING", _("Processing")
    PAID = "PAID", _("Paid")
    FAILED = "FAILED", _("Failed")
    CANCELLED = "CANCELLED", _("Cancelled")
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED", _("Partially refunded")
    REFUNDED = "REFUNDED", _("Refunded")


P = PaymentStatus

# Every move there is; an event that would make another is kept, marked stale, and acknowledged.
ALLOWED_MOVES: dict[str, set[str]] = {
    P.PENDING: {P.PROCESSING, P.PAID, P.FAILED, P.CANCELLED},
    P.PROCESSING: {P.PAID, P.FAILED, P.CANCELLED},
    P.FAILED: {P.PAID, P.PROCESSING},
    P.CANCELLED: {P.PAID, P.PROCESSING},
    P.PAID: {P.PARTIALLY_REFUNDED, P.REFUNDED},
    P.PARTIALLY_REFUNDED: {P.REFUNDED, P.PAID},
    P.REFUNDED: {P.PARTIALLY_REFUNDED, P.PAID},
}

OPEN = [P.PENDING, P.PROCESSING]
HAS_MONEY = [P.PAID, P.PARTIALLY_REFUNDED, P.REFUNDED]


class PaymentFlag(models.TextChoices):
    """What staff must look at."""

    AMOUNT_MISMATCH = "AMOUNT_MISMATCH", _("The gateway names another amount")
    DUPLICATE = "DUPLICATE", _("Paid twice")
    LATE = "LATE", _("Paid after its end")
    REFUND_FAILED = "REFUND_FAILED", _("A refund failed")
    UNKNOWN_REFUND = "UNKNOWN_REFUND", _("Refunded at the gateway, not here")
    REQUEST_REFUSED = "REQUEST_REFUSED", _("The gateway does not accept our request")
    DISPUTED = "DISPUTED", _("The payer disputes it")


class PaymentQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> Any:
        """Staff with the permission see all, customers those of their bookings."""
        if not user.is_authenticated:
            return self.none()
        if user.has_perm("payments.view_payment"):
            return self
        return self.filter(Q(booking__customer_id=user.pk) | Q(booking__agent_id=user.pk))

    def for_display(self) -> Any:
        """With all that an answer shows, in a fixed number of queries."""
        return self.select_related("booking").prefetch_related("refunds")

    def successes(self) -> Any:
        """Those that brought money which counts for their booking; a second success is given back and does not."""
        return self.filter(status__in=HAS_MONEY, is_duplicate=False)

    def whole_successes(self) -> Any:
        """Those after which nothing is left to pay. A booking has one at most."""
        return self.successes().filter(is_part=False)


class Payment(TenantOwned):
    """One attempt to pay a booking. The row and its key are committed before the gateway is called."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(_("number"), max_length=14)
    booking = TenantForeignKey(Booking, models.PROTECT, related_name="payments", verbose_name=_("booking"))
    gateway = models.CharField(_("gateway"), max_length=20)
    status = models.CharField(_("status"), max_length=20, choices=PaymentStatus.choices, default=PaymentStatus.PENDING)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=3)
    currency = models.CharField(_("currency"), max_length=3)
    # Written from the refunds' rows, never added to.
    refunded_amount = models.DecimalField(_("refunded"), max_digits=14, decimal_places=3, default=Decimal(0))
    idempotency_key = models.CharField(_("key at the gateway"), max_length=108)
    # The Idempotency-Key with which the client asked for this attempt: a crashed request finds its attempt again.
    client_key = models.CharField(max_length=330, blank=True, default="", editable=False)
    gateway_reference = models.CharField(_("gateway's reference"), max_length=255, blank=True, default="")
    captured_reference = models.CharField(
        _("gateway's reference of the capture"), max_length=255, blank=True, default=""
    )
    # The payer pays in a form on the client's own page, not on the gateway's.
    own_form = models.BooleanField(_("on the client's own page"), default=False)
    # What the payer has to do next, as the gateway said: {"type": "redirect", "url": …}.
    action = models.JSONField(_("next step"), default=dict)
    # Where our return page sends the payer on to: an address of ours or of a trusted origin.
    return_url = models.CharField(_("return address"), max_length=500, blank=True, default="")
    cancel_url = models.CharField(_("address after giving up"), max_length=500, blank=True, default="")
    language = models.CharField(_("language"), max_length=2, default="en")
    failure_code = models.CharField(_("failure"), max_length=60, blank=True, default="")
    failure_message = models.CharField(_("failure's words"), max_length=300, blank=True, default="")
    flag = models.CharField(_("flag"), max_length=30, choices=PaymentFlag.choices, blank=True, default="")
    # A second success, or money of a wrong amount: it goes back, and does not count for the booking.
    is_duplicate = models.BooleanField(_("does not count"), default=False)
    # A deposit, or less than was due: what is left is another payment's.
    is_part = models.BooleanField(_("a part"), default=False)
    entry = TenantForeignKey(Transaction, models.PROTECT, null=True, related_name="+", verbose_name=_("posting"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("created at"), default=now)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    expires_at = models.DateTimeField(_("expires at"), null=True)
    paid_at = models.DateTimeField(_("paid at"), null=True)
    # When a sweep looks at this attempt next, while it is unclear; null when there is nothing left to find out.
    check_at = models.DateTimeField(_("asked about next"), null=True)
    checks = models.PositiveSmallIntegerField(_("times asked about"), default=0)

    objects = TenantManager.from_queryset(PaymentQuerySet)()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-created_at"]
        permissions = [
            ("refund", _("May refund payments")),
            ("reconcile", _("May reconcile and replay notices")),
            ("take_cash", _("May take cash")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="payment_number_once"),
            models.UniqueConstraint(fields=["idempotency_key"], name="payment_key_once"),
            models.UniqueConstraint(
                fields=["booking", "client_key"], condition=~Q(client_key=""), name="payment_client_key_once"
            ),
            models.UniqueConstraint(
                fields=["booking"], condition=Q(status__in=["PENDING", "PROCESSING"]), name="payment_one_open"
            ),
            models.UniqueConstraint(
                fields=["booking"],
                condition=Q(status__in=["PAID", "PARTIALLY_REFUNDED", "REFUNDED"], is_duplicate=False, is_part=False),
                name="payment_one_success",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, refunded_amount__gte=0, refunded_amount__lte=models.F("amount")),
                name="payment_amounts",
            ),
        ]
        indexes = [
            models.Index(fields=["check_at"], condition=Q(check_at__isnull=False), name="payment_to_check"),
            models.Index(fields=["tenant", "-created_at"], name="payment_by_time"),
            models.Index(fields=["tenant"], condition=~Q(flag=""), name="payment_flagged"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        """Whether its end is not known yet."""
        return self.status in OPEN

    @property
    def has_money(self) -> bool:
        """Whether the gateway took the money, given back or not."""
        return self.status in HAS_MONEY

    @property
    def refundable(self) -> Decimal:
        """What no refund, done or under way, has claimed yet; in major units."""
        if not self.has_money:
            return Decimal(0)
        claimed = sum((r.amount for r in self.refunds.all() if r.status != RefundStatus.FAILED), Decimal(0))
        return self.amount - claimed

    def may_become(self, status: PaymentStatus) -> bool:
        return status in ALLOWED_MOVES[self.status]

    def move_to(self, status: PaymentStatus, *, reason: str, actor: Any = None) -> None:
        """The only line that changes the status; writes who, when, why (`with_detail`). Raises `IllegalMove`.

        The caller holds the lock.
        """
        if not self.may_become(status):
            raise IllegalMove(what=self.number, current=self.get_status_display(), wanted=PaymentStatus(status).label)
        old, self.status = self.status, status
        self.save(update_fields=["status", "updated_at"])
        self.note(reason, old_status=old, new_status=status, actor=actor)

    def note(self, reason: str, *, old_status: str = "", new_status: str = "", actor: Any = None) -> None:
        """Add a line to the history."""
        self.events.create(
            old_status=old_status, new_status=new_status, reason=reason[:300], actor_id=actor.pk if actor else None
        )
        if new_status:
            metrics.count(metrics.PAYMENTS, self.gateway, new_status)

    def raise_flag(self, what: PaymentFlag, detail: str = "") -> None:
        """Mark it for staff, once; the log line is the alert. The caller holds the lock."""
        if self.flag == what:
            return
        self.flag = what
        self.save(update_fields=["flag", "updated_at"])
        self.note(with_detail(what, detail))
        metrics.count(metrics.FLAGS, what)
        logger.error("payment %s is flagged %s: %s", self.number, what, detail)

    def lower_flag(self, reason: str, *, actor: Any) -> None:
        """Staff have dealt with it. The caller holds the lock."""
        self.flag = ""
        self.save(update_fields=["flag", "updated_at"])
        self.note(reason, actor=actor)


def with_detail(code: str, detail: str) -> str:
    """How a history keeps what happened: a code (`payments.wording` has its words) and what belongs to it."""
    return f"{code}: {detail}" if detail else str(code)


class PaymentEvent(TenantOwned):
    """One line of a payment's history. The database refuses to edit it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = TenantForeignKey(Payment, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("at"), default=now)
    old_status = models.CharField(_("from"), max_length=20, blank=True, default="")
    new_status = models.CharField(_("to"), max_length=20, blank=True, default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("who")
    )
    reason = models.CharField(_("why"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("event of a payment")
        verbose_name_plural = _("history of payments")
        ordering = ["at", "id"]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.payment} {self.new_status}"


class GatewayObject(TenantOwned):
    """Every id by which a gateway may speak of a payment (order, intent, capture, charge)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    gateway = models.CharField(max_length=20)
    kind = models.CharField(max_length=20)
    remote_id = models.CharField(max_length=255)
    payment = TenantForeignKey(Payment, models.CASCADE, related_name="gateway_objects")

    class Meta:
        verbose_name = _("gateway's object")
        verbose_name_plural = _("gateway's objects")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "gateway", "kind", "remote_id"], name="gateway_object_once")
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.remote_id}"


class NoticeStatus(models.TextChoices):
    NEW = "NEW", _("New")
    DONE = "DONE", _("Done")
    IGNORED = "IGNORED", _("Ignored")
    STALE = "STALE", _("Stale")
    FAILED = "FAILED", _("Failed")


class Notice(TenantOwned):
    """A gateway's webhook, stored raw before anything is done about it (the inbox)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    gateway = models.CharField(_("gateway"), max_length=20)
    dedupe_key = models.CharField(_("event"), max_length=255)
    type = models.CharField(_("type"), max_length=60, blank=True, default="")
    body = models.BinaryField(_("body"))
    headers = models.JSONField(_("headers"), default=dict)
    address = models.GenericIPAddressField(_("address"), null=True)
    received_at = models.DateTimeField(_("received at"), default=now)
    status = models.CharField(_("status"), max_length=8, choices=NoticeStatus.choices, default=NoticeStatus.NEW)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next try"), null=True, default=now)
    error = models.TextField(_("error"), blank=True, default="")
    payment = TenantForeignKey(
        Payment, models.SET_NULL, null=True, blank=True, related_name="notices", verbose_name=_("payment")
    )
    done_at = models.DateTimeField(_("done at"), null=True)

    class Meta:
        verbose_name = _("notice of a gateway")
        verbose_name_plural = _("notices of gateways")
        ordering = ["-received_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "gateway", "dedupe_key"], name="notice_once")]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(status__in=["NEW", "FAILED"]), name="notice_waiting"),
            models.Index(
                fields=["done_at"], condition=Q(done_at__isnull=False) & ~Q(body=b""), name="notice_with_body"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.dedupe_key}"


class RefundStatus(models.TextChoices):
    PENDING = "PENDING", _("Pending")
    SUCCEEDED = "SUCCEEDED", _("Done")
    FAILED = "FAILED", _("Failed")


class Refund(TenantOwned):
    """Money that goes back. The row and its key are committed before the gateway is called; retried with the same key."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(_("number"), max_length=14)
    payment = TenantForeignKey(Payment, models.PROTECT, related_name="refunds", verbose_name=_("payment"))
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=3)
    status = models.CharField(_("status"), max_length=10, choices=RefundStatus.choices, default=RefundStatus.PENDING)
    # What asks for it, unique: `cancellation:<booking>:<payment>`, `late:<payment>`, `staff:<key>`: asked twice is once.
    cause = models.CharField(_("cause"), max_length=160)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    idempotency_key = models.CharField(_("key at the gateway"), max_length=108)
    gateway_reference = models.CharField(_("gateway's reference"), max_length=255, blank=True, default="")
    failure_message = models.CharField(_("failure's words"), max_length=300, blank=True, default="")
    entry = TenantForeignKey(Transaction, models.PROTECT, null=True, related_name="+", verbose_name=_("posting"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("asked by")
    )
    created_at = models.DateTimeField(_("created at"), default=now)
    done_at = models.DateTimeField(_("done at"), null=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next try"), null=True, default=now)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="refund_number_once"),
            models.UniqueConstraint(fields=["tenant", "cause"], name="refund_cause_once"),
            models.UniqueConstraint(fields=["idempotency_key"], name="refund_key_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_positive"),
        ]
        indexes = [models.Index(fields=["next_try_at"], condition=Q(status="PENDING"), name="refund_waiting")]

    def __str__(self) -> str:
        return self.number
