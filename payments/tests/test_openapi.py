"""The OpenAPI document is complete, and the running system does what it says: no 5xx, no status it does not name."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import schemathesis
from django.core.management import call_command
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.authentication import issue_tokens
from accounts.models import Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory
from bookings.seeds import seed_tenant as seed_kinds
from bookings.tests.factories import BookingFactory, HoldFactory
from config.testing.server import serving
from ledger.seeds import seed_platform
from tours.tests.factories import DepartureFactory

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 12

# What ends the session of the one who asks, or is there for a gateway alone.
LEFT_OUT = {"/api/v1/auth/logout"}


def test_the_document_has_no_warnings(capsys):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    assert capsys.readouterr().err == ""


@dataclass
class Reached:
    """Which operations were called, and which of them answered 2xx at least once."""

    called: set[str] = field(default_factory=set)
    succeeded: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


class Explorer:
    """Sends what the document allows, with ids that exist in most calls, and checks every answer against the document."""

    def __init__(self, address: str, token: str, ids: dict[str, str], good: dict[str, Any]) -> None:
        self.schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json")
        self.schema.config.base_url = address
        self.headers = {"Authorization": f"Bearer {token}"}
        self.ids, self.good = ids, good
        self.reached = Reached()
        self.dice = random.Random(7)

    def explore(self, examples: int) -> Reached:
        for found in self.schema.get_all_operations():
            operation = found.ok()
            if operation.path not in LEFT_OUT:
                self.explore_one(operation, examples)
        return self.reached

    def explore_one(self, operation: Any, examples: int) -> None:
        label = f"{operation.method.upper()} {operation.path}"
        self.reached.called.add(label)

        @seed(7)
        @hypothesis_settings(
            max_examples=examples,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )
        @given(case=operation.as_strategy())
        def fuzz(case: Any) -> None:
            self.fill_in(case)
            self.send(case, label)

        fuzz()
        # Last, so that what ends a thing ends it when nobody needs it any more.
        known = operation.Case(
            path_parameters=self.path_of(operation.path),
            **({"body": self.good[label], "media_type": "application/json"} if label in self.good else {}),
        )
        self.send(known, label)

    def path_of(self, path: str) -> dict[str, str]:
        parts = path.strip("/").split("/")
        whole = {
            part[1:-1]: self.ids.get(parts[place - 1], "unknown")
            for place, part in enumerate(parts)
            if part.startswith("{")
        }
        return dict.fromkeys(re.findall(r"{(\w+)}", path), "1") | whole

    def fill_in(self, case: Any) -> None:
        """Ids that exist, three times of four."""
        if case.query:
            case.query.pop("fields", None)  # leaves out what the document calls required: that is its purpose
        if self.dice.random() < 0.25:
            return
        if case.path_parameters:
            case.path_parameters.update(self.path_of(case.operation.path))
        if isinstance(case.body, dict):
            for name in set(case.body) & set(self.ids):
                case.body[name] = self.ids[name]

    def send(self, case: Any, label: str) -> None:
        response = case.call(headers=self.headers, timeout=60)
        if 200 <= response.status_code < 400:
            self.reached.succeeded.add(label)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:  # collected, to be shown together
            for fault in group.exceptions:
                self.reached.faults.append(f"{label} → {response.status_code}: {fault}"[:900])


@pytest.fixture
def explorer(transactional_db: None, tenant: Any, sandbox_process: Any) -> Iterator[Explorer]:
    seed_platform()
    seed_roles()
    seed_kinds()
    admin = UserFactory()
    MembershipFactory(user=admin, role=Role.objects.get(code=Role.Code.SUPER_ADMIN))
    departure = DepartureFactory(capacity=500)
    hold = HoldFactory(departure=departure, actor=admin)
    booking = BookingFactory(departure=departure, actor=admin)
    ids = {
        "tours": str(departure.tour_id),
        "departure_id": str(departure.pk),
        "hold_id": str(hold.pk),
        "holds": str(hold.pk),
        "bookings": str(booking.pk),
        "booking_id": str(booking.pk),
        "users": str(UserFactory().pk),
    }
    contact = {"name": "Mona Saleh", "email": "mona@example.com", "phone": "+201001234567"}
    asked = {"departure_id": str(departure.pk), "guests": {"adult": 1}}
    good = {
        "POST /api/v1/quotes": asked,
        "POST /api/v1/holds": asked,
        "POST /api/v1/bookings": {**asked, "contact": contact},
    }
    environment = {
        "THROTTLE_DEFAULT": "1000000/min",
        "THROTTLE_AUTH": "1000000/min",
        "CELERY_TASK_ALWAYS_EAGER": "true",
        "SANDBOX_URL": sandbox_process.url,
    }
    with serving(**environment) as address:
        httpx.get(f"{address}/health", timeout=10)
        yield Explorer(address, issue_tokens(admin)["access_token"], ids, good)


def test_the_running_system_answers_as_the_document_says(explorer):
    reached = explorer.explore(EXAMPLES)
    assert not reached.faults, "\n\n".join(reached.faults)
    # A run that only ever met refusals would prove nothing.
    never = sorted(reached.called - reached.succeeded)
    assert len(reached.called) > 60
    assert len(reached.succeeded) >= 40, never
