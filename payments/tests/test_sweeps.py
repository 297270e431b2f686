"""What nobody is told of is found by asking; and what a killed worker left is finished."""

import os
import signal
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils.timezone import now

from bookings.models import BookingStatus
from bookings.services import cancel_booking
from config.testing import server
from ledger.models import Transaction
from payments.gateways.interface import GatewayUnavailable
from payments.models import Notice, NoticeStatus, Payment, Refund, RefundStatus
from payments.services import (
    carry_out_refund,
    check_payment,
    process_notice,
    request_refund,
    sweep_inbox,
    sweep_payments,
    sweep_refunds,
)
from payments.tasks import sweep_inbox as sweep_inbox_of_all
from payments.tasks import sweep_payments as sweep_payments_of_all
from payments.tasks import sweep_refunds as sweep_refunds_of_all
from payments.tests.steps import assert_sound, begun, booking_of, deposits, started, status_of, wait_until


def due() -> None:
    Payment.objects.filter(check_at__isnull=False).update(check_at=now())


def test_an_attempt_past_its_time_is_ended_there_first(tenant, sandbox, eager):
    payment = started()
    Payment.objects.update(expires_at=now())
    due()
    assert sweep_payments() == 1
    payment.refresh_from_db()
    assert (payment.status, payment.check_at) == ("CANCELLED", None)
    assert sandbox.api("GET", f"/v1/payments/{payment.gateway_reference}").json()["status"] == "cancelled"
    assert sandbox.act(payment.action["url"], "approve").status_code == 409
    assert sweep_payments() == 0
    assert_sound()


def test_the_payer_who_is_faster_than_the_end_has_paid(tenant, sandbox, eager):
    payment = started()
    sandbox.act(payment.action["url"], "timeout")
    Payment.objects.update(expires_at=now())
    due()
    sweep_payments()
    assert status_of(payment) == "PAID"


def test_a_cancelled_booking_cannot_be_paid_any_more(tenant, sandbox, eager, django_capture_on_commit_callbacks):
    payment = started()
    with django_capture_on_commit_callbacks(execute=True):
        cancel_booking(booking_id=payment.booking_id, actor=None, reason="changed plans")
    assert status_of(payment) == "CANCELLED"
    assert sandbox.act(payment.action["url"], "approve").status_code == 409


def test_an_attempt_that_never_arrived_is_ended_when_it_surely_will_not(tenant, sandbox, eager):
    payment = begun()
    due()
    sweep_payments()
    assert status_of(payment) == "PENDING"
    Payment.objects.update(expires_at=now())
    due()
    sweep_payments()
    assert status_of(payment) == "PENDING"  # a call may still be under way
    Payment.objects.update(created_at=now() - timedelta(minutes=3))
    due()
    sweep_payments()
    assert status_of(payment) == "CANCELLED"


def test_pauses_grow_and_end_with_the_attempt(tenant, sandbox, eager, settings):
    payment = started()
    Payment.objects.update(expires_at=now() + timedelta(hours=5))
    for minutes in (2, 4, 8, 16, 32, 60, 60):
        due()
        sweep_payments()
        payment.refresh_from_db()
        assert (
            timedelta(minutes=minutes) - timedelta(seconds=5) < payment.check_at - now() <= timedelta(minutes=minutes)
        )
    Payment.objects.update(expires_at=now() + timedelta(minutes=3))
    due()
    sweep_payments()
    payment.refresh_from_db()
    assert payment.check_at == payment.expires_at + timedelta(seconds=5)


def test_a_gateway_that_is_down_stops_nothing(tenant, sandbox, eager, settings):
    payment, url = started(), settings.SANDBOX_URL
    sandbox.act(payment.action["url"], "timeout")
    settings.SANDBOX_URL = f"http://127.0.0.1:{server.free_port()}"
    with pytest.raises(GatewayUnavailable):
        check_payment(payment_id=payment.pk)
    due()
    assert sweep_payments() == 1  # noted, not raised
    assert sweep_payments() == 0
    settings.SANDBOX_URL = url
    due()
    sweep_payments()
    assert status_of(payment) == "PAID"


def test_each_tenant_is_swept_for_itself(tenant, other_tenant, sandbox, eager):
    payment = started()
    sandbox.act(payment.action["url"], "timeout")
    due()
    for sweep in (sweep_payments_of_all, sweep_inbox_of_all, sweep_refunds_of_all):
        sweep()
        sweep()
    assert status_of(payment) == "PAID"
    assert_sound()


def owner_connection():
    return psycopg.connect(server.url_of_test_database(django_settings.DATABASE_OWNER_URL))


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid())"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_capture_and_confirmation(tenant, sandbox):
    """The gateway has the money, the worker knows it and dies before the booking does. The sweep finishes."""
    payment = started()
    sandbox.act(payment.action["url"], "timeout")
    notice = Notice.objects.create(
        gateway="sandbox",
        dedupe_key="sbe_killed",
        type="payment.succeeded",
        body=(
            '{"id": "sbe_killed", "type": "payment.succeeded", "created_at": "2026-11-21T07:00:00+00:00",'
            f' "data": {{"payment": {{"id": "x", "reference": "{payment.pk}", "amount": "200.00", "currency": "USD"}}}}}}'
        ).encode(),
    )
    with owner_connection() as holding, server.working(SANDBOX_URL=sandbox.url, GATEWAY_READ_SECONDS="20") as process:
        holding.execute("SELECT FROM tours_departure FOR UPDATE")  # confirmation must wait here
        sweep_inbox()
        wait_until(somebody_waits_for_a_lock, 40)
        assert process.pid != os.getpid()
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
        holding.rollback()
    wait_until(lambda: not somebody_waits_for_a_lock())
    notice.refresh_from_db()
    assert (notice.status, notice.attempts, status_of(payment)) == (NoticeStatus.NEW, 1, "PENDING")
    assert booking_of(payment).status == BookingStatus.PENDING_PAYMENT
    assert Transaction.objects.count() == 0
    assert sweep_inbox() == 0  # taken for running still
    Notice.objects.update(next_try_at=now())  # 90 seconds later
    process_notice(notice_id=notice.pk)
    assert Notice.objects.get().status == NoticeStatus.DONE
    assert (status_of(payment), booking_of(payment).status) == ("PAID", BookingStatus.CONFIRMED)
    assert deposits() == Decimal(200)
    assert_sound()


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_the_gateway_refunds(tenant, sandbox):
    """The money went back, nobody wrote it down: the next try, under the same key, finds it and gives nothing twice."""
    payment = started()
    sandbox.act(payment.action["url"], "timeout")
    payment = check_payment(payment_id=payment.pk)
    path = f"/v1/payments/{payment.gateway_reference}/refunds"
    sandbox.order("refund", "timeout_after", seconds=15)
    with server.working(SANDBOX_URL=sandbox.url, GATEWAY_READ_SECONDS="20") as process:
        refund = request_refund(payment_id=payment.pk, amount=Decimal(80), cause="dies", reason="goodwill", actor=None)
        wait_until(lambda: sandbox.api("GET", path).json()["items"], 40)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
    refund.refresh_from_db()
    assert (refund.status, refund.attempts, deposits()) == (RefundStatus.PENDING, 1, Decimal(200))
    assert sweep_refunds() == 0  # taken for running still
    Refund.objects.update(next_try_at=now())  # 90 seconds later
    assert carry_out_refund(refund_id=refund.pk).status == RefundStatus.SUCCEEDED
    assert len(sandbox.api("GET", path).json()["items"]) == 1
    assert deposits() == Decimal(120)
    assert_sound()
