"""The servers of a test run: there before anything reads the settings, gone with the run, however it ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded.processes import processes_in
from config.embedded.throwaway import further
from config.tests.running import OTHERS, ROOT, SANDBOX, SERVERS, connect, wait_until

TEST = """
import json, os, time
from pathlib import Path
import pytest
note = Path(os.environ["NOTE"])
def test_a():
    note.with_name(note.name + os.environ.get("PYTEST_XDIST_WORKER", "")).write_text(json.dumps(dict(os.environ)))
    time.sleep(float(os.environ.get("SECONDS", 0)))
def test_b():
    test_a()
"""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


def begin(tmp_path: Path, *options: str, keep: set[str] = frozenset(), **more: str) -> subprocess.Popen[bytes]:
    (tmp_path / "test_it.py").write_text(TEST)
    ours = (SERVERS | OTHERS | SANDBOX | {"ENVIRONMENT", "RIHLA_TEST_VALKEY", "PYTEST_XDIST_WORKER"}) - keep
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, f"--rootdir={tmp_path}", *options]
    command += [
        "-p",
        "config.embedded.pytest_plugin",
        "-p",
        "no:django",
        "-p",
        "no:cacheprovider",
        str(tmp_path / "test_it.py"),
    ]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment | {"NOTE": str(tmp_path / "note")} | more,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # a shell lets what runs behind it ignore Ctrl-C
    )


def seen(note: Path) -> dict[str, str]:
    wait_until(lambda: note.exists() and note.read_text().endswith("}"))
    return json.loads(note.read_text())


def folder_of(environment: dict[str, str]) -> Path:
    return Path(environment["MAIL_DIR"]).parent


def lives(pid: int) -> bool:
    """Whether it does anything still; one that has ended may wait for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_run(tmp_path, number):
    run = begin(tmp_path, SECONDS="2" if number is None else "60")
    environment = seen(tmp_path / "note")
    folder = folder_of(environment)
    servers = processes_in(folder / "pg", "postgres") + processes_in(folder / "valkey", "valkey")
    assert len(servers) >= 3
    with connect(environment["DATABASE_OWNER_URL"]) as connection:
        assert connection.execute("show fsync").fetchone() == ("off",)
    if number:
        run.send_signal(number)
    assert (run.wait(60) == 0) is (number is None)
    wait_until(lambda: not folder.exists(), 30)
    wait_until(lambda: not any(map(lives, servers)), 30)


def test_servers_that_are_named_are_used(tmp_path):
    run = begin(tmp_path, keep=SERVERS)
    assert run.wait(60) == 0
    environment = seen(tmp_path / "note")
    named = SERVERS & set(os.environ)
    assert {name: environment[name] for name in named} == {name: os.environ[name] for name in named}


def test_workers_share_the_servers_but_not_the_cache(tmp_path):
    run = begin(tmp_path, "-n", "2", "--dist", "each")
    assert run.wait(120) == 0
    first, second = seen(tmp_path / "notegw0"), seen(tmp_path / "notegw1")
    assert first["DATABASE_URL"] == second["DATABASE_URL"]
    assert first["REDIS_URL"].partition("?")[0] == second["REDIS_URL"].partition("?")[0]
    numbers = {run["REDIS_URL"].rpartition("=")[2] for run in (first, second)}
    numbers |= {run["CELERY_BROKER_URL"].rpartition("=")[2] for run in (first, second)}
    assert numbers == {"2", "3", "4", "5"}


def test_workers_on_servers_that_are_named_have_databases_of_their_own_too():
    assert further("redis://127.0.0.1:6379", 0) == "redis://127.0.0.1:6379/0"
    assert further("redis://127.0.0.1:6379/1", 2) == "redis://127.0.0.1:6379/3"
    assert further("rediss://user:secret@cache:6380/4?timeout=2", 2) == "rediss://user:secret@cache:6380/6?timeout=2"
    assert further("unix:///run/valkey.sock?db=3", 2) == "unix:///run/valkey.sock?db=3"
