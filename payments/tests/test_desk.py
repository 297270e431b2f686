"""A phone booking from the first word to the voucher, over the pages that clerks use."""

import re
from datetime import timedelta
from decimal import Decimal
from functools import partial
from html import unescape

import pytest
from django.test import Client, TestCase
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import Membership, User
from accounts.selectors import find_callers
from accounts.tests.factories import MembershipFactory, RoleFactory
from bookings.models import Booking, BookingStatus, Hold, HoldStatus
from bookings.tests.factories import ClerkFactory, CustomerFactory, HoldFactory, run_out
from config.celery import app
from config.tenancy import tenant_context
from config.testing import run_together
from ledger.tests.factories import ExchangeRateFactory
from notifications.models import Message
from payments.models import Payment
from payments.tests.steps import assert_sound
from tours.published import publish_facts
from tours.tests.factories import CurrencyFactory, DepartureFactory, ExtraFactory, OptionFactory, TourFactory

pytestmark = pytest.mark.usefixtures("tenant")

SCREEN = "admin:phone_booking"
ALL = [
    "bookings.add_booking",
    "bookings.change_booking",
    "bookings.view_booking",
    "bookings.confirm",
    "accounts.add_user",
    "payments.take_cash",
    "tours.overbook",
]


class CommittingBrowser(Client):
    """Runs what a request put off until commit as soon as it has been answered."""

    def request(self, **kwargs):
        with TestCase.captureOnCommitCallbacks(execute=True):
            return super().request(**kwargs)


def clerk_at(client, *permissions):
    clerk = ClerkFactory(permissions=permissions or ALL)
    client.force_login(clerk)
    return clerk


def customer(first="Mona", last="Saleh", phone="+201001234567", **more):
    person = CustomerFactory(first_name=first, last_name=last, phone=phone, **more)
    MembershipFactory(user=person, role=RoleFactory(code="CUSTOMER"))
    return person


def fields(answer):
    """What the form of an answer would post again."""
    text = answer.content.decode()
    found = {}
    for tag in re.findall(r"<(?:input|textarea|select|option)\b[^>]*>", text[text.index('id="desk"') :]):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and ('type="radio"' not in tag or "checked" in tag):
            found[name[1]] = unescape(value[1])
    found.pop("csrfmiddlewaretoken", None)
    return found


def press(client, step, form=None, **changes):
    return client.post(reverse(SCREEN), {**(form or {}), "do": step, **changes})


def party(departure, **more):
    """A form with tour, departure and two adults chosen."""
    return {
        "tour": str(departure.tour_id),
        "departure": str(departure.pk),
        "guests-adult": "2",
        "contact_name": "Mona Saleh",
        "contact_email": "mona@example.com",
        "contact_phone": "+201001234567",
        "language": "en",
        **more,
    }


def only_booking():
    return Booking.objects.get()


def seats(departure):
    departure.refresh_from_db()
    return departure.seats_held, departure.seats_booked, departure.capacity


# --- The whole way ---


def test_a_call_from_the_first_word_to_the_voucher(client):
    """Search the caller, find the tour in Arabic, hold, name travellers, take cash: each form is what the page showed."""
    app.conf.task_always_eager = True
    client = CommittingBrowser()
    clerk, mona = clerk_at(client), customer()
    departure = DepartureFactory()
    publish_facts(departure.tour_id)

    shown = press(client, "look", {"q": "0100 123 4567", "tq": "الأهرامات"})
    assert "Mona Saleh" in shown.content.decode()
    assert departure.tour.title_en in shown.content.decode()

    shown = press(client, "look", fields(shown), customer=mona.pk, tour=departure.tour_id)
    form = fields(shown)
    assert (form["contact_name"], form["contact_email"]) == ("Mona Saleh", mona.email)
    assert form["departure"] == str(departure.pk)  # there is only one

    shown = press(client, "look", form, **{"guests-adult": "2", "guests-child": "1"})
    assert "$250.00" in shown.content.decode()
    assert Hold.objects.count() == 0

    shown = press(client, "hold", fields(shown))
    hold = Hold.objects.get()
    assert (hold.status, hold.customer_id, hold.quote["total"]) == ("ACTIVE", clerk.pk, "250.00")
    assert seats(departure)[:2] == (3, 0)
    assert "Hold longer" in shown.content.decode()

    form = fields(shown) | {
        "traveller-0-first_name": "Mona",
        "traveller-0-last_name": "Saleh",
        "traveller-0-age": "34",
        "dietary_needs": "No nuts",
        "way": "cash",
        "receipt": "R-2026-17",
    }
    answer = press(client, "book", form)
    booking = only_booking()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("admin:phone_booked", args=[booking.pk])
    assert (booking.status, booking.source, booking.customer_id) == (BookingStatus.CONFIRMED, "ADMIN", mona.pk)
    assert (booking.created_by_id, booking.dietary_needs, booking.total) == (clerk.pk, "No nuts", Decimal(250))
    assert [(str(one), one.age) for one in booking.travellers.all()] == [("Mona Saleh", 34)]
    assert Payment.objects.get().gateway_reference == "R-2026-17"
    assert seats(departure)[:2] == (0, 3)
    page = client.get(answer["Location"]).content.decode()
    assert booking.reference in page
    assert "R-2026-17" not in page
    mail = Message.objects.get(template="booking_confirmed")
    assert (mail.recipient, mail.attachments.count()) == (mona.email, 2)
    assert_sound()


def test_the_link_goes_out_in_the_callers_language_and_leads_to_a_page_that_takes_the_payment(client):
    app.conf.task_always_eager = True
    client = CommittingBrowser()
    clerk_at(client)
    press(client, "book", party(DepartureFactory(), way="link", language="ar"))
    booking = only_booking()
    assert booking.status == BookingStatus.PENDING_PAYMENT
    mail = Message.objects.get(template="payment_link")
    assert (mail.recipient, mail.language) == ("mona@example.com", "ar")
    link = re.search(r"https?://[^/]+(/b/[^/\s]+/pay)", mail.text)
    page = Client().get(link[1])
    assert page.status_code == 200
    assert 'value="sandbox"' in page.content.decode()
    assert 'value="cash"' not in page.content.decode()
    run_out(booking.items.get().hold)
    over = Client().get(link[1]).content.decode()
    assert "The time to pay" in over
    assert "<form" not in over


def test_the_time_to_pay_begins_anew_with_the_link(client):
    clerk_at(client)
    shown = press(client, "hold", party(DepartureFactory()))
    Hold.objects.update(expires_at=now() + timedelta(seconds=90))
    press(client, "book", fields(shown) | {"way": "link"})
    assert only_booking().expires_at > now() + timedelta(minutes=14)


def test_pay_later_takes_the_permission_and_a_reason(client):
    clerk_at(client)
    departure = DepartureFactory()
    refused = press(client, "book", party(departure, way="later"))
    assert refused.status_code == 400
    assert "Say why." in refused.content.decode()
    assert Booking.objects.count() == 0
    press(client, "book", party(departure, way="later", reason="Company account"))
    booking = only_booking()
    assert (booking.status, booking.payment_status) == (BookingStatus.CONFIRMED, "UNPAID")
    assert booking.events.get(new_status="CONFIRMED").reason == "Company account"


# --- Who may ---


@pytest.mark.parametrize("name", ["phone_booking", "phone_booking_leave", "phone_booked"])
def test_only_those_who_may_book_open_the_pages(client, name):
    where = reverse(f"admin:{name}", args=[DepartureFactory().pk] if name == "phone_booked" else [])
    assert client.get(where).status_code == 302
    clerk_at(client, "bookings.view_booking")
    assert client.get(where).status_code == 403
    assert client.post(where).status_code == 403


@pytest.mark.parametrize(
    ("way", "missing"),
    [("cash", "payments.take_cash"), ("link", "bookings.change_booking"), ("later", "bookings.confirm")],
)
def test_each_way_to_settle_has_its_permission(client, way, missing):
    clerk_at(client, *[name for name in ALL if name != missing])
    departure = DepartureFactory()
    shown = press(client, "look", party(departure)).content.decode()
    assert f'value="{way}"' not in shown
    refused = press(client, "book", party(departure, way=way, receipt="R-1", reason="why"))
    assert refused.status_code == 403
    assert Booking.objects.count() == 0
    assert "Your role does not allow" in refused.content.decode()


def test_nobody_is_added_and_nothing_overbooked_without_the_permission(client):
    clerk_at(client, "bookings.add_booking")
    departure = DepartureFactory(capacity=1)
    assert press(client, "create", party(departure)).status_code == 400
    assert not User.objects.filter(email="mona@example.com").exists()
    assert press(client, "overbook", party(departure, overbooking_reason="please")).status_code == 403
    assert seats(departure) == (0, 0, 1)


def test_another_operators_people_tours_and_bookings_are_not_there(client, tenant, other_tenant):
    with tenant_context(other_tenant.pk):
        stranger, departure = customer("Zeinab", "Fahmy"), DepartureFactory()
        publish_facts(departure.tour_id)
        hold = HoldFactory(departure=departure)
    clerk_at(client)
    shown = press(client, "look", {"q": "Zeinab", "tq": "Pyramids", "customer": str(stranger.pk)})
    assert "Fahmy" not in shown.content.decode()
    assert departure.tour.title_en not in shown.content.decode()
    assert find_callers("Zeinab") == []
    shown = press(client, "hold", party(departure, hold=str(hold.pk)))
    assert shown.status_code == 404
    assert fields(shown)["hold"] == ""
    assert client.get(reverse("admin:phone_booked", args=[hold.pk])).status_code == 404
    with tenant_context(other_tenant.pk):
        assert Hold.objects.get(pk=hold.pk).status == HoldStatus.ACTIVE


def test_a_colleagues_hold_is_neither_shown_nor_let_go(client):
    departure = DepartureFactory()
    theirs = HoldFactory(departure=departure, actor=ClerkFactory(permissions=ALL))
    clerk_at(client, *ALL, "bookings.change_hold")
    shown = press(client, "release", party(departure, hold=str(theirs.pk)))
    assert fields(shown)["hold"] == ""
    client.post(reverse("admin:phone_booking_leave"), {"hold": str(theirs.pk)})
    theirs.refresh_from_db()
    assert theirs.status == HoldStatus.ACTIVE


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
        with django_assert_num_queries(5):
            client.get(reverse(SCREEN))
        with django_assert_num_queries(8):
            press(client, "look", searching)
        with django_assert_num_queries(11):  # one for the caller's prices
            press(client, "look", full)
        with django_assert_num_queries(11):
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
