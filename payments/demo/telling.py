"""What happened to a booking: every row that the services would have written, had they been called at those moments.

`tell` writes a whole life – hold, booking, payment, confirmation, trip or cancellation, refund – as unsaved rows. Whatever
is a rule (prices, refunds, tax, states) is asked of the services' own pure functions; what is copied here is only which
rows are written, and a test compares them, field by field, with those of the services.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from bookings import pricing
from bookings.models import Booking, BookingItem, BookingStatus, Hold, HoldStatus, Traveller
from bookings.services.cancellation import cancellation_terms
from bookings.services.revenue import tax_within
from ledger.models import AccountRole, TransactionKind
from payments.demo.chronicle import ZERO, Chronicle
from payments.demo.paying import Paying
from payments.demo.story import HELD_FOR, Ending, Story
from payments.models import PaymentStatus


def tell(chronicle: Chronicle, story: Story) -> Booking:
    """Write the story down; returns the booking as it stands at the end, not saved."""
    return _Telling(chronicle, story).booking


class _Telling(Paying):
    """One story, told step by step."""

    def __init__(self, chronicle: Chronicle, story: Story) -> None:
        self.c, self.story = chronicle, story
        self.at = story.booked_at
        self.payment, self.refunds = None, []
        self.hold = self._hold_seats()
        self._pass(40, 400)
        self.booking = self._book()
        self._go_on()

    def _go_on(self) -> None:
        story, ending = self.story, self.story.ending
        if ending is Ending.ON_ACCOUNT:
            self._pass(30, 120)
            self._confirm(story.clerk_id, story.reason)
            return
        if story.declined_first or ending is Ending.REFUSED:
            self._decline()
        if ending in (Ending.WAITING, Ending.REFUSED):
            return
        if ending is Ending.CANCELLED_UNPAID:
            self._pass(20, 100)
            self._cancel()
            return
        if ending in (Ending.EXPIRED, Ending.GIVEN_UP, Ending.PAID_LATE):
            self._run_out()
            return
        self._pay()
        self._confirm(None, "paid")
        if ending in (Ending.CANCELLED, Ending.REFUND_REFUSED):
            self.at = max(story.ended_at or self.at, self.at + timedelta(seconds=60))
            self._cancel()
        elif ending is not Ending.CONFIRMED:
            self._travel()

    # --- holding and booking ---

    def _hold_seats(self) -> Hold:
        story, terms = self.story, self.story.terms
        wanted = terms if story.currency == terms.currency else terms.converted(story.currency, story.rate)
        quote = pricing.price(wanted, story.party, story.extras, story.rate, terms.currency)
        quote = replace(quote, generated_at=self.at)
        hold = Hold(
            id=self.c.new_id(self.at),
            departure_id=terms.departure_id,
            customer_id=story.buyer.actor_id,
            token_hash="" if story.buyer.actor_id else f"{self.c.chance.getrandbits(256):064x}",
            seats=quote.seats,
            quote=quote.as_json(),
            status=HoldStatus.ACTIVE,
            created_at=self.at,
            expires_at=self.at + HELD_FOR,
        )
        self.c.rows.append(hold)
        return hold

    def _book(self) -> Booking:
        story, buyer, quote = self.story, self.story.buyer, self.hold.quote
        booking = Booking(
            id=self.c.new_id(self.at),
            reference=story.reference,
            kind_id=story.kind.pk,
            customer_id=buyer.customer_id,
            created_by_id=buyer.actor_id,
            agent_id=buyer.actor_id if buyer.is_agent else None,
            contact_name=buyer.name,
            contact_email=buyer.email,
            contact_phone=buyer.phone,
            language=buyer.language,
            special_requests=story.special_requests,
            status=BookingStatus.PENDING_PAYMENT,
            currency=quote["currency"],
            total=Decimal(quote["total"]),
            quote=quote,
            policy=story.policy,
            guests=sum(quote["guests"].values()),
            starts_at=story.terms.starts_at,
            ends_at=story.terms.ends_at,
            expires_at=self.hold.expires_at,
            created_at=self.at,
            amount_paid=ZERO,
            amount_refunded=ZERO,
            amount_earned=ZERO,
        )
        self.item = BookingItem(
            id=self.c.new_id(self.at),
            booking_id=booking.pk,
            kind_id=story.kind.pk,
            departure_id=story.terms.departure_id,
            hold_id=self.hold.pk,
            title_en=f"{quote['title']['en']} · {quote['option']['en']}"[:320],
            title_ar=f"{quote['title']['ar']} · {quote['option']['ar']}"[:320],
            party=quote["guests"],
            seats=self.hold.seats,
            amount=booking.total,
            status=booking.status,
        )
        self.c.rows += [booking, self.item]
        self.c.rows += [
            Traveller(id=self.c.new_id(self.at), booking_id=booking.pk, position=place, **traveller)
            for place, traveller in enumerate(story.travellers)
        ]
        self.booking = booking
        self._history(new_status=booking.status, actor_id=buyer.actor_id)
        self.c.announce("booking.created", booking, self.at)
        return booking

    def _confirm(self, actor_id: UUID | None, reason: str) -> None:
        booking = self.booking
        self.hold.status, self.hold.ended_at = HoldStatus.CONVERTED, self.at
        booking.confirmed_at, booking.expires_at = self.at, None
        if booking.amount_due:
            booking.balance_due_at = booking.begins_by
        self._move(BookingStatus.CONFIRMED, actor_id=actor_id, reason=reason)
        self.c.announce("booking.confirmed", booking, self.at, paid=self._amount(booking.amount_kept))

    # --- what becomes of it ---

    def _run_out(self) -> None:
        ending = self.story.ending
        if ending is not Ending.EXPIRED:
            self._begin_payment()
        self.at = self.hold.expires_at + timedelta(seconds=self.c.chance.uniform(5, 59))
        self.booking.warned_at = self.hold.expires_at - timedelta(seconds=270)
        self.c.announce("hold.ending", self.booking, self.booking.warned_at)
        self.hold.status, self.hold.ended_at = HoldStatus.EXPIRED, self.at
        self._move(BookingStatus.EXPIRED, reason="hold_over")
        self.c.announce("booking.expired", self.booking, self.at, refund=self._amount(ZERO))
        if ending is Ending.GIVEN_UP:
            self._pass(2, 20)
            self._payment_moves(PaymentStatus.CANCELLED, "ended_there")
        elif ending is Ending.PAID_LATE:
            payment = self.payment
            assert payment is not None
            self._pass(2, 20)
            self._capture(payment)
            self._settle()
            self._refund(payment.amount, f"late:{payment.pk}")

    def _cancel(self) -> None:
        booking, story = self.booking, self.story
        terms = cancellation_terms(booking, self.at)
        fee, refund = Decimal(terms["fee"]), Decimal(terms["refund"])
        self.hold.status, self.hold.ended_at = HoldStatus.RELEASED, self.at
        booking.cancelled_at, booking.cancel_reason, booking.cancellation = self.at, story.reason[:500], terms
        booking.expires_at = None
        actor_id = story.clerk_id or story.buyer.actor_id
        self._move(
            BookingStatus.CANCELLED,
            actor_id=actor_id,
            reason=story.reason,
            data={"rule": terms["rule"], "refund": terms["refund"]},
        )
        if fee:
            self._earn(fee, "fee", actor_id)
        self.c.announce("booking.cancelled", booking, self.at, refund=terms["refund"])
        if refund and self.payment is not None:
            self._refund(refund, f"cancellation:{booking.pk}:{self.payment.pk}")

    def _earn(self, amount: Decimal, cause: str, actor_id: UUID | None = None) -> None:
        booking = self.booking
        tax = tax_within(booking, amount)
        parts = [
            (self.c.account(AccountRole.REVENUE, booking.currency), amount - tax),
            (self.c.account(AccountRole.TAX_PAYABLE, booking.currency), tax),
        ]
        reference = f"booking:{booking.pk}:{cause}"
        deposits = self.c.account(AccountRole.CUSTOMER_DEPOSITS, booking.currency)
        lines = [(deposits, amount, ZERO), *((account, ZERO, part) for account, part in parts if part)]
        self.c.post(self.at, reference, TransactionKind.PAYMENT, booking.reference, lines, actor_id)
        booking.amount_earned = amount
        self._history(
            action="revenue",
            actor_id=actor_id,
            data={"amount": self._amount(amount), "currency": booking.currency, "reference": reference},
        )

    def _travel(self) -> None:
        """The trip began; unless it still goes on, it ended, or the party did not come."""
        ending, terms = self.story.ending, self.story.terms
        self.at = terms.starts_at + timedelta(seconds=self.c.chance.uniform(10, 290))
        if ending is Ending.NO_SHOW:
            self.at = terms.starts_at + timedelta(minutes=self.c.chance.uniform(30, 90))
            self._move(BookingStatus.NO_SHOW, actor_id=self.story.clerk_id, reason=self.story.reason)
            self._earn_all()
            return
        self._move(BookingStatus.IN_PROGRESS, reason="started")
        if ending is Ending.COMPLETED:
            self.at = terms.ends_at + timedelta(seconds=self.c.chance.uniform(10, 290))
            self._move(BookingStatus.COMPLETED, reason="over")
            self._earn_all()
            self.c.announce("booking.completed", self.booking, self.at)

    def _earn_all(self) -> None:
        if self.booking.amount_kept > 0:
            actor_id = self.story.clerk_id if self.story.ending is Ending.NO_SHOW else None
            self._earn(self.booking.amount_kept, "earned", actor_id)
