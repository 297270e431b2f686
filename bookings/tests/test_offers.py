"""Choices of guests: offered, answered by page or phone, lapsed, withdrawn; races."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils.timezone import now

from bookings import services, tasks
from bookings.access import offer_link, offer_token
from bookings.errors import DeadlinePassed, NotOffered, OfferAnswered, OfferNeedsReason, OfferNotFound, OfferOver
from bookings.models import BookingStatus, ChoiceOffer, OfferStatus
from bookings.receivers import offer_a_choice_where_too_few_came, withdraw_what_has_no_meaning
from bookings.services import offers
from bookings.services.offers import Answer
from bookings.tests.asking import seats_of
from bookings.tests.factories import BookingFactory, ClerkFactory
from config.invariants import check_all
from config.tenancy import tenant_context
from config.testing import run_together
from config.testing.corruption import without_guard
from notifications.models import Delivery, Event, Message
from notifications.outbox import deliver
from tours.models import Departure
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")
S = BookingStatus
EMPTIED = ("DELETE FROM bookings_offereddeparture", "DELETE FROM bookings_choiceoffer")


@pytest.fixture
def departure():
    return DepartureFactory()


@pytest.fixture
def others(departure):
    return [
        DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=day), capacity=4)
        for day in (1, 2, 3)
    ]


@pytest.fixture
def clerk():
    return ClerkFactory(
        permissions=["bookings.view_choiceoffer", "bookings.change_choiceoffer", "bookings.change_booking"]
    )


def offer_to(*departures, **asked):
    known = {
        "reason_en": "Storm on the Nile",
        "reason_ar": "عاصفة على النيل",
        "deadline": now() + timedelta(days=2),
        "unanswered": "REFUND",
        "actor": None,
    }
    return services.offer_choices(departure_ids=[row.pk for row in departures], **known | asked)


@pytest.fixture
def booking(departure, others):
    return BookingFactory(departure=departure, status=S.CONFIRMED)


def assert_proven():
    assert {name: found for name, found in check_all("bookings:").faults.items() if found} == {}


def run_deliveries(type_):
    for pk in Delivery.objects.filter(event__type=type_).values_list("pk", flat=True):
        deliver(pk)


def test_each_booking_is_offered_the_nearest_departures_once(departure, others, booking):
    waiting = BookingFactory(departure=departure)
    BookingFactory(departure=departure, status=S.CANCELLED)
    made = offer_to(departure)
    assert {offer.booking_id for offer in made} == {booking.pk, waiting.pk}
    offered = list(made[0].offered.order_by("position").values_list("departure_id", flat=True))
    assert offered == [row.pk for row in others]
    assert offer_to(departure) == []
    assert ChoiceOffer.objects.count() == 2
    assert booking.events.get(action="choice_offered").reason == "Storm on the Nile"


def test_the_answer_is_due_before_the_departure(departure, booking):
    (offer,) = offer_to(departure, deadline=now() + timedelta(days=30))
    assert offer.deadline == departure.starts_at


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"reason_en": " "}, OfferNeedsReason),
        ({"reason_ar": ""}, OfferNeedsReason),
        ({"deadline": now() - timedelta(hours=1)}, DeadlinePassed),
    ],
)
def test_what_makes_no_sense_is_refused(departure, booking, wrong, refusal):
    with pytest.raises(refusal):
        offer_to(departure, **wrong)
    assert not ChoiceOffer.objects.exists()


def test_moving_keeps_the_price_and_sends_a_voucher(departure, others, booking):
    others[1].option.prices.update(amount=500)
    (offer,) = offer_to(departure)
    done = services.answer_offer(offer_id=offer.pk, answer=Answer.MOVE, departure_id=others[1].pk)
    booking.refresh_from_db()
    assert (done.status, done.chosen_id, done.answered_by) == (OfferStatus.MOVED, others[1].pk, "GUEST")
    assert (booking.starts_at, booking.total, booking.amount_due) == (others[1].starts_at, 200, 0)
    assert (seats_of(departure), seats_of(others[1])) == ((0, 0), (0, 2))
    again = services.answer_offer(offer_id=offer.pk, answer=Answer.MOVE, departure_id=others[1].pk)
    assert again.pk == done.pk
    with pytest.raises(OfferAnswered):
        services.answer_offer(offer_id=offer.pk, answer=Answer.REFUND)
    assert_proven()
    run_deliveries("booking.moved")
    assert "The old ones no longer count." in Message.objects.get(template="booking_moved").text


def test_a_refund_gives_everything_back_whatever_the_policy_says(departure, booking):
    departure.tour.cancellation_policy.tiers.all().delete()
    (offer,) = offer_to(departure)
    services.answer_offer(offer_id=offer.pk, answer=Answer.REFUND)
    booking.refresh_from_db()
    assert booking.status == S.CANCELLED
    assert (booking.cancellation["refund"], booking.cancellation["rule"]) == ("200.00", "operator")
    assert Event.objects.get(type="booking.cancelled").data["refund"] == "200.00"
    assert_proven()


def test_staying_is_a_choice_only_where_it_can_be(departure, booking):
    (offer,) = offer_to(departure)
    with pytest.raises(NotOffered):
        services.answer_offer(offer_id=offer.pk, answer=Answer.KEEP)
    services.withdraw_offer(offer_id=offer.pk, actor=None, reason="anew")
    (offer,) = offer_to(departure, may_keep=True)
    assert services.answer_offer(offer_id=offer.pk, answer=Answer.KEEP).status == OfferStatus.KEPT
    booking.refresh_from_db()
    assert (booking.status, booking.starts_at) == (S.CONFIRMED, departure.starts_at)


def test_guests_choose_among_what_was_offered_staff_among_all(departure, others, booking, clerk):
    (offer,) = offer_to(departure, instead=[others[0].pk])
    for elsewhere in (others[1].pk, DepartureFactory().pk, uuid4(), None):
        with pytest.raises(NotOffered):
            services.answer_offer(offer_id=offer.pk, answer=Answer.MOVE, departure_id=elsewhere)
    services.answer_offer(offer_id=offer.pk, answer=Answer.MOVE, departure_id=others[1].pk, actor=clerk, by_staff=True)
    offer.refresh_from_db()
    assert (offer.answered_by, offer.actor_id) == ("STAFF", clerk.pk)


def test_a_seat_that_is_gone_meanwhile_leaves_the_choice_open(departure, others, booking, client):
    (offer,) = offer_to(departure)
    BookingFactory(departure=others[0], guests={"adult": 3})
    page = f"/c/{offer_token(offer)}"
    assert str(others[0].pk) not in client.get(page).content.decode()
    answer = client.post(page, {"answer": f"move:{others[0].pk}", "do": "answer"})
    assert answer.status_code == 409
    assert "Only 1 of the 2 seats" in answer.content.decode()
    assert str(others[1].pk) in answer.content.decode()
    offer.refresh_from_db()
    assert offer.status == OfferStatus.OPEN
    assert seats_of(departure) == (0, 2)


# --- The page ---


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_page_asks_shows_and_does_in_both_languages(departure, others, booking, client, language):
    (offer,) = offer_to(departure)
    page = f"/c/{offer_token(offer)}?language={language}"
    text = client.get(page).content.decode()
    assert ("Storm on the Nile" if language == "en" else "عاصفة على النيل") in text
    assert f'dir="{"ltr" if language == "en" else "rtl"}"' in text
    shown = client.post(page, {"answer": f"move:{others[2].pk}", "do": "look"})
    assert 'value="answer"' in shown.content.decode()
    assert seats_of(others[2]) == (0, 0)
    done = client.post(page, {"answer": f"move:{others[2].pk}", "do": "answer"})
    assert done.status_code == 200
    assert seats_of(others[2]) == (0, 2)
    assert 'value="answer"' not in client.get(page).content.decode()


def test_looking_changes_nothing_and_nobody_keeps_it(departure, booking, client):
    (offer,) = offer_to(departure)
    for ask in (client.get, client.head):
        answer = ask(f"/c/{offer_token(offer)}", {"answer": "refund", "do": "answer"})
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
    offer.refresh_from_db()
    assert offer.status == OfferStatus.OPEN


@pytest.mark.parametrize("given", ["", "move", "move:", "move:x", "refund:x", "everything", "keep"])
def test_answers_that_are_none(departure, booking, client, given):
    (offer,) = offer_to(departure)
    answer = client.post(f"/c/{offer_token(offer)}", {"answer": given, "do": "answer"})
    assert answer.status_code == 422, given
    offer.refresh_from_db()
    assert offer.status == OfferStatus.OPEN


def test_forged_links_lead_nowhere(departure, booking, client, other_tenant):
    (offer,) = offer_to(departure)
    token = offer_token(offer)
    for wrong in (token[:-2] + "xx", "x", token.replace(":", "", 1)):
        assert client.get(f"/c/{wrong}").status_code == 404
    with tenant_context(other_tenant.pk):
        forged = offer_token(offer)  # rightly signed, of an operator who has no such choice
    assert client.get(f"/c/{forged}").status_code == 404
    with pytest.raises(OfferNotFound):
        services.answer_offer(offer_id=uuid4(), answer="refund")


def test_too_late_is_said(departure, booking, client):
    (offer,) = offer_to(departure)
    ChoiceOffer.objects.update(deadline=now() - timedelta(minutes=1))
    answer = client.post(f"/c/{offer_token(offer)}", {"answer": "refund", "do": "answer"})
    assert answer.status_code == 409
    assert "The time to choose is over" in answer.content.decode()
    booking.refresh_from_db()
    assert booking.status == S.CONFIRMED


# --- Silence, and what happens meanwhile ---


@pytest.mark.parametrize(("unanswered", "status"), [("REFUND", S.CANCELLED), ("KEEP", S.CONFIRMED)])
def test_silence_does_what_was_agreed(departure, booking, unanswered, status):
    (offer,) = offer_to(departure, unanswered=unanswered)
    with tenant_context(None):
        assert tasks.lapse_offers() == 0
    ChoiceOffer.objects.update(deadline=now() - timedelta(minutes=1))
    with tenant_context(None):
        assert tasks.lapse_offers() == 1
        assert tasks.lapse_offers() == 0
    booking.refresh_from_db()
    offer.refresh_from_db()
    assert (booking.status, offer.answered_by) == (status, "NOBODY")
    assert_proven()


def test_a_booking_that_went_its_own_way_is_not_touched_by_the_choice(departure, others, booking, clerk):
    (offer,) = offer_to(departure)
    services.move_booking(booking_id=booking.pk, departure_id=others[0].pk, actor=clerk)
    with pytest.raises(OfferOver):
        services.answer_offer(offer_id=offer.pk, answer=Answer.REFUND)
    withdraw_what_has_no_meaning(Event.objects.get(type="booking.moved"))
    offer.refresh_from_db()
    assert offer.status == OfferStatus.WITHDRAWN
    booking.refresh_from_db()
    assert booking.status == S.CONFIRMED


def test_too_few_guests_are_offered_a_choice(departure, booking, tenant):
    event = Event(type="departure.under_minimum", subject_id=departure.pk, data={"decision": "go"})
    offer_a_choice_where_too_few_came(event)
    assert not ChoiceOffer.objects.exists()
    event.data = {"decision": "cancel"}
    offer_a_choice_where_too_few_came(event)
    offer_a_choice_where_too_few_came(event)
    offer = ChoiceOffer.objects.get()
    assert (offer.booking_id, offer.unanswered) == (booking.pk, tenant.choice_unanswered)
    assert "not enough guests" in offer.reason_en
    assert offer.reason_ar != offer.reason_en


def test_the_mail_has_the_link_the_reason_and_the_choices(departure, others, booking):
    (offer,) = offer_to(departure)
    run_deliveries("choice.offered")
    message = Message.objects.get(template="booking_choice")
    for body in (message.text, message.html):
        assert f"/c/{offer_token(offer)}" in body
        assert "Storm on the Nile" in body
    assert message.text.count("\n- ") == 4  # three departures, and everything back
    run_deliveries("choice.offered")
    assert Message.objects.filter(template="booking_choice").count() == 1


# --- Back-office ---


def test_staff_answer_on_the_phone_and_withdraw(client, departure, others, booking, clerk):
    client.force_login(clerk)
    (offer,) = offer_to(departure)
    listed = client.get(reverse("admin:bookings_choiceoffer_changelist")).content.decode()
    assert booking.reference in listed
    shown = client.get(reverse("admin:bookings_choiceoffer_change", args=[offer.pk])).content.decode()
    assert f'href="{offer_link(offer)}"' in shown
    assert "data-copied" in shown
    page = reverse("admin:bookings_choiceoffer_answer_this", args=[offer.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"answer": "move:nonsense"}).status_code == 200
    assert client.post(page, {"answer": f"move:{others[0].pk}"}).status_code == 302
    assert seats_of(others[0]) == (0, 2)
    other = BookingFactory(departure=departure, status=S.CONFIRMED)
    (offer,) = offer_to(departure)
    page = reverse("admin:bookings_choiceoffer_withdraw_this", args=[offer.pk])
    assert client.post(page, {"reason": ""}).status_code == 200
    assert client.post(page, {"reason": "the storm passed"}).status_code == 302
    assert other.events.get(action="choice_withdrawn").reason == "the storm passed"


# --- Races ---


@pytest.mark.django_db(transaction=True)
def test_two_answers_at_once_are_one(tenant):
    departure = DepartureFactory()
    others = [
        DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=day)) for day in (1, 2)
    ]
    for _round in range(3):
        booking = BookingFactory(departure=departure, status=S.CONFIRMED)
        offer_to(departure)
        offer = ChoiceOffer.objects.waiting().get(booking=booking)
        answer = partial(services.answer_offer, offer_id=offer.pk)
        outcomes = run_together(
            partial(answer, answer=Answer.MOVE, departure_id=others[0].pk),
            partial(answer, answer=Answer.MOVE, departure_id=others[1].pk),
            partial(answer, answer=Answer.REFUND),
            partial(answer, answer=Answer.REFUND),
            partial(services.withdraw_offer, offer_id=offer.pk, actor=None, reason="x"),
            services.lapse_offers,
        )
        ended = ChoiceOffer.objects.get(pk=offer.pk)
        right = [one for one in outcomes[:5] if isinstance(one, ChoiceOffer)]
        assert all(one.status == ended.status for one in right)
        assert {type(one).__name__ for one in outcomes} <= {"ChoiceOffer", "OfferAnswered", "int", "OfferOver"}
        assert booking.events.filter(action="choice_answered").count() == (ended.status != OfferStatus.WITHDRAWN)
        assert_proven()


@pytest.mark.django_db(transaction=True)
def test_offered_twice_at_once_a_booking_has_one_open_choice(tenant):
    departure = DepartureFactory()
    for _booking in range(3):
        BookingFactory(departure=departure, status=S.CONFIRMED)
    made = run_together(*[partial(offer_to, departure)] * 4)
    assert sorted(len(some) for some in made) == [0, 0, 0, 3]
    assert ChoiceOffer.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_control_without_locks_and_constraint_a_booking_has_several(tenant, monkeypatch):
    departure = DepartureFactory()
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    monkeypatch.setattr(offers, "bookings_to_ask", lambda departures: [(booking, departure.pk)])
    with without_guard("bookings_choiceoffer", "choice_open_once", *EMPTIED):
        outcomes = run_together(*[partial(offer_to, departure)] * 4)
        assert [type(one).__name__ for one in outcomes] == ["list"] * 4
        assert ChoiceOffer.objects.filter(booking=booking).count() == 4


@pytest.mark.django_db(transaction=True)
def test_of_two_guests_for_the_last_seats_one_moves_and_the_other_chooses_again(tenant):
    departure = DepartureFactory()
    last = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=1), capacity=2)
    for _booking in range(2):
        BookingFactory(departure=departure, status=S.CONFIRMED)
    made = offer_to(departure)
    outcomes = run_together(
        *[partial(services.answer_offer, offer_id=offer.pk, answer=Answer.MOVE, departure_id=last.pk) for offer in made]
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["ChoiceOffer", "SeatsUnavailable"]
    assert sorted(ChoiceOffer.objects.values_list("status", flat=True)) == ["MOVED", "OPEN"]
    assert Departure.objects.get(pk=last.pk).seats_booked == 2
    assert_proven()


@pytest.mark.django_db(transaction=True)
def test_what_the_proofs_say_of_damaged_rows(tenant):
    departure = DepartureFactory()
    other = DepartureFactory(option=departure.option, starts_at=departure.starts_at + timedelta(days=1))
    booking = BookingFactory(departure=departure, status=S.CONFIRMED)
    (offer,) = offer_to(departure, may_keep=True)
    services.answer_offer(offer_id=offer.pk, answer=Answer.KEEP)
    assert_proven()
    ChoiceOffer.objects.update(status=OfferStatus.WITHDRAWN)
    booking.items.update(departure=other)
    faults = check_all("bookings:").faults
    assert len(faults["bookings: each answer to a choice stands in the history of its booking"]) == 1
    assert len(faults["bookings: a booking is on the departure of its hold and its quote"]) == 1
