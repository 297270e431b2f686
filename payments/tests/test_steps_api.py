"""PayPal's two steps and Stripe's form over the API."""

import pytest

from bookings.access import booking_token
from bookings.models import BookingStatus
from bookings.tests.factories import BookingFactory, ClerkFactory, CustomerFactory
from payments.models import Payment, PaymentFlag, Refund
from payments.services import check_payment
from payments.tests.steps import assert_sound, paid, status_of
from payments.tests.test_api import URL, client_of


def post(client, step: str, body: dict, key: str = ""):
    return client.post(f"{URL}/{step}", body, headers={"Idempotency-Key": key} if key else {})


def test_paypals_two_steps(paypal_shop):
    booking = BookingFactory()
    client = client_of(booking.customer)
    made = post(client, "create-order", {"booking_id": str(booking.pk), "return_url": "/thanks"}, "a")
    payment = Payment.objects.get()
    assert made.status_code == 201
    assert made.json() == {
        "order_id": payment.gateway_reference,
        "approval_url": f"https://www.sandbox.paypal.com/checkoutnow?token={payment.gateway_reference}",
        "status": "PENDING",
        "payment_id": str(payment.pk),
    }
    order = {"order_id": payment.gateway_reference}
    early = post(client, "capture-order", order)
    assert (early.status_code, early.json()["error_code"]) == (409, "not_agreed_yet")
    paypal_shop.pay(payment)
    done = post(client, "capture-order", order, "b")
    payment.refresh_from_db()
    assert (done.status_code, payment.status) == (200, "PAID")
    assert done.json() == {
        "capture_id": payment.captured_reference,
        "status": "PAID",
        "amount": "200.00",
        "currency": "USD",
        "payment_id": str(payment.pk),
    }
    assert post(client, "capture-order", order, "b").json() == done.json()
    assert post(client, "capture-order", order).json() == done.json()
    assert paypal_shop.taken(payment) == 200
    again = post(client, "create-order", {"booking_id": str(booking.pk)})
    assert (again.status_code, again.json()["error_code"]) == (409, "nothing_due")
    assert_sound()


def test_paypal_refuses_and_another_order_works(paypal_shop):
    booking = BookingFactory()
    client = client_of(booking.customer)
    first = post(client, "create-order", {"booking_id": str(booking.pk)}).json()
    paypal_shop.decline(Payment.objects.get())
    refused = post(client, "capture-order", {"order_id": first["order_id"]})
    assert (refused.status_code, refused.json()["error_code"]) == (422, "payment_declined")
    assert refused.json()["details"]["code"] == "instrument_declined"
    second = post(client, "create-order", {"booking_id": str(booking.pk)}).json()
    assert second["order_id"] != first["order_id"]


def test_stripes_form(stripe_shop):
    booking = BookingFactory()
    client = client_of(booking.customer)
    made = post(client, "intent", {"booking_id": str(booking.pk)}, "a")
    payment = Payment.objects.get()
    assert (made.status_code, payment.own_form) == (201, True)
    body = made.json()
    assert body["client_secret"].startswith(f"{payment.gateway_reference}_secret_")
    assert (body["publishable_key"], body["intent_id"]) == ("pk_test_standin", payment.gateway_reference)
    assert (body["amount"], body["currency"], body["status"]) == ("200.00", "USD", "PENDING")
    assert post(client, "intent", {"booking_id": str(booking.pk)}).json() == body
    early = post(client, "confirm", {"payment_id": body["payment_id"]})
    assert (early.status_code, early.json()["error_code"]) == (409, "not_agreed_yet")
    stripe_shop.pay(payment)
    done = post(client, "confirm", {"payment_id": body["payment_id"]}, "b")
    assert (done.status_code, done.json()["status"]) == (200, "PAID")
    booking.refresh_from_db()
    assert booking.status == BookingStatus.CONFIRMED
    assert_sound()


def test_the_hosted_page_is_stripes_default(stripe_shop):
    booking = BookingFactory()
    answer = client_of(booking.customer).post(URL, {"booking_id": str(booking.pk), "gateway": "stripe"})
    assert answer.json()["action"]["type"] == "redirect"
    assert answer.json()["action"]["url"].startswith("https://checkout.stripe.com/")
    # turning to the form ends the page first
    form = post(client_of(booking.customer), "intent", {"booking_id": str(booking.pk)})
    assert form.status_code == 201
    assert sorted(Payment.objects.values_list("own_form", "status")) == [(False, "CANCELLED"), (True, "PENDING")]


def test_a_refused_card_then_another_in_the_same_form(stripe_shop):
    booking = BookingFactory()
    client = client_of(booking.customer)
    body = post(client, "intent", {"booking_id": str(booking.pk)}).json()
    payment = Payment.objects.get()
    stripe_shop.decline(payment)
    refused = post(client, "confirm", {"payment_id": body["payment_id"]})
    assert (refused.status_code, refused.json()["error_code"]) == (422, "payment_declined")
    stripe_shop.pay(payment)
    done = post(client, "confirm", {"payment_id": body["payment_id"]})
    assert (done.status_code, done.json()["status"]) == (200, "PAID")
    payment.refresh_from_db()
    assert payment.flag == ""  # in time: nothing for staff to look at


VIEWING = ["bookings.view_booking", "payments.view_payment"]
STEPS = ["create-order", "capture-order", "intent", "confirm"]


@pytest.fixture
def both(stripe_shop, paypal_shop):
    """A booking with an order, and one with a form."""
    with_order, with_form = BookingFactory(), BookingFactory()
    order = post(client_of(with_order.customer), "create-order", {"booking_id": str(with_order.pk)}).json()["order_id"]
    form = post(client_of(with_form.customer), "intent", {"booking_id": str(with_form.pk)}).json()["payment_id"]
    bodies = {
        "create-order": ({"booking_id": str(with_order.pk)}, with_order),
        "capture-order": ({"order_id": order}, with_order),
        "intent": ({"booking_id": str(with_form.pk)}, with_form),
        "confirm": ({"payment_id": form}, with_form),
    }
    return bodies


@pytest.mark.parametrize("step", STEPS)
def test_who_may_what(both, step):
    body, booking = both[step]
    usual = {"create-order": 201, "capture-order": 409, "intent": 201, "confirm": 409}[step]
    for client, status in (
        (client_of(), 404),
        (client_of(CustomerFactory()), 404),
        (client_of(ClerkFactory(permissions=VIEWING)), 403),
        (
            client_of(
                ClerkFactory(permissions=["bookings.view_booking", "payments.view_payment", "payments.add_payment"])
            ),
            usual,
        ),
        (client_of(HTTP_X_BOOKING_TOKEN=booking_token(booking)), usual),
        (client_of(booking.customer), usual),
    ):
        assert post(client, step, body).status_code == status


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "body", [{}, {"booking_id": "7", "order_id": [], "payment_id": "x"}, {"order_id": "x" * 101}, []]
)
def test_bad_input_is_named(both, step, body):
    answer = post(client_of(CustomerFactory()), step, body)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "invalid"


def test_one_gateways_step_does_not_take_the_others_payment(both):
    order, form = both["capture-order"], both["confirm"]
    by_order, by_form = client_of(order[1].customer), client_of(form[1].customer)
    intent = Payment.objects.get(pk=form[0]["payment_id"]).gateway_reference
    assert post(by_form, "capture-order", {"order_id": intent}).status_code == 404
    order_payment = Payment.objects.get(gateway="paypal")
    assert post(by_order, "confirm", {"payment_id": str(order_payment.pk)}).status_code == 404
    assert status_of(order_payment) == "PENDING"


def test_what_is_not_offered(tenant):
    booking = BookingFactory()
    for step in ("create-order", "intent"):
        answer = post(client_of(booking.customer), step, {"booking_id": str(booking.pk)})
        assert (answer.status_code, answer.json()["error_code"]) == (422, "unknown_gateway")


@pytest.mark.parametrize("step", ["create-order", "capture-order", "intent", "confirm"])
def test_a_gateway_that_is_down_is_a_503(both, step, settings):
    body, booking = both[step]
    Payment.objects.filter(booking=booking).update(action={})
    settings.PAYPAL_API_BASE = settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    answer = post(client_of(booking.customer), step, body)
    assert (answer.status_code, answer.json()["error_code"]) == (503, "gateway_unavailable")


def test_refunds_with_the_payment_in_the_body(tenant):
    payment = paid()
    clerk = ClerkFactory(permissions=["payments.view_payment", "payments.refund"])
    body = {"payment_id": str(payment.pk), "amount": "50.00", "reason": "goodwill"}
    first = post(client_of(clerk), "refund", body, "k")
    assert (first.status_code, first.json()["amount"]) == (201, "50.00")
    assert post(client_of(clerk), "refund", body, "k").json() == first.json()
    assert Refund.objects.count() == 1
    for wrong, status in (
        ({}, 400),
        ({"payment_id": str(payment.booking_id), "reason": "x"}, 404),
        (body | {"amount": "-1"}, 400),
    ):
        assert post(client_of(clerk), "refund", wrong).status_code == status
    assert post(client_of(CustomerFactory()), "refund", body).status_code == 403


def test_staff_decide_on_a_wrong_amount(stripe_shop):
    booking = BookingFactory()
    body = post(client_of(booking.customer), "intent", {"booking_id": str(booking.pk)}).json()
    payment = Payment.objects.get()
    stripe_shop.own_form = True
    stripe_shop.lie(payment, amount="150.00")
    stripe_shop.pay(payment)
    payment = check_payment(payment_id=payment.pk)
    assert payment.flag == PaymentFlag.AMOUNT_MISMATCH
    step, decision = f"{body['payment_id']}/mismatch", {"resolution": "give_back", "reason": "wrong page"}
    for client, status in ((client_of(), 401), (client_of(booking.customer), 403)):
        assert post(client, step, decision).status_code == status
    clerk = client_of(ClerkFactory(permissions=["payments.view_payment", "payments.reconcile"]))
    assert post(clerk, step, {"resolution": "forget", "reason": "x"}).status_code == 400
    assert post(clerk, step, {"resolution": "keep"}).status_code == 400
    done = post(clerk, step, decision, "k")
    assert (done.status_code, done.json()["amount"], done.json()["refunds"][0]["amount"]) == (200, "150.00", "150.00")
    assert post(clerk, step, decision, "k").json() == done.json()
    assert post(clerk, step, decision).json()["error_code"] == "mismatch_gone"
