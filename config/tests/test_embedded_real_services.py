"""The two servers that bring children of their own, granian and Celery, as `make run` starts them."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.embedded.environment import pick_free_port
from config.embedded.plan import rihla
from config.tests.running import Running, wait_until
from config.tests.test_embedded_supervisor import begin, children_called

__all__ = ["begin"]
SITE = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]
"""
# The worker is in a long task when it ends; beat sends one each second.
JOBS = """
import os, time
from celery import Celery
app = Celery("jobs", broker=os.environ["CELERY_BROKER_URL"])
app.conf.beat_schedule = {"tick": {"task": "jobs.tick", "schedule": 1}}
app.conf.broker_connection_retry_on_startup = True
@app.task(name="jobs.tick")
def tick():
    open("ticks", "a").write(f"{os.getpid()}\\n")
    time.sleep(60)
"""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest.fixture
def real(begin: Callable[..., Running], tmp_path: Path) -> Running:
    """`web` and `worker` with the arguments of `make run`, but for what they load."""
    root = tmp_path / "rihla"
    root.mkdir()
    (root / "site_of_test.py").write_text(SITE)
    (root / "jobs.py").write_text(JOBS)
    port = pick_free_port()
    environment = {"SEED_SCALE": "0", "SANDBOX_URL": "http://h:1", "STATIC_ROOT": str(root), "PORT": str(port)}
    web, worker = rihla(root, root / "var", environment).services[:2]
    wanted = {
        "web": [{"config.wsgi:application": "site_of_test:application"}.get(part, part) for part in web.argv],
        "worker": [{"config": "jobs"}.get(part, part) for part in worker.argv],
    }
    signals = {"web": web.death_signal, "worker": worker.death_signal}
    running = begin(root, port=port, services=wanted, death_signals=signals).up()
    wait_until(lambda: (root / "ticks").exists() and len(running.pids()) >= 14)
    return running


def test_they_end_when_asked(real):
    assert len(children_called(real, "granian")) >= 3  # itself and two workers
    assert len(children_called(real, "celery")) >= 4  # itself, two workers, beat
    assert real.end(seconds=60) == 0
    assert real.pids() == set()


def test_they_and_their_children_end_with_a_supervisor_killed_by_9(real):
    assert len(real.pids()) >= 14
    real.end(signal.SIGKILL)
    wait_until(lambda: not real.pids(), 30)


@pytest.mark.parametrize("name", ["granian", "celery"])
def test_killed_by_9_they_leave_no_children_and_come_back(real, name):
    before = children_called(real, name)
    os.kill(min(before), signal.SIGKILL)
    real.wait_for("was killed by signal 9").wait_for("runs again")
    wait_until(lambda: len(children_called(real, name)) >= len(before) and not before & real.pids())
