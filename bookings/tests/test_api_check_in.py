"""Manifest and check-in over the API: who may, what is refused, and what a phone sends twice."""

import uuid
from datetime import timedelta

import pytest
from django.utils.timezone import now

from bookings.access import voucher_link
from bookings.models import BookingStatus, CheckIn
from bookings.tests.asking import client_of
from bookings.tests.factories import TRAVELLERS, BookingFactory, ClerkFactory, CustomerFactory, move_in_time
from config.tenancy import tenant_context
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus
GUIDE = ["bookings.view_manifest", "bookings.check_in"]
BOOKING = "/api/v1/admin/bookings/{booking}"
DEPARTURE = "/api/v1/admin/departures/{departure}"


def booked(minutes=30, departure=None, **more):
    made = BookingFactory(
        departure=departure or DepartureFactory(capacity=50), **{"guests": {"adult": 4}, "status": S.CONFIRMED, **more}
    )
    start = now() + timedelta(minutes=minutes)
    move_in_time(made, start, start + timedelta(hours=2))
    return made


@pytest.fixture
def guide():
    return client_of(ClerkFactory(permissions=GUIDE, first_name="Mona", last_name="Saleh"))


#          method, url, stranger, customer, clerk without, reader, guide
ACCESS = [
    ("get", f"{DEPARTURE}/manifest", 401, 403, 403, 200, 200),
    ("post", f"{DEPARTURE}/check-ins", 401, 403, 403, 403, 200),
    ("post", f"{BOOKING}/check-in", 401, 403, 403, 403, 200),
    ("post", f"{BOOKING}/absent", 401, 403, 403, 403, 409),
    ("post", f"{BOOKING}/check-in/undo", 401, 403, 403, 403, 404),
]


@pytest.mark.parametrize(("method", "url", "stranger", "customer", "idle", "reader", "leader"), ACCESS)
def test_who_may_what(method, url, stranger, customer, idle, reader, leader):
    for who, wanted in (
        (None, stranger),
        (CustomerFactory(), customer),
        (ClerkFactory(permissions=["bookings.view_booking"]), idle),
        (ClerkFactory(permissions=["bookings.view_manifest"]), reader),
        (ClerkFactory(permissions=GUIDE), leader),
    ):
        booking = booked()
        path = url.format(booking=booking.pk, departure=booking.trip.pk)
        body = {"step": str(uuid.uuid4())} if "undo" in url else {}
        if "check-ins" in url:
            body = {"steps": [{"id": str(uuid.uuid4()), "booking_id": str(booking.pk), "action": "CAME"}]}
        answer = getattr(client_of(who), method)(path, body) if method == "post" else client_of(who).get(path)
        assert answer.status_code == wanted, (who, answer.content)
        assert CheckIn.objects.filter(attendance__item__booking=booking).exists() is (
            wanted == 200 and method == "post"
        )


def test_another_operators_departures_and_bookings_are_not_there(guide, other_tenant):
    with tenant_context(other_tenant.pk):
        theirs = booked()
        departure = theirs.trip.pk
    ours = booked()
    assert guide.get(f"/api/v1/admin/departures/{departure}/manifest").status_code == 404
    body = {"steps": [{"id": str(uuid.uuid4()), "booking_id": str(theirs.pk), "action": "CAME"}]}
    assert guide.post(f"/api/v1/admin/departures/{departure}/check-ins", body).status_code == 404
    assert guide.post(f"/api/v1/admin/bookings/{theirs.pk}/check-in", {}).status_code == 404
    sly = guide.post(f"/api/v1/admin/departures/{ours.trip.pk}/check-ins", body).json()
    assert sly["results"][0]["error"]["error_code"] == "booking_not_found"
    with tenant_context(other_tenant.pk):
        assert not CheckIn.objects.exists()


def test_a_manifest_in_full(guide):
    booking = booked(
        guests={"adult": 2},
        travellers=TRAVELLERS,
        details={"dietary_needs": "vegan", "pickup": "Hotel Nile"},
        language="ar",
    )
    guide.post(f"/api/v1/admin/bookings/{booking.pk}/check-in", {"guests": 1})
    answer = guide.get(f"/api/v1/admin/departures/{booking.trip.pk}/manifest").json()
    local = booking.trip.local_start()
    assert (answer["date"], answer["time"]) == (local.date().isoformat(), f"{local:%H:%M}")
    assert (answer["guests"], answer["came"], answer["missing"], answer["is_open"]) == (2, 1, 1, True)
    [party] = answer["parties"]
    assert (party["name"], party["phone"], party["language"]) == ("Mona Saleh", "+201001234567", "ar")
    assert (party["party"], party["due"], party["pickup"]) == ("2 × Adult", "", "Hotel Nile")
    assert party["needs"] == [{"kind": "diet", "text": "vegan"}]
    assert [one["first_name"] for one in party["travellers"]] == ["Mona", "Karim"]
    [step] = party["steps"]
    assert (step["action"], step["guests"], step["by"], step["method"]) == ("CAME", 1, "Mona Saleh", "NAME")


def test_a_manifest_costs_the_same_however_many_travel(guide, django_assert_num_queries):
    departure = DepartureFactory(capacity=400, option__tour__max_guests=40)
    first = booked(departure=departure, travellers=TRAVELLERS, guests={"adult": 2})
    path = f"/api/v1/admin/departures/{departure.pk}/manifest"
    guide.post(f"/api/v1/admin/bookings/{first.pk}/check-in", {})
    guide.get(path)
    with django_assert_num_queries(4):
        assert guide.get(path).json()["guests"] == 2
    start = now() + timedelta(minutes=30)
    for _n in range(5):
        move_in_time(first, now() + timedelta(days=7), now() + timedelta(days=8))
        more = BookingFactory(departure=departure, guests={"adult": 40}, status=S.CONFIRMED)
        move_in_time(more, start, start + timedelta(hours=2))
        assert guide.post(f"/api/v1/admin/bookings/{more.pk}/check-in", {"guests": 3}).status_code == 200
    with django_assert_num_queries(4):
        assert guide.get(path).json()["guests"] == 202


def test_in_partly_undone_and_absent(guide):
    booking = booked(minutes=-5)
    path = f"/api/v1/admin/bookings/{booking.pk}"
    code = voucher_link(booking).rpartition("/")[2]
    party = guide.post(f"{path}/check-in", {"guests": 3, "code": code, "departure_id": str(booking.trip.pk)}).json()
    assert (party["came"], party["missing"], party["status"]) == (3, 1, "IN_PROGRESS")
    [step] = party["steps"]
    assert step["method"] == "QR"
    party = guide.post(f"{path}/absent", {"reason": "ill"}).json()
    assert (party["came"], party["absent"], party["missing"]) == (3, 1, 0)
    party = guide.post(f"{path}/check-in/undo", {"step": step["id"]}).json()
    assert (party["came"], party["absent"], party["missing"]) == (0, 1, 3)
    again = guide.post(f"{path}/check-in/undo", {"step": step["id"]})
    assert (again.status_code, again.json()["error_code"]) == (409, "check_in_undone")


def test_already_in_says_since_when_and_by_whom_in_both_languages(guide):
    booking = booked()
    path = f"/api/v1/admin/bookings/{booking.pk}/check-in"
    assert guide.post(path, {}).status_code == 200
    answer = guide.post(path, {})
    assert (answer.status_code, answer.json()["error_code"]) == (409, "already_checked_in")
    assert answer.json()["message"].startswith("Already in at ")
    assert answer.json()["details"]["by"] == "Mona Saleh"
    arabic = guide.post(path, {}, headers={"Accept-Language": "ar"}).json()
    assert "سُجِّل الحضور" in arabic["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"guests": 0},
        {"guests": -1},
        {"guests": 1.5},
        {"guests": "2"},
        {"guests": True},
        {"guests": 501},
        {"id": "x"},
        {"at": "yesterday"},
        {"reason": "x" * 501},
        {"code": "x" * 501},
        {"departure_id": "1"},
    ],
)
def test_bad_input_changes_nothing(guide, body):
    booking = booked()
    answer = guide.post(f"/api/v1/admin/bookings/{booking.pk}/check-in", body)
    assert (answer.status_code, list(answer.json()["details"])) == (400, list(body))
    assert not CheckIn.objects.exists()


def test_more_guests_than_are_missing_is_refused(guide):
    booking = booked()
    answer = guide.post(f"/api/v1/admin/bookings/{booking.pk}/check-in", {"guests": 5})
    assert (answer.status_code, answer.json()["error_code"]) == (409, "more_than_missing")
    assert not CheckIn.objects.exists()


def test_a_phone_that_was_offline_sends_twice(guide):
    booking, other = booked(minutes=-5), booked(minutes=-5)
    at = (now() - timedelta(minutes=4)).isoformat()
    came = {"id": str(uuid.uuid4()), "booking_id": str(booking.pk), "action": "CAME", "guests": 3, "at": at}
    steps = [
        came,
        {"id": str(uuid.uuid4()), "booking_id": str(booking.pk), "action": "ABSENT", "at": at},
        {"id": str(uuid.uuid4()), "booking_id": str(other.pk), "action": "CAME"},
        {"id": "broken", "booking_id": str(booking.pk), "action": "CAME"},
        {"id": str(uuid.uuid4()), "booking_id": str(booking.pk), "action": "UNDO"},
        {"nothing": 1},
    ]
    path = f"/api/v1/admin/departures/{booking.trip.pk}/check-ins"
    for _time in range(2):
        answer = guide.post(path, {"steps": steps})
        assert answer.status_code == 200
        found = answer.json()
        assert [(one["outcome"], one["status"]) for one in found["results"]] == [
            ("done", 200),
            ("done", 200),
            ("refused", 409),
            ("refused", 400),
            ("refused", 400),
            ("refused", 400),
        ]
        assert [one["id"] for one in found["results"]] == [step.get("id") for step in steps]
        assert found["results"][2]["error"]["error_code"] == "other_departure"
        assert (found["manifest"]["came"], found["manifest"]["absent"]) == (3, 1)
        assert CheckIn.objects.count() == 2
    assert CheckIn.objects.get(key=came["id"]).at.isoformat() == at


@pytest.mark.parametrize("steps", [None, [], "x", [1], [{}] * 201])
def test_a_batch_without_form_is_refused(guide, steps):
    booking = booked()
    answer = guide.post(f"/api/v1/admin/departures/{booking.trip.pk}/check-ins", {"steps": steps})
    assert (answer.status_code, "steps" in answer.json()["details"]) == (400, True)


def test_malformed_ids_are_not_found(guide):
    for path in ("departures/x/manifest", "bookings/x/check-in", f"departures/{uuid.uuid4()}/manifest"):
        assert guide.get(f"/api/v1/admin/{path}").status_code == 404
