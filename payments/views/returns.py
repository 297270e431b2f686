"""Where gateways send payers back to: the address says which payment, the gateway says what became of it."""

import logging
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.encoding import iri_to_uri
from django.utils.translation import override

from config.i18n import in_language
from ledger.money import format_money
from payments.gateways.interface import GatewayError
from payments.models import Payment, PaymentStatus
from payments.services import check_payment
from payments.views.methods import method_not_allowed

logger = logging.getLogger(__name__)

NOT_PAID = (PaymentStatus.FAILED, PaymentStatus.CANCELLED)
TONES = {
    PaymentStatus.PAID: "good",
    PaymentStatus.FAILED: "bad",
    PaymentStatus.PENDING: "wait",
    PaymentStatus.PROCESSING: "wait",
}


def payer_returned(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """Ask the gateway, then send the payer on to the client's page, or say here how the payment stands."""
    if request.method not in ("GET", "HEAD"):
        return method_not_allowed(request, "GET", "HEAD")
    payment = Payment.objects.select_related("booking").filter(pk=payment_id).first()
    if payment is None:
        raise Http404
    if payment.is_open:
        payment = _asked(payment)
    onward = payment.cancel_url or payment.return_url if payment.status in NOT_PAID else payment.return_url
    if onward:
        response = HttpResponse(status=303, headers={"Location": with_outcome(onward, payment)})
    else:
        response = _page(request, payment)
    add_never_cache_headers(response)
    return response


def _asked(payment: Payment) -> Payment:
    try:
        return check_payment(payment_id=payment.pk)
    except GatewayError as trouble:
        logger.warning("payment %s is unclear on return: %s", payment.number, trouble)
        return payment


def with_outcome(address: str, payment: Payment) -> str:
    """The client's address with `payment` and `status` added: a hint for its page, which asks the API to be sure."""
    parts = urlsplit(address)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("payment", str(payment.pk)), ("status", payment.status)]
    return iri_to_uri(urlunsplit(parts._replace(query=urlencode(query))))


def _page(request: HttpRequest, payment: Payment) -> HttpResponse:
    tenant: Any = request.tenant  # type: ignore[attr-defined]
    asked = request.GET.get("language", "")
    language = asked if asked in {"en", "ar"} else payment.language
    other = request.GET.copy()
    other["language"] = "en" if language == "ar" else "ar"
    with override(language):
        response = render(
            request,
            "payments/returned.html",
            {
                "payment": payment,
                "amount": format_money(payment.amount, payment.currency, language),
                "refunded": format_money(payment.refunded_amount, payment.currency, language),
                "tone": TONES.get(PaymentStatus(payment.status), ""),
                "tenant_name": in_language(tenant, "name", language),
                "tenant_phone": str(tenant.phone),
                "tenant_email": tenant.email,
                "other_language_url": f"?{other.urlencode()}",
            },
        )
    response["Content-Language"] = language
    return response
