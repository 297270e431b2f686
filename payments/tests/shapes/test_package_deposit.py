"""A package of seven days at 900 a person: 30 % down, the rest thirty days before, cancelled five days after that."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from bookings.models import Booking, BookingStatus
from ledger.seeds import seed_platform
from payments.models import Payment
from payments.services import apply_remote_state
from payments.tests.shapes import Office, Shop, category
from payments.tests.steps import assert_sound, said
from tours.models import DepositRule, OptionPrice
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant", "sandbox")


@pytest.fixture
def package():
    seed_platform()
    office = Office()
    tour = office.tour(
        [{"name_en": "Half board", "name_ar": "نصف إقامة", "code": "half-board", "capacity": 16}],
        title_en="Nile in seven days",
        title_ar="النيل في سبعة أيام",
        kind="PACKAGE",
        nights=6,
        duration_minutes=7 * 24 * 60,
        currency="USD",
    )
    option = tour.options.get()
    office.change(option, rows={OptionPrice: [{"category": category("adult"), "amount": "900"}]})
    rule = {"basis": "PERCENT", "amount": "30", "balance_days": 30, "overdue": "CANCEL", "grace_days": 5}
    office.change(tour, rows={DepositRule: [rule]})
    office.publish(tour)
    return option


def departure(option, days):
    return DepartureFactory(option=option, starts_at=now().replace(microsecond=0) + timedelta(days=days))


def paid(shop, booking, **how):
    """Begun over the API, taken at the gateway."""
    begun = shop.post("payments", {"booking_id": str(booking.pk), "gateway": "sandbox", **how}, 201)
    payment = Payment.objects.get(pk=begun["id"])
    apply_remote_state(payment.pk, said(payment, "PAID", captured_reference=f"sbc_{payment.pk.hex}"))
    return Decimal(begun["amount"])


def test_sold_with_a_deposit(package):
    """Two adults: 1,800; 30 % is 540, the rest 1,260."""
    shop, start = Shop(), departure(package, 90)
    quote = shop.quote(start, {"adult": 2})
    assert (quote["deposit"]["amount"], quote["deposit"]["balance"]) == ("540.00", "1260.00")
    booking = shop.book(start, {"adult": 2}, "1800.00")
    assert paid(shop, booking, deposit=True) == 540
    shown = shop.get(f"bookings/{booking.pk}")
    assert (shown["status"], shown["payment_status"]) == ("CONFIRMED", "PARTIALLY_PAID")
    assert (shown["amount_due"], shown["deposit_due"]) == ("1260.00", "0.00")
    assert shown["balance_due_at"].startswith((start.starts_at - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M"))
    body = {"booking_id": str(booking.pk), "gateway": "sandbox", "deposit": True}
    assert shop.post("payments", body, 422)["error_code"] == "no_deposit"
    assert paid(shop, booking) == 1260
    booking = Booking.objects.get(pk=booking.pk)
    assert (booking.status, booking.payment_status, booking.amount_due) == (BookingStatus.CONFIRMED, "PAID", 0)
    assert_sound()


def test_nearer_than_the_balance_all_is_paid(package):
    shop, start = Shop(), departure(package, 20)
    assert shop.quote(start, {"adult": 1})["deposit"] is None
    booking = shop.book(start, {"adult": 1}, "900.00")
    assert paid(shop, booking) == 900
    assert_sound()
