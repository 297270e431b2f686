"""A choice names only departures that could take the booking: places of its own, of pools, guides, and stocked extras."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from bookings import services
from bookings.admin.moving import start_of
from bookings.choices import departures_offered
from bookings.models import BookingStatus
from bookings.selectors import instead
from bookings.services.offers import Answer
from bookings.services.replanning import nearest_starts
from bookings.tests.factories import BookingFactory, ClerkFactory, HoldFactory
from bookings.tests.test_pools import pool_of
from bookings.tests.test_resources import guide, need
from tours.models import Departure, Engagement
from tours.tests.factories import DepartureFactory, ExtraFactory, OptionFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def gone(tenant):
    """The departure that cannot be as it was booked."""
    return DepartureFactory()


def later(gone, days, **given):
    start = gone.starts_at + timedelta(days=days)
    given = {"option": gone.option, "starts_at": start, "ends_at": start + timedelta(hours=4), **given}
    return DepartureFactory(**given)


def offered(gone):
    made = services.offer_choices(
        departure_ids=[gone.pk],
        reason_en="Storm",
        reason_ar="عاصفة",
        deadline=now() + timedelta(days=2),
        unanswered="REFUND",
        actor=None,
    )
    return {offer.booking_id: [row.departure_id for row in offer.offered.order_by("position")] for offer in made}


def test_only_where_the_whole_party_finds_room(gone):
    small, large = later(gone, 1, capacity=2), later(gone, 2, capacity=9)
    two = BookingFactory(departure=gone, status=BookingStatus.CONFIRMED)
    three = BookingFactory(departure=gone, guests={"adult": 3}, status=BookingStatus.CONFIRMED)
    assert offered(gone) == {two.pk: [small.pk, large.pk], three.pk: [large.pk]}


def test_not_where_the_boat_is_full(gone):
    """Their own places are free; those of the boat, which another tour has sold, are not."""
    there, other = (
        later(gone, 1),
        DepartureFactory(option=OptionFactory(), starts_at=gone.starts_at + timedelta(days=1)),
    )
    pool_of(there.option, other.option, capacity=10)
    booking = BookingFactory(departure=gone, status=BookingStatus.CONFIRMED)
    free = later(gone, 2)
    HoldFactory(departure=other, guests={"adult": 9})
    assert Departure.objects.get(pk=there.pk).seats_left == there.capacity
    assert offered(gone) == {booking.pk: [free.pk]}
    HoldFactory(departure=other, guests={"adult": 1})
    assert nearest_starts([gone])[gone.pk] == [free]


def test_not_where_the_guide_is_away(gone):
    there, free = later(gone, 1), later(gone, 3)
    fatima = guide()
    booking = BookingFactory(departure=gone, status=BookingStatus.CONFIRMED)
    need(gone.tour)
    span = (there.starts_at - timedelta(hours=2), there.ends_at + timedelta(hours=2))
    Engagement.objects.create(resource=fatima, state="LEAVE", span=span)
    assert offered(gone) == {booking.pk: [free.pk]}


def test_not_where_their_extras_are_sold_out(gone):
    ExtraFactory(tour=gone.tour, code="snorkel", basis="PER_UNIT", amount=10, stock=3)
    there, free = later(gone, 1), later(gone, 2)
    sets = [{"code": "snorkel", "quantity": 2}]
    booking = BookingFactory(departure=gone, extras=sets, status=BookingStatus.CONFIRMED)
    plain = BookingFactory(departure=gone, status=BookingStatus.CONFIRMED)
    HoldFactory(departure=there, extras=sets)
    assert offered(gone) == {booking.pk: [free.pk], plain.pk: [there.pk, free.pk]}


def test_what_fills_up_meanwhile_is_not_shown_any_more(gone):
    there, free = later(gone, 1, capacity=2), later(gone, 2)
    booking = BookingFactory(departure=gone, status=BookingStatus.CONFIRMED)
    assert offered(gone) == {booking.pk: [there.pk, free.pk]}
    hold = HoldFactory(departure=there)
    offer = booking.offers.get()
    assert departures_offered(offer) == [free]
    services.release_hold(hold_id=hold.pk, actor=hold.customer)
    assert departures_offered(offer) == [there, free]
    done = services.answer_offer(offer_id=offer.pk, answer=Answer.MOVE, departure_id=there.pk)
    assert done.chosen_id == there.pk


def test_what_is_in_stock_is_asked_once_for_all_bookings_and_departures(gone):
    """Where an extra is sold out everywhere, each departure is looked at for each booking: not by a statement each time."""
    ExtraFactory(tour=gone.tour, code="snorkel", basis="PER_UNIT", amount=10, stock=2)
    sets = [{"code": "snorkel", "quantity": 1}]

    def statements(days, bookings):
        there = [later(gone, day, capacity=10) for day in days]
        for row in there:
            HoldFactory(departure=row, guests={"adult": 1}, extras=[{"code": "snorkel", "quantity": 2}])
        other = DepartureFactory(option=gone.option, starts_at=gone.starts_at - timedelta(hours=days[0]))
        for _number in range(bookings):
            BookingFactory(departure=other, guests={"adult": 1}, extras=sets, status=BookingStatus.CONFIRMED)
        with CaptureQueriesContext(connection) as asked:
            made = offered(other)
        assert len(made) == bookings
        assert not {row.pk for row in there} & {choice for choices in made.values() for choice in choices}
        return sum("tours_extra" in query["sql"] for query in asked.captured_queries)

    assert (statements([1, 2], 1), statements([3, 4, 5, 6, 7], 2)) == (2, 2)


def test_of_many_departures_that_share_a_boat_only_the_near_ones_are_looked_at(gone, monkeypatch):
    """Each takes the database milliseconds: ten thousand of them took longer than a statement of the web may."""
    monkeypatch.setattr(instead, "LOOKED_AT_ONCE", 3)
    there = [later(gone, hours / 24, capacity=4) for hours in range(6, 126, 6)]
    pool_of(gone.option, OptionFactory(tour=gone.tour, code="other"), capacity=4)
    booking = BookingFactory(departure=gone, status=BookingStatus.CONFIRMED)
    for full in there[1:4]:
        HoldFactory(departure=full, guests={"adult": 3})
    looked_at = []
    ask = instead.places_left_of
    monkeypatch.setattr(instead, "places_left_of", lambda rows: looked_at.extend(rows) or ask(rows))
    assert offered(gone) == {booking.pk: [row.pk for row in [there[0], *there[4:9]]]}
    assert len(looked_at) <= 9
    looked_at.clear()
    assert nearest_starts([gone])[gone.pk] == there[:8]
    assert len(looked_at) <= 9


def test_the_list_of_choices_asks_for_no_places(gone, client):
    """It names only when each trip was to begin; on a shared boat it was a statement for each line."""
    pool_of(gone.option, OptionFactory(tour=gone.tour, code="other"), capacity=20)
    BookingFactory(departure=gone, status=BookingStatus.CONFIRMED)
    offered(gone)
    client.force_login(ClerkFactory(permissions=["bookings.view_choiceoffer"]))
    with CaptureQueriesContext(connection) as asked:
        listed = client.get(reverse("admin:bookings_choiceoffer_changelist")).content.decode()
    assert f"{gone.tour.title_en} · {start_of(gone)}" in listed
    assert not [query for query in asked.captured_queries if "tours_places_left" in query["sql"]]
