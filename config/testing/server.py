"""Real processes for tests: a server that answers over HTTP and a worker, on the test's database, as the serving role."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
from django.conf import settings
from django.db import connection

from config.celery import app
from config.embedded.processes import finish

STARTS_WITHIN = 40  # seconds


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def url_of_test_database(url: str) -> str:
    """The address given, with the name of the database the tests run on."""
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(connection.settings_dict["NAME"], safe="")))


def _environment(**more: str) -> dict[str, str]:
    """What makes a process serve the test's database, as the serving role."""
    return {
        **os.environ,
        "DATABASE_URL": url_of_test_database(settings.DATABASE_URL),
        "DATABASE_OWNER_URL": url_of_test_database(settings.DATABASE_OWNER_URL),
        "RIHLA_AS_OWNER": "false",
        **more,
    }


@contextmanager
def working(**environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a Celery worker, one task at a time, while the block runs; yields its process, killed at the end if it still lives.

    What earlier tests left in the broker is thrown away first. Further settings go in as keyword arguments.
    """
    app.control.purge()
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-P", "solo", "-l", "WARNING"]
    process = subprocess.Popen(
        [*command, "--without-gossip", "--without-mingle"],
        env=_environment(CELERY_TASK_ALWAYS_EAGER="false") | environment,
        cwd=settings.BASE_DIR,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)
        app.control.purge()


@contextmanager
def serving(application: str = "config.wsgi:application", port: int | None = None, **environment: str) -> Iterator[str]:
    """Serve `application` with two workers of four threads while the block runs; yields its address.

    What the server writes is shown when it does not start. Further settings go in as keyword arguments.
    """
    port = port or free_port()
    address = f"http://127.0.0.1:{port}"
    env = _environment(PORT=str(port), PUBLIC_URL=address) | environment
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "4"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--backlog", "1024", "--no-ws", application]
    with tempfile.TemporaryFile() as output:
        server = subprocess.Popen(
            command, env=env, cwd=settings.BASE_DIR, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait_until_it_answers(server, address)
            yield address
        except BaseException:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace")[-6000:])
            raise
        finally:
            server.terminate()
            finish(server, seconds=15)  # with its workers, who would outlive it and keep the test's database


def _wait_until_it_answers(server: "subprocess.Popen[bytes]", address: str) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode} before it answered")
        try:
            httpx.get(f"{address}/health/live", timeout=2)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"the server did not answer within {STARTS_WITHIN} s")
