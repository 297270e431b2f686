"""What clerks do on the screen of a phone booking."""

import re
from html import unescape

from django.test import Client, TestCase
from django.urls import reverse

from accounts.tests.factories import MembershipFactory, RoleFactory
from bookings.models import Booking
from bookings.tests.factories import ClerkFactory, CustomerFactory

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
