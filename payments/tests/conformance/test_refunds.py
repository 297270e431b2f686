"""Money back, however the gateway behaves."""

from decimal import Decimal
from functools import partial

import pytest
from django.utils.timezone import now

from config.testing import run_together
from payments.errors import RefundNotExact, RefundTooLarge
from payments.models import Payment, PaymentFlag, Refund
from payments.services import request_refund, sweep_refunds
from payments.tests.conformance.drivers import also_in_own_form
from payments.tests.conformance.steps import (
    again,
    clearing,
    deposits,
    kept_there,
    paid,
    refunded,
    sweep,
    try_again,
)

TROUBLES = ["500", "timeout_before", "timeout_after", "429", "down"]


@also_in_own_form
def test_in_full(gateway):
    payment = paid(gateway)
    refund = refunded(payment, "200")
    gateway.tell(payment)
    payment = again(payment)
    assert (refund.status, payment.status, payment.refunded_amount, payment.flag) == ("SUCCEEDED", "REFUNDED", 200, "")
    assert (deposits(), clearing(gateway), gateway.given(payment)) == (0, 0, [200])


def test_in_part(gateway):
    payment = paid(gateway)
    refund = refunded(payment, "50.25")
    gateway.tell(payment)
    payment = again(payment)
    assert (refund.status, payment.status, payment.flag) == ("SUCCEEDED", "PARTIALLY_REFUNDED", "")
    assert (deposits(), gateway.given(payment)) == (Decimal("149.75"), [Decimal("50.25")])


def test_in_several_parts_to_the_end(gateway):
    payment = paid(gateway)
    for number, amount in enumerate(("50", "100", "50")):
        assert refunded(payment, amount, str(number)).status == "SUCCEEDED"
    gateway.tell(payment)
    assert (again(payment).status, again(payment).flag, deposits(), kept_there(gateway, payment)) == (
        "REFUNDED",
        "",
        0,
        0,
    )
    assert sorted(gateway.given(payment)) == [50, 50, 100]


def test_never_more_than_was_paid(gateway):
    payment = paid(gateway)
    refunded(payment, "150")
    with pytest.raises(RefundTooLarge):
        refunded(payment, "50.01", "another")
    with pytest.raises(RefundNotExact):
        refunded(payment, "0.001", "third")
    assert (Refund.objects.count(), gateway.given(payment)) == (1, [150])


@pytest.mark.needs("desk")
def test_the_gateway_refuses_more_than_is_left_there(gateway):
    """Somebody refunded at the gateway's own desk, and we did not know."""
    payment = paid(gateway)
    gateway.refund_at_desk(payment, "150.00")
    gateway.notices(payment)  # lost
    refund = refunded(payment, "100")
    assert (refund.status, again(payment).flag) == ("FAILED", PaymentFlag.REFUND_FAILED)
    assert (deposits(), gateway.given(payment)) == (200, [150])


@pytest.mark.needs("desk")
def test_a_refund_at_the_desk_is_shown_to_staff(gateway):
    payment = paid(gateway)
    gateway.refund_at_desk(payment, "50.00")
    gateway.tell(payment)
    assert (again(payment).status, again(payment).flag) == ("PAID", PaymentFlag.UNKNOWN_REFUND)


def test_refused_then_asked_anew(gateway):
    payment = paid(gateway)
    gateway.order("refund", "refuse", times=1)
    refused = refunded(payment, "200")
    assert (refused.status, again(payment).status, again(payment).flag) == ("FAILED", "PAID", PaymentFlag.REFUND_FAILED)
    assert (deposits(), gateway.given(payment)) == (200, [])
    assert refunded(payment, "200", "anew").status == "SUCCEEDED"
    assert (again(payment).status, gateway.given(payment)) == ("REFUNDED", [200])


def test_pending_then_done(gateway):
    payment = paid(gateway)
    gateway.order("refund", "pending", times=1)
    refund = refunded(payment, "80")
    assert (refund.status, again(payment).status, deposits()) == ("PENDING", "PAID", 200)
    gateway.end_refund(refund, well=True)
    gateway.tell(payment)
    refund.refresh_from_db()
    assert (refund.status, again(payment).status, again(payment).flag) == ("SUCCEEDED", "PARTIALLY_REFUNDED", "")
    assert (deposits(), gateway.given(payment)) == (120, [80])


def test_pending_then_done_and_nobody_tells(gateway):
    payment = paid(gateway)
    gateway.order("refund", "pending", times=1)
    refund = refunded(payment, "80")
    gateway.end_refund(refund, well=True)
    gateway.notices(payment)
    assert try_again(refund).status == "SUCCEEDED"
    assert (deposits(), gateway.given(payment)) == (120, [80])


@pytest.mark.needs("refund_fails_later")
def test_pending_then_failed(gateway):
    payment = paid(gateway)
    gateway.order("refund", "pending", times=1)
    refund = refunded(payment, "80")
    gateway.end_refund(refund, well=False)
    gateway.tell(payment)
    refund = try_again(refund)
    assert (refund.status, again(payment).status, again(payment).flag) == ("FAILED", "PAID", PaymentFlag.REFUND_FAILED)
    assert (deposits(), gateway.given(payment)) == (200, [])
    assert refunded(payment, "200", "anew").status == "SUCCEEDED"


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_on_the_way_is_one_refund(gateway, settings, trouble):
    if trouble in gateway.CANNOT:
        pytest.skip(f"{gateway.code}: {gateway.CANNOT[trouble]}")
    payment = paid(gateway)
    address = getattr(settings, gateway.address_setting)
    if trouble == "down":
        gateway.disconnect(settings)
    else:
        gateway.order("refund", trouble)
    refund = refunded(payment, "80")
    assert (refund.status, deposits()) == ("PENDING", 200)
    setattr(settings, gateway.address_setting, address)
    gateway.reset()
    Refund.objects.update(next_try_at=now())
    assert (sweep_refunds(), sweep_refunds()) == (1, 0)
    gateway.tell(payment)
    refund.refresh_from_db()
    assert (refund.status, again(payment).status, again(payment).flag) == ("SUCCEEDED", "PARTIALLY_REFUNDED", "")
    assert (deposits(), gateway.given(payment)) == (120, [80])


def test_two_at_once_never_exceed_what_was_paid(gateway):
    payment = paid(gateway)
    ask = [
        partial(request_refund, payment_id=payment.pk, amount=Decimal(amount), cause=amount, reason="", actor=None)
        for amount in ("150", "100")
    ]
    outcomes = run_together(*ask)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refund", "RefundTooLarge"]
    gateway.tell(payment)
    sweep()
    given = gateway.given(payment)
    assert given in ([150], [100])
    assert deposits() == 200 - given[0] == kept_there(gateway, payment)


def test_one_refund_by_six_workers_is_given_once(gateway):
    payment = paid(gateway)
    gateway.order("refund", "500")
    refund = refunded(payment, "80")
    gateway.reset()
    Refund.objects.update(next_try_at=now())
    run_together(*[partial(try_again, refund)] * 6)
    refund.refresh_from_db()
    assert (refund.status, gateway.given(payment), deposits()) == ("SUCCEEDED", [80], 120)
    assert Payment.objects.get(pk=payment.pk).refunded_amount == 80
