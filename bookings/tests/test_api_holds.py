from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from accounts.models import IdempotencyKey
from bookings.models import BookingStatus, Hold
from bookings.tests.asking import client_of, party, seats_of
from bookings.tests.factories import (
    CONTACT,
    CustomerFactory,
)
from ledger.models import Currency, ExchangeRate
from tours.models import Departure
from tours.tests.factories import CurrencyFactory, DepartureFactory, ExtraFactory, TaxRateFactory

S = BookingStatus


@pytest.fixture
def departure(tenant):
    return DepartureFactory(capacity=10)


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
    assert seats_of(departure) == (0, 0)


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
    assert seats_of(departure) == (0, 0)
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
    assert seats_of(departure) == (0, 0)


def test_another_operators_departure_is_not_there(departure, other_tenant):
    client = client_of(**{"X-Tenant": other_tenant.slug})
    for path, body in (("quotes", {}), ("holds", {}), ("bookings", {"contact": CONTACT})):
        assert client.post(f"/api/v1/{path}", party(departure, **body)).status_code == 404


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
    assert seats_of(departure) == (0, 0)


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
    assert seats_of(departure) == (0, 0)


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
    assert seats_of(departure) == (3, 0)
    assert Hold.objects.count() == IdempotencyKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_refused_key_may_be_used_again(departure):
    Departure.objects.update(capacity=2)
    client = client_of(**{"Idempotency-Key": "k2"})
    assert client.post("/api/v1/holds", party(departure)).status_code == 409
    Departure.objects.update(capacity=3)
    assert client.post("/api/v1/holds", party(departure)).status_code == 201
