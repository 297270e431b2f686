"""Every step between a hold and its voucher, and between a refund asked for and done: the process dies there by SIGKILL,
is started again, and the end is the same as without – one booking, one capture, one posting, one voucher, one refund.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.timezone import now

from accounts.tests.factories import TenantFactory
from bookings.models import Booking, BookingStatus, Hold, HoldStatus
from config.tenancy import tenant_context
from ledger.models import Transaction
from notifications.models import Delivery, DeliveryStatus, Message, MessageStatus
from payments.models import Notice, Payment, PaymentStatus, Refund, RefundStatus
from payments.tests.crash_stack import Guest, Stack
from payments.tests.steps import assert_sound
from tours.models import Departure
from tours.tests.factories import DepartureFactory

OUTBOX, MAIL, INBOX = "notifications.outbox", "notifications.mail", "payments.services.inbox"
STATES, REFUNDS, STORE = "payments.services.states", "payments.services.refunds", "payments.sandbox.store"
GATEWAY, BEAT = "payments.gateways.sandbox:Sandbox", "celery.beat:Scheduler.apply_async"


@dataclass(frozen=True)
class Point:
    """Where who dies. `group`: with all its children, not the one process alone. `outcome`: what the payer chooses.

    The unusual ones take their turn in `make test-thorough`.
    """

    role: str
    place: str
    having: str = ""
    group: bool = False
    outcome: str = "approve"
    is_usual: bool = True

    def __str__(self) -> str:
        words = [self.role, self.place, self.having, "with its children" if self.group else ""]
        return " ".join(filter(None, words)).replace("payments.services.", "")

    @property
    def function(self) -> str:
        """What must be wrapped; nothing for the places that the web knows by itself."""
        return self.place.partition(" ")[0] if ":" in self.place else ""


FROM_HOLD_TO_VOUCHER = [
    # The customer's calls
    Point("web", "POST /api/v1/holds statement 1", is_usual=False),
    Point("web", "POST /api/v1/holds answer"),
    Point("web", "POST /api/v1/bookings statement 2", is_usual=False),
    Point("web", "POST /api/v1/bookings answer"),
    Point("web", "payments.services.attempts:_find_or_open before", is_usual=False),
    Point("web", f"{GATEWAY}.create before"),
    Point("web", f"{GATEWAY}.create after"),
    Point("web", "POST /api/v1/payments answer", is_usual=False),
    Point("web", "POST /api/v1/payments answer", group=True),
    # The gateway takes the money and tells us
    Point("gateway", f"{STORE}:Store.create_payment after", is_usual=False),
    Point("gateway", f"{STORE}:Store.act before", is_usual=False),
    Point("gateway", f"{STORE}:Store.act after"),
    Point("gateway", "payments.sandbox.notices:Messenger._post before", is_usual=False),
    Point("gateway", "payments.sandbox.notices:Messenger._post after", is_usual=False),
    Point("gateway", f"{STORE}:Store.act after", outcome="timeout", is_usual=False),
    # We take the notice in
    Point("web", f"{INBOX}:store_notice before"),
    Point("web", f"{INBOX}:store_notice after", is_usual=False),
    Point("web", f"{OUTBOX}:send_task before", "process_notice"),
    # The payer comes back
    Point("web", f"{STATES}:apply_remote_state before", "PAID", is_usual=False),
    Point("web", f"{STATES}:apply_remote_state after", "PAID"),
    # The worker books what was paid
    Point("worker", f"{INBOX}:process_notice before", outcome="timeout", is_usual=False),
    Point("worker", f"{INBOX}:_claim after", group=True),
    Point("worker", f"{GATEWAY}.fetch after", is_usual=False),
    Point("worker", f"{STATES}:record_capture after", outcome="timeout"),
    Point("worker", "bookings.services.settlement:_confirm after", outcome="timeout"),
    Point("worker", f"{STATES}:apply_remote_state after", "PAID", group=True, outcome="timeout"),
    Point("worker", f"{INBOX}:_finish before", is_usual=False),
    # The voucher
    Point("worker", f"{OUTBOX}:_begin_attempt after", group=True, is_usual=False),
    Point("worker", "bookings.receivers:_mail_with_voucher before"),
    Point("worker", f"{MAIL}:write_message after", "booking_confirmed"),
    Point("worker", f"{OUTBOX}:send_task before", "send_message", group=True, is_usual=False),
    Point("worker", f"{MAIL}:as_email before", "Confirmed: ", is_usual=False),
    Point("worker", "notifications.mailfiles:EmailBackend.send_messages after", group=True),
    # The clock
    Point("beat", f"{BEAT} before", "sweep-payments", outcome="timeout"),
    Point("beat", f"{BEAT} after", "sweep-outbox", is_usual=False),
]

FROM_REFUND_ASKED_TO_DONE = [
    Point("web", "bookings.services.cancellation:cancel_booking before", is_usual=False),
    Point("web", f"{OUTBOX}:announce after", "booking.cancelled"),
    Point("web", f"{OUTBOX}:send_task before", "deliver", is_usual=False),
    Point("web", "PUT /api/v1/bookings/{id}/cancel answer"),
    Point("worker", f"{REFUNDS}:refund_booking before", is_usual=False),
    Point("worker", f"{REFUNDS}:refund_booking after"),
    Point("worker", f"{OUTBOX}:send_task before", "carry_out_refund", group=True, is_usual=False),
    Point("worker", f"{REFUNDS}:_claim after"),
    Point("worker", f"{GATEWAY}.refund before", group=True, is_usual=False),
    Point("gateway", f"{STORE}:Store.create_refund before", is_usual=False),
    Point("gateway", f"{STORE}:Store.create_refund after"),
    Point("worker", f"{GATEWAY}.refund after"),
    Point("worker", f"{REFUNDS}:settle_refund before", group=True),
    Point("worker", f"{REFUNDS}:_complete after"),
    Point("worker", f"{REFUNDS}:settle_refund after", group=True, is_usual=False),
    Point("worker", "payments.mails:write_refunded before", is_usual=False),
    Point("worker", f"{MAIL}:as_email before", "We returned", group=True),
    Point("beat", f"{BEAT} before", "sweep-refunds", is_usual=False),
]
PLACES = {point.function for point in FROM_HOLD_TO_VOUCHER + FROM_REFUND_ASKED_TO_DONE if point.function}


@pytest.fixture(scope="module")
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """As pytest-django's, but for all tests here together: the processes keep what they know of the database."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)
        connection.close()


@pytest.fixture(scope="module")
def departure(transactional_db: None) -> Iterator[Departure]:
    """What everybody books, at the operator that all belongs to."""
    with tenant_context(TenantFactory(slug=settings.DEFAULT_TENANT).pk):
        yield DepartureFactory(capacity=1000)


@pytest.fixture(scope="module")
def stack(departure: Departure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("crashes"), PLACES)
    stack.up()
    yield stack
    stack.down()


def each(points: list[Point]) -> Any:
    thorough = pytest.mark.thorough
    cases = [pytest.param(point, id=str(point), marks=() if point.is_usual else thorough) for point in points]
    return pytest.mark.parametrize("point", cases)


def seats(departure: Departure) -> tuple[int, int]:
    departure.refresh_from_db()
    return departure.seats_held, departure.seats_booked


def is_paid(guest: Guest) -> bool:
    return Booking.objects.get(pk=guest.booking["id"]).status == BookingStatus.CONFIRMED


def is_given_back(guest: Guest) -> bool:
    return Refund.objects.filter(payment=guest.payment["id"], status=RefundStatus.SUCCEEDED).exists()


def assert_paid_once(stack: Stack, guest: Guest) -> None:
    booking = Booking.objects.get(pk=guest.booking["id"])
    assert Booking.objects.filter(contact_email=guest.address).count() == 1
    assert booking.status == BookingStatus.CONFIRMED
    assert Hold.objects.get(items__booking=booking).status == HoldStatus.CONVERTED
    payment = Payment.objects.get(booking=booking)
    assert (payment.status, payment.amount) == (PaymentStatus.PAID, booking.total)
    theirs = stack.gateway(f"/v1/payments?reference={payment.pk}")["items"]
    assert [(one["status"], one["amount"]) for one in theirs] == [("succeeded", "200.00")]
    posted = Transaction.objects.filter(reference__contains=str(payment.pk))
    assert [line.reference for line in posted] == [f"payment:{payment.pk}:captured"]
    assert_mailed_once(stack, guest, "booking_confirmed")


def assert_mailed_once(stack: Stack, guest: Guest, template: str) -> None:
    """One message. Its file may lie there twice, under one Message-ID, where the worker died between sending and noting so."""
    message = Message.objects.get(template=template, recipient=guest.address)
    assert message.status == MessageStatus.SENT
    ids = stack.mails_of(template, guest.address)
    assert {str(message.pk) in one for one in ids} == {True}
    assert len(set(ids)) == 1
    assert len(ids) == 1 or message.attempts > 1


def assert_refunded_once(stack: Stack, guest: Guest) -> None:
    booking = Booking.objects.get(pk=guest.booking["id"])
    assert booking.status == BookingStatus.CANCELLED
    refund = Refund.objects.get(payment__booking=booking)
    assert (refund.status, refund.payment.status) == (RefundStatus.SUCCEEDED, PaymentStatus.REFUNDED)
    theirs = stack.gateway(f"/v1/payments/{refund.payment.gateway_reference}/refunds")["items"]
    assert [(one["status"], Decimal(one["amount"])) for one in theirs] == [("succeeded", refund.amount)]
    posted = Transaction.objects.filter(reference__contains=str(refund.pk))
    assert [line.reference for line in posted] == [f"refund:{refund.pk}:done"]
    for template in ("booking_cancelled", "refunded"):
        assert_mailed_once(stack, guest, template)


def assert_nothing_left() -> None:
    assert not Delivery.objects.exclude(status=DeliveryStatus.DONE).exists()
    assert not Notice.objects.filter(done_at=None).exists()
    assert_sound()


def test_the_matrix_can_fail(departure: Departure, tmp_path: Path):
    """The control: without the sweep that asks after payments, one whose notice never came stays unpaid.

    It comes first, so that no other clock runs beside its own.
    """
    stack = Stack(tmp_path, PLACES, without="sweep-payments")
    stack.up()
    try:
        guest = Guest(stack)
        stack.order("gateway", f"{STORE}:Store.act after")
        guest.hold(DepartureFactory(option=departure.option, starts_at=now() + timedelta(days=9)).pk)
        guest.book()
        guest.start_to_pay()
        stack.settle()  # the notice of its beginning would make us ask as well
        guest.pay("timeout")
        stack.wait_until(lambda: stack.obeyed)
        with pytest.raises(AssertionError, match="still not so"):
            stack.wait_until(lambda: is_paid(guest), seconds=5)
        theirs = stack.gateway(f"/v1/payments?reference={guest.payment['id']}")["items"]
        assert [one["status"] for one in theirs] == ["succeeded"]
    finally:
        stack.down()


def test_nothing_is_settled_before_the_gateway_has_told_its_news(stack: Stack, departure: Departure):
    """A notice that finds the web down comes again seconds later: looked at meanwhile, the end would not be the end."""
    guest = Guest(stack)
    guest.hold(departure.pk)
    guest.book()
    guest.start_to_pay()
    stack.settle()
    told = Notice.objects.count()
    stack.kill("web")
    guest.pay()
    assert not stack.is_quiet()
    stack.start("web")
    stack.settle()
    assert Notice.objects.count() == told + 1
    assert_paid_once(stack, guest)
    assert_nothing_left()


@each(FROM_HOLD_TO_VOUCHER)
def test_paid_once_and_one_voucher_wherever_it_dies(stack: Stack, departure: Departure, point: Point):
    held, booked = seats(departure)
    guest = Guest(stack)
    stack.order(point.role, point.place, point.having, group=point.group)
    guest.hold(departure.pk)
    guest.book()
    guest.start_to_pay()
    guest.pay(point.outcome)
    if point.role == "web":
        guest.come_back()
    stack.wait_until(lambda: stack.obeyed)
    stack.wait_until(lambda: is_paid(guest))
    stack.settle()
    assert seats(departure) == (held, booked + 2)
    assert_paid_once(stack, guest)
    assert_nothing_left()


@each(FROM_REFUND_ASKED_TO_DONE)
def test_refunded_once_wherever_it_dies(stack: Stack, departure: Departure, point: Point):
    before = seats(departure)
    guest = Guest(stack)
    guest.go_all_the_way(departure.pk)
    stack.wait_until(lambda: is_paid(guest))
    stack.settle()
    stack.order(point.role, point.place, point.having, group=point.group)
    guest.cancel()
    stack.wait_until(lambda: stack.obeyed)
    stack.wait_until(lambda: is_given_back(guest))
    stack.settle()
    assert seats(departure) == before
    assert_refunded_once(stack, guest)
    assert_nothing_left()
