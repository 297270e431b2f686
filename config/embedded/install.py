"""Make `.venv` and install a lock file into it; do nothing where that is done. Run by any Python 3.11 or newer:

python3 -I config/embedded/install.py requirements/test.txt
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def say(text: str) -> None:
    print(f"rihla: {text}", flush=True)


def works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def venv_is_sound() -> bool:
    """False too where the folder came from elsewhere and its Python is gone, or is another version now."""
    ours = f"sys.version_info[:2] == {sys.version_info[:2]} and sys.prefix != sys.base_prefix"
    return PYTHON.exists() and works([str(PYTHON), "-c", f"import sys; sys.exit(not ({ours}))"])


def make_venv() -> list[str]:
    """Make an empty environment. Returns the command that installs into it.

    Debian leaves `ensurepip` out of Python; then the pip of the system installs into the environment from outside.
    """
    shutil.rmtree(VENV, ignore_errors=True)
    inside = [str(PYTHON), "-m", "pip"]
    if works([sys.executable, "-c", "import ensurepip"]) and works([sys.executable, "-m", "venv", str(VENV)]):
        return inside
    shutil.rmtree(VENV, ignore_errors=True)
    outside = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if works([sys.executable, "-m", "venv", "--without-pip", str(VENV)]) and works([*outside, "list"]):
        return outside
    shutil.rmtree(VENV, ignore_errors=True)
    if works([sys.executable, "-m", "virtualenv", str(VENV)]):
        return inside
    sys.exit("rihla: this Python has neither pip nor virtualenv. Install pip (on Debian: apt install python3-pip).")


def pip() -> list[str]:
    inside = [str(PYTHON), "-m", "pip"]
    return inside if works([*inside, "--version"]) else [sys.executable, "-m", "pip", "--python", str(PYTHON)]


def install(lock: Path) -> None:
    """Bring the environment to what the lock says. Each package must have one of the hashes in it."""
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f"installed-{lock.stem}"
    sound = venv_is_sound()
    if sound and stamp.exists() and stamp.read_text() == wanted:
        return
    if not sound:
        say(f"making .venv with Python {sys.version.split()[0]}")
    command = pip() if sound else make_venv()
    say(f"installing {lock.relative_to(ROOT)} (about 100 packages, once; half a minute on a fast line)")
    done = subprocess.run(
        [*command, "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement", str(lock)],
        env={**os.environ, "PIP_REQUIRE_VIRTUALENV": "0", "PIP_USER": "0"},
        cwd=ROOT,
        check=False,
    )
    if done.returncode != 0:
        sys.exit("rihla: the packages could not be installed (pip says why above). Then run the same command again.")
    stamp.write_text(wanted)


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit(f"rihla: Python {'.'.join(map(str, OLDEST))} or newer is needed; this is {sys.version.split()[0]}.")
    install(ROOT / sys.argv[1])
