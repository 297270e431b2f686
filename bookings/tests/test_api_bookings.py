import uuid
from decimal import Decimal

import pytest

from bookings import services
from bookings.access import booking_token
from bookings.models import Booking, BookingStatus, Hold
from bookings.tests.asking import client_of, party, seats_of
from bookings.tests.factories import (
    CONTACT,
    TRAVELLERS,
    BookingFactory,
    ClerkFactory,
    CustomerFactory,
    HoldFactory,
    run_out,
)
from tours.tests.factories import DepartureFactory

S = BookingStatus


@pytest.fixture
def departure(tenant):
    return DepartureFactory(capacity=10)


def test_a_customer_books_a_hold(departure):
    mona = CustomerFactory()
    client = client_of(mona)
    hold = client.post("/api/v1/holds", party(departure, guests={"adult": 2})).json()
    answer = client.post(
        "/api/v1/bookings",
        {
            "hold_id": hold["id"],
            "contact": CONTACT,
            "travellers": TRAVELLERS,
            "special_requests": "Near the window",
            "emergency_contact": {"name": "Hany", "phone": "+201112223334"},
            "language": "ar",
            # What a client might try:
            "status": "CONFIRMED",
            "payment_status": "PAID",
            "total": "1.00",
            "currency": "EUR",
            "amount_due": "0.00",
            "quote": {"total": "1.00"},
            "customer": str(uuid.uuid4()),
        },
    )
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["status"], made["payment_status"]) == ("PENDING_PAYMENT", "UNPAID")
    assert (made["total"], made["currency"], made["amount_due"]) == ("200.00", "USD", "200.00")
    assert made["quote"]["fingerprint"] == hold["quote"]["fingerprint"]
    assert (made["contact"]["email"], made["language"], made["source"]) == (CONTACT["email"], "ar", "SELF")
    assert made["emergency_contact"] == {"name": "Hany", "phone": "+201112223334"}
    assert [traveller["first_name"] for traveller in made["travellers"]] == ["Mona", "Karim"]
    assert [(line["action"], line["new_status"], line["by"]) for line in made["timeline"]] == [
        ("status", "PENDING_PAYMENT", "customer")
    ]
    assert made["items"][0]["hold_id"] == hold["id"]
    assert made["cancellation_policy"] == ["Until 24 hours before the start: 100 % back", "Later: nothing back"]
    booking = Booking.objects.get(pk=made["id"])
    assert (booking.customer_id, booking.total) == (mona.pk, Decimal(200))
    listed = client.get("/api/v1/bookings").json()
    assert (listed["total"], listed["items"][0]["reference"]) == (1, made["reference"])
    assert seats_of(departure) == (2, 0)


def test_booking_at_once_holds_and_books(departure):
    answer = client_of(**{"Accept-Language": "ar"}).post("/api/v1/bookings", party(departure, contact=CONTACT))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["total"], made["language"], made["items"][0]["kind"]["name"]) == ("250.00", "ar", "جولة")
    assert seats_of(departure) == (3, 0)
    path = f"/api/v1/bookings/{made['id']}"
    assert client_of().get(path).status_code == 404
    assert client_of(**{"X-Booking-Token": made["token"]}).get(path).json()["reference"] == made["reference"]
    assert client_of().get(f"{path}?token={made['token']}").status_code == 200
    assert client_of().get(f"{path}?token={made['token']}x").status_code == 404


BAD_BOOKINGS = [
    ({"contact": None}, 400, "invalid"),
    ({"contact": {"name": "Mona"}}, 400, "invalid"),
    ({"contact": {**CONTACT, "email": "nobody"}}, 400, "invalid"),
    ({"contact": {**CONTACT, "phone": "12"}}, 400, "invalid"),
    ({"contact": {**CONTACT, "name": ""}}, 400, "invalid"),
    ({"contact": {**CONTACT, "name": "x" * 121}}, 400, "invalid"),
    ({"contact": {**CONTACT, "name": "Mo\x00na"}}, 400, "invalid"),
    ({"hold_id": "01a1fd0e-0000-7000-8000-000000000000"}, 400, "invalid"),
    ({"departure_id": None}, 400, "invalid"),
    ({"guests": {"adult": 0}}, 400, "invalid"),
    ({"travellers": [{"first_name": "Mona"}]}, 400, "invalid"),
    ({"travellers": [{"first_name": "x" * 61, "last_name": "y"}]}, 400, "invalid"),
    ({"travellers": [{"first_name": "", "last_name": "y"}]}, 400, "invalid"),
    ({"travellers": TRAVELLERS}, 422, "travellers_mismatch"),
    ({"special_requests": "x" * 2001}, 400, "invalid"),
    ({"language": "fr"}, 400, "invalid"),
    ({"customer_id": "01a1fd0e-0000-7000-8000-000000000000"}, 422, "customer_not_found"),
    ({"fingerprint": "0" * 32}, 409, "price_changed"),
]


@pytest.mark.parametrize(("changes", "status", "code"), BAD_BOOKINGS)
def test_bad_bookings_get_a_clear_answer_and_take_nothing(departure, changes, status, code):
    answer = client_of().post("/api/v1/bookings", party(departure, **{"contact": CONTACT, **changes}))
    assert (answer.status_code, answer.json()["error_code"]) == (status, code), answer.json()
    assert seats_of(departure) == (0, 0)
    assert not Booking.objects.exists()
    assert not Hold.objects.exists()


def test_a_guest_without_contact_is_asked_for_one(departure):
    answer = client_of().post("/api/v1/bookings", party(departure))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "contact_required")
    assert seats_of(departure) == (0, 0)


def test_holds_that_cannot_be_booked_say_why(departure):
    mona = CustomerFactory()
    client = client_of(mona)

    def book(hold):
        answer = client.post("/api/v1/bookings", {"hold_id": str(hold.pk)})
        return answer.status_code, answer.json().get("error_code")

    old, released, booked, foreign = (HoldFactory(departure=departure, actor=mona) for _n in range(4))
    run_out(old)
    services.release_hold(hold_id=released.pk, actor=mona)
    assert client.post("/api/v1/bookings", {"hold_id": str(booked.pk)}).status_code == 201
    Hold.objects.filter(pk=foreign.pk).update(customer=CustomerFactory())
    assert book(old) == (409, "hold_expired")
    assert book(released) == (409, "hold_released")
    assert book(booked) == (409, "hold_booked")
    assert book(foreign) == (404, "hold_not_found")
    assert Booking.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_key_and_body_is_one_booking(departure):
    client = client_of(CustomerFactory(), **{"Idempotency-Key": "b1"})
    first = client.post("/api/v1/bookings", party(departure))
    again = client.post("/api/v1/bookings", party(departure))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert client.post("/api/v1/bookings", party(departure, pickup="Hotel")).json()["error_code"] == (
        "idempotency_key_reused"
    )
    assert Booking.objects.count() == 1
    assert seats_of(departure) == (3, 0)


def test_contact_and_needs_change_and_nothing_else(departure):
    booking = BookingFactory(departure=departure)
    client = client_of(booking.customer)
    answer = client.patch(
        f"/api/v1/bookings/{booking.pk}",
        {
            "contact": {"name": "Nour", "email": "nour@example.com"},
            "pickup": "Cecil",
            "status": "CONFIRMED",
            "total": "1.00",
            "staff_note": "x",
            "reference": "BK-AAAAAA",
        },
    )
    assert answer.status_code == 200
    booking.refresh_from_db()
    assert (booking.contact_name, booking.contact_email, booking.pickup) == ("Nour", "nour@example.com", "Cecil")
    assert (booking.status, booking.total, booking.staff_note) == (S.PENDING_PAYMENT, Decimal(200), "")
    assert answer.json()["reference"] == booking.reference != "BK-AAAAAA"
    assert client.patch(f"/api/v1/bookings/{booking.pk}", {"language": "fr"}).status_code == 400


def test_the_refund_is_shown_then_given(departure):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    client = client_of(booking.customer)
    path = f"/api/v1/bookings/{booking.pk}"
    shown = client.get(f"{path}/cancellation").json()
    assert (shown["refund"], shown["fee"], shown["currency"]) == ("200.00", "0.00", "USD")
    assert [line["label"] for line in shown["lines"]] == [
        "Paid so far",
        "Cancelled 24 hours or more before the start: 0 % of the price is kept",
    ]
    wrong = client.put(f"{path}/cancel", {"expected_refund": "10.00"})
    assert (wrong.status_code, wrong.json()["error_code"]) == (409, "refund_changed")
    override = client.put(f"{path}/cancel", {"refund_percent": "100", "reason": "please"})
    assert override.status_code == 403
    for _twice in range(2):
        answer = client.put(f"{path}/cancel", {"reason": "ill", "expected_refund": "200.00"})
        assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
    assert answer.json()["cancellation"]["refund"] == "200.00"
    assert seats_of(departure) == (0, 0)
    gone = client.get(f"{path}/cancellation")
    assert (gone.status_code, gone.json()["error_code"]) == (409, "illegal_move")


def test_staff_go_against_the_policy_with_permission_and_reason(departure):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    clerk = ClerkFactory(permissions=["bookings.view_booking", "bookings.cancel", "bookings.override_policy"])
    path = f"/api/v1/bookings/{booking.pk}/cancel"
    assert client_of(clerk).put(path, {"refund_percent": "25"}).json()["error_code"] == "reason_required"
    for wrong in ("-1", "101", "x", "NaN"):
        assert client_of(clerk).put(path, {"refund_percent": wrong, "reason": "x"}).status_code == 400
    answer = client_of(clerk).put(path, {"refund_percent": "25", "reason": "late, but ill"})
    assert answer.json()["cancellation"]["refund"] == "50.00"
    line = answer.json()["timeline"][-1]
    assert (line["by"], line["actor"]) == ("staff", str(clerk))


def test_documents_come_with_confirmation(departure):
    booking = BookingFactory(departure=departure)
    client = client_of(booking.customer)
    path = f"/api/v1/bookings/{booking.pk}"
    for name in ("voucher.pdf", "calendar.ics"):
        early = client.get(f"{path}/{name}")
        assert (early.status_code, early.json()["error_code"]) == (409, "voucher_not_ready")
    services.record_payment(booking_id=booking.pk, paid=booking.total, refunded=Decimal(0))
    pdf = client.get(f"{path}/voucher.pdf", headers={"Accept": "application/pdf"})
    assert (pdf.status_code, pdf["Content-Type"], pdf.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert pdf["Content-Disposition"] == f'attachment; filename="{booking.reference}.pdf"'
    assert client.get(f"{path}/voucher.pdf?language=fr").status_code == 400
    ics = client_of().get(f"{path}/calendar.ics?token={booking_token(booking)}")
    assert (ics.status_code, ics["Content-Type"]) == (200, "text/calendar; charset=utf-8")


def test_looking_a_booking_up_tells_nothing(departure):
    booking = BookingFactory(departure=departure, actor=None)
    asked = {"reference": booking.reference.lower(), "email": CONTACT["email"].upper()}
    for body in (asked, {**asked, "email": "other@example.com"}, {**asked, "reference": "BK-AAAAAA"}):
        answer = client_of().post("/api/v1/bookings/lookup", body)
        assert (answer.status_code, answer.content) == (202, b"")
    assert client_of().post("/api/v1/bookings/lookup", {"reference": "x"}).status_code == 400


def test_fields_are_selected_of_a_booking_and_of_each_in_a_list(departure):
    """A booking has items and a total, as pages have."""
    booking = BookingFactory(departure=departure)
    client = client_of(booking.customer)
    wanted = {"reference": booking.reference, "total": "200.00"}
    assert client.get(f"/api/v1/bookings/{booking.pk}?fields=reference,total").json() == wanted
    page = client.get("/api/v1/bookings?fields=reference,total").json()
    assert page == {"items": [wanted], "total": 1, "page": 1, "size": 20, "pages": 1}
    inner = client.get(f"/api/v1/bookings/{booking.pk}?fields=items").json()
    assert [set(item) > {"departure_id"} for item in inner["items"]] == [True]
