"""A system of stand-in steps and services under the real supervisor, PostgreSQL and Valkey, for tests with real pids.

    python -m config.tests.stand_in ROOT '{"steps": [...], "seed": [...], "services": {"name": [...]}}'

An argument list may say `PYTHON`. A service called `web` that is not given is a site that answers 200.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from config.embedded.plan import Plan, Service, Step
from config.embedded.supervisor import Supervisor

SITE = """
import http.server, os
class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Site).serve_forever()
"""


def plan(_root: Path, _var: Path, _environment: Mapping[str, str]) -> Plan:
    wanted = json.loads(sys.argv[2])

    def argv(given: list[str]) -> list[str]:
        return [sys.executable if part == "PYTHON" else part for part in given]

    deaths = wanted.get("death_signals", {})
    services = {"web": ["PYTHON", "-c", SITE], **wanted.get("services", {})}
    return Plan(
        steps=[
            *(Step(f"step {number}", argv(step)) for number, step in enumerate(wanted.get("steps", []), 1)),
            *(
                Step(name, argv(step), name=name, state=partial(os.environ.get, "STATE", ""), on_database=True)
                for name, step in wanted.get("database_steps", {}).items()
            ),
        ],
        seed=Step("making demo data", argv(wanted["seed"])) if "seed" in wanted else None,
        services=[
            Service(name, argv(given), stop_seconds=5, death_signal=deaths.get(name, signal.SIGTERM))
            for name, given in services.items()
        ],
    )


if __name__ == "__main__":
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    sys.exit(Supervisor(Path(sys.argv[1]), inherited, plan).run())
