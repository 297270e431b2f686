"""One Rihla per folder: the lock, and the note about who holds it."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from config.embedded.attention import Attention, say
from config.embedded.processes import EmbeddedError, StopAsked

LET_GO_SECONDS = 45.0  # for the Rihla before us to end


class FolderLock:
    """The lock on a folder's `var/`. The guard shares it, so that it is free only when everything has ended."""

    def __init__(self, var: Path) -> None:
        self.file = var / "run.lock"

    def take(self, attention: Attention) -> None:
        """Raises a sentence when Rihla runs here; waits for one that is ending."""
        self.descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LET_GO_SECONDS
        told = False
        while not self.try_lock():
            note = self.read()
            if note.get("state") == "running" and is_alive(int(note["pid"])):
                raise EmbeddedError(
                    f"Rihla already runs in this folder: {note['url']} (process {note['pid']}). Stop that one first."
                )
            if time.monotonic() > deadline:
                raise EmbeddedError("The Rihla that ran in this folder before does not end. Look for its processes.")
            if not told:
                say("waiting for the one before to end")
                told = True
            if attention.stop_asked():
                raise StopAsked
            attention.wait(0.1)

    def try_lock(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def read(self) -> dict[str, Any]:
        try:
            return json.loads(os.pread(self.descriptor, 4096, 0))
        except ValueError:
            return {}  # the other one is writing it

    def write(self, state: str, url: str) -> None:
        text = json.dumps({"state": state, "pid": os.getpid(), "url": url}).encode()
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, text, 0)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
