"""Who is told what, once, in their language."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now
from rest_framework.test import APIClient

from bookings import services
from bookings.access import booking_token
from bookings.models import Booking, BookingStatus
from bookings.receivers import count_a_booking, send_the_link
from bookings.tests.factories import CONTACT, BookingFactory, ClerkFactory, let_time_run_out
from config.celery import app
from notifications import outbox
from notifications.models import Delivery, DeliveryStatus, Event, Message
from tours.models import Tour
from tours.tests.factories import CancellationPolicyFactory, DepartureFactory

pytestmark = pytest.mark.django_db(transaction=True)

S = BookingStatus


@pytest.fixture(autouse=True)
def deliveries_run_at_once(settings):
    app.conf.task_always_eager = True


@pytest.fixture
def departure(tenant):
    return DepartureFactory(option__tour__cancellation_policy=CancellationPolicyFactory(tiers=[(24, 75)]))


def mails(booking):
    return list(Message.objects.filter(subject_id=booking.pk).order_by("created_at"))


def templates(booking):
    return [mail.template for mail in mails(booking)]


def assert_all_delivered():
    assert list(Delivery.objects.exclude(status=DeliveryStatus.DONE).values_list("subscriber", "error")) == []


def test_received_confirmed_and_cancelled(departure):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    services.cancel_booking(booking_id=booking.pk, actor=booking.customer)
    received, confirmed, cancelled = mails(booking)
    assert [received.template, confirmed.template, cancelled.template] == [
        "booking_received",
        "booking_confirmed",
        "booking_cancelled",
    ]
    for mail in (received, confirmed, cancelled):
        assert (mail.recipient, mail.language) == (CONTACT["email"], "en")
        assert booking.reference in mail.subject + mail.text
        assert booking.quote["title"]["en"] in mail.html
    assert "$200.00 are paid" in received.text
    assert "/b/" in received.text
    assert [(file.name, file.content_type, bytes(file.content)[:5]) for file in confirmed.attachments.all()] == [
        (f"{booking.reference}.pdf", "application/pdf", b"%PDF-"),
        (f"{booking.reference}.ics", "text/calendar", b"BEGIN"),
    ]
    assert "Comes back to you: $150.00" in cancelled.text
    assert "25 % of the price is kept: -$50.00" in cancelled.text
    assert_all_delivered()


def test_the_link_in_the_mail_opens_the_booking(departure, client):
    booking = BookingFactory(departure=departure, actor=None)
    link = next(line for line in mails(booking)[0].text.splitlines() if "/b/" in line)
    answer = client.get(link.partition("//")[2].partition("/")[2].join(["/", ""]))
    assert (answer.status_code, booking.reference in answer.content.decode()) == (200, True)


def test_an_arabic_booking_gets_arabic_mails(departure):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED, language="ar")
    for mail in mails(booking):
        assert mail.language == "ar"
        assert 'dir="rtl"' in mail.html
        assert booking.quote["title"]["ar"] in mail.text
        assert "Hello" not in mail.text


def test_expired_bookings_are_told_so(departure):
    booking = BookingFactory(departure=departure)
    let_time_run_out(booking)
    assert templates(booking) == ["booking_received", "booking_expired"]


def test_the_end_is_told_of_before_it_comes_and_not_after_paying(departure):
    booking, paid = BookingFactory(departure=departure), BookingFactory(departure=departure)
    Booking.objects.update(expires_at=now() + timedelta(minutes=4))
    services.warn_of_ending_holds()
    services.warn_of_ending_holds()
    assert templates(booking) == ["booking_received", "hold_ending"]
    Message.objects.filter(subject_id=paid.pk).delete()
    services.record_payment(booking_id=paid.pk, paid=paid.total, refunded=Decimal(0))
    fact = Event.objects.get(type="hold.ending", subject_id=paid.pk)
    Delivery.objects.filter(event=fact).update(status=DeliveryStatus.WAITING)
    outbox.deliver(Delivery.objects.get(event=fact, subscriber__contains="hold_ends").pk)
    assert templates(paid) == ["booking_confirmed"]


def test_a_free_booking_is_confirmed_and_not_dunned(departure):
    departure.option.prices.update(amount=0)
    assert templates(BookingFactory(departure=departure)) == ["booking_confirmed"]


def test_cancelling_what_was_not_paid_speaks_of_no_money(departure):
    booking = BookingFactory(departure=departure)
    services.cancel_booking(booking_id=booking.pk, actor=booking.customer)
    text = mails(booking)[-1].text
    assert "is cancelled" in text
    assert "Comes back" not in text


def test_sending_the_voucher_again_sends_it_again(departure):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    for _twice in range(2):
        services.resend_voucher(booking_id=booking.pk, actor=ClerkFactory())
    assert templates(booking) == ["booking_received", *["booking_confirmed"] * 3]


def test_a_fact_delivered_twice_is_told_once(departure):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    sent = templates(booking)
    for delivery in Delivery.objects.all():
        assert outbox.deliver(delivery.pk) is False
    assert templates(booking) == sent


def test_looking_up_mails_the_link_once_in_a_while(departure):
    booking = BookingFactory(departure=departure, actor=None)
    asked = {"reference": booking.reference, "email": CONTACT["email"]}
    for _again in range(3):
        assert APIClient().post("/api/v1/bookings/lookup", asked).status_code == 202
    assert APIClient().post("/api/v1/bookings/lookup", {**asked, "email": "x@example.com"}).status_code == 202
    assert templates(booking) == ["booking_received", "booking_link"]
    assert booking_token(booking).partition(":")[0] in mails(booking)[-1].text
    assert send_the_link.__name__ == "send_the_link"


def test_the_tour_counts_its_bookings(departure):
    def count():
        return Tour.objects.get(pk=departure.tour_id).bookings_count

    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    BookingFactory(departure=departure)
    assert count() == 1
    late = BookingFactory(departure=departure)
    services.cancel_booking(booking_id=late.pk, actor=late.customer)
    assert count() == 1
    services.cancel_booking(booking_id=booking.pk, actor=booking.customer)
    assert count() == 0
    assert count_a_booking.__name__ == "count_a_booking"
