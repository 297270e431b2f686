"""Each proof is shown rows that were damaged by the owner, with every guard off, and must name the damage."""

import pytest
from rest_framework.test import APIClient

from bookings.models import BookingStatus
from bookings.tests.factories import CONTACT, BookingFactory, CustomerFactory, HoldFactory
from config.invariants import check_all
from config.tenancy import tenant_context
from config.testing.corruption import unguarded_owner
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.django_db(transaction=True)

S = BookingStatus
COUNTERS = "bookings: a departure's counters are the seats of its holds"
OVERSOLD = "bookings: no departure is sold beyond its capacity"
STATE = "bookings: the last line of the history is the state"
CHAIN = "bookings: each line of the history begins where the one before ended"
ITEMS = "bookings: items and their holds are in the state of the booking"
WITHOUT = "bookings: every booking has an item"
AMOUNTS = "bookings: amounts are those of the frozen quote"
QUOTES = "bookings: a booking's quote is that of its hold"
SUMS = "bookings: the payment status is what the sums say"
EARNED = "bookings: what is earned is what the ledger says"
ANSWERS = "bookings: the answers kept for repeats name what exists"


@pytest.fixture
def house(tenant):
    """One booking in each state, loose holds, and requests with keys."""
    for status in (S.PENDING_PAYMENT, S.CONFIRMED, S.CANCELLED, S.EXPIRED, S.IN_PROGRESS, S.COMPLETED, S.NO_SHOW):
        BookingFactory(departure=DepartureFactory(), status=status)
    HoldFactory()
    client = APIClient(headers={"Idempotency-Key": "one"})
    body = {"departure_id": str(DepartureFactory().pk), "guests": {"adult": 1}}
    assert client.post("/api/v1/holds", body).status_code == 201
    assert client.post("/api/v1/bookings", {**body, "contact": CONTACT}).status_code == 201


def bookings_faults():
    return {name: faults for name, faults in check_all().faults.items() if name.startswith("bookings:") and faults}


def test_what_the_services_wrote_is_proven(house, other_tenant):
    faults = check_all().faults
    assert len([name for name in faults if name.startswith("bookings:")]) == 20
    assert bookings_faults() == {}


DAMAGE = [
    (COUNTERS, "UPDATE tours_departure SET seats_held = 1 WHERE id = '{departure}'", "1 counted as held, 0 in holds"),
    (
        COUNTERS,
        "UPDATE tours_departure SET seats_booked = 0 WHERE id = '{departure}'",
        "0 counted as booked, 2 in holds",
    ),
    (COUNTERS, "UPDATE bookings_hold SET status = 'RELEASED' WHERE id = '{hold}'", "2 counted as booked, 0 in holds"),
    (
        OVERSOLD,
        "UPDATE tours_departure SET capacity = 1, seats_booked = 0 WHERE id = '{departure}'",
        "2 seats taken of 1",
    ),
    (OVERSOLD, "UPDATE bookings_hold SET seats = 11 WHERE id = '{hold}'", "11 seats taken of 10"),
    (STATE, "UPDATE bookings_booking SET status = 'CONFIRMED' WHERE id = '{booking}'", "CONFIRMED, but its history"),
    (STATE, "DELETE FROM bookings_bookingevent WHERE booking_id = '{booking}'", "ends in nothing"),
    (
        CHAIN,
        "DELETE FROM bookings_bookingevent WHERE booking_id = '{booking}' AND new_status = 'CONFIRMED'",
        "a move from CONFIRMED after one to PENDING_PAYMENT",
    ),
    (
        ITEMS,
        "UPDATE bookings_bookingitem SET status = 'CONFIRMED' WHERE booking_id = '{booking}'",
        "its item CONFIRMED",
    ),
    (ITEMS, "UPDATE bookings_hold SET status = 'ACTIVE' WHERE id = '{hold}'", "its hold ACTIVE"),
    (ITEMS, "UPDATE bookings_bookingitem SET seats = 1 WHERE booking_id = '{booking}'", "with 1 seats"),
    (ITEMS, "UPDATE bookings_bookingitem SET hold_id = NULL WHERE booking_id = '{booking}'", "its hold None"),
    (WITHOUT, "DELETE FROM bookings_bookingitem WHERE booking_id = '{booking}'", "has no item"),
    (AMOUNTS, "UPDATE bookings_booking SET total = 199 WHERE id = '{booking}'", "199.000 to pay, 200.00 quoted"),
    (AMOUNTS, "UPDATE bookings_booking SET currency = 'EUR' WHERE id = '{booking}'", "200.000 to pay"),
    (AMOUNTS, "UPDATE bookings_bookingitem SET amount = 1 WHERE booking_id = '{booking}'", "1.000 in its items"),
    (
        QUOTES,
        "UPDATE bookings_hold SET quote = jsonb_set(quote, '{{total}}', '\"1.00\"') WHERE id = '{hold}'",
        "another price than its hold's",
    ),
    (
        SUMS,
        "UPDATE bookings_booking SET payment_status = 'UNPAID' WHERE id = '{booking}'",
        "UNPAID, but 200.000 of 200.000",
    ),
    (SUMS, "UPDATE bookings_booking SET amount_refunded = 10 WHERE id = '{booking}'", "10.000 given back"),
    (
        EARNED,
        "UPDATE bookings_booking SET amount_earned = 100 WHERE id = '{booking}'",
        "100.000 earned, 200.000 posted",
    ),
    (
        EARNED,
        "DELETE FROM ledger_entry e USING ledger_transaction t"
        " WHERE e.transaction_id = t.id AND t.reference = 'booking:{booking}:earned'",
        "200.000 earned, 0 posted",
    ),
    (
        ANSWERS,
        "DELETE FROM bookings_hold WHERE id = (SELECT (answer->>'id')::uuid FROM accounts_idempotencykey"
        " WHERE route = 'holds')",
        "holds: the key one was answered with",
    ),
    (
        ANSWERS,
        "DELETE FROM bookings_booking WHERE id = (SELECT (answer->>'id')::uuid FROM accounts_idempotencykey"
        " WHERE route = 'bookings')",
        "bookings: the key one was answered with",
    ),
]


def test_each_damage_is_named(house, other_tenant):
    """Each statement damages a completed booking of its own; its proof must name that very booking or departure."""
    mona, victims = CustomerFactory(), []
    for _damage in DAMAGE:
        victims.append(BookingFactory(departure=DepartureFactory(), status=S.COMPLETED, actor=mona))
    assert bookings_faults() == {}
    marks = []
    with unguarded_owner() as owner:
        for (_name, statement, _said), victim in zip(DAMAGE, victims, strict=True):
            item = victim.items.get()
            names = {"booking": victim.pk, "hold": item.hold_id, "departure": item.departure_id}
            assert owner.execute(statement.format(**names)).rowcount >= 1, statement
            marks.append((victim.reference, str(item.departure_id)))
    faults = bookings_faults()
    for (name, statement, said), victim in zip(DAMAGE, marks, strict=True):
        marked = ("the key one",) if name == ANSWERS else victim
        assert any(said in fault and any(mark in fault for mark in marked) for fault in faults.get(name, [])), (
            statement,
            faults.get(name),
        )
    with tenant_context(other_tenant.pk):
        assert bookings_faults() == {}
