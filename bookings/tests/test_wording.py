"""Codes and numbers as people read them, in both languages."""

from decimal import Decimal

import pytest
from django.utils.translation import override

from bookings import services, wording
from bookings.models import BookingEvent, BookingStatus
from bookings.tests.factories import BookingFactory

pytestmark = pytest.mark.usefixtures("tenant")


def told(booking):
    return [(wording.event_in_words(event), wording.reason_in_words(event)) for event in booking.events.all()]


def test_the_history_says_what_and_why():
    booking = BookingFactory(status=BookingStatus.EXPIRED)
    services.note(booking.pk, "payment_paid", None, {"amount": "200.00", "currency": "USD", "payment": "PY-1"})
    services.record_payment(booking_id=booking.pk, paid=Decimal(200), refunded=Decimal(0))
    services.cancel_booking(booking_id=booking.pk, actor=booking.customer, reason="Hany is ill")
    assert told(booking) == [
        ("Booked", ""),
        ("Expired", "Not paid in time"),
        ("Paid: $200.00", ""),
        ("Confirmed", "Paid late, but the seats were still free"),
        ("Cancelled", "Hany is ill"),
    ]


def test_actions_of_apps_above_are_shown_by_their_name():
    booking = BookingFactory()
    event = BookingEvent(booking=booking, action="review_written")
    assert wording.event_in_words(event) == "Review written"


def test_policies_and_parties_are_sentences():
    booking = BookingFactory(guests={"adult": 2, "child": 1})
    assert wording.party_in_words(booking, "en") == "2 × Adult, 1 × Child"
    assert wording.party_in_words(booking, "ar") == "2 × بالغ، 1 × طفل"
    assert wording.policy_in_words({}) == ["No refund after confirmation"]
    assert wording.policy_in_words(
        {"tiers": [{"hours_before": 1, "refund_percent": "50"}, {"hours_before": 72, "refund_percent": "100"}]}
    ) == [
        "Until 72 hours before the start: 100 % back",
        "Until 1 hour before the start: 50 % back",
        "Later: nothing back",
    ]


def test_days_are_named_with_latin_digits_in_both_languages():
    booking = BookingFactory()
    start = booking.starts_at.replace(year=2026, month=11, day=28, hour=9, minute=5)
    assert wording.moment_in_words(start, "en") == "Saturday, 28 November 2026, 09:05"
    assert wording.moment_in_words(start, "ar") == "السبت، 28 نوفمبر 2026، 09:05"
    with override("ar"):
        assert wording.moment_in_words(start) == wording.moment_in_words(start, "ar")
