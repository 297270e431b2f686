"""An attempt in the words of the gateway interface."""

from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.models import Tenant
from config.tenancy import tenant_id_or_raise
from payments.gateways.interface import PaymentIntent
from payments.models import Payment


def intent_of(payment: Payment) -> PaymentIntent:
    """Built from the row alone, so that a repeated call says the same as the first."""
    slug = Tenant.objects.values_list("slug", flat=True).get(pk=tenant_id_or_raise())
    return PaymentIntent(
        payment_id=payment.pk,
        number=payment.number,
        amount=payment.amount,
        currency=payment.currency,
        description=f"{payment.booking.reference} · {payment.number}",
        language=payment.language,
        return_url=return_address(payment.pk, slug),
        cancel_url=return_address(payment.pk, slug),
        notify_url=f"{settings.PUBLIC_URL}{reverse('api:payment-notices', args=[payment.gateway])}?tenant={slug}",
        begun_at=payment.created_at,
        expires_at=payment.expires_at or payment.created_at,
        own_form=payment.own_form,
        gateway_reference=payment.gateway_reference,
        captured_reference=payment.captured_reference,
    )


def return_address(payment_id: UUID, slug: str) -> str:
    """Where a gateway sends the payer back to, whatever happened: a page of ours that asks the gateway."""
    return f"{settings.PUBLIC_URL}{reverse('api:payment-return', args=[payment_id])}?tenant={slug}"
