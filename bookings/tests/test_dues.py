"""Whoever owes money has a day for it: reminded, seen, flagged. 2 adults at 100 each."""

from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import psycopg
import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.timezone import now

from bookings import wording
from bookings.models import Booking, BookingStatus
from bookings.services import (
    change_pickup,
    confirm_booking,
    move_booking,
    progress_bookings,
    record_payment,
    remind_of_balances,
)
from bookings.tests.asking import client_of
from bookings.tests.factories import BookingFactory, ClerkFactory, CustomerFactory, move_in_time
from config.invariants import check_all
from config.tenancy import tenant_context
from config.testing.server import url_of_test_database
from notifications.models import Event
from tours.models import DepositRule, PickupPlace, PickupPrice, PickupRule, PickupZone
from tours.tests.factories import DepartureFactory, OptionFactory

pytestmark = pytest.mark.usefixtures("tenant")
DAY = timedelta(days=1)


def in_days(days, **departure):
    return DepartureFactory(starts_at=now().replace(microsecond=0) + days * DAY, **departure)


def dearer(departure, days, price="130"):
    """Another option of the tour, so many days from now."""
    return in_days(days, option=OptionFactory(tour=departure.tour, code=f"for-{price}-{days}", prices={"adult": price}))


def clerk():
    return ClerkFactory(permissions=["bookings.change_booking", "bookings.view_booking"])


def fresh(booking):
    return Booking.objects.get(pk=booking.pk)


def faults():
    return [fault for name, found in check_all("bookings:").faults.items() for fault in found]


@pytest.mark.parametrize(("days", "due_in", "reminded_in"), [(30, 7, 5), (5, 4, 2), (2, 1, 1), (0.5, 0, 0)])
def test_a_dearer_departure_is_due_within_a_week_and_before_the_trip(days, due_in, reminded_in):
    booking = BookingFactory(departure=in_days(40), status=BookingStatus.CONFIRMED)
    moved = move_booking(booking_id=booking.pk, departure_id=dearer(booking.trip, days).pk, actor=clerk())
    assert (moved.amount_due, moved.payment_status, moved.balance_cancel_at) == (60, "PARTIALLY_PAID", None)
    assert abs(moved.balance_due_at - now() - due_in * DAY) < timedelta(minutes=1)
    assert abs(moved.balance_remind_at - now() - reminded_in * DAY) < timedelta(minutes=1)
    assert Booking.objects.balance_open().get() == booking
    assert faults() == []


def test_a_customer_who_moves_to_a_dearer_day_is_reminded_twice_and_seen(client):
    customer = CustomerFactory()
    booking = BookingFactory(departure=in_days(40), status=BookingStatus.CONFIRMED, actor=customer)
    move_booking(booking_id=booking.pk, departure_id=dearer(booking.trip, 30).pk, actor=customer)
    assert remind_of_balances() == 0
    for days in (5.5, 2):  # the reminder, then its day
        left = fresh(booking)
        Booking.objects.filter(pk=booking.pk).update(
            balance_due_at=left.balance_due_at - days * DAY, balance_remind_at=left.balance_remind_at - days * DAY
        )
        assert (remind_of_balances(), remind_of_balances()) == (1, 0)
    kinds = Event.objects.filter(type__startswith="booking.balance").order_by("occurred_at")
    assert [fact.type for fact in kinds] == ["booking.balance_reminder", "booking.balance_overdue"]
    client.force_login(clerk())
    page = reverse("admin:bookings_booking_changelist")
    assert booking.reference in client.get(f"{page}?balance=overdue").content.decode()
    for balance, number in (("open", 1), ("overdue", 1)):
        assert client_of(clerk()).get(f"/api/v1/admin/bookings?balance={balance}").json()["total"] == number
    assert client_of(clerk()).get("/api/v1/admin/bookings?balance=all").status_code == 400
    shown = client.get(reverse("admin:bookings_booking_change", args=[booking.pk])).content.decode()
    assert "The rest, $60.00, was due on" in shown


def test_who_paid_in_full_and_moves_dearer_keeps_the_new_days_balance():
    """The new price has a deposit again: 260, of which 200 are paid, the rest 30 days before."""
    departure = in_days(60)
    DepositRule.objects.create(tour=departure.tour, amount=Decimal(25))
    booking = BookingFactory(departure=departure, status=BookingStatus.CONFIRMED)
    far = dearer(departure, 70)
    moved = move_booking(booking_id=booking.pk, departure_id=far.pk, actor=clerk())
    assert (moved.amount_due, moved.deposit_amount, moved.balance_due_at) == (60, 65, far.starts_at - 30 * DAY)
    assert faults() == []


def test_a_part_moved_into_the_time_of_the_balance_has_a_new_day():
    departure = in_days(60)
    DepositRule.objects.create(tour=departure.tour, amount=Decimal(25), overdue="CANCEL")
    booking = BookingFactory(departure=departure)
    record_payment(booking_id=booking.pk, paid=Decimal(50), refunded=Decimal(0))
    moved = move_booking(booking_id=booking.pk, departure_id=dearer(departure, 20).pk, actor=clerk())
    assert (moved.deposit_amount, moved.amount_due, moved.balance_cancel_at) == (None, 210, None)
    assert abs(moved.balance_due_at - now() - 7 * DAY) < timedelta(minutes=1)
    assert faults() == []


def test_a_dearer_pickup_of_a_paid_booking_has_its_day():
    departure = in_days(20)
    PickupRule.objects.create(tour=departure.tour)
    zone = PickupZone.objects.create(code="makadi", name_en="Makadi Bay", name_ar="خليج مكادي")
    PickupPrice.objects.create(tour=departure.tour, zone=zone, amount=10)
    hotel = PickupPlace.objects.create(zone=zone, name_en="Steigenberger", name_ar="شتيجنبرجر")
    booking = BookingFactory(departure=departure, status=BookingStatus.CONFIRMED)
    changed = change_pickup(booking_id=booking.pk, pickup={"place_id": hotel.pk}, actor=clerk())
    assert changed.amount_due == 20
    assert abs(changed.balance_due_at - now() - 7 * DAY) < timedelta(minutes=1)
    assert faults() == []


def test_the_agreed_day_that_is_over_is_not_that_of_a_later_difference():
    """Paid in full, then the day of the balance passed; a dearer pickup does not end the booking at once."""
    departure = in_days(60)
    DepositRule.objects.create(tour=departure.tour, amount=Decimal(25), overdue="CANCEL")
    PickupRule.objects.create(tour=departure.tour)
    zone = PickupZone.objects.create(code="makadi", name_en="Makadi Bay", name_ar="خليج مكادي")
    PickupPrice.objects.create(tour=departure.tour, zone=zone, amount=10)
    hotel = PickupPlace.objects.create(zone=zone, name_en="Steigenberger", name_ar="شتيجنبرجر")
    booking = BookingFactory(departure=departure, status=BookingStatus.CONFIRMED)
    over = {
        **booking.quote["deposit"],
        "balance_due_at": (now() - DAY).isoformat(),
        "cancel_at": (now() - DAY).isoformat(),
    }
    quote = {**booking.quote, "deposit": over}
    Booking.objects.filter(pk=booking.pk).update(quote=quote, balance_due_at=now() - DAY, balance_cancel_at=now() - DAY)
    changed = change_pickup(booking_id=booking.pk, pickup={"place_id": hotel.pk}, actor=clerk())
    assert (changed.amount_due, changed.deposit_amount, changed.balance_cancel_at) == (20, 50, None)
    assert changed.balance_due_at > now() + 6 * DAY


def test_confirmed_unpaid_is_due_on_the_day_and_stays_so_when_it_moves():
    booking = BookingFactory(departure=in_days(20))
    confirmed = confirm_booking(booking_id=booking.pk, actor=clerk(), reason="pays on the boat")
    assert (confirmed.balance_due_at, confirmed.balance_remind_at) == (booking.starts_at, None)
    later = in_days(25, option=booking.trip.option)
    moved = move_booking(booking_id=booking.pk, departure_id=later.pk, actor=clerk())
    assert (moved.balance_due_at, moved.balance_remind_at, remind_of_balances()) == (later.starts_at, None, 0)
    assert wording.balance_in_words(moved).startswith("$200.00 is due by ")
    record_payment(booking_id=booking.pk, paid=Decimal(50), refunded=Decimal(0))
    assert wording.balance_in_words(fresh(booking)).startswith("The rest, $150.00, is due by ")
    assert faults() == []


def test_what_is_owed_stays_in_sight_when_the_trip_begins():
    booking = BookingFactory(departure=in_days(20))
    confirm_booking(booking_id=booking.pk, actor=clerk(), reason="pays on the boat")
    assert list(Booking.objects.balance_overdue()) == []
    for hours in (1, -1):  # it runs, then it is over
        start = now() - timedelta(hours=3)
        move_in_time(booking, start, now() + timedelta(hours=hours))
        Booking.objects.filter(pk=booking.pk).update(balance_due_at=start)
        progress_bookings()
        assert list(Booking.objects.balance_overdue()) == [booking]
    assert fresh(booking).status == BookingStatus.COMPLETED
    record_payment(booking_id=booking.pk, paid=Decimal(200), refunded=Decimal(0))
    assert list(Booking.objects.balance_open()) == []


@pytest.mark.django_db(transaction=True)
def test_debts_of_before_get_the_day_of_the_trip(other_tenant):
    """What the migration does, as the owner without any tenant: for all operators, and only where something is owed."""
    owing, done = BookingFactory(), BookingFactory(status=BookingStatus.CONFIRMED)
    museum = BookingFactory(departure=in_days(3, any_time=True))
    confirm_booking(booking_id=museum.pk, actor=None, reason="pays at the door")
    with tenant_context(other_tenant.pk):
        there = BookingFactory()
        confirm_booking(booking_id=there.pk, actor=None, reason="pays on the boat")
        Booking.objects.update(balance_due_at=None)
    confirm_booking(booking_id=owing.pk, actor=None, reason="pays on the boat")
    Booking.objects.update(balance_due_at=None)
    migration = import_module("bookings.migrations.0063_what_is_owed_has_its_day")
    with psycopg.connect(url_of_test_database(settings.DATABASE_OWNER_URL)) as owner:
        owner.execute(migration.DAYS_FOR_DEBTS)
        # What the migration does next, in the same transaction: no trigger of the rows may still be waiting.
        owner.execute("DROP INDEX booking_balance_due")
        owner.execute("CREATE INDEX booking_balance_due ON bookings_booking (tenant_id, balance_due_at)")
        dated = owner.execute(
            "SELECT id, balance_due_at FROM bookings_booking WHERE balance_due_at IS NOT NULL"
        ).fetchall()
        owner.rollback()
    assert dict(dated) == {owing.pk: owing.starts_at, there.pk: there.starts_at, museum.pk: museum.ends_at}
    assert done.pk not in dict(dated)


def test_a_debt_without_a_day_is_found():
    booking = BookingFactory(departure=in_days(20))
    confirm_booking(booking_id=booking.pk, actor=clerk(), reason="pays on the boat")
    Booking.objects.filter(pk=booking.pk).update(balance_due_at=None)
    assert faults() == [f"{booking.reference}: 200 to pay, and no day for it"]


def test_who_came_after_all_owes_by_a_day_too():
    """A no-show of before debts had days: its debt is none until the guests turn out to have been there."""
    booking = BookingFactory(status=BookingStatus.NO_SHOW, paid=Decimal(50))
    Booking.objects.filter(pk=booking.pk).update(balance_due_at=None)
    assert faults() == []
    back = confirm_booking(booking_id=booking.pk, actor=clerk(), reason="they were on the other boat")
    assert (back.amount_due, back.balance_due_at) == (150, booking.starts_at)
    assert faults() == []
