"""Real PostgreSQL and Valkey for a test run, in a throw-away folder, before Django reads its settings.

Servers named by `DATABASE_URL` and `REDIS_URL` are used instead. Workers of pytest-xdist share the servers of the
run; each has its own databases in them.
"""

import os
from collections.abc import Generator

import pytest

from config.embedded.throwaway import Servers, use_own_databases


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        use_own_databases(worker)
    else:
        servers = Servers()
        early_config.add_cleanup(servers.stop)
        servers.start()
        servers.set_defaults()
    return (yield)
