import re
from decimal import Decimal

import pytest

from accounts.models import Role
from accounts.tests.factories import MembershipFactory, RoleFactory
from bookings import services
from bookings.errors import (
    BookingEnded,
    BookingNotFound,
    ContactRequired,
    CustomerNotFound,
    HoldBooked,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    TravellersMismatch,
    VoucherNotReady,
)
from bookings.models import Booking, BookingStatus, HoldStatus, PaymentState
from bookings.services import bookings as booking_services
from bookings.services import drafts
from bookings.tests.asking import counters, facts, history
from bookings.tests.factories import (
    CONTACT,
    TRAVELLERS,
    BookingFactory,
    ClerkFactory,
    CustomerFactory,
    HoldFactory,
    run_out,
)
from config.tenancy import tenant_context

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus


def test_a_booking_takes_over_what_the_hold_keeps():
    hold = HoldFactory(guests={"adult": 2})
    booking = services.create_booking(
        hold_id=hold.pk,
        actor=hold.customer,
        contact=CONTACT,
        travellers=TRAVELLERS,
        details={"special_requests": "A window seat"},
        language="ar",
    )
    booking = Booking.objects.get(pk=booking.pk)
    assert re.fullmatch(r"BK-[2-9A-HJKMNP-TV-Z]{6}", booking.reference)
    assert (booking.status, booking.payment_status) == (S.PENDING_PAYMENT, PaymentState.UNPAID)
    assert (booking.total, booking.currency, booking.amount_due) == (Decimal(200), "USD", Decimal(200))
    assert (booking.quote, booking.expires_at, booking.guests) == (hold.quote, hold.expires_at, 2)
    assert (booking.customer, booking.created_by, booking.source) == (hold.customer, hold.customer, "SELF")
    assert (booking.contact_email, booking.language) == (CONTACT["email"], "ar")
    assert booking.policy["tiers"] == [{"hours_before": 24, "refund_percent": "100"}]
    item = booking.items.get()
    assert (item.hold_id, item.departure_id, item.seats, item.amount) == (hold.pk, hold.departure_id, 2, Decimal(200))
    assert (item.kind.code, item.status) == ("TOUR", S.PENDING_PAYMENT)
    assert [str(traveller) for traveller in booking.travellers.all()] == ["Mona Saleh", "Karim Saleh"]
    assert history(booking) == [("", S.PENDING_PAYMENT)]
    assert facts(booking) == ["booking.created"]
    assert counters(booking) == (2, 0)
    hold.refresh_from_db()
    assert hold.status == HoldStatus.ACTIVE


def test_one_hold_makes_one_booking():
    booking = BookingFactory()
    with pytest.raises(HoldBooked):
        services.create_booking(hold_id=booking.items.get().hold_id, actor=booking.customer)
    assert Booking.objects.count() == 1


def test_a_reference_that_exists_is_drawn_again(monkeypatch):
    first = BookingFactory()
    drawn = iter([first.reference, first.reference, "BK-222222"])
    for module in (drafts, booking_services):
        monkeypatch.setattr(module, "short_reference", lambda prefix: next(drawn))
    assert BookingFactory().reference == "BK-222222"


@pytest.mark.parametrize(
    ("ended", "refused"), [("run_out", HoldExpired), ("expired", HoldExpired), ("released", HoldReleased)]
)
def test_ended_holds_are_not_booked(ended, refused):
    hold = HoldFactory()
    if ended == "released":
        services.release_hold(hold_id=hold.pk, actor=hold.customer)
    else:
        run_out(hold)
    if ended == "expired":
        services.expire_holds()
    with pytest.raises(refused):
        services.create_booking(hold_id=hold.pk, actor=hold.customer)
    assert not Booking.objects.exists()


def test_other_peoples_holds_are_not_booked(other_tenant):
    hold, guests = HoldFactory(), HoldFactory(actor=None)
    for wrong in ({"actor": CustomerFactory()}, {"actor": None}, {"actor": None, "hold_token": guests.token}):
        with pytest.raises(HoldNotFound):
            services.create_booking(hold_id=hold.pk, contact=CONTACT, **wrong)
    with tenant_context(other_tenant.pk), pytest.raises(HoldNotFound):
        services.create_booking(hold_id=hold.pk, contact=CONTACT, actor=hold.customer)
    booking = services.create_booking(hold_id=guests.pk, hold_token=guests.token, contact=CONTACT)
    assert (booking.customer_id, booking.created_by_id, booking.source) == (None, None, "SELF")


def test_a_stranger_must_say_whom_we_may_write_to():
    hold = HoldFactory(actor=None)
    with pytest.raises(ContactRequired):
        services.create_booking(hold_id=hold.pk, hold_token=hold.token)
    mona = CustomerFactory(email="own@example.com")
    booking = BookingFactory(actor=mona, contact=None)
    assert (booking.contact_name, booking.contact_email) == ("Mona Saleh", "own@example.com")


@pytest.mark.parametrize("travellers", [TRAVELLERS[:1], [TRAVELLERS[0], {**TRAVELLERS[1], "category": "child"}]])
def test_travellers_are_the_party_that_was_priced(travellers):
    hold = HoldFactory()
    with pytest.raises(TravellersMismatch):
        services.create_booking(hold_id=hold.pk, actor=hold.customer, travellers=travellers)
    assert not Booking.objects.exists()


def test_the_source_follows_from_who_made_it_for_whom():
    member = MembershipFactory(user=CustomerFactory()).user
    seller = ClerkFactory(permissions=["bookings.add_booking"])
    by_clerk = BookingFactory(actor=seller, customer_id=member.pk)
    assert (by_clerk.customer, by_clerk.source) == (member, "ADMIN")
    by_phone = BookingFactory(actor=seller)
    assert (by_phone.customer, by_phone.source) == (None, "ADMIN")
    agent = CustomerFactory()
    MembershipFactory(user=agent, role=RoleFactory(code=Role.Code.AGENT))
    by_agent = BookingFactory(actor=agent)
    assert (by_agent.customer, by_agent.agent, by_agent.source) == (None, agent, "AGENT")
    for actor, customer in (
        (CustomerFactory(), member.pk),
        (seller, CustomerFactory().pk),
    ):
        with pytest.raises(CustomerNotFound):
            BookingFactory(actor=actor, customer_id=customer)


def test_a_booking_that_costs_nothing_is_confirmed_at_once():
    booking = BookingFactory(departure__option__prices={"adult": "0"})
    assert (booking.status, booking.payment_status, booking.total) == (S.CONFIRMED, PaymentState.PAID, 0)
    assert counters(booking) == (0, 2)


def test_contact_and_needs_change_but_their_values_stay_out_of_the_history():
    booking = BookingFactory()
    changed = services.update_booking(
        booking_id=booking.pk,
        changes={"contact_email": "new@example.com", "pickup": "Hotel Cecil", "contact_name": CONTACT["name"]},
        actor=booking.customer,
    )
    assert (changed.contact_email, changed.pickup) == ("new@example.com", "Hotel Cecil")
    line = booking.events.get(action="details_changed")
    assert line.data == {"fields": ["contact_email", "pickup"]}
    services.update_booking(booking_id=booking.pk, changes={"pickup": "Hotel Cecil"}, actor=None)
    assert booking.events.filter(action="details_changed").count() == 1


def test_state_and_money_are_no_details():
    booking = BookingFactory()
    for name, value in (("status", "CONFIRMED"), ("total", Decimal(1)), ("staff_note", "x")):
        with pytest.raises(ValueError, match=name):
            services.update_booking(booking_id=booking.pk, changes={name: value}, actor=booking.customer)


def test_ended_bookings_do_not_change():
    booking = BookingFactory(status=S.CANCELLED)
    with pytest.raises(BookingEnded):
        services.update_booking(booking_id=booking.pk, changes={"pickup": "Hotel"}, actor=booking.customer)


def test_a_voucher_is_sent_again_only_where_there_is_one():
    waiting, confirmed = BookingFactory(), BookingFactory(status=S.CONFIRMED)
    with pytest.raises(VoucherNotReady):
        services.resend_voucher(booking_id=waiting.pk, actor=ClerkFactory())
    services.resend_voucher(booking_id=confirmed.pk, actor=ClerkFactory())
    assert facts(confirmed)[-1] == "booking.voucher_asked"
    assert confirmed.events.filter(action="voucher_resent").count() == 1


def test_unknown_and_foreign_bookings_are_not_there(other_tenant):
    booking = BookingFactory()
    with tenant_context(other_tenant.pk):
        for verb in (services.lock_booking,):
            with pytest.raises(BookingNotFound):
                verb(booking.pk)
        with pytest.raises(BookingNotFound):
            services.cancel_booking(booking_id=booking.pk, actor=booking.customer)
