"""For tests: processes that kill themselves with SIGKILL at a named place, when told to.

Nothing in the program knows of this. A process is started through one of the entries here (`web`, `tasks`, `__main__`), which
wrap the functions named in `CRASH_PLACES` (`package.module:function` or `:Class.method`, separated by spaces). Each place has
two ends, `before` and `after`. The web has more of them: `POST /api/v1/holds answer` is reached when the answer is made and
everything has been committed, `POST /api/v1/bookings statement 2` before the second SQL statement of such a request.

An order is a file, `CRASH_ORDER`: which process, which place, words that the arguments must contain, and whether the whole
process group dies or this process alone. Whoever comes there first takes the order away and dies, so each order kills once.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

ORDER = Path(os.environ.get("CRASH_ORDER", "/nowhere"))
ROLE = os.environ.get("CRASH_ROLE", "")
OURS = ("config", "accounts", "notifications", "ledger", "tours", "bookings", "payments")


def reached(place: str, *arguments: Any) -> None:
    """Die if that was ordered."""
    try:
        order = json.loads(ORDER.read_text())
    except FileNotFoundError:
        return
    if (order["role"], order["place"]) != (ROLE, place) or order["having"] not in repr(arguments):
        return
    try:
        ORDER.rename(ORDER.with_suffix(".done"))
    except FileNotFoundError:
        return  # another thread or process was faster, and dies for us
    if order["group"]:
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def watch_places() -> None:
    """Wrap the named functions wherever a module of ours knows them. An unknown name is a fault of the test's."""
    for name in os.environ.get("CRASH_PLACES", "").split():
        module_name, _colon, path = name.partition(":")
        owner: Any = import_module(module_name)
        *classes, last = path.split(".")
        for class_ in classes:
            owner = getattr(owner, class_)
        original = getattr(owner, last)
        wrapper = _watched(name, original)
        setattr(owner, last, wrapper)
        for module in [known for known in list(sys.modules.values()) if _is_ours(known)]:
            for attribute, value in list(vars(module).items()):
                if value is original:
                    setattr(module, attribute, wrapper)


def _is_ours(module: Any) -> bool:
    return getattr(module, "__name__", "").partition(".")[0] in OURS


def _watched(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        reached(f"{name} before", args, kwargs)
        value = original(*args, **kwargs)
        reached(f"{name} after", args, kwargs)
        return value

    return wrapper


def hurry() -> None:
    """Shorten the waits named in `CRASH_HURRY` (`package.module:CONSTANT=seconds …`): nobody waits 90 s in a test."""
    for setting in os.environ.get("CRASH_HURRY", "").split():
        name, _equals, seconds = setting.partition("=")
        module_name, _colon, constant = name.partition(":")
        module = import_module(module_name)
        if not isinstance(getattr(module, constant), timedelta):
            raise TypeError(f"{name} is no length of time")
        setattr(module, constant, timedelta(seconds=float(seconds)))
