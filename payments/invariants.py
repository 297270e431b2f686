"""Promises 2 and 5 on live data: payments against postings, sums against rows, inbox against effects.

Plain SQL over whole tables, because a proof must not trust the code it proves; policies keep each run to its tenant.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from config.invariants import invariant


def rows(statement: str, *parameters: Any) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        yield from cursor.fetchall()


CAPTURED = """
SELECT p.number, p.status, p.amount, p.currency,
       t.id IS NOT NULL, COALESCE(sum(e.debit) FILTER (WHERE a.role = 'GATEWAY_CLEARING' AND a.detail = p.gateway), 0),
       COALESCE(sum(e.credit) FILTER (WHERE a.role = 'CUSTOMER_DEPOSITS'), 0),
       COALESCE(bool_and(a.unit = p.currency), true), p.entry_id IS NOT DISTINCT FROM t.id
FROM payments_payment p
LEFT JOIN ledger_transaction t ON t.reference = 'payment:' || p.id || ':captured'
LEFT JOIN ledger_entry e ON e.transaction_id = t.id
LEFT JOIN ledger_account a ON a.id = e.account_id
GROUP BY p.id, t.id
HAVING (p.status IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')) <> (t.id IS NOT NULL)
    OR (t.id IS NOT NULL AND NOT (
        COALESCE(sum(e.debit) FILTER (WHERE a.role = 'GATEWAY_CLEARING' AND a.detail = p.gateway), 0) = p.amount
        AND COALESCE(sum(e.credit) FILTER (WHERE a.role = 'CUSTOMER_DEPOSITS'), 0) = p.amount
        AND COALESCE(bool_and(a.unit = p.currency), true) AND p.entry_id IS NOT DISTINCT FROM t.id))
"""


@invariant("payments: money taken is posted once, clearing to deposits")
def captures_are_posted() -> Iterator[str]:
    """Money taken ↔ one posting of the same amount, clearing to deposits."""
    for number, status, amount, currency, posted, clearing, deposits, *_rest in rows(CAPTURED):
        what = f"posted with {clearing}/{deposits}" if posted else "not posted"
        yield f"payment {number} is {status} with {amount} {currency}, but {what}"


@invariant("payments: every capture and refund in the ledger has its row")
def postings_have_payments() -> Iterator[str]:
    """A capture or refund in the ledger that no row explains."""
    statement = """
        SELECT t.reference FROM ledger_transaction t
        WHERE (t.reference LIKE 'payment:%%:captured' AND NOT EXISTS (
                SELECT FROM payments_payment p WHERE t.reference = 'payment:' || p.id || ':captured'))
           OR (t.reference LIKE 'refund:%%:done' AND NOT EXISTS (
                SELECT FROM payments_refund r WHERE t.reference = 'refund:' || r.id || ':done'))
    """.replace("%%", "%")
    for (reference,) in rows(statement):
        yield f"the ledger has {reference}, but there is no such row"


REFUNDED = """
SELECT r.number, r.status, r.amount, p.currency, t.id IS NOT NULL,
       COALESCE(sum(e.debit) FILTER (WHERE a.role = 'CUSTOMER_DEPOSITS'), 0)
FROM payments_refund r
JOIN payments_payment p ON p.id = r.payment_id
LEFT JOIN ledger_transaction t ON t.reference = 'refund:' || r.id || ':done'
LEFT JOIN ledger_entry e ON e.transaction_id = t.id
LEFT JOIN ledger_account a ON a.id = e.account_id
GROUP BY r.id, p.id, t.id
HAVING (r.status = 'SUCCEEDED') <> (t.id IS NOT NULL)
    OR (t.id IS NOT NULL AND NOT (
        COALESCE(sum(e.debit) FILTER (WHERE a.role = 'CUSTOMER_DEPOSITS'), 0) = r.amount
        AND COALESCE(sum(e.credit) FILTER (WHERE a.role = 'GATEWAY_CLEARING' AND a.detail = p.gateway), 0) = r.amount
        AND COALESCE(bool_and(a.unit = p.currency), true) AND r.entry_id IS NOT DISTINCT FROM t.id))
"""


@invariant("payments: money given back is posted once, deposits to clearing")
def refunds_are_posted() -> Iterator[str]:
    """Money given back ↔ one posting of the same amount, deposits to clearing."""
    for number, status, amount, currency, posted, deposits in rows(REFUNDED):
        what = f"posted with {deposits}" if posted else "not posted"
        yield f"refund {number} is {status} with {amount} {currency}, but {what}"


@invariant("payments: what was refunded is the sum of the refunds, and never more than was paid")
def refunded_sums() -> Iterator[str]:
    """`refunded_amount` and the status are what the refunds' rows say; claims never exceed what was paid."""
    statement = """
        SELECT p.number, p.status, p.amount, p.refunded_amount, s.done, s.claimed
        FROM payments_payment p CROSS JOIN LATERAL (
            SELECT COALESCE(sum(r.amount) FILTER (WHERE r.status = 'SUCCEEDED'), 0) AS done,
                   COALESCE(sum(r.amount) FILTER (WHERE r.status <> 'FAILED'), 0) AS claimed
            FROM payments_refund r WHERE r.payment_id = p.id) s
        WHERE p.refunded_amount <> s.done OR s.claimed > p.amount
           OR (p.status IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED') AND p.status <> CASE
                WHEN s.done = 0 THEN 'PAID' WHEN s.done = p.amount THEN 'REFUNDED' ELSE 'PARTIALLY_REFUNDED' END)
           OR (p.status NOT IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED') AND s.claimed > 0)
    """
    for number, status, amount, noted, done, claimed in rows(statement):
        yield f"payment {number} ({status}, {amount}) notes {noted} refunded; its refunds say {done}, claimed {claimed}"


@invariant("payments: what a booking says was paid and refunded is the sum over its payments")
def booking_sums() -> Iterator[str]:
    """What a booking says was paid and refunded is the sum over its payments, second successes left out."""
    statement = """
        SELECT b.reference, b.amount_paid, s.paid, b.amount_refunded, s.refunded, s.other_currency
        FROM bookings_booking b CROSS JOIN LATERAL (
            SELECT COALESCE(sum(p.amount), 0) AS paid, COALESCE(sum(p.refunded_amount), 0) AS refunded,
                   COALESCE(bool_or(p.currency <> b.currency), false) AS other_currency
            FROM payments_payment p WHERE p.booking_id = b.id AND NOT p.is_duplicate
              AND p.status IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')) s
        WHERE b.amount_paid <> s.paid OR b.amount_refunded <> s.refunded OR s.other_currency
    """
    for reference, paid, true_paid, refunded, true_refunded, _other in rows(statement):
        yield (
            f"booking {reference} notes {paid} paid and {refunded} refunded; its payments say {true_paid} and {true_refunded}"
        )


@invariant("payments: a booking has one success and one open attempt at most")
def one_success() -> Iterator[str]:
    """No booking was paid twice for good, and no two attempts are open."""
    statement = """
        SELECT b.reference, count(*) FILTER (WHERE p.status IN ('PENDING', 'PROCESSING')),
               count(*) FILTER (
                   WHERE p.status IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED') AND NOT p.is_duplicate AND NOT p.is_part)
        FROM payments_payment p JOIN bookings_booking b ON b.id = p.booking_id GROUP BY b.id
        HAVING count(*) FILTER (WHERE p.status IN ('PENDING', 'PROCESSING')) > 1
            OR count(*) FILTER (
                WHERE p.status IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED') AND NOT p.is_duplicate AND NOT p.is_part) > 1
    """
    for reference, open_ones, successes in rows(statement):
        yield f"booking {reference} has {successes} successful and {open_ones} open attempts"


@invariant("payments: the history of every payment ends with its status")
def history() -> Iterator[str]:
    """The last move in a payment's history is its status."""
    statement = """
        SELECT p.number, p.status, e.new_status FROM payments_payment p LEFT JOIN LATERAL (
            SELECT new_status FROM payments_paymentevent WHERE payment_id = p.id AND new_status <> ''
            ORDER BY at DESC, id DESC LIMIT 1) e ON true
        WHERE e.new_status IS DISTINCT FROM p.status
    """
    for number, status, last in rows(statement):
        yield f"payment {number} is {status}, but its history ends with {last or 'nothing'}"


@invariant("payments: every notice of a gateway has its effect")
def inbox_effects() -> Iterator[str]:
    """A notice of success that is done has its effect, and none is left lying."""
    statement = """
        SELECT n.dedupe_key, p.number, p.status FROM payments_notice n JOIN payments_payment p ON p.id = n.payment_id
        WHERE n.status = 'DONE' AND n.type = 'payment.succeeded'
          AND p.status NOT IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')
    """
    for key, number, status in rows(statement):
        yield f"notice {key} says that payment {number} succeeded and is done, but the payment is {status}"
    late = """
        SELECT dedupe_key, status, attempts FROM payments_notice
        WHERE status IN ('NEW', 'FAILED') AND received_at < now() - interval '25 hours'
          AND (next_try_at IS NULL OR next_try_at < now() - interval '1 hour')
    """
    for key, status, attempts in rows(late):
        yield f"notice {key} is {status} since more than a day, after {attempts} attempts"


@invariant("payments: customer deposits are what was paid, less refunded, less earned")
def deposits() -> Iterator[str]:
    """What the ledger holds as customers' deposits is, per currency, paid − refunded − earned over all bookings."""
    statement = """
        WITH held AS (
            SELECT a.unit AS currency, sum(e.credit - e.debit) AS amount
            FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
            WHERE a.role = 'CUSTOMER_DEPOSITS' GROUP BY a.unit
        ), owed AS (
            SELECT currency, sum(amount) AS amount FROM (
                SELECT currency, amount_paid - amount_refunded - amount_earned AS amount FROM bookings_booking
                UNION ALL
                SELECT currency, amount - refunded_amount FROM payments_payment
                WHERE is_duplicate AND status IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')
            ) parts GROUP BY currency
        )
        SELECT COALESCE(h.currency, o.currency), COALESCE(h.amount, 0), COALESCE(o.amount, 0)
        FROM held h FULL JOIN owed o ON o.currency = h.currency
        WHERE COALESCE(h.amount, 0) <> COALESCE(o.amount, 0)
    """
    for currency, held, owed in rows(statement):
        yield f"customer deposits in {currency} hold {held}, but bookings account for {owed}"


@invariant("payments: nothing open is forgotten")
def overdue() -> Iterator[str]:
    """Nothing open is without a next look: each open attempt and each waiting refund has a time at which a sweep takes it."""
    statement = """
        SELECT 'payment ' || number, status FROM payments_payment WHERE status IN ('PENDING', 'PROCESSING') AND check_at IS NULL
        UNION ALL SELECT 'refund ' || number, status FROM payments_refund WHERE status = 'PENDING' AND next_try_at IS NULL
    """
    for what, status in rows(statement):
        yield f"{what} is {status}, and nothing will ever look at it again"
