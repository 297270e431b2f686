"""How PayPal's stand-in signs its notices: with a certificate of its own, as PayPal does with one of its own."""

import base64
import secrets
import time
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

WEBHOOK_ID = "1JE4291016473214C"
CERTIFICATE_URL = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-standin"


def moment(age: float = 0) -> str:
    """`age` seconds ago, as PayPal writes it."""
    return datetime.fromtimestamp(time.time() - age, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _message(body: bytes, transmission: str, at: str, webhook: str) -> bytes:
    return f"{transmission}|{at}|{webhook}|{zlib.crc32(body) & 0xFFFFFFFF}".encode()


class Seal:
    """A key and its certificate, made anew for each process."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "messageverificationcerts.paypal.com")])
        today = datetime.now(UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(today - timedelta(days=10))
            .not_valid_after(today + timedelta(days=30))
            .sign(self._key, SHA256())
        )

    def pem(self) -> str:
        return self._certificate.public_bytes(Encoding.PEM).decode()

    def headers_for(self, body: bytes, age: float) -> dict[str, str]:
        """The headers of a notice sent `age` seconds ago."""
        at, transmission = moment(age), secrets.token_hex(16)
        signature = self._key.sign(_message(body, transmission, at, WEBHOOK_ID), PKCS1v15(), SHA256())
        return {
            "Paypal-Transmission-Id": transmission,
            "Paypal-Transmission-Time": at,
            "Paypal-Transmission-Sig": base64.b64encode(signature).decode(),
            "Paypal-Cert-Url": CERTIFICATE_URL,
            "Paypal-Auth-Algo": "SHA256withRSA",
        }

    def vouches_for(self, event: bytes, asked: dict[str, Any]) -> bool:
        """Whether these bytes and what is said of their signature are ours."""
        message = _message(event, asked["transmission_id"], asked["transmission_time"], asked["webhook_id"])
        try:
            signature = base64.b64decode(asked["transmission_sig"])
            self._key.public_key().verify(signature, message, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return bool(asked["webhook_id"] == WEBHOOK_ID and asked["cert_url"] == CERTIFICATE_URL)
