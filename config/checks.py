"""System checks of what no single setting can say about itself."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def sandbox_is_off_in_production(**_: Any) -> list[Any]:
    if settings.IN_PRODUCTION and settings.ALLOW_SANDBOX:
        return [
            Warning(
                "ALLOW_SANDBOX is on: bookings can be confirmed without money.",
                hint="Remove ALLOW_SANDBOX unless this installation is for trying out.",
                id="rihla.W001",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def gateways_take_real_money_in_production(**_: Any) -> list[Any]:
    trial = {
        "STRIPE_SECRET_KEY": "_test_" in settings.STRIPE_SECRET_KEY,
        "STRIPE_PUBLISHABLE_KEY": "_test_" in settings.STRIPE_PUBLISHABLE_KEY,
        "PAYPAL_API_BASE": bool(settings.PAYPAL_CLIENT_ID) and "sandbox" in settings.PAYPAL_API_BASE,
    }
    if not settings.IN_PRODUCTION:
        return []
    return [
        Warning(
            f"{name} is one for trying out: bookings can be confirmed without money.",
            hint="Take the one that the gateway's live mode shows.",
            id="rihla.W002",
        )
        for name, is_for_trial in trial.items()
        if is_for_trial
    ]


@register(Tags.security)
def throttles_are_readable(**_: Any) -> list[Any]:
    from config.throttling import parse_rate

    faults = []
    for name in (
        "THROTTLE_AUTH",
        "THROTTLE_BACK_OFFICE",
        "THROTTLE_DEFAULT",
        *(["THROTTLE_TENANT"] if settings.THROTTLE_TENANT else []),
    ):
        try:
            parse_rate(getattr(settings, name))
        except ValueError as fault:
            faults.append(Error(f"{name}: {fault}", id="rihla.E001"))
    return faults
