"""What goes wrong in a phone booking: typed amiss, too late, at once, broken off – and what it costs."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import Membership, User
from bookings.models import Booking, BookingStatus, Hold, HoldStatus
from bookings.tests.factories import HoldFactory, run_out
from config.testing import run_together
from ledger.tests.factories import ExchangeRateFactory
from payments.models import Payment
from payments.tests.desk_steps import SCREEN, clerk_at, customer, fields, only_booking, party, press, seats
from tours.published import publish_facts
from tours.tests.factories import CurrencyFactory, DepartureFactory, ExtraFactory, OptionFactory, TourFactory

pytestmark = pytest.mark.usefixtures("tenant")

# --- What goes wrong ---


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"contact_email": "nobody"}, "This is no e-mail address."),
        ({"contact_email": ""}, "This is no e-mail address."),
        ({"contact_name": " "}, "Say whom we may write to."),
        ({"contact_phone": "12"}, "A phone number with its country"),
        ({"guests-adult": "-1"}, "A whole number from 0 to 500."),
        ({"guests-adult": "2.5"}, "A whole number from 0 to 500."),
        ({"guests-adult": "9999999"}, "A whole number from 0 to 500."),
        ({"guests-adult": "0"}, "Say how many guests there are."),
        ({"guests-adult": "400"}, "guests at most"),
        ({"departure": "nonsense"}, "Choose a departure."),
        ({"special_requests": "x" * 2001}, "At most 2000 letters"),
        ({"since": "2026-13-45"}, "A day, as 2027-01-31."),
        ({"way": "barter"}, "Choose how it is paid."),
        ({"receipt": ""}, "The number on the receipt."),
        ({"traveller-0-category": "adult", "traveller-0-first_name": "Mona"}, "First and last name, or neither."),
        (
            {
                "traveller-0-category": "adult",
                "traveller-0-first_name": "Mo",
                "traveller-0-last_name": "Sa",
                "traveller-0-age": "old",
            },
            "An age from 0 to 130.",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(client, changes, sentence):
    clerk_at(client)
    departure = DepartureFactory()
    DepartureFactory(option=departure.option, tour=departure.tour, starts_at=departure.starts_at + timedelta(days=1))
    kept = {"way": "cash", "receipt": "R-9", "staff_note": "rings back at five", "pickup": "Hotel Nile"}
    answer = press(client, "book", party(departure, **kept) | changes)
    text = answer.content.decode()
    assert answer.status_code in (400, 422)
    assert sentence in text
    assert "rings back at five" in text
    assert "Hotel Nile" in text
    assert (Booking.objects.count(), Payment.objects.count()) == (0, 0)


def test_a_receipt_used_before_leaves_nothing_half_done(client):
    clerk_at(client)
    first, second = DepartureFactory(), DepartureFactory()
    press(client, "book", party(first, way="cash", receipt="R-1"))
    refused = press(client, "book", party(second, way="cash", receipt="R-1", staff_note="two rooms"))
    assert refused.status_code == 409
    assert "Receipt R-1 was used" in refused.content.decode()
    assert "two rooms" in refused.content.decode()
    assert Booking.objects.count() == 1
    assert seats(second)[:2] == (2, 0)  # still held: the clerk only writes another number
    press(client, "book", fields(refused) | {"way": "cash", "receipt": "R-2"})
    assert Booking.objects.count() == 2
    assert seats(second)[:2] == (0, 2)


def test_a_crash_after_the_booking_leaves_the_hold_and_nothing_else(client, monkeypatch):
    clerk_at(client)
    departure = DepartureFactory()
    shown = press(client, "hold", party(departure))

    def crash(**_asked):
        raise RuntimeError("the process dies here")

    monkeypatch.setattr("payments.services.desk.take_cash", crash)
    with pytest.raises(RuntimeError):
        press(client, "book", fields(shown) | {"way": "cash", "receipt": "R-1"})
    assert (Booking.objects.count(), Payment.objects.count()) == (0, 0)
    assert Hold.objects.get().status == HoldStatus.ACTIVE
    assert seats(departure)[:2] == (2, 0)


def test_the_button_pressed_twice_books_once(client):
    clerk_at(client)
    shown = press(client, "hold", party(DepartureFactory()))
    form = fields(shown) | {"way": "cash", "receipt": "R-1"}
    one, two = press(client, "book", form), press(client, "book", form)
    assert one["Location"] == two["Location"]
    assert (Booking.objects.count(), Payment.objects.count()) == (1, 1)


def test_a_hold_whose_time_is_over_is_told_and_everything_typed_stays(client):
    clerk_at(client)
    shown = press(client, "hold", party(DepartureFactory(), staff_note="wants a window"))
    run_out(Hold.objects.get())
    late = press(client, "book", fields(shown) | {"way": "cash", "receipt": "R-1", "staff_note": "wants a window"})
    assert late.status_code == 409
    assert "The seats are no longer held." in late.content.decode()
    assert "wants a window" in late.content.decode()
    press(client, "book", fields(late) | {"way": "cash", "receipt": "R-1"})
    assert only_booking().status == BookingStatus.CONFIRMED


def test_a_price_that_changed_since_it_was_shown_is_shown_before_anything_is_held(client):
    clerk_at(client)
    departure = DepartureFactory()
    shown = press(client, "look", party(departure))
    departure.option.prices.filter(category__code="adult").update(amount=120)
    refused = press(client, "hold", fields(shown))
    assert refused.status_code == 409
    assert "$240.00" in refused.content.decode()
    assert Hold.objects.count() == 0
    press(client, "hold", fields(refused))
    assert Hold.objects.get().quote["total"] == "240.00"


def test_the_old_seats_are_kept_until_the_new_ones_are_won(client):
    clerk_at(client)
    departure = DepartureFactory(capacity=4)
    shown = press(client, "hold", party(departure))
    HoldFactory(departure=departure, guests={"adult": 1})
    refused = press(client, "hold", fields(shown) | {"guests-adult": "4"})
    assert refused.status_code == 409
    assert fields(refused)["hold"] == fields(shown)["hold"]
    assert "What you typed is not what is held" in refused.content.decode()
    assert seats(departure)[:2] == (3, 0)
    more = press(client, "hold", fields(refused) | {"guests-adult": "3"})
    assert fields(more)["hold"] != fields(shown)["hold"]
    assert seats(departure)[:2] == (4, 0)


def test_extending_letting_go_starting_over_and_leaving(client):
    clerk_at(client)
    departure = DepartureFactory()
    shown = press(client, "hold", party(departure))
    Hold.objects.update(expires_at=now() + timedelta(seconds=30))
    shown = press(client, "extend", fields(shown))
    assert Hold.objects.get().expires_at > now() + timedelta(minutes=14)
    press(client, "extend", fields(shown))
    refused = press(client, "extend", fields(shown))
    assert "was extended 2 times" in refused.content.decode()
    shown = press(client, "release", fields(shown))
    assert seats(departure)[:2] == (0, 0)
    assert fields(shown)["contact_name"] == "Mona Saleh"
    for let_go in (
        lambda form: press(client, "over", form),
        lambda form: client.post(reverse("admin:phone_booking_leave"), {"hold": form["hold"]}),
    ):
        form = fields(press(client, "hold", party(departure)))
        assert seats(departure)[:2] == (2, 0)
        let_go(form)
        assert seats(departure)[:2] == (0, 0)


def test_leaving_after_the_booking_lets_nothing_go(client):
    clerk_at(client)
    departure = DepartureFactory()
    form = fields(press(client, "hold", party(departure)))
    press(client, "book", form | {"way": "cash", "receipt": "R-1"})
    assert client.post(reverse("admin:phone_booking_leave"), {"hold": form["hold"]}).status_code == 204
    assert seats(departure)[:2] == (0, 2)


def test_overbooking_is_offered_when_seats_are_missing_and_asks_why(client):
    clerk_at(client)
    departure = DepartureFactory(capacity=1)
    refused = press(client, "hold", party(departure))
    assert 'value="overbook"' in refused.content.decode()
    assert press(client, "overbook", fields(refused)).status_code == 400
    press(client, "overbook", fields(refused) | {"overbooking_reason": "the owner's cousins"})
    assert seats(departure) == (2, 0, 2)


def test_a_caller_becomes_a_customer_in_place(client):
    clerk_at(client)
    shown = press(client, "create", party(DepartureFactory(), contact_name="محمد عبد الله", language="ar"))
    person = User.objects.get(email="mona@example.com")
    assert (person.first_name, person.last_name, person.language) == ("محمد", "عبد الله", "ar")
    assert Membership.objects.get(user=person).role.code == "CUSTOMER"
    assert fields(shown)["customer"] == str(person.pk)
    again = press(client, "create", party(DepartureFactory()))
    assert again.status_code == 409
    assert (
        press(
            client, "create", party(DepartureFactory(), contact_name="Mona", contact_email="x@example.com")
        ).status_code
        == 400
    )


def test_extras_and_another_currency_are_priced_by_the_server(client):
    clerk_at(client)
    departure = DepartureFactory()
    ExtraFactory(tour=departure.tour)
    ExchangeRateFactory(base=CurrencyFactory(code="USD"), quote=CurrencyFactory(code="EUR"), rate=Decimal("0.5"))
    shown = press(client, "look", party(departure, currency="EUR", **{"extra-lunch": "2"}))
    assert "€115.00" in shown.content.decode()
    press(client, "hold", fields(shown) | {"currency": "EUR"})
    assert (Hold.objects.get().quote["total"], Hold.objects.get().quote["currency"]) == ("115.00", "EUR")
    other = DepartureFactory(option=OptionFactory(tour=TourFactory()))
    without = press(client, "look", party(other, **{"extra-lunch": "2"}))
    assert "$200.00" in without.content.decode()  # the other tour has no lunch: it is not asked for


# --- How much it costs, and at once ---


def test_the_screen_costs_the_same_however_much_there_is(client, django_assert_num_queries):
    clerk_at(client)
    departure = DepartureFactory()
    publish_facts(departure.tour_id)
    mona = customer()
    full = fields(press(client, "hold", party(departure, customer=str(mona.pk)))) | {"q": "Mona", "tq": "Pyramids"}
    searching = {"q": "Mona", "tq": "Pyramids"}
    for _more in range(2):
        with django_assert_num_queries(4):
            client.get(reverse(SCREEN))
        with django_assert_num_queries(7):
            press(client, "look", searching)
        with django_assert_num_queries(10):  # one for the caller's prices
            press(client, "look", full)
        with django_assert_num_queries(10):
            press(client, "look", {**full, "hold": ""})
        for number in range(5):
            customer("Mona", f"Number {number}")
            DepartureFactory(option=departure.option, tour=departure.tour, starts_at=now() + timedelta(days=9 + number))
            publish_facts(DepartureFactory().tour_id)


@pytest.mark.django_db(transaction=True)
def test_two_clerks_and_one_last_seat():
    """One holds it; the other is told at once, with everything that was typed still there."""
    departure = DepartureFactory(capacity=2)
    clients = [Client(), Client(), Client()]
    for one in clients:
        clerk_at(one)
    answers = run_together(
        *[partial(press, one, "hold", party(departure, staff_note=f"note {n}")) for n, one in enumerate(clients)]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    for n, answer in enumerate(answers):
        assert f"note {n}" in answer.content.decode()
        if answer.status_code == 409:
            assert "Only 0 of the 2 seats" in answer.content.decode()
            assert "Sold out" in answer.content.decode()
    assert seats(departure)[:2] == (2, 0)


@pytest.mark.django_db(transaction=True)
def test_the_same_button_by_two_hands_at_once_books_once():
    client = Client()
    clerk_at(client)
    form = fields(press(client, "hold", party(DepartureFactory()))) | {"way": "cash", "receipt": "R-1"}
    twins = []
    for _n in range(3):
        twin = Client()
        twin.cookies = client.cookies
        twins.append(twin)
    answers = run_together(*[partial(press, one, "book", form) for one in twins])
    assert {answer["Location"] for answer in answers} == {reverse("admin:phone_booked", args=[only_booking().pk])}
    assert Payment.objects.count() == 1
