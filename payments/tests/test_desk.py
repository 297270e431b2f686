"""A phone booking from the first word to the voucher, over the pages that clerks use."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import User
from accounts.selectors import find_callers
from bookings.models import Booking, BookingStatus, Hold, HoldStatus
from bookings.tests.factories import ClerkFactory, HoldFactory, run_out
from config.celery import app
from config.tenancy import tenant_context
from notifications.models import Message
from payments.models import Payment
from payments.tests.desk_steps import (
    ALL,
    CommittingBrowser,
    clerk_at,
    customer,
    fields,
    only_booking,
    party,
    press,
    seats,
)
from payments.tests.steps import assert_sound
from tours.published import publish_facts
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")

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
    voucher = reverse("admin:bookings_booking_voucher_this", args=[booking.pk])
    assert f'href="{voucher}"' in page
    assert client.get(voucher)["Content-Type"] == "application/pdf"
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
