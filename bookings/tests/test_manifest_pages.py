"""Manifests in the back-office, for print and for spreadsheets: what they say, and what they keep to themselves."""

from decimal import Decimal

import pytest

from bookings import services
from bookings.tests.factories import TRAVELLERS
from bookings.tests.test_day_pages import GUIDE, S, booked, leaving, sign_in, table, text_of, today_of, url
from tours.tests.factories import ExtraFactory

pytestmark = pytest.mark.usefixtures("tenant")


def test_the_manifest_says_who_travels_and_what_they_need(client):
    guide = sign_in(client, *GUIDE, first_name="Mona", last_name="Saleh")
    departure = leaving()
    ExtraFactory(tour=departure.tour, code="snorkel", name_en="Snorkel set", basis="PER_UNIT", amount=10)
    one = booked(
        departure,
        travellers=[TRAVELLERS[0], TRAVELLERS[1] | {"age": 41}],
        extras=[{"code": "snorkel", "quantity": 2}],
        contact={"name": "كريم حسن", "email": "k@example.com", "phone": "+201001234567"},
        details={
            "dietary_needs": "no nuts",
            "pickup": "Hotel Nile, 8:10",
            "special_requests": "a window",
            "emergency_name": "Hoda Saleh",
            "emergency_phone": "+201007654321",
        },
        language="ar",
    )
    booked(departure, paid=Decimal(20), guests={"adult": 1, "child": 2})
    booked(departure, status=S.PENDING_PAYMENT)
    gone = booked(departure, status=S.CANCELLED, contact={"name": "Gone Away", "email": "g@example.com"})
    services.check_in(booking_id=one.pk, guests=1, actor=guide)
    text = text_of(client.get(url("manifest", departure.pk)))
    for shown in (
        "كريم حسن",
        "+201001234567",
        "no nuts",
        "Hotel Nile, 8:10",
        "a window",
        "2 × Adult",
        "Karim Saleh (41)",
        "1 / 2",
        "2 × Snorkel set",
        "Hoda Saleh +201007654321",
    ):
        assert shown in text
        assert shown in text_of(client.get(url("manifest_print", departure.pk))) or shown == "1 / 2"
    for shown in ("Waiting for payment", "$180.00", "Mona Saleh", "Arabic"):
        assert shown in text
    assert gone.contact_name not in text
    rows = table(client.get(url("manifest_csv", departure.pk)))
    assert [row["Status"] for row in rows] == ["Confirmed", "In progress", "Waiting for payment"]
    karim = next(row for row in rows if row["Contact"] == "كريم حسن")
    assert (karim["Guests"], karim["Came"], karim["Travellers"]) == ("2", "1", "Mona Saleh; Karim Saleh (41)")
    assert (karim["Extras"], karim["Emergency contact"]) == ("2 × Snorkel set", "Hoda Saleh +201007654321")
    assert karim["Phone"] == "'+201001234567"


def test_spreadsheets_compute_nothing_that_guests_wrote(client):
    sign_in(client, *GUIDE)
    departure = leaving()
    booked(
        departure,
        contact={"name": '=HYPERLINK("http://evil.example","x")', "email": "e@example.com"},
        details={
            "dietary_needs": "+1+1",
            "pickup": "-2",
            "special_requests": "@SUM(A1)",
            "accessibility_needs": "\t=1",
        },
    )
    [row] = table(client.get(url("manifest_csv", departure.pk)))
    assert row["Contact"] == '\'=HYPERLINK("http://evil.example","x")'
    assert (row["Dietary needs"], row["Pickup"], row["Special requests"]) == ("'+1+1", "'-2", "'@SUM(A1)")
    assert row["Accessibility"].startswith("'")
    page, query = today_of(departure)
    [day] = table(client.get(url("today_csv"), query))
    assert (day["Guests"], day["Paid"]) == ("2", "$200.00")
    assert f'"{row["Contact"]}"' not in text_of(client.get(page, query))


def test_guests_cannot_put_markup_on_the_pages(client):
    sign_in(client, *GUIDE)
    departure = leaving()
    booked(departure, contact={"name": "<script>alert(1)</script>", "email": "e@example.com"})
    for page in ("manifest", "manifest_print", "check_in"):
        assert "<script>alert" not in text_of(client.get(url(page, departure.pk)))


def test_pages_with_names_stay_in_no_cache(client):
    sign_in(client, *GUIDE)
    departure = leaving()
    for page in ("manifest", "manifest_csv", "manifest_print", "check_in"):
        assert "no-store" in client.get(url(page, departure.pk))["Cache-Control"]
