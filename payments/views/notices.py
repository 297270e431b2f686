"""Where gateways tell us things: check the signature on the raw bytes, store, answer. Nothing else happens here."""

import logging

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from config import metrics
from config.addresses import client_address
from config.api import error_response
from payments.errors import UnknownGateway
from payments.gateways.interface import GatewayError, MalformedNotice, SignatureInvalid
from payments.gateways.registry import offered_gateway
from payments.services.inbox import count_forged, store_notice
from payments.views.methods import method_not_allowed

logger = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024
KEPT_HEADERS = ("Content-Type", "User-Agent")


@csrf_exempt
def receive_notice(request: HttpRequest, gateway: str) -> HttpResponse:
    """200 for what is stored or was before; 400 for what the gateway did not sign or nobody can read."""
    if request.method != "POST":
        return method_not_allowed(request, "POST")
    try:
        adapter = offered_gateway(gateway)
    except UnknownGateway as unknown:
        return error_response(request, 404, unknown.code, str(unknown))
    if _length(request) > MOST_BYTES:
        return error_response(
            request, 413, "body_too_large", _("The body is larger than {limit} bytes.").format(limit=MOST_BYTES)
        )
    body = request.body
    try:
        adapter.verify_notice(body, request.headers)
        event = adapter.read_notice(body)
    except SignatureInvalid as fault:
        metrics.NOTICES.labels(adapter.code, "forged").inc()
        logger.warning("a notice with a bad signature (%s today): %s", count_forged(), fault)
        return error_response(request, 400, "signature_invalid", _("The signature is not valid."))
    except MalformedNotice as fault:
        metrics.NOTICES.labels(adapter.code, "malformed").inc()
        logger.warning("a signed notice of %s cannot be read: %s", gateway, fault)
        return error_response(request, 400, "malformed_notice", _("The notice cannot be read."))
    except GatewayError as trouble:
        logger.warning("a notice of %s could not be verified: %s", gateway, trouble)
        return error_response(request, 503, "unavailable", _("Try again later."))
    kept = (*KEPT_HEADERS, *adapter.signature_headers)
    headers = {name: request.headers[name][:500] for name in kept if name in request.headers}
    try:
        is_new = store_notice(gateway=gateway, event=event, body=body, headers=headers, address=client_address(request))
    except DatabaseError:
        logger.exception("a notice could not be stored; the gateway will send it again")
        return error_response(request, 503, "unavailable", _("Try again later."))
    return JsonResponse({"received": True, "repeated": not is_new})


def _length(request: HttpRequest) -> int:
    """Of the body, as its sender says; no more than that is ever read."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
