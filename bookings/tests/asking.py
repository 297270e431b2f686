"""What tests ask of a booking."""

from decimal import Decimal

from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from bookings import services
from notifications.models import Event
from tours.models import Departure


def counters(booking):
    departure = Departure.objects.get(items__booking=booking)
    return departure.seats_held, departure.seats_booked


def history(booking):
    return [(line.old_status, line.new_status) for line in booking.events.filter(action="status")]


def facts(booking):
    return list(Event.objects.filter(subject_id=booking.pk).order_by("occurred_at").values_list("type", flat=True))


def pay(booking, amount=None, refunded="0"):
    amount = booking.total if amount is None else Decimal(amount)
    return services.record_payment(booking_id=booking.pk, paid=amount, refunded=Decimal(refunded))


def client_of(user=None, **headers):
    """An API client, signed in as somebody or a stranger."""
    client = APIClient(headers=headers)
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
    return client


def party(departure, **changes):
    """The body that asks for two adults and a child."""
    return {"departure_id": str(departure.pk), "guests": {"adult": 2, "child": 1}, **changes}


def seats_of(departure):
    """Held and booked, as the departure counts them."""
    departure.refresh_from_db()
    return departure.seats_held, departure.seats_booked
