"""Tables too long for one answer: looked at and written by a worker, once, all or the good rows."""

import tracemalloc
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import localdate, now

from accounts.models import AuditEntry
from bookings.tests.test_long_imports import (
    PAGE,
    bring_in,
    clerk_at,
    rows,
)
from config.tables import read_rows
from config.tenancy import tenant_context
from config.testing import run_together
from tours.errors import ImportNotFound, ImportNotReady
from tours.models import Departure, ImportRun, OptionPrice
from tours.services.importing import carry_out, carry_out_good_rows, rehearse
from tours.services.importing.runs import confirm_import, start_import, sweep_imports, work_on_import
from tours.tests.factories import OptionFactory, TourFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def option():
    return OptionFactory(tour__title_en="Felucca", tour__slug="felucca", prices={"adult": "80", "child": "40"})


def long_table(option, number, faulty=()):
    """Departures of one option, the faulty lines without a day."""
    first = localdate() + timedelta(days=40)
    lines = ["tour,option,date,time,capacity,note_en"]
    for n in range(number):
        day = first + timedelta(days=n // 1440)
        at = f"{n % 1440 // 60:02}:{n % 60:02}"
        written = "someday" if n + 2 in faulty else day.isoformat()
        lines.append(f"{option.tour.slug},{option.code},{written},{at},12,{'Bring water. ' * 9}")
    return "\n".join(lines)


def run_of(option, number=20, faulty=(), actor=None):
    content = long_table(option, number, faulty).encode()
    return start_import(kind="departures", name="long.csv", content=content, actor=actor)


def test_a_long_table_is_looked_at_and_written_by_a_worker(client, option, django_capture_on_commit_callbacks):
    clerk = clerk_at(client)
    content = long_table(option, 2000)
    with django_capture_on_commit_callbacks() as sent:
        looked = bring_in(client, "departures", content)
    run = ImportRun.objects.get()
    page = reverse("admin:exchange_run", args=[run.pk])
    assert (looked["Location"], len(sent)) == (page, 1)
    assert 'http-equiv="refresh"' in client.get(page).content.decode()
    assert work_on_import(run.pk)
    run.refresh_from_db()
    assert (run.status, run.outcome["rows"], run.outcome["added"]) == ("CHECKED", 2000, 2000)
    assert not Departure.objects.exists()
    assert not work_on_import(run.pk)  # there is nothing to do until somebody says so
    client.post(page)
    assert work_on_import(run.pk)
    run.refresh_from_db()
    assert (run.status, bytes(run.content), Departure.objects.count()) == ("DONE", b"", 2000)
    entry = AuditEntry.objects.get(action="tours.imported.departures")
    assert (entry.actor_id, entry.after["added"]) == (clerk.pk, 2000)
    client.post(page)  # pressed twice
    assert not work_on_import(run.pk)
    assert "2000" in client.get(page).content.decode()
    assert "long tables" in client.get(reverse(PAGE)).content.decode().lower()


def test_three_bad_rows_are_named_and_the_good_ones_can_be_taken_alone(client, option):
    clerk_at(client)
    run = run_of(option, 3000, faulty=(5, 1500, 3001))
    work_on_import(run.pk)
    page = reverse("admin:exchange_run", args=[run.pk])
    shown = client.get(page)
    assert [(one["line"], one["column"], one["value"]) for one in shown.context["outcome"]["faults"]] == [
        (5, "date", "someday"),
        (1500, "date", "someday"),
        (3001, "date", "someday"),
    ]
    assert client.post(page).status_code == 409  # without saying that three are left out
    assert client.post(page, {"good": "1"}).status_code == 302
    work_on_import(run.pk)
    assert Departure.objects.count() == 2997
    assert AuditEntry.objects.get(action="tours.imported.departures").after["left_out"] == 3


def test_a_worker_that_dies_half_way_leaves_nothing_and_the_sweep_sends_the_run_again(option, monkeypatch):
    run = run_of(option, 1500)
    work_on_import(run.pk)
    confirm_import(run_id=run.pk, good_rows_only=False, actor=None)
    real, calls = carry_out, []

    def crash(*args, told, **kwargs):
        def die(done):
            calls.append(done)
            raise RuntimeError("the process dies here")

        return real(*args, told=die, **kwargs)

    with monkeypatch.context() as dying:
        dying.setattr("tours.services.importing.runs.carry_out", crash)
        with pytest.raises(RuntimeError):
            work_on_import(run.pk)
    assert (calls, Departure.objects.count()) == ([1000], 0)
    run.refresh_from_db()
    assert run.status == "WRITING"
    assert sweep_imports() == 0  # it may still be running
    ImportRun.objects.update(sent_at=now() - timedelta(minutes=13))
    assert sweep_imports() == 1
    assert work_on_import(run.pk)
    assert Departure.objects.count() == 1500


def test_what_became_wrong_since_the_look_stops_all_of_it(option):
    run = run_of(option, 10)
    work_on_import(run.pk)
    confirm_import(run_id=run.pk, good_rows_only=False, actor=None)
    option.tour.deleted_at = now()
    option.tour.save(update_fields=["deleted_at"])
    work_on_import(run.pk)
    run.refresh_from_db()
    assert (run.status, run.outcome["faulty"]) == ("FAILED", 10)
    assert run.refusal == "Nothing was imported. Faults in the file: 10."
    with pytest.raises(ImportNotReady):
        confirm_import(run_id=run.pk, good_rows_only=True, actor=None)


def test_a_file_that_cannot_be_read_says_so(option):
    run = start_import(kind="departures", name="x.csv", content="تور".encode("cp1256"), actor=None)
    work_on_import(run.pk)
    run.refresh_from_db()
    assert run.status == "FAILED"
    assert "UTF-8" in run.refusal


def test_old_runs_are_forgotten_with_their_files(option):
    run = run_of(option)
    ImportRun.objects.update(created_at=now() - timedelta(days=8))
    sweep_imports()
    with pytest.raises(ImportNotFound):
        confirm_import(run_id=run.pk, good_rows_only=False, actor=None)


def test_who_may_see_a_run(client, option, other_tenant):
    run = run_of(option)
    page = reverse("admin:exchange_run", args=[run.pk])
    assert client.get(page).status_code == 302
    clerk_at(client, "tours.view_tour")
    assert client.get(page).status_code == 404
    with tenant_context(other_tenant.pk):
        assert not work_on_import(run.pk)
        assert not ImportRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_write_a_run_once(option):
    run = run_of(option, 600)
    work_on_import(run.pk)
    confirm_import(run_id=run.pk, good_rows_only=False, actor=None)
    outcomes = run_together(*[lambda: work_on_import(run.pk)] * 3)
    assert sorted(outcomes) == [False, False, True]
    assert Departure.objects.count() == 600


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_wait_for_each_other_instead_of_locking_each_other_out(option):
    other = OptionFactory(tour=TourFactory(slug="zz"), prices={"adult": "1"})
    head = "tour,option,category,amount\n"
    forth = f"{head}felucca,standard,adult,7\nzz,standard,adult,9"
    back = f"{head}zz,standard,adult,11\nfelucca,standard,adult,12"
    outcomes = run_together(
        lambda: carry_out("prices", rows(forth), actor=None), lambda: carry_out("prices", rows(back), actor=None)
    )
    assert [type(one).__name__ for one in outcomes] == ["Outcome", "Outcome"]
    amounts = {
        OptionPrice.objects.get(option=option, category__code="adult").amount,
        OptionPrice.objects.get(option=other).amount,
    }
    assert amounts in ({Decimal(7), Decimal(9)}, {Decimal(12), Decimal(11)})


def test_memory_does_not_grow_with_the_table(option):
    """Five times the rows, far less than twice the memory: a table is never held as a whole."""
    peaks = []
    for number in (2_000, 10_000):
        content = long_table(option, number).encode()
        tracemalloc.start()
        rehearse("departures", read_rows(content), actor=None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - 10_000 * 150 < peaks[0] * 2


def test_the_good_rows_of_a_crash_are_none(option, monkeypatch):
    def crash(*_args, **_kwargs):
        raise RuntimeError("the process dies here")

    monkeypatch.setattr("tours.services.importing.options.settle_tour", crash)
    with pytest.raises(RuntimeError):
        carry_out_good_rows("prices", rows("tour,option,category,amount\nfelucca,standard,adult,99"), actor=None)
    assert OptionPrice.objects.get(category__code="adult").amount == 80
