import pytest
from django.db import OperationalError

from bookings import services
from bookings.models import Booking, BookingStatus
from bookings.tests.asking import client_of
from bookings.tests.factories import BookingFactory, ClerkFactory, CustomerFactory
from config.tenancy import tenant_context
from notifications.models import Event
from tours.models import Departure
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")

BOOKINGS, DEPARTURES = "/api/v1/admin/bookings/batch", "/api/v1/admin/departures/batch"
ALL = [f"bookings.{name}" for name in ("view_booking", "change_booking", "confirm", "cancel")]
TOURS = ["tours.view_departure", "tours.change_departure", "tours.close"]


def ask(operations, *permissions, url=BOOKINGS, clerk=None, **headers):
    clerk = clerk or ClerkFactory(permissions=permissions or ALL)
    return client_of(clerk).post(url, {"operations": operations}, headers=headers)


def statuses(answer):
    return [result["status"] for result in answer.json()["results"]]


def test_each_operation_is_done_or_refused_by_itself():
    waiting, paid, gone = BookingFactory(), BookingFactory(status=BookingStatus.CONFIRMED), BookingFactory()
    operations = [
        {"action": "confirm", "id": str(waiting.pk), "reason": "company account"},
        {"action": "confirm", "id": str(gone.pk)},
        {"action": "cancel", "id": str(gone.pk), "reason": "caller asked"},
        {"action": "resend_voucher", "id": str(gone.pk)},
        {"action": "resend_voucher", "id": str(paid.pk)},
        {"action": "note", "id": str(paid.pk), "text": "window seat"},
        {"action": "no_show", "id": str(paid.pk)},
        {"action": "cancel", "id": str(CustomerFactory().pk)},
        {"action": "explode", "id": str(paid.pk)},
        {"action": "cancel", "id": "nonsense"},
        "cancel everything",
    ]
    answer = ask(operations)
    assert answer.status_code == 200
    assert statuses(answer) == [200, 400, 200, 409, 200, 200, 409, 404, 400, 400, 400]
    body = answer.json()
    assert (body["done"], body["refused"]) == (4, 7)
    assert body["results"][0] == {
        "index": 0,
        "action": "confirm",
        "id": str(waiting.pk),
        "status": 200,
        "error": None,
        "result": {
            "id": str(waiting.pk),
            "reference": waiting.reference,
            "status": "CONFIRMED",
            "payment_status": "UNPAID",
        },
    }
    refused = body["results"][3]
    assert refused["result"] is None
    assert set(refused["error"]) == {"error", "error_code", "message", "details", "timestamp", "request_id"}
    assert refused["error"]["error_code"] == "voucher_not_ready"
    assert body["results"][1]["error"]["details"] == {"reason": ["This field is required."]}
    assert [Booking.objects.get(pk=one.pk).status for one in (waiting, gone)] == ["CONFIRMED", "CANCELLED"]
    assert Booking.objects.get(pk=paid.pk).staff_note == "window seat"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operations": []},
        {"operations": {}},
        {"operations": None},
        [],
        {"operations": [{}] * 101},
        {"operations": "x"},
    ],
)
def test_what_is_no_list_of_operations_is_refused_whole(body):
    answer = client_of(ClerkFactory(permissions=ALL)).post(BOOKINGS, body)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "invalid"


def test_one_that_breaks_off_is_told_and_the_others_are_done(monkeypatch):
    """Where the whole call failed, nobody would know what was done before."""
    first, second, third = BookingFactory(), BookingFactory(), BookingFactory()
    cancel = services.cancel_booking

    def cancel_or_break(*, booking_id, **rest):
        if booking_id == second.pk:
            raise OperationalError("the connection is closed")
        if booking_id == third.pk:
            raise RuntimeError("password=hunter2")
        return cancel(booking_id=booking_id, **rest)

    monkeypatch.setattr(services, "cancel_booking", cancel_or_break)
    answer = ask([{"action": "cancel", "id": str(one.pk)} for one in (second, third, first)])
    assert (answer.status_code, statuses(answer)) == (200, [503, 500, 200])
    away, broken = (result["error"] for result in answer.json()["results"][:2])
    assert (away["error_code"], away["details"]) == ("unavailable", {"retry_after": 5})
    assert (broken["error_code"], "hunter2" in answer.content.decode()) == ("internal_error", False)
    assert Booking.objects.get(pk=first.pk).status == BookingStatus.CANCELLED


def test_a_hundred_are_taken():
    booking = BookingFactory(status=BookingStatus.CONFIRMED)
    answer = ask([{"action": "note", "id": str(booking.pk), "text": str(n)} for n in range(100)])
    assert (answer.json()["done"], Booking.objects.get(pk=booking.pk).staff_note) == (100, "99")


def test_repeated_with_its_key_it_is_done_once():
    booking, clerk = BookingFactory(status=BookingStatus.CONFIRMED), ClerkFactory(permissions=ALL)
    operations = [{"action": "resend_voucher", "id": str(booking.pk)}]
    answers = [ask(operations, clerk=clerk, **{"Idempotency-Key": "batch-1"}) for _n in range(3)]
    assert [answer.json() for answer in answers[1:]] == [answers[0].json()] * 2
    assert answers[1]["Idempotency-Replayed"] == "true"
    assert Event.objects.filter(type="booking.voucher_asked").count() == 1
    other = ask([*operations, *operations], clerk=clerk, **{"Idempotency-Key": "batch-1"})
    assert (other.status_code, other.json()["error_code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("action", "missing"),
    [("confirm", "bookings.confirm"), ("cancel", "bookings.cancel"), ("note", "bookings.change_booking")],
)
def test_each_action_has_its_permission(action, missing):
    booking = BookingFactory()
    operation = {"action": action, "id": str(booking.pk), "reason": "why", "text": "x"}
    answer = ask([operation], *[name for name in ALL if name != missing])
    assert (answer.status_code, statuses(answer)) == (200, [403])
    assert answer.json()["results"][0]["error"]["error_code"] == "permission_denied"
    booking.refresh_from_db()
    assert (booking.status, booking.staff_note) == ("PENDING_PAYMENT", "")


@pytest.mark.parametrize("url", [BOOKINGS, DEPARTURES])
def test_strangers_customers_and_agents_may_not(url):
    body = {"operations": [{"action": "cancel", "id": str(CustomerFactory().pk)}]}
    assert client_of().post(url, body).status_code == 401
    assert client_of(CustomerFactory()).post(url, body).status_code == 403


def test_other_operators_rows_are_not_there(other_tenant):
    with tenant_context(other_tenant.pk):
        booking, departure = BookingFactory(), DepartureFactory()
    assert statuses(ask([{"action": "cancel", "id": str(booking.pk)}])) == [404]
    closing = [{"action": "close", "id": str(departure.pk), "reason": "storm"}]
    assert statuses(ask(closing, *TOURS, url=DEPARTURES)) == [404]


def test_departures_are_closed_reopened_and_changed():
    one, two = DepartureFactory(), DepartureFactory()
    BookingFactory(departure=two)
    answer = ask(
        [
            {"action": "close", "id": str(one.pk), "reason": "storm"},
            {"action": "close", "id": str(one.pk)},
            {"action": "change", "id": str(two.pk), "capacity": 1},
            {"action": "change", "id": str(two.pk), "capacity": 5, "note_en": "Bring a hat"},
            {"action": "change", "id": str(two.pk), "capacity": -1},
            {"action": "reopen", "id": str(one.pk)},
        ],
        *TOURS,
        url=DEPARTURES,
    )
    assert statuses(answer) == [200, 400, 409, 200, 400, 200]
    assert answer.json()["results"][2]["error"]["details"]["sold"] == 2
    assert answer.json()["results"][3]["result"]["seats_left"] == 3
    two.refresh_from_db()
    assert (two.capacity, two.note_en, Departure.objects.get(pk=one.pk).status) == (5, "Bring a hat", "OPEN")
