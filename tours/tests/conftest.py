"""A small catalogue, published, and clients that read and write it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from accounts.authentication import issue_tokens
from accounts.models import Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory
from config.testing.clients import CommittingClient
from tours.models import Tour
from tours.published import publish_facts, rebuild_catalogue
from tours.tests.factories import OptionFactory, TourFactory


@pytest.fixture
def api() -> CommittingClient:
    """A stranger."""
    return CommittingClient()


@pytest.fixture
def client_as(tenant: Any) -> Callable[[str], CommittingClient]:
    """A client signed in with a role: `client_as("EMPLOYEE")`."""
    seed_roles()

    def make(role: str) -> CommittingClient:
        user = UserFactory()
        MembershipFactory(user=user, role=Role.objects.get(code=role))
        client = CommittingClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
        return client

    return make


@pytest.fixture
def listed(tenant: Any) -> Callable[..., Tour]:
    """Makes a tour with an option and prices, and publishes it: `listed(title_en="…", prices={"adult": "80"})`."""

    def make(prices: dict[str, str] | None = None, **values: Any) -> Tour:
        tour = TourFactory(**values)
        OptionFactory(tour=tour, prices=prices)
        publish_facts(tour.pk)
        cache.clear()
        return tour

    return make


@pytest.fixture
def rebuilt() -> Callable[[], int]:
    """Publishes everything and forgets what was remembered."""

    def make() -> int:
        cache.clear()
        return rebuild_catalogue()

    return make
