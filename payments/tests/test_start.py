"""Starting to pay: whose amount, which attempt, and what a gateway in trouble leaves behind."""

import time
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils.timezone import now

from bookings.models import Booking, BookingStatus
from bookings.services import cancel_booking
from bookings.tests.factories import BookingFactory, let_time_run_out, run_out
from config.testing import run_together
from config.testing.server import free_port
from payments.errors import (
    BookingEnded,
    ForeignAddress,
    GatewayDown,
    NothingDue,
    PaymentDeclined,
    PaymentUnderWay,
    TimeToPayOver,
    UnknownGateway,
)
from payments.models import Payment, PaymentFlag, PaymentStatus
from payments.services import apply_remote_state, start_payment
from payments.tests.steps import assert_sound, begun, booking_of, paid, said, started, status_of, wait_until


def there(sandbox, payment: Payment) -> list[dict]:
    """The payments that the gateway holds for this attempt."""
    return sandbox.api("GET", "/v1/payments", params={"reference": str(payment.pk)}).json()["items"]


def test_the_amount_is_the_bookings(tenant, sandbox):
    payment = started()
    booking = booking_of(payment)
    assert (payment.amount, payment.currency) == (booking.amount_due, booking.currency) == (Decimal(200), "USD")
    assert (payment.status, payment.expires_at) == (PaymentStatus.PENDING, booking.expires_at)
    assert payment.idempotency_key == f"sandbox:payment:{payment.pk}"
    assert payment.action == {"type": "redirect", "url": f"{sandbox.url}/pay/{payment.gateway_reference}"}
    assert there(sandbox, payment)[0]["amount"] == "200.00"
    assert payment.check_at is not None


def test_asked_again_the_open_attempt_goes_on(tenant, sandbox):
    first = started()
    again = start_payment(booking_id=first.booking_id, gateway="sandbox", return_url="/elsewhere")
    assert again.pk == first.pk
    assert again.return_url == "/elsewhere"
    assert Payment.objects.count() == len(there(sandbox, first)) == 1


def test_a_refused_attempt_is_followed_by_a_new_one(tenant, sandbox):
    first = started()
    apply_remote_state(first.pk, said(first, "FAILED"))
    assert start_payment(booking_id=first.booking_id, gateway="sandbox").pk != first.pk


def test_the_same_request_finds_its_attempt_whatever_became_of_it(tenant, sandbox):
    first = started(client_key="user:1:k")
    apply_remote_state(first.pk, said(first, "FAILED"))
    again = start_payment(booking_id=first.booking_id, gateway="sandbox", client_key="user:1:k")
    assert (again.pk, again.status) == (first.pk, "FAILED")


def test_an_attempt_of_another_amount_is_ended_there_first(tenant, sandbox):
    first = started()
    Payment.objects.filter(pk=first.pk).update(amount=Decimal(150))  # the price of the booking has changed since
    second = start_payment(booking_id=first.booking_id, gateway="sandbox")
    assert (status_of(first), second.status, second.amount) == ("CANCELLED", "PENDING", Decimal(200))
    assert there(sandbox, first)[0]["status"] == "cancelled"


def test_an_attempt_that_turns_out_paid_is_not_followed_by_another(tenant, sandbox):
    first = started()
    sandbox.act(first.action["url"], "timeout")
    Payment.objects.filter(pk=first.pk).update(expires_at=now())
    with pytest.raises(NothingDue):
        start_payment(booking_id=first.booking_id, gateway="sandbox")
    assert status_of(first) == "PAID"


def test_an_attempt_being_processed_stands_in_the_way(tenant, sandbox):
    first = started()
    sandbox.act(first.action["url"], "late")
    Payment.objects.filter(pk=first.pk).update(expires_at=now())
    with pytest.raises(PaymentUnderWay):
        start_payment(booking_id=first.booking_id, gateway="sandbox")
    assert status_of(first) == "PROCESSING"


def test_what_has_ended_cannot_be_paid(tenant, sandbox):
    cancelled, expired, overdue, done = BookingFactory(), BookingFactory(), BookingFactory(), paid().booking
    cancel_booking(booking_id=cancelled.pk, actor=None, reason="no")
    let_time_run_out(expired)
    run_out(overdue.items.get().hold)
    before = Payment.objects.count()
    for booking, refusal in (
        (cancelled, BookingEnded),
        (expired, TimeToPayOver),
        (overdue, TimeToPayOver),
        (done, NothingDue),
    ):
        with pytest.raises(refusal):
            start_payment(booking_id=booking.pk, gateway="sandbox")
    assert Payment.objects.count() == before


def test_a_booking_confirmed_on_account_can_be_paid(tenant, sandbox):
    booking = BookingFactory(status=BookingStatus.CONFIRMED, paid=Decimal(0))
    Booking.objects.filter(pk=booking.pk).update(amount_paid=0)
    payment = start_payment(booking_id=booking.pk, gateway="sandbox")
    assert payment.expires_at > now() + timedelta(hours=23)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http://127.0.0.1:9.evil.example/",
        "http://127.0.0.1:9@evil.example/",
        "ftp://127.0.0.1:9/",
        "thanks",
    ],
)
def test_payers_are_sent_back_to_friends_only(tenant, sandbox, address):
    booking = BookingFactory()
    for name in ("return_url", "cancel_url"):
        with pytest.raises(ForeignAddress):
            start_payment(booking_id=booking.pk, gateway="sandbox", **{name: address})
    assert Payment.objects.count() == 0


@pytest.mark.parametrize("address", ["/thanks?x=1", "http://127.0.0.1:9/thanks", "https://shop.example/ok"])
def test_friends_are_ourselves_and_trusted_origins(tenant, sandbox, settings, address):
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    assert started(return_url=address).return_url == address


def test_unknown_gateway(tenant):
    with pytest.raises(UnknownGateway):
        start_payment(booking_id=BookingFactory().pk, gateway="gold")


@pytest.mark.parametrize("kind", ["500", "timeout_before", "timeout_after"])
def test_a_gateway_in_trouble_leaves_one_attempt_that_goes_on(tenant, sandbox, settings, kind):
    settings.GATEWAY_READ_SECONDS = 0.3
    booking = BookingFactory()
    sandbox.order("create", kind, times=3, seconds=1)
    with pytest.raises(GatewayDown) as raised:
        started(booking, client_key="k")
    attempt = Payment.objects.get()
    assert raised.value.details == {"payment": attempt.number}
    assert (attempt.status, attempt.action) == ("PENDING", {})
    sandbox.heal()
    payment = started(booking, client_key="k")
    assert payment.pk == attempt.pk
    assert payment.action["type"] == "redirect"
    assert len(there(sandbox, payment)) == 1


def test_a_gateway_that_is_down_leaves_one_attempt_that_goes_on(tenant, sandbox, settings):
    booking, url = BookingFactory(), settings.SANDBOX_URL
    settings.SANDBOX_URL = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(GatewayDown):
        started(booking)
    settings.SANDBOX_URL = url
    payment = started(booking)
    assert payment == Payment.objects.get()
    assert payment.action["type"] == "redirect"


def test_a_clear_no_ends_the_attempt(tenant, sandbox):
    sandbox.order("create", "refuse")
    booking = BookingFactory()
    with pytest.raises(PaymentDeclined):
        started(booking)
    assert (Payment.objects.get().status, booking_of(Payment.objects.get()).status) == ("FAILED", "PENDING_PAYMENT")
    sandbox.heal()
    assert started(booking).status == "PENDING"
    assert_sound()


def test_a_request_that_the_gateway_does_not_take_is_flagged(tenant, sandbox):
    payment = begun()
    sandbox.api(
        "POST",
        "/v1/payments",
        headers={"Idempotency-Key": payment.idempotency_key},
        json={
            "amount": "1.00",
            "currency": "USD",
            "expires_at": 2e9,
            "reference": "somebody else's",
            **dict.fromkeys(("return_url", "cancel_url", "notify_url"), "http://127.0.0.1:9/"),
        },
    )
    with pytest.raises(GatewayDown):
        start_payment(booking_id=payment.booking_id, gateway="sandbox")
    payment.refresh_from_db()
    assert (payment.status, payment.flag) == ("FAILED", PaymentFlag.REQUEST_REFUSED)


@pytest.mark.django_db(transaction=True)
def test_eight_requests_at_once_open_one_attempt(tenant, sandbox, eager):
    booking = BookingFactory()
    outcomes = run_together(*[partial(start_payment, booking_id=booking.pk, gateway="sandbox")] * 8)
    assert {outcome.pk for outcome in outcomes} == {Payment.objects.get().pk}
    assert {outcome.action["url"] for outcome in outcomes} == {outcomes[0].action["url"]}
    assert len(there(sandbox, outcomes[0])) == 1


@pytest.mark.django_db(transaction=True)
def test_no_lock_is_held_while_the_gateway_answers(tenant, sandbox, settings):
    """A gateway that takes its time keeps nobody from the booking."""
    settings.GATEWAY_READ_SECONDS = 5
    booking = BookingFactory()
    sandbox.order("create", "timeout_after", times=1, seconds=3)

    def cancel_meanwhile() -> float:
        wait_until(Payment.objects.exists)
        begun_at = time.monotonic()
        cancel_booking(booking_id=booking.pk, actor=None, reason="while it waits")
        return time.monotonic() - begun_at

    attempt, waited = run_together(partial(started, booking), cancel_meanwhile)
    assert waited < 1.5
    assert attempt.action["type"] == "redirect"
