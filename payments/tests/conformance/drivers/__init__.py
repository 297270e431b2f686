"""The same words for every gateway's payer, bank and desk. A new gateway joins with a stand-in and a driver here."""

from collections.abc import Callable
from typing import Any

import pytest

from payments.tests.conformance.drivers.driver import DEAD, Driver, Told
from payments.tests.conformance.drivers.paypal import PayPalDriver
from payments.tests.conformance.drivers.sandbox import SandboxDriver
from payments.tests.conformance.drivers.stripe import StripeDriver, StripeFormDriver

__all__ = ["DEAD", "DRIVERS", "GATEWAYS", "Driver", "PayPalDriver", "StripeDriver", "Told", "also_in_own_form"]

# Each scenario runs against these; where the client's own form makes a difference, against all of DRIVERS.
GATEWAYS = ["sandbox", "stripe", "paypal"]
DRIVERS: dict[str, Callable[[Any], Driver]] = {
    "sandbox": SandboxDriver,
    "stripe": StripeDriver,
    "stripe_form": StripeFormDriver,
    "paypal": PayPalDriver,
}

also_in_own_form = pytest.mark.parametrize("gateway", DRIVERS, indirect=True)
