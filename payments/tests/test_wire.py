"""How amounts travel: in each gateway's own units, refused rather than rounded. And that the judge of the stand-ins judges."""

from decimal import Decimal

import pytest
from django_redis.exceptions import ConnectionInterrupted

from bookings.tests.factories import BookingFactory
from payments.gateways import paypal, stripe_amounts
from payments.gateways.amounts import may_be_paid
from payments.gateways.interface import GatewayInvalidRequest
from payments.gateways.paypal import PayPal
from payments.gateways.registry import offered_codes
from payments.gateways.stripe import Stripe
from payments.services import start_payment
from payments.tests.standins.contract import Contract, decoded_form


@pytest.mark.parametrize(
    ("amount", "currency", "counted"),
    [
        ("12.50", "USD", 1250),
        ("0.01", "USD", 1),
        ("500", "JPY", 500),
        ("5.120", "KWD", 5120),
        ("5", "ISK", 500),
        ("5", "UGX", 500),
        ("10.45", "HUF", 1045),
        ("10.45", "TWD", 1045),
        ("1500.00", "EGP", 150000),
        ("7", "MGA", 7),
        ("7", "XAF", 7),
        ("1.230", "TND", 1230),
    ],
)
def test_stripes_units(amount, currency, counted):
    assert stripe_amounts.to_wire(Decimal(amount), currency) == counted
    assert stripe_amounts.from_wire(counted, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("12.505", "USD"),
        ("500.5", "JPY"),
        ("5.125", "KWD"),
        ("5.5", "ISK"),
        ("5.5", "UGX"),
        ("7.5", "MGA"),
        ("1.001", "OMR"),
    ],
)
def test_stripe_never_rounds(amount, currency):
    with pytest.raises(GatewayInvalidRequest):
        stripe_amounts.to_wire(Decimal(amount), currency)
    assert not Stripe().takes(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("12.5", "USD", "12.50"),
        ("500", "JPY", "500"),
        ("500.00", "JPY", "500"),
        ("10", "HUF", "10"),
        ("0.01", "EUR", "0.01"),
    ],
)
def test_paypals_units(amount, currency, written):
    assert paypal.to_wire(Decimal(amount), currency) == written


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("12.505", "USD"), ("500.5", "JPY"), ("10.45", "HUF"), ("1.5", "TWD"), ("5", "KWD"), ("5", "EGP")],
)
def test_paypal_never_rounds(amount, currency):
    with pytest.raises(GatewayInvalidRequest):
        paypal.to_wire(Decimal(amount), currency)
    assert not PayPal().takes(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("amount", "currency", "may"),
    [("0.49", "USD", False), ("0.50", "USD", True), ("1.99", "AED", False), ("2", "AED", True), ("0.01", "EGP", True)],
)
def test_the_least_that_stripe_charges(amount, currency, may):
    """A refund may be smaller: `takes` says only that the amount can be told."""
    assert may_be_paid(Stripe(), Decimal(amount), currency) is may
    assert Stripe().takes(Decimal(amount), currency)


def test_every_least_amount_is_of_a_currency_that_stripe_takes_and_can_be_told():
    for currency, amount in stripe_amounts.LEAST.items():
        assert currency in stripe_amounts.CURRENCIES
        assert stripe_amounts.to_wire(amount, currency) > 0


def test_paypal_is_paid_by_while_the_cache_is_away(paypal_shop, monkeypatch):
    class Away:
        def get(self, name):
            raise ConnectionInterrupted(None)

        def set(self, name, value, seconds):
            raise ConnectionInterrupted(None)

    monkeypatch.setattr(paypal, "cache", Away())
    payment = start_payment(booking_id=BookingFactory().pk, gateway="paypal")
    assert payment.action["type"] == "redirect"
    assert paypal_shop.process.calls() == ["token", "create"]


def test_a_gateway_without_its_keys_is_not_offered(settings):
    assert offered_codes() == ["sandbox"]
    settings.STRIPE_SECRET_KEY, settings.STRIPE_PUBLISHABLE_KEY = "sk", "pk"
    assert offered_codes() == ["sandbox"]
    settings.STRIPE_WEBHOOK_SECRET = "whsec"
    settings.PAYPAL_CLIENT_ID = settings.PAYPAL_CLIENT_SECRET = settings.PAYPAL_WEBHOOK_ID = "x"
    assert offered_codes() == ["stripe", "paypal", "sandbox"]


@pytest.mark.parametrize(
    ("form", "is_kept"),
    [
        ("amount=100&currency=usd&automatic_payment_methods[enabled]=true&metadata[a]=b", True),
        ("currency=usd", False),
        ("amount=100&currency=usd&automatic_payment_method[enabled]=true", False),
        ("amount=100&currency=usd&automatic_payment_methods[on]=true", False),
        ("amount=12.5&currency=usd", False),
        ("amount=100&currency=usd&capture_method=sometimes", False),
    ],
)
def test_the_judge_of_stripes_forms_is_awake(form, is_kept):
    contract = Contract("stripe_2023-08-16_payments_trimmed.json")
    operation = contract.operation("POST", "/v1/payment_intents")
    body = decoded_form(contract, form, contract.body_schema(operation)[1])
    assert (contract.faults_of_request(operation, body, {}) == []) is is_kept


UNIT = {"amount": {"currency_code": "USD", "value": "1.00"}}


@pytest.mark.parametrize(
    ("body", "is_kept"),
    [
        ({"intent": "CAPTURE", "purchase_units": [UNIT]}, True),
        ({"purchase_units": [UNIT]}, False),
        ({"intent": "TAKE", "purchase_units": [UNIT]}, False),
        ({"intent": "CAPTURE", "purchase_units": []}, False),
        ({"intent": "CAPTURE", "purchase_units": [{"amount": {"currency_code": "USD", "value": 1.0}}]}, False),
        ({"intent": "CAPTURE", "purchase_units": [UNIT | {"invented": 1}]}, False),
        ({"intent": "CAPTURE", "purchase_units": [UNIT], "invented": 1}, False),
    ],
)
def test_the_judge_of_paypals_bodies_is_awake(body, is_kept):
    contract = Contract("paypal_payments_trimmed.json")
    operation = contract.operation("POST", "/v2/checkout/orders")
    assert (contract.faults_of_request(operation, body, {}) == []) is is_kept


def test_the_stand_ins_are_no_part_of_what_is_served(settings):
    """Nothing outside the tests imports them."""
    for file in settings.BASE_DIR.glob("*/**/*.py"):
        if "tests" not in file.parts and "var" not in file.parts and ".venv" not in file.parts:
            assert "standins" not in file.read_text(), file
