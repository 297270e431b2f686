"""Reading the environment: what is missing or makes no sense stops the start with a sentence that names it."""

import os
import re
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
    """How many calls in what time: `100/min`."""
    given = env.str(name, "").strip() or default
    if not RATE.fullmatch(given):
        raise ImproperlyConfigured(f"{name} must be a rate such as 100/min, not {given!r}.")
    return given
