"""`python -m config.embedded run | manage … | with …`; the Makefile calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from config.embedded.plan import rihla
from config.embedded.processes import EmbeddedError
from config.embedded.supervisor import Supervisor
from config.embedded.throwaway import Servers

ROOT = Path(__file__).resolve().parents[2]
USAGE = """usage: python -m config.embedded run              the whole system, until Ctrl-C
       python -m config.embedded manage COMMAND   a manage.py command against the system that runs here
       python -m config.embedded with COMMAND     a command on throw-away servers"""


def manage(arguments: list[str]) -> int:
    """A command of manage.py with the environment of the system that runs in this folder."""
    try:
        running = json.loads((ROOT / "var" / "environment.json").read_text())
    except FileNotFoundError as missing:
        raise EmbeddedError("Rihla does not run in this folder. Start it with `make run` first.") from missing
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "manage.py", *arguments], {**os.environ, **running})


def with_servers(command: list[str]) -> int:
    """Run a command on throw-away servers, with all that the settings demand. Returns its exit status."""
    servers = Servers()
    try:
        servers.start()
        servers.set_defaults()
        return subprocess.run(command, check=False).returncode
    finally:
        servers.stop()


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["run"]:
                return Supervisor(ROOT, os.environ, rihla).run()
            case ["manage", *rest]:
                return manage(rest)
            case ["with", *command] if command:
                return with_servers(command)
    except EmbeddedError as refusal:
        print(f"rihla: {refusal}", file=sys.stderr)
        return 1
    print(USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
