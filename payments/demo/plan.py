"""Who books what, when, and how it ends: the demo's stories, by chance alone, the same for the same seed.

Times are relative to the moment the demo was begun (`present`). Places are counted while planning, so that no departure is
sold beyond its capacity, whichever part of the stories is written first.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.models import BookingKind
from config.ids import REFERENCE_ALPHABET
from payments.demo.chronicle import uuid7_of
from payments.demo.story import HAS_SEATS, HOLDS_SEATS, Buyer, Ending, Story
from tours.models import Departure, ScheduleRule
from tours.occurrences import starts_of
from tours.prices import Terms, seats_of

DAYS_BACK = 75
MOST_TRIES = 400  # to find a departure that runs just now
BOOKED_BEFORE_CUTOFF = timedelta(minutes=30)
MADE_BEFORE = timedelta(days=100)  # departures are made so long before they start

# What share of the stories ends how, where the departure is to come, and where it is past.
COMING = {
    Ending.CONFIRMED: 66,
    Ending.ON_ACCOUNT: 3,
    Ending.CANCELLED: 12,
    Ending.CANCELLED_UNPAID: 4,
    Ending.EXPIRED: 9,
    Ending.GIVEN_UP: 3,
    Ending.PAID_LATE: 3,
}
PAST = {
    Ending.COMPLETED: 74,
    Ending.NO_SHOW: 4,
    Ending.CANCELLED: 10,
    Ending.CANCELLED_UNPAID: 2,
    Ending.EXPIRED: 6,
    Ending.GIVEN_UP: 2,
    Ending.PAID_LATE: 2,
}
PARTIES: list[tuple[dict[str, int], int]] = [
    ({"adult": 2}, 38),
    ({"adult": 1}, 14),
    ({"adult": 2, "child": 1}, 10),
    ({"adult": 2, "child": 2}, 10),
    ({"adult": 4}, 7),
    ({"adult": 3}, 6),
    ({"senior": 2}, 6),
    ({"adult": 2, "infant": 1}, 4),
    ({"adult": 2, "child": 2, "infant": 1}, 2),
    ({"adult": 2, "senior": 2}, 2),
    ({"adult": 6}, 1),
]
REASONS = {
    "en": ["Our plans have changed.", "Flight cancelled.", "Somebody in the family is ill.", "Booked the wrong date."],
    "ar": ["تغيرت خطتنا.", "أُلغيت رحلة الطيران.", "مرض أحد أفراد الأسرة.", "حجزنا في التاريخ الخطأ."],
}
REQUESTS = {
    "en": ["One of us walks slowly.", "Vegetarian lunch for two, please.", "We have a birthday.", "Front seats if possible."],
    "ar": ["معنا والدة تمشي ببطء.", "نرجو غداءً نباتيًا لشخصين.", "نحتفل بعيد ميلاد في ذلك اليوم.", "نرجو مقاعد أمامية إن أمكن."],
}  # fmt: skip


@dataclass(slots=True)
class Start:
    """A departure, as far as planning needs it. Those of the past are not in the database before somebody books them."""

    id: UUID
    rule_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    cutoff_at: datetime
    free: int
    capacity: int
    is_stored: bool


@dataclass
class Sale:
    """An option on sale: its terms (of no departure in particular), how well it sells, and when it runs."""

    terms: Terms
    kind: BookingKind
    policy: Mapping[str, Any]
    weight: float
    capacity: int
    rules: Sequence[ScheduleRule]
    duration: timedelta
    cutoff: timedelta
    coming: list[Start] = field(default_factory=list)
    past: list[Start] | None = None

    def remember_past(self, present: datetime, chance: Random) -> list[Start]:
        """The departures of the last months, oldest first. They were never generated: there was no Rihla then."""
        if self.past is None:
            zone = ZoneInfo(self.terms.time_zone)
            first = (present - timedelta(days=DAYS_BACK)).astimezone(zone).date()
            found = {
                start: rule
                for rule in self.rules
                for start in starts_of(rule, zone, first, present.astimezone(zone).date())
                if start < present
            }
            self.past = [self._start(start, found[start], chance) for start in sorted(found)]
        return self.past

    def _start(self, at: datetime, rule: ScheduleRule, chance: Random) -> Start:
        capacity = rule.capacity or self.capacity
        return Start(
            id=uuid7_of(at - MADE_BEFORE, chance),
            rule_id=rule.pk,
            starts_at=at,
            ends_at=at + self.duration,
            cutoff_at=at - self.cutoff,
            free=capacity,
            capacity=capacity,
            is_stored=False,
        )

    def departure(self, start: Start) -> Departure:
        """The row of a start that is not stored yet."""
        return Departure(
            id=start.id,
            tour_id=self.terms.tour_id,
            option_id=self.terms.option_id,
            rule_id=start.rule_id,
            starts_at=start.starts_at,
            ends_at=start.ends_at,
            cutoff_at=start.cutoff_at,
            local_date=start.starts_at.astimezone(ZoneInfo(self.terms.time_zone)).date(),
            capacity=start.capacity,
            created_at=start.starts_at - MADE_BEFORE,
        )


@dataclass(frozen=True)
class Staff:
    """Who sells beside the customers themselves."""

    clerk: User
    agent: User


@dataclass
class Planned:
    """A story, the departure it takes place on, and how that one's counters change."""

    story: Story
    sale: Sale
    start: Start
    held: int
    booked: int


class Plan:
    def __init__(
        self,
        *,
        sales: Sequence[Sale],
        customers: Sequence[User],
        staff: Staff,
        rates: Mapping[tuple[str, str], Decimal],
        present: datetime,
        seed: str,
        hold_for: timedelta,
    ) -> None:
        self.sales = [sale for sale in sales if sale.weight > 0]
        self.weights = list(accumulate(sale.weight for sale in self.sales))
        self.customers, self.staff, self.rates = customers, staff, rates
        self.present, self.seed, self.hold_for = present, seed, hold_for
        self.references: set[str] = set()

    def stories(self, count: int) -> Iterator[Planned]:
        """So many stories. A story that finds no place is told of another departure."""
        waiting = max(1, min(10, count // 40))
        odd = max(1, min(3, count // 150))
        for number in range(count):
            chance = Random(f"{self.seed}:story:{number}")
            if number < waiting:
                yield self._new(chance, [Ending.WAITING, Ending.WAITING, Ending.REFUSED][number % 3], "coming")
            elif number < waiting + odd:
                yield self._new(chance, Ending.REFUND_REFUSED, "coming")
            elif number < waiting + odd + max(1, count // 60):
                yield self._new(chance, Ending.IN_PROGRESS, "running")
            elif chance.random() < 0.52:
                yield self._new(chance, _pick(chance, PAST), "past")
            else:
                yield self._new(chance, _pick(chance, COMING), "coming")

    def _new(self, chance: Random, ending: Ending, when: str) -> Planned:
        tries = 0
        while True:
            tries += 1
            if when == "running" and tries > MOST_TRIES:  # with few tours nobody is on the way at night
                ending, when = Ending.COMPLETED, "past"
            sale = chance.choices(self.sales, cum_weights=self.weights)[0]
            start = self._start(chance, sale, when)
            if start is None:
                continue
            party = self._party(chance, sale)
            seats = seats_of(sale.terms, party)
            takes = ending in HAS_SEATS or ending in HOLDS_SEATS
            if takes and start.free < seats:
                continue
            booked_at = self._booked_at(chance, ending, start)
            if booked_at is None:
                continue
            if takes:
                start.free -= seats
            story = self._story(chance, ending, sale, start, party, booked_at)
            held, booked = (seats if ending in kind else 0 for kind in (HOLDS_SEATS, HAS_SEATS))
            return Planned(story, sale, start, held, booked)

    def _start(self, chance: Random, sale: Sale, when: str) -> Start | None:
        """Soon or lately rather than far away. None where there is nothing of the kind."""
        if when == "coming":
            rows = sale.coming
        else:
            past = sale.remember_past(self.present, Random(f"{self.seed}:past:{sale.terms.option_id}"))
            rows = [row for row in past if (row.ends_at > self.present) == (when == "running")]
        if not rows:
            return None
        distance = min(len(rows) - 1, math.floor(chance.expovariate(1 / (1 + len(rows) * 0.2))))
        return rows[distance] if when == "coming" else rows[len(rows) - 1 - distance]

    def _party(self, chance: Random, sale: Sale) -> dict[str, int]:
        while True:
            party = chance.choices([party for party, _ in PARTIES], [share for _, share in PARTIES])[0]
            if set(party) <= set(sale.terms.prices) and sum(party.values()) <= sale.terms.max_guests:
                return dict(party)

    def _booked_at(self, chance: Random, ending: Ending, start: Start) -> datetime | None:
        if ending in HOLDS_SEATS:
            at = self.present - self.hold_for * chance.uniform(0.15, 0.55)
            return at if start.cutoff_at > self.present else None
        latest = min(start.cutoff_at, self.present) - BOOKED_BEFORE_CUTOFF - 2 * self.hold_for
        return latest - timedelta(days=chance.expovariate(1 / 8), minutes=chance.uniform(0, 600))

    def _story(
        self, chance: Random, ending: Ending, sale: Sale, start: Start, party: dict[str, int], at: datetime
    ) -> Story:
        customer = chance.choice(self.customers)
        buyer = self._buyer(chance, customer, ending)
        terms = replace(
            sale.terms,
            departure_id=start.id,
            starts_at=start.starts_at,
            ends_at=start.ends_at,
            cutoff_at=start.cutoff_at,
        )
        currency = terms.currency
        if customer.currency and chance.random() < 0.2 and (terms.currency, customer.currency) in self.rates:
            currency = customer.currency
        by_staff = ending is Ending.ON_ACCOUNT or ending is Ending.NO_SHOW or chance.random() < 0.3
        return Story(
            terms=terms,
            kind=sale.kind,
            policy=sale.policy,
            party=party,
            extras=self._extras(chance, terms),
            currency=currency,
            rate=self.rates.get((terms.currency, currency), Decimal(1)),
            buyer=buyer,
            travellers=self._travellers(chance, party, customer),
            booked_at=at,
            ending=ending,
            reference=self._reference(chance),
            ended_at=self._ended_at(chance, ending, start, at),
            reason=self._reason(chance, ending, buyer.language),
            clerk_id=self.staff.clerk.pk if by_staff else None,
            declined_first=chance.random() < 0.07,
            special_requests=chance.choice(REQUESTS[buyer.language]) if chance.random() < 0.12 else "",
        )

    def _buyer(self, chance: Random, customer: User, ending: Ending) -> Buyer:
        person = Buyer(
            name=customer.get_full_name(),
            email=customer.email,
            phone=str(customer.phone),
            language=customer.language,
            customer_id=customer.pk,
            actor_id=customer.pk,
        )
        dice = chance.random()
        if ending is Ending.ON_ACCOUNT or dice < 0.12:
            return replace(person, actor_id=self.staff.clerk.pk)
        if dice < 0.20:
            return replace(person, customer_id=None, actor_id=self.staff.agent.pk, is_agent=True)
        if dice < 0.30:
            return replace(person, customer_id=None, actor_id=None)
        return person

    def _extras(self, chance: Random, terms: Terms) -> list[dict[str, Any]]:
        if not terms.extras or chance.random() > 0.3:
            return []
        return [{"code": chance.choice(sorted(terms.extras))}]

    def _travellers(self, chance: Random, party: Mapping[str, int], customer: User) -> list[dict[str, Any]]:
        """The party by name where it was asked for: the one who booked first, then the family."""
        if chance.random() < 0.25:
            return []
        ages = {"adult": (19, 58), "child": (4, 11), "infant": (0, 2), "senior": (61, 78)}
        people = []  # type: ignore[var-annotated]
        for category, number in party.items():
            for _ in range(number):
                first = chance.choice(self.customers).first_name if people else customer.first_name
                people.append(
                    {
                        "category": category,
                        "first_name": first,
                        "last_name": customer.last_name,
                        "age": chance.randint(*ages[category]),
                    }
                )
        return people

    def _ended_at(self, chance: Random, ending: Ending, start: Start, at: datetime) -> datetime | None:
        if ending not in (Ending.CANCELLED, Ending.REFUND_REFUSED):
            return None
        first = at + self.hold_for
        last = min(start.starts_at - timedelta(hours=1), self.present - timedelta(minutes=10))
        if chance.random() < 0.45:  # people think again when the day comes near
            first = max(first, last - timedelta(hours=110))
        return first + (last - first) * chance.random()

    def _reason(self, chance: Random, ending: Ending, language: str) -> str:
        if ending is Ending.ON_ACCOUNT:
            return "Pays by bank transfer at the end of the month."
        if ending is Ending.NO_SHOW:
            return "Not at the meeting point, no answer on the phone."
        if ending in (Ending.CANCELLED, Ending.CANCELLED_UNPAID, Ending.REFUND_REFUSED):
            return chance.choice(REASONS[language])
        return ""

    def _reference(self, chance: Random) -> str:
        while True:
            reference = f"BK-{''.join(chance.choices(REFERENCE_ALPHABET, k=6))}"
            if reference not in self.references:
                self.references.add(reference)
                return reference


def _pick(chance: Random, shares: Mapping[Ending, int]) -> Ending:
    return chance.choices(list(shares), list(shares.values()))[0]
