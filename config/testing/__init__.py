"""For tests: many threads at one barrier."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from config.tenancy import current_tenant


def run_together(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in as many threads, let go at once; each one's value, or the exception it raised, in order.

    Each thread acts for the tenant of the caller and gives its connection back.
    """
    barrier, tenant = threading.Barrier(len(calls)), current_tenant.get()
    outcomes: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        current_tenant.set(tenant)
        try:
            barrier.wait(timeout=30)
            outcomes[place] = call()
        except BaseException as raised:  # noqa: BLE001  whatever happened is the outcome
            outcomes[place] = raised
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return outcomes
