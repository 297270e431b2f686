"""Where sockets lie. A socket path may have 107 bytes at most (103 on macOS), and URLs carry it."""

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path

LONGEST_SOCKET_PATH = 103
LONGEST_NAME = "/.s.PGSQL.5432.lock"
PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


def fits(folder: Path) -> bool:
    path = str(folder)
    return bool(PLAIN.fullmatch(path)) and len(path) + len(LONGEST_NAME) <= LONGEST_SOCKET_PATH


def socket_folder(var: Path) -> Path:
    """A private folder (0700) for sockets: `var/run`, or where that path is too long or not plain, a short one.

    The short one lies in the temporary folder under a name made from `var`, so that each start finds it again.
    """
    place = var.resolve() / "run"
    if not fits(place):
        name = f"rihla-{os.getuid()}-{hashlib.sha256(os.fsencode(place)).hexdigest()[:10]}"
        place = next(
            (folder / name for folder in (Path(tempfile.gettempdir()), Path("/tmp")) if fits(folder / name)),
            Path("/tmp") / name,
        )
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.getuid(), 0):
        place = Path(tempfile.mkdtemp(prefix="rihla-", dir=place.parent))  # somebody else was there first
    else:
        place.chmod(0o700)
    return place
