"""PayPal."""

import zlib
from base64 import b64encode
from dataclasses import replace
from decimal import Decimal
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from payments.gateways import paypal_signatures
from payments.models import Payment
from payments.tests.conformance.drivers.driver import Told
from payments.tests.conformance.drivers.stand_in import StandInDriver
from payments.tests.standins import paypal as paypal_stand_in
from payments.tests.standins.paypal_seal import WEBHOOK_ID


class PayPalDriver(StandInDriver):
    code = "paypal"
    address_setting = "PAYPAL_API_BASE"
    takes_no = "KWD"
    too_fine = ("10.45", "HUF")
    CANNOT = {
        "notice_first": "the payer learns the order's address from our answer only, and PayPal tells nothing before they agree",
        "pays_late": "nothing is taken before we capture, and we do not capture what has ended",
        "conflict_on_reuse": "PayPal does not promise to notice that a request id comes with another body",
    }

    def configure(self, settings: Any, monkeypatch: Any) -> None:
        settings.PAYPAL_CLIENT_ID = paypal_stand_in.CLIENT_ID
        settings.PAYPAL_CLIENT_SECRET = paypal_stand_in.CLIENT_SECRET
        settings.PAYPAL_WEBHOOK_ID = WEBHOOK_ID
        settings.PAYPAL_API_BASE = self.process.url
        pem = self.process.act("certificate")["pem"]
        chain = x509.load_pem_x509_certificates(pem.encode())
        # Only who vouches for the certificate is set aside; address, owner, dates and signature are checked as ever.
        monkeypatch.setattr(paypal_signatures, "trusted_chain", lambda address: chain)

    def lie(self, payment: Payment, *, amount: str = "", currency: str = "") -> None:
        how = ({"value": amount} if amount else {}) | ({"currency_code": currency} if currency else {})
        self.act("lie", payment, **how)

    def refund_at_desk(self, payment: Payment, amount: str) -> None:
        self.act("refund_at_desk", payment, value=amount)

    def taken(self, payment: Payment) -> Decimal:
        return Decimal(self.act("look", payment)["taken"])

    def given(self, payment: Payment) -> list[Decimal]:
        return [Decimal(r["amount"]) for r in self.act("look", payment)["refunds"] if r["status"] != "FAILED"]

    def attempts_of(self, payment: Payment) -> int:
        return int(self.process.act("count", str(payment.pk))["orders"])

    def forged(self, told: Told) -> Told:
        signature = told.headers["Paypal-Transmission-Sig"]
        changed = ("A" if signature[0] != "A" else "B") + signature[1:]
        return replace(told, headers=told.headers | {"Paypal-Transmission-Sig": changed})

    def signed_by_another(self, told: Told) -> Told:
        parts = [told.headers[f"Paypal-Transmission-{name}"] for name in ("Id", "Time")]
        message = "|".join([*parts, WEBHOOK_ID, str(zlib.crc32(told.body) & 0xFFFFFFFF)])
        signature = rsa.generate_private_key(65537, 2048).sign(message.encode(), PKCS1v15(), SHA256())
        return replace(told, headers=told.headers | {"Paypal-Transmission-Sig": b64encode(signature).decode()})

    def strange_notice(self) -> Told:
        return self.told_of("strange")

    def told_of(self, what: str) -> Told:
        self.process.act(what)
        found = self.process.notices(what)[0]
        return Told(found["type"], found["body"].encode(), found["headers"])
