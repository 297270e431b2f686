"""What the supervisor knows of each thing that runs."""

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from config.embedded.plan import Service
from config.embedded.processes import Guard, start

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # between the death of a process and its next start
STEADY_AFTER = 15.0  # seconds; a process that lived so long starts again at once


class Runs(Protocol):
    """What the supervisor looks after: a server of its own kind, or a plain service."""

    process: subprocess.Popen[bytes] | None
    log: Path

    def start(self) -> None: ...


class RunningService:
    def __init__(self, service: Service, *, env: Mapping[str, str], root: Path, log: Path, guard: Guard | None) -> None:
        self.service, self.env, self.root, self.log, self.guard = service, env, root, log, guard
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = start(
            self.service.argv,
            env=self.env,
            cwd=self.root,
            output=self.log,
            death_signal=self.service.death_signal,
            guard=self.guard,
        )


class Care:
    """The history of one thing that runs: since when, and how long to wait after its next death."""

    def __init__(self, name: str, runs: Runs, stop_signal: int, stop_seconds: float) -> None:
        self.name, self.runs = name, runs
        self.stop_signal, self.stop_seconds = stop_signal, stop_seconds
        self.pause = FIRST_PAUSE
        self.since = time.monotonic()
        self.due: float | None = None  # when it starts again; None while it runs

    def is_alive(self) -> bool:
        return self.runs.process is not None and self.runs.process.poll() is None
