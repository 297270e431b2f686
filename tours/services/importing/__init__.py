"""The catalogue from tables: looked at row by row first, then written by the services, all of it or nothing."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection, transaction

from config.tenancy import tenant_id_or_raise
from tours.errors import ImportRefused
from tours.services.importing.departures import DepartureReader
from tours.services.importing.frame import Fault, Line, Outcome, Reader, Told, go_through
from tours.services.importing.options import OptionReader, PriceReader
from tours.services.importing.price_rules import PriceRuleReader
from tours.services.importing.rules import RuleReader
from tours.services.importing.tiers import TierReader
from tours.services.importing.tours import TourReader

__all__ = ["KINDS", "Fault", "Outcome", "carry_out", "carry_out_good_rows", "rehearse"]

KINDS: dict[str, Callable[[Any, Outcome, bool], Reader]] = {
    "tours": TourReader,
    "options": OptionReader,
    "prices": PriceReader,
    "tiers": TierReader,
    "price_rules": PriceRuleReader,
    "schedule": RuleReader,
    "departures": DepartureReader,
}


def rehearse(kind: str, rows: Iterable[Line], *, actor: Any, told: Told | None = None) -> Outcome:
    """What `carry_out` would do. Nothing stays."""
    with transaction.atomic():
        outcome = _gone_through(kind, rows, actor, False, told)
        transaction.set_rollback(True)
    return outcome


def carry_out(kind: str, rows: Iterable[Line], *, actor: Any, told: Told | None = None) -> Outcome:
    """Write the table, all of it. Raises `ImportRefused` with the faults, and then nothing stays."""
    with transaction.atomic():
        _one_at_a_time()
        outcome = _gone_through(kind, rows, actor, True, told)
        if outcome.faulty:
            raise ImportRefused(outcome=outcome, count=outcome.faulty, details={"count": outcome.faulty})
    return outcome


def carry_out_good_rows(kind: str, rows: Iterable[Line], *, actor: Any, told: Told | None = None) -> Outcome:
    """Write the rows without a fault, all of them or, if anything breaks, none; the faulty ones are named in the outcome."""
    with transaction.atomic():
        _one_at_a_time()
        return _gone_through(kind, rows, actor, True, told)


def _gone_through(kind: str, rows: Iterable[Line], actor: Any, for_good: bool, told: Told | None) -> Outcome:
    outcome = Outcome()
    go_through(KINDS[kind](actor, outcome, for_good), rows, outcome, told)
    return outcome


def _one_at_a_time() -> None:
    """Two imports of one operator would lock tours in the order of their rows, and wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s::text))", [f"import:{tenant_id_or_raise()}"])
