"""What clients send, read fast: it means what the serializers make of it, or is left to them."""

from types import SimpleNamespace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.serializers import requests, swift
from bookings.tests.factories import CONTACT, TRAVELLERS

# --- Bodies ---------------------------------------------------------------------------------------------------------

DEPARTURE = "01a1fd0e-0000-7000-8000-000000000000"
ODD = [
    None,
    "",
    " ",
    " x",
    "x ",
    "x",
    "x" * 41,
    "x" * 121,
    "x" * 301,
    "a\x00b",
    "a\nb",
    1,
    1.0,
    True,
    -1,
    501,
    [],
    {},
    ["x"],
]
odd = st.sampled_from(ODD)


def request_of(body, content_type="application/json"):
    return SimpleNamespace(_request=SimpleNamespace(content_type=content_type, body=body))


def either(*usual):
    return st.one_of(st.sampled_from(usual), odd)


def body(required, optional):
    return st.fixed_dictionaries(required, optional=optional)


EXTRAS = st.one_of(
    odd, st.lists(body({"code": either("lunch", "Sea-view_1")}, {"quantity": either(1, 2, 500)}), max_size=2)
)
HOLDS = body(
    {
        "departure_id": either(DEPARTURE, DEPARTURE.replace("-", ""), DEPARTURE.upper()),
        "guests": st.one_of(odd, st.dictionaries(either("adult", "child").filter(lambda code: isinstance(code, str)),
                                                 either(0, 1, 2), max_size=2)),
    },
    {
        "extras": EXTRAS,
        "currency": either("EUR", "eur", "EURO"),
        "fingerprint": either("0" * 32, "g" * 32),
        "voucher_code": either("FREE"),
        "status": odd,
    },
)  # fmt: skip
CONTACTS = body(
    {"name": either("Mona Saleh", "منى"), "email": either("mona@example.com", "nobody", "a@b")},
    {"phone": either("+201001234567", "+20 100 123 4567", "01001234567", "12"), "fax": odd},
)
NAMED = body(
    {"first_name": either("Mona", "منى"), "last_name": either("Saleh")},
    {
        "category": either("adult", "child"),
        "age": either(0, 40, 130, 131),
        "nationality": either("EG", "eg", "EGY"),
        "note": either("Vegetarian"),
        "seat": odd,
    },
)
BOOKINGS = body(
    {"hold_id": either(DEPARTURE)},
    {
        "hold_token": either("secret"),
        "contact": st.one_of(odd, CONTACTS),
        "language": either("en", "ar", "fr"),
        "special_requests": either("Near the window", "x" * 2000, "x" * 2001),
        "dietary_needs": either("None"),
        "accessibility_needs": either("A ramp"),
        "pickup": either("Hotel Cecil"),
        "travellers": st.one_of(odd, st.lists(NAMED, max_size=3)),
        "referral_code": either("FRIEND"),
        "emergency_contact": odd,
        "customer_id": either(DEPARTURE),
        "departure_id": either(DEPARTURE),
        "total": odd,
    },
)


def as_sent(wishes):
    return orjson.dumps(wishes, default=str, option=orjson.OPT_SORT_KEYS)


@given(HOLDS)
def test_a_hold_that_fits_means_what_the_serializer_makes_of_it(wanted):
    swiftly = swift.wanted_hold(request_of(orjson.dumps(wanted)))
    if swiftly is not None:
        asked = requests.NewHold(data=wanted)
        assert asked.is_valid(), (wanted, asked.errors)
        assert swiftly == orjson.loads(orjson.dumps(asked.validated_data)) | {"departure_id": swiftly["departure_id"]}
        assert swiftly["departure_id"] == asked.validated_data["departure_id"]


@given(BOOKINGS)
def test_a_booking_that_fits_means_what_the_serializer_makes_of_it(wanted):
    swiftly = swift.wanted_booking(request_of(orjson.dumps(wanted)))
    if swiftly is not None:
        asked = requests.NewBooking(data=wanted)
        assert asked.is_valid(), (wanted, asked.errors)
        given_token = asked.validated_data.get("hold_token", "")
        plainly = asked.wishes() | {"hold_id": asked.validated_data["hold_id"], "hold_token": given_token}
        assert as_sent(swiftly) == as_sent(plainly)


def test_what_most_people_send_fits():
    hold = {
        "departure_id": DEPARTURE,
        "guests": {"adult": 2, "child": 0},
        "extras": [{"code": "lunch"}],
        "currency": "EUR",
    }
    assert swift.wanted_hold(request_of(orjson.dumps(hold))) is not None
    booking = {
        "hold_id": DEPARTURE,
        "contact": CONTACT,
        "travellers": TRAVELLERS,
        "special_requests": "Near the window",
    }
    assert swift.wanted_booking(request_of(orjson.dumps(booking))) is not None


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b"null", b'{"hold_id": 1}', b'"\xff"'])
def test_what_is_no_body_does_not_fit(sent):
    assert swift.wanted_booking(request_of(sent)) is None
    assert swift.wanted_hold(request_of(sent)) is None
    whole = orjson.dumps({"hold_id": DEPARTURE})
    assert swift.wanted_booking(request_of(whole, "text/plain")) is None
    assert swift.wanted_booking(request_of(whole)) is not None
