"""What the first page of the back-office says about departures."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils.timezone import now

from bookings.dashboard import departures
from tours.tests.factories import DepartureFactory, DestinationFactory, OptionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tenant")]


def leaving(starts_at, **destination):
    option = OptionFactory(tour__destination=DestinationFactory(**destination))
    return DepartureFactory(option=option, starts_at=starts_at, seats_booked=2)


def test_departures_stand_in_the_order_of_the_times_that_are_shown():
    """The later one in the world's order leaves at the earlier hour of its own clock."""
    start = (now() + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
    leaving(start, slug="dubai", city_en="Dubai", time_zone="Asia/Dubai")  # 14:00 there
    leaving(start + timedelta(hours=1), slug="lisbon", city_en="Lisbon", time_zone="UTC")  # 11:00 there
    panel = departures(SimpleNamespace())
    assert [(row[0][-5:], row[2]) for row in panel.rows] == [("11:00", "Lisbon"), ("14:00", "Dubai")]
