from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
from django.core.servers.basehttp import WSGIServer

from config.celery import app
from config.middleware import TenantMiddleware
from payments.tests.conformance.drivers import DEAD, Driver, PayPalDriver, StripeDriver
from payments.tests.sandbox_process import SandboxProcess, running_sandbox
from payments.tests.standins.process import StandInProcess, running
from payments.tests.whole_system import WholeSystem

# Fifty notices at once must find room to wait in.
WSGIServer.request_queue_size = 128


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


@pytest.fixture(scope="session")
def stand_ins() -> Iterator[Any]:
    """One process per gateway, started when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def started(name: str) -> StandInProcess:
            return stack.enter_context(running(name))

        yield started


@pytest.fixture
def stripe_shop(db: None, tenant: Any, stand_ins: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """Stripe's stand-in, offered here."""
    return offered(StripeDriver(stand_ins("stripe")), settings, monkeypatch)


@pytest.fixture
def paypal_shop(db: None, tenant: Any, stand_ins: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """PayPal's stand-in, offered here."""
    return offered(PayPalDriver(stand_ins("paypal")), settings, monkeypatch)


def offered(driver: Driver, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Driver:
    settings.GATEWAY_READ_SECONDS = 2.0
    settings.PUBLIC_URL = DEAD
    driver.configure(settings, monkeypatch)
    driver.reset()
    return driver


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


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSystem]:
    """Everything under its supervisor, on servers of its own: to be killed."""
    system = WholeSystem(tmp_path_factory.mktemp("whole"), THROTTLE_DEFAULT="1000000/min", PAYMENT_UNCLEAR_SECONDS="2")
    try:
        yield system.up()
    finally:
        system.down()
