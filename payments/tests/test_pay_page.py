"""The page of a payment link: it offers what can take exactly this money, and leads where the gateway wants the payer."""

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils.timezone import now

from bookings.access import booking_token
from bookings.models import Booking
from bookings.tests.factories import BookingFactory, CustomerFactory
from ledger.tests.factories import ExchangeRateFactory
from payments.errors import NoWayToPay
from payments.gateways.interface import Capabilities
from payments.gateways.registry import offered_for
from payments.gateways.stripe import Stripe
from payments.mails import payment_link
from payments.models import Payment
from payments.services import send_payment_link, start_payment
from payments.tests.conformance.steps import again
from payments.tests.steps import begun, booking_of
from payments.tests.test_api import client_of
from tours.models import DepositRule
from tours.tests.factories import DepartureFactory

WAYS = "/api/v1/payments/ways"

pytestmark = pytest.mark.usefixtures("tenant")


def address(booking, language="en"):
    return f"{urlsplit(payment_link(booking)).path}?language={language}"


def page(booking, language="en"):
    return Client().get(address(booking, language))


def ways(answer):
    """The values of the page's buttons."""
    return re.findall(r'name="gateway" value="([^"]+)"', answer.content.decode())


def press(booking, way, language="en"):
    return Client().post(address(booking, language), {"gateway": way})


def onward(answer):
    return unescape(re.search(r'rel="noreferrer" href="([^"]+)"', answer.content.decode())[1])


def booked_in(currency, total):
    """A booking that costs so much in a currency."""
    if currency == "USD":  # what its trip costs 200 in
        booking = BookingFactory()
        Booking.objects.filter(pk=booking.pk).update(total=Decimal(total))
        return Booking.objects.get(pk=booking.pk)
    ExchangeRateFactory(quote__code=currency, rate=Decimal(total) / 200)
    booking = BookingFactory(currency=currency)
    assert booking.total == Decimal(total)
    return booking


def with_deposit(percent):
    departure = DepartureFactory(starts_at=now().replace(microsecond=0) + timedelta(days=60))
    DepositRule.objects.create(tour=departure.tour, amount=Decimal(percent))
    return BookingFactory(departure=departure)


# --- What is offered ---


@pytest.mark.parametrize(
    ("currency", "total", "offered"),
    [
        ("USD", "200.00", ["stripe", "paypal", "sandbox"]),
        ("USD", "0.40", ["paypal", "sandbox"]),  # Stripe charges 50 cents at least
        ("KWD", "5.120", ["stripe", "sandbox"]),  # PayPal knows no dinars
        ("KWD", "5.126", ["sandbox"]),  # Stripe counts them in hundredths
        ("HUF", "1000.50", ["stripe", "sandbox"]),  # PayPal counts whole forints
    ],
)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_cannot_take_the_amount_is_not_offered(stripe_shop, paypal_shop, currency, total, offered, language):
    booking = booked_in(currency, total)
    assert ways(page(booking, language)) == offered
    for way in {"stripe", "paypal"} - set(offered):
        refused = press(booking, way, language)
        assert (refused.status_code, ways(refused)) == (422, offered)
    assert not Payment.objects.exists()


def test_deposit_and_whole_price_are_asked_for_apart(stripe_shop):
    """A deposit of 20 cents is too little for Stripe, the price of 200 is not."""
    booking = with_deposit("0.1")
    assert booking.deposit_due == Decimal("0.20")
    assert ways(page(booking)) == ["sandbox:deposit", "stripe", "sandbox"]
    assert press(booking, "stripe:deposit").status_code == 422


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "No way to pay is offered for 0.40 USD."), ("ar", "لا تتوفر طريقة لدفع 0.40 USD.")],
)
def test_where_nothing_can_take_it_the_page_says_so_and_no_link_is_sent(settings, stripe_shop, language, sentence):
    settings.ALLOW_SANDBOX = False
    booking = booked_in("USD", "0.40")
    shown = page(booking, language).content.decode()
    assert sentence in shown
    assert "<form" not in shown
    with pytest.raises(NoWayToPay):
        send_payment_link(booking_id=booking.pk, actor=None)


def test_only_gateways_with_a_page_of_their_own_are_offered(stripe_shop, monkeypatch):
    """A gateway that knows nothing but a form on the client's page has nowhere to send a payer of a link."""
    assert "stripe" in offered_for(Decimal(200), "USD")
    monkeypatch.setattr(Stripe, "capabilities", Capabilities(own_form=True, hosted_redirect=False))
    assert "stripe" not in offered_for(Decimal(200), "USD")


# --- Where it leads ---


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(
    ("way", "host"), [("stripe", "checkout.stripe.com"), ("paypal", "www.sandbox.paypal.com"), ("sandbox", "127.0.0.1")]
)
def test_each_way_leads_to_its_page(sandbox, stripe_shop, paypal_shop, way, host, language):
    booking = BookingFactory()
    answer = press(booking, way, language)
    target = onward(answer)
    assert (answer.status_code, urlsplit(target).hostname) == (200, host)
    assert f'lang="{language}"' in answer.content.decode()
    payment = Payment.objects.get()
    assert (payment.action["url"], payment.language, payment.amount) == (target, language, Decimal("200.00"))
    assert onward(press(booking, way, language)) == target
    assert Payment.objects.count() == 1


def test_an_open_form_of_a_client_ends_and_the_page_takes_over(stripe_shop):
    """A PaymentIntent asks for a form of the client's own; the link's payer gets Stripe's page instead."""
    booking = BookingFactory()
    form = start_payment(booking_id=booking.pk, gateway="stripe", own_form=True, actor=booking.customer)
    assert form.action["type"] == "client_secret"
    assert urlsplit(onward(press(booking, "stripe"))).hostname == "checkout.stripe.com"
    assert again(form).status == "CANCELLED"
    stripe_shop.pay(Payment.objects.get(status="PENDING"))
    Client().get(f"/api/v1/payments/return/{Payment.objects.get(status='PENDING').pk}")
    assert booking_of(form).status == "CONFIRMED"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_who_has_paid_and_waits_is_shown_how_it_stands_not_sent_to_pay_again(stripe_shop, language):
    booking = BookingFactory()
    press(booking, "stripe", language)
    payment = Payment.objects.get()
    stripe_shop.pay_slowly(payment)
    Client().get(f"/api/v1/payments/return/{payment.pk}")
    assert again(payment).status == "PROCESSING"
    answer = press(booking, "stripe", language)
    assert (answer.status_code, answer["Location"]) == (302, f"/api/v1/payments/return/{payment.pk}")
    end = Client().get(answer["Location"], follow=False)
    assert (end.status_code, urlsplit(end["Location"]).path) == (303, urlsplit(address(booking)).path[: -len("/pay")])
    assert Booking.objects.get(pk=booking.pk).status == "PENDING_PAYMENT"


def test_an_answer_that_leads_nowhere_is_not_followed(stripe_shop):
    booking = BookingFactory()
    begun(booking, gateway="stripe", action={"type": "redirect", "url": "javascript:alert(1)"})
    answer = press(booking, "stripe")
    assert answer.status_code == 503
    assert "javascript:" not in answer.content.decode()


# --- What programs are told ---


def test_the_ways_of_a_booking_for_its_guest(stripe_shop, paypal_shop):
    booking = with_deposit("0.1")
    token = {"X-Booking-Token": booking_token(booking), "Accept-Language": "ar"}
    told = Client().get(WAYS, {"booking_id": str(booking.pk)}, headers=token)
    assert told.status_code == 200
    assert told.json() == {
        "booking_id": str(booking.pk),
        "currency": "USD",
        "amount_due": "200.00",
        "deposit_due": "0.20",
        "ways": [
            {
                "gateway": "stripe",
                "name": "ادفع بالبطاقة",
                "whole": True,
                "deposit": False,
                "on_its_page": True,
                "in_a_form": True,
            },
            {
                "gateway": "paypal",
                "name": "ادفع عبر PayPal",
                "whole": True,
                "deposit": True,
                "on_its_page": True,
                "in_a_form": False,
            },
            {
                "gateway": "sandbox",
                "name": "ادفع بالبطاقة (تجريبي)",
                "whole": True,
                "deposit": True,
                "on_its_page": True,
                "in_a_form": False,
            },
        ],
    }


def test_nothing_due_has_no_ways_and_strangers_see_none(stripe_shop):
    booking = BookingFactory(status="CONFIRMED")
    told = client_of(booking.customer).get(WAYS, {"booking_id": str(booking.pk)})
    assert (told.status_code, told.json()["amount_due"], told.json()["ways"]) == (200, "0.00", [])
    for stranger in (client_of(), client_of(CustomerFactory())):
        assert stranger.get(WAYS, {"booking_id": str(booking.pk)}).status_code == 404
    for wrong in ({}, {"booking_id": "nonsense"}):
        refused = client_of(booking.customer).get(WAYS, wrong)
        assert (refused.status_code, list(refused.json()["details"])) == (400, ["booking_id"])


def test_asking_for_less_than_a_gateway_takes_is_refused_before_it_is_asked(stripe_shop):
    booking = booked_in("USD", "0.40")
    asked = {"booking_id": str(booking.pk), "gateway": "stripe"}
    refused = client_of(booking.customer).post("/api/v1/payments", asked, format="json")
    assert (refused.status_code, refused.json()["error_code"]) == (422, "amount_not_taken")
    assert refused.json()["details"] == {"gateway": "stripe", "amount": "0.40", "currency": "USD"}
    assert stripe_shop.process.calls() == []
