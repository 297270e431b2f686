import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import Tenant
from bookings import services
from bookings.models import Booking, BookingKind, BookingStatus, Hold, HoldStatus
from bookings.seeds import seed_tenant
from bookings.tests.factories import (
    CONTACT,
    TRAVELLERS,
    BookingFactory,
    ClerkFactory,
    CustomerFactory,
    HoldFactory,
    move_in_time,
)
from notifications.models import Event
from tours.tests.factories import CancellationPolicyFactory, DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus
FORMSET = ("TOTAL_FORMS", "INITIAL_FORMS")
ALL = ["view_booking", "change_booking", "view_hold", "change_hold", "confirm", "cancel", "view_bookingkind"]


def back_office(client, *permissions):
    clerk = ClerkFactory(permissions=[name if "." in name else f"bookings.{name}" for name in permissions])
    client.force_login(clerk)
    return clerk


def page(booking, action=""):
    return (
        reverse("admin:bookings_booking_change", args=[booking.pk])
        if not action
        else (reverse("admin:bookings_booking_change", args=[booking.pk]).replace("change/", f"{action}_this/"))
    )


def state(booking):
    booking.refresh_from_db()
    return booking.status


def test_the_list_costs_the_same_however_long_it_is(client, django_assert_max_num_queries):
    back_office(client, *ALL)
    client.get(reverse("admin:bookings_booking_changelist"))  # what is remembered from the first call on
    counts = []
    for _more in range(2):
        for _n in range(3):
            BookingFactory(departure=DepartureFactory(capacity=50), travellers=TRAVELLERS)
        with django_assert_max_num_queries(20) as queries:
            answer = client.get(reverse("admin:bookings_booking_changelist"))
        assert answer.status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_bookings_are_found_by_what_callers_say(client):
    back_office(client, *ALL)
    wanted = BookingFactory(contact={"name": "كريم حسن", "email": "karim@example.com", "phone": "+971501234567"})
    other = BookingFactory()
    for q in (wanted.reference, "كريم", "karim@", "5012345"):
        text = client.get(reverse("admin:bookings_booking_changelist"), {"q": q}).content.decode()
        assert wanted.reference in text
        assert other.reference not in text
    for source, expected in (("SELF", True), ("ADMIN", False), ("AGENT", False)):
        text = client.get(reverse("admin:bookings_booking_changelist"), {"source": source}).content.decode()
        assert (wanted.reference in text) is expected


@pytest.mark.parametrize("status", [S.PENDING_PAYMENT, S.CONFIRMED, S.CANCELLED, S.EXPIRED, S.COMPLETED, S.NO_SHOW])
def test_the_page_shows_and_does_not_change_state_and_money(client, django_assert_max_num_queries, status):
    back_office(client, *ALL)
    booking = BookingFactory(status=status, travellers=TRAVELLERS)
    with django_assert_max_num_queries(25):
        answer = client.get(page(booking))
    text = answer.content.decode()
    assert answer.status_code == 200
    for shown in (booking.reference, "Karim", "price_list:standard:adult", "$200.00"):
        assert shown in text
    for name in ("status", "payment_status", "total", "amount_paid", "quote", "starts_at"):
        assert f'name="{name}"' not in text


def test_the_customers_link_opens_and_can_be_copied(client):
    back_office(client, *ALL)
    booking = BookingFactory()
    text = client.get(page(booking)).content.decode()
    address = re.search(
        r'href="([^"]*/b/[^"]+)"[^>]*><bdi dir="ltr">\1</bdi></a> <button type="button"[^>]*data-copied=', text
    )
    assert address is not None
    assert booking.reference in client.get(urlsplit(address[1]).path).content.decode()


def test_staff_change_contact_and_note_and_nothing_else(client):
    clerk = back_office(client, *ALL)
    booking = BookingFactory(status=S.CONFIRMED)
    form = {
        "contact_name": "Nour",
        "contact_email": booking.contact_email,
        "contact_phone_0": "+20",
        "contact_phone": "+201001234567",
        "language": "ar",
        "staff_note": "Called twice",
        "status": "CANCELLED",
        "total": "1",
        **{
            f"{prefix}-{name}": "0"
            for prefix in ("items", "travellers", "events", "payments")
            for name in ("TOTAL_FORMS", "INITIAL_FORMS")
        },
    }
    answer = client.post(page(booking), form)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    booking.refresh_from_db()
    assert (booking.contact_name, booking.language, booking.staff_note) == ("Nour", "ar", "Called twice")
    assert (booking.status, booking.total) == (S.CONFIRMED, Decimal(200))
    lines = booking.events.filter(actor=clerk).order_by("action").values_list("action", flat=True)
    assert list(lines) == ["details_changed", "staff_note"]


def test_each_state_offers_what_it_allows(client):
    back_office(client, *ALL)
    offered = {
        S.PENDING_PAYMENT: {"confirm", "cancel"},
        S.CONFIRMED: {"cancel", "resend", "voucher"},
        S.IN_PROGRESS: {"no_show", "resend", "voucher"},
        S.EXPIRED: {"confirm"},
        S.CANCELLED: set(),
        S.COMPLETED: {"resend", "voucher"},
        S.NO_SHOW: {"confirm"},
    }
    for status, wanted in offered.items():
        text = client.get(page(BookingFactory(status=status, departure=DepartureFactory()))).content.decode()
        found = {name for name in ("confirm", "cancel", "no_show", "resend", "voucher") if f"/{name}_this/" in text}
        assert found == wanted, status


def test_confirming_asks_why(client):
    clerk = back_office(client, *ALL)
    booking = BookingFactory()
    assert client.get(page(booking, "confirm")).status_code == 200
    assert client.post(page(booking, "confirm"), {"reason": ""}).status_code == 200
    assert state(booking) == S.PENDING_PAYMENT
    assert client.post(page(booking, "confirm"), {"reason": "pays cash"}).status_code == 302
    assert state(booking) == S.CONFIRMED
    assert booking.events.filter(actor=clerk, reason="pays cash").exists()


def test_a_refusal_is_told_on_the_page(client):
    back_office(client, *ALL)
    departure = DepartureFactory(capacity=2)
    booking = BookingFactory(departure=departure, status=S.EXPIRED)
    BookingFactory(departure=departure)
    answer = client.post(page(booking, "confirm"), {"reason": "a friend"})
    assert answer.status_code == 200
    assert "Only 0 of the 2 seats asked for are left." in answer.content.decode()
    assert state(booking) == S.EXPIRED


def test_cancelling_shows_the_refund_first(client):
    back_office(client, *ALL)
    half = CancellationPolicyFactory(tiers=[(24, 50)])
    booking = BookingFactory(departure__option__tour__cancellation_policy=half, status=S.CONFIRMED)
    text = client.get(page(booking, "cancel")).content.decode()
    assert 'name="expected_refund" value="100.00"' in text
    assert "Cancelled 24 hours or more before the start: 50 % of the price is kept" in text
    assert 'name="refund_percent"' not in text
    stale = client.post(page(booking, "cancel"), {"reason": "ill", "expected_refund": "150.00"})
    assert (stale.status_code, state(booking)) == (200, S.CONFIRMED)
    sly = client.post(page(booking, "cancel"), {"reason": "ill", "refund_percent": "100", "expected_refund": "200.00"})
    assert (sly.status_code, state(booking)) == (200, S.CONFIRMED)
    assert client.post(page(booking, "cancel"), {"reason": "ill", "expected_refund": "100.00"}).status_code == 302
    assert state(booking) == S.CANCELLED
    assert Event.objects.get(type="booking.cancelled").data == {"refund": "100.00"}


def test_with_permission_the_percent_is_shown_before_it_counts(client):
    back_office(client, *ALL, "override_policy")
    booking = BookingFactory(status=S.CONFIRMED)
    assert 'name="expected_refund"' not in client.get(page(booking, "cancel")).content.decode()
    shown = client.post(page(booking, "cancel"), {"reason": "late", "refund_percent": "30"}).content.decode()
    assert 'name="expected_refund" value="60.00"' in shown
    assert state(booking) == S.CONFIRMED
    answer = client.post(
        page(booking, "cancel"), {"reason": "late", "refund_percent": "30", "expected_refund": "60.00"}
    )
    assert answer.status_code == 302
    assert state(booking) == S.CANCELLED
    assert (booking.cancellation["refund"], booking.cancellation["rule"]) == ("60.00", "staff_override")


def test_no_show_voucher_and_sending_it_again(client):
    back_office(client, *ALL)
    booking = BookingFactory(status=S.CONFIRMED)
    pdf = client.get(page(booking, "voucher"))
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    asked = client.get(page(booking, "resend"))
    assert booking.contact_email in asked.content.decode()
    assert not Event.objects.filter(type="booking.voucher_asked").exists()  # looking changes nothing
    assert client.post(page(booking, "resend")).status_code == 302
    assert Event.objects.filter(type="booking.voucher_asked").count() == 1
    move_in_time(booking, now() - timedelta(hours=1), now() + timedelta(hours=1))
    assert client.post(page(booking, "no_show"), {"reason": "nobody"}).status_code == 302
    assert state(booking) == S.NO_SHOW


@pytest.mark.parametrize("action", ["confirm", "cancel", "no_show", "resend"])
def test_actions_need_their_permission(client, action):
    back_office(client, "view_booking")
    booking = BookingFactory()
    answer = client.post(page(booking, action), {"reason": "x", "expected_refund": "0.00"})
    assert answer.status_code == 403
    assert state(booking) == S.PENDING_PAYMENT
    assert not Event.objects.filter(type="booking.voucher_asked").exists()


def test_times_are_those_of_the_operators_clock_but_the_trips_own(client, tenant):
    Tenant.objects.filter(pk=tenant.pk).update(time_zone="Asia/Tokyo")
    back_office(client, *ALL)
    booking = BookingFactory()
    Booking.objects.filter(pk=booking.pk).update(
        created_at=datetime(2026, 11, 21, 18, 30, tzinfo=UTC), expires_at=datetime(2026, 11, 21, 18, 45, tzinfo=UTC)
    )
    shown = client.get(page(booking)).content.decode().replace('</span> <span class="whitespace-nowrap">', " ")
    assert "2026-11-22 03:30" in shown
    assert "2026-11-22 03:45" in shown
    local = booking.starts_at.astimezone(ZoneInfo(booking.quote["time_zone"]))
    assert f"{local:%Y-%m-%d %H:%M}" in shown
    found = {"created_at_from": "2026-11-22", "created_at_to": "2026-11-22"}
    assert booking.reference in client.get(reverse("admin:bookings_booking_changelist"), found).content.decode()


def test_what_a_colleague_changed_meanwhile_stays(client):
    back_office(client, *ALL)
    booking = BookingFactory(status=S.CONFIRMED)
    form = client.get(page(booking)).context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields}
    sent |= {f"initial-{name}": value for name, value in sent.items()}
    sent |= {f"{prefix}-{end}": 0 for prefix in ("items", "travellers", "events") for end in FORMSET}
    services.update_booking(booking_id=booking.pk, changes={"pickup": "Lobby of the Nile Hotel"})
    assert client.post(page(booking), {**sent, "staff_note": "window seats"}).status_code == 302
    booking.refresh_from_db()
    assert (booking.pickup, booking.staff_note) == ("Lobby of the Nile Hotel", "window seats")


@pytest.mark.parametrize("typed", ["احمد", "أحمد", "أَحْمَد", "أحمـــد", "مصطفي", "فاطمه ١٢", "SALMA", "100%"])
def test_names_are_found_however_they_are_typed(client, typed):
    back_office(client, *ALL)
    booking = BookingFactory(contact={**CONTACT, "name": "أحمد مصطفى فاطمة 12 Salma 100%"})
    other = BookingFactory(contact={**CONTACT, "name": "منى سعيد 100"})
    shown = client.get(reverse("admin:bookings_booking_changelist"), {"q": typed}).content.decode()
    assert booking.reference in shown
    assert other.reference not in shown


def test_customers_and_strangers_see_nothing(client):
    booking = BookingFactory()
    for user in (None, CustomerFactory()):
        if user:
            client.force_login(user)
        assert client.get(page(booking)).status_code == 302
        assert client.get(page(booking, "voucher")).status_code == 302


@pytest.mark.parametrize(
    "model",
    ["bookings_booking", "bookings_choiceoffer", "bookings_review", "tours_tour", "tours_departure"],
)
def test_an_address_that_is_no_id_is_not_found(client, model):
    app, name = model.split("_")
    back_office(client, f"{app}.view_{name}", f"{app}.change_{name}", "tours.publish")
    assert client.get(reverse(f"admin:{model}_change", args=["nonsense"])).status_code == 404


def test_unknown_bookings_are_not_found(client):
    back_office(client, *ALL)
    booking = BookingFactory()
    for wrong in ("x", "01a1fd0e-0000-7000-8000-000000000000"):
        assert client.get(page(booking, "cancel").replace(str(booking.pk), wrong)).status_code in (302, 404)


def test_holds_are_released_from_their_list(client):
    back_office(client, *ALL)
    hold, booked = HoldFactory(), BookingFactory().items.get().hold
    path = reverse("admin:bookings_hold_changelist")
    assert client.get(path).status_code == 200
    answer = client.post(path, {"action": "release", "_selected_action": [str(hold.pk), str(booked.pk)]}, follow=True)
    assert "1 hold released." in answer.content.decode()
    assert "There is a booking on this hold already." in answer.content.decode()
    assert Hold.objects.get(pk=hold.pk).status == HoldStatus.RELEASED
    assert Hold.objects.get(pk=booked.pk).status == HoldStatus.ACTIVE


def test_the_seven_kinds_are_seeded_once_and_stay(client):
    seed_tenant()
    BookingKind.objects.filter(code="TOUR").update(name_en="Day trip", colour="#000000")
    seed_tenant()
    assert sorted(BookingKind.objects.values_list("code", flat=True)) == [
        "ACTIVITY",
        "CAR_RENTAL",
        "FLIGHT",
        "HOTEL",
        "PACKAGE",
        "TOUR",
        "TRANSPORTATION",
    ]
    tour = BookingKind.objects.get(code="TOUR")
    assert (tour.name_en, tour.name_ar, tour.icon) == ("Day trip", "جولة", "tour")
    back_office(client, *ALL, "change_bookingkind", "delete_bookingkind")
    assert client.get(reverse("admin:bookings_bookingkind_changelist")).status_code == 200
    assert client.post(reverse("admin:bookings_bookingkind_delete", args=[tour.pk]), {"post": "yes"}).status_code == 403


def test_nobody_adds_or_deletes_bookings_by_hand(client):
    back_office(client, *ALL, "add_booking", "delete_booking", "add_hold", "delete_hold")
    booking = BookingFactory()
    assert client.get(reverse("admin:bookings_booking_add")).status_code == 403
    assert client.post(reverse("admin:bookings_booking_delete", args=[booking.pk]), {"post": "yes"}).status_code == 403
    assert Booking.objects.filter(pk=booking.pk).exists()
    assert services.find_hold(hold_id=booking.items.get().hold_id, actor=booking.customer)
