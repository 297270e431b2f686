from collections.abc import Iterator
from typing import Any

import pytest

from config.middleware import TenantMiddleware
from payments.tests.conformance.drivers import DEAD, DRIVERS, GATEWAYS, Driver
from payments.tests.steps import assert_sound


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(what): skip, with the reason, for a gateway that cannot express it")


@pytest.fixture(params=GATEWAYS)
def gateway(
    request: pytest.FixtureRequest,
    transactional_db: None,
    tenant: Any,
    eager: None,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Driver]:
    """Each gateway in turn, its notices waiting to be told. In the end all promises hold, and its contract was kept."""
    make = DRIVERS[request.param]
    for mark in request.node.iter_markers("needs"):
        for need in mark.args:
            if need in make.CANNOT:  # type: ignore[attr-defined]
                pytest.skip(f"{request.param} cannot express this: {make.CANNOT[need]}")  # type: ignore[attr-defined]
    if request.param == "sandbox":
        process = request.getfixturevalue("sandbox_process")
    else:
        process = request.getfixturevalue("stand_ins")(request.param.partition("_")[0])
    driver = make(process)
    settings.GATEWAY_READ_SECONDS = 0.4
    settings.PUBLIC_URL = DEAD
    monkeypatch.setattr(TenantMiddleware, "REMEMBERED_FOR", 0.0)  # each test makes its tenant anew
    driver.configure(settings, monkeypatch)
    driver.reset()
    yield driver
    found = driver.violations()
    driver.reset()
    assert found == []
    assert_sound()
