"""What is missing or weak stops the start, with a sentence that names it."""

import ast
import os
import re
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment

ROOT = Path(__file__).resolve().parents[2]

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k9-Zf3Qw7_Lm2Xc8Vb1Nn5Aa6Ss4Dd0Ff-Gg_Hh-Jj_Kk-Ll_Pp-Oo_Ii",
    "DATABASE_URL": "postgres://app:pw@127.0.0.1/rihla",
    "DATABASE_OWNER_URL": "postgres://owner:pw@127.0.0.1/rihla",
    "REDIS_URL": "redis://127.0.0.1/0",
    "CELERY_BROKER_URL": "redis://127.0.0.1/1",
    "ALLOWED_HOSTS": "rihla.example",
    "PUBLIC_URL": "https://rihla.example",
    "EMAIL_URL": "smtp+tls://u:p@mail.example:587",
    "DEFAULT_FROM_EMAIL": "Rihla <bookings@rihla.example>",
}


def start(*arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Run manage.py with nothing in its environment but production's, changed; None leaves a name out."""
    surroundings = {name: value for name, value in {**PRODUCTION, **changes}.items() if value is not None}
    surroundings |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "manage.py", *(arguments or ("check",))]
    return subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def stop(monkeypatch):
    """Read the settings with production's environment, changed; the sentence that stops the start."""

    def read(**changes: str | None) -> str:
        for name in names_that_settings_read():
            monkeypatch.delenv(name, raising=False)
        for name, value in {**PRODUCTION, **changes}.items():
            if value is not None:
                monkeypatch.setenv(name, value)
        monkeypatch.setattr(environment.env, "read_env", lambda path: None)  # whatever lies in the developer's folder
        with pytest.raises(ImproperlyConfigured) as stopped:
            runpy.run_path(str(ROOT / "config" / "settings.py"))
        return str(stopped.value)

    return read


def test_production_with_everything_set_starts_and_is_clean_for_deployment():
    done = start("check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", None),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 60),
        ("DATABASE_URL", None),
        ("DATABASE_URL", "sqlite:///rihla.db"),
        ("REDIS_URL", None),
        ("REDIS_URL", "http://127.0.0.1"),
        ("CELERY_BROKER_URL", None),
        ("CELERY_BROKER_URL", "memory://"),
        ("ALLOWED_HOSTS", None),
        ("ALLOWED_HOSTS", "*"),
        ("PUBLIC_URL", None),
        ("PUBLIC_URL", "http://rihla.example"),
        ("EMAIL_URL", None),
        ("DEFAULT_FROM_EMAIL", None),
        ("DEBUG", "true"),
        ("ENVIRONMENT", "staging"),
        ("HOLD_SECONDS", "fifteen"),
        ("HOLD_SECONDS", "0"),
        ("HOLD_SECONDS", "-5"),
        ("PORT", "99999"),
        ("THROTTLE_AUTH", "often"),
        ("THROTTLE_DEFAULT", "0/min"),
        ("DATABASE_POOL_SIZE", "0"),
        ("SEED_SCALE", "much"),
        ("TRUSTED_PROXIES", "yes"),
        ("SECURE_SSL_REDIRECT", "perhaps"),
        ("METRICS_TOKEN", "short"),
        ("METRICS_NETWORKS", "everywhere"),
        ("SLOW_QUERY_MS", "slow"),
        ("STRIPE_API_BASE", "http://api.stripe.com"),
        ("PAYPAL_API_BASE", "api-m.paypal.com"),
        ("PAYPAL_VERIFY", "never"),
    ],
)
def test_what_is_missing_or_weak_is_named(stop, name, value):
    assert name in stop(**{name: value})


@pytest.mark.parametrize("key", [None, "weak"])
def test_the_sandbox_needs_a_key_of_its_own(stop, key):
    assert "SANDBOX_SIGNING_KEY" in stop(ALLOW_SANDBOX="true", SANDBOX_SIGNING_KEY=key)


GATEWAYS = {
    "STRIPE": ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET"),
    "PAYPAL": ("PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_WEBHOOK_ID"),
}


@pytest.mark.parametrize("missing", [name for names in GATEWAYS.values() for name in names])
def test_a_gateway_has_all_its_parts_or_none(stop, missing):
    names = next(names for names in GATEWAYS.values() if missing in names)
    told = stop(**{name: "x" for name in names if name != missing})
    assert told.startswith(f"{missing} is not set")


def test_keys_for_trying_out_are_a_warning_for_deployment():
    keys = dict.fromkeys(GATEWAYS["STRIPE"], "x") | {"STRIPE_SECRET_KEY": "sk_test_1"}
    warned = start("check", "--deploy", "--fail-level", "WARNING", **keys)
    assert warned.returncode != 0
    assert "STRIPE_SECRET_KEY is one for trying out" in warned.stderr


def test_production_is_what_runs_when_nothing_is_said(stop):
    assert "SECRET_KEY is not set" in stop(ENVIRONMENT=None, SECRET_KEY=None)
    assert "EMAIL_URL" in stop(ENVIRONMENT=None, EMAIL_URL=None)


def test_a_stopped_start_says_so_in_its_last_line_and_shows_no_secret():
    stopped = start(EMAIL_URL=None)
    assert stopped.returncode != 0
    assert stopped.stderr.strip().splitlines()[-1].startswith("django.core.exceptions.ImproperlyConfigured: EMAIL_URL")
    assert PRODUCTION["SECRET_KEY"] not in stopped.stderr
    assert ":pw@" not in stopped.stderr


def test_an_open_sandbox_is_a_warning_for_deployment():
    warned = start("check", "--deploy", "--fail-level", "WARNING", ALLOW_SANDBOX="true", SANDBOX_SIGNING_KEY="s" * 40)
    assert warned.returncode != 0
    assert "rihla.W001" in warned.stderr


@cache
def names_that_settings_read() -> frozenset[str]:
    """The first argument of each call by which settings.py reads the environment."""
    readers = {"required", "whole", "number", "switch", "rate", "networks", "address", "one_of"}
    found = set()
    for call in ast.walk(ast.parse((ROOT / "config" / "settings.py").read_text())):
        if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Constant):
            continue
        by_env = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "env"
        by_reader = isinstance(call.func, ast.Name) and call.func.id in readers
        if by_env or by_reader:
            found.add(call.args[0].value)
    return frozenset(found)


def test_the_example_names_every_variable_that_settings_read():
    shown = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert len(names_that_settings_read()) > 40
    assert names_that_settings_read() - shown == set()
    elsewhere = {"RIHLA_ADMIN_PASSWORD", "RIHLA_PG_BIN"}
    assert shown - names_that_settings_read() == elsewhere


def test_each_variable_of_the_example_is_explained():
    paragraphs = re.split(r"\n\s*\n", (ROOT / ".env.example").read_text())
    bare = [
        text
        for text in paragraphs
        if re.search(r"^(?:# )?[A-Z][A-Z0-9_]+=", text, re.MULTILINE)
        and not re.search(r"^# [A-Za-z0-9].* .*[^=]$", text, re.MULTILINE)
    ]
    assert [text for text in bare if "SECURE_" not in text] == []


def test_the_example_itself_is_enough_once_its_secrets_are_filled_in(tmp_path):
    values = dict(re.findall(r"^([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    filled = {name: value or "x" * 10 + os.urandom(30).hex() for name, value in values.items()}
    left_out = dict.fromkeys(set(PRODUCTION) - set(filled))
    done = start(**left_out, **filled)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("named", "host"),
    [
        ({"S3_BUCKET": "rihla"}, "https://*.amazonaws.com"),
        ({"S3_BUCKET": "rihla", "S3_ENDPOINT": "https://s3.nile.example"}, "https://s3.nile.example"),
        ({"S3_BUCKET": "rihla", "S3_PUBLIC_DOMAIN": "cdn.nile.example"}, "https://cdn.nile.example"),
        ({}, None),
    ],
)
def test_browsers_may_load_pictures_from_where_they_lie(monkeypatch, named, host):
    for name in names_that_settings_read():
        monkeypatch.delenv(name, raising=False)
    for name, value in {**PRODUCTION, **named}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(environment.env, "read_env", lambda path: None)
    found = runpy.run_path(str(ROOT / "config" / "settings.py"))
    sources = found["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["img-src"]
    assert [source for source in sources if source.startswith("https:")] == ([host] if host else [])
    assert ("S3Storage" in found["STORAGES"]["default"]["BACKEND"]) == bool(named)
