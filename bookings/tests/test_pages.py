import pytest

from bookings.access import booking_link, booking_token, voucher_link
from bookings.models import BookingStatus
from bookings.tests.factories import TRAVELLERS, BookingFactory
from config.tenancy import tenant_context
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus


def path_of(address):
    return "/" + address.partition("//")[2].partition("/")[2]


def test_the_link_shows_the_booking_in_both_languages(client):
    booking = BookingFactory(status=S.CONFIRMED, travellers=TRAVELLERS, details={"pickup": "<b>Cecil</b>"})
    path = path_of(booking_link(booking))
    english, arabic = client.get(path), client.get(f"{path}?language=ar")
    assert (english.status_code, arabic.status_code) == (200, 200)
    text = english.content.decode()
    for shown in (booking.reference, "Confirmed", "Mona Saleh", "$200.00", "Main gate, Al Haram Street"):
        assert shown in text
    assert "&lt;b&gt;Cecil&lt;/b&gt;" in text
    assert 'dir="rtl"' in arabic.content.decode()
    assert "البوابة الرئيسية" in arabic.content.decode()
    assert (english["Referrer-Policy"], english["X-Robots-Tag"]) == ("no-referrer", "noindex")
    assert "no-store" in english["Cache-Control"]


def test_who_owes_finds_the_way_to_pay(client):
    paid, owing, ended = BookingFactory(status=S.CONFIRMED), BookingFactory(), BookingFactory(status=S.EXPIRED)
    for booking, is_asked in ((paid, False), (owing, True), (ended, False)):
        path = path_of(booking_link(booking))
        assert (f'href="{path}/pay?language=en"' in client.get(path).content.decode()) == is_asked
    assert client.get(f"{path_of(booking_link(owing))}/pay").status_code == 200


def test_documents_come_with_confirmation(client):
    booking, waiting = BookingFactory(status=S.CONFIRMED), BookingFactory()
    path = path_of(booking_link(booking))
    assert client.get(f"{path}/voucher.pdf").content[:5] == b"%PDF-"
    assert client.get(f"{path}/calendar.ics").content[:15] == b"BEGIN:VCALENDAR"
    for name in ("voucher.pdf", "calendar.ics"):
        assert client.get(f"{path_of(booking_link(waiting))}/{name}").status_code == 404


def test_forged_and_outdated_links_open_nothing(client, monkeypatch):
    booking = BookingFactory(status=S.CONFIRMED)
    token = booking_token(booking)
    monkeypatch.setattr("bookings.access.LINK_LASTS", -1)
    assert client.get(f"/b/{token}").status_code == 404
    monkeypatch.undo()
    swapped = booking_token(BookingFactory()).partition(":")[0] + token[token.index(":") :]
    for wrong in (token[:-1], token + "A", swapped, "x", "a:b:c", "%00"):
        answer = client.get(f"/b/{wrong}")
        assert answer.status_code == 404
        assert "There is no booking here" in answer.content.decode()


def test_the_pages_only_show(client):
    booking = BookingFactory(status=S.CONFIRMED)
    for address in (booking_link(booking), voucher_link(booking)):
        for method in ("post", "put", "delete"):
            assert getattr(client, method)(path_of(address)).status_code == 405


@pytest.mark.parametrize(("status", "counts"), [(S.CONFIRMED, True), (S.CANCELLED, False), (S.COMPLETED, False)])
def test_a_voucher_says_whether_it_counts_and_nobodys_name(client, status, counts):
    booking = BookingFactory(status=status, travellers=TRAVELLERS)
    text = client.get(path_of(voucher_link(booking))).content.decode()
    assert ("This voucher counts." in text) is counts
    assert booking.reference in text
    for private in ("Mona", "Karim", "mona@example.com", "+201001234567", "$200.00"):
        assert private not in text


def test_a_voucher_of_somebodys_making_does_not_count(client):
    booking = BookingFactory(status=S.CONFIRMED)
    code = path_of(voucher_link(booking)).removeprefix("/v/")
    for wrong in (code[:-1], code.replace(booking.reference, "BK-AAAAAA"), booking.reference, f"{booking.reference}:x"):
        assert client.get(f"/v/{wrong}").status_code == 404


def test_the_link_names_its_operator(client, other_tenant):
    """Opened without any header, on the address of the default operator."""
    with tenant_context(other_tenant.pk):
        booking = BookingFactory(departure=DepartureFactory(), status=S.CONFIRMED)
        path, code = path_of(booking_link(booking)), path_of(voucher_link(booking))
    page = client.get(path)
    assert (page.status_code, booking.reference in page.content.decode()) == (200, True)
    assert other_tenant.name_en in page.content.decode()
    assert client.get(f"{path}/voucher.pdf").status_code == 200
    assert client.get(code).status_code == 200
    other_tenant.is_active = False
    other_tenant.save(update_fields=["is_active"])
    assert client.get(path).status_code == 404
