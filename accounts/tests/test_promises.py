import pytest
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from accounts.models import InvariantReport, Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_as(tenant):
    seed_roles()

    def sign_in(code: str | None) -> APIClient:
        client = APIClient()
        if code:
            user = UserFactory(password="!")
            MembershipFactory(user=user, role=Role.objects.get(code=code))
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
        return client

    return sign_in


def test_a_run_is_kept_and_listed_newest_first(client_as):
    admin = client_as("ADMIN")
    first = admin.post("/api/v1/admin/invariants")
    second = admin.post("/api/v1/admin/invariants")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["is_clean"] is True
    assert first.json()["faults"] == {}
    listed = admin.get("/api/v1/admin/invariants").json()
    assert [row["id"] for row in listed["items"]] == [second.json()["id"], first.json()["id"]]
    assert InvariantReport.objects.count() == 2


@pytest.mark.parametrize("path", ["/api/v1/admin/invariants", "/api/v1/admin/ledger/trial-balance"])
@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("CUSTOMER", 403), ("AGENT", 403), ("EMPLOYEE", 200), ("ADMIN", 200)]
)
def test_who_may_look_at_the_promises_and_the_books(client_as, path, role, status):
    assert client_as(role).get(path).status_code == status
