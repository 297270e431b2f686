"""Start processes that cannot outlive us, and stop them with everything they started.

Three things hold a child: its own session (so that a signal reaches its children too), the kernel's parent-death
signal (Linux), and a guard process that notices our end through a pipe and clears away what is left.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ON_LINUX = sys.platform.startswith("linux")
LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
CLONE_NEWUSER = 0x10000000
USER_INSIDE = 1000
GUARD_PATIENCE = 6.0  # PostgreSQL, too, may be killed then: it recovers


class EmbeddedError(Exception):
    """Something the person at the keyboard can mend; the message says how."""


class StopAsked(Exception):
    """Somebody asked us to stop while we were still starting."""


@dataclass(frozen=True)
class RunAs:
    """Under which identity a server runs: our own, in a user namespace of its own, or as another user.

    PostgreSQL refuses uid 0. A namespace needs no user and no open folders; where it is forbidden (many containers)
    root becomes another user, and keeps only the right to pass through folders that are closed to others.
    """

    namespace: bool = False
    user: tuple[int, int] | None = None  # uid, gid

    def apply(self) -> None:
        """Called between fork and exec."""
        if self.namespace:
            if LIBC.unshare(CLONE_NEWUSER) != 0:
                os._exit(71)
            for name, text in (
                ("setgroups", "deny"),
                ("uid_map", f"{USER_INSIDE} 0 1"),
                ("gid_map", f"{USER_INSIDE} 0 1"),
            ):
                Path(f"/proc/self/{name}").write_text(text)
        elif self.user:
            if ON_LINUX:
                LIBC.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
            os.setgroups([])
            os.setgid(self.user[1])
            os.setuid(self.user[0])
            if ON_LINUX:
                keep_passing_through_folders()


OURSELVES = RunAs()


def keep_passing_through_folders() -> None:
    """Keep CAP_DAC_OVERRIDE over setuid and exec. Where the container has taken it away, nothing happens."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    wanted = 1 << CAP_DAC_OVERRIDE
    sets = (ctypes.c_uint32 * 6)(wanted, wanted, wanted, 0, 0, 0)
    if LIBC.capset(ctypes.byref(header), ctypes.byref(sets)) == 0:
        LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def die_with_parent(death_signal: int, parent: int | None = None) -> None:
    """The kernel sends us `death_signal` when the thread that started us ends. Linux only."""
    if not ON_LINUX:
        return
    LIBC.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if parent is not None and os.getppid() != parent:  # it died before we asked
        os._exit(72)


def prepare_child(run_as: RunAs, death_signal: int) -> Callable[[], None]:
    parent = os.getpid()

    def between_fork_and_exec() -> None:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        run_as.apply()
        die_with_parent(death_signal, parent)  # after setuid, which clears it

    return between_fork_and_exec


def start(
    argv: list[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    output: Path | None = None,
    run_as: RunAs = OURSELVES,
    death_signal: int = signal.SIGTERM,
    guard: "Guard | None" = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own. Call it from the main thread: the death signal follows the thread.

    Output goes to the end of the file `output`, or nowhere.
    """
    with open(output or os.devnull, "ab") as sink:
        process = subprocess.Popen(
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            preexec_fn=prepare_child(run_as, death_signal),
        )
    if guard:
        guard.watch(process.pid, death_signal)
    return process


def run(
    argv: list[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    run_as: RunAs = OURSELVES,
    given: str | None = None,
    seconds: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a short tool to its end and return its output, errors included."""
    return subprocess.run(
        argv,
        env=dict(env),
        cwd=cwd,
        input=given or "",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
        preexec_fn=prepare_child(run_as, signal.SIGKILL),
    )


def signal_group(group: int, number: int) -> bool:
    """Signal each member of a process group; False when none is left (zombies do not count on Linux)."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so of a group of zombies
        return not sys.platform.startswith("darwin")
    return not ON_LINUX or group_is_alive(group)


def group_is_alive(group: int) -> bool:
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, its_group = status.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state not in "ZX":
            return True
    return False


def stop(process: subprocess.Popen[bytes], *, with_signal: int, seconds: float, guard: "Guard | None" = None) -> bool:
    """Ask a process to end, wait, then kill whatever is left of its group. False if it had to be killed."""
    if process.poll() is None:
        process.send_signal(with_signal)
    return finish(process, seconds=seconds, guard=guard)


def finish(process: subprocess.Popen[bytes], *, seconds: float, guard: "Guard | None" = None) -> bool:
    """Wait for a process that was asked to end; then kill whatever is left of its group."""
    try:
        process.wait(timeout=max(seconds, 0.01))
        willingly = True
    except subprocess.TimeoutExpired:
        willingly = False
    signal_group(process.pid, signal.SIGKILL)
    process.wait()
    if guard:
        guard.forget(process.pid)
    return willingly


def processes_in(folder: Path, name: str) -> list[int]:
    """Pids of the programs called `name*` whose working directory is `folder`. Linux only; elsewhere none.

    Servers move into their data folder, so this finds one that still uses it, and no stranger who got its old pid.
    """
    found = []
    place = folder.resolve()
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if Path(os.readlink(link)) == place and (link.parent / "comm").read_text().startswith(name):
                found.append(int(link.parent.name))
        except OSError:
            continue
    return sorted(found)


class Guard:
    """A process that outlives us only to clear away what we leave: our children's groups, a lock, a folder.

    It holds the reading end of a pipe. Whatever ends us, kill -9 too, closes the writing end.
    """

    def __init__(self, *, remove: Iterable[Path] = (), lock: int | None = None) -> None:
        reading, self.pipe = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                keep_guard(reading, {reading, lock}, list(remove))
            finally:
                os._exit(0)
        os.close(reading)

    def watch(self, group: int, death_signal: int) -> None:
        self.tell(f"+{group} {int(death_signal)}\n")

    def forget(self, group: int) -> None:
        self.tell(f"-{group} 0\n")

    def tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # somebody killed the guard: parent-death signals still hold
            os.write(self.pipe, line.encode())

    def close(self) -> None:
        """Let the guard clear up and wait for its end."""
        os.close(self.pipe)
        os.waitpid(self.pid, 0)


def keep_guard(pipe: int, keep: set[int | None], remove: list[Path]) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    for descriptor in map(int, os.listdir("/proc/self/fd" if ON_LINUX else "/dev/fd")):
        if descriptor > 2 and descriptor not in keep:
            with contextlib.suppress(OSError):  # the one that read the list is closed by now
                os.close(descriptor)
    groups: dict[int, int] = {}
    with open(pipe) as news:
        for line in news:
            group, death_signal = map(int, line[1:].split())
            if line[0] == "+":
                groups[group] = death_signal
            else:
                groups.pop(group, None)
    left = {group for group, death_signal in groups.items() if signal_group(group, death_signal)}
    deadline = time.monotonic() + GUARD_PATIENCE
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if signal_group(group, 0)}
    for group in left:
        signal_group(group, signal.SIGKILL)
    for folder in remove:
        shutil.rmtree(folder, ignore_errors=True)
