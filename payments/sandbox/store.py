"""What the sandbox knows, in SQLite (WAL): it survives a restart and a kill. Every verb here is one transaction."""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    id TEXT PRIMARY KEY, key TEXT UNIQUE NOT NULL, request TEXT NOT NULL, reference TEXT NOT NULL,
    amount TEXT NOT NULL, currency TEXT NOT NULL, description TEXT NOT NULL, language TEXT NOT NULL,
    return_url TEXT NOT NULL, cancel_url TEXT NOT NULL, notify_url TEXT NOT NULL,
    status TEXT NOT NULL, failure_code TEXT NOT NULL DEFAULT '', capture_id TEXT NOT NULL DEFAULT '',
    expires_at REAL NOT NULL, settle_at REAL, created_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS payments_by_reference ON payments (reference);
CREATE INDEX IF NOT EXISTS payments_waiting ON payments (status, expires_at);
CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY, payment_id TEXT NOT NULL REFERENCES payments, key TEXT UNIQUE NOT NULL, request TEXT NOT NULL,
    amount TEXT NOT NULL, reason TEXT NOT NULL, status TEXT NOT NULL, settle_at REAL, created_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_by_payment ON refunds (payment_id);
CREATE TABLE IF NOT EXISTS notices (
    id TEXT PRIMARY KEY, payment_id TEXT NOT NULL REFERENCES payments, url TEXT NOT NULL, body TEXT NOT NULL,
    copies INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due_at REAL, delivered_at REAL);
CREATE INDEX IF NOT EXISTS notices_due ON notices (due_at) WHERE due_at IS NOT NULL;
"""

LATE_BY = 2.0  # seconds after the payment's end at which a late payer pays
BACK_OFF = (1, 2, 4, 8, 16, 32, 64)  # seconds between the tries to deliver a notice; then it is given up


class Refused(Exception):
    """The gateway says no: HTTP status, a code for programs, and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Store:
    """One connection behind one lock: the sandbox is small, and SQLite writes one at a time anyway."""

    def __init__(self, path: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA busy_timeout=5000")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    # --- payments ---

    def create_payment(self, key: str, request: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        """A new payment and the id of its `payment.created` notice; by a known key the old one and None."""
        wanted = json.dumps(request, sort_keys=True)
        with self._writing() as db:
            known = db.execute("SELECT * FROM payments WHERE key = ?", [key]).fetchone()
            if known is not None:
                if known["request"] != wanted:
                    raise Refused(422, "idempotency_key_reused", "This key was used with another body.")
                return self._shown(known), None
            payment_id = f"sbp_{secrets.token_hex(12)}"
            db.execute(
                "INSERT INTO payments (id, key, request, reference, amount, currency, description, language, return_url,"
                " cancel_url, notify_url, status, expires_at, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'requires_action', ?, ?)",
                [
                    payment_id,
                    key,
                    wanted,
                    request["reference"],
                    request["amount"],
                    request["currency"],
                    request["description"],
                    request["language"],
                    request["return_url"],
                    request["cancel_url"],
                    request["notify_url"],
                    request["expires_at"],
                    time.time(),
                ],
            )
            # The server itself sends this one before it answers; should that fail, it goes the common way.
            notice = self._note(db, payment_id, "payment.created", due_in=5)
            return self._payment(db, payment_id), notice

    def payment(self, payment_id: str) -> dict[str, Any]:
        """Raises `Refused` 404."""
        with self._lock:
            return self._payment(self._db, payment_id)

    def payments(self, *, reference: str = "", since: float = 0, limit: int = 100) -> list[dict[str, Any]]:
        """Newest first; all of one `reference`, or all made since a moment."""
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM payments WHERE (? = '' OR reference = ?) AND created_at >= ? ORDER BY created_at DESC LIMIT ?",
                [reference, reference, since, limit],
            ).fetchall()
            return [self._shown(row) for row in rows]

    def cancel_payment(self, payment_id: str) -> dict[str, Any]:
        """Only while the payer has not acted. Repeating it is harmless. Raises `Refused` 409."""
        with self._writing() as db:
            payment = self._payment(db, payment_id)
            if payment["status"] == "requires_action":
                db.execute("UPDATE payments SET status = 'cancelled' WHERE id = ?", [payment_id])
                self._note(db, payment_id, "payment.cancelled")
            elif payment["status"] not in {"cancelled", "failed"}:
                raise Refused(409, "cannot_cancel", f"The payment is {payment['status']}.")
            return self._payment(db, payment_id)

    def act(self, payment_id: str, outcome: str) -> dict[str, Any]:
        """What the payer chose on the page. Raises `Refused` 409 when there is nothing to choose any more."""
        with self._writing() as db:
            payment = self._payment(db, payment_id)
            if payment["status"] != "requires_action":
                raise Refused(409, "payment_ended", f"The payment is {payment['status']}.")
            if outcome == "decline":
                db.execute(
                    "UPDATE payments SET status = 'failed', failure_code = 'card_declined' WHERE id = ?", [payment_id]
                )
                self._note(db, payment_id, "payment.failed")
            elif outcome == "late":
                settle_at = max(payment["expires_at"], time.time()) + LATE_BY
                db.execute(
                    "UPDATE payments SET status = 'processing', settle_at = ? WHERE id = ?", [settle_at, payment_id]
                )
            else:
                self._capture(db, payment_id)
                if outcome == "reorder":
                    self._note(db, payment_id, "payment.succeeded")
                    self._note(db, payment_id, "payment.processing", due_in=0.5, status="processing")
                elif outcome != "timeout":
                    self._note(db, payment_id, "payment.succeeded", copies=10 if outcome == "duplicate" else 1)
            return self._payment(db, payment_id)

    # --- refunds ---

    def create_refund(
        self, payment_id: str, key: str, amount: str, reason: str, *, settle_in: float | None = None
    ) -> dict[str, Any]:
        """Never more than was captured. `settle_in` seconds leaves it pending so long. Raises `Refused`."""
        wanted = json.dumps([payment_id, amount, reason])
        with self._writing() as db:
            known = db.execute("SELECT * FROM refunds WHERE key = ?", [key]).fetchone()
            if known is not None:
                if known["request"] != wanted:
                    raise Refused(422, "idempotency_key_reused", "This key was used with another body.")
                return self._refund(known)
            payment = self._payment(db, payment_id)
            if payment["status"] != "succeeded":
                raise Refused(409, "not_captured", "Nothing was captured.")
            if Decimal(amount) > Decimal(payment["amount"]) - Decimal(payment["refunded_amount"]):
                raise Refused(422, "refund_too_large", "More than is left of the capture.")
            refund_id = f"sbr_{secrets.token_hex(12)}"
            now = time.time()
            status, settle_at = ("succeeded", None) if settle_in is None else ("pending", now + settle_in)
            db.execute(
                "INSERT INTO refunds (id, payment_id, key, request, amount, reason, status, settle_at, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [refund_id, payment_id, key, wanted, amount, reason, status, settle_at, now],
            )
            self._note(db, payment_id, f"refund.{status}", refund_id=refund_id)
            return self._find_refund(db, refund_id)

    def refund(self, refund_id: str) -> dict[str, Any]:
        """Raises `Refused` 404."""
        with self._lock:
            return self._find_refund(self._db, refund_id)

    def refunds_of(self, payment_id: str) -> list[dict[str, Any]]:
        with self._lock:
            rows = self._db.execute("SELECT * FROM refunds WHERE payment_id = ? ORDER BY created_at", [payment_id])
            return [self._refund(row) for row in rows.fetchall()]

    # --- what was before ---

    def remember(self, payments: Iterable[tuple[Any, ...]], refunds: Iterable[tuple[Any, ...]]) -> None:
        """Payments and refunds of the past, as demo data has them, so that they can be asked about and given back.

        Rows are (id, key, reference, amount, currency, description, language, notify_url, status, failure_code, capture_id,
        expires_at, created_at) and (id, payment_id, key, amount, reason, created_at). What is known already stays as it is.
        """
        with self._writing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO payments (id, key, request, reference, amount, currency, description, language,"
                " return_url, cancel_url, notify_url, status, failure_code, capture_id, expires_at, created_at)"
                " VALUES (?, ?, '{}', ?, ?, ?, ?, ?, '', '', ?, ?, ?, ?, ?, ?)",
                payments,
            )
            db.executemany(
                "INSERT OR IGNORE INTO refunds (id, payment_id, key, request, amount, reason, status, created_at)"
                " VALUES (?, ?, ?, '[]', ?, ?, 'succeeded', ?)",
                refunds,
            )

    # --- what time brings ---

    def tick(self) -> None:
        """Late payers pay, unpaid payments end, pending refunds are done."""
        now = time.time()
        with self._writing() as db:
            for row in db.execute(
                "SELECT id FROM payments WHERE status = 'processing' AND settle_at <= ?", [now]
            ).fetchall():
                self._capture(db, row["id"])
                self._note(db, row["id"], "payment.succeeded")
            for row in db.execute(
                "SELECT id FROM payments WHERE status = 'requires_action' AND expires_at <= ?", [now]
            ).fetchall():
                db.execute("UPDATE payments SET status = 'cancelled' WHERE id = ?", [row["id"]])
                self._note(db, row["id"], "payment.cancelled")
            for row in db.execute(
                "SELECT id, payment_id FROM refunds WHERE status = 'pending' AND settle_at <= ?", [now]
            ).fetchall():
                db.execute("UPDATE refunds SET status = 'succeeded', settle_at = NULL WHERE id = ?", [row["id"]])
                self._note(db, row["payment_id"], "refund.succeeded", refund_id=row["id"])

    # --- notices ---

    def due_notices(self) -> list[dict[str, Any]]:
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM notices WHERE due_at <= ? ORDER BY due_at LIMIT 50", [time.time()]
            ).fetchall()
            return [dict(row) for row in rows]

    def notice(self, notice_id: str) -> dict[str, Any]:
        with self._lock:
            return dict(self._db.execute("SELECT * FROM notices WHERE id = ?", [notice_id]).fetchone())

    def delivered(self, notice_id: str) -> None:
        with self._writing() as db:
            db.execute("UPDATE notices SET delivered_at = ?, due_at = NULL WHERE id = ?", [time.time(), notice_id])

    def not_delivered(self, notice_id: str) -> None:
        """To be tried again later: after 1 s, 2 s, 4 s …; given up after the last."""
        with self._writing() as db:
            attempts = db.execute("SELECT attempts FROM notices WHERE id = ?", [notice_id]).fetchone()["attempts"]
            due = time.time() + BACK_OFF[attempts] if attempts < len(BACK_OFF) else None
            db.execute("UPDATE notices SET attempts = ?, due_at = ? WHERE id = ?", [attempts + 1, due, notice_id])

    # --- inside a transaction ---

    def _capture(self, db: sqlite3.Connection, payment_id: str) -> None:
        db.execute(
            "UPDATE payments SET status = 'succeeded', capture_id = ?, settle_at = NULL WHERE id = ?",
            [f"sbc_{secrets.token_hex(12)}", payment_id],
        )

    def _note(
        self,
        db: sqlite3.Connection,
        payment_id: str,
        type_: str,
        *,
        due_in: float = 0,
        copies: int = 1,
        refund_id: str = "",
        status: str = "",
    ) -> str:
        """Write a notice; it shows the payment as it stands, or (a stale one) in an earlier `status`."""
        payment = self._payment(db, payment_id)
        event_id = f"sbe_{secrets.token_hex(12)}"
        data: dict[str, Any] = {"payment": payment | ({"status": status} if status else {})}
        if refund_id:
            data["refund"] = self._find_refund(db, refund_id)
        body = {"id": event_id, "type": type_, "created_at": datetime.now(UTC).isoformat(), "data": data}
        notify_url = db.execute("SELECT notify_url FROM payments WHERE id = ?", [payment_id]).fetchone()["notify_url"]
        db.execute(
            "INSERT INTO notices (id, payment_id, url, body, copies, due_at) VALUES (?, ?, ?, ?, ?, ?)",
            [event_id, payment_id, notify_url, json.dumps(body), copies, time.time() + due_in],
        )
        return event_id

    def _payment(self, db: sqlite3.Connection, payment_id: str) -> dict[str, Any]:
        row = db.execute("SELECT * FROM payments WHERE id = ?", [payment_id]).fetchone()
        if row is None:
            raise Refused(404, "not_found", "There is no such payment.")
        return self._shown(row)

    def _shown(self, row: sqlite3.Row) -> dict[str, Any]:
        refunds = self._db.execute(
            "SELECT amount FROM refunds WHERE payment_id = ? AND status != 'failed'", [row["id"]]
        ).fetchall()
        names = (
            "id",
            "reference",
            "amount",
            "currency",
            "description",
            "language",
            "return_url",
            "cancel_url",
            "status",
            "failure_code",
            "capture_id",
            "expires_at",
            "created_at",
        )
        return {name: row[name] for name in names} | {
            "refunded_amount": str(sum((Decimal(refund["amount"]) for refund in refunds), Decimal(0)))
        }

    def _find_refund(self, db: sqlite3.Connection, refund_id: str) -> dict[str, Any]:
        row = db.execute("SELECT * FROM refunds WHERE id = ?", [refund_id]).fetchone()
        if row is None:
            raise Refused(404, "not_found", "There is no such refund.")
        return self._refund(row)

    @staticmethod
    def _refund(row: sqlite3.Row) -> dict[str, Any]:
        return {name: row[name] for name in ("id", "payment_id", "key", "amount", "reason", "status", "created_at")}
