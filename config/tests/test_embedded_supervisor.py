"""`make run` with stand-in services, real processes and a real database: what it promises about start, care and end."""

import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from config.embedded.environment import port_is_free
from config.embedded.plan import Plan
from config.embedded.processes import EmbeddedError, processes_in
from config.embedded.supervisor import Supervisor
from config.tests.running import ROOT, SERVERS, Running, wait_until

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
# A service whose own child does not listen to SIGTERM.
FAMILY = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); import time; time.sleep(600)"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(root: Path | None = None, **wanted: Any) -> Running:
        started.append(Running(root or tmp_path / "rihla", **wanted))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.end()
    assert [running.pids() for running in started] == [set()] * len(started)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_everything_when_asked(begin, number):
    running = begin(services={"family": ["PYTHON", "-c", FAMILY]}).up()
    wait_until(lambda: len(running.pids()) >= 12)  # PostgreSQL and its own, Valkey, guard, three services
    assert running.end(number) == 0
    assert running.pids() == set()
    assert port_is_free(running.port)
    assert not (running.root / "var" / "environment.json").exists()


def test_kill_9_of_the_supervisor_leaves_no_child_and_an_immediate_start_finds_the_data(begin):
    first = begin(services={"family": ["PYTHON", "-c", FAMILY], "stubborn": ["PYTHON", "-c", STUBBORN]}).up()
    with first.database() as connection:
        connection.execute("create table kept as select 7 as number")
    before = first.pids()
    assert len(before) >= 12
    first.end(signal.SIGKILL)
    second = begin(first.root, port=first.port).up()
    assert first.pids() & before == set()
    assert "waiting for the one before to end" in second.said()
    with second.database() as connection:
        assert connection.execute("select number from kept").fetchall() == [(7,)]


def test_kill_9_of_the_guard_and_then_of_the_supervisor_leaves_no_child(begin):
    running = begin().up()
    (guard,) = {pid for pid in running.pids() if "stand_in" in command_of(pid)} - {running.process.pid}
    os.kill(guard, signal.SIGKILL)
    running.end(signal.SIGKILL)
    wait_until(lambda: not running.pids())


def test_kill_9_of_a_service_takes_its_children_with_it_and_it_starts_again(begin):
    running = begin(services={"family": ["PYTHON", "-c", FAMILY]}).up()
    wait_until(lambda: len(children_called(running, "time.sleep")) == 2)
    before = children_called(running, "time.sleep")
    os.kill(min(before), signal.SIGKILL)
    running.wait_for("family was killed by signal 9").wait_for("family runs again")
    wait_until(lambda: len(children_called(running, "time.sleep")) == 2)
    assert children_called(running, "time.sleep").isdisjoint(before)


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def children_called(running: Running, words: str) -> set[int]:
    return {pid for pid in running.pids() if words in command_of(pid) and "stand_in" not in command_of(pid)}


def test_a_service_that_cannot_live_is_tried_again_at_growing_distances(begin):
    running = begin(services={"sick": ["PYTHON", "-c", "raise SystemExit('my own fault')"]})
    running.wait_for("sick ended with status 1; it starts again in 0.5 s").wait_for("again in 1 s").wait_for("in 2 s")
    assert "my own fault" in running.said()


@pytest.mark.parametrize("folder", ["pg", "valkey"])
def test_a_server_killed_with_9_comes_back_with_its_data(begin, folder):
    running = begin().up()
    with running.database() as connection:
        connection.execute("create table kept as select 7 as number")
    name = {"pg": "postgres", "valkey": "valkey"}[folder]
    os.kill(min(processes_in(running.root / "var" / folder, name)), signal.SIGKILL)
    running.wait_for("was killed by signal 9").wait_for("runs again")
    with running.database() as connection:
        assert connection.execute("select number from kept").fetchall() == [(7,)]
    assert "PONG" in ask_valkey(running, "PING")


def ask_valkey(running: Running, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        line.connect(urlsplit(running.environment()["REDIS_URL"]).path)
        line.sendall(f"{command}\r\n".encode())
        return line.recv(1000).decode()


def test_acknowledged_writes_survive_kill_9_of_the_database(begin):
    running = begin().up()
    acknowledged = 0
    with running.database() as connection:
        connection.execute("create table written (number int)")
        postmaster = min(processes_in(running.root / "var" / "pg", "postgres"))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                connection.execute("insert into written values (%s)", [acknowledged])
            except psycopg.OperationalError:
                break
            acknowledged += 1
            if acknowledged == 300:
                os.kill(postmaster, signal.SIGKILL)
    running.wait_for("PostgreSQL runs again")
    with running.database() as connection:
        (kept,) = connection.execute("select count(*) from written where number < %s", [acknowledged]).fetchone()
    assert kept == acknowledged >= 300


def test_a_second_start_in_the_same_folder_says_so(begin):
    first = begin().up()
    second = begin(first.root)
    assert second.process.wait(60) == 1
    assert f"already runs in this folder: http://127.0.0.1:{first.port} (process {first.process.pid})" in second.said()
    with first.database() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_two_folders_run_side_by_side(begin, tmp_path):
    first, second = begin(tmp_path / "one").up(), begin(tmp_path / "two").up()
    assert first.environment()["DATABASE_URL"] != second.environment()["DATABASE_URL"]
    assert first.environment()["SANDBOX_URL"] != second.environment()["SANDBOX_URL"]
    assert first.environment()["SECRET_KEY"] != second.environment()["SECRET_KEY"]


def test_a_port_in_use_is_named_before_anything_starts(begin):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        running = begin(port=port)
        assert running.process.wait(60) == 1
    assert f"Port {port} is used by another program. Choose another" in running.said()
    assert not (running.root / "var" / "pg").exists()


@pytest.mark.parametrize("port", ["web", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(begin, port):
    running = begin(port=port)
    assert running.process.wait(60) == 1
    assert f"PORT={port} is not a port" in running.said()


@pytest.mark.parametrize("name", ["رحلة إلى 'الأقصر', \"%41\" $HOME;", "long-" + "x" * 120])
def test_any_folder_will_do(begin, tmp_path, name):
    running = begin(tmp_path / name / "rihla").up()
    with running.database() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert processes_in(running.root / "var" / "pg", "postgres")
    place = Path(urlsplit(running.environment()["REDIS_URL"]).path).parent
    assert place.stat().st_mode & 0o777 == 0o700
    assert running.end() == 0
    assert not place.exists()  # outside `var/`, so nothing stays


def test_a_folder_may_be_moved(begin, tmp_path):
    first = begin(tmp_path / "before").up()
    with first.database() as connection:
        connection.execute("create table kept as select 7 as number")
    secret = first.environment()["SECRET_KEY"]
    first.end()
    second = begin(first.root.rename(tmp_path / "after")).up()
    assert second.environment()["SECRET_KEY"] == secret
    with second.database() as connection:
        assert connection.execute("select number from kept").fetchall() == [(7,)]


def test_a_folder_copied_while_it_runs_leaves_the_first_alone(begin, tmp_path):
    """The copy brings notes that name the first one's processes."""
    first = begin(tmp_path / "first").up()
    postmaster = min(processes_in(first.root / "var" / "pg", "postgres"))
    copy = tmp_path / "copy"
    shutil.copytree(
        first.root, copy, ignore=lambda folder, names: [n for n in names if n.endswith(".sock") or ".s.PG" in n]
    )
    assert (copy / "var" / "pg" / "postmaster.pid").exists()
    second = begin(copy).up()
    assert min(processes_in(first.root / "var" / "pg", "postgres")) == postmaster
    assert second.environment()["SANDBOX_URL"] != first.environment()["SANDBOX_URL"] or port_is_free(
        urlsplit(first.environment()["SANDBOX_URL"]).port
    )
    for running in (first, second):
        with running.database() as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_start_during_the_end_of_the_one_before_waits_for_it(begin):
    slow = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(2), sys.exit()))\ntime.sleep(600)"
    first = begin(services={"slow": ["PYTHON", "-c", slow]}).up()
    first.process.send_signal(signal.SIGTERM)
    first.wait_for("stopping")
    second = begin(first.root, port=first.port).up()
    assert first.process.wait(60) == 0
    assert "waiting for the one before to end" in second.said()


@pytest.mark.parametrize("moment", ["starting PostgreSQL", "step 1"])
def test_it_can_be_stopped_while_it_starts(begin, moment):
    first = begin(steps=[["PYTHON", "-c", "import time; time.sleep(60)"]]).wait_for(moment)
    began = time.monotonic()
    assert first.end() == 0
    assert time.monotonic() - began < 30  # the step alone would take 60
    assert first.pids() == set()
    assert begin(first.root).up().end() == 0


def test_a_step_that_fails_ends_the_start_with_its_words(begin):
    running = begin(steps=[["PYTHON", "-c", "raise SystemExit('the reason')"]])
    assert running.process.wait(60) == 1
    assert "This step failed: step 1" in running.said()
    assert "the reason" in running.said()
    assert running.pids() == set()


MIGRATE = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from config.tests.running import connect
with connect(os.environ["DATABASE_OWNER_URL"]) as connection:
    connection.execute("create table if not exists django_migrations as select 1 as id")
"""


def test_a_database_as_it_was_left_is_not_prepared_again(begin, monkeypatch):
    step = {"preparing": ["PYTHON", "-c", MIGRATE]}
    first = begin(database_steps=step).up()
    assert "preparing" in first.said()
    first.end()
    second = begin(first.root, database_steps=step).up()
    assert "preparing" not in second.said()
    with second.database() as connection:
        connection.execute("insert into django_migrations values (2)")  # as after a migration by hand
    second.end()
    third = begin(first.root, database_steps=step).up()
    assert "preparing" in third.said()
    third.end()
    monkeypatch.setenv("STATE", "the program changed")
    assert "preparing" in begin(first.root, database_steps=step).up().said()


# A seed that first makes a table, as owner, then perhaps breaks off.
SEED = """
import os, subprocess, sys
from config.tests.running import connect
with connect(os.environ["DATABASE_OWNER_URL"]) as connection:
    connection.execute("create table seeded as select 7 as number")
sys.exit(sys.argv[1])
"""


def seed(status: int) -> list[str]:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[1:] = [{status}]\n{SEED}"
    return ["PYTHON", "-c", program]


def test_demo_data_is_made_once(begin):
    first = begin(seed=seed(0)).up()
    assert "making demo data" in first.said()
    first.end()
    second = begin(first.root, seed=seed(0)).up()
    assert "making demo data" not in second.said()
    with second.database() as connection:
        assert connection.execute("select number from seeded").fetchall() == [(7,)]


def test_demo_data_that_broke_off_is_made_again_from_nothing(begin):
    first = begin(seed=seed(3))
    assert first.process.wait(60) == 1
    second = begin(first.root, seed=seed(0)).up()  # the table of the first try would stop it
    assert "beginning again with an empty database" in second.said()
    with second.database() as connection:
        assert connection.execute("select number from seeded").fetchall() == [(7,)]


def test_a_new_database_does_not_meet_the_jobs_and_answers_of_an_old_one(begin):
    first = begin().up()
    assert "OK" in ask_valkey(first, "SET stale 1")
    first.end()
    second = begin(first.root).up()
    assert "1" in ask_valkey(second, "GET stale").splitlines()  # they stay with their database
    second.end()
    shutil.rmtree(first.root / "var" / "pg")
    third = begin(first.root).up()
    assert ask_valkey(third, "GET stale").startswith("$-1")


def test_a_database_that_was_served_from_is_never_emptied(begin):
    first = begin().up()
    with first.database() as connection:
        connection.execute("create table earned as select 7 as number")
    first.end()
    second = begin(first.root, seed=seed(3))
    assert second.process.wait(60) == 1
    third = begin(first.root).up()
    with third.database() as connection:
        assert connection.execute("select number from earned").fetchall() == [(7,)]


def test_secrets_are_made_once_and_belong_to_nobody_else(begin):
    running = begin().up()
    for name in ("secret_key", "sandbox_signing_key", "environment.json"):
        assert (running.root / "var" / name).stat().st_mode & 0o777 == 0o600
    environment = running.environment()
    assert len(environment["SECRET_KEY"]) == 64 != len(set(environment["SECRET_KEY"]))
    assert environment["SECRET_KEY"] != environment["SANDBOX_SIGNING_KEY"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_refused_in_words(tmp_path, monkeypatch):
    (tmp_path / "var" / "log").mkdir(parents=True)
    supervisor = Supervisor(tmp_path, {}, lambda *_: Plan())
    supervisor.make_folders()
    for path in [tmp_path / "var", *(tmp_path / "var").rglob("*")]:
        os.chown(path, 65534, -1)
    os.chown(tmp_path / "var" / "mail", 0, -1)  # as after a start by root
    monkeypatch.setattr("os.getuid", lambda: 65534)
    with pytest.raises(EmbeddedError, match=r"var/mail belongs to another user\. Start Rihla as that user, or take"):
        supervisor.make_folders()


def test_servers_that_are_named_are_used_and_none_is_started(begin):
    running = begin(keep=SERVERS, database_steps={"preparing": ["PYTHON", "-c", ""]}).up()
    assert running.end() == 0
    running = begin(keep=SERVERS, database_steps={"preparing": ["PYTHON", "-c", ""]}).up()
    assert "preparing" in running.said()  # what may have happened to a database of others is not known
    assert not (running.root / "var" / "pg").exists()
    assert not (running.root / "var" / "valkey").exists()
    assert "DATABASE_URL" not in running.environment()  # passed through as it was
