from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import now

from bookings.models import Booking
from bookings.tests.factories import BookingFactory, ClerkFactory
from ledger.tests.factories import CurrencyFactory, ExchangeRateFactory
from payments.models import Payment, PaymentStatus
from payments.tests.steps import begun, paid
from tours.models import Departure
from tours.tests.factories import DepartureFactory, OptionFactory, TourFactory

pytestmark = pytest.mark.usefixtures("tenant")

ALL = ["payments.view_payment", "bookings.view_booking", "tours.view_departure"]


def charts(client):
    """The charts of the first page, by title: value, before, change."""
    panels = client.get(reverse("admin:index")).context["panels"]
    return {str(one.title): one for panel in panels for one in panel.charts}


def days_ago(payment, days):
    Payment.objects.filter(pk=payment.pk).update(paid_at=now() - timedelta(days=days))
    return payment


def in_currency(code, amount):
    """A payment in another currency, as its gateway took it."""
    departure = DepartureFactory(
        option=OptionFactory(tour=TourFactory(currency=CurrencyFactory(code=code)), prices={"adult": amount})
    )
    payment = begun(BookingFactory(departure=departure))
    Payment.objects.filter(pk=payment.pk).update(status=PaymentStatus.PAID, paid_at=now())


def test_revenue_is_compared_with_the_thirty_days_before_and_converted_at_todays_rates(client):
    client.force_login(ClerkFactory(permissions=ALL))
    days_ago(paid(), 3)
    days_ago(paid(), 29)
    days_ago(paid(), 31)
    days_ago(paid(), 61)  # out of both
    ExchangeRateFactory(base=CurrencyFactory(code="EUR"), quote=CurrencyFactory(code="USD"), rate=Decimal("1.10"))
    in_currency("EUR", "50")
    in_currency("JPY", "5000")
    revenue = charts(client)["Money in, last 30 days"]
    assert (revenue.value, revenue.before, revenue.change) == ("$510.00", "$200.00", 155)
    assert "converted to USD at today" in revenue.note
    assert revenue.note.endswith("not counted: JPY.")
    text = client.get(reverse("admin:index")).content.decode()
    assert "€100.00" in text
    assert "¥10,000" in text


def test_bookings_arrivals_and_occupancy_are_counted_by_day(client):
    client.force_login(ClerkFactory(permissions=ALL))
    today = now().date()
    for days, guests in ((1, 3), (2, 2), (40, 1)):
        booking = BookingFactory(status="CONFIRMED", guests={"adult": guests})
        Booking.objects.filter(pk=booking.pk).update(confirmed_at=now() - timedelta(days=days))
        Departure.objects.filter(items__booking=booking).update(local_date=today - timedelta(days=days))
    shown = charts(client)
    assert [(one.value, one.before, one.change) for one in list(shown.values())[1:]] == [
        ("2", "1", 100),
        ("5", "1", 400),
        ("25 %", "10 %", 150),
    ]
    assert [bar.share for bar in shown["Guests arrived"].bars if bar.share] == [66.7, 100.0]
    assert sum(bar.before > 0 for bar in shown["Guests arrived"].bars) == 1


def test_without_anything_the_charts_are_empty_and_not_broken(client):
    client.force_login(ClerkFactory(permissions=ALL))
    assert {one.change for one in charts(client).values()} == {None}


def test_the_first_page_costs_the_same_however_much_there_is(client, django_assert_num_queries):
    client.force_login(ClerkFactory(permissions=ALL))
    client.get(reverse("admin:index"))
    for _more in range(2):
        with django_assert_num_queries(13):
            client.get(reverse("admin:index"))
        for code in ("EUR", "GBP", "SAR"):
            in_currency(code, "50")
        paid()


def test_each_sees_what_the_role_allows(client):
    client.force_login(ClerkFactory(permissions=["bookings.view_booking"]))
    assert "Money in, last 30 days" not in charts(client)
    assert "Bookings confirmed" in charts(client)


def test_the_first_page_is_arabic_for_who_reads_it(client):
    client.force_login(ClerkFactory(permissions=ALL))
    client.cookies["rihla_language"] = "ar"
    text = client.get(reverse("admin:index")).content.decode()
    assert 'dir="rtl"' in text
    assert "Bookings confirmed" not in text
