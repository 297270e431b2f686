"""Signatures held against vectors that were made elsewhere, and everything by which a forger might try."""

import json
import zlib
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stripe as stripe_sdk
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import Store

from payments.gateways import paypal_signatures
from payments.gateways.interface import MalformedNotice, SignatureInvalid
from payments.gateways.paypal import PayPal
from payments.gateways.paypal_signatures import NoCertificate, owner_of, public_authorities, verify, vouched_for
from payments.gateways.stripe import Stripe

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
STRIPE, PAYPAL = VECTORS["stripe"], VECTORS["paypal"]

# --- Stripe ---


@pytest.fixture
def at_the_vectors_time(monkeypatch):
    monkeypatch.setattr("time.time", lambda: float(STRIPE["timestamp"]))


@pytest.fixture
def stripe(settings):
    settings.STRIPE_WEBHOOK_SECRET = STRIPE["secret"]
    return Stripe()


def header(text: str) -> dict[str, str]:
    return {"Stripe-Signature": text}


def test_stripes_vector(stripe, at_the_vectors_time):
    body = STRIPE["body"].encode()
    stripe.verify_notice(body, header(STRIPE["header"]))
    assert STRIPE["header"] == f"t={STRIPE['timestamp']},v1={STRIPE['v1']}"
    event = stripe.read_notice(body)
    assert (event.dedupe_key, event.type, event.payment_refs) == ("evt_1", "payment.succeeded", ("pi_1",))
    assert (str(event.amount), event.currency) == ("12.50", "USD")


def test_stripe_any_of_several_signatures_counts(stripe, at_the_vectors_time):
    """While a secret is being replaced, both sign."""
    t, v1 = STRIPE["timestamp"], STRIPE["v1"]
    stripe.verify_notice(STRIPE["body"].encode(), header(f"t={t},v1={'0' * 64},v1={v1},v0={'1' * 64}"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"v1={STRIPE['v1']}",
        f"t={STRIPE['timestamp']}",
        f"t={STRIPE['timestamp'] + 1},v1={STRIPE['v1']}",
        f"t={STRIPE['timestamp']},v0={STRIPE['v1']}",
        f"t={STRIPE['timestamp']},v1={STRIPE['v1'][:-1]}0",
        f"t=soon,v1={STRIPE['v1']}",
        f"t={STRIPE['timestamp']},v1=é",
    ],
)
def test_stripe_refuses(stripe, at_the_vectors_time, text):
    with pytest.raises(SignatureInvalid):
        stripe.verify_notice(STRIPE["body"].encode(), header(text))


def test_stripe_refuses_other_bytes_other_secrets_and_old_ones(stripe, settings, monkeypatch):
    body = STRIPE["body"].encode()
    monkeypatch.setattr("time.time", lambda: STRIPE["timestamp"] + 300.0)
    stripe.verify_notice(body, header(STRIPE["header"]))
    for changed in (body + b" ", body.replace(b"1250", b"1251"), b"\xff"):
        with pytest.raises(SignatureInvalid):
            stripe.verify_notice(changed, header(STRIPE["header"]))
    monkeypatch.setattr("time.time", lambda: STRIPE["timestamp"] + 301.0)
    with pytest.raises(SignatureInvalid):
        stripe.verify_notice(body, header(STRIPE["header"]))
    monkeypatch.setattr("time.time", lambda: float(STRIPE["timestamp"]))
    for secret in ("whsec_test_loca", "", " "):
        settings.STRIPE_WEBHOOK_SECRET = secret
        with pytest.raises(SignatureInvalid):
            stripe.verify_notice(body, header(STRIPE["header"]))


def test_stripe_own_header_is_the_sdks():
    made = stripe_sdk.WebhookSignature.generate_signature_header(STRIPE["body"], STRIPE["secret"], STRIPE["timestamp"])
    assert made == STRIPE["header"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'"x"', b"\xff", b'{"id": "evt", "type": "refund.created", "data": {"object": {"id": 1}}}'],
)
@pytest.mark.parametrize("adapter", [Stripe(), PayPal()])
def test_a_notice_that_is_none(adapter, body):
    with pytest.raises(MalformedNotice):
        adapter.read_notice(body)


# --- PayPal ---

BODY = PAYPAL["body"].encode()
CHAIN = x509.load_pem_x509_certificates(PAYPAL["cert_pem"].encode())
HEADERS = {
    "Paypal-Transmission-Id": PAYPAL["transmission_id"],
    "Paypal-Transmission-Time": PAYPAL["transmission_time"],
    "Paypal-Transmission-Sig": PAYPAL["transmission_sig_b64"],
    "Paypal-Cert-Url": "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270",
    "Paypal-Auth-Algo": PAYPAL["auth_algo"],
}


@pytest.fixture(autouse=True)
def at_paypals_time(monkeypatch):
    moment = datetime.fromisoformat(PAYPAL["transmission_time"]) + timedelta(days=3)
    monkeypatch.setattr(paypal_signatures, "now", lambda: moment)


def test_paypals_vector():
    assert zlib.crc32(BODY) == PAYPAL["crc32_decimal"] == int(PAYPAL["crc32_hex"], 16)
    verify(BODY, HEADERS, PAYPAL["webhook_id"], load=lambda address: CHAIN)
    event = PayPal().read_notice(BODY)
    assert (event.dedupe_key, event.type) == ("WH-1", "payment.succeeded")
    assert event.payment_refs == ("pay_1", "5O190127TN364715T", "2GG279541U471931P")
    assert (str(event.amount), event.currency) == ("10.00", "USD")


@pytest.mark.parametrize(
    "changed",
    [
        {"Paypal-Transmission-Id": "another"},
        {"Paypal-Transmission-Time": "2026-11-20T21:00:02Z"},
        {"Paypal-Transmission-Sig": "AAAA" + PAYPAL["transmission_sig_b64"][4:]},
        {"Paypal-Transmission-Sig": "no base64!"},
        {"Paypal-Auth-Algo": "SHA1withRSA"},
        {"Paypal-Transmission-Time": "2026-11-20T21:00:01"},
        {"Paypal-Transmission-Time": "yesterday"},
        *({name: ""} for name in HEADERS),
    ],
)
def test_paypal_refuses(changed):
    with pytest.raises(SignatureInvalid):
        verify(BODY, HEADERS | changed, PAYPAL["webhook_id"], load=lambda address: CHAIN)


def test_paypal_refuses_other_bytes_and_other_webhooks():
    for body in (BODY + b" ", BODY.replace(b"10.00", b"99.00"), b""):
        with pytest.raises(SignatureInvalid):
            verify(body, HEADERS, PAYPAL["webhook_id"], load=lambda address: CHAIN)
    with pytest.raises(SignatureInvalid):
        verify(BODY, HEADERS, "ANOTHERWEBHOOK", load=lambda address: CHAIN)


def test_paypal_refuses_what_is_older_than_its_retries(monkeypatch):
    moment = datetime.fromisoformat(PAYPAL["transmission_time"]) + timedelta(days=5)
    monkeypatch.setattr(paypal_signatures, "now", lambda: moment)
    with pytest.raises(SignatureInvalid):
        verify(BODY, HEADERS, PAYPAL["webhook_id"], load=lambda address: CHAIN)


@pytest.mark.parametrize(
    "address",
    [
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.example/CERT-1",
        "https://api.paypal.com@evil.example/CERT-1",
        "https://user:pw@api.paypal.com/CERT-1",
        "https://api.paypal.com:8443/CERT-1",
        "https://evil.example/api.paypal.com/CERT-1",
        "https://www.paypal.com/CERT-1",
        "https://api.paypal.com\\@evil.example/CERT-1",
        "https://api.paypal.com/../CERT-1",
        "https://api.paypal.com/CERT-1?next=https://evil.example",
        "https://api.paypal.com/CERT-1#x",
        "https://api.paypal.com/CERT-1\n",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "//api.paypal.com/CERT-1",
    ],
)
def test_a_certificate_is_fetched_from_paypal_only(address):
    asked = []
    with pytest.raises(SignatureInvalid):
        verify(BODY, HEADERS | {"Paypal-Cert-Url": address}, PAYPAL["webhook_id"], load=asked.append)
    assert asked == []


@pytest.mark.parametrize("host", ["api", "api-m", "api.sandbox", "api-m.sandbox"])
def test_paypals_own_hosts(host):
    address = f"https://{host}.paypal.com/v1/notifications/certs/CERT-1"
    asked = []

    def load(wanted):
        asked.append(wanted)
        return CHAIN

    verify(BODY, HEADERS | {"Paypal-Cert-Url": address}, PAYPAL["webhook_id"], load=load)
    assert asked == [address]


def made(name: str, issuer: tuple | None = None, *, days: int = 30, is_authority: bool = False, key=None):
    """A certificate and its key; signed by itself where no issuer is given."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signer, signing_key = issuer or (None, key)
    today = datetime.now(UTC)
    purpose = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=10))
        .not_valid_after(today + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
    )
    if is_authority:
        builder = builder.add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
        )
    else:
        builder = builder.add_extension(purpose, critical=False).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
    return builder.sign(signing_key, SHA256()), key


def pem(*certificates) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def test_a_certificate_needs_an_authority():
    root = made("Trusted Root", is_authority=True)
    between = made("Between", root, is_authority=True)
    key = rsa.generate_private_key(65537, 2048)
    leaf, _key = made("messageverificationcerts.paypal.com", between, key=key)
    trusted = Store([root[0]])
    assert vouched_for(pem(leaf, between[0]), trusted)[0] == leaf
    assert owner_of(leaf) == "messageverificationcerts.paypal.com"
    stranger = made("messageverificationcerts.paypal.com", made("Strange Root", is_authority=True))[0]
    expired = made("messageverificationcerts.paypal.com", between, days=-1)[0]
    for refused in (
        pem(leaf),
        pem(stranger),
        pem(expired, between[0]),
        CHAIN[0].public_bytes(Encoding.PEM),
        b"",
        b"no pem",
    ):
        with pytest.raises(NoCertificate):
            vouched_for(refused, trusted)
    with pytest.raises(NoCertificate):
        vouched_for(pem(leaf, between[0]), public_authorities())


def test_a_certificate_of_somebody_else_or_out_of_date(monkeypatch):
    root = made("Trusted Root", is_authority=True)
    key = rsa.generate_private_key(65537, 2048)
    strange = made("paypal.com.evil.example", root, key=key)[0]
    with pytest.raises(SignatureInvalid, match="somebody else"):
        verify(BODY, HEADERS, PAYPAL["webhook_id"], load=lambda address: [strange])
    moment = datetime(2051, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(paypal_signatures, "now", lambda: moment)
    late = HEADERS | {"Paypal-Transmission-Time": "2051-01-01T00:00:00Z"}
    with pytest.raises(SignatureInvalid, match="out of date"):
        verify(BODY, late, PAYPAL["webhook_id"], load=lambda address: CHAIN)
    assert b64decode(PAYPAL["transmission_sig_b64"])


def test_where_the_certificate_cannot_be_had_paypal_is_asked(paypal_shop, monkeypatch):
    def nobody(address):
        raise NoCertificate(address)

    monkeypatch.setattr(paypal_signatures, "now", lambda: datetime.now(UTC))
    monkeypatch.setattr(paypal_signatures, "trusted_chain", nobody)
    told = paypal_shop.strange_notice()
    PayPal().verify_notice(told.body, told.headers)
    for body in (told.body + b" ", told.body.replace(b"200", b"201"), b"[]", b'{"a": 1}, "webhook_id": "x"', b""):
        with pytest.raises(SignatureInvalid):
            PayPal().verify_notice(body, told.headers)
    assert paypal_shop.process.calls().count("verify") >= 3
    assert paypal_shop.violations() == []


def test_paypal_is_always_asked_where_the_settings_say_so(paypal_shop, settings, monkeypatch):
    monkeypatch.setattr(paypal_signatures, "now", lambda: datetime.now(UTC))
    settings.PAYPAL_VERIFY = "call"
    told = paypal_shop.strange_notice()
    assert paypal_shop.post(told) == 200
    assert paypal_shop.post(paypal_shop.forged(told)) == 400
    assert paypal_shop.process.calls().count("verify") == 2
    paypal_shop.order("verify", "500")
    assert paypal_shop.post(paypal_shop.strange_notice()) == 503  # it comes again
