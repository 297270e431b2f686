import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from accounts.models import IdempotencyKey
from accounts.tests.factories import MembershipFactory
from bookings import services
from bookings.access import booking_token
from bookings.models import Booking, BookingStatus, Hold
from bookings.tests.factories import (
    CONTACT,
    TRAVELLERS,
    BookingFactory,
    ClerkFactory,
    CustomerFactory,
    HoldFactory,
    move_in_time,
    run_out,
)
from config.tenancy import tenant_context
from ledger.models import Currency, ExchangeRate
from tours.models import Departure
from tours.tests.factories import CurrencyFactory, DepartureFactory, ExtraFactory, TaxRateFactory

S = BookingStatus


@pytest.fixture
def departure(tenant):
    return DepartureFactory(capacity=10)


def client_of(user=None, **headers):
    client = APIClient(headers=headers)
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
    return client


def party(departure, **changes):
    return {"departure_id": str(departure.pk), "guests": {"adult": 2, "child": 1}, **changes}


def counters(departure):
    departure.refresh_from_db()
    return departure.seats_held, departure.seats_booked


# --- Quotes ---


def test_a_quote_names_the_rule_of_each_line(departure):
    ExtraFactory(tour=departure.tour)
    departure.tour.tax = TaxRateFactory(percent=Decimal(14), is_inclusive=False)
    departure.tour.save(update_fields=["tax"])
    answer = client_of().post("/api/v1/quotes", party(departure, extras=[{"code": "lunch", "quantity": 2}]))
    assert answer.status_code == 200
    quote = answer.json()
    assert [(line["rule"], line["quantity"], line["unit"], line["amount"]) for line in quote["lines"]] == [
        ("price_list:standard:adult", 2, "100.00", "200.00"),
        ("price_list:standard:child", 1, "50.00", "50.00"),
        ("extra:lunch", 2, "15.00", "30.00"),
    ]
    assert [(line["code"], line["percent"], line["amount"]) for line in quote["tax_lines"]] == [
        ("vat-eg", "14", "39.20")
    ]
    assert (quote["total"], quote["currency"], quote["rate"], quote["seats"]) == ("319.20", "USD", "1", 3)
    assert len(quote["fingerprint"]) == 32
    assert counters(departure) == (0, 0)


def test_a_quote_in_another_currency_names_the_rate_and_rounds_each_line_to_it(departure):
    ExchangeRate.objects.create(
        base=Currency.objects.get(code="USD"),
        quote=CurrencyFactory(code="JPY"),
        rate=Decimal("151.337"),
        valid_from=now().date() - timedelta(days=1),
    )
    quote = client_of().post("/api/v1/quotes", party(departure, currency="JPY")).json()
    assert [line["amount"] for line in quote["lines"]] == ["30268", "7567"]
    assert (quote["total"], quote["rate"], quote["price_list_currency"]) == ("37835", "151.337", "USD")
    assert client_of().post("/api/v1/quotes", party(departure, currency="KWD")).status_code == 422


def test_a_quote_speaks_the_language_asked_for_and_keeps_its_fingerprint(departure):
    english = client_of().post("/api/v1/quotes", party(departure)).json()
    arabic = client_of(**{"Accept-Language": "ar"}).post("/api/v1/quotes", party(departure)).json()
    assert (english["lines"][0]["label"], arabic["lines"][0]["label"]) == ("Adult", "بالغ")
    assert english["fingerprint"] == arabic["fingerprint"]


BAD_PARTIES = [
    ({"guests": {"adult": -1}}, 400, "invalid"),
    ({"guests": {"adult": 0}}, 400, "invalid"),
    ({"guests": {"adult": 1.5}}, 400, "invalid"),
    ({"guests": {"adult": 2.0}}, 400, "invalid"),
    ({"guests": {"adult": "2"}}, 400, "invalid"),
    ({"guests": {"adult": True}}, 400, "invalid"),
    ({"guests": {"adult": 10**30}}, 400, "invalid"),
    ({"guests": {"adult": None}}, 400, "invalid"),
    ({"guests": {}}, 400, "invalid"),
    ({"guests": []}, 400, "invalid"),
    ({"guests": {"ad\x00ult": 1}}, 400, "invalid"),
    ({"guests": {"adult": 11}}, 422, "party_too_large"),
    ({"guests": {"infant": 1}}, 422, "nobody_takes_a_seat"),
    ({"guests": {"alien": 1}}, 422, "unknown_price_category"),
    ({"departure_id": "no-uuid"}, 400, "invalid"),
    ({"departure_id": "01a1fd0e-0000-7000-8000-000000000000"}, 404, "departure_not_found"),
    ({"currency": "usd"}, 400, "invalid"),
    ({"currency": "XYZ"}, 422, "unknown_currency"),
    ({"voucher_code": "FREE"}, 422, "voucher_unknown"),
    ({"extras": [{"code": "balloon"}]}, 422, "unknown_extra"),
    ({"extras": [{"code": "lunch", "quantity": 0}]}, 400, "invalid"),
    ({"extras": "lunch"}, 400, "invalid"),
]


@pytest.mark.parametrize("path", ["/api/v1/quotes", "/api/v1/holds"])
@pytest.mark.parametrize(("changes", "status", "code"), BAD_PARTIES)
def test_bad_parties_get_a_clear_answer_and_take_nothing(departure, path, changes, status, code):
    answer = client_of().post(path, party(departure, **changes))
    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (status, code)
    assert set(body) == {"error", "error_code", "message", "details", "timestamp", "request_id"}
    assert counters(departure) == (0, 0)
    assert not Hold.objects.exists()


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"status": "CLOSED"}, 409, "departure_closed"),
        ({"cutoff_at": now() - timedelta(minutes=1)}, 422, "cutoff_passed"),
        ({"capacity": 2}, 409, "seats_unavailable"),
    ],
)
def test_departures_that_cannot_be_booked_say_why(departure, changes, status, code):
    Departure.objects.update(**changes)
    for path, body in (("/api/v1/holds", {}), ("/api/v1/bookings", {"contact": CONTACT})):
        answer = client_of().post(path, party(departure, **body))
        assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert counters(departure) == (0, 0)


def test_another_operators_departure_is_not_there(departure, other_tenant):
    client = client_of(**{"X-Tenant": other_tenant.slug})
    for path, body in (("quotes", {}), ("holds", {}), ("bookings", {"contact": CONTACT})):
        assert client.post(f"/api/v1/{path}", party(departure, **body)).status_code == 404


# --- Holds ---


def test_a_guest_holds_extends_and_releases_with_the_secret(departure):
    client = client_of()
    answer = client.post("/api/v1/holds", party(departure))
    assert answer.status_code == 201
    hold = answer.json()
    assert (hold["status"], hold["seats"], hold["extensions_left"]) == ("ACTIVE", 3, 2)
    assert hold["quote"]["total"] == "250.00"
    path = f"/api/v1/holds/{hold['id']}"
    with_secret = client_of(**{"X-Hold-Token": hold["token"]})
    for stranger in (client, client_of(**{"X-Hold-Token": "x" * 32}), client_of(CustomerFactory())):
        assert stranger.get(path).status_code == 404
        assert stranger.post(f"{path}/extend").status_code == 404
        assert stranger.delete(path).status_code == 404
    shown = with_secret.get(path).json()
    assert shown["status"] == "ACTIVE"
    assert "token" not in shown
    assert with_secret.post(f"{path}/extend").json()["extensions_left"] == 1
    assert with_secret.delete(path).status_code == 204
    assert (with_secret.delete(path).status_code, with_secret.delete(path).json()["error_code"]) == (
        409,
        "hold_released",
    )
    assert counters(departure) == (0, 0)


def test_an_operator_may_want_its_customers_to_sign_in(departure, tenant):
    tenant.guests_may_book = False
    tenant.save(update_fields=["guests_may_book"])
    for path, body in (("holds", {}), ("bookings", {"contact": CONTACT})):
        answer = client_of(**{"X-Tenant": str(tenant.pk)}).post(f"/api/v1/{path}", party(departure, **body))
        assert (answer.status_code, answer.json()["error_code"]) == (401, "sign_in_to_book")
    assert (
        client_of(CustomerFactory(), **{"X-Tenant": str(tenant.pk)}).post("/api/v1/holds", party(departure)).status_code
        == 201
    )


def test_a_changed_price_is_told_before_it_is_taken(departure):
    quote = client_of().post("/api/v1/quotes", party(departure)).json()
    departure.option.prices.update(amount=Decimal(90))
    answer = client_of().post("/api/v1/holds", party(departure, fingerprint=quote["fingerprint"]))
    assert (answer.status_code, answer.json()["error_code"]) == (409, "price_changed")
    assert answer.json()["details"]["quote"]["total"] == "270.00"
    assert counters(departure) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_the_same_key_and_body_is_one_hold(departure):
    Departure.objects.update(capacity=3)
    client = client_of(CustomerFactory(), **{"Idempotency-Key": "k1"})
    first = client.post("/api/v1/holds", party(departure))
    again = client.post("/api/v1/holds", party(departure))  # no seats are left by now
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    other = client.post("/api/v1/holds", party(departure, guests={"adult": 1}))
    assert (other.status_code, other.json()["error_code"]) == (422, "idempotency_key_reused")
    assert counters(departure) == (3, 0)
    assert Hold.objects.count() == IdempotencyKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_refused_key_may_be_used_again(departure):
    Departure.objects.update(capacity=2)
    client = client_of(**{"Idempotency-Key": "k2"})
    assert client.post("/api/v1/holds", party(departure)).status_code == 409
    Departure.objects.update(capacity=3)
    assert client.post("/api/v1/holds", party(departure)).status_code == 201


# --- Bookings ---


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
    assert counters(departure) == (2, 0)


def test_booking_at_once_holds_and_books(departure):
    answer = client_of(**{"Accept-Language": "ar"}).post("/api/v1/bookings", party(departure, contact=CONTACT))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["total"], made["language"], made["items"][0]["kind"]["name"]) == ("250.00", "ar", "جولة")
    assert counters(departure) == (3, 0)
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
    assert counters(departure) == (0, 0)
    assert not Booking.objects.exists()
    assert not Hold.objects.exists()


def test_a_guest_without_contact_is_asked_for_one(departure):
    answer = client_of().post("/api/v1/bookings", party(departure))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "contact_required")
    assert counters(departure) == (0, 0)


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
    assert counters(departure) == (3, 0)


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
    assert counters(departure) == (0, 0)
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


# --- Staff ---


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


# --- Who may what ---

BOOKING = "/api/v1/bookings/{booking}"
STAFF = "/api/v1/admin/bookings"
#          method, url, stranger, other customer, owner, link, clerk without, clerk with permissions
ACCESS = [
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
