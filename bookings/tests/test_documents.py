"""The voucher is read back from the PDF; what only eyes can judge was looked at."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import icalendar
import pytest
from pypdf import PdfReader

from bookings import services
from bookings.access import voucher_link
from bookings.documents import calendar_ics, voucher_pdf
from bookings.documents.text import BOLD, REGULAR, apart, is_rtl, joined, ltr, register_fonts, visual, width_of, wrap
from bookings.models import Booking, BookingStatus
from bookings.tests.factories import TRAVELLERS, BookingFactory
from tours.tests.factories import DepartureFactory, ExtraFactory

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus


def booked(**asked):
    made = BookingFactory(status=S.CONFIRMED, **asked)
    return Booking.objects.for_display().get(pk=made.pk)


def read(pdf):
    return PdfReader(BytesIO(pdf))


def words(pdf):
    return " ".join(page.extract_text() for page in read(pdf).pages)


def test_the_voucher_says_what_who_when_and_where():
    booking = booked(travellers=TRAVELLERS, details={"pickup": "Cecil Hotel", "special_requests": "Window seat"})
    text = words(voucher_pdf(booking, "en"))
    for said in (
        booking.reference,
        booking.quote["title"]["en"],
        "Main gate, Al Haram Street",
        "2 × Adult",
        "Mona Saleh, Karim Saleh",
        "+201001234567",
        "Cecil Hotel",
        "Window seat",
        "$200.00",
        "Until 24 hours before the start: 100 % back",
    ):
        assert said in text, said
    assert read(voucher_pdf(booking, "en")).metadata.title == f"Voucher {booking.reference}"


def test_arabic_is_joined_and_drawn_from_right_to_left():
    """The reader gives words as they stand from left to right, the letters of each in the forms that were drawn."""
    booking = booked()
    drawn = words(voucher_pdf(booking, "ar"))
    first, second = joined("جولة"), joined("مشتركة")
    assert first != "جولة"
    assert drawn.index(second) < drawn.index(first)
    for letters in ("جولة", "مشتركة", "البوابة"):
        assert letters not in drawn
        assert joined(letters) in drawn


def test_both_languages_stand_on_one_page():
    booking = booked(travellers=TRAVELLERS)
    pdf = voucher_pdf(booking)
    text = words(pdf)
    assert len(read(pdf).pages) == 1
    assert "Shared tour" in text
    assert joined("مشتركة") in text


def test_a_voucher_that_is_a_little_too_long_is_set_closer_and_stays_on_one_page():
    """How many lines of requests fit: with each more it stays one page, until it becomes two, and the terms never stand alone."""
    seen = set()
    for lines in range(1, 15, 2):
        booking = booked(
            travellers=TRAVELLERS, details={"special_requests": "A long request of this guest. " * 3 * lines}
        )
        pages = [page.extract_text() for page in read(voucher_pdf(booking)).pages]
        seen.add(len(pages))
        assert "Until 24 hours before the start: 100 % back" in pages[-1]
        assert "Paid" in pages[-1]
    assert seen == {1, 2}


def test_long_and_mixed_texts_stay_on_the_page():
    name = {"category": "adult", "first_name": "عبد الرحمن بن محمد", "last_name": "Al-Saud " * 6}
    booking = booked(
        departure=DepartureFactory(capacity=40, option__tour__max_guests=40),
        guests={"adult": 40},
        travellers=[{**name, "first_name": f"{name['first_name']} {place}"} for place in range(40)],
        details={"special_requests": "Xy" * 900 + " نص طويل" * 20},
    )
    for language in ("en", "ar", "both"):
        pages = read(voucher_pdf(booking, language)).pages
        assert 2 <= len(pages) <= 6
        for number, page in enumerate(pages, 1):
            assert f"{booking.reference} · {number}" in page.extract_text()


def test_lines_are_broken_in_the_order_they_are_read():
    register_fonts()
    text = "الكلمة الأولى ثم الثانية ثم الثالثة ثم الرابعة"
    lines = wrap(text, REGULAR, 12, 90)
    assert len(lines) == 3
    assert " ".join(lines) == text
    assert all(width_of(line, REGULAR, 12) <= 90 for line in lines)
    assert "".join(wrap("x" * 100, BOLD, 12, 60)) == "x" * 100
    assert wrap("a\nb\x00c", REGULAR, 12, 60) == ["a", "b c"]


def test_numbers_names_and_brackets_keep_their_direction():
    assert visual(f"هاتف {ltr('+20 100 123')}", rtl=True).startswith("+20 100 123")
    assert visual("(abc) def", rtl=False) == "(abc) def"
    assert (
        visual("شتيجنبرجر (خليج)", rtl=True)[0] == "("
    )  # the last one read stands at the left, and opens to the right
    assert visual("شتيجنبرجر (خليج)", rtl=True).count("(") == visual("شتيجنبرجر (خليج)", rtl=True).count(")") == 1
    assert visual("رحلة (Small group)", rtl=True).startswith("(Small group) ")
    assert visual("«رحلة»", rtl=True)[0] == "«"
    assert visual(f"{ltr('(12) [a]')} رحلة", rtl=True).endswith("(12) [a]")
    assert visual("((أ))", rtl=True)[:2] == "(("
    names = f"{apart('Mona Saleh')}، {apart('Karim')}"
    assert visual(names, rtl=True).index("Karim") < visual(names, rtl=True).index("Mona Saleh")
    assert (is_rtl("123 مرحبا abc", False), is_rtl("abc مرحبا", True), is_rtl("123", True)) == (True, False, True)


def test_money_that_is_still_due_stands_on_the_voucher():
    waiting = BookingFactory()
    services.confirm_booking(booking_id=waiting.pk, actor=waiting.customer, reason="pays cash")
    text = words(voucher_pdf(Booking.objects.for_display().get(pk=waiting.pk), "en"))
    assert "Still to pay" in text
    assert "$200.00" in text


def test_extras_are_named():
    departure = DepartureFactory()
    ExtraFactory(tour=departure.tour)
    booking = booked(departure=departure, extras=[{"code": "lunch", "quantity": 2}])
    assert booking.total == Decimal(230)
    assert "2 × Lunch" in words(voucher_pdf(booking, "en"))


def test_the_code_to_scan_is_the_signed_address(monkeypatch):
    seen = []
    original = "bookings.documents.voucher.segno.make"
    from_segno = __import__("segno").make
    monkeypatch.setattr(original, lambda content, **options: seen.append(content) or from_segno(content, **options))
    booking = booked()
    voucher_pdf(booking, "en")
    assert seen == [voucher_link(booking)]


def test_the_calendar_entry_is_the_trip_in_utc_with_a_lasting_id():
    booking = booked()
    calendar = icalendar.Calendar.from_ical(calendar_ics(booking, "en"))
    (event,) = calendar.walk("VEVENT")
    assert event.decoded("dtstart") == booking.starts_at
    assert event.decoded("dtend") == booking.ends_at
    assert str(event["dtstart"].to_ical(), "ascii").endswith("Z")
    assert (str(event["summary"]), str(event["location"])) == (
        booking.quote["title"]["en"],
        "Main gate, Al Haram Street",
    )
    assert str(event["organizer"]).startswith("mailto:")
    assert [alarm.decoded("trigger") for alarm in event.walk("VALARM")] == [-timedelta(days=1), -timedelta(hours=2)]
    again = icalendar.Calendar.from_ical(calendar_ics(booking, "ar"))
    assert again.walk("VEVENT")[0]["uid"] == event["uid"]
    assert again.walk("VEVENT")[0]["summary"] == booking.quote["title"]["ar"]
    assert calendar_ics(booking, "en") == calendar_ics(booking, "en")
