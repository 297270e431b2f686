"""How Stripe counts money: which currencies it takes, from how much on, and in which steps."""

from decimal import Decimal

from ledger.money import minor_units
from payments.gateways.interface import GatewayInvalidRequest

CURRENCIES = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF
    CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR
    MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
    SEK SGD SHP SLE SOS SRD STN SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XOF
    XPF YER ZAR ZMW
    """.split()  # noqa: SIM905
)
WITHOUT_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())  # noqa: SIM905
WITH_THOUSANDTHS = frozenset("BHD JOD KWD OMR TND".split())  # noqa: SIM905
# The least that a payer can be charged, where Stripe names it; refunds may be smaller.
LEAST = {
    currency: Decimal(amount)
    for amount, currencies in {
        "0.30": "GBP",
        "0.50": "AUD BRL CAD CHF EUR INR NZD SGD USD",
        "2.00": "AED MYR PLN RON",
        "2.50": "DKK",
        "3.00": "NOK SEK",
        "4.00": "HKD",
        "10": "MXN THB",
        "15": "CZK",
        "50": "JPY",
        "175": "HUF",
    }.items()
    for currency in currencies.split()
}


def to_wire(amount: Decimal, currency: str) -> int:
    """The amount as Stripe counts it. Raises `GatewayInvalidRequest` rather than rounding.

    Not always the currency's own minor units: kronur and shillings travel in hundredths though they have none, ariary
    whole, and the last digit of thousandths must be 0.
    """
    decimals = _decimals(currency)
    counted = amount.scaleb(decimals)
    step = 10 if currency in WITH_THOUSANDTHS else 100 if currency in {"ISK", "UGX"} else 1
    if counted != counted.to_integral_value() or counted % step or amount.scaleb(minor_units(currency)) % 1:
        raise GatewayInvalidRequest(f"Stripe cannot be asked for {amount} {currency}")
    return int(counted)


def from_wire(counted: int, currency: str) -> Decimal:
    """The amount in major units."""
    return Decimal(counted).scaleb(-_decimals(currency))


def _decimals(currency: str) -> int:
    return 0 if currency in WITHOUT_DECIMALS else 3 if currency in WITH_THOUSANDTHS else 2
