"""How full a departure is for its price: what is sold of it, or of the boat it shares, the same wherever a price is shown."""

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from django.utils.timezone import now

from bookings.pricing import quote
from tours.models import Departure, Pool, PoolMember, PriceRule
from tours.selectors.availability import availability, calendar
from tours.selectors.capacity import FULLNESS
from tours.selectors.price_calendar import price_calendar
from tours.services.day_prices import PriceWish, plan_prices
from tours.services.limits import follow_pool
from tours.tests.factories import DepartureFactory, OptionFactory

pytestmark = pytest.mark.usefixtures("tenant")

START = now().replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=9)


def rule(tour, percent=80):
    """From so many percent sold, half as much again."""
    PriceRule.objects.create(
        tour=tour, kind="OCCUPANCY", value=50, occupancy_percent=percent, name_en="Nearly full", name_ar="شبه ممتلئ"
    )


def departure(hour=0, **given):
    start = START + timedelta(hours=hour)
    made = DepartureFactory(starts_at=start, ends_at=start + timedelta(hours=4), **given)
    rule(made.tour)
    return made


def shared(*departures, capacity=10):
    pool = Pool.objects.create(name_en="Boat Isis", name_ar="مركب إيزيس", capacity=capacity)
    for one in departures:
        PoolMember.objects.create(pool=pool, option=one.option)
    follow_pool(pool_id=pool.pk)


def prices(one):
    """What one adult pays by everything that shows it: quote, availability, month, prices by day, plan of the calendar."""
    day = one.local_date
    span = {"date_from": day, "date_to": day}
    (start,) = orjson.loads(availability(one.tour_id, span, language="en"))["items"]
    month = orjson.loads(calendar(one.tour_id, f"{day:%Y-%m}", None, language="en"))["days"]
    (by_day,) = orjson.loads(price_calendar(one.tour_id, day, day, {"adult": 1}))["days"]
    asked = PriceWish(tour_id=one.tour_id, first_day=day, last_day=day, effect="PERCENT", value=Decimal(0))
    (planned,) = plan_prices(asked, actor=None).rows
    return {
        quote(departure_id=one.pk, guests={"adult": 1}).total,
        Decimal(start["price_from"]),
        Decimal(next(each for each in month if each["date"] == day.isoformat())["price_from"]),
        Decimal(by_day["price_from"]),
        planned.before,
    }


@pytest.mark.parametrize(("held", "booked", "price"), [(0, 7, 100), (1, 7, 150), (0, 8, 150), (9, 0, 150)])
def test_what_is_held_and_booked_is_sold(held, booked, price):
    assert prices(departure(seats_held=held, seats_booked=booked)) == {price}


def test_places_kept_for_a_partner_are_not_sold():
    assert prices(departure(seats_booked=1, seats_allotted=8)) == {100}


def test_on_a_shared_boat_the_boat_counts():
    diving, snorkelling, later = departure(seats_booked=7), departure(hour=1, seats_booked=1), departure(hour=5)
    shared(diving, snorkelling, later)
    assert prices(diving) == {150}  # seven of its own ten, but eight of the boat's
    assert prices(snorkelling) == {150}
    assert prices(later) == {100}  # the boat is back by then


def test_a_boat_larger_than_its_departures_hides_none_that_is_full():
    small, other = departure(seats_booked=8), departure(hour=1)
    shared(small, other, capacity=40)
    assert prices(small) == {150}  # eight of ten, though the boat is nearly empty
    assert prices(other) == {100}


def test_several_departures_are_looked_at_in_one_statement(django_assert_num_queries):
    option = OptionFactory()
    for hour in range(5):
        DepartureFactory(option=option, starts_at=START + timedelta(hours=hour), seats_booked=hour)
    with django_assert_num_queries(1):
        found = Departure.objects.order_by("starts_at").annotate(fullness=FULLNESS)
        assert [row.fullness for row in found] == [[hour, 10] for hour in range(5)]
