"""A deposit confirms, the balance follows: amounts worked out by hand, 2 adults at 100 each, 25 % down."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.urls import reverse
from django.utils.timezone import now

from bookings.models import Booking, BookingStatus
from bookings.pricing import quote
from bookings.services import (
    cancel_booking,
    cancel_unpaid,
    confirm_booking,
    expire_holds,
    move_booking,
    remind_of_balances,
)
from bookings.tests.factories import BookingFactory, ClerkFactory, move_in_time, run_out
from config.testing import run_together
from ledger.tests.factories import ExchangeRateFactory
from notifications.models import Message
from payments.errors import AmountNotDue, NoDeposit, NothingDue
from payments.flags import overdue_balances
from payments.models import Payment, Refund
from payments.services import apply_remote_state, cancel_overdue, refund_booking, start_payment, take_cash
from payments.tests.steps import assert_sound, begun, deposits, paid, said
from tours.models import DepositRule
from tours.tests.factories import CurrencyFactory, DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")


def trip(days=60, **rule):
    """A departure in so many days; 25 % down, the rest 30 days before."""
    departure = DepartureFactory(starts_at=now().replace(microsecond=0) + timedelta(days=days))
    DepositRule.objects.create(tour=departure.tour, **{"amount": Decimal(25), **rule})
    return departure


def booked(days=60, **rule):
    return BookingFactory(departure=trip(days, **rule))


def fresh(booking):
    return Booking.objects.get(pk=booking.pk)


def part(booking, amount="50"):
    """The deposit, come through a gateway."""
    payment = begun(booking, amount=Decimal(amount))
    return apply_remote_state(payment.pk, said(payment, "PAID", captured_reference=f"sbc_{payment.pk.hex}"))


def pass_days(booking, days):
    """As if so many days had gone by."""
    back = timedelta(days=days)
    move_in_time(booking, booking.starts_at - back, booking.ends_at - back)
    moved = {
        name: getattr(booking, name) - back
        for name in ("balance_due_at", "balance_remind_at", "balance_cancel_at")
        if getattr(booking, name)
    }
    Booking.objects.filter(pk=booking.pk).update(**moved)


# --- What is asked for ---


@pytest.mark.parametrize(
    ("rule", "amount", "balance"),
    [
        ({}, "50.00", "150.00"),  # 25 % of 200
        ({"amount": Decimal("33.333")}, "66.67", "133.33"),  # 66.666, half up
        ({"basis": "PER_BOOKING", "amount": Decimal(80)}, "80.00", "120.00"),
        ({"basis": "PER_PERSON", "amount": Decimal(30)}, "60.00", "140.00"),
    ],
)
def test_a_deposit_is_quoted_and_frozen(rule, amount, balance):
    departure = trip(**rule)
    made = quote(departure_id=departure.pk, guests={"adult": 2}).as_json()
    assert (made["deposit"]["amount"], made["deposit"]["balance"]) == (amount, balance)
    assert made["deposit"]["balance_due_at"] == (departure.starts_at - timedelta(days=30)).isoformat()
    booking = BookingFactory(departure=departure)
    DepositRule.objects.update(amount=Decimal(1))
    assert (fresh(booking).deposit_amount, fresh(booking).deposit_due, booking.amount_due) == (
        Decimal(amount),
        Decimal(amount),
        200,
    )


@pytest.mark.parametrize(
    ("days", "rule"),
    [
        (30, {}),  # the day of the balance has come: everything at once
        (29, {}),
        (60, {"basis": "PER_BOOKING", "amount": Decimal(200)}),  # no part of 200
        (60, {"basis": "PER_PERSON", "amount": Decimal(500)}),
        (60, {"amount": Decimal("0.001")}),  # rounds to nothing
    ],
)
def test_all_is_paid_at_once(days, rule):
    booking = booked(days, **rule)
    assert (booking.quote["deposit"], booking.deposit_amount, booking.deposit_due) == (None, None, 0)
    with pytest.raises(NoDeposit):
        start_payment(booking_id=booking.pk, gateway="sandbox", deposit=True)
    assert Payment.objects.count() == 0


def test_an_amount_follows_the_currency_of_the_quote():
    CurrencyFactory(code="EUR")
    ExchangeRateFactory(base_id="USD", quote_id="EUR", rate=Decimal("0.9"))
    departure = trip(basis="PER_BOOKING", amount=Decimal(80))
    made = quote(departure_id=departure.pk, guests={"adult": 2}, currency="EUR").as_json()
    assert (made["total"], made["deposit"]["amount"], made["deposit"]["balance"]) == ("180.00", "72.00", "108.00")


# --- Paying it ---


def test_the_deposit_confirms_and_the_balance_completes():
    booking = booked()
    first = part(booking)
    booking = fresh(booking)
    assert (first.is_part, booking.status, booking.payment_status) == (True, BookingStatus.CONFIRMED, "PARTIALLY_PAID")
    assert (booking.amount_due, booking.deposit_due, deposits()) == (150, 0, 50)
    assert booking.events.get(action="status", new_status="CONFIRMED").reason == "deposit_paid"
    assert_sound()
    rest = paid(booking)
    booking = fresh(booking)
    assert (rest.amount, rest.is_part, rest.is_duplicate) == (150, False, False)
    assert (booking.payment_status, booking.amount_paid, booking.amount_due, deposits()) == ("PAID", 200, 0, 200)
    assert_sound()
    with pytest.raises(NothingDue):
        start_payment(booking_id=booking.pk, gateway="sandbox")


def test_less_than_the_deposit_confirms_nothing_and_more_counts():
    booking = booked()
    part(booking, "49.99")
    booking = fresh(booking)
    assert (booking.status, booking.deposit_due) == (BookingStatus.PENDING_PAYMENT, Decimal("0.01"))
    part(booking, "20.01")
    booking = fresh(booking)
    assert (booking.status, booking.amount_paid, booking.amount_due) == (BookingStatus.CONFIRMED, 70, 130)
    assert_sound()


def test_the_gateway_takes_another_amount_than_the_deposit():
    payment = begun(booked(), amount=Decimal(50))
    payment = apply_remote_state(payment.pk, said(payment, "PAID", amount=Decimal(60)))
    assert (payment.flag, payment.status) == ("AMOUNT_MISMATCH", "PENDING")
    assert (fresh(payment.booking).status, deposits()) == (BookingStatus.PENDING_PAYMENT, 0)


def test_a_late_full_payment_beside_the_deposit_goes_back():
    """The payer left one attempt, paid the deposit in another, and the first comes after all: 50 + 200 is too much."""
    booking = booked()
    first = begun(booking)
    Payment.objects.filter(pk=first.pk).update(status="CANCELLED")
    first.events.create(new_status="CANCELLED")
    part(booking)
    apply_remote_state(first.pk, said(first, "PAID", captured_reference="sbc_1"))
    first.refresh_from_db()
    assert (first.is_duplicate, first.flag) == (True, "DUPLICATE")
    assert (fresh(booking).amount_paid, Refund.objects.get().amount) == (50, 200)
    assert_sound()


def test_two_deposits_count_as_more_of_the_price():
    booking = booked()
    first = begun(booking, amount=Decimal(50))
    Payment.objects.filter(pk=first.pk).update(status="CANCELLED")
    first.events.create(new_status="CANCELLED")
    part(booking)
    apply_remote_state(first.pk, said(first, "PAID", captured_reference="sbc_1"))
    assert (fresh(booking).amount_paid, fresh(booking).amount_due, Refund.objects.count()) == (100, 100, 0)
    assert_sound()


def test_a_booking_that_became_dearer_can_be_paid_again():
    booking = booked()
    paid(booking)
    more = {"total": "230.00", "lines": [*booking.quote["lines"], {**booking.quote["lines"][0], "amount": "30.00"}]}
    dearer = {**booking.quote, **more}
    Booking.objects.filter(pk=booking.pk).update(total=Decimal(230), quote=dearer)
    booking.items.update(amount=Decimal(230))
    booking.items.get().hold.__class__.objects.filter(items__booking=booking).update(quote=dearer)
    rest = paid(fresh(booking))
    assert (rest.amount, rest.is_duplicate, fresh(booking).amount_due) == (30, False, 0)
    assert_sound()


def test_a_deposit_that_comes_late_wins_the_seats_again():
    booking = booked()
    payment = begun(booking, amount=Decimal(50))
    run_out(booking.items.get().hold)
    expire_holds()
    assert fresh(booking).status == BookingStatus.EXPIRED
    apply_remote_state(payment.pk, said(payment, "PAID", captured_reference="sbc_1"))
    assert (fresh(booking).status, deposits()) == (BookingStatus.CONFIRMED, 50)
    assert_sound()


@pytest.mark.django_db(transaction=True)
def test_deposit_and_full_payment_at_once_never_take_more_than_the_price():
    booking = booked()
    one, other = begun(booking, amount=Decimal(50)), None
    Payment.objects.filter(pk=one.pk).update(status="CANCELLED")
    one.events.create(new_status="CANCELLED")
    other = begun(booking)
    run_together(
        *(
            partial(apply_remote_state, p.pk, said(p, "PAID", captured_reference=f"sbc_{p.pk.hex}"))
            for p in (one, other)
        )
    )
    booking = fresh(booking)
    too_much = Payment.objects.filter(is_duplicate=True)
    assert too_much.count() == 1
    assert booking.status == BookingStatus.CONFIRMED
    assert booking.amount_paid + too_much.get().amount == 250
    assert_sound()


# --- Cash and the desk ---


def test_cash_for_the_deposit_and_nothing_in_between():
    booking, clerk = booked(), ClerkFactory()
    for wrong in ("49", "51", "199"):
        with pytest.raises(AmountNotDue):
            take_cash(booking_id=booking.pk, amount=Decimal(wrong), receipt="R-0", actor=clerk)
    take_cash(booking_id=booking.pk, amount=Decimal(50), receipt="R-1", actor=clerk)
    assert (fresh(booking).status, fresh(booking).amount_due) == (BookingStatus.CONFIRMED, 150)
    take_cash(booking_id=booking.pk, amount=Decimal(150), receipt="R-2", actor=clerk)
    assert fresh(booking).payment_status == "PAID"
    assert_sound()


# --- When the balance does not come ---


def test_reminded_once_before_and_once_when_it_is_due():
    booking = booked()
    part(booking)
    assert remind_of_balances() == 0
    pass_days(fresh(booking), 24)  # 36 days before: 6 before the balance is due
    assert (remind_of_balances(), remind_of_balances()) == (1, 0)
    pass_days(fresh(booking), 7)
    assert (remind_of_balances(), remind_of_balances()) == (1, 0)
    assert fresh(booking).balance_remind_at is None
    assert [flag.reference for flag in overdue_balances(Booking.objects.all())] == [booking.reference]


def test_who_paid_is_not_reminded():
    booking = booked()
    paid(booking)
    pass_days(fresh(booking), 24)
    assert (remind_of_balances(), fresh(booking).balance_remind_at) == (0, None)


def test_the_mails_of_the_balance(eager, django_capture_on_commit_callbacks):
    booking = booked(overdue="CANCEL")
    with django_capture_on_commit_callbacks(execute=True):
        part(booking)
    for days in (24, 7):
        pass_days(fresh(booking), days)
        with django_capture_on_commit_callbacks(execute=True):
            remind_of_balances()
    confirmed = Message.objects.get(template="booking_confirmed")
    first, second = Message.objects.filter(template__startswith="balance_").order_by("pk")
    assert "$150.00" in confirmed.text
    assert (first.template, second.template) == ("balance_reminder", "balance_overdue")
    assert "$150.00" in first.text
    assert "/pay" in first.text
    assert "Without it the booking ends on" in second.text


def test_cancelled_by_the_policy_after_the_grace():
    booking = booked(overdue="CANCEL", grace_days=3)
    part(booking)
    pass_days(fresh(booking), 32)  # overdue, but the grace lasts
    assert (cancel_overdue(), fresh(booking).status) == (0, BookingStatus.CONFIRMED)
    pass_days(fresh(booking), 2)
    assert (cancel_overdue(), cancel_overdue()) == (1, 0)
    booking = fresh(booking)
    assert (booking.status, booking.cancel_reason) == (BookingStatus.CANCELLED, "balance_overdue")
    assert booking.cancellation["refund"] == "50.00"  # flexible: a day before, everything comes back
    assert booking.trip.seats_booked == 0
    assert_sound()


def test_only_flagged_where_the_rule_says_so():
    booking = booked(overdue="FLAG")
    part(booking)
    pass_days(fresh(booking), 45)
    assert (cancel_overdue(), fresh(booking).status) == (0, BookingStatus.CONFIRMED)


def test_not_cancelled_while_money_is_on_its_way():
    booking = booked(overdue="CANCEL")
    part(booking)
    pass_days(fresh(booking), 40)
    attempt = begun(fresh(booking))
    assert cancel_overdue() == 0
    apply_remote_state(attempt.pk, said(attempt, "PAID", captured_reference="sbc_9"))
    assert cancel_overdue() == 0
    assert cancel_unpaid(booking_id=booking.pk) is False
    assert (fresh(booking).status, fresh(booking).payment_status) == (BookingStatus.CONFIRMED, "PAID")


@pytest.mark.parametrize(("percent", "refund"), [(100, "50.00"), (80, "10.00"), (50, "0.00"), (0, "0.00")])
def test_what_comes_back_of_a_deposit(percent, refund):
    """The policy keeps its share of the whole price, as far as it was paid: of 200 with 80 % back, 40 of the 50 stay."""
    departure = trip()
    departure.tour.cancellation_policy.tiers.update(refund_percent=percent)
    booking = BookingFactory(departure=departure)
    part(booking)
    booking = cancel_booking(booking_id=booking.pk, actor=ClerkFactory())
    assert booking.cancellation["refund"] == refund
    refund_booking(booking_id=booking.pk, amount=Decimal(refund), cause="cancellation")
    assert_sound()


def test_the_api_names_deposit_and_day(client):
    booking = booked()
    client.force_login(booking.customer)
    assert booking.deposit_due == 50
    confirmed = confirm_booking(booking_id=booking.pk, actor=ClerkFactory(), reason="regular guest")
    assert (confirmed.status, fresh(booking).deposit_due) == (BookingStatus.CONFIRMED, 50)
    pass_days(fresh(booking), 31)
    assert (fresh(booking).deposit_due, fresh(booking).amount_due) == (0, 200)  # too late for a part


# --- Admin ---


def test_the_list_of_overdue_balances(client):
    booking = booked()
    part(booking)
    pass_days(fresh(booking), 31)
    client.force_login(ClerkFactory(permissions=["bookings.view_booking"]))
    page = reverse("admin:bookings_booking_changelist")
    assert booking.reference in client.get(f"{page}?balance=overdue").content.decode()
    shown = client.get(reverse("admin:bookings_booking_change", args=[booking.pk])).content.decode()
    assert "Deposit: $50.00." in shown
    assert "was due on" in shown


def test_the_day_of_the_balance_moves_with_the_departure():
    booking = booked()
    part(booking)
    later = DepartureFactory(option=booking.trip.option, starts_at=booking.starts_at + timedelta(days=20))
    clerk = ClerkFactory(permissions=["bookings.change_booking"])
    moved = move_booking(booking_id=booking.pk, departure_id=later.pk, actor=clerk, keep_price=True)
    assert (moved.deposit_amount, moved.balance_due_at) == (50, booking.balance_due_at + timedelta(days=20))
    assert_sound()
    near = DepartureFactory(option=booking.trip.option, starts_at=now().replace(microsecond=0) + timedelta(days=10))
    moved = move_booking(booking_id=booking.pk, departure_id=near.pk, actor=clerk)
    assert (moved.deposit_amount, fresh(booking).amount_due) == (None, 150)
    assert timedelta(days=6.9) < moved.balance_due_at - now() < timedelta(days=7)  # a week, as a new day is near
    assert_sound()
