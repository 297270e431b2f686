"""What the sandbox gateway would remember of the demo's payments, so that they can be looked up and given back."""

from collections.abc import Sequence

from django.conf import settings

from config.tenancy import tenant_at_hand
from ledger.money import amount_text
from payments.models import Payment, PaymentStatus, Refund
from payments.sandbox.store import Store

STATUSES = {PaymentStatus.FAILED: "failed", PaymentStatus.CANCELLED: "cancelled"}


def tell_sandbox(told: Sequence[tuple[Payment, list[Refund]]]) -> None:
    """Write payments and done refunds into the sandbox's own store. Safe to repeat."""
    notify_url = f"{settings.PUBLIC_URL}/api/v1/payments/webhooks/sandbox?tenant={tenant_at_hand().slug}"
    store = Store(settings.SANDBOX_STATE)
    try:
        store.remember(
            [
                (
                    payment.gateway_reference,
                    payment.idempotency_key,
                    str(payment.pk),
                    amount_text(payment.amount, payment.currency),
                    payment.currency,
                    payment.number,
                    payment.language,
                    notify_url,
                    STATUSES.get(PaymentStatus(payment.status), "succeeded"),
                    payment.failure_code,
                    payment.captured_reference,
                    payment.expires_at.timestamp() if payment.expires_at else 0,
                    payment.created_at.timestamp(),
                )
                for payment, _refunds in told
            ],
            [
                (
                    refund.gateway_reference,
                    payment.gateway_reference,
                    refund.idempotency_key,
                    amount_text(refund.amount, payment.currency),
                    refund.number,
                    refund.created_at.timestamp(),
                )
                for payment, refunds in told
                for refund in refunds
            ],
        )
    finally:
        store.close()
