import uuid
from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts.tests.factories import MembershipFactory
from bookings.access import booking_token
from bookings.models import BookingStatus
from bookings.tests.asking import client_of
from bookings.tests.factories import (
    BookingFactory,
    ClerkFactory,
    CustomerFactory,
    HoldFactory,
    move_in_time,
)
from config.tenancy import tenant_context
from tours.models import Departure
from tours.tests.factories import DepartureFactory

S = BookingStatus


@pytest.fixture
def departure(tenant):
    return DepartureFactory(capacity=10)


def test_staff_find_bookings(departure):
    mona = BookingFactory(departure=departure, status=S.CONFIRMED)
    karim = BookingFactory(
        departure=departure, contact={"name": "كريم حسن", "email": "karim@example.com", "phone": "+971501234567"}
    )
    client = client_of(ClerkFactory(permissions=["bookings.view_booking"]))

    def found(query):
        answer = client.get(f"/api/v1/admin/bookings?{query}")
        assert answer.status_code == 200, answer.json()
        return {row["reference"] for row in answer.json()["items"]}

    both, day = {mona.reference, karim.reference}, departure.starts_at.date().isoformat()
    assert found("") == both
    assert found("status=CONFIRMED") == {mona.reference}
    assert found("status=CONFIRMED&status=PENDING_PAYMENT") == both
    assert found("payment_status=UNPAID") == {karim.reference}
    assert found(f"tour={departure.tour_id}&departure={departure.pk}") == both
    assert found(f"date_from={day}&date_to={day}") == both
    assert found("date_to=2020-01-01") == set()
    for query in (karim.reference[3:].lower(), "كريم", "KARIM@", "971 50 123"):
        assert found(f"q={query}") == {karim.reference}
    for wrong in ("status=GONE", "tour=x", "date_from=tomorrow", "page=0", "size=101"):
        assert client.get(f"/api/v1/admin/bookings?{wrong}").status_code == 400


def test_staff_confirm_resend_and_mark_no_show(departure):
    booking = BookingFactory(departure=departure)
    clerk = client_of(
        ClerkFactory(permissions=["bookings.confirm", "bookings.change_booking", "bookings.view_booking"])
    )
    path = f"/api/v1/admin/bookings/{booking.pk}"
    assert clerk.post(f"{path}/confirm", {}).status_code == 400
    assert clerk.post(f"{path}/resend-voucher").json()["error_code"] == "voucher_not_ready"
    assert clerk.post(f"{path}/confirm", {"reason": "pays cash"}).json()["status"] == "CONFIRMED"
    assert clerk.post(f"{path}/resend-voucher").status_code == 202
    assert clerk.post(f"{path}/no-show").json()["error_code"] == "not_started"
    move_in_time(booking, now() - timedelta(hours=1), now() + timedelta(hours=1))
    assert clerk.post(f"{path}/no-show", {"reason": "nobody came"}).json()["status"] == "NO_SHOW"
    unknown = f"/api/v1/admin/bookings/{uuid.uuid4()}/confirm"
    assert clerk.post(unknown, {"reason": "x"}).status_code == 404


BOOKING = "/api/v1/bookings/{booking}"
STAFF = "/api/v1/admin/bookings"
#          method, url, stranger, other customer, owner, link, clerk without, clerk with permissions
ACCESS = [
    ("get", "/api/v1/allotments", 401, 403, 403, 401, 403, 403),
    ("get", "/api/v1/holds/{hold}", 404, 404, 200, 404, 404, 200),
    ("post", "/api/v1/holds/{hold}/extend", 404, 404, 200, 404, 404, 200),
    ("delete", "/api/v1/holds/{hold}", 404, 404, 204, 404, 404, 204),
    ("get", "/api/v1/bookings", 401, 200, 200, 401, 200, 200),
    ("get", BOOKING, 404, 404, 200, 200, 404, 200),
    ("patch", BOOKING, 404, 404, 200, 200, 404, 200),
    ("get", f"{BOOKING}/cancellation", 404, 404, 200, 200, 404, 200),
    ("put", f"{BOOKING}/cancel", 404, 404, 200, 200, 404, 200),
    ("get", f"{BOOKING}/voucher.pdf", 404, 404, 200, 200, 404, 200),
    ("get", f"{BOOKING}/calendar.ics", 404, 404, 200, 200, 404, 200),
    ("get", STAFF, 401, 403, 403, 401, 403, 200),
    ("post", f"{STAFF}/{{booking}}/confirm", 401, 403, 403, 401, 403, 200),
    ("post", f"{STAFF}/{{booking}}/resend-voucher", 401, 403, 403, 401, 403, 202),
    ("post", f"{STAFF}/{{booking}}/no-show", 401, 403, 403, 401, 403, 409),
]


@pytest.mark.parametrize(("method", "url", "stranger", "other", "owner", "link", "idle", "clerk"), ACCESS)
def test_who_may_what(departure, method, url, stranger, other, owner, link, idle, clerk):
    permissions = ["view_booking", "change_booking", "change_hold", "confirm", "cancel"]
    for who, wanted in (
        ("stranger", stranger),
        ("other", other),
        ("owner", owner),
        ("link", link),
        ("idle", idle),
        ("clerk", clerk),
    ):
        Departure.objects.update(capacity=100)
        booking = BookingFactory(departure=departure, status=S.CONFIRMED)
        hold = HoldFactory(departure=departure, actor=booking.customer)
        client = {
            "stranger": lambda: client_of(),
            "other": lambda: client_of(CustomerFactory()),
            "owner": lambda owner=booking.customer: client_of(owner),
            "link": lambda booking=booking: client_of(**{"X-Booking-Token": booking_token(booking)}),
            "idle": lambda: client_of(ClerkFactory()),
            "clerk": lambda: client_of(ClerkFactory(permissions=[f"bookings.{name}" for name in permissions])),
        }[who]()
        answer = getattr(client, method)(url.format(booking=booking.pk, hold=hold.pk), {"reason": "because"})
        assert answer.status_code == wanted, (who, answer.content)


def test_a_clerk_who_only_looks_changes_nothing(departure):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    client = client_of(ClerkFactory(permissions=["bookings.view_booking"]))
    assert client.patch(f"/api/v1/bookings/{booking.pk}", {"pickup": "x"}).status_code == 403
    assert client.put(f"/api/v1/bookings/{booking.pk}/cancel", {}).status_code == 403


def test_another_operators_bookings_are_not_there(departure, other_tenant):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    with tenant_context(other_tenant.pk):
        foreign = client_of(booking.customer, **{"X-Tenant": other_tenant.slug})
        MembershipFactory(user=booking.customer)
    for path in ("", "/cancellation", "/voucher.pdf"):
        assert foreign.get(f"/api/v1/bookings/{booking.pk}{path}").status_code == 404
    assert foreign.get("/api/v1/bookings").json()["total"] == 0
    linked = client_of(**{"X-Tenant": other_tenant.slug, "X-Booking-Token": booking_token(booking)})
    assert linked.get(f"/api/v1/bookings/{booking.pk}").status_code == 404


def test_malformed_ids_are_not_found(tenant):
    client = client_of(CustomerFactory())
    for path in ("holds/x", "bookings/x", "bookings/1%00", "bookings/x/voucher.pdf"):
        answer = client.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["error_code"]) == (404, "not_found")
