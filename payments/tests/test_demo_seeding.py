"""A demo is sound from beginning to end, can be taken up where it broke off, and is the same in one process or in several."""

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils.timezone import now

from accounts.models import AuditEntry, Tenant
from bookings.models import Booking
from config.invariants import check_all
from config.tenancy import tenant_context
from config.testing.server import url_of_test_database
from ledger.models import Transaction
from payments.demo import parts, seeding
from payments.models import Payment
from tours.models import Departure

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other_processes(monkeypatch):
    """Let processes that are started work on the test's database, as the serving role."""
    monkeypatch.setenv("DATABASE_URL", url_of_test_database(settings.DATABASE_URL))
    monkeypatch.setenv("DATABASE_OWNER_URL", url_of_test_database(settings.DATABASE_OWNER_URL))
    monkeypatch.setenv("RIHLA_AS_OWNER", "false")


def seed(scale: float) -> None:
    call_command("seed_demo", scale=scale, seed=7, verbosity=0)


def everything(tenant: Tenant) -> tuple[int, ...]:
    with tenant_context(tenant.pk):
        return tuple(model.objects.count() for model in (Booking, Payment, Transaction, Departure, AuditEntry))


def test_a_demo_that_broke_off_is_completed_and_is_sound(tenant, monkeypatch, other_processes):
    monkeypatch.setattr(parts, "STORIES_AT_ONCE", 15)
    write, written = parts.write_part, []

    def write_two(part: parts.Part) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(part.name)
        write(part)

    with monkeypatch.context() as broken:
        broken.setattr(parts, "write_part", write_two)
        with pytest.raises(KeyboardInterrupt):
            seed(0.1)
    assert Booking.objects.count() == 30
    monkeypatch.setattr(seeding, "lanes_for", lambda count: 2)  # the rest in two processes beside this one
    seed(0.1)
    assert Booking.objects.count() == 60
    for of in (tenant, Tenant.objects.get(slug="marhaba")):
        with tenant_context(of.pk):
            assert not {name: faults for name, faults in check_all().faults.items() if faults}
    travelled = Departure.objects.filter(seats_booked__gt=0, starts_at__lt=now())
    assert travelled.values("local_date").distinct().count() >= 8  # spread over the last weeks
    before = everything(tenant)
    seed(0.1)
    assert everything(tenant) == before
