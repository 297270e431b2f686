"""Long tables in the background: the dry run, then the writing, each with its progress shown.

A run is a row; what happens to it happens under its lock and commits with what it did. A worker that dies leaves it as it
was, and the sweep sends it again.
"""

import gzip
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import override

from accounts.audit import record
from config.errors import DomainError
from config.i18n import language_now
from config.tables import read_rows
from notifications.outbox import send_task
from tours.errors import ImportNotFound, ImportNotReady, ImportRefused
from tours.models import ImportRun, ImportStatus
from tours.services.importing import Outcome, carry_out, carry_out_good_rows, rehearse

LOST_AFTER = timedelta(minutes=12)  # sent again while it still runs, it finds its row locked and does nothing
KEPT_FOR = timedelta(days=7)
PROGRESS_KEPT = 3600  # seconds
WORKING = (ImportStatus.CHECKING, ImportStatus.WRITING)


@transaction.atomic
def start_import(*, kind: str, name: str, content: bytes, actor: Any) -> ImportRun:
    """Keep the file and have a worker look at it."""
    run = ImportRun(
        kind=kind,
        name=name[:200],
        content=gzip.compress(content, 6),
        language=language_now(),
        started_by_id=actor.pk if actor else None,
        sent_at=now(),
    )
    run.save(force_insert=True)
    _send(run)
    return run


@transaction.atomic
def confirm_import(*, run_id: UUID, good_rows_only: bool, actor: Any) -> ImportRun:
    """Have what was looked at written. With faults only where `good_rows_only` says so. Pressed twice, it is done once.

    Raises `ImportNotFound`, and `ImportNotReady` when there is nothing to write or faults stand in the way.
    """
    run = ImportRun.objects.select_for_update(of=("self",)).filter(pk=run_id).first()
    if run is None:
        raise ImportNotFound
    if run.status in (ImportStatus.WRITING, ImportStatus.DONE):
        return run
    found = run.outcome
    if run.status != ImportStatus.CHECKED or not (found["added"] or found["changed"]):
        raise ImportNotReady
    if found["faulty"] and not good_rows_only:
        raise ImportNotReady
    run.status, run.good_rows_only, run.sent_at = ImportStatus.WRITING, good_rows_only, now()
    run.started_by_id = actor.pk if actor else None
    run.save(update_fields=["status", "good_rows_only", "sent_at", "started_by"])
    _send(run)
    return run


def work_on_import(run_id: UUID) -> bool:
    """Do the step that a run waits for; False where there is none or somebody is at it. Safe to repeat."""
    with transaction.atomic():
        run = (
            ImportRun.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("started_by")
            .filter(pk=run_id, status__in=WORKING)
            .first()
        )
        if run is None:
            return False
        with override(run.language):
            _check(run) if run.status == ImportStatus.CHECKING else _write(run)
    cache.delete(_key(run_id))
    return True


def sweep_imports() -> int:
    """Send runs again whose worker seems to have died, and forget old ones. Returns how many were sent."""
    ImportRun.objects.filter(created_at__lt=now() - KEPT_FOR).delete()
    lost = ImportRun.objects.filter(status__in=WORKING, sent_at__lt=now() - LOST_AFTER)
    ids = list(lost.values_list("pk", flat=True)[:20])
    ImportRun.objects.filter(pk__in=ids).update(sent_at=now())
    for pk in ids:
        send_task("tours.tasks.work_on_import", str(pk))
    return len(ids)


def rows_done(run_id: UUID) -> int:
    """How far the worker is, in rows."""
    return int(cache.get(_key(run_id), 0))


def _check(run: ImportRun) -> None:
    outcome = _tried(run, rehearse)
    if outcome is not None:
        run.status, run.outcome = ImportStatus.CHECKED, outcome.as_json()
    run.save(update_fields=["status", "outcome", "refusal", "finished_at"])


def _write(run: ImportRun) -> None:
    outcome = _tried(run, carry_out_good_rows if run.good_rows_only else carry_out)
    if outcome is not None:
        run.status, run.outcome, run.finished_at, run.content = ImportStatus.DONE, outcome.as_json(), now(), b""
        figures = {
            "added": outcome.added,
            "changed": outcome.changed,
            "same": outcome.same,
            "left_out": outcome.faulty,
            "file": run.name,
        }
        record(f"tours.imported.{run.kind}", run, actor=run.started_by, after=figures)
    run.save(update_fields=["status", "outcome", "refusal", "finished_at", "content"])


def _tried(run: ImportRun, act: Callable[..., Outcome]) -> Outcome | None:
    """What the table did; None where it was refused, with the reason on the run and nothing written."""
    try:
        rows = read_rows(gzip.decompress(run.content))
        return act(run.kind, rows, actor=run.started_by, told=partial(_tell, run.pk))
    except ImportRefused as refusal:
        run.outcome = refusal.values["outcome"].as_json()
        run.refusal = str(refusal)
    except DomainError as refusal:
        run.refusal = str(refusal)
    run.status, run.finished_at = ImportStatus.FAILED, now()
    return None


def _tell(run_id: UUID, done: int) -> None:
    cache.set(_key(run_id), done, PROGRESS_KEPT)


def _send(run: ImportRun) -> None:
    transaction.on_commit(partial(send_task, "tours.tasks.work_on_import", str(run.pk)))


def _key(run_id: UUID) -> str:
    return f"import-progress:{run_id}"
