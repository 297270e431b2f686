"""Places kept for partners: given, used, given back, released; never sold twice, whoever is first."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils.timezone import localdate, now
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from accounts.models import Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory
from bookings import services
from bookings.errors import SeatsUnavailable
from bookings.models import Allotment, AllottedPlaces, BookingStatus, Partner, PartnerUser
from bookings.services import holds
from bookings.services.allotments import arrange_allotments, release_allotments
from bookings.tests.factories import BookingFactory, CustomerFactory, HoldFactory, run_out
from bookings.tests.test_pools import departure as running
from bookings.tests.test_pools import left, many_connections, pool_of  # noqa: F401  the fixture is used
from config.invariants import check_all
from config.testing import run_together
from config.testing.corruption import unguarded_owner, without_guard
from tours.errors import CapacityBelowSold
from tours.models import Departure
from tours.services import change_departure
from tours.tests.factories import CurrencyFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def departure(tenant):
    return running()


def partner(code="sindbad"):
    return Partner.objects.create(code=code, name_en=code.title(), name_ar=code, currency=CurrencyFactory())


def agent_of(one):
    seed_roles()
    user = CustomerFactory()
    MembershipFactory(user=user, role=Role.objects.get(code="AGENT"))
    PartnerUser.objects.create(partner=one, user=user)
    return user


def kept(departure, places=4, **given):
    allotment = Allotment.objects.create(
        partner=given.pop("partner", None) or partner(),
        option=departure.option,
        places=places,
        first_day=localdate(),
        last_day=localdate() + timedelta(days=60),
        **given,
    )
    arrange_allotments(allotment_ids=[allotment.pk])
    return allotment


def faults():
    return [fault for name, found in check_all().faults.items() if name.startswith("bookings:") for fault in found]


def counted(departure):
    departure.refresh_from_db()
    return departure.seats_held, departure.seats_booked, departure.seats_allotted


def test_what_is_kept_is_not_sold_to_others(departure):
    kept(departure)
    assert left(departure) == [6]
    with pytest.raises(SeatsUnavailable):
        HoldFactory(departure=departure, guests={"adult": 7})
    HoldFactory(departure=departure, guests={"adult": 6})
    assert counted(departure) == (6, 0, 4)
    assert faults() == []


def test_a_partner_takes_its_own_first_then_from_the_rest(departure):
    agent = agent_of(kept(departure).partner)
    HoldFactory(departure=departure, guests={"adult": 3}, actor=agent)
    assert counted(departure) == (3, 0, 1)
    assert left(departure) == [6]
    hold = HoldFactory(departure=departure, guests={"adult": 5}, actor=agent)
    assert (hold.allotted_seats, counted(departure)) == (1, (8, 0, 0))
    assert left(departure) == [2]
    with pytest.raises(SeatsUnavailable) as refused:
        HoldFactory(departure=departure, guests={"adult": 3}, actor=agent)
    assert refused.value.values["left"] == 2
    assert faults() == []


@pytest.mark.parametrize("how", ["released", "expired", "cancelled", "cancelled after payment"])
def test_what_comes_back_is_the_partners_again(departure, how):
    agent = agent_of(kept(departure).partner)
    if how == "released":
        hold = HoldFactory(departure=departure, guests={"adult": 3}, actor=agent)
        services.release_hold(hold_id=hold.pk, actor=agent)
    elif how == "expired":
        run_out(HoldFactory(departure=departure, guests={"adult": 3}, actor=agent))
        services.expire_holds()
    else:
        status = BookingStatus.CONFIRMED if how == "cancelled after payment" else BookingStatus.PENDING_PAYMENT
        booking = BookingFactory(departure=departure, guests={"adult": 3}, actor=agent, status=status)
        services.cancel_booking(booking_id=booking.pk, actor=None)
    assert counted(departure) == (0, 0, 4)
    assert AllottedPlaces.objects.get().used == 0
    assert faults() == []


def test_once_released_what_comes_back_is_everybodys(departure):
    agent = agent_of(kept(departure, release_days=7).partner)
    hold = HoldFactory(departure=departure, guests={"adult": 3}, actor=agent)
    Departure.objects.update(starts_at=now() + timedelta(days=6))
    assert release_allotments() == 1
    assert release_allotments() == 0
    assert counted(departure) == (3, 0, 0)
    assert left(departure) == [7]
    services.release_hold(hold_id=hold.pk, actor=agent)
    assert (counted(departure), left(departure)) == ((0, 0, 0), [10])
    assert arrange_allotments() == 0
    assert faults() == []


def test_arranging_is_repeatable_and_takes_what_there_is(departure):
    hold = HoldFactory(departure=departure, guests={"adult": 8})
    allotment = kept(departure)
    assert (AllottedPlaces.objects.get().places, counted(departure)) == (2, (8, 0, 2))
    assert arrange_allotments() == 0
    services.release_hold(hold_id=hold.pk, actor=hold.customer)
    assert arrange_allotments() == 1
    assert counted(departure) == (0, 0, 4)
    Allotment.objects.update(places=1)
    arrange_allotments()
    assert counted(departure) == (0, 0, 1)
    agent = agent_of(allotment.partner)
    HoldFactory(departure=departure, guests={"adult": 1}, actor=agent)
    Allotment.objects.update(is_active=False)
    arrange_allotments()
    assert (counted(departure), AllottedPlaces.objects.get().places) == ((1, 0, 0), 1)
    assert faults() == []


def test_only_its_days_weekdays_and_before_its_release(departure):
    weekday = departure.local_date.isoweekday()
    kept(departure, weekdays=[weekday % 7 + 1], partner=partner("one"))
    kept(departure, release_days=30, partner=partner("two"))
    assert counted(departure) == (0, 0, 0)
    kept(departure, weekdays=[weekday], partner=partner("three"))
    assert counted(departure) == (0, 0, 4)


def test_the_capacity_cannot_go_below_what_is_sold_and_kept(departure):
    kept(departure)
    HoldFactory(departure=departure, guests={"adult": 3})
    with pytest.raises(CapacityBelowSold) as refused:
        change_departure(departure_id=departure.pk, data={"capacity": 6}, actor=None)
    assert refused.value.details["sold"] == 7


def test_kept_places_count_in_a_pool(departure):
    other = running(hour=1)
    pool_of(departure.option, other.option)
    kept(departure)
    assert left(departure, other) == [6, 6]
    agent = agent_of(Partner.objects.get())
    HoldFactory(departure=other, guests={"adult": 6})
    assert left(departure, other) == [0, 0]
    HoldFactory(departure=departure, guests={"adult": 4}, actor=agent)
    assert counted(departure) == (4, 0, 0)


def buyers_at_once(departure, agent, public=12, own=4):
    """So many of the public and so many of the partner, each for one place; the partner's outcomes come last."""
    buy = partial(services.hold_seats, departure_id=departure.pk, guests={"adult": 1})
    return run_together(*[buy] * public, *[partial(buy, actor=agent)] * own)


def test_public_and_partner_at_once_sell_no_place_twice(departure, many_connections):  # noqa: F811
    outcomes = buyers_at_once(departure, agent_of(kept(departure).partner))
    assert Counter(type(one).__name__ for one in outcomes) == {"Hold": 10, "SeatsUnavailable": 6}
    assert [type(one).__name__ for one in outcomes[-4:]] == ["Hold"] * 4
    assert counted(departure) == (10, 0, 0)
    assert faults() == []


def nobody_looks(monkeypatch):
    """Nobody looks what is left: neither under the lock, nor before it once the partner's own places are used up."""
    monkeypatch.setattr(holds, "places_to_take", lambda one: one.capacity)
    monkeypatch.setattr(holds, "take", lambda hold, key: False)
    monkeypatch.setattr(holds, "_refuse_where_hopeless", lambda hold: None)


def test_control_the_check_alone_still_sells_no_place_twice(departure, many_connections, monkeypatch):  # noqa: F811
    agent = agent_of(kept(departure).partner)
    nobody_looks(monkeypatch)
    outcomes = Counter(type(one).__name__ for one in buyers_at_once(departure, agent, public=0, own=16))
    assert outcomes == {"Hold": 10, "IntegrityError": 6}
    assert counted(departure) == (10, 0, 0)
    assert faults() == []


def test_control_without_look_and_check_the_partner_gets_more(departure, many_connections, monkeypatch):  # noqa: F811
    agent = agent_of(kept(departure).partner)
    nobody_looks(monkeypatch)
    emptied = "UPDATE tours_departure SET seats_held = 0, seats_booked = 0, seats_allotted = 0"
    with without_guard("tours_departure", "departure_never_oversold", emptied):
        buyers_at_once(departure, agent, public=0, own=16)
        assert counted(departure) == (16, 0, 0)
        assert len(faults()) == 1


def test_a_partners_program_sees_its_own_places_only(departure):
    kept(departure, partner=partner("one"))
    agent = agent_of(partner("two"))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(agent)['access_token']}")
    assert client.get("/api/v1/allotments").json()["total"] == 0
    kept(departure, places=2, partner=Partner.objects.get(code="two"))
    (row,) = client.get("/api/v1/allotments").json()["items"]
    assert (row["departure_id"], row["places"], row["used"], row["left"]) == (str(departure.pk), 2, 0, 2)
    day = departure.local_date
    for asked, total in ((f"date_from={day}", 1), (f"date_to={day - timedelta(days=1)}", 0), ("page=1&size=1", 1)):
        assert client.get(f"/api/v1/allotments?{asked}").json()["total"] == total
    assert client.get("/api/v1/allotments?date_from=soon").status_code == 400


def test_damage_is_named(departure):
    kept(departure)
    with unguarded_owner() as owner:
        owner.execute("UPDATE bookings_allottedplaces SET used = 1")
    assert len(faults()) == 2


def test_guests_of_the_partner_move_onto_its_places(departure):
    sindbad = partner()
    agent, there = agent_of(sindbad), running(hour=30, tour=departure.tour, option=departure.option, capacity=4)
    kept(departure, partner=sindbad)
    assert places_of(sindbad, there) == (4, 0)
    booking = BookingFactory(departure=departure, actor=agent, status=BookingStatus.CONFIRMED)
    services.move_for_the_operator(
        booking_id=booking.pk, departure_id=there.pk, actor=None, reason="the boat is broken"
    )
    assert (places_of(sindbad, departure), places_of(sindbad, there)) == ((4, 0), (4, 2))
    services.cancel_booking(booking_id=booking.pk, actor=agent)
    assert places_of(sindbad, there) == (4, 0)
    assert [fault for found in check_all("bookings:").faults.values() for fault in found] == []


def places_of(one, departure):
    row = AllottedPlaces.objects.get(partner=one, departure=departure)
    return row.places, row.used


def late(booking):
    """Its hold ended, and then it is paid."""
    run_out(booking.items.get().hold)
    services.expire_holds()
    return services.record_payment(booking_id=booking.pk, paid=booking.total, refunded=Decimal(0))


def test_a_late_payment_of_the_partner_wins_its_own_places(departure):
    sindbad = partner()
    agent = agent_of(sindbad)
    kept(departure, partner=sindbad)
    booking = BookingFactory(departure=departure, guests={"adult": 3}, actor=agent)
    HoldFactory(departure=departure, guests={"adult": 6})  # all that is everybody's
    assert late(booking) == services.Settlement.CONFIRMED
    assert (counted(departure), places_of(sindbad, departure)) == ((6, 3, 1), (4, 3))
    services.cancel_booking(booking_id=booking.pk, actor=agent)
    assert (counted(departure), places_of(sindbad, departure)) == ((6, 0, 4), (4, 0))
    assert faults() == []


def test_a_late_payment_takes_what_is_missing_from_everybodys(departure):
    sindbad = partner()
    agent = agent_of(sindbad)
    kept(departure, places=2, partner=sindbad)
    booking = BookingFactory(departure=departure, guests={"adult": 3}, actor=agent)
    assert late(booking) == services.Settlement.CONFIRMED
    assert (counted(departure), places_of(sindbad, departure)) == ((0, 3, 0), (2, 2))
    assert faults() == []


def test_anybody_elses_late_payment_leaves_the_partners_places(departure):
    booking = BookingFactory(departure=departure, guests={"adult": 3})
    run_out(booking.items.get().hold)
    services.expire_holds()
    kept(departure)
    HoldFactory(departure=departure, guests={"adult": 6})
    assert late(booking) == services.Settlement.SEATS_GONE
    assert counted(departure) == (6, 0, 4)
    assert faults() == []


def test_once_released_a_late_payment_wins_from_what_is_everybodys(departure):
    sindbad = partner()
    agent = agent_of(sindbad)
    kept(departure, partner=sindbad)
    booking = BookingFactory(departure=departure, guests={"adult": 3}, actor=agent)

    Departure.objects.update(starts_at=now() + timedelta(days=6))
    release_allotments()
    assert late(booking) == services.Settlement.CONFIRMED
    assert (counted(departure), places_of(sindbad, departure)) == ((0, 3, 0), (4, 0))
    assert faults() == []
