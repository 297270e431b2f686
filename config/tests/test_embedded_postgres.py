"""The embedded PostgreSQL: which one is chosen, under whom it runs, what it leaves alone."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded.postgres import (
    Binaries,
    Postgres,
    choose_identity,
    find_binaries,
    look_at,
    system_folders,
    wheel_folders,
)
from config.embedded.processes import OURSELVES, EmbeddedError, RunAs, processes_in
from config.embedded.sockets import fits, socket_folder

AS_ROOT = os.getuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can become somebody else")


def programs_at_hand() -> list[Path]:
    """The wheel's and the system's: one of each major version."""
    found = {}
    for folder in [*wheel_folders(), *system_folders()]:
        try:
            found.setdefault(look_at(folder).major, folder)
        except EmbeddedError:
            continue
    return list(found.values())


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pg")


def server(
    folder: Path, binaries: Binaries | None = None, run_as: RunAs | None = None, *, throw_away: bool = True
) -> Postgres:
    return Postgres(
        binaries or find_binaries(os.environ),
        folder / "pg",
        socket_folder(folder),
        folder / "log",
        throw_away=throw_away,
        run_as=run_as,
    )


@pytest.fixture
def running(folder: Path) -> Iterator[Postgres]:
    postgres = server(folder)
    postgres.start()
    yield postgres
    postgres.stop()


def ask(postgres: Postgres, question: str, user: str = "postgres") -> list[tuple]:
    with psycopg.connect(host=str(postgres.sockets), user=user, dbname="rihla", autocommit=True) as connection:
        answer = connection.execute(question)
        return answer.fetchall() if answer.description else []


@pytest.mark.parametrize("programs", programs_at_hand(), ids=str)
def test_each_version_at_hand_can_be_used(folder, programs):
    postgres = server(folder, find_binaries({"RIHLA_PG_BIN": str(programs)}))
    postgres.start()
    try:
        assert ask(postgres, "show server_version_num")[0][0].startswith(str(postgres.binaries.major))
        # Letters beyond ASCII are letters in any version, and the order is by code point.
        assert ask(postgres, "select lower('ÉCOLE'), 'É' ilike 'é', 'b' < 'é', 'Z' < 'a'") == [
            ("école", True, True, True)
        ]
        assert ask(postgres, "select to_tsvector('simple', 'الأهرامات، الجيزة')::text") == [
            ("'الأهرامات':1 'الجيزة':2",)
        ]
        for extension in ("pg_trgm", "unaccent", "btree_gist"):
            ask(postgres, f"create extension {extension}", user="rihla_owner")
    finally:
        postgres.stop()


def test_the_serving_role_can_do_nothing_by_itself(running):
    flags = "select rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user"
    assert ask(running, flags, user="rihla_app") == [(True, False, False, False, False)]
    assert ask(running, flags, user="rihla_owner") == [(True, False, True, True, True)]
    assert ask(running, "select pg_has_role('rihla_app', 'rihla_owner', 'member')") == [(False,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(running, "create table mine (id int)", user="rihla_app")


def test_a_role_that_was_made_powerful_is_put_right_at_the_next_start(folder):
    first = server(folder, throw_away=False)
    first.start()
    ask(first, "alter role rihla_app superuser bypassrls")
    first.stop()
    assert first.process is None
    second = server(folder)
    second.start()
    try:
        roles = "select rolsuper, rolbypassrls from pg_roles where rolname = 'rihla_app'"
        assert ask(second, roles) == [(False, False)]
    finally:
        second.stop()


def test_it_listens_on_its_socket_only(running):
    assert ask(running, "select current_setting('listen_addresses')") == [("",)]
    socket = running.sockets / ".s.PGSQL.5432"
    assert socket.stat().st_mode & 0o077 == 0


def test_variables_meant_for_other_servers_do_not_reach_it(folder, monkeypatch):
    for name, value in {"PGHOST": "elsewhere", "PGDATA": "/nowhere", "PGPORT": "1", "PGOPTIONS": "-c x=y"}.items():
        monkeypatch.setenv(name, value)
    postgres = server(folder)
    postgres.start()
    assert postgres.psql("select 1") == "1\n"
    postgres.stop()


def test_a_note_that_names_a_strangers_process_does_not_stop_the_start(folder):
    """After a crash and a reboot the old pid may be anybody's; PostgreSQL alone would refuse for ever."""
    first = server(folder)
    first.start()
    note = first.data / "postmaster.pid"
    lines = note.read_text().splitlines()
    first.stop()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        note.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        second = server(folder)
        second.start()
        second.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_nobody_looks_after_is_ended_first(folder):
    first = server(folder)
    first.start()
    lost = first.process
    second = server(folder)
    second.start()
    try:
        assert lost.wait(5) == 0
        assert lost.pid not in processes_in(second.data, "postgres")
        assert ask(second, "select 1") == [(1,)]
    finally:
        second.stop()


def test_a_making_that_broke_off_is_made_again(folder):
    (folder / "pg.init").mkdir()
    (folder / "pg.init" / "PG_VERSION").write_text("18")
    postgres = server(folder)
    postgres.start()
    postgres.stop()
    assert not (folder / "pg.init").exists()


def test_data_of_another_version_is_refused_in_words(folder):
    (folder / "pg").mkdir()
    (folder / "pg" / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedError, match=r"was made by PostgreSQL 14, but .* Set RIHLA_PG_BIN to version 14"):
        server(folder).start()


def test_the_folder_asked_for_comes_before_the_wheel(tmp_path):
    with pytest.raises(EmbeddedError, match=r"has no `initdb`"):
        find_binaries({"RIHLA_PG_BIN": str(tmp_path)})
    for name in ("initdb", "postgres", "psql"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.2'\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(EmbeddedError, match=r"is PostgreSQL 14; Rihla needs 15 or newer"):
        find_binaries({"RIHLA_PG_BIN": str(tmp_path)})
    (tmp_path / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.2 (Debian 16.2-1)'\n")
    assert find_binaries({"RIHLA_PG_BIN": str(tmp_path)}) == Binaries(tmp_path, 16)


def test_without_the_wheel_the_newest_of_the_system_is_taken(tmp_path, monkeypatch):
    for major in ("9", "14", "15", "16"):
        place = tmp_path / major / "bin"
        place.mkdir(parents=True)
        for name in ("initdb", "postgres", "psql"):
            (place / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.1'\n")
            (place / name).chmod(0o755)
    monkeypatch.setattr("config.embedded.postgres.wheel_folders", list)
    monkeypatch.setattr("config.embedded.postgres.SYSTEM_FOLDERS", (f"{tmp_path}/*/bin",))
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_binaries({}) == Binaries(tmp_path / "16" / "bin", 16)
    monkeypatch.setattr("config.embedded.postgres.SYSTEM_FOLDERS", (f"{tmp_path}/14/bin",))
    with pytest.raises(EmbeddedError, match=r"No PostgreSQL was found. Set DATABASE_URL"):
        find_binaries({})


@needs_root
@pytest.mark.parametrize("run_as", ["namespace", "nobody"])
def test_root_can_run_it_in_a_folder_closed_to_others(folder, run_as):
    """As in a private home; no folder is opened for it, no user is made."""
    nobody = pwd.getpwnam("nobody")
    identity = RunAs(namespace=True) if run_as == "namespace" else RunAs(user=(nobody.pw_uid, nobody.pw_gid))
    private = folder / "private"
    private.mkdir(mode=0o700)
    users = Path("/etc/passwd").read_text()
    postgres = server(private, run_as=identity)
    postgres.start()
    try:
        assert ask(postgres, "select current_user::text") == [("postgres",)]
        assert postgres.data.stat().st_uid == (0 if run_as == "namespace" else nobody.pw_uid)
        uid = Path(f"/proc/{postgres.process.pid}").stat().st_uid
        assert uid == (0 if run_as == "namespace" else nobody.pw_uid)
    finally:
        postgres.stop()
    assert private.stat().st_mode & 0o777 == 0o700
    assert Path("/etc/passwd").read_text() == users
    again = server(private)  # the folder's owner says under whom it runs the next time
    again.start()
    again.stop()
    assert again.identity == identity


@needs_root
def test_data_that_root_made_in_a_namespace_serve_where_there_are_none(folder, monkeypatch):
    first = server(folder, run_as=RunAs(namespace=True), throw_away=False)
    first.start()
    ask(first, "create table kept as select 7 as number")
    first.stop()
    monkeypatch.setattr("config.embedded.postgres.namespaces_work", lambda: False)
    second = server(folder)
    second.start()
    try:
        assert second.identity.user == (pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
        assert ask(second, "select number from kept") == [(7,)]
    finally:
        second.stop()


@needs_root
def test_an_ordinary_user_can_run_it(folder, tmp_path_factory):
    """A child of ours gives up root for good before it starts the server."""
    nobody = pwd.getpwnam("nobody")
    binaries = find_binaries(os.environ)
    try:
        subprocess.run(
            [binaries.path("postgres"), "--version"], user=nobody.pw_uid, check=True, cwd="/", capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the programs lie where other users cannot reach them")
    place = Path("/tmp") / f"rihla-user-{os.getpid()}"
    place.mkdir(mode=0o700)
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    said, saying = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            postgres = server(place, binaries)
            postgres.start()
            answer = f"{postgres.identity == OURSELVES} {postgres.psql('select 7')}"
            postgres.stop()
        except BaseException as failure:
            answer = repr(failure)
            raise
        finally:
            os.write(saying, answer.encode())
            os._exit(0)
    os.close(saying)
    try:
        with os.fdopen(said) as reading:
            assert reading.read() == "True 7\n"
    finally:
        os.waitpid(child, 0)
        subprocess.run(["rm", "-rf", str(place)], check=True)


def test_somebody_elses_data_are_refused_in_words(folder, monkeypatch):
    (folder / "pg").mkdir()
    monkeypatch.setattr("os.getuid", lambda: (folder / "pg").stat().st_uid + 4242)
    with pytest.raises(EmbeddedError, match=r"belongs to user .* Start Rihla as that user"):
        choose_identity(folder / "pg")


def test_sockets_lie_in_var_unless_its_path_is_too_long_or_not_plain(tmp_path):
    assert socket_folder(Path("/tmp") / f"rihla-short-{os.getpid()}").name == "run"
    (Path("/tmp") / f"rihla-short-{os.getpid()}" / "run").rmdir()
    (Path("/tmp") / f"rihla-short-{os.getpid()}").rmdir()
    for name in ("x" * 120, "with space", "رحلة", "percent%41"):
        place = socket_folder(tmp_path / name)
        assert tmp_path not in place.parents
        assert fits(place)
        assert place.stat().st_mode & 0o777 == 0o700
        assert socket_folder(tmp_path / name) == place  # each start finds the same
        place.rmdir()


def test_a_short_folder_that_somebody_else_made_is_not_trusted(tmp_path, monkeypatch):
    honest = socket_folder(tmp_path / "with space")
    honest.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    honest.symlink_to(elsewhere)
    try:
        place = socket_folder(tmp_path / "with space")
        assert place != honest
        assert not place.is_symlink()
        place.rmdir()
    finally:
        honest.unlink()
