"""A destination company keeps places of a city tour for an agency: entered through the back-office, sold through the API.

Ten places a day at 80.00 USD. The agency *Sindbad* has four of them, released seven days before.

- The public sees 6 and pays 6 × 80 = 480.00; a seventh is refused.
- The agency then still takes three of its four: 3 × 80 = 240.00. When that booking ends, its places are the agency's again.
- Seven days before, what the agency did not use is on sale.
"""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate, now

from accounts.models import Role
from accounts.tests.factories import MembershipFactory, UserFactory
from bookings.models import Allotment, AllottedPlaces, Partner, PartnerUser
from bookings.services.allotments import release_allotments
from config.invariants import check_all
from ledger.seeds import seed_platform
from payments.tests.shapes import Office, Shop, category
from tours.models import Departure, OptionPrice, TourOption

pytestmark = pytest.mark.django_db

DAY = localdate() + timedelta(days=20)


def agent():
    user = UserFactory(password="!", first_name="Sindbad's clerk")
    MembershipFactory(user=user, role=Role.objects.get(code="AGENT"))
    return user


def test_the_agencys_places_are_the_agencys_until_they_are_released(tenant):
    seed_platform()
    office = Office()
    tour = office.tour(
        [{"name_en": "By bus", "name_ar": "بالحافلة", "code": "bus", "capacity": 10}],
        title_en="Old Cairo by bus",
        title_ar="القاهرة القديمة بالحافلة",
        currency="USD",
    )
    option = TourOption.objects.get(code="bus")
    office.change(option, rows={OptionPrice: [{"category": category("adult"), "amount": "80.00"}]})
    office.publish(tour)
    departure = office.add(Departure, {"option": option, "day": DAY.isoformat(), "at": "09:00"})
    clerk = agent()
    sindbad = office.add(
        Partner,
        {"name_en": "Sindbad", "name_ar": "سندباد", "code": "sindbad", "currency": "USD"},
    )
    office.change(sindbad, rows={PartnerUser: [{"user": clerk}]})
    office.add(
        Allotment,
        {
            "partner": sindbad,
            "option": option,
            "places": 4,
            "release_days": 7,
            "first_day": localdate().isoformat(),
            "last_day": (DAY + timedelta(days=30)).isoformat(),
            "weekdays": ["1", "2", "3", "4", "5", "6", "7"],
        },
    )
    public, agency = Shop(), Shop(clerk)

    def left():
        found = public.get(f"tours/{tour.pk}/availability", date_from=DAY.isoformat(), date_to=DAY.isoformat())
        return found["items"][0]["available"]

    assert left() == 6
    assert public.hold(departure, {"adult": 7}, expect=409)["details"]["left"] == 6
    public.book(departure, {"adult": 6}, total="480.00")
    assert left() == 0
    booking = agency.book(departure, {"adult": 3}, total="240.00")
    mine = agency.get("allotments")["items"]
    assert [(row["places"], row["used"], row["left"]) for row in mine] == [(4, 3, 1)]
    assert agency.hold(departure, {"adult": 2}, expect=409)["details"]["left"] == 1
    agency.client.put(f"/api/v1/bookings/{booking.pk}/cancel", {}, format="json")
    assert (left(), AllottedPlaces.objects.get().used) == (0, 0)
    agency.book(departure, {"adult": 1}, total="80.00")
    Departure.objects.update(starts_at=now() + timedelta(days=7), ends_at=now() + timedelta(days=7, hours=1))
    assert (release_allotments(), release_allotments()) == (1, 0)
    assert Departure.objects.get(pk=departure.pk).seats_left == 3
    found = {name: faults for name, faults in check_all().faults.items() if faults and name.startswith("bookings:")}
    assert found == {}
    page = office.client.get("/admin/allotments/", {"first": DAY.isoformat()})
    assert "Sindbad" in page.content.decode()
