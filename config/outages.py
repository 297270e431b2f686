"""A part that we stand on is away: which one, and what we answer then.

Answered 503 in the common form with `Retry-After`, logged with its trace, never shown one. What was asked either happened
whole or not at all; who repeats it with the same `Idempotency-Key` gets it done once.
"""

import errno

from django.db import InterfaceError, InternalError, OperationalError
from django_redis.exceptions import ConnectionInterrupted
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

RETRY_AFTER = 5  # seconds

# We gave the statement up: it ran too long, waited too long for a lock, or its transaction lay idle.
GIVEN_UP = {"57014", "55P03", "25P03"}
READ_ONLY = "25006"  # a standby that is not the primary any more
NO_ROOM = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO, errno.EACCES, errno.EPERM}


def part_that_is_away(fault: BaseException | None) -> str:
    """`database`, `cache`, `broker` or `storage`; nothing where the fault is of another kind, which is a bug.

    `time`: the database is there, but a statement took longer than one who waits for an answer should (config.db.limits).
    """
    match fault:
        case OperationalError() | InternalError() if getattr(fault.__cause__, "sqlstate", "") in GIVEN_UP:
            return "time"
        case OperationalError() | InterfaceError():
            return "database"
        case InternalError() if getattr(fault.__cause__, "sqlstate", "") == READ_ONLY:
            return "database"
        case ConnectionInterrupted() | RedisError():
            return "cache"
        case BrokerAway():
            return "broker"
        case OSError() if fault.errno in NO_ROOM:
            return "storage"
    return "storage" if type(fault).__module__.startswith(("botocore.", "boto3.")) else ""
