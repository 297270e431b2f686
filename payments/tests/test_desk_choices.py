"""Extras, pickup and deposit on the screen of a phone booking: 2 adults at 100, a set for 10, Makadi Bay for 10 a person."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import localdate, now
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from accounts.models import Membership, PriceGroup
from accounts.tests.factories import TenantFactory
from bookings.models import Allotment, Booking, BookingStatus, Hold, NetRate
from bookings.services.allotments import arrange_allotments
from bookings.tests.factories import CONTACT, PartnerUserFactory
from config.tenancy import tenant_context
from payments.models import Payment
from payments.tests.desk_steps import ALL, clerk_at, customer, fields, only_booking, party, press, seats
from payments.tests.steps import assert_sound
from tours.models import (
    DepositRule,
    ExtraStock,
    PickupPlace,
    PickupPrice,
    PickupRule,
    PickupZone,
    PriceCategory,
    PriceRule,
    TransferPrice,
)
from tours.tests.factories import DepartureFactory, ExtraFactory, PriceCategoryFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def departure(tenant):
    departure = DepartureFactory(starts_at=now().replace(microsecond=0) + timedelta(days=60))
    ExtraFactory(tour=departure.tour, code="snorkel", name_en="Snorkel set", basis="PER_UNIT", amount=10, stock=3)
    ExtraFactory(tour=departure.tour, code="fee", name_en="Park fee", amount=5, is_required=True)
    DepositRule.objects.create(tour=departure.tour, amount=Decimal(25))
    return departure


def makadi(departure, **rule):
    PickupRule.objects.create(tour=departure.tour, **rule)
    zone = PickupZone.objects.create(code="makadi", name_en="Makadi Bay", name_ar="خليج مكادي")
    PickupPrice.objects.create(tour=departure.tour, zone=zone, amount=10)
    return PickupPlace.objects.create(zone=zone, name_en="Steigenberger", name_ar="شتيجنبرجر")


def test_chosen_held_and_paid_by_deposit(client, departure):
    """200 + 2 sets 20 + fee 10 + pickup 20 are 250; a quarter is 62.50."""
    clerk_at(client)
    hotel = makadi(departure)
    form = party(departure, **{"extra-snorkel": "2", "ride_from": f"place:{hotel.pk}"})
    shown = press(client, "look", form)
    page = shown.content.decode()
    assert "$250.00" in page
    assert "$62.50" in page
    assert "3 left" in page
    assert 'name="extra-fee"' not in page  # it adds itself
    held = press(client, "hold", fields(shown) | {"ride_from": f"place:{hotel.pk}"})
    assert ExtraStock.objects.get().taken == 2
    form = fields(held) | {"ride_from": f"place:{hotel.pk}", "way": "cash", "receipt": "R-1", "deposit": "1"}
    assert press(client, "book", form).status_code == 302
    booking = only_booking()
    assert (booking.status, booking.total, booking.amount_due) == (
        BookingStatus.CONFIRMED,
        250,
        Decimal("187.50"),
    )
    assert booking.quote["pickup"]["name_en"] == "Steigenberger"
    assert Payment.objects.get().amount == Decimal("62.50")
    assert_sound()


def test_no_more_sets_than_there_are(client, departure):
    clerk_at(client)
    answer = press(client, "hold", party(departure, **{"extra-snorkel": "4"}))
    assert answer.status_code == 409
    assert "only 3 are left" in answer.content.decode()


def test_a_transfer_asks_for_both_ends_and_the_flight(client, departure):
    clerk_at(client)
    hotel = makadi(departure, kind="TRANSFER", allows_unlisted=True)
    airport = PickupZone.objects.create(code="hrg", name_en="Airport", name_ar="المطار")
    TransferPrice.objects.create(tour=departure.tour, origin=airport, destination=hotel.zone, amount=30)
    shown = press(client, "look", party(departure))
    assert "from where to where" in shown.content.decode()
    ends = {"ride_from": "zone:hrg", "ride_from_text": "Terminal 1", "ride_to": f"place:{hotel.pk}"}
    form = party(departure, way="later", reason="regular guest", flight_number="MS 41", **ends)
    bad = press(client, "book", form | {"flight_at": "soon"})
    assert "as 2027-01-31 14:30" in bad.content.decode()
    assert press(client, "book", form | {"flight_at": "2027-01-31T14:30"}).status_code == 302
    booking = only_booking()
    assert (booking.total, booking.flight_number, booking.flight_at.isoformat()) == (
        240,  # 200 + fee 10 + one vehicle 30
        "MS 41",
        "2027-01-31T12:30:00+00:00",
    )
    assert booking.quote["pickup"]["destination"]["zone"] == "makadi"


# --- At whose prices a caller buys ---


def group_of(person, code):
    group = PriceGroup.objects.create(code=code, name_en=code.title(), name_ar=code)
    Membership.objects.filter(user=person).update(price_group=group)
    return group


def test_a_known_caller_buys_at_their_own_prices_and_a_stranger_at_everybodys(client):
    clerk, mona, departure = clerk_at(client), customer(), DepartureFactory()
    for person, code, percent in ((mona, "gold", -10), (clerk, "staff", -50)):
        PriceRule.objects.create(
            tour=departure.tour,
            kind="GROUP",
            price_group=group_of(person, code),
            value=percent,
            name_en=code.title(),
            name_ar=code,
        )
    shown = press(client, "hold", party(departure))
    assert Hold.objects.get().quote["total"] == "200.00"
    form = fields(shown) | {"customer": str(mona.pk), "way": "cash", "receipt": "R-1"}
    answer = press(client, "book", form)  # the price that was shown is another one: it is shown before anything is sold
    assert (answer.status_code, Booking.objects.count()) == (409, 0)
    shown = press(client, "look", form)
    assert "$180.00" in shown.content.decode()
    press(client, "book", fields(shown) | {"way": "cash", "receipt": "R-1"})
    booking = Booking.objects.get()
    assert (booking.total, booking.customer_id, booking.quote["price_group"]) == (180, mona.pk, "gold")
    assert seats(departure)[:2] == (0, 2)
    assert_sound()


def test_a_partner_who_calls_buys_at_net_rates_and_from_its_own_places(client):
    clerk_at(client)
    start = now().replace(microsecond=0) + timedelta(days=60)
    agent, departure = PartnerUserFactory(), DepartureFactory(capacity=4, starts_at=start)
    NetRate.objects.create(
        partner=agent.partner, option=departure.option, category=PriceCategoryFactory(code="adult"), value=70
    )
    allotment = Allotment.objects.create(
        partner=agent.partner,
        option=departure.option,
        places=4,
        first_day=localdate(),
        last_day=localdate() + timedelta(days=200),
    )
    arrange_allotments(allotment_ids=[allotment.pk])
    shown = press(client, "hold", party(departure, customer=str(agent.user_id)))
    hold = Hold.objects.get(status="ACTIVE")
    assert (hold.quote["total"], hold.quote["partner"], hold.allotted_seats) == ("140.00", agent.partner.code, 2)
    press(client, "book", fields(shown) | {"way": "later", "reason": "on account"})
    booking = Booking.objects.get()
    assert (Hold.objects.get().pk, booking.total) == (hold.pk, 140)
    assert (booking.agent_id, booking.customer_id, booking.source) == (agent.user_id, None, "AGENT")
    assert list(Booking.objects.visible_to(agent.user)) == [booking]
    assert list(Booking.objects.made_by("AGENT")) == [booking]
    assert_sound()


def test_staff_book_for_a_partner_by_the_api_as_on_the_phone(client):
    clerk = clerk_at(client)
    agent, departure = PartnerUserFactory(), DepartureFactory()
    NetRate.objects.create(
        partner=agent.partner, option=departure.option, category=PriceCategoryFactory(code="adult"), value=70
    )
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(clerk)['access_token']}")
    body = {
        "departure_id": str(departure.pk),
        "guests": {"adult": 2},
        "contact": CONTACT,
        "customer_id": str(agent.user_id),
    }
    made = api.post("/api/v1/bookings", body, format="json").json()
    assert (made["total"], made["source"], made["quote"]["partner"]) == ("140.00", "AGENT", agent.partner.code)
    assert Booking.objects.get().agent_id == agent.user_id


def test_an_age_that_is_not_the_categorys_is_shown_at_its_row_and_taken_with_a_reason(client):
    clerk_at(client, *ALL, "bookings.override_policy")
    departure = DepartureFactory()
    PriceCategory.objects.filter(code="adult").update(min_age=12)
    row = {"traveller-1-category": "adult", "traveller-1-first_name": "Nour", "traveller-1-last_name": "Saleh"}
    form = party(
        departure, way="cash", receipt="R-1", **{"traveller-0-category": "adult"}, **row, **{"traveller-1-age": "9"}
    )
    shown = press(client, "book", form)
    page = shown.content.decode()
    assert (shown.status_code, Booking.objects.count()) == (422, 0)
    assert page.index("Adult: from 12 years.") > page.index("traveller-1-age")
    assert 'name="age_reason"' in page
    typed = fields(shown) | {"way": "cash", "receipt": "R-1", "age_reason": "Nobody else is twelve"}
    assert press(client, "book", typed).status_code == 302
    assert Booking.objects.get().events.get(action="travellers_named").reason == "Nobody else is twelve"


def test_who_may_not_take_other_ages_is_not_asked_for_a_reason(client):
    clerk_at(client)
    departure = DepartureFactory()
    PriceCategory.objects.filter(code="adult").update(min_age=12)
    row = {"category": "adult", "first_name": "Nour", "last_name": "Saleh", "age": "9"}
    form = party(departure, way="cash", receipt="R-1", **{f"traveller-0-{name}": value for name, value in row.items()})
    assert 'name="age_reason"' not in press(client, "book", form).content.decode()
    assert press(client, "book", form, age_reason="please").status_code == 403
    assert not Booking.objects.exists()


def test_somebody_of_another_operator_is_nobody_here(client):
    clerk_at(client)
    with tenant_context(TenantFactory().pk):
        stranger = customer()
        group_of(stranger, "gold")
    departure = DepartureFactory()
    press(client, "hold", party(departure, customer=str(stranger.pk)))
    assert Hold.objects.get().quote["price_group"] == ""
