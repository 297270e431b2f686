"""What `make` does before anything else: an environment from a lock file, and only when there is something to do."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from config.embedded import install

METADATA = "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def place(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "ROOT", root)
    monkeypatch.setattr(install, "VENV", root / ".venv")
    monkeypatch.setattr(install, "PYTHON", root / ".venv" / "bin" / "python")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with spaces that has one package to install, from a folder beside it."""
    root = tmp_path / "check out"
    (root / "requirements").mkdir(parents=True)
    place(root, monkeypatch)
    wheel = tmp_path / "tinything-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tinything.py", "NUMBER = 7\n")
        archive.writestr("tinything-1.0.dist-info/METADATA", METADATA)
        archive.writestr("tinything-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("tinything-1.0.dist-info/RECORD", "")
    write_lock(root, hashlib.sha256(wheel.read_bytes()).hexdigest())
    return root


def write_lock(root: Path, sha256: str) -> Path:
    lock = root / "requirements" / "test.txt"
    lock.write_text(f"--no-index\n--find-links {root.parent.as_uri()}\ntinything==1.0 --hash=sha256:{sha256}\n")
    return lock


def number_in(root: Path) -> str:
    command = [str(root / ".venv" / "bin" / "python"), "-c", "import tinything; print(tinything.NUMBER)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_life_of_an_environment(checkout, monkeypatch):
    """One story, since making an environment takes seconds."""
    lock = checkout / "requirements" / "test.txt"
    good = lock.read_text()

    write_lock(checkout, "0" * 64)  # a package that is not what the lock says
    for _ in range(2):
        with pytest.raises(SystemExit, match="could not be installed"):
            install.install(lock)
    with pytest.raises(subprocess.CalledProcessError):
        number_in(checkout)

    lock.write_text(good)
    install.install(lock)
    assert number_in(checkout) == "7\n"

    ran: list[list[str]] = []
    really = subprocess.run
    monkeypatch.setattr(
        install.subprocess, "run", lambda command, **more: (ran.append(command), really(command, **more))[1]
    )
    install.install(lock)  # nothing to do
    assert not [command for command in ran if "pip" in command]

    lock.write_text(good + "# changed\n")
    install.install(lock)
    assert [command for command in ran if "install" in command]

    ran.clear()
    moved = checkout.rename(checkout.with_name("moved"))
    place(moved, monkeypatch)
    install.install(moved / "requirements" / "test.txt")  # it still serves where it is now
    assert not [command for command in ran if "pip" in command]
    assert number_in(moved) == "7\n"

    python = moved / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")  # as after the system's Python went away
    works = install.works
    monkeypatch.setattr(install, "works", lambda command: "import ensurepip" not in command and works(command))
    install.install(moved / "requirements" / "test.txt")  # made anew, by a Python that has no ensurepip
    assert number_in(moved) == "7\n"
    assert not works([str(python), "-m", "pip", "--version"])


def test_it_needs_nothing_of_rihla_or_its_packages():
    """It runs before there is anything: by a bare Python, as a script."""
    program = Path(install.__file__)
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(program)!r})"],
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_every_requirement_of_every_lock_has_hashes():
    for name in ("embedded", "test", "production"):
        lock = (Path(install.__file__).resolve().parents[2] / "requirements" / f"{name}.txt").read_text()
        entries = [
            entry for entry in lock.replace("\\\n", " ").splitlines() if entry and not entry.lstrip().startswith("#")
        ]
        assert len(entries) > 50
        assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
