"""The adapter and the way to a gateway: every trouble has its own name, and only what may be repeated is."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import override_settings
from django.utils.timezone import now

from config.testing.server import free_port
from payments.errors import UnknownGateway
from payments.gateways.http import redacted
from payments.gateways.interface import (
    GatewayAuthError,
    GatewayConflict,
    GatewayDeclined,
    GatewayNotFound,
    GatewayUnavailable,
    GatewayUncertain,
    MalformedNotice,
    PaymentIntent,
    RefundOrder,
    SignatureInvalid,
)
from payments.gateways.registry import gateway_of, offered_codes, offered_gateway
from payments.gateways.sandbox import Sandbox
from payments.sandbox.signing import sign


def intent(**other) -> PaymentIntent:
    wanted = {
        "payment_id": uuid4(),
        "number": "PAY-TEST",
        "amount": Decimal("120"),
        "currency": "USD",
        "description": "BK-TEST",
        "language": "en",
        "return_url": "http://127.0.0.1:9/return",
        "cancel_url": "http://127.0.0.1:9/return",
        "notify_url": "http://127.0.0.1:9/notices",
        "begun_at": now(),
        "expires_at": now() + timedelta(minutes=15),
    }
    return PaymentIntent(**(wanted | other))


def test_create_fetch_cancel(sandbox):
    wanted, gateway = intent(), Sandbox()
    made = gateway.create(wanted, idempotency_key=f"k:{wanted.payment_id}")
    assert (made.status, made.amount, made.currency) == ("PENDING", Decimal("120.00"), "USD")
    assert made.action["type"] == "redirect"
    by_our_id = gateway.fetch(wanted)
    known = intent(payment_id=wanted.payment_id, gateway_reference=made.gateway_reference)
    assert by_our_id.gateway_reference == gateway.fetch(known).gateway_reference == made.gateway_reference
    assert gateway.cancel(known).status == "CANCELLED"
    assert gateway.cancel(known).status == "CANCELLED"
    with pytest.raises(GatewayNotFound):
        gateway.fetch(intent())


@pytest.mark.parametrize(("currency", "amount", "written"), [("JPY", "500", "500"), ("KWD", "5.12", "5.120")])
def test_amounts_travel_in_the_currencys_own_decimals(sandbox, currency, amount, written):
    wanted = intent(currency=currency, amount=Decimal(amount))
    made = Sandbox().create(wanted, idempotency_key=f"k:{wanted.payment_id}")
    assert sandbox.api("GET", f"/v1/payments/{made.gateway_reference}").json()["amount"] == written


def test_an_unpaid_payment_cannot_be_refunded_nor_a_paid_one_cancelled(sandbox):
    wanted, gateway = intent(), Sandbox()
    made = gateway.create(wanted, idempotency_key=f"k:{wanted.payment_id}")
    order = RefundOrder(uuid4(), made.gateway_reference, "", Decimal(1), "USD", "RF", f"r:{wanted.payment_id}")
    with pytest.raises(GatewayConflict):
        gateway.refund(order)
    sandbox.act(made.action["url"], "approve")
    with pytest.raises(GatewayConflict):
        gateway.cancel(intent(payment_id=wanted.payment_id, gateway_reference=made.gateway_reference))
    with pytest.raises(GatewayNotFound):
        gateway.fetch_refund(order)
    assert gateway.refund(order).status == gateway.fetch_refund(order).status == "SUCCEEDED"
    too_much = RefundOrder(uuid4(), made.gateway_reference, "", Decimal(120), "USD", "RF", f"r2:{wanted.payment_id}")
    with pytest.raises(GatewayDeclined, match="More than is left"):
        gateway.refund(too_much)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("500", GatewayUncertain),
        ("timeout_before", GatewayUncertain),
        ("timeout_after", GatewayUncertain),
        ("refuse", GatewayDeclined),
    ],
)
def test_troubles_of_a_write_have_their_names(sandbox, settings, kind, error):
    settings.GATEWAY_READ_SECONDS = 0.3
    sandbox.order("create", kind, times=3, seconds=1)
    wanted = intent()
    with pytest.raises(error):
        Sandbox().create(wanted, idempotency_key=f"k:{wanted.payment_id}")
    sandbox.heal()
    done = sandbox.api("GET", "/v1/payments", params={"reference": str(wanted.payment_id)}).json()["items"]
    assert len(done) == (1 if kind == "timeout_after" else 0)


def test_a_passing_trouble_of_a_keyed_write_is_overcome(sandbox):
    sandbox.order("create", "500", times=2)
    wanted = intent()
    assert Sandbox().create(wanted, idempotency_key=f"k:{wanted.payment_id}").status == "PENDING"


def test_nobody_there_means_nothing_done(sandbox, settings):
    settings.SANDBOX_URL = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(GatewayUnavailable):
        Sandbox().fetch(intent())


def test_a_wrong_key_is_a_fault_of_the_settings(sandbox):
    with override_settings(SANDBOX_SIGNING_KEY="another"), pytest.raises(GatewayAuthError):
        Sandbox().fetch(intent())


def test_the_same_key_with_another_body_is_a_conflict(sandbox):
    wanted = intent()
    Sandbox().create(wanted, idempotency_key=f"k:{wanted.payment_id}")
    with pytest.raises(GatewayConflict):
        Sandbox().create(
            intent(payment_id=wanted.payment_id, amount=Decimal(1)), idempotency_key=f"k:{wanted.payment_id}"
        )


NOTICE = json.dumps(
    {
        "id": "sbe_1",
        "type": "payment.succeeded",
        "created_at": "2026-11-21T07:00:00+00:00",
        "data": {"payment": {"id": "sbp_1", "reference": "ours", "amount": "120.00", "currency": "USD"}},
    }
).encode()


def header(settings, at: int | None = None, key: str | None = None, body: bytes = NOTICE) -> dict[str, str]:
    return {"Sandbox-Signature": sign(key or settings.SANDBOX_SIGNING_KEY, body, at)}


def test_a_signature_counts_for_these_bytes_now(settings):
    gateway, now_ = Sandbox(), int(time.time())
    gateway.verify_notice(NOTICE, header(settings))
    unsigned = hmac.new(settings.SANDBOX_SIGNING_KEY.encode(), NOTICE, hashlib.sha256).hexdigest()
    for headers in (
        {},
        {"Sandbox-Signature": ""},
        {"Sandbox-Signature": "t=1,v1=zz"},
        {"Sandbox-Signature": f"t={now_},v1={unsigned}"},
        header(settings, key="another"),
        header(settings, at=now_ - 301),
        header(settings, at=now_ + 301),
        header(settings, body=NOTICE.replace(b"120.00", b"1.00")),
    ):
        with pytest.raises(SignatureInvalid):
            gateway.verify_notice(NOTICE, headers)


def test_a_notice_is_read_in_our_words():
    event = Sandbox().read_notice(NOTICE)
    assert (event.dedupe_key, event.type, event.payment_refs) == ("sbe_1", "payment.succeeded", ("ours", "sbp_1"))
    assert (event.amount, event.currency) == (Decimal("120.00"), "USD")
    assert Sandbox().read_notice(NOTICE.replace(b"payment.succeeded", b"payment.sung")).type == "ignored"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'"x"', b'{"id": 1, "type": [], "data": {"payment": {}}}', b"\xff"]
)
def test_a_notice_that_is_none(body):
    with pytest.raises(MalformedNotice):
        Sandbox().read_notice(body)


def test_the_sandbox_is_offered_only_where_it_is_allowed(settings):
    assert offered_codes() == ["sandbox"]
    settings.ALLOW_SANDBOX = False
    assert offered_codes() == []
    with pytest.raises(UnknownGateway):
        offered_gateway("sandbox")
    assert gateway_of("sandbox").code == "sandbox"  # what was paid there is still refunded
    with pytest.raises(UnknownGateway):
        gateway_of("gold")


def test_secrets_are_masked():
    raw = {"client_secret": "s", "Authorization": "Bearer x", "rows": [{"card_number": "4", "amount": "1"}]}
    assert redacted(raw) == {
        "client_secret": "***",
        "Authorization": "***",
        "rows": [{"card_number": "***", "amount": "1"}],
    }
