"""The money's part of a story: attempts, captures, refunds. Kept beside `payments.services`, and tested against it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from bookings.models import Booking, BookingEvent, BookingItem, BookingStatus, Hold, PaymentState
from bookings.services.settlement import payment_state
from ledger.models import AccountRole, TransactionKind
from ledger.money import amount_text
from payments.demo.chronicle import ZERO, Chronicle
from payments.demo.story import Ending, Story
from payments.models import (
    GatewayObject,
    Payment,
    PaymentEvent,
    PaymentStatus,
    Refund,
    RefundStatus,
    with_detail,
)

GATEWAY = "sandbox"


class Paying:
    """Steps of a story that move money; `at` is the moment of the step."""

    c: Chronicle
    story: Story
    at: datetime
    hold: Hold
    booking: Booking
    item: BookingItem
    payment: Payment | None
    refunds: list[Refund]

    def _pass(self, least: float, most: float) -> None:
        self.at += timedelta(seconds=self.c.chance.uniform(least, most))

    def _history(self, **line: Any) -> None:
        self.at += timedelta(milliseconds=2)  # lines of one moment keep their order
        self.c.rows.append(BookingEvent(id=self.c.new_id(self.at), booking_id=self.booking.pk, at=self.at, **line))

    def _move(self, status: BookingStatus, *, actor_id: UUID | None = None, reason: str = "", data: Any = None) -> None:
        old, self.booking.status = self.booking.status, status
        self.item.status = status
        self._history(old_status=old, new_status=status, actor_id=actor_id, reason=reason[:500], data=data or {})

    def _amount(self, amount: Decimal) -> str:
        return amount_text(amount, self.booking.currency)

    def _begin_payment(self) -> Payment:
        booking = self.booking
        self._pass(5, 60)
        payment = Payment(
            id=self.c.new_id(self.at),
            number=self.c.number("PAY"),
            booking_id=booking.pk,
            gateway=GATEWAY,
            status=PaymentStatus.PENDING,
            amount=booking.total,
            currency=booking.currency,
            language=booking.language,
            created_by_id=self.story.buyer.actor_id,
            created_at=self.at,
            updated_at=self.at,
            expires_at=self.hold.expires_at,
            refunded_amount=ZERO,
            gateway_reference=f"sbp_{self.c.chance.getrandbits(96):024x}",
        )
        payment.idempotency_key = f"{GATEWAY}:payment:{payment.pk}"
        payment.action = {"type": "redirect", "url": f"{settings.SANDBOX_URL}/pay/{payment.gateway_reference}"}
        payment.check_at = None
        self.c.rows += [payment, self._remote_name(payment, "payment", payment.gateway_reference)]
        self.refunds: list[Refund] = []
        self.c.remote.append((payment, self.refunds))
        self.payment = payment
        self._payment_history("begun", new_status=payment.status, actor_id=self.story.buyer.actor_id)
        return payment

    def _remote_name(self, payment: Payment, kind: str, remote_id: str) -> GatewayObject:
        return GatewayObject(
            id=self.c.new_id(self.at), gateway=GATEWAY, kind=kind, remote_id=remote_id, payment_id=payment.pk
        )

    def _payment_history(
        self, reason: str, *, old_status: str = "", new_status: str = "", actor_id: UUID | None = None
    ) -> None:
        assert self.payment is not None
        self.at += timedelta(milliseconds=2)
        self.payment.updated_at = self.at
        self.c.rows.append(
            PaymentEvent(
                id=self.c.new_id(self.at),
                payment_id=self.payment.pk,
                at=self.at,
                old_status=old_status,
                new_status=new_status,
                reason=reason[:300],
                actor_id=actor_id,
            )
        )

    def _payment_moves(self, status: PaymentStatus, reason: str) -> None:
        assert self.payment is not None
        old, self.payment.status = self.payment.status, status
        self._payment_history(reason, old_status=old, new_status=status)

    def _note_payment(self, action: str) -> None:
        payment = self.payment
        assert payment is not None
        self._history(
            action=action,
            data={
                "payment": payment.number,
                "amount": self._amount(payment.amount),
                "currency": payment.currency,
                "gateway": GATEWAY,
            },
        )

    def _decline(self) -> None:
        payment = self._begin_payment()
        self._pass(15, 60)
        payment.failure_code = "card_declined"
        self._payment_moves(PaymentStatus.FAILED, with_detail("refused_there", payment.failure_code))
        self.booking.payment_status = PaymentState.FAILED
        self._note_payment("payment_failed")
        self.c.announce("payment.failed", payment, self.at, code=payment.failure_code)

    def _pay(self) -> None:
        payment = self._begin_payment()
        self._pass(15, 90)
        self._capture(payment)
        self._settle()

    def _capture(self, payment: Payment) -> None:
        payment.captured_reference = f"sbc_{self.c.chance.getrandbits(96):024x}"
        payment.paid_at = self.at
        clearing = self.c.account(AccountRole.GATEWAY_CLEARING, payment.currency, GATEWAY)
        deposits = self.c.account(AccountRole.CUSTOMER_DEPOSITS, payment.currency)
        posted = self.c.post(
            self.at,
            f"payment:{payment.pk}:captured",
            TransactionKind.PAYMENT,
            f"{payment.number} · {self.booking.reference}",
            [(clearing, payment.amount, ZERO), (deposits, ZERO, payment.amount)],
        )
        payment.entry_id = posted.pk
        self.c.rows.append(self._remote_name(payment, "capture", payment.captured_reference))
        self._payment_moves(PaymentStatus.PAID, "paid_there")
        self.c.announce(
            "payment.paid", payment, self.at, amount=self._amount(payment.amount), currency=payment.currency
        )
        self._note_payment("payment_paid")

    def _settle(self) -> None:
        """The booking is told the sums."""
        booking, payment = self.booking, self.payment
        assert payment is not None
        booking.amount_paid = payment.amount
        booking.amount_refunded = payment.refunded_amount
        booking.payment_status = payment_state(booking.total, booking.amount_paid, booking.amount_refunded)

    def _refund(self, amount: Decimal, cause: str) -> None:
        payment, booking = self.payment, self.booking
        assert payment is not None
        self._pass(1, 5)
        refund = Refund(
            id=self.c.new_id(self.at),
            number=self.c.number("RF"),
            payment_id=payment.pk,
            amount=amount,
            status=RefundStatus.PENDING,
            cause=cause,
            created_at=self.at,
            attempts=1,
            next_try_at=None,
        )
        refund.idempotency_key = f"{GATEWAY}:refund:{refund.pk}"
        self.c.rows.append(refund)
        wording = f"{self._amount(amount)} {payment.currency}"
        self._payment_history(with_detail("refund_asked", f"{refund.number}, {wording}"))
        self._pass(1, 4)
        refund.done_at = self.at
        if self.story.ending is Ending.REFUND_REFUSED:
            self._refund_refused(refund)
            return
        self._refund_done(refund)
        if booking.status == BookingStatus.EXPIRED:
            self._move(BookingStatus.REFUNDED, reason="given_back")
            self.c.announce("booking.refunded", booking, self.at)
        self.c.announce(
            "refund.done",
            refund,
            self.at,
            amount=self._amount(amount),
            currency=payment.currency,
            booking=str(booking.pk),
        )

    def _refund_done(self, refund: Refund) -> None:
        payment = self.payment
        assert payment is not None
        clearing = self.c.account(AccountRole.GATEWAY_CLEARING, payment.currency, GATEWAY)
        deposits = self.c.account(AccountRole.CUSTOMER_DEPOSITS, payment.currency)
        posted = self.c.post(
            self.at,
            f"refund:{refund.pk}:done",
            TransactionKind.REFUND,
            f"{refund.number} · {payment.number}",
            [(deposits, refund.amount, ZERO), (clearing, ZERO, refund.amount)],
        )
        refund.entry_id, refund.status = posted.pk, RefundStatus.SUCCEEDED
        refund.gateway_reference = f"sbr_{self.c.chance.getrandbits(96):024x}"
        self.refunds.append(refund)
        payment.refunded_amount = refund.amount
        in_full = refund.amount == payment.amount
        self._payment_moves(
            PaymentStatus.REFUNDED if in_full else PaymentStatus.PARTIALLY_REFUNDED,
            with_detail("refund_done", refund.number),
        )
        self._note_refund("refund_done", refund, {"currency": payment.currency})
        self._settle()

    def _refund_refused(self, refund: Refund) -> None:
        payment = self.payment
        assert payment is not None
        refund.status, refund.failure_message = RefundStatus.FAILED, "the card was closed"
        payment.flag = "REFUND_FAILED"
        self._payment_history(with_detail("REFUND_FAILED", f"{refund.number}, {refund.failure_message}"))
        self._note_refund("refund_failed", refund, {})
        self.c.announce("refund.failed", refund, self.at, booking=str(self.booking.pk))

    def _note_refund(self, action: str, refund: Refund, more: dict[str, str]) -> None:
        assert self.payment is not None
        data = {"payment": self.payment.number, "refund": refund.number, "amount": self._amount(refund.amount)}
        self._history(action=action, data=data | more)
