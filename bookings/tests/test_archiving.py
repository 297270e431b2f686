"""Archiving tours: the change of the schedule that it is, looked at first, with a decision for the guests."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEntry
from bookings.models import ChoiceOffer
from bookings.tests.factories import BookingFactory, ClerkFactory
from notifications.models import Event
from tours.models import Departure, DepartureStatus, PlannedChange, Tour
from tours.services import archive_tour, create_rule, publish_tour, update_tour
from tours.tests.factories import DepartureFactory, OptionFactory

pytestmark = pytest.mark.usefixtures("tenant")
CAIRO = ZoneInfo("Africa/Cairo")
MAY = ["tours.publish", "tours.view_tour", "tours.change_tour", "bookings.change_booking"]
REASONS = {"guests-reason_en": "We stop", "guests-reason_ar": "نتوقف"}


def in_days(days):
    return now().astimezone(CAIRO).date() + timedelta(days=days)


def on(tour, day):
    return Departure.objects.get(tour=tour, local_date=in_days(day))


@pytest.fixture
def tour():
    """Every day at nine, and once more added by hand."""
    option = OptionFactory(capacity=10)
    data = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "start_time": time(9), "valid_from": in_days(0)}
    create_rule(option_id=option.pk, data=data, actor=None)
    DepartureFactory(option=option, starts_at=now() + timedelta(days=90))
    return option.tour


def plan(client, *tours):
    """The address of the preview, as the page of the tour or the list leads there."""
    if len(tours) == 1:
        return client.post(reverse("admin:tours_archive", args=[tours[0].pk]))["Location"]
    chosen = {"action": "archive_chosen", "_selected_action": [one.pk for one in tours]}
    return client.post(reverse("admin:tours_tour_changelist"), chosen)["Location"]


def apply(client, address, **decision):
    fingerprint = client.get(address).context["plan"]["fingerprint"]
    return client.post(address, {"do": "apply", "fingerprint": fingerprint, **decision})


def test_it_is_looked_at_first_and_then_done_with_the_guests_kept(client, tour):
    client.force_login(ClerkFactory(permissions=MAY))
    booking = BookingFactory(departure=on(tour, 5), status="CONFIRMED")
    there = Departure.objects.count()
    address = plan(client, tour)
    page = client.get(address)
    shown = page.context["plan"]
    assert (shown["vanish"]["count"], shown["sold"]["count"], shown["bookings"]) == (there - 1, 1, 1)
    assert booking.reference in page.content.decode()
    assert (Tour.objects.get().status, Departure.objects.count()) == ("ACTIVE", there)  # looking archives nothing
    Event.objects.all().delete()
    done = apply(client, address, **{"guests-how": "keep"})
    assert done["Location"] == reverse("admin:tours_tour_changelist")
    assert Tour.objects.get().status == "ARCHIVED"
    assert [row.status for row in Departure.objects.all()] == [DepartureStatus.CLOSED]
    booking.refresh_from_db()
    assert booking.status == "CONFIRMED"
    assert Event.objects.filter(type="tour.changed", subject_id=tour.pk).count() == 1
    entry = AuditEntry.objects.get(action="tours.tour.archived")
    assert (entry.before["status"], entry.after["status"]) == ("ACTIVE", "ARCHIVED")
    assert client.post(address, {"do": "apply"}).status_code == 302  # pressed twice: it is done already
    again = client.post(reverse("admin:tours_archive", args=[tour.pk]), follow=True)
    assert "None of these tours can be archived." in again.content.decode()
    assert AuditEntry.objects.filter(action="tours.tour.archived").count() == 1


def test_its_guests_can_be_offered_a_choice(client, tour):
    client.force_login(ClerkFactory(permissions=MAY))
    booking = BookingFactory(departure=on(tour, 5), status="CONFIRMED")
    address = plan(client, tour)
    assert apply(client, address, **{"guests-how": "offer"}).status_code == 400  # the guests read why
    assert Tour.objects.get().status == "ACTIVE"
    assert apply(client, address, **{"guests-how": "offer", **REASONS}).status_code == 302
    assert ChoiceOffer.objects.get().booking_id == booking.pk
    assert Tour.objects.get().status == "ARCHIVED"


def test_there_is_nowhere_left_to_move_guests_to(client, tour):
    client.force_login(ClerkFactory(permissions=MAY))
    BookingFactory(departure=on(tour, 5), status="CONFIRMED")
    address = plan(client, tour)
    assert 'value="move"' not in client.get(address).content.decode()
    assert apply(client, address, **{"guests-how": "move", **REASONS}).status_code == 400
    assert Tour.objects.get().status == "ACTIVE"
    assert Departure.objects.filter(status=DepartureStatus.OPEN).count() > 20


def test_who_books_after_the_look_is_looked_at_anew(client, tour):
    client.force_login(ClerkFactory(permissions=MAY))
    address = plan(client, tour)
    fingerprint = client.get(address).context["plan"]["fingerprint"]
    BookingFactory(departure=on(tour, 5), status="CONFIRMED")
    assert client.post(address, {"do": "apply", "fingerprint": fingerprint}).status_code == 409
    assert Tour.objects.get().status == "ACTIVE"


def test_many_at_once_from_the_list_without_those_that_are_there_already(client, tour):
    client.force_login(ClerkFactory(permissions=MAY))
    other, archived = OptionFactory(code="b").tour, OptionFactory(code="c", tour__status="ARCHIVED").tour
    address = plan(client, tour, other, archived)
    assert PlannedChange.objects.get().title == "Archive 2 tours"
    assert apply(client, address).status_code == 302
    assert set(Tour.objects.values_list("status", flat=True)) == {"ARCHIVED"}
    assert AuditEntry.objects.filter(action="tours.tour.archived").count() == 2


def test_out_of_the_archive_the_schedule_asks_for_its_departures_again(tour):
    BookingFactory(departure=on(tour, 5), status="CONFIRMED")
    planned = Departure.objects.filter(tour=tour, rule__isnull=False).count()
    update_tour(tour_id=tour.pk, data={"status": "ARCHIVED"}, actor=None)  # by a program: as if kept
    assert list(Departure.objects.values_list("status", flat=True)) == ["CLOSED"]
    publish_tour(tour_id=tour.pk, actor=None)
    assert Departure.objects.filter(tour=tour, status=DepartureStatus.OPEN).count() == planned
    assert on(tour, 5).seats_booked == 2
    archive_tour(tour_id=tour.pk, actor=None)
    archive_tour(tour_id=tour.pk, actor=None)  # again: nothing more happens
    assert AuditEntry.objects.filter(action="tours.tour.archived").count() == 2


def test_who_may_archive(client, tour):
    archive, other = reverse("admin:tours_archive", args=[tour.pk]), ["tours.change_schedulerule", "tours.change_tour"]
    client.force_login(ClerkFactory(permissions=other))
    assert client.post(archive).status_code == 403
    client.force_login(ClerkFactory(permissions=["tours.publish"]))
    assert client.get(archive).status_code == 405  # a link plans nothing
    preview = plan(client, tour)
    assert client.get(preview).status_code == 200
    client.force_login(ClerkFactory(permissions=other))
    assert client.get(preview).status_code == 403
    assert Tour.objects.get().status == "ACTIVE"


def test_the_tour_of_another_operator_cannot_be_archived(client, tour, other_tenant):
    client.force_login(ClerkFactory(permissions=MAY))
    assert client.post(reverse("admin:tours_archive", args=[tour.pk]), headers={"x-tenant": "other"}).status_code != 200
    assert not PlannedChange.objects.exists()
