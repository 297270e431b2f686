"""The five hot calls as requests, and the rows that they need."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import jwt
import orjson

from benchmarks.client import Ask, request
from benchmarks.stack import Service, Stack
from config.ids import uuid7

TOKENS_LAST = timedelta(hours=6)
CUSTOMERS = 32
PLACES = 1_000_000  # on each departure that is asked for, so that none is ever full
CONTACT = {"name": "Mona Saleh", "email": "mona@example.com", "phone": "+201001234567"}
TRAVELLERS = [
    {"category": "adult", "first_name": "Mona", "last_name": "Saleh"},
    {"category": "adult", "first_name": "Karim", "last_name": "Saleh"},
]

FIND_CUSTOMERS = """
SELECT u.id, u.token_revision FROM accounts_user u
JOIN accounts_membership m ON m.user_id = u.id JOIN accounts_role r ON r.id = m.role_id
WHERE r.code = 'CUSTOMER' AND m.tenant_id = %s AND u.is_active AND m.is_active ORDER BY u.id LIMIT %s
"""
# Departures of different tours in some days, for parties of two adults.
FIND_DEPARTURES = """
SELECT DISTINCT ON (d.tour_id) d.id FROM tours_departure d JOIN tours_tour t ON t.id = d.tour_id
WHERE d.tenant_id = %s AND d.status = 'OPEN' AND d.cutoff_at > now() + interval '3 days' AND t.status = 'ACTIVE'
  AND t.deleted_at IS NULL AND 2 BETWEEN t.min_guests AND t.max_guests
  AND EXISTS (SELECT FROM tours_optionprice p JOIN tours_pricecategory c ON c.id = p.category_id
      WHERE p.option_id = d.option_id AND c.code = 'adult' AND p.amount > 0)
ORDER BY d.tour_id, d.starts_at LIMIT %s
"""
FIND_TOURS = "SELECT tour_id FROM tours_publishedtour WHERE tenant_id = %s ORDER BY display_order, tour_id LIMIT %s"
ADD_HOLDS = """
INSERT INTO bookings_hold
    (id, tenant_id, departure_id, customer_id, token_hash, seats, quote, status, extensions, created_at, expires_at)
SELECT n.id, h.tenant_id, h.departure_id, n.customer, '', h.seats, h.quote, 'ACTIVE', 0, now(), now() + interval '2 hours'
FROM bookings_hold h, unnest(%s::uuid[], %s::uuid[]) n (id, customer) WHERE h.id = %s
"""


@dataclass(frozen=True)
class Customer:
    id: UUID
    headers: dict[str, str]


class Calls:
    """Requests of one operator's customers, each call as endless as it is needed."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        with stack.owner() as owner:
            self.tenant = owner.execute("SELECT id FROM accounts_tenant WHERE slug = 'default'").fetchall()[0][0]
            people = owner.execute(FIND_CUSTOMERS, [self.tenant, CUSTOMERS]).fetchall()
            self.departures = [row[0] for row in owner.execute(FIND_DEPARTURES, [self.tenant, 100])]
            self.tours = [row[0] for row in owner.execute(FIND_TOURS, [self.tenant, 100])]
            self.total = owner.execute(
                "SELECT count(*) FROM tours_publishedtour WHERE tenant_id = %s", [self.tenant]
            ).fetchall()[0][0]
            owner.execute("UPDATE tours_departure SET capacity = %s WHERE id = ANY(%s)", [PLACES, self.departures])
            owner.execute("VACUUM ANALYZE")
        self.customers = [Customer(pk, {"Authorization": f"Bearer {self.token(pk, rev)}"}) for pk, rev in people]
        self.turn = itertools.cycle(self.customers)

    def token(self, user_id: UUID, revision: int) -> str:
        """An access token as the sign-in gives, but for longer than a measurement takes."""
        claims = {
            "token_type": "access",
            "exp": datetime.now(UTC) + TOKENS_LAST,
            "iat": datetime.now(UTC),
            "jti": uuid4().hex,
            "user_id": str(user_id),
            "tenant": str(self.tenant),
            "rev": revision,
            "sid": str(uuid4()),
        }
        return jwt.encode(claims, self.stack.environment["SECRET_KEY"], algorithm="HS256")

    def get(self, customer: Customer, path: str) -> bytes:
        return request("GET", quote(path, safe="/?&=%_-"), customer.headers)

    # --- Each call ---

    def holds(self, departures: int) -> Iterator[Ask]:
        for departure in itertools.cycle(self.departures[:departures]):
            customer = next(self.turn)
            yield Ask("hold", hold_request(customer, departure))

    def bookings(self, holds: list[tuple[UUID, Customer]]) -> Iterator[Ask]:
        for hold, customer in holds:
            yield Ask("booking", booking_request(customer, hold))

    def lists(self) -> Iterator[Ask]:
        for page in itertools.cycle(range(1, max(2, self.total // 50 + 1))):
            yield Ask("list", request("GET", f"/api/v1/tours?page={page}&size=50", next(self.turn).headers))

    def details(self) -> Iterator[Ask]:
        for tour in itertools.cycle(self.tours):
            yield Ask("detail", request("GET", f"/api/v1/tours/{tour}", next(self.turn).headers))

    def availabilities(self) -> Iterator[Ask]:
        for tour in itertools.cycle(self.tours):
            yield Ask("availability", request("GET", f"/api/v1/tours/{tour}/availability", next(self.turn).headers))

    def make_holds(self, service: Service, number: int) -> list[tuple[UUID, Customer]]:
        """So many holds on a hundred departures, copies of one that Rihla made on each; `service` is a Rihla."""
        if not hasattr(self, "patterns"):
            self.patterns = [self.hold_by(service, departure) for departure in self.departures]
            with self.stack.owner() as owner:
                # The reference looks for the kind of a booking in the quote; Rihla does not read it there.
                owner.execute(
                    "UPDATE bookings_hold h SET quote = h.quote || jsonb_build_object('kind_id', k.id)"
                    " FROM bookings_bookingkind k WHERE h.id = ANY(%s) AND k.tenant_id = h.tenant_id AND k.code = 'TOUR'",
                    [self.patterns],
                )
        made = []
        share = -(-number // len(self.patterns))
        with self.stack.owner() as owner:
            for pattern, departure in zip(self.patterns, self.departures, strict=True):
                new = [(uuid7(), next(self.turn)) for _each in range(share)]
                owner.execute(ADD_HOLDS, [[pk for pk, _who in new], [who.id for _pk, who in new], pattern])
                owner.execute(
                    "UPDATE tours_departure SET seats_held = seats_held + %s WHERE id = %s", [2 * share, departure]
                )
                made += new
        order: Callable[[Any], Any] = lambda one: one[0].int % 9973  # noqa: E731  departures mixed
        return sorted(made, key=order)

    def hold_by(self, service: Service, departure: UUID) -> UUID:
        customer = next(self.turn)
        body = {"departure_id": str(departure), "guests": {"adult": 2}}
        answer = httpx.post(f"{service.url}/api/v1/holds", json=body, headers=customer.headers, timeout=20)
        if answer.status_code != 201:
            raise RuntimeError(f"no hold on {departure}: {answer.text}")
        return UUID(answer.json()["id"])


def hold_request(customer: Customer, departure: UUID | str) -> bytes:
    body = orjson.dumps({"departure_id": str(departure), "guests": {"adult": 2}})
    return request("POST", "/api/v1/holds", customer.headers | {"Idempotency-Key": uuid4().hex}, body)


def booking_request(customer: Customer, hold: UUID | str) -> bytes:
    body = orjson.dumps({"hold_id": str(hold), "contact": CONTACT, "travellers": TRAVELLERS})
    return request("POST", "/api/v1/bookings", customer.headers | {"Idempotency-Key": uuid4().hex}, body)
