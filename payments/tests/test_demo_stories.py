"""A booking of the demo equals one that the services made, field by field: every row, whatever its end."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from functools import partialmethod
from random import Random

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.timezone import now
from django.utils.translation import override

from accounts.tests.factories import MembershipFactory, RoleFactory
from bookings import services as bookings
from bookings.kinds import kind_called
from bookings.models import Booking, BookingEvent, BookingItem, BookingStatus, Hold, Traveller
from bookings.services.drafts import frozen_policy
from bookings.tests.factories import ClerkFactory, CustomerFactory, move_in_time, run_out
from config.invariants import check_all
from ledger.models import Entry, ExchangeRate, Transaction
from notifications.models import Delivery, DeliveryStatus, Event
from notifications.outbox import deliver
from payments import services as payments
from payments.demo.bulk import insert
from payments.demo.chronicle import Chronicle
from payments.demo.sales import terms_of
from payments.demo.story import HAS_SEATS, HOLDS_SEATS, Buyer, Ending, Story
from payments.demo.telling import tell
from payments.gateways.interface import GatewayDeclined, RemoteRefund, RemoteState
from payments.gateways.sandbox import Sandbox
from payments.models import GatewayObject, Payment, PaymentEvent, Refund
from tours.models import Departure, Tour
from tours.prices import load_terms
from tours.published import rebuild_catalogue
from tours.tests.factories import (
    CancellationPolicyFactory,
    CurrencyFactory,
    DepartureFactory,
    ExtraFactory,
    OptionFactory,
    TaxRateFactory,
    TourFactory,
)

PARTY = {"adult": 2, "child": 1}
TRAVELLERS = [
    {"category": "adult", "first_name": "Mona", "last_name": "Saleh", "age": 34},
    {"category": "adult", "first_name": "Karim", "last_name": "Saleh", "age": 36},
    {"category": "child", "first_name": "Nour", "last_name": "Saleh", "age": 7},
]
EXTRAS = [{"code": "lunch"}]


class FakeGateway:
    """Stands at the network's edge: answers what the sandbox would."""

    refuses_refunds = False

    def state(self, payment_id, amount, currency, status, **more):
        reference = f"sbp_{payment_id.hex[:24]}"
        action = {"type": "redirect", "url": f"http://127.0.0.1:8010/pay/{reference}"}
        return RemoteState(status, amount, currency, reference, action=action, **more)

    def create(self, adapter, intent, *, idempotency_key):
        return self.state(intent.payment_id, intent.amount, intent.currency, "PENDING")

    def fetch(self, adapter, intent):
        return self.state(intent.payment_id, intent.amount, intent.currency, "PENDING")

    def cancel(self, adapter, intent):
        return self.state(intent.payment_id, intent.amount, intent.currency, "CANCELLED")

    def refund(self, adapter, order):
        if self.refuses_refunds:
            raise GatewayDeclined("card_closed", "the card was closed")
        return RemoteRefund("SUCCEEDED", f"sbr_{order.refund_id.hex[:24]}", order.amount)


def _ask(adapter, fake, verb, *args, **options):
    return getattr(fake, verb)(adapter, *args, **options)


@pytest.fixture
def gateway(monkeypatch, settings):
    settings.SANDBOX_URL = "http://127.0.0.1:8010"
    fake = FakeGateway()
    for verb in ("create", "fetch", "cancel", "refund"):
        monkeypatch.setattr(Sandbox, verb, partialmethod(_ask, fake, verb))
    return fake


@pytest.fixture
def tour(tenant):
    policy = CancellationPolicyFactory(tiers=[(240, 100), (48, 50)])
    tour = TourFactory(cancellation_policy=policy, tax=TaxRateFactory())
    ExtraFactory(tour=tour, code="lunch", amount=Decimal("9.50"))
    OptionFactory(tour=tour, prices={"adult": "80", "child": "41.25", "infant": "0"})
    return tour


@pytest.fixture
def clerk(tenant):
    return ClerkFactory(
        permissions=["bookings.add_booking", "bookings.cancel", "bookings.confirm", "bookings.change_hold"]
    )


def departure_of(tour, hours=0):
    start = now() + timedelta(days=7, hours=hours)
    return DepartureFactory(tour=tour, option=tour.options.get(), capacity=10, starts_at=start)


# --- lived through the services ---


def hear():
    """Let every subscriber do its work, and what follows from it."""
    while waiting := list(Delivery.objects.filter(status=DeliveryStatus.WAITING, attempts=0)):
        for delivery in waiting:
            deliver(delivery.pk)


def begin(booking, actor):
    with override(booking.language):  # the payer's request is in their language
        return payments.start_payment(booking_id=booking.pk, gateway="sandbox", actor=actor)


def pay(gateway, payment):
    state = gateway.state(
        payment.pk, payment.amount, payment.currency, "PAID", captured_reference=f"sbc_{payment.pk.hex[:24]}"
    )
    payments.apply_remote_state(payment.pk, state)


def decline(gateway, payment):
    state = gateway.state(payment.pk, payment.amount, payment.currency, "FAILED", failure_code="card_declined")
    payments.apply_remote_state(payment.pk, state)


def refund_all():
    for refund in Refund.objects.filter(status="PENDING"):
        payments.carry_out_refund(refund_id=refund.pk)
    hear()


def run_out_of_time(booking):
    soon = now() + timedelta(seconds=100)
    Hold.objects.filter(items__booking=booking).update(expires_at=soon)
    Booking.objects.filter(pk=booking.pk).update(expires_at=soon)
    bookings.warn_of_ending_holds()
    run_out(booking.items.get().hold)
    bookings.expire_holds()


def live(ending, departure, buyer, clerk, gateway, *, declined_first=False, currency=None):
    """The same story, through the services."""
    booking = bookings.book_at_once(
        departure_id=departure.pk,
        guests=PARTY,
        extras=EXTRAS,
        currency=currency,
        actor=buyer,
        contact={"name": "Mona Saleh", "email": "mona@example.com", "phone": "+201001234567"},
        travellers=TRAVELLERS,
        details={"special_requests": "Window seats"},
        language="ar",
    )
    hear()
    if declined_first or ending is Ending.REFUSED:
        decline(gateway, begin(booking, buyer))
    if ending is Ending.ON_ACCOUNT:
        bookings.confirm_booking(booking_id=booking.pk, actor=clerk, reason="Pays later")
    elif ending is Ending.CANCELLED_UNPAID:
        bookings.cancel_booking(booking_id=booking.pk, actor=buyer, reason="Ill")
    elif ending is Ending.EXPIRED:
        run_out_of_time(booking)
    elif ending is Ending.GIVEN_UP:
        payment = begin(booking, buyer)
        run_out_of_time(booking)
        hear()
        payments.check_payment(payment_id=payment.pk)
    elif ending is Ending.PAID_LATE:
        payment = begin(booking, buyer)
        run_out_of_time(booking)
        Departure.objects.filter(pk=departure.pk).update(seats_booked=10)  # somebody else was faster
        pay(gateway, payment)
        hear()
        refund_all()
        Departure.objects.filter(pk=departure.pk).update(seats_booked=0)
    elif ending not in (Ending.WAITING, Ending.REFUSED):
        pay(gateway, begin(booking, buyer))
        hear()
        _after_confirmation(ending, booking, buyer, clerk, gateway)
    hear()
    return Booking.objects.get(pk=booking.pk)


def _after_confirmation(ending, booking, buyer, clerk, gateway):
    if ending in (Ending.CANCELLED, Ending.REFUND_REFUSED):
        gateway.refuses_refunds = ending is Ending.REFUND_REFUSED
        bookings.cancel_booking(booking_id=booking.pk, actor=buyer, reason="Ill")
        hear()
        refund_all()
    elif ending is not Ending.CONFIRMED:
        hour = timedelta(hours=1)
        move_in_time(booking, now() - hour, now() + hour)
        if ending is Ending.NO_SHOW:
            bookings.mark_no_show(booking_id=booking.pk, actor=clerk, reason="Not there")
            return
        bookings.progress_bookings()
        if ending is Ending.COMPLETED:
            move_in_time(booking, now() - 2 * hour, now() - hour)
            bookings.progress_bookings()


# --- told ---


def story_of(ending, departure, buyer_id, clerk, *, declined_first=False, currency="USD", rate=Decimal(1)):
    reasons = {Ending.ON_ACCOUNT: "Pays later", Ending.NO_SHOW: "Not there"}
    begun = {Ending.COMPLETED: (-2, -1), Ending.IN_PROGRESS: (-1, 1), Ending.NO_SHOW: (-1, 1)}.get(ending)
    if begun:
        first, last = (now() + timedelta(hours=hours) for hours in begun)
        Departure.objects.filter(pk=departure.pk).update(starts_at=first, ends_at=last)
    terms = load_terms(departure.pk)
    booked_at = now() - timedelta(minutes=5 if ending in HOLDS_SEATS else 16)
    if begun:
        booked_at = first - timedelta(hours=1)
    return Story(
        terms=terms,
        kind=kind_called("TOUR"),
        policy=frozen_policy(terms.policy_id),
        party=PARTY,
        extras=EXTRAS,
        currency=currency,
        rate=rate,
        buyer=Buyer("Mona Saleh", "mona@example.com", "+201001234567", "ar", buyer_id, buyer_id),
        travellers=TRAVELLERS,
        booked_at=booked_at,
        ending=ending,
        reference="BK-TOLDXX",
        reason=reasons.get(ending, "Ill" if "CANCEL" in ending or ending is Ending.REFUND_REFUSED else ""),
        clerk_id=clerk.pk if ending in (Ending.ON_ACCOUNT, Ending.NO_SHOW) else None,
        declined_first=declined_first,
        special_requests="Window seats",
    )


def write(story, departure):
    chronicle = Chronicle(Random("a story"))
    booking = tell(chronicle, story)
    insert(chronicle.take_rows())
    seats = booking.quote["seats"] if story.ending in HAS_SEATS | HOLDS_SEATS else 0
    counter = "seats_held" if story.ending in HOLDS_SEATS else "seats_booked"
    Departure.objects.filter(pk=departure.pk).update(**{counter: seats})
    return Booking.objects.get(pk=booking.pk)


# --- compared ---

VOLATILE = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
    (r"\b(BK|PAY|RF)-[2-9A-Z]{6,8}", r"<\1>"),
    (r"\bsb[pcr]_[0-9a-f]{24}", "<remote>"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+\d\d:\d\d)?", "<time>"),
    (r'"fingerprint": "[0-9a-f]{32}"', '"fingerprint": "<print>"'),
]


def plain(row):
    values = {field.attname: field.value_from_object(row) for field in row._meta.concrete_fields}
    text = json.dumps(values, cls=DjangoJSONEncoder, ensure_ascii=False, sort_keys=True, default=str)
    for pattern, mark in VOLATILE:
        text = re.sub(pattern, mark, text)
    return json.loads(text)


def everything_about(booking):
    """All rows of the booking's life, in their order, without what differs from one life to the next."""
    payments_ = Payment.objects.filter(booking=booking)
    refunds = Refund.objects.filter(payment__booking=booking)
    references = [f"booking:{booking.pk}:earned", f"booking:{booking.pk}:fee"]
    references += [f"payment:{payment.pk}:captured" for payment in payments_]
    references += [f"refund:{refund.pk}:done" for refund in refunds]
    subjects = [booking.pk, *payments_.values_list("pk", flat=True), *refunds.values_list("pk", flat=True)]
    events = Event.objects.filter(subject_id__in=subjects)
    found = {
        "booking": Booking.objects.filter(pk=booking.pk),
        "items": BookingItem.objects.filter(booking=booking),
        "travellers": Traveller.objects.filter(booking=booking).order_by("position"),
        "history": BookingEvent.objects.filter(booking=booking).order_by("at", "pk"),
        "holds": Hold.objects.filter(items__booking=booking),
        "payments": payments_.order_by("created_at"),
        "payment_history": PaymentEvent.objects.filter(payment__in=payments_).order_by("at", "pk"),
        "remote": GatewayObject.objects.filter(payment__in=payments_).order_by("kind"),
        "refunds": refunds,
        "postings": Transaction.objects.filter(reference__in=references).order_by("reference"),
        "entries": Entry.objects.filter(transaction__reference__in=references).order_by(
            "transaction__reference", "account__role", "debit"
        ),
        "facts": events.order_by("type"),
        "deliveries": Delivery.objects.filter(event__in=events).order_by("event__type", "subscriber"),
        "departure": Departure.objects.filter(items__booking=booking),
    }
    plain_rows = {name: [plain(row) for row in rows] for name, rows in found.items()}
    for entry in plain_rows["entries"]:
        entry.pop("account_id")
    plain_rows["accounts"] = [str(entry.account) for entry in found["entries"].select_related("account")]
    for departure in plain_rows["departure"]:
        departure.pop("local_date")  # they start at different times
    for delivery in plain_rows["deliveries"]:
        delivery.pop("attempts")  # a history that was never tried has none
    return plain_rows


def differences(lived, told):
    for name in lived:
        for number in range(max(len(lived[name]), len(told[name]))):
            one = lived[name][number] if number < len(lived[name]) else None
            other = told[name][number] if number < len(told[name]) else None
            if one == other:
                continue
            if not isinstance(one, dict) or not isinstance(other, dict):
                yield f"{name} {number}: {one} / {other}"
                continue
            yield from (
                f"{name} {number} {field}: {one.get(field)!r} / {other.get(field)!r}"
                for field in one
                if one[field] != other.get(field)
            )


@pytest.mark.parametrize("ending", list(Ending))
def test_a_told_booking_is_row_by_row_what_the_services_write(ending, tour, clerk, gateway):
    buyer = CustomerFactory()
    lived = live(ending, departure_of(tour), buyer, clerk, gateway)
    departure = departure_of(tour, hours=1)
    told = write(story_of(ending, departure, buyer.pk, clerk), departure)
    assert lived.status == told.status
    assert list(differences(everything_about(lived), everything_about(told))) == []
    rebuild_catalogue()  # the factory's tour was never announced
    assert [fault for faults in check_all().faults.values() for fault in faults] == []


def test_the_comparison_sees_a_difference(tour, clerk, gateway):
    buyer = CustomerFactory()
    lived = live(Ending.COMPLETED, departure_of(tour), buyer, clerk, gateway)
    departure = departure_of(tour, hours=1)
    told = write(story_of(Ending.COMPLETED, departure, buyer.pk, clerk), departure)
    everything = everything_about(told)
    everything["history"].pop()
    everything["booking"][0]["amount_earned"] = "0.000"
    found = list(differences(everything_about(lived), everything))
    assert len(found) == 2


def test_a_declined_card_before_and_another_currency(tour, clerk, gateway):
    CurrencyFactory(code="KWD")
    ExchangeRate.objects.create(base_id="USD", quote_id="KWD", rate=Decimal("0.30712"), valid_from=now().date())
    buyer = CustomerFactory()
    more = {"declined_first": True, "currency": "KWD"}
    lived = live(Ending.CANCELLED, departure_of(tour), buyer, clerk, gateway, **more)
    departure = departure_of(tour, hours=1)
    told = write(story_of(Ending.CANCELLED, departure, buyer.pk, clerk, rate=Decimal("0.30712"), **more), departure)
    assert list(differences(everything_about(lived), everything_about(told))) == []
    assert told.status == BookingStatus.CANCELLED
    assert told.cancellation["percent"] == "50"


def test_booked_by_an_agent_and_by_a_stranger(tour, clerk, gateway):
    agent = CustomerFactory()
    MembershipFactory(user=agent, role=RoleFactory(code="AGENT"))
    for actor, buyer in (
        (agent, Buyer("Mona Saleh", "mona@example.com", "+201001234567", "ar", None, agent.pk, is_agent=True)),
        (None, Buyer("Mona Saleh", "mona@example.com", "+201001234567", "ar")),
    ):
        lived = live(Ending.WAITING, departure_of(tour), actor, clerk, gateway)
        departure = departure_of(tour, hours=1)
        story = story_of(Ending.WAITING, departure, None, clerk)
        told = write(
            Story(**{**story.__dict__, "buyer": buyer, "reference": f"BK-{'A' if actor else 'B'}TOLDX"}), departure
        )
        found = list(differences(everything_about(lived), everything_about(told)))
        assert [line for line in found if "token_hash" not in line] == []
        assert bool(told.items.get().hold.token_hash) == (actor is None)


def test_terms_made_from_rows_are_those_that_are_loaded(tour):
    departure = departure_of(tour)
    row = (
        Tour.objects.select_related("destination", "tax").prefetch_related("options__prices__category", "extras").get()
    )
    made, loaded = terms_of(row, row.options.all()[0]), load_terms(departure.pk)
    own = {"departure_id", "starts_at", "ends_at", "cutoff_at", "capacity"}
    assert {name: getattr(made, name) for name in made.__slots__ if name not in own} == {
        name: getattr(loaded, name) for name in loaded.__slots__ if name not in own
    }
