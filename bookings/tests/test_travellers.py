"""Who travels, said or changed after booking: by guests until the trip begins, by staff as long as it runs."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from bookings.access import booking_token
from bookings.models import Booking, BookingStatus
from bookings.tests.factories import BookingFactory, ClerkFactory, CustomerFactory, move_in_time
from tours.models import PriceCategory

pytestmark = pytest.mark.usefixtures("tenant")
MONA = {"category": "adult", "first_name": "Mona", "last_name": "Saleh", "age": 34}
ALI = {"category": "adult", "first_name": "Ali", "last_name": "Hassan", "nationality": "EG", "note": "No fish"}
SHOWN = {"age": None, "nationality": "", "note": ""}


def client_of(user=None):
    client = APIClient()
    if user:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
    return client


def put(client, booking, travellers, **more):
    address = f"/api/v1/bookings/{booking.pk}/travellers"
    token = more.pop("token", None)
    headers = {"X-Booking-Token": token} if token else {}
    return client.put(address, {"travellers": travellers, **more}, format="json", headers=headers)


def test_names_come_later_and_go_to_somebody_else():
    booking = BookingFactory(status=BookingStatus.CONFIRMED)
    client = client_of(booking.customer)
    one = put(client, booking, [MONA])
    assert (one.status_code, one.json()["travellers"]) == (200, [SHOWN | MONA])
    both = put(client, booking, [ALI, MONA])
    assert both.json()["travellers"] == [SHOWN | ALI, SHOWN | MONA]
    assert [line["action"] for line in both.json()["timeline"]].count("travellers_named") == 2
    assert put(client, booking, []).json()["travellers"] == []


def test_by_the_link_and_by_nobody_else():
    booking = BookingFactory()
    assert put(client_of(), booking, [MONA], token=booking_token(booking)).status_code == 200
    assert put(client_of(), booking, [MONA]).status_code == 404
    assert put(client_of(CustomerFactory()), booking, [MONA]).status_code == 404
    assert put(client_of(ClerkFactory(permissions=["bookings.view_booking"])), booking, [MONA]).status_code == 403


@pytest.mark.parametrize(
    ("travellers", "status", "code"),
    [
        ([MONA, MONA, MONA], 422, "travellers_mismatch"),
        ([MONA | {"category": "child"}], 422, "travellers_mismatch"),
        ([{"first_name": "Mona"}], 400, "validation_error"),
        ([MONA | {"age": 131}], 400, "validation_error"),
        ("Mona", 400, "validation_error"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(travellers, status, code):
    booking = BookingFactory(travellers=[MONA, ALI])
    answer = put(client_of(booking.customer), booking, travellers)
    assert answer.status_code == status
    assert answer.json()["error_code"] in (code, "invalid")
    assert booking.travellers.count() == 2


def test_once_the_trip_runs_only_staff_and_once_it_is_over_nobody():
    booking = BookingFactory(status=BookingStatus.CONFIRMED)
    move_in_time(booking, now() - timedelta(hours=1), now() + timedelta(hours=1))
    clerk = ClerkFactory(permissions=["bookings.change_booking", "bookings.view_booking"])
    refused = put(client_of(booking.customer), booking, [MONA])
    assert (refused.status_code, refused.json()["error_code"]) == (409, "travellers_fixed")
    assert put(client_of(clerk), booking, [MONA]).status_code == 200
    Booking.objects.filter(pk=booking.pk).update(status=BookingStatus.COMPLETED)
    assert put(client_of(clerk), booking, [ALI]).json()["error_code"] == "booking_ended"


# --- Admin ---


def rows(booking, **changes):
    """The page's form with two adults; `changes` are fields of the rows."""
    form = {
        f"{place}-{name}": "" for place in (0, 1) for name in ("first_name", "last_name", "age", "nationality", "note")
    }
    return form | {"0-category": "adult", "1-category": "adult"} | changes


def test_staff_fill_in_the_rows(client):
    client.force_login(ClerkFactory(permissions=["bookings.change_booking", "bookings.view_booking"]))
    booking = BookingFactory(travellers=[MONA, ALI])
    page = reverse("admin:bookings_booking_travellers_this", args=[booking.pk])
    shown = client.get(page).content.decode()
    assert all(text in shown for text in ("Mona", "Hassan", "No fish", "1 · Adult", "2 · Adult"))
    changed = rows(booking, **{"1-first_name": "Nour", "1-last_name": "Aziz", "1-age": "9", "1-nationality": "JO"})
    assert client.post(page, changed).status_code == 302
    (nour,) = booking.travellers.all()
    assert (nour.first_name, nour.age, nour.nationality, nour.position) == ("Nour", 9, "JO", 0)


def test_what_a_row_cannot_be_stands_at_the_row(client):
    client.force_login(ClerkFactory(permissions=["bookings.change_booking", "bookings.view_booking"]))
    booking = BookingFactory()
    PriceCategory.objects.filter(code="adult").update(min_age=12)
    Booking.objects.filter(pk=booking.pk).update(quote={**booking.quote, "guest_ages": {"adult": [12, None]}})
    page = reverse("admin:bookings_booking_travellers_this", args=[booking.pk])
    for changes, said in (
        ({"0-first_name": "Mona"}, "First and last name, or neither."),
        ({"0-first_name": "Mona", "0-last_name": "Saleh", "0-nationality": "Egypt"}, "Two capital letters, as EG."),
        ({"0-first_name": "Mona", "0-last_name": "Saleh", "0-age": "9"}, "Adult: from 12 years."),
    ):
        answer = client.post(page, rows(booking, **changes))
        assert (answer.status_code, said in answer.content.decode()) == (200, True)
        assert "age_reason" not in answer.content.decode()
    assert not booking.travellers.exists()


def test_another_age_is_taken_with_a_reason(client):
    client.force_login(
        ClerkFactory(permissions=["bookings.change_booking", "bookings.view_booking", "bookings.override_policy"])
    )
    booking = BookingFactory()
    Booking.objects.filter(pk=booking.pk).update(quote={**booking.quote, "guest_ages": {"adult": [12, None]}})
    page = reverse("admin:bookings_booking_travellers_this", args=[booking.pk])
    young = rows(booking, **{"1-first_name": "Nour", "1-last_name": "Aziz", "1-age": "9"})
    assert 'name="age_reason"' in client.post(page, young).content.decode()
    assert client.post(page, young | {"age_reason": "tall enough"}).status_code == 302
    assert booking.events.get(action="travellers_named").reason == "tall enough"


def test_what_has_ended_has_no_such_action(client):
    client.force_login(ClerkFactory(permissions=["bookings.change_booking", "bookings.view_booking"]))
    booking = BookingFactory(status=BookingStatus.CANCELLED)
    shown = client.get(reverse("admin:bookings_booking_change", args=[booking.pk])).content.decode()
    assert reverse("admin:bookings_booking_travellers_this", args=[booking.pk]) not in shown
