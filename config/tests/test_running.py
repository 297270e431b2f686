"""A task's log lines name the request that sent it; its time and outcome are counted."""

import logging

import pytest
from celery import shared_task

from config import metrics
from config.celery import app
from config.logs import AddContext, request_context
from config.tests.test_metrics import numbers

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.django_db


@shared_task(name="test.write_a_line")
def write_a_line(fails: bool = False) -> None:
    logger.warning("at work")
    if fails:
        raise LookupError


@pytest.fixture
def lines(tenant, caplog):
    """What a task writes, each line as it goes into the log."""
    app.conf.task_always_eager = True
    caplog.handler.addFilter(AddContext())
    return caplog


def test_lines_of_a_task_carry_its_name_the_request_and_the_operator(tenant, lines):
    with request_context(request_id="r-12345678", tenant="nile"):
        write_a_line.delay()
    (line,) = [record for record in lines.records if record.message == "at work"]
    assert (line.task, line.request_id, line.tenant) == ("test.write_a_line", "r-12345678", "nile")
    assert line.task_id


def test_tasks_are_counted_by_outcome(lines):
    before = numbers(metrics.everything().decode())
    write_a_line.delay()
    with pytest.raises(LookupError):
        write_a_line.delay(fails=True)
    after = numbers(metrics.everything().decode())
    for outcome in ("done", "failed"):
        name = ("rihla_tasks_total", outcome, "test.write_a_line")
        assert after[name] - before.get(name, 0) == 1
    assert after["rihla_task_seconds_count", "test.write_a_line"] >= 2
