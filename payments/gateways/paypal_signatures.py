"""Whether PayPal sent a notice: its signature, checked here with the certificate that PayPal publishes.

The address of the certificate comes with the notice, from whoever sent it. So it is fetched only from PayPal's own hosts,
believed only if a public authority vouches for it, and must name PayPal.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

import certifi
import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from django.utils.timezone import now

from payments.gateways.interface import SignatureInvalid

HEADERS = (
    "Paypal-Transmission-Id",
    "Paypal-Transmission-Time",
    "Paypal-Transmission-Sig",
    "Paypal-Cert-Url",
    "Paypal-Auth-Algo",
)
# The whole address is held against this: no user, port, query or look-alike host gets through.
CERTIFICATE_ADDRESS = re.compile(
    r"https://(api|api-m)(\.sandbox)?\.paypal\.com(:443)?/[A-Za-z0-9/_-]{1,200}(\.(pem|crt))?"
)
OWNER = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.paypal\.com")
MOST_BYTES = 64 * 1024
FETCH_SECONDS = 5
RETRIED_FOR = timedelta(days=4)  # PayPal tries for three days to deliver a notice

Chain = list[x509.Certificate]


class NoCertificate(Exception):
    """The certificate cannot be had, or nobody we trust vouches for it. PayPal itself can still be asked."""


def verify(
    body: bytes, headers: Mapping[str, str], webhook_id: str, load: Callable[[str], Chain] | None = None
) -> None:
    """Raises `SignatureInvalid` unless PayPal signed these bytes for this webhook, and `NoCertificate` where that cannot be told.

    `load` gets the chain at an address, its owner's certificate first, and vouches for it.
    """
    signature = checked_headers(headers)
    certificate = (load or trusted_chain)(headers["Paypal-Cert-Url"])[0]
    _refuse_strange(certificate)
    checksum = zlib.crc32(body) & 0xFFFFFFFF
    parts = (headers["Paypal-Transmission-Id"], headers["Paypal-Transmission-Time"], webhook_id, str(checksum))
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise SignatureInvalid("not an RSA certificate")
    try:
        key.verify(signature, "|".join(parts).encode(), PKCS1v15(), SHA256())
    except InvalidSignature as fault:
        raise SignatureInvalid("a wrong signature") from fault


def checked_headers(headers: Mapping[str, str]) -> bytes:
    """The signature of a notice whose headers may be PayPal's and recent. Raises `SignatureInvalid`."""
    if not all(headers.get(name) for name in HEADERS):
        raise SignatureInvalid("no signature")
    if headers["Paypal-Auth-Algo"] != "SHA256withRSA":
        raise SignatureInvalid("another algorithm")
    if not CERTIFICATE_ADDRESS.fullmatch(headers["Paypal-Cert-Url"]):
        raise SignatureInvalid("a certificate from elsewhere")
    try:
        sent_at = datetime.fromisoformat(headers["Paypal-Transmission-Time"])
        signature = base64.b64decode(headers["Paypal-Transmission-Sig"], validate=True)
    except (ValueError, binascii.Error) as fault:
        raise SignatureInvalid("headers that cannot be read") from fault
    if sent_at.tzinfo is None or abs(now() - sent_at) > RETRIED_FOR:
        raise SignatureInvalid("an old signature")
    return signature


def _refuse_strange(certificate: x509.Certificate) -> None:
    if not certificate.not_valid_before_utc <= now() <= certificate.not_valid_after_utc:
        raise SignatureInvalid("a certificate out of date")
    if not OWNER.fullmatch(owner_of(certificate)):
        raise SignatureInvalid("a certificate of somebody else")


def owner_of(certificate: x509.Certificate) -> str:
    """The common name in a certificate."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value).lower() if names else ""


@lru_cache(maxsize=8)
def trusted_chain(address: str) -> Chain:
    """The certificates at an address of PayPal's, vouched for by a public authority; kept, a failure is not.

    Raises `NoCertificate`.
    """
    return vouched_for(_fetched(address), public_authorities())


def vouched_for(pem: bytes, authorities: Store) -> Chain:
    """The certificates in a file, if one of the authorities stands behind the first. Raises `NoCertificate`."""
    try:
        chain = x509.load_pem_x509_certificates(pem)
        verifier = PolicyBuilder().store(authorities).build_server_verifier(x509.DNSName(owner_of(chain[0])))
        verifier.verify(chain[0], chain[1:])
    except (ValueError, VerificationError) as fault:
        raise NoCertificate(str(fault)) from fault
    return chain


@lru_cache(maxsize=1)
def public_authorities() -> Store:
    """The authorities that browsers trust."""
    with open(certifi.where(), "rb") as bundle:
        return Store(x509.load_pem_x509_certificates(bundle.read()))


def _fetched(address: str) -> bytes:
    content = b""
    try:
        with httpx.stream("GET", address, timeout=FETCH_SECONDS, follow_redirects=False, trust_env=False) as response:
            if response.status_code != httpx.codes.OK:
                raise NoCertificate(f"{address}: {response.status_code}")
            for part in response.iter_bytes():
                content += part
                if len(content) > MOST_BYTES:
                    raise NoCertificate(f"{address}: larger than a certificate")
    except httpx.HTTPError as fault:
        raise NoCertificate(f"{address}: {fault}") from fault
    return content
