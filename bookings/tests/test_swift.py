"""The hot calls' fast form beside the plain one: the same rows, the same answer, the same refusals."""

from decimal import Decimal
from functools import partial

import pytest
from django.db import connection

from accounts.models import IdempotencyKey
from bookings import services
from bookings.kinds import kind_called
from bookings.models import Booking, BookingEvent, BookingItem, Hold, Traveller
from bookings.services import drafts
from bookings.services import swift as swift_services
from bookings.tests.asking import client_of, seats_of
from bookings.tests.factories import CONTACT, TRAVELLERS, ClerkFactory, CustomerFactory, HoldFactory, run_out
from bookings.views.bookings import BookingsView
from config.testing import run_together
from notifications.models import Delivery, Event
from tours.tests.factories import DepartureFactory

SEVERAL = pytest.mark.django_db(transaction=True)


@pytest.fixture
def departure(tenant):
    kind_called("TOUR")
    return DepartureFactory(capacity=100)


# --- Rows and answers -----------------------------------------------------------------------------------------------

# What differs between any two bookings.
OF_ITS_OWN = {
    "id", "booking_id", "hold_id", "event_id", "subject_id", "reference", "key", "token", "body_hash",
    "at", "created_at", "expires_at", "occurred_at", "next_try_at", "taken_at", "generated_at",
}  # fmt: skip


def common(value):
    """The value without what is any booking's own, whole instants included."""
    if isinstance(value, dict):
        return {name: common(item) for name, item in value.items() if name not in OF_ITS_OWN}
    return [common(item) for item in value] if isinstance(value, list) else value


def rows_of(made):
    """Every row that a booking brought, as the database has them."""
    booking = Booking.objects.filter(pk=made["id"])
    return {
        "booking": list(booking.values()),
        "items": list(BookingItem.objects.filter(booking__in=booking).values()),
        "travellers": list(Traveller.objects.filter(booking__in=booking).order_by("position").values()),
        "history": list(BookingEvent.objects.filter(booking__in=booking).values()),
        "facts": list(Event.objects.filter(subject_id=made["id"]).values()),
        "deliveries": list(Delivery.objects.filter(event__subject_id=made["id"]).order_by("subscriber").values()),
        "keys": list(IdempotencyKey.objects.filter(answer__id=made["id"]).values()),
        "hold": list(
            Hold.objects.filter(items__booking__in=booking).values("status", "seats", "extensions", "ended_at")
        ),
    }


@pytest.fixture
def plainly(monkeypatch):
    """Everything goes the plain way while the block runs."""

    def run(call):
        with monkeypatch.context() as patch:
            patch.setattr(BookingsView, "book_swiftly", lambda self, request: None)
            return call()

    return run


@pytest.fixture
def swiftly(monkeypatch):
    """The plain way is not there."""

    def run(call):
        with monkeypatch.context() as patch:
            patch.setattr(BookingsView, "book_plainly", None)
            return call()

    return run


WISHES = {
    "nothing": {},
    "everything": {
        "contact": CONTACT,
        "travellers": [{**TRAVELLERS[0], "age": 40, "nationality": "EG", "note": "No fish"}, TRAVELLERS[1]],
        "special_requests": "Near the window\nand early",
        "dietary_needs": "None",
        "accessibility_needs": "A ramp",
        "pickup": "Hotel Cecil",
        "language": "ar",
    },
    "no telephone": {"contact": {"name": "منى صالح", "email": "mona@example.com"}, "travellers": []},
}


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("who", ["customer", "guest", "agent"])
@pytest.mark.parametrize("wishes", WISHES)
def test_both_ways_write_the_same_rows_and_give_the_same_answer(departure, plainly, swiftly, who, wishes, language):
    user = None if who == "guest" else CustomerFactory()
    if who == "agent":
        user = ClerkFactory()
        user.membership.role.code = "AGENT"
        user.membership.role.save(update_fields=["code"])
    body = WISHES[wishes] if wishes != "nothing" or who == "customer" else {"contact": CONTACT}
    found = []
    for way in (plainly, swiftly):
        hold = HoldFactory(departure=departure, actor=user)
        client = client_of(user, **{"Accept-Language": language, "Idempotency-Key": way.__qualname__ + str(len(found))})
        sent = {"hold_id": str(hold.pk), **({"hold_token": hold.token} if user is None else {}), **body}
        answer = way(lambda client=client, sent=sent: client.post("/api/v1/bookings", sent))
        assert answer.status_code == 201, answer.json()
        made = answer.json()
        again = client.get(f"/api/v1/bookings/{made['id']}?token={made['token']}").json()
        assert {**again, "token": made["token"]} == made
        found.append((made, rows_of(made)))
    (plain, plain_rows), (swift_one, swift_rows) = found
    assert common(swift_one) == common(plain)
    assert list(swift_one) == list(plain)
    assert common(swift_rows) == common(plain_rows)
    assert all(len(swift_rows[name]) == 1 for name in ("booking", "items", "history", "facts", "keys", "hold"))
    assert swift_rows["keys"][0]["answer"] == swift_one
    assert seats_of(departure) == (4, 0)


def book(client, hold, **more):
    return client.post("/api/v1/bookings", {"hold_id": str(hold.pk), **more})


@pytest.mark.parametrize("moment", ["before it is seen", "between seeing and writing"])
@pytest.mark.parametrize(
    ("happens", "status", "code"),
    [
        ("its time is over", 409, "hold_expired"),
        ("it is let go", 409, "hold_released"),
        ("it expires", 409, "hold_expired"),
        ("it is booked", 409, "hold_booked"),
        ("it is extended", 201, None),
    ],
)
@SEVERAL
def test_a_hold_that_changes_is_refused_or_booked_as_it_is_now(departure, monkeypatch, moment, happens, status, code):
    mona = CustomerFactory()
    hold = HoldFactory(departure=departure, actor=mona)
    change = {
        "its time is over": lambda: run_out(hold),
        "it is let go": lambda: services.release_hold(hold_id=hold.pk, actor=mona),
        "it expires": lambda: (run_out(hold), services.expire_holds()),
        "it is booked": lambda: services.create_booking(hold_id=hold.pk, actor=mona),
        "it is extended": lambda: services.extend_hold(hold_id=hold.pk, actor=mona),
    }[happens]
    if moment == "before it is seen":
        change()
    else:
        write = swift_services._write

        def change_then_write(*given):
            change()
            return write(*given)

        monkeypatch.setattr(swift_services, "_write", change_then_write)
    answer = book(client_of(mona, **{"Idempotency-Key": "k"}), hold)
    assert (answer.status_code, answer.json().get("error_code")) == (status, code)
    assert Booking.objects.count() == (happens in ("it is booked", "it is extended"))
    hold.refresh_from_db()
    if status == 201:
        assert Booking.objects.get().expires_at == hold.expires_at
    assert IdempotencyKey.objects.count() == (status == 201)


@SEVERAL
def test_the_repeat_gets_the_first_answer_whatever_became_of_the_hold(departure):
    mona = CustomerFactory()
    hold = HoldFactory(departure=departure, actor=mona)
    client = client_of(mona, **{"Idempotency-Key": "k"})
    first = book(client, hold)
    run_out(hold)
    services.expire_holds()
    again = book(client, hold)
    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
    assert again.json() == first.json()
    assert book(client, hold, pickup="Hotel").json()["error_code"] == "idempotency_key_reused"
    assert book(client, hold, language="fr").json()["error_code"] == "idempotency_key_reused"
    assert Booking.objects.count() == 1


@SEVERAL
@pytest.mark.parametrize("keys", ["one", "many", "none"])
def test_one_hold_asked_for_sixteen_times_at_once_is_one_booking(departure, keys):
    mona = CustomerFactory()
    hold = HoldFactory(departure=departure, actor=mona)
    pool = connection.settings_dict["OPTIONS"]["pool"]
    before = dict(pool)
    connection.close()
    connection.close_pool()
    pool.update(max_size=20)
    try:
        headers = [{"Idempotency-Key": f"k{0 if keys == 'one' else n}"} if keys != "none" else {} for n in range(16)]
        answers = run_together(*[partial(book, client_of(mona, **header), hold) for header in headers])
    finally:
        connection.close()
        connection.close_pool()
        pool.update(before)
    codes = sorted((answer.status_code, answer.json().get("error_code", "")) for answer in answers)
    if keys == "one":
        assert codes == [(201, "")] * 16
        assert len({answer.json()["id"] for answer in answers}) == 1
    else:
        assert codes == [(201, "")] + [(409, "hold_booked")] * 15
    assert (Booking.objects.count(), Delivery.objects.count()) == (1, 1)
    assert seats_of(departure) == (2, 0)


@SEVERAL
def test_a_reference_that_exists_is_drawn_again(departure, monkeypatch):
    mona = CustomerFactory()
    client = client_of(mona)
    first = book(client, HoldFactory(departure=departure, actor=mona)).json()["reference"]
    drawn = iter([first, "BK-222222"])
    monkeypatch.setattr(drafts, "short_reference", lambda prefix: next(drawn))
    assert book(client, HoldFactory(departure=departure, actor=mona)).json()["reference"] == "BK-222222"


def test_what_costs_nothing_is_confirmed_at_once(departure):
    departure.option.prices.update(amount=Decimal(0))
    mona = CustomerFactory()
    made = book(client_of(mona), HoldFactory(departure=departure, actor=mona)).json()
    assert (made["status"], made["total"]) == ("CONFIRMED", "0.00")


def test_staff_see_what_staff_see(departure):
    clerk = ClerkFactory(permissions=["bookings.view_booking", "bookings.add_booking"])
    made = book(client_of(clerk), HoldFactory(departure=departure, actor=clerk), contact=CONTACT).json()
    assert (made["source"], made["timeline"][0]["actor"]) == ("ADMIN", str(clerk))


def test_strangers_are_refused_where_the_operator_wants_none(departure, tenant):
    hold = HoldFactory(departure=departure, actor=None)
    tenant.guests_may_book = False
    tenant.save(update_fields=["guests_may_book"])
    answer = book(client_of(), hold, hold_token=hold.token, contact=CONTACT)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "sign_in_to_book")
    assert not Booking.objects.exists()


def test_another_operators_hold_is_not_there(departure, other_tenant):
    mona = CustomerFactory()
    hold = HoldFactory(departure=departure, actor=mona)
    answer = book(client_of(**{"X-Tenant": "other"}), hold, hold_token="x", contact=CONTACT)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "hold_not_found")
