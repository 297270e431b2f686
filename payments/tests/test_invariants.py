"""Each proof is shown rows that were damaged by the owner, with every guard off, and must name the damage."""

from decimal import Decimal

import pytest

from bookings.models import Booking
from config.invariants import check_all
from config.testing.corruption import unguarded_owner, without_guard
from payments.models import Notice, Refund
from payments.services import request_refund
from payments.services.refunds import RemoteRefund, settle_refund
from payments.tests.steps import assert_sound, begun, paid

pytestmark = pytest.mark.django_db(transaction=True)

POSTED = "payments: money taken is posted once, clearing to deposits"
EXPLAINED = "payments: every capture and refund in the ledger has its row"
REFUNDED = "payments: money given back is posted once, deposits to clearing"
SUMS = "payments: what was refunded is the sum of the refunds, and never more than was paid"
BOOKING = "payments: what a booking says was paid and refunded is the sum over its payments"
ONCE = "payments: a booking has one success and one open attempt at most"
HISTORY = "payments: the history of every payment ends with its status"
INBOX = "payments: every notice of a gateway has its effect"
DEPOSITS = "payments: customer deposits are what was paid, less refunded, less earned"
FORGOTTEN = "payments: nothing open is forgotten"

ENTRIES = "(SELECT id FROM ledger_transaction WHERE reference = '{reference}')"
CAPTURE, DONE = (ENTRIES.format(reference=r) for r in ("payment:{paid}:captured", "refund:{refund}:done"))

DAMAGE = [
    (POSTED, "UPDATE payments_payment SET status = 'PAID' WHERE id = '{open}'", "{open_number} is PAID"),
    (POSTED, "UPDATE payments_payment SET amount = 201 WHERE id = '{paid}'", "{paid_number} is PARTIALLY_REFUNDED"),
    (POSTED, "UPDATE payments_payment SET currency = 'EUR' WHERE id = '{paid}'", "{paid_number} is"),
    (POSTED, f"UPDATE ledger_entry SET debit = debit / 2 WHERE debit > 0 AND transaction_id = {CAPTURE}", "100.00"),
    (POSTED, "DELETE FROM ledger_transaction WHERE reference = 'payment:{paid}:captured'", "not posted"),
    (POSTED, "UPDATE payments_payment SET status = 'CANCELLED' WHERE id = '{paid}'", "{paid_number} is CANCELLED"),
    (POSTED, "UPDATE payments_payment SET entry_id = NULL WHERE id = '{paid}'", "{paid_number}"),
    (EXPLAINED, "DELETE FROM payments_refund", "refund:{refund}:done"),
    (EXPLAINED, "DELETE FROM payments_payment WHERE id = '{paid}'", "payment:{paid}:captured"),
    (REFUNDED, "UPDATE payments_refund SET status = 'SUCCEEDED' WHERE id = '{waiting}'", "not posted"),
    (REFUNDED, "UPDATE payments_refund SET status = 'FAILED' WHERE id = '{refund}'", "is FAILED"),
    (REFUNDED, "UPDATE payments_refund SET amount = 49 WHERE id = '{refund}'", "with 49.000 USD"),
    (REFUNDED, f"UPDATE ledger_entry SET debit = 49 WHERE debit > 0 AND transaction_id = {DONE}", "posted with 49.000"),
    (SUMS, "UPDATE payments_payment SET refunded_amount = 60 WHERE id = '{paid}'", "notes 60.000 refunded"),
    (SUMS, "UPDATE payments_payment SET status = 'REFUNDED' WHERE id = '{paid}'", "(REFUNDED"),
    (SUMS, "UPDATE payments_refund SET amount = 190 WHERE id = '{waiting}'", "claimed 240.000"),
    (BOOKING, "UPDATE bookings_booking SET amount_paid = 150 WHERE id = '{booking}'", "notes 150.000 paid"),
    (BOOKING, "UPDATE bookings_booking SET amount_refunded = 0 WHERE id = '{booking}'", "50.000"),
    (BOOKING, "UPDATE payments_payment SET is_duplicate = true WHERE id = '{paid}'", "notes 200.000 paid"),
    (HISTORY, "UPDATE payments_payment SET status = 'PROCESSING' WHERE id = '{open}'", "ends with PENDING"),
    (HISTORY, "DELETE FROM payments_paymentevent WHERE payment_id = '{open}'", "ends with nothing"),
    (INBOX, "UPDATE payments_notice SET payment_id = '{open}'", "but the payment is PENDING"),
    (
        INBOX,
        "UPDATE payments_notice SET status = 'FAILED', received_at = now() - interval '2 days', next_try_at = NULL",
        "is FAILED since more than a day",
    ),
    (DEPOSITS, "UPDATE bookings_booking SET amount_earned = 1 WHERE id = '{booking}'", "account for 149.000"),
    (DEPOSITS, f"UPDATE ledger_entry SET credit = 500 WHERE credit > 0 AND transaction_id = {CAPTURE}", "hold 450.000"),
    (FORGOTTEN, "UPDATE payments_payment SET check_at = NULL WHERE id = '{open}'", "{open_number} is PENDING"),
    (FORGOTTEN, "UPDATE payments_refund SET next_try_at = NULL WHERE id = '{waiting}'", "{waiting_number} is PENDING"),
]


@pytest.fixture
def rows(tenant):
    """A payment with one refund done and one under way, an open attempt of another booking, and a notice that is done."""
    payment, open_one = paid(), begun()
    done = request_refund(payment_id=payment.pk, amount=Decimal(50), cause="a", reason="goodwill", actor=None)
    settle_refund(done.pk, RemoteRefund("SUCCEEDED", "sbr_1", Decimal(50)))
    waiting = request_refund(payment_id=payment.pk, amount=Decimal(30), cause="b", reason="goodwill", actor=None)
    Notice.objects.create(
        gateway="sandbox", dedupe_key="sbe_1", type="payment.succeeded", body=b"{}", status="DONE", payment=payment
    )
    return {
        "paid": payment.pk,
        "paid_number": payment.number,
        "open": open_one.pk,
        "open_number": open_one.number,
        "refund": done.pk,
        "waiting": waiting.pk,
        "waiting_number": waiting.number,
        "booking": payment.booking_id,
    }


def test_sound_rows_are_clean(rows):
    assert_sound()
    proofs = {name for name in check_all().faults if name.startswith("payments:")}
    assert proofs == {name for name, _statement, _sentence in DAMAGE} | {ONCE}


@pytest.mark.parametrize(("name", "statement", "sentence"), DAMAGE)
def test_each_damage_is_named(rows, name, statement, sentence):
    with unguarded_owner() as owner:
        assert owner.execute(statement.format(**rows)).rowcount >= 1
    found = check_all().faults[name]
    assert any(sentence.format(**rows) in fault for fault in found), found


def test_two_successes_are_named(rows, tenant):
    """The index that forbids it is dropped for a moment: the proof does not rest on it."""
    cancelled = f"UPDATE payments_payment SET status = 'CANCELLED' WHERE id = '{rows['open']}'"
    with without_guard("payments_payment", "payment_one_success", cancelled) as owner:
        owner.execute(
            "UPDATE payments_payment SET status = 'PAID', booking_id = %s WHERE id = %s",
            [rows["booking"], rows["open"]],
        )
        reference = Booking.objects.get(pk=rows["booking"]).reference
        assert check_all().faults[ONCE] == [f"booking {reference} has 2 successful and 0 open attempts"]


def test_proofs_look_at_one_tenant(rows, other_tenant):
    assert Refund.objects.count() == 2
    with unguarded_owner() as owner:
        owner.execute("UPDATE payments_payment SET tenant_id = %s", [other_tenant.pk])
    assert check_all().faults[BOOKING]
    assert not check_all().faults[HISTORY]
