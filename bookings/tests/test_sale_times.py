"""From when until when, by whom, and at what hour something can be bought: sale in advance, partners' cut-off, opening hours."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils.timezone import now
from django.utils.translation import override

from accounts.models import Role
from accounts.tests.factories import MembershipFactory, RoleFactory
from bookings import services, wording
from bookings.documents import calendar_ics
from bookings.errors import CutoffPassed, NotOnSaleYet
from bookings.models import Booking, Partner, PartnerUser
from bookings.selectors.manifest import manifest
from bookings.tests.asking import client_of, seats_of
from bookings.tests.factories import CONTACT, BookingFactory, CustomerFactory
from tours.models import Departure
from tours.tests.factories import CurrencyFactory, DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")
CAIRO = ZoneInfo("Africa/Cairo")


def hold(departure, actor=None):
    return services.hold_seats(departure_id=departure.pk, guests={"adult": 2}, actor=actor)


@pytest.fixture
def agent():
    user = CustomerFactory()
    MembershipFactory(user=user, role=RoleFactory(code=Role.Code.AGENT, name_en="Agent", is_staff=False))
    partner = Partner.objects.create(code="nile-dmc", name_en="Nile DMC", name_ar="النيل", currency=CurrencyFactory())
    PartnerUser.objects.create(partner=partner, user=user)
    return user


@pytest.mark.parametrize("swiftly", [True, False])
def test_before_its_sale_begins_nobody_gets_a_seat(swiftly, settings):
    settings.PRICES_KEPT_SECONDS = 2
    departure = DepartureFactory(opens_at=now() + timedelta(hours=1))
    take = services.hold_seats_swiftly if swiftly else services.hold_seats
    with pytest.raises(NotOnSaleYet):
        take(departure_id=departure.pk, guests={"adult": 2}, actor=None)
    assert seats_of(departure) == (0, 0)
    Departure.objects.update(opens_at=now() - timedelta(seconds=1))
    hold(departure)
    assert seats_of(departure) == (2, 0)


def test_terms_read_before_do_not_sell_too_early_or_too_late(monkeypatch):
    """The statement that takes the seats looks for itself."""
    departure = DepartureFactory()
    quoted = services.holds.pricing.quote
    kept = services.holds.recent_terms(departure.pk)
    monkeypatch.setattr(services.holds.pricing, "quote", lambda **asked: quoted(**(asked | {"terms": kept})))
    Departure.objects.update(opens_at=now() + timedelta(hours=1))
    with pytest.raises(NotOnSaleYet):
        hold(departure)
    Departure.objects.update(opens_at=None, cutoff_at=now() - timedelta(seconds=1))
    with pytest.raises(CutoffPassed):
        hold(departure)
    assert seats_of(departure) == (0, 0)


def test_partners_have_their_own_cut_off(agent):
    late = DepartureFactory(cutoff_at=now() - timedelta(hours=1), partner_cutoff_at=now() + timedelta(hours=1))
    early = DepartureFactory(partner_cutoff_at=now() - timedelta(hours=1))
    hold(late, agent)
    with pytest.raises(CutoffPassed):
        hold(late, CustomerFactory())
    with pytest.raises(CutoffPassed):
        hold(early, agent)
    hold(early, CustomerFactory())
    assert (seats_of(late), seats_of(early)) == ((2, 0), (2, 0))


def test_an_agent_without_a_partner_is_as_everybody(agent):
    PartnerUser.objects.all().delete()
    late = DepartureFactory(cutoff_at=now() - timedelta(hours=1), partner_cutoff_at=now() + timedelta(hours=1))
    with pytest.raises(CutoffPassed):
        hold(late, agent)


@pytest.fixture
def museum():
    """Open tomorrow from 09:00 to 17:00."""
    day = now().astimezone(CAIRO).date() + timedelta(days=1)
    opens, closes = (datetime.combine(day, time(hour), CAIRO) for hour in (9, 17))
    return DepartureFactory(
        option__by_opening_hours=True,
        any_time=True,
        starts_at=opens,
        ends_at=closes,
        cutoff_at=closes - timedelta(hours=1),
    )


def test_a_day_without_a_time_is_said_as_such_everywhere(museum):
    booking = BookingFactory(departure=museum, status="CONFIRMED")
    day = museum.local_date
    quote = client_of().post("/api/v1/quotes", {"departure_id": str(museum.pk), "guests": {"adult": 2}}).json()
    hours = {"opens": "09:00", "closes": "17:00"}
    assert (quote["date"], quote["time"], quote["opening_hours"], quote["any_time"]) == (str(day), None, hours, True)
    shown = client_of(booking.customer).get(f"/api/v1/bookings/{booking.pk}").json()
    (item,) = shown["items"]
    assert (item["date"], item["time"], item["opening_hours"]) == (str(day), None, hours)
    listed = client_of().get(f"/api/v1/tours/{museum.tour_id}/availability").json()["items"][0]
    assert (listed["date"], listed["time"], listed["opening_hours"]) == (str(day), None, hours)
    with override("en"):
        plain = wording.start_in_words(Booking.objects.get()).replace("\u2066", "").replace("\u2069", "")
        assert plain.endswith("any time 09:00\u201317:00")
        assert "any time" in manifest(museum.pk).when
    ics = calendar_ics(Booking.objects.for_display().get(), "en").decode()
    assert f"DTSTART;VALUE=DATE:{day:%Y%m%d}" in ics
    assert "TRIGGER" not in ics


def test_the_swift_answer_of_a_booking_says_the_same(museum):
    client = client_of()
    held = client.post("/api/v1/holds", {"departure_id": str(museum.pk), "guests": {"adult": 2}}, format="json").json()
    body = {"hold_id": held["id"], "hold_token": held["token"], "contact": CONTACT}
    booked = client.post("/api/v1/bookings", body, format="json").json()
    again = client.get(f"/api/v1/bookings/{booked['id']}?token={booked['token']}").json()
    assert booked["items"] == again["items"]
    assert booked["items"][0]["opening_hours"] == {"opens": "09:00", "closes": "17:00"}
    assert booked["quote"] == again["quote"]


def test_it_is_sold_on_the_day_until_before_closing_and_paid_late(museum):
    opened = now() - timedelta(hours=2)
    Departure.objects.update(starts_at=opened, ends_at=now() + timedelta(hours=3), cutoff_at=now() + timedelta(hours=2))
    booking = BookingFactory(departure=museum, status="EXPIRED")
    services.record_payment(booking_id=booking.pk, paid=booking.total, refunded=0)
    booking.refresh_from_db()
    assert booking.status == "CONFIRMED"  # the day is not over: the seats were won again
    Departure.objects.update(cutoff_at=now() - timedelta(seconds=1))
    with pytest.raises(CutoffPassed):
        hold(museum)
