import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from accounts.models import Role
from accounts.tests.factories import MembershipFactory, RoleFactory
from bookings import services
from bookings.errors import (
    AlreadyStarted,
    BookingEnded,
    BookingNotFound,
    ContactRequired,
    CustomerNotFound,
    HoldBooked,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    NotStarted,
    OverrideNotAllowed,
    ReasonRequired,
    RefundChanged,
    SeatsUnavailable,
    TravellersMismatch,
    VoucherNotReady,
)
from bookings.models import Booking, BookingStatus, HoldStatus, PaymentState
from bookings.services import Settlement
from bookings.services import bookings as booking_services
from bookings.tests.factories import (
    CONTACT,
    TRAVELLERS,
    BookingFactory,
    ClerkFactory,
    CustomerFactory,
    HoldFactory,
    move_in_time,
    run_out,
)
from config.errors import IllegalMove, InvalidInput
from config.tenancy import tenant_context
from ledger.models import AccountRole, Transaction
from ledger.services import balance_of, system_account
from notifications.models import Event
from tours.models import CancellationTier, Departure
from tours.tests.factories import CancellationPolicyFactory, DepartureFactory, TaxRateFactory

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus


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


def deposits():
    return balance_of(system_account(AccountRole.CUSTOMER_DEPOSITS, "USD"))


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
    monkeypatch.setattr(booking_services, "short_reference", lambda prefix: next(drawn))
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


# --- Payment ---


def test_paying_in_full_confirms_and_repeating_changes_nothing():
    booking = BookingFactory()
    assert pay(booking) == Settlement.CONFIRMED
    for _again in range(2):
        assert pay(booking) == Settlement.UNCHANGED
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status, booking.amount_due) == (S.CONFIRMED, PaymentState.PAID, 0)
    assert (booking.expires_at, booking.confirmed_at is None) == (None, False)
    assert booking.items.get().status == S.CONFIRMED
    assert booking.items.get().hold.status == HoldStatus.CONVERTED
    assert counters(booking) == (0, 2)
    assert history(booking) == [("", S.PENDING_PAYMENT), (S.PENDING_PAYMENT, S.CONFIRMED)]
    assert facts(booking) == ["booking.created", "booking.confirmed"]


def test_part_of_the_money_does_not_confirm():
    booking = BookingFactory()
    assert pay(booking, "50") == Settlement.PARTLY_PAID
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == (S.PENDING_PAYMENT, PaymentState.PARTIALLY_PAID)
    assert booking.amount_due == Decimal(150)
    assert pay(booking, "200") == Settlement.CONFIRMED


def test_a_failed_attempt_leaves_the_booking_payable():
    booking = BookingFactory()
    services.record_failed_attempt(booking_id=booking.pk)
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == (S.PENDING_PAYMENT, PaymentState.FAILED)
    assert booking.amount_due == Decimal(200)
    assert pay(booking) == Settlement.CONFIRMED
    services.record_failed_attempt(booking_id=booking.pk)
    booking.refresh_from_db()
    assert booking.payment_status == PaymentState.PAID


def test_money_that_came_late_wins_the_seats_again():
    booking = BookingFactory(status=S.EXPIRED)
    assert counters(booking) == (0, 0)
    assert pay(booking) == Settlement.CONFIRMED
    booking.refresh_from_db()
    assert booking.status == S.CONFIRMED
    assert counters(booking) == (0, 2)
    assert history(booking)[1:] == [(S.PENDING_PAYMENT, S.EXPIRED), (S.EXPIRED, S.CONFIRMED)]


def test_money_that_came_before_anybody_noticed_the_end_confirms():
    booking = BookingFactory()
    run_out(booking.items.get().hold)
    assert pay(booking) == Settlement.CONFIRMED
    assert counters(booking) == (0, 2)


def test_money_that_came_too_late_for_the_seats_goes_back():
    departure = DepartureFactory(capacity=2)
    booking = BookingFactory(departure=departure, status=S.EXPIRED)
    BookingFactory(departure=departure)
    assert pay(booking) == Settlement.SEATS_GONE
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == (S.EXPIRED, PaymentState.PAID)
    assert counters(booking) == (2, 0)
    assert pay(booking, "200", refunded="200") == Settlement.UNCHANGED
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == (S.REFUNDED, PaymentState.REFUNDED)
    assert facts(booking)[-2:] == ["booking.expired", "booking.refunded"]


def test_late_money_wins_seats_that_only_an_overdue_hold_keeps():
    departure = DepartureFactory(capacity=2)
    booking = BookingFactory(departure=departure, status=S.EXPIRED)
    run_out(HoldFactory(departure=departure))
    assert pay(booking) == Settlement.CONFIRMED
    assert counters(booking) == (0, 2)


@pytest.mark.parametrize("changes", [{"status": "CANCELLED"}, {"status": "CLOSED"}])
def test_late_money_does_not_open_a_closed_departure(changes):
    booking = BookingFactory(status=S.EXPIRED)
    Departure.objects.update(**changes)
    assert pay(booking) == Settlement.SEATS_GONE
    assert counters(booking) == (0, 0)


def test_money_for_a_cancelled_booking_goes_back():
    booking = BookingFactory()
    services.cancel_booking(booking_id=booking.pk, actor=booking.customer)
    assert pay(booking) == Settlement.BOOKING_ENDED
    assert pay(booking, "200", refunded="200") == Settlement.UNCHANGED
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == (S.CANCELLED, PaymentState.REFUNDED)
    assert counters(booking) == (0, 0)


def test_part_of_the_money_for_an_expired_booking_goes_back():
    booking = BookingFactory(status=S.EXPIRED)
    assert pay(booking, "50") == Settlement.BOOKING_ENDED


# --- Confirmation by staff ---


def test_staff_confirm_without_payment_and_say_why():
    booking, actor = BookingFactory(), ClerkFactory()
    with pytest.raises(ReasonRequired):
        services.confirm_booking(booking_id=booking.pk, actor=actor, reason=" ")
    for _twice in range(2):
        confirmed = services.confirm_booking(booking_id=booking.pk, actor=actor, reason="pays on the day")
    assert (confirmed.status, confirmed.amount_due) == (S.CONFIRMED, Decimal(200))
    line = booking.events.get(new_status=S.CONFIRMED)
    assert (line.actor, line.reason) == (actor, "pays on the day")
    assert pay(booking) == Settlement.CONFIRMED
    assert counters(booking) == (0, 2)


def test_staff_cannot_confirm_without_seats():
    departure = DepartureFactory(capacity=2)
    booking = BookingFactory(departure=departure, status=S.EXPIRED)
    BookingFactory(departure=departure)
    with pytest.raises(SeatsUnavailable):
        services.confirm_booking(booking_id=booking.pk, actor=ClerkFactory(), reason="a friend")
    booking.refresh_from_db()
    assert booking.status == S.EXPIRED


# --- Expiry ---


def test_the_end_of_a_hold_ends_its_booking():
    booking = BookingFactory()
    run_out(booking.items.get().hold)
    assert services.expire_holds() == 1
    booking.refresh_from_db()
    assert (booking.status, booking.items.get().status) == (S.EXPIRED, S.EXPIRED)
    assert booking.items.get().hold.status == HoldStatus.EXPIRED
    assert counters(booking) == (0, 0)
    assert facts(booking)[-1] == "booking.expired"
    assert booking.amount_due == 0


def test_the_end_is_warned_of_once(settings):
    booking = BookingFactory()
    assert services.warn_of_ending_holds() == 0
    Booking.objects.update(expires_at=now() + timedelta(minutes=4))
    assert services.warn_of_ending_holds() == 1
    assert services.warn_of_ending_holds() == 0
    assert facts(booking) == ["booking.created", "hold.ending"]


# --- Cancellation ---


def policy(*tiers):
    return CancellationPolicyFactory(tiers=tiers)


@pytest.mark.parametrize(
    ("hours", "percent", "fee", "refund", "rule"),
    [
        (100, "100", "0.00", "200.00", "policy:72h"),
        (72.01, "100", "0.00", "200.00", "policy:72h"),
        (71.99, "50", "100.00", "100.00", "policy:24h"),
        (24.01, "50", "100.00", "100.00", "policy:24h"),
        (23.99, "0", "200.00", "0.00", "policy:none"),
    ],
)
def test_the_policy_decides_by_the_hours_left(hours, percent, fee, refund, rule):
    booking = BookingFactory(
        departure__option__tour__cancellation_policy=policy((72, 100), (24, 50)), status=S.CONFIRMED
    )
    move_in_time(booking, now() + timedelta(hours=hours), now() + timedelta(hours=hours + 4))
    booking.refresh_from_db()
    terms = services.cancellation_terms(booking)
    assert (terms["percent"], terms["fee"], terms["refund"], terms["rule"]) == (percent, fee, refund, rule)
    assert sum(Decimal(line["amount"]) for line in terms["lines"]) == Decimal(refund)
    assert {line["rule"] for line in terms["lines"]} == {"payments", rule}


def test_cancelling_frees_the_seats_keeps_the_fee_and_says_what_goes_back():
    booking = BookingFactory(departure__option__tour__cancellation_policy=policy((24, 75)), status=S.CONFIRMED)
    shown = services.cancellation_terms(booking)
    cancelled = services.cancel_booking(
        booking_id=booking.pk, actor=booking.customer, reason="ill", expected_refund=Decimal("150")
    )
    assert (cancelled.status, cancelled.cancel_reason, cancelled.cancellation) == (S.CANCELLED, "ill", shown)
    assert counters(booking) == (0, 0)
    assert booking.items.get().hold.status == HoldStatus.RELEASED
    fact = Event.objects.get(type="booking.cancelled")
    assert fact.data == {"refund": "150.00"}
    again = services.cancel_booking(booking_id=booking.pk, actor=booking.customer, reason="again")
    assert again.cancel_reason == "ill"
    assert Event.objects.filter(type="booking.cancelled").count() == 1


def test_what_was_agreed_counts_whatever_becomes_of_the_policy():
    booking = BookingFactory(status=S.CONFIRMED)
    CancellationTier.objects.update(refund_percent=0)
    booking.refresh_from_db()
    assert services.cancellation_terms(booking)["refund"] == "200.00"


def test_before_confirmation_everything_paid_comes_back():
    strict = {"departure__option__tour__cancellation_policy": policy()}
    unpaid, part = BookingFactory(**strict), BookingFactory(**strict, paid=Decimal(50))
    assert services.cancellation_terms(unpaid)["refund"] == "0.00"
    terms = services.cancellation_terms(part)
    assert (terms["refund"], terms["fee"], terms["rule"]) == ("50.00", "0.00", "not_confirmed")


def test_of_a_part_payment_the_fee_is_kept_first():
    booking = BookingFactory(
        departure__option__tour__cancellation_policy=policy((24, 50)),
        status=S.CONFIRMED,
        paid=Decimal(130),
        actor=ClerkFactory(),
    )
    terms = services.cancellation_terms(booking)
    assert (terms["paid"], terms["fee"], terms["refund"]) == ("130.00", "100.00", "30.00")


def test_another_refund_than_the_one_shown_is_refused():
    booking = BookingFactory(status=S.CONFIRMED)
    with pytest.raises(RefundChanged):
        services.cancel_booking(booking_id=booking.pk, actor=booking.customer, expected_refund=Decimal("199.99"))
    booking.refresh_from_db()
    assert booking.status == S.CONFIRMED


def test_going_against_the_policy_needs_permission_and_reason():
    booking = BookingFactory(departure__option__tour__cancellation_policy=policy(), status=S.CONFIRMED)
    may = ClerkFactory(permissions=["bookings.override_policy"])
    for actor, reason, percent, refused in (
        (booking.customer, "please", "100", OverrideNotAllowed),
        (None, "please", "100", OverrideNotAllowed),
        (ClerkFactory(), "please", "100", OverrideNotAllowed),
        (may, " ", "100", ReasonRequired),
        (may, "please", "100.5", InvalidInput),
        (may, "please", "-1", InvalidInput),
    ):
        with pytest.raises(refused):
            services.cancel_booking(booking_id=booking.pk, actor=actor, reason=reason, refund_percent=Decimal(percent))
    booking.refresh_from_db()
    assert booking.status == S.CONFIRMED
    cancelled = services.cancel_booking(
        booking_id=booking.pk, actor=may, reason="our fault", refund_percent=Decimal("33.33")
    )
    assert (cancelled.cancellation["refund"], cancelled.cancellation["rule"]) == ("66.66", "staff_override")


@pytest.mark.parametrize("status", [S.COMPLETED, S.IN_PROGRESS, S.EXPIRED, S.NO_SHOW])
def test_what_ended_is_not_cancelled(status):
    booking = BookingFactory(status=status)
    with pytest.raises(IllegalMove):
        services.cancel_booking(booking_id=booking.pk, actor=booking.customer)
    assert Booking.objects.get(pk=booking.pk).status == status


def test_what_started_is_not_cancelled():
    booking = BookingFactory(status=S.CONFIRMED)
    move_in_time(booking, now() - timedelta(minutes=1), now() + timedelta(hours=1))
    with pytest.raises(AlreadyStarted):
        services.cancel_booking(booking_id=booking.pk, actor=booking.customer)


# --- Time passes ---


def test_trips_start_and_end():
    booking = BookingFactory(status=S.CONFIRMED)
    assert services.progress_bookings() == 0
    move_in_time(booking, now() - timedelta(hours=1), now() + timedelta(hours=1))
    assert services.progress_bookings() == 1
    assert services.progress_bookings() == 0
    move_in_time(booking, now() - timedelta(hours=3), now() - timedelta(hours=1))
    assert services.progress_bookings() == 1
    assert services.progress_bookings() == 0
    assert history(booking)[2:] == [(S.CONFIRMED, S.IN_PROGRESS), (S.IN_PROGRESS, S.COMPLETED)]
    assert facts(booking)[-1] == "booking.completed"


def test_a_job_that_was_down_completes_what_ended_meanwhile():
    booking = BookingFactory(status=S.CONFIRMED)
    move_in_time(booking, now() - timedelta(hours=3), now() - timedelta(hours=1))
    assert services.progress_bookings() == 1
    assert history(booking)[-1] == (S.CONFIRMED, S.COMPLETED)


def test_no_show_comes_after_the_start_and_can_be_taken_back():
    booking, actor = BookingFactory(status=S.CONFIRMED), ClerkFactory()
    with pytest.raises(NotStarted):
        services.mark_no_show(booking_id=booking.pk, actor=actor)
    move_in_time(booking, now() - timedelta(hours=1), now() + timedelta(hours=1))
    for _twice in range(2):
        assert services.mark_no_show(booking_id=booking.pk, actor=actor, reason="nobody").status == S.NO_SHOW
    assert services.confirm_booking(booking_id=booking.pk, actor=actor, reason="wrong row").status == S.CONFIRMED
    assert counters(booking) == (0, 2)


# --- Revenue ---


def sums():
    roles = (AccountRole.CUSTOMER_DEPOSITS, AccountRole.REVENUE, AccountRole.TAX_PAYABLE)
    return tuple(balance_of(system_account(role, "USD")) for role in roles)


def test_a_trip_that_was_given_is_earned_with_its_tax_apart():
    booking = BookingFactory(departure__option__tour__tax=TaxRateFactory(percent=Decimal(14)), status=S.COMPLETED)
    # Captures are posted by payments: here deposits only go down.
    assert sums() == (Decimal(-200), Decimal("175.44"), Decimal("24.56"))
    assert Transaction.objects.get().reference == f"booking:{booking.pk}:earned"
    assert booking.amount_earned == Decimal(200)


def test_the_fee_is_earned_at_cancellation():
    booking = BookingFactory(departure__option__tour__cancellation_policy=policy((24, 75)), status=S.CANCELLED)
    assert sums() == (Decimal(-50), Decimal(50), 0)
    assert Transaction.objects.get().reference == f"booking:{booking.pk}:fee"
    pay(booking, "200", refunded="150")
    assert sums() == (Decimal(-50), Decimal(50), 0)


def test_what_is_given_back_later_is_not_earned_any_more():
    booking = BookingFactory(status=S.COMPLETED)
    pay(booking, "200", refunded="30")
    assert sums() == (Decimal(-170), Decimal(170), 0)
    pay(booking, "200", refunded="30")
    pay(booking, "200", refunded="50")
    assert sums() == (Decimal(-150), Decimal(150), 0)
    assert Transaction.objects.count() == 3
    booking.refresh_from_db()
    assert booking.amount_earned == Decimal(150)


def test_a_no_show_is_earned_and_taken_back():
    booking = BookingFactory(status=S.NO_SHOW)
    assert sums() == (Decimal(-200), Decimal(200), 0)
    services.confirm_booking(booking_id=booking.pk, actor=booking.customer, reason="wrong row")
    assert sums() == (0, 0, 0)
    services.mark_no_show(booking_id=booking.pk, actor=booking.customer)
    assert sums() == (Decimal(-200), Decimal(200), 0)


# --- Changes ---


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
