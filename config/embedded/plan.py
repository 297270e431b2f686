"""What Rihla consists of: the steps of a start, and the processes that then run."""

import hashlib
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Step:
    """A command that must succeed before anything serves.

    `state`, where given, says what its result depends on: the step is left out while that is as it was last time. A step
    `on_database` is left out only for a database of our own, and only while that is the same one, as migrated.
    """

    title: str
    argv: list[str]
    name: str = ""
    state: Callable[[], str] | None = None
    on_database: bool = False


@dataclass(frozen=True)
class Service:
    """A process that runs as long as we do, and is started again when it dies."""

    name: str
    argv: list[str]
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGTERM  # sent by the kernel when we die: the end must come soon then
    stop_seconds: float = 10
    can_wait: bool = False  # starts when the site answers, so that the first page comes sooner


@dataclass(frozen=True)
class Plan:
    steps: list[Step] = field(default_factory=list)
    seed: Step | None = None
    services: list[Service] = field(default_factory=list)


def rihla(root: Path, var: Path, environment: Mapping[str, str]) -> Plan:
    """The steps and processes of `make run`."""
    python = sys.executable
    manage = [python, "manage.py"]
    scale = environment["SEED_SCALE"]
    sandbox = urlsplit(environment["SANDBOX_URL"]).port
    return Plan(
        steps=[
            Step(
                "compiling the translations",
                [*manage, "compile_translations"],
                name="translations",
                state=partial(catalogues, root),
            ),
            Step(
                "collecting styles and pictures of the site",
                [*manage, "collectstatic", "--noinput", "--clear", "--verbosity", "0"],
                name="static",
                state=partial(static_files, root, Path(environment["STATIC_ROOT"])),
            ),
            Step(
                "bringing the database to this version",
                [*manage, "prepare"],
                name="prepared",
                state=partial(program, root),
                on_database=True,
            ),
        ],
        seed=None
        if is_nothing(scale)
        else Step(f"making demo data (once; SEED_SCALE={scale})", [*manage, "seed_demo", "--scale", scale]),
        services=[
            Service(
                "web",
                [python, "-m", "granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "4",
                 "--host", "127.0.0.1", "--port", environment["PORT"], "--no-ws", "--respawn-failed-workers",
                 "--workers-kill-timeout", "5", "config.wsgi:application"],
            ),
            Service(
                "worker",
                [python, "-m", "celery", "-A", "config", "worker", "--concurrency", "2", "--beat",
                 "--schedule", str(var / "beat-schedule"), "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
                death_signal=signal.SIGQUIT,  # it would wait for its tasks, whose database is gone by then
                can_wait=True,
            ),
            *([Service("sandbox", [*manage, "run_sandbox", "--port", str(sandbox)])] if sandbox else []),
        ],
    )  # fmt: skip


def is_nothing(scale: str) -> bool:
    try:
        return float(scale) == 0
    except ValueError:
        return False  # seed_demo says what is wrong with it


def catalogues(root: Path) -> str:
    """Changes when a catalogue changes or a compiled one is missing."""
    sources = sorted(root.glob("locale/*/LC_MESSAGES/*.po"))
    missing = [source.name for source in sources if not source.with_suffix(".mo").exists()]
    return digest(root, sources, *missing)


def static_files(root: Path, collected: Path) -> str:
    """Changes with our own files, with the packages that bring theirs, and when the result is gone."""
    ours = sorted(path for pattern in ("static", "*/static") for path in root.glob(f"{pattern}/**/*") if path.is_file())
    locks = sorted(root.glob("requirements/*.txt"))
    return digest(root, [*ours, *locks], "there" if (collected / "staticfiles.json").exists() else "gone")


def program(root: Path) -> str:
    """Changes with any line of ours (tests apart) and with any package."""
    apps = sorted({path.parent.parent for path in root.glob("*/migrations/*.py")} | {root / "config"})
    sources = sorted(file for app in apps for file in app.rglob("*.py") if "tests" not in file.parts)
    return digest(root, [*sources, *sorted(root.glob("requirements/*.txt"))])


def digest(root: Path, files: list[Path], *more: str) -> str:
    sums = hashlib.sha256("\0".join(more).encode())
    for file in files:
        sums.update(f"{file.relative_to(root)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\0".encode())
    return sums.hexdigest()
