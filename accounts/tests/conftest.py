"""People with roles, and a client that speaks for them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.authentication import issue_tokens
from accounts.models import Role, User
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory
from config.testing.clients import CommittingClient as APIClient

PASSWORD = "Passw0rd-of-Mona"


@pytest.fixture
def roles(tenant: Any) -> None:
    seed_roles()


@pytest.fixture
def person(roles: None) -> Callable[..., User]:
    """Makes somebody with a role at the tenant: `person("ADMIN", email=...)`."""

    def make(role: str = Role.Code.CUSTOMER, **values: Any) -> User:
        user = UserFactory(**values)
        MembershipFactory(user=user, role=Role.objects.get(code=role))
        return user

    return make


@pytest.fixture
def client_of() -> Callable[..., APIClient]:
    """An API client that is signed in as the person, or nobody."""

    def make(user: User | None = None, **extra: Any) -> APIClient:
        client = APIClient(**extra)
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
        return client

    return make


@pytest.fixture
def office(person: Any) -> Callable[..., Client]:
    """A browser with somebody of this role signed in (`.user`)."""

    def make(role: str = "ADMIN", **values: Any) -> Client:
        browser = Client()
        browser.user = person(role, **values)
        browser.force_login(browser.user)
        return browser

    return make


def page(name: str, *args: Any) -> str:
    """The address of a page of ours in the back-office: `page("role_change", role.pk)`."""
    return reverse(f"admin:accounts_{name}", args=args)
