"""A traveller's age on the day of the trip is one of the price category's; staff may take others, with a reason."""

import pytest
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from bookings.errors import AgeOutsideCategory, AgesNotAllowed, ReasonRequired
from bookings.models import Booking, Traveller
from bookings.services import name_travellers
from bookings.tests.factories import CONTACT, BookingFactory, ClerkFactory, CustomerFactory, HoldFactory
from tours.models import PriceCategory
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def departure(tenant):
    """Adults from 12, children from 3 to 11."""
    departure = DepartureFactory()
    PriceCategory.objects.filter(code="adult").update(min_age=12)
    PriceCategory.objects.filter(code="child").update(min_age=3, max_age=11)
    return departure


def people(adult=None, child=None):
    return [
        {"category": "adult", "first_name": "Mona", "last_name": "Saleh", "age": adult},
        {"category": "child", "first_name": "Nour", "last_name": "Saleh", "age": child},
    ]


def party(departure, travellers, **more):
    return BookingFactory(departure=departure, guests={"adult": 1, "child": 1}, travellers=travellers, **more)


def client_of(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
    return client


@pytest.mark.parametrize(("adult", "child"), [(12, 3), (80, 11), (None, None), (30, None)])
def test_who_fits_is_booked(departure, adult, child):
    booking = party(departure, people(adult, child))
    assert list(booking.travellers.values_list("age", flat=True)) == [adult, child]
    assert booking.quote["guest_ages"] == {"adult": [12, None], "child": [3, 11]}


@pytest.mark.parametrize(
    ("adult", "child", "faults"),
    [
        (11, 5, [{"age": ["Adult: from 12 years."]}, {}]),
        (30, 12, [{}, {"age": ["Child: from 3 to 11 years."]}]),
        (30, 2, [{}, {"age": ["Child: from 3 to 11 years."]}]),
    ],
)
def test_who_does_not_fit_is_named(departure, adult, child, faults):
    with pytest.raises(AgeOutsideCategory) as refused:
        party(departure, people(adult, child))
    assert refused.value.details == {"travellers": faults}
    assert not Booking.objects.exists()


@pytest.mark.parametrize("swift", [True, False])
def test_the_api_names_the_traveller_and_the_field(departure, swift):
    customer = CustomerFactory()
    client = client_of(customer)
    hold = HoldFactory(departure=departure, guests={"adult": 1, "child": 1}, actor=customer)
    body = {"hold_id": str(hold.pk), "contact": CONTACT, "travellers": people(30, 14)}
    answer = client.post("/api/v1/bookings", body | ({} if swift else {"referral_code": ""}), format="json")
    assert (answer.status_code, answer.json()["error_code"]) == (422, "age_outside_category")
    assert answer.json()["details"] == {"travellers": [{}, {"age": ["Child: from 3 to 11 years."]}]}
    answer = client.post(
        "/api/v1/bookings", body | {"travellers": people(30, 14), "age_reason": "please"}, format="json"
    )
    assert answer.status_code == 403
    assert client.post("/api/v1/bookings", body | {"travellers": people(30, 11)}, format="json").status_code == 201


def test_staff_take_them_with_a_reason_that_stays_in_the_history(departure):
    clerk = ClerkFactory(permissions=["bookings.add_booking", "bookings.view_booking", "bookings.override_policy"])
    body = {
        "departure_id": str(departure.pk),
        "guests": {"adult": 1, "child": 1},
        "contact": CONTACT,
        "travellers": people(30, 12),
        "age_reason": "Her birthday was yesterday",
    }
    answer = client_of(clerk).post("/api/v1/bookings", body, format="json")
    assert answer.status_code == 201
    assert answer.json()["timeline"][0]["reason"] == "Her birthday was yesterday"


def test_naming_them_later_is_held_to_the_same(departure):
    booking = party(departure, ())
    clerk = ClerkFactory(permissions=["bookings.change_booking"])
    chief = ClerkFactory(permissions=["bookings.override_policy"])
    for actor, reason, refusal in (
        (clerk, "", AgeOutsideCategory),
        (clerk, "her birthday", AgesNotAllowed),
        (chief, " ", ReasonRequired),
    ):
        with pytest.raises(refusal):
            name_travellers(booking_id=booking.pk, travellers=people(30, 12), actor=actor, age_reason=reason)
    assert not Traveller.objects.exists()
    name_travellers(booking_id=booking.pk, travellers=people(30, 12), actor=chief, age_reason="her birthday")
    assert booking.events.get(action="travellers_named").reason == "her birthday"
    assert Traveller.objects.count() == 2
