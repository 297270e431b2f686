"""Reading the environment: what is missing or makes no sense stops the start with a sentence that names it."""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

RATE = re.compile(r"[1-9]\d*/(s|sec|second|m|min|minute|h|hour|d|day)")


def read_env_file(path: Path) -> None:
    """Take what `.env` says and the environment does not – anywhere but in production."""
    if os.environ.get("ENVIRONMENT", "production") != "production" or not os.environ.get("SECRET_KEY"):
        env.read_env(str(path))


def required(name: str, *schemes: str) -> str:
    """A setting without a default; an address must begin with one of `schemes`."""
    value = env.str(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. It has no default; .env.example says what belongs there.")
    if schemes and urlsplit(value).scheme not in schemes:
        raise ImproperlyConfigured(
            f"{name} must be an address that begins with {' or '.join(f'{s}://' for s in schemes)}."
        )
    return value


def whole(name: str, default: int, *, least: int = 0, most: int = 2_000_000_000) -> int:
    """A whole number within bounds."""
    given = env.str(name, "").strip()
    if not given:
        return default
    if not re.fullmatch(r"-?\d{1,12}", given) or not least <= int(given) <= most:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least} to {most}, not {given!r}.")
    return int(given)


def number(name: str, default: float, *, least: float = 0) -> float:
    """A number, perhaps with decimals."""
    given = env.str(name, "").strip()
    if not given:
        return default
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", given) or float(given) < least:
        raise ImproperlyConfigured(f"{name} must be a number of at least {least}, not {given!r}.")
    return float(given)


def switch(name: str, default: bool) -> bool:
    """true or false."""
    given = env.str(name, "").strip().lower()
    if not given:
        return default
    if given not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name} must be true or false, not {given!r}.")
    return given in {"true", "1", "yes", "on"}


def rate(name: str, default: str) -> str:
    """How many calls in what time: `100/min`; nothing where that is the default."""
    given = env.str(name, "").strip() or default
    if given and not RATE.fullmatch(given):
        raise ImproperlyConfigured(f"{name} must be a rate such as 100/min, not {given!r}.")
    return given


def networks(name: str, default: list[str]) -> list[str]:
    """Networks such as 10.0.0.0/8, separated by commas."""
    given = env.list(name, default=default)
    for network in given:
        try:
            ip_network(network)
        except ValueError as fault:
            raise ImproperlyConfigured(f"{name} must list networks such as 10.0.0.0/8: {fault}.") from fault
    return list(given)


def address(name: str, default: str, *, secure: bool) -> str:
    """An http address without a slash at its end; https where it must be `secure`."""
    given = env.str(name, "").strip() or default
    schemes = ("https",) if secure else ("https", "http")
    parts = urlsplit(given)
    if parts.scheme not in schemes or not parts.hostname:
        raise ImproperlyConfigured(
            f"{name} must be an address that begins with {' or '.join(f'{s}://' for s in schemes)}."
        )
    return given.rstrip("/")


def one_of(name: str, *choices: str) -> str:
    """One of a few words; the first where nothing is said."""
    given = env.str(name, "").strip() or choices[0]
    if given not in choices:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(choices)}, not {given!r}.")
    return given


def all_or_none(what: str, *names: str) -> None:
    """Settings that only work together: a missing part is named."""
    missing = [name for name in names if not env.str(name, "")]
    if missing and len(missing) < len(names):
        raise ImproperlyConfigured(f"{missing[0]} is not set: {what} needs all of {', '.join(names)}, or none.")
