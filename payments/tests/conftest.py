from collections.abc import Iterator
from typing import Any

import pytest

from config.celery import app
from config.middleware import TenantMiddleware
from payments.tests.sandbox_process import SandboxProcess, running_sandbox


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess, settings: Any) -> Iterator[SandboxProcess]:
    """The gateway, healthy; nobody hears its notices unless `shop` is there."""
    settings.SANDBOX_URL = sandbox_process.url
    settings.GATEWAY_READ_SECONDS = 1.0
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    sandbox_process.heal()
    yield sandbox_process
    sandbox_process.heal()


@pytest.fixture
def eager() -> Iterator[None]:
    """Tasks run where they are sent, after the commit that sends them."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def shop(
    transactional_db: None,
    tenant: Any,
    sandbox: SandboxProcess,
    eager: None,
    live_server: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Rihla listening over HTTP, its address told to the gateway."""
    settings.PUBLIC_URL = live_server.url
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    monkeypatch.setattr(TenantMiddleware, "REMEMBERED_FOR", 0.0)  # each test makes its tenant anew
    return str(live_server.url)
