"""Choices of guests by staff's programs: listed, answered for who calls, taken back."""

from datetime import timedelta

import pytest

from bookings.models import BookingStatus, ChoiceOffer
from bookings.tests.asking import client_of, seats_of
from bookings.tests.factories import BookingFactory, ClerkFactory
from bookings.tests.test_offers import offer_to
from config.tenancy import tenant_context
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")

CHOICES = "/api/v1/admin/choices"


@pytest.fixture
def clerk():
    return client_of(ClerkFactory(permissions=["bookings.view_choiceoffer", "bookings.change_choiceoffer"]))


@pytest.fixture
def departure():
    return DepartureFactory()


@pytest.fixture
def next_day(departure):
    return DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=1))


@pytest.fixture
def offer(departure, next_day):
    BookingFactory(departure=departure, status=BookingStatus.CONFIRMED)
    (made,) = offer_to(departure)
    return made


def test_choices_are_listed_with_what_was_offered(clerk, offer, departure, next_day, django_assert_num_queries):
    later = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=9))
    for _booking in range(3):
        BookingFactory(departure=later, status=BookingStatus.CONFIRMED)
    offer_to(later)
    clerk.get(CHOICES)
    with django_assert_num_queries(3):
        assert clerk.get(CHOICES).json()["total"] == 4
    (row,) = clerk.get(CHOICES, {"departure": str(departure.pk)}).json()["items"]
    assert (row["id"], row["status"], row["departure_id"]) == (str(offer.pk), "OPEN", str(departure.pk))
    assert str(next_day.pk) in row["offered"]
    assert clerk.get(CHOICES, {"status": "MOVED"}).json()["total"] == 0
    assert clerk.get(CHOICES, {"booking": str(offer.booking_id)}).json()["total"] == 1
    assert clerk.get(CHOICES, {"status": "PERHAPS"}).status_code == 400


def test_who_calls_is_answered_for_at_once(clerk, offer, departure, next_day):
    address = f"{CHOICES}/{offer.pk}/answer"
    assert clerk.post(address, {"answer": "move"}, format="json").status_code == 422
    moved = clerk.post(address, {"answer": "move", "departure_id": str(next_day.pk)}, format="json")
    assert moved.status_code == 200, moved.content
    assert (moved.json()["status"], moved.json()["answered_by"]) == ("MOVED", "STAFF")
    assert moved.json()["chosen_id"] == str(next_day.pk)
    assert (seats_of(departure), seats_of(next_day)) == ((0, 0), (0, 2))
    again = clerk.post(address, {"answer": "move", "departure_id": str(next_day.pk)}, format="json")
    assert again.status_code == 200
    other = clerk.post(address, {"answer": "keep"}, format="json")
    assert (other.status_code, other.json()["error_code"]) == (409, "choice_answered")


def test_a_choice_is_taken_back_with_a_reason(clerk, offer, departure):
    address = f"{CHOICES}/{offer.pk}/withdraw"
    assert clerk.post(address, {}, format="json").status_code == 400
    assert clerk.post(address, {"reason": "The Nile is open again"}, format="json").json()["status"] == "WITHDRAWN"
    assert clerk.post(address, {"reason": "Twice"}, format="json").status_code == 200
    assert seats_of(departure) == (0, 2)
    offer.booking.refresh_from_db()
    assert offer.booking.status == BookingStatus.CONFIRMED


@pytest.mark.parametrize("wrong", [{}, {"answer": "perhaps"}, {"answer": "move", "departure_id": "x"}])
def test_what_makes_no_sense_is_refused(clerk, offer, wrong):
    assert clerk.post(f"{CHOICES}/{offer.pk}/answer", wrong, format="json").status_code == 400
    assert ChoiceOffer.objects.get().status == "OPEN"


def test_who_may(offer, clerk, other_tenant):
    looks = client_of(ClerkFactory(permissions=["bookings.view_choiceoffer"]))
    assert looks.get(CHOICES).status_code == 200
    for verb, asked in (("answer", {"answer": "keep"}), ("withdraw", {"reason": "x"})):
        address = f"{CHOICES}/{offer.pk}/{verb}"
        assert client_of().post(address, asked, format="json").status_code == 401
        assert looks.post(address, asked, format="json").status_code == 403
    assert client_of(ClerkFactory(permissions=["bookings.view_booking"])).get(CHOICES).status_code == 403
    with tenant_context(other_tenant.pk):
        there = DepartureFactory()
        BookingFactory(departure=there, status=BookingStatus.CONFIRMED)
        (theirs,) = offer_to(there)
    assert clerk.get(CHOICES).json()["total"] == 1
    assert clerk.post(f"{CHOICES}/{theirs.pk}/answer", {"answer": "keep"}, format="json").status_code == 404
    assert ChoiceOffer.objects.get().status == "OPEN"
