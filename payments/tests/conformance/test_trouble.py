"""Calls that fail before or after they had their effect, and keys used again."""

import pytest

from bookings.tests.factories import BookingFactory
from payments.errors import GatewayDown, PaymentDeclined
from payments.gateways.interface import GatewayError
from payments.gateways.registry import gateway_of
from payments.models import Payment, PaymentFlag
from payments.services import check_payment
from payments.services.intents import intent_of
from payments.tests.conformance.drivers import also_in_own_form
from payments.tests.conformance.steps import again, begun, deposits, run_out, sweep

TROUBLES = ["500", "timeout_before", "timeout_after", "429", "down"]


@pytest.fixture(params=TROUBLES)
def trouble(request, gateway, settings):
    """Orders the trouble for calls of a kind, and mends it."""
    kind, address = request.param, getattr(settings, gateway.address_setting)
    if kind in gateway.CANNOT:
        pytest.skip(f"{gateway.code}: {gateway.CANNOT[kind]}")

    class Trouble:
        def begin(self, on):
            if kind == "down":
                gateway.disconnect(settings)
            else:
                gateway.order(on, kind)

        def end(self):
            setattr(settings, gateway.address_setting, address)
            gateway.reset()

    return Trouble()


def test_while_beginning(gateway, trouble):
    booking = BookingFactory()
    trouble.begin("create")
    with pytest.raises(GatewayDown):
        begun(gateway, booking, client_key="k")
    attempt = Payment.objects.get()
    assert (attempt.status, attempt.action, deposits()) == ("PENDING", {}, 0)
    trouble.end()
    payment = begun(gateway, booking, client_key="k")
    assert (payment.pk, bool(payment.action), gateway.attempts_of(payment)) == (attempt.pk, True, 1)
    gateway.pay(payment)
    gateway.tell(payment)
    assert (again(payment).status, deposits(), gateway.taken(payment)) == ("PAID", 200, 200)


@also_in_own_form
def test_while_beginning_and_the_client_never_asks_again(gateway):
    booking = BookingFactory()
    gateway.order("create", "timeout_after")
    with pytest.raises(GatewayDown):
        begun(gateway, booking)
    gateway.reset()
    payment = Payment.objects.get()
    Payment.objects.update(created_at=payment.created_at.replace(year=payment.created_at.year - 1))
    run_out(booking)
    sweep()
    assert (again(payment).status, again(payment).check_at, deposits()) == ("CANCELLED", None, 0)


def test_while_asking(gateway, trouble):
    payment = begun(gateway)
    gateway.pay(payment)
    trouble.begin("fetch")
    with pytest.raises(GatewayError):
        check_payment(payment_id=payment.pk)
    assert (again(payment).status, deposits()) == ("PENDING", 0)
    assert again(payment).check_at is not None
    trouble.end()
    gateway.notices(payment)
    sweep()
    assert (again(payment).status, deposits(), gateway.taken(payment)) == ("PAID", 200, 200)


@pytest.mark.needs("capture")
def test_while_taking_the_money(gateway, trouble):
    payment = begun(gateway)
    gateway.pay(payment)
    check_address = gateway.process.url
    trouble.begin("capture")
    with pytest.raises(GatewayError):
        check_payment(payment_id=payment.pk)
    assert (again(payment).status in {"PENDING", "PROCESSING"}, deposits()) == (True, 0)
    trouble.end()
    assert gateway.process.url == check_address
    sweep()
    assert (again(payment).status, deposits(), gateway.taken(payment)) == ("PAID", 200, 200)
    assert gateway.act("look", payment)["captures"] == 1


def test_while_ending(gateway):
    """What cannot be ended now stays open, and is ended later."""
    payment = begun(gateway)
    gateway.order("cancel" if gateway.code != "paypal" else "fetch", "500", times=99)
    run_out(payment.booking)
    sweep()
    assert again(payment).status == "PENDING"
    assert again(payment).check_at is not None
    gateway.reset()
    sweep()
    assert again(payment).status == "CANCELLED"


@also_in_own_form
def test_ending_is_done_but_not_answered(gateway):
    payment = begun(gateway)
    gateway.order("cancel" if gateway.code != "paypal" else "fetch", "timeout_after")
    run_out(payment.booking)
    sweep()
    gateway.reset()
    sweep()
    assert (again(payment).status, gateway.taken(payment)) == ("CANCELLED", 0)


def test_a_passing_trouble_is_overcome_at_once(gateway):
    gateway.order("create", "500", times=1)
    payment = begun(gateway)
    assert (payment.status, bool(payment.action), gateway.attempts_of(payment)) == ("PENDING", True, 1)


def test_the_gateway_will_not_begin(gateway):
    booking = BookingFactory()
    gateway.order("create", "refuse", times=1)
    with pytest.raises(PaymentDeclined):
        begun(gateway, booking)
    first = Payment.objects.get()
    assert (first.status, bool(first.failure_code)) == ("FAILED", True)
    assert begun(gateway, booking).pk != first.pk


@pytest.mark.needs("conflict_on_reuse")
def test_a_key_used_again_with_another_body(gateway):
    booking = BookingFactory()
    gateway.order("create", "timeout_after")
    with pytest.raises(GatewayDown):
        begun(gateway, booking, client_key="k")
    gateway.reset()
    Payment.objects.update(amount=150)
    with pytest.raises(GatewayDown):
        begun(gateway, booking, client_key="k")
    payment = Payment.objects.get()
    assert (payment.status, payment.flag) == ("FAILED", PaymentFlag.REQUEST_REFUSED)
    assert gateway.attempts_of(payment) == 1


def test_the_same_call_twice_is_one_payment_there(gateway):
    payment = begun(gateway)
    adapter = gateway_of(gateway.code)
    repeated = adapter.create(intent_of(payment), idempotency_key=payment.idempotency_key)
    assert (repeated.gateway_reference, gateway.attempts_of(payment)) == (payment.gateway_reference, 1)
