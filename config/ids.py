"""Identifiers: UUIDs inside, short references for people."""

import os
import secrets
import time
import uuid
from datetime import datetime

# No I, L, O, U, 0, 1: what a clerk cannot mishear on the phone.
REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid7() -> uuid.UUID:
    """A version 7 UUID (RFC 9562, 5.7): 48 bits of Unix milliseconds, then random bits.

    Rows made one after another stand together in their index, which keeps inserts cheap on large tables.
    """
    return _uuid7(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big"))


def first_uuid7_at(moment: datetime) -> uuid.UUID:
    """The smallest id that a row made at this moment can have: what is smaller was made before."""
    return _uuid7(int(moment.timestamp() * 1000), 0)


def _uuid7(milliseconds: int, rest: int) -> uuid.UUID:
    value = (milliseconds << 80) | rest
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)


def short_reference(prefix: str, length: int = 6) -> str:
    """A reference such as `BK-7F3K9Q`. Not proven unique: the column's constraint does that, the caller tries again."""
    return f"{prefix}-{''.join(secrets.choice(REFERENCE_ALPHABET) for _ in range(length))}"
