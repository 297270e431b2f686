"""Pages of the back-office ask the database a bounded number of times, however much they show.

`python -m benchmarks pages` walks all of them over the demo data; here stand those whose lists once asked for each row.
"""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory
from bookings.models import BookingEvent
from bookings.tests.factories import BookingFactory
from ledger.models import AccountRole
from ledger.services import credit, debit, owned_account, post, system_account
from tours.tests.factories import DepartureFactory, OptionFactory

MOST = 20


@pytest.fixture
def administrator(tenant):
    seed_roles()
    return MembershipFactory(role=Role.objects.get(code=Role.Code.ADMIN)).user


@pytest.fixture
def browser(administrator):
    client = Client()
    client.force_login(administrator)
    return client


def test_the_dashboard(browser, django_assert_max_num_queries):
    with django_assert_max_num_queries(MOST):
        assert browser.get(reverse("admin:index")).status_code == 200


def test_departures_of_many_tours(browser, django_assert_max_num_queries):
    DepartureFactory.create_batch(12)
    with django_assert_max_num_queries(MOST):
        page = browser.get(reverse("admin:tours_departure_changelist"), {"when": "all"})
    assert page.context["cl"].result_count == 12


def test_a_person(browser, administrator, django_assert_max_num_queries):
    with django_assert_max_num_queries(MOST):
        assert browser.get(reverse("admin:accounts_user_change", args=[administrator.pk])).status_code == 200


def test_a_booking_with_a_history(browser, administrator, django_assert_max_num_queries):
    booking = BookingFactory()
    for _step in range(8):
        BookingEvent.objects.create(booking=booking, new_status=booking.status, actor=administrator)
    with django_assert_max_num_queries(MOST):
        page = browser.get(reverse("admin:bookings_booking_change", args=[booking.pk]))
    assert page.status_code == 200


def test_an_option(browser, django_assert_max_num_queries):
    option = OptionFactory()
    with django_assert_max_num_queries(MOST):
        assert browser.get(reverse("admin:tours_touroption_change", args=[option.pk])).status_code == 200


def test_postings_to_many_people(browser, django_assert_max_num_queries):
    clearing = system_account(AccountRole.GATEWAY_CLEARING, "USD", "stripe")
    for number in range(12):
        wallet = owned_account(AccountRole.WALLET, UserFactory().pk, "USD")
        lines = debit(clearing, Decimal(10)), credit(wallet, Decimal(10))
        post(f"payment:{number}:captured", "PAYMENT", *lines, actor=UserFactory())
    with django_assert_max_num_queries(MOST):
        page = browser.get(reverse("admin:ledger_transaction_changelist"))
    assert page.context["cl"].result_count == 12
