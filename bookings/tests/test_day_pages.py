"""Today, manifests and check-in in the back-office: who may see them, what they say, what they cost."""

import csv
import io
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from bookings import selectors, services
from bookings.access import voucher_link
from bookings.models import Booking, BookingStatus, CheckIn
from bookings.tests.factories import TRAVELLERS, BookingFactory, ClerkFactory, CustomerFactory, move_in_time
from config.tenancy import tenant_context
from tours.models import Departure, DepartureStatus
from tours.tests.factories import DepartureFactory, OptionFactory, TourFactory

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus
GUIDE = ["bookings.view_manifest", "bookings.check_in"]


def sign_in(client, *permissions, **names):
    person = ClerkFactory(permissions=permissions, **names)
    client.force_login(person)
    return person


def leaving(minutes=60, **more):
    """A departure so many minutes from now, on the day it then is at the destination."""
    departure = DepartureFactory(capacity=more.pop("capacity", 400), **more)
    return moved(departure, minutes)


def moved(departure, minutes):
    start = now().replace(microsecond=0) + timedelta(minutes=minutes)
    departure.starts_at, departure.ends_at = start, start + timedelta(hours=3)
    departure.local_date = departure.local_start().date()
    departure.save(update_fields=["starts_at", "ends_at", "local_date"])
    Booking.objects.filter(items__departure=departure).update(starts_at=departure.starts_at, ends_at=departure.ends_at)
    return departure


def booked(departure, **booking):
    """A booking made a week ahead of a departure that is now near."""
    start = departure.starts_at
    Departure.objects.filter(pk=departure.pk).update(
        starts_at=now() + timedelta(days=7), ends_at=now() + timedelta(days=8), cutoff_at=now() + timedelta(days=6)
    )
    made = BookingFactory(departure=departure, **{"status": S.CONFIRMED, **booking})
    move_in_time(made, start, start + timedelta(hours=3))
    return made


def today_of(departure, **query):
    return reverse("admin:bookings_today"), {"day": departure.local_date.isoformat(), **query}


def url(name, *args):
    return reverse(f"admin:bookings_{name}", args=args)


def text_of(answer):
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def table(answer):
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    raw = answer.content.decode()
    assert raw.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(raw[1:])))


# --- Who may ---

PAGES = ["today", "today_csv", "today_print"]
OF_DEPARTURE = ["manifest", "manifest_csv", "manifest_print", "check_in", "check_in_list"]


@pytest.mark.parametrize("page", [*PAGES, *OF_DEPARTURE, "check_in_steps", "check_in_code"])
def test_who_may_see_what(client, page):
    departure = leaving()
    booking = booked(departure)
    args = [departure.pk] if page in (*OF_DEPARTURE, "check_in_steps") else []
    if page == "check_in_code":
        args = [voucher_link(booking).rpartition("/")[2]]
    is_call = page in ("check_in_list", "check_in_steps")
    turned_away = 403 if is_call else 302
    seen = {}
    for who, person in (
        ("stranger", None),
        ("customer", booking.customer),
        ("clerk without", ClerkFactory()),
        ("clerk of bookings", ClerkFactory(permissions=["bookings.view_booking"])),
        ("reader", ClerkFactory(permissions=["bookings.view_manifest"])),
        ("guide", ClerkFactory(permissions=GUIDE)),
    ):
        client.logout()
        if person:
            client.force_login(person)
        if page == "check_in_steps":
            body = {"steps": [{"id": str(uuid.uuid4()), "booking_id": str(booking.pk), "action": "CAME"}]}
            answer = client.post(url(page, *args), body, content_type="application/json")
        else:
            answer = client.get(url(page, *args))
        seen[who] = answer.status_code
    reader = {"check_in_code": 302, "check_in_steps": 403}.get(page, 200)
    assert seen == {
        "stranger": turned_away,
        "customer": turned_away,
        "clerk without": 403,
        "clerk of bookings": 403,
        "reader": reader,
        "guide": 302 if page == "check_in_code" else 200,
    }


@pytest.mark.parametrize("page", OF_DEPARTURE)
def test_another_operators_departures_are_not_there(client, other_tenant, page):
    sign_in(client, *GUIDE)
    with tenant_context(other_tenant.pk):
        theirs = DepartureFactory()
    assert client.get(url(page, theirs.pk)).status_code == 404
    assert client.get(url(page, uuid.uuid4())).status_code == 404


def test_another_operators_day_is_not_shown(client, other_tenant):
    sign_in(client, *GUIDE)
    ours = leaving()
    booked(ours)
    with tenant_context(other_tenant.pk):
        theirs = leaving(option__tour__title_en="Somebody else's tour")
        booked(theirs)
    page, query = today_of(ours, all="1")
    assert theirs.tour.title_en not in text_of(client.get(page, query))


# --- Today ---


def test_today_is_in_time_order_with_guests_money_and_needs(client):
    sign_in(client, *GUIDE, "bookings.view_booking")
    late, early = leaving(90), leaving(30)
    booked(late, details={"dietary_needs": "vegan", "accessibility_needs": "wheelchair"})
    booked(early, paid=Decimal(50), guests={"adult": 3})
    page, query = today_of(early)
    text = text_of(client.get(page, query))
    if early.local_date == late.local_date:
        assert text.index(f"<b>{early.tour.title_en}<") < text.index(f"<b>{late.tour.title_en}<")
        for shown in ("vegan", "wheelchair", "$200.00"):
            assert shown in text
    for shown in ("3 guests", "$50.00", "$250.00", "Not paid: $250.00 still due"):
        assert shown in text


def reasons(departure, person=None):
    found = selectors.day(wanted=departure.local_date, user=person or ClerkFactory())
    return [(flag.tone, flag.reason) for row, flag in found.flagged if row.pk == departure.pk]


def test_a_quiet_departure_has_no_flags():
    departure = leaving()
    booked(departure, travellers=TRAVELLERS)
    assert reasons(departure) == []


def test_each_flag_says_why():
    unpaid = leaving()
    booked(unpaid, paid=Decimal(50), travellers=TRAVELLERS)
    assert reasons(unpaid) == [("bad", "Not paid: $150.00 still due")]

    waiting = leaving()
    booked(waiting, status=S.PENDING_PAYMENT)
    [(tone, reason)] = reasons(waiting)
    assert (tone, reason.startswith("Waits for payment: $200.00, until ")) == ("warn", True)

    small = leaving(option__tour__min_group_size=4)
    booked(small, travellers=TRAVELLERS)
    assert reasons(small) == [("warn", "Below the minimum: 2 booked, it takes 4")]

    over = leaving(option__capacity=1)
    booked(over, travellers=TRAVELLERS)
    assert reasons(over) == [("warn", "Overbooked: 2 places taken, 1 are usual (raised to 400)")]

    closed = leaving()
    booked(closed, travellers=TRAVELLERS)
    Departure.objects.filter(pk=closed.pk).update(status=DepartureStatus.CLOSED)
    assert reasons(closed) == [("warn", "Closed, but 2 places are held or booked")]
    Departure.objects.filter(pk=closed.pk).update(status=DepartureStatus.CANCELLED)
    assert reasons(closed) == [("bad", "Cancelled, but 2 places are held or booked")]

    late = leaving(-10)
    party = booked(late, travellers=TRAVELLERS)
    assert reasons(late) == [("bad", "2 guests have not come")]
    services.check_in(booking_id=party.pk, actor=None)
    assert reasons(late) == []

    nameless = leaving()
    booked(nameless)
    assert reasons(nameless) == [("warn", "Names of guests are missing in 1 booking")]

    young = leaving(option__tour__min_age=12)
    booked(young, travellers=[{**TRAVELLERS[0], "age": 9}, TRAVELLERS[1]])
    assert reasons(young) == [("warn", "A guest is 9; the minimum age is 12")]


def test_far_ahead_nobody_is_pressed():
    departure = leaving(60 * 24 * 5)
    booked(departure, paid=Decimal(50))
    assert reasons(departure) == []


def test_days_and_choices(client):
    sign_in(client, *GUIDE)
    departure, empty = leaving(), leaving()
    booked(departure)
    page, query = today_of(departure)
    shown = text_of(client.get(page, query))
    assert departure.tour.title_en in shown
    assert f">{empty.tour.title_en}</b>" not in shown
    assert f">{empty.tour.title_en}</b>" in text_of(client.get(page, {**query, "all": "1"}))
    other = text_of(client.get(page, {**query, "q": empty.tour.title_en.upper()}))
    assert f">{departure.tour.title_en}</b>" not in other
    assert "Nobody travels on this day." in other
    assert "Nobody travels on this day." in text_of(client.get(page, {"day": "2031-01-01"}))
    for wrong in ({"day": "tomorrow"}, {"q": "%"}, {"destination": "'"}, {"day": "0000-00-00"}):
        assert client.get(page, wrong).status_code == 200


def test_the_day_is_the_destinations_and_so_are_the_times(client):
    sign_in(client, *GUIDE)
    departure = leaving(option__tour__destination__time_zone="Pacific/Auckland")
    booked(departure)
    page, query = today_of(departure)
    local = f"{departure.local_start():%H:%M}"
    for answer in (client.get(page, query), client.get(url("today_print"), query)):
        assert local in text_of(answer)
    for name in ("manifest", "manifest_print", "check_in"):
        assert local in text_of(client.get(url(name, departure.pk)))


def test_arabic_pages_are_arabic_and_right_to_left(client):
    sign_in(client, *GUIDE)
    departure = leaving()
    booked(departure)
    client.cookies["rihla_language"] = "ar"
    page, query = today_of(departure)
    for answer in (
        client.get(page, query),
        client.get(url("manifest", departure.pk)),
        client.get(url("manifest_print", departure.pk)),
        client.get(url("today_print"), query),
        client.get(url("check_in", departure.pk)),
    ):
        text = text_of(answer)
        assert 'dir="rtl"' in text
        assert departure.tour.title_ar in text


# --- What it costs ---


def counted(client, page, query=None):
    client.get(page, query or {})  # what is remembered from the first call on
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(page, query or {})
    assert answer.status_code == 200
    return len(captured)


def test_today_costs_the_same_however_many_departures_there_are(client):
    sign_in(
        client, *GUIDE, "bookings.view_booking", "tours.view_departure", "payments.view_payment", "payments.view_refund"
    )
    departure = leaving()
    booked(departure, travellers=TRAVELLERS)
    page, query = today_of(departure)
    first = counted(client, page, query)
    for minutes in range(6):
        more = moved(DepartureFactory(capacity=30), 61 + minutes)
        for _n in range(2):
            services.check_in(booking_id=booked(more, paid=Decimal(20), travellers=TRAVELLERS).pk, guests=1, actor=None)
    assert (first, counted(client, page, query)) == (13, 13)
    assert counted(client, url("today_csv"), query) == counted(client, url("today_print"), query)


@pytest.mark.parametrize("page", ["manifest", "manifest_csv", "manifest_print", "check_in", "check_in_list"])
def test_a_manifest_costs_the_same_with_two_hundred_guests(client, page):
    guide = sign_in(client, *GUIDE)
    departure = leaving(option__tour__max_guests=30)
    services.check_in(booking_id=booked(departure, travellers=TRAVELLERS).pk, actor=guide, guests=1)
    first = counted(client, url(page, departure.pk))
    template = Booking.objects.get()
    for _n in range(9):
        more = booked(departure, guests={"adult": 22})
        services.check_in(booking_id=more.pk, guests=2, actor=ClerkFactory())
    assert template.guests + 9 * 22 == 200
    assert counted(client, url(page, departure.pk)) == first
    assert first <= 9


# --- Vouchers and the phone ---


def test_a_scanned_voucher_leads_staff_to_the_check_in_and_others_to_its_page(client):
    departure = leaving()
    booking = booked(departure)
    path = "/v/" + voucher_link(booking).rpartition("/")[2]
    public = client.get(path)
    assert (public.status_code, b"This voucher counts." in public.content) == (200, True)
    for person in (CustomerFactory(), ClerkFactory(permissions=["bookings.view_booking"])):
        client.force_login(person)
        assert client.get(path).status_code == 200
    sign_in(client, *GUIDE)
    page = client.get(path, follow=True)
    assert page.redirect_chain[-1][0].startswith(f"{url('check_in', departure.pk)}?code=")
    assert client.get(path + "x").status_code == 404
    assert client.get(url("check_in_code", "forged")).status_code == 404


def test_a_voucher_of_another_operator_is_not_checked_in_here(client, other_tenant):
    sign_in(client, *GUIDE)
    with tenant_context(other_tenant.pk):
        booking = booked(leaving())
        code = voucher_link(booking).rpartition("/")[2]
    assert client.get(url("check_in_code", code)).status_code == 404
    assert client.get(f"/v/{code}").status_code == 200


def test_the_phones_page_holds_no_guests_and_its_worker_is_a_script(client):
    sign_in(client, *GUIDE)
    departure = leaving()
    booked(departure, contact={"name": "Nadia Fouad", "email": "n@example.com"})
    page = client.get(url("check_in", departure.pk))
    assert "Nadia Fouad" not in text_of(page)
    assert "csrftoken" in page.cookies
    worker = client.get(url("check_in_worker"))
    assert worker["Content-Type"].startswith("text/javascript")


def test_steps_by_session_need_the_csrf_token(tenant):
    client = Client(enforce_csrf_checks=True)
    guide = sign_in(client, *GUIDE)
    departure = leaving()
    booking = booked(departure)
    client.get(url("check_in", departure.pk))
    body = {"steps": [{"id": str(uuid.uuid4()), "booking_id": str(booking.pk), "action": "CAME"}]}
    steps = url("check_in_steps", departure.pk)
    assert client.post(steps, body, content_type="application/json").status_code == 403
    assert not CheckIn.objects.exists()
    token = client.cookies["csrftoken"].value
    answer = client.post(steps, body, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.json()["results"][0]["outcome"] == "done"
    assert CheckIn.objects.get().actor == guide


def test_the_list_of_check_ins_is_to_be_looked_at(client):
    sign_in(client, "bookings.view_checkin", "bookings.check_in")
    booking = booked(leaving())
    step = services.check_in(booking_id=booking.pk, actor=None)
    assert booking.reference in text_of(client.get(reverse("admin:bookings_checkin_changelist")))
    assert client.post(reverse("admin:bookings_checkin_delete", args=[step.pk]), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:bookings_checkin_add")).status_code == 403


def test_today_is_the_first_entry_for_those_who_may(client):
    sign_in(client, *GUIDE)
    assert url("today") in text_of(client.get(reverse("admin:index")))
    sign_in(client, "bookings.view_booking")
    assert url("today") not in text_of(client.get(reverse("admin:index")))


def test_tours_are_found_by_name(client):
    sign_in(client, *GUIDE)
    tour = TourFactory(title_en="Felucca at sunset")
    departure = moved(DepartureFactory(option=OptionFactory(tour=tour)), 45)
    page, query = today_of(departure)
    for typed, is_found in (("sunset fel", True), ("pyramids", False), ("", False)):
        text = text_of(client.get(page, {**query, "q": typed, "all": "1" if typed else ""}))
        assert ("<b>Felucca at sunset</b>" in text) is is_found
