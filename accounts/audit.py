"""The audit trail: who did what to which row, written in the transaction of the change."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import FileField, Model

from accounts.models import AuditEntry
from config.addresses import current_caller
from config.logs import current_request_id

# Shown as changed, never with their value.
SECRET_FIELDS = frozenset({"password"})
# They change with every save and say nothing.
IGNORED_FIELDS = frozenset({"updated_at", "tenant"})


def record(
    action: str,
    subject: Model,
    *,
    actor: Any,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    outcome: str = AuditEntry.Outcome.DONE,
) -> AuditEntry:
    """Write one entry into the current transaction: it stays exactly when the change stays.

    `action` is `app.thing.verb` (`bookings.booking.cancelled`); `actor` a `User`, an `Account`, or None for the system;
    `before` and `after` hold what changed, any plain values. Address, browser and request id are the running request's.
    """
    entry = _entry(action, subject, actor, before or {}, after or {}, reason, outcome)
    entry.save(force_insert=True)
    return entry


def record_added(action: str, subjects: Iterable[Model], *, actor: Any, reason: str = "") -> None:
    """An entry for each of many new rows, with what it holds; in few statements."""
    entries = [
        _entry(action, subject, actor, {}, snapshot(subject), reason, AuditEntry.Outcome.DONE) for subject in subjects
    ]
    AuditEntry.objects.bulk_create(entries, batch_size=1000)


def record_each(
    action: str,
    changes: Iterable[tuple[Model, dict[str, Any], dict[str, Any]]],
    *,
    actor: Any,
    reason: str = "",
) -> None:
    """An entry for each of many changed rows, with what was and what is; in few statements."""
    entries = [
        _entry(action, subject, actor, before, after, reason, AuditEntry.Outcome.DONE)
        for subject, before, after in changes
    ]
    AuditEntry.objects.bulk_create(entries, batch_size=1000)


def _entry(
    action: str,
    subject: Model,
    actor: Any,
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str,
    outcome: str,
) -> AuditEntry:
    caller = current_caller.get()
    return AuditEntry(
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        subject_name=str(subject)[:200],
        actor_id=actor.pk if actor else None,
        actor_name=str(actor)[:120] if actor else "",
        before=plain(before),
        after=plain(after),
        reason=reason[:500],
        address=caller.address,
        agent=caller.agent,
        outcome=outcome,
        request_id=current_request_id(),
    )


def snapshot(row: Model) -> dict[str, Any]:
    """The row's own fields as plain values, by name; references as ids, secrets masked by a mark of their value."""
    values = {}
    for field in row._meta.concrete_fields:
        if field.name in IGNORED_FIELDS or field.attname in row.get_deferred_fields():
            continue
        value = field.value_from_object(row)
        if isinstance(field, FileField):
            value = value.name if value else ""
        values[field.name] = Secret(value) if field.name in SECRET_FIELDS else value
    return values


def stored(row: Model) -> dict[str, Any]:
    """`snapshot` of the row as the database holds it now."""
    return snapshot(type(row)._base_manager.get(pk=row.pk))


def differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both dictionaries reduced to what is not the same in the other."""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {n: before[n] for n in changed if n in before}, {n: after[n] for n in changed if n in after}


class Secret:
    """Compares like its value, shows as asterisks."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return "***"


def plain(value: Any) -> Any:
    """The value as JSON can hold it: amounts, ids and times as text."""
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(inner) for inner in value]
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case Model():
            return str(value.pk)
        case str() | Decimal() | UUID():
            return str(value)
        case _:
            return str(value)
