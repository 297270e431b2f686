"""What customers are told about their money, in their language, once."""

from decimal import Decimal

import pytest
from django.utils.translation import gettext, override

from bookings.models import Booking
from bookings.tests.factories import BookingFactory
from notifications.models import Message
from payments.mails import payment_link
from payments.models import Refund
from payments.receivers import write_that_money_went_back, write_that_payment_failed
from payments.services import apply_remote_state, request_refund
from payments.services.refunds import RemoteRefund, settle_refund
from payments.tests.steps import begun, paid, said


class Fact:
    def __init__(self, subject) -> None:
        self.subject_id = subject.pk


def in_language(language: str) -> Booking:
    booking = BookingFactory()
    Booking.objects.filter(pk=booking.pk).update(language=language)
    return Booking.objects.get(pk=booking.pk)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_payment_failed(tenant, language):
    payment = begun(in_language(language))
    apply_remote_state(payment.pk, said(payment, "FAILED", failure_code="card_declined"))
    for _ in range(2):
        write_that_payment_failed(Fact(payment))
    message = Message.objects.get(template="payment_failed")
    assert (message.recipient, message.language) == ("mona@example.com", language)
    assert payment.booking.reference in message.subject
    for body in (message.text, message.html):
        assert payment.number in body
        assert "Mona Saleh" in body
    assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in message.html
    with override(language):
        assert gettext("The payment did not go through") in message.html
        assert gettext("Amount") in message.text
    assert "200.00" in message.text
    assert "Africa/Cairo" in message.text  # until when the places are kept, on the trip's clock
    assert payment_link(payment.booking) in message.text


@pytest.mark.parametrize("language", ["en", "ar"])
def test_refunded(tenant, language):
    payment = paid(in_language(language))
    refund = request_refund(payment_id=payment.pk, amount=Decimal(50), cause="a", reason="goodwill", actor=None)
    settle_refund(refund.pk, RemoteRefund("SUCCEEDED", "sbr_1", Decimal(50)))
    for _ in range(2):
        write_that_money_went_back(Fact(Refund.objects.get()))
    message = Message.objects.get(template="refunded")
    assert "50.00" in message.subject
    assert refund.number in message.text
    with override(language):
        assert gettext("Returned now") in message.text
        assert gettext("Returned now") in message.html
