"""What staff write to all guests of a departure: each in their language, once."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from accounts.models import AuditEntry
from bookings import services
from bookings.errors import NobodyToWriteTo
from bookings.models import BookingEvent, BookingStatus
from bookings.tests.factories import CONTACT, BookingFactory, ClerkFactory
from config.errors import InvalidInput
from config.tenancy import tenant_context
from notifications.models import Delivery, Message
from notifications.outbox import deliver
from tours.errors import DepartureNotFound
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")
S = BookingStatus
TEXTS = {
    "subject_en": "The boat leaves from pier 4",
    "subject_ar": "المركب يغادر من الرصيف 4",
    "text_en": "Because of the wind we leave from pier 4.\n\nBring a jacket.",
    "text_ar": "بسبب الرياح نغادر من الرصيف 4.\n\nأحضروا سترة.",
}


@pytest.fixture
def departure(tenant):
    return DepartureFactory()


def clerk(*permissions):
    return ClerkFactory(permissions=permissions or ["bookings.change_booking", "bookings.view_manifest"])


def send(departure, **changes):
    return services.write_to_guests(departure_id=departure.pk, texts=TEXTS | changes, actor=clerk())


def run_deliveries():
    for pk in Delivery.objects.filter(event__type="booking.message").values_list("pk", flat=True):
        deliver(pk)


def test_each_guest_is_told_in_their_language_and_once(departure):
    english = BookingFactory(departure=departure, status=S.CONFIRMED)
    arabic = BookingFactory(departure=departure, language="ar")
    BookingFactory(departure=departure, status=S.CANCELLED)
    BookingFactory(departure=DepartureFactory(), status=S.CONFIRMED)
    assert (send(departure), send(departure)) == (2, 0)
    run_deliveries()
    run_deliveries()
    one, two = Message.objects.filter(template="guest_message").order_by("language")
    assert (one.language, two.language) == ("ar", "en")
    assert (two.subject, two.recipient) == (f"The boat leaves from pier 4 · {english.reference}", english.contact_email)
    assert "we leave from pier 4.\n\nBring a jacket." in two.text
    assert "أحضروا سترة." in one.text
    assert one.subject_id == arabic.pk
    assert [line.data["subject_en"] for line in BookingEvent.objects.filter(action="message_sent")] == [
        TEXTS["subject_en"]
    ] * 2
    assert AuditEntry.objects.filter(action="bookings.departure.message").count() == 1


def test_who_books_later_gets_it_alone_when_it_is_sent_again(departure):
    BookingFactory(departure=departure, status=S.CONFIRMED)
    assert send(departure) == 1
    BookingFactory(departure=departure, status=S.CONFIRMED)
    assert (send(departure), send(departure, text_en="Something else")) == (1, 2)


@pytest.mark.parametrize(
    "wrong", [{"subject_ar": " "}, {"text_en": ""}, {"text_ar": "x" * 4001}, {"subject_en": "x" * 151}]
)
def test_what_is_missing_or_too_long_is_named(departure, wrong):
    BookingFactory(departure=departure, status=S.CONFIRMED)
    with pytest.raises(InvalidInput) as refused:
        send(departure, **wrong)
    assert set(refused.value.details) == set(wrong)
    assert not BookingEvent.objects.filter(action="message_sent").exists()


def test_where_nobody_is_and_where_nothing_is(departure):
    with pytest.raises(NobodyToWriteTo):
        send(departure)
    departure.pk = BookingFactory().pk
    with pytest.raises(DepartureNotFound):
        send(departure)


def test_guests_cannot_be_sent_markup(departure):
    BookingFactory(departure=departure, status=S.CONFIRMED)
    send(departure, text_en="<script>alert(1)</script>")
    run_deliveries()
    assert "<script>" not in Message.objects.get(template="guest_message").html


def test_by_the_api(departure):
    BookingFactory(departure=departure, status=S.CONFIRMED)
    client = APIClient()
    address = f"/api/v1/admin/departures/{departure.pk}/messages"
    assert client.post(address, TEXTS, format="json").status_code == 401
    for permissions, status in ((["bookings.view_manifest"], 403), (["bookings.change_booking"], 202)):
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(clerk(*permissions))['access_token']}")
        answer = client.post(address, TEXTS, format="json")
        assert answer.status_code == status
    assert answer.json() == {"bookings": 1}
    assert client.post(address, TEXTS | {"text_ar": ""}, format="json").status_code == 400


def test_another_operators_departure_is_not_there(departure, other_tenant):
    with tenant_context(other_tenant.pk):
        other = DepartureFactory()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(clerk())['access_token']}")
    assert client.post(f"/api/v1/admin/departures/{other.pk}/messages", TEXTS, format="json").status_code == 404


def test_the_bookings_page_shows_what_was_written(client, departure):
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    page = reverse("admin:bookings_booking_change", args=[booking.pk])
    send(departure)
    run_deliveries()
    client.force_login(clerk("bookings.view_booking"))
    shown = client.get(page).content.decode()
    assert f"The boat leaves from pier 4 · {booking.reference}" in shown
    assert "Queued" in shown
    assert "Message to the guests: The boat leaves from pier 4" in shown


def test_from_the_manifest(client, departure):
    BookingFactory(departure=departure, status=S.CONFIRMED)
    client.force_login(clerk())
    page = reverse("admin:departure_message", args=[departure.pk])
    assert page in client.get(reverse("admin:bookings_manifest", args=[departure.pk])).content.decode()
    assert "It goes to 1 booking" in client.get(page).content.decode()
    bad = client.post(page, TEXTS | {"text_ar": ""})
    assert (bad.status_code, BookingEvent.objects.filter(action="message_sent").count()) == (200, 0)
    for said in ("On its way to 1 booking.", "All of them have this message already."):
        assert said in client.post(page, TEXTS, follow=True).content.decode()
    client.force_login(clerk("bookings.view_manifest"))
    assert client.get(page).status_code == 403
    assert page not in client.get(reverse("admin:bookings_manifest", args=[departure.pk])).content.decode()


def test_paragraphs_come_through_a_browsers_form(client, departure):
    """Browsers end lines with two characters; it is the same message as by the API, which has one."""
    BookingFactory(departure=departure, status=S.CONFIRMED)
    client.force_login(clerk())
    typed = {name: text.replace("\n", "\r\n") for name, text in TEXTS.items()}
    client.post(reverse("admin:departure_message", args=[departure.pk]), typed)
    run_deliveries()
    mail = Message.objects.get(template="guest_message")
    assert "we leave from pier 4.</p>" in mail.html
    assert "we leave from pier 4.\n\nBring a jacket." in mail.text
    assert send(departure) == 0


def test_a_name_of_the_other_direction_keeps_the_comma_behind_it(departure):
    BookingFactory(departure=departure, status=S.CONFIRMED, contact=CONTACT | {"name": "كريم الصباح"})
    send(departure)
    run_deliveries()
    mail = Message.objects.get(template="guest_message")
    for shown in (mail.text, mail.html):
        assert "Hello \u2068كريم الصباح\u2069," in shown
