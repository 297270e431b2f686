"""Which operator a request belongs to: by host, else by X-Tenant, else the default one."""

import pytest
from django.http import JsonResponse
from django.test import Client
from django.urls import path

from accounts.models import Tenant
from accounts.roles import seed_roles
from accounts.tests.factories import TenantFactory
from config.tenancy import current_tenant, tenant_context

pytestmark = pytest.mark.django_db

ME = "/api/v1/test/who"


@pytest.fixture
def houses(settings, tenant):
    """Three operators, one with a host of its own, and a call that says whose request it is."""

    def who(request):
        with_id = str(current_tenant.get()) == str(request.tenant.pk)
        return JsonResponse({"slug": request.tenant.slug, "agrees": with_id})

    class Urls:
        urlpatterns = [path("api/v1/test/who", who), path("api/v1/payments/webhooks/test", who)]
        handler400 = "config.failures.bad_request"

    settings.ROOT_URLCONF = Urls
    settings.ALLOWED_HOSTS = ["testserver", "nile.example"]
    return {
        "nile": TenantFactory(slug="nile", host="nile.example"),
        "gulf": TenantFactory(slug="gulf"),
        "closed": TenantFactory(slug="closed", is_active=False),
    }


def slug(url: str = ME, **extra) -> str:
    body = Client().get(url, **extra).json()
    assert body.get("agrees", True)
    return body.get("slug") or body["error_code"]


def test_the_default_operator_is_asked_when_nothing_is_said(houses):
    assert slug() == "default"


def test_a_host_names_its_operator_whatever_the_header_says(houses):
    assert slug(HTTP_HOST="nile.example") == "nile"
    assert slug(HTTP_HOST="NILE.example:8443") == "nile"
    assert slug(HTTP_HOST="nile.example", HTTP_X_TENANT="gulf") == "nile"


def test_the_header_names_an_operator_by_slug_or_id(houses):
    assert slug(HTTP_X_TENANT="gulf") == "gulf"
    assert slug(HTTP_X_TENANT=str(houses["gulf"].pk)) == "gulf"


@pytest.mark.parametrize(
    "asked", ["nobody", "closed", "0198c0de-0000-7000-8000-000000000000", "'; DROP TABLE", "x" * 500, "قطر"]
)
def test_unknown_and_closed_operators_are_not_there(houses, asked):
    response = Client().get(ME, HTTP_X_TENANT=asked.encode().decode("latin-1"))
    assert (response.status_code, response.json()["error_code"]) == (404, "unknown_tenant")


def test_only_a_gateways_notice_may_name_the_operator_in_its_address(houses):
    assert slug("/api/v1/payments/webhooks/test?tenant=gulf") == "gulf"
    assert slug(f"{ME}?tenant=gulf") == "default"


def test_a_name_that_no_database_would_take_is_nobodys(houses):
    assert slug("/api/v1/payments/webhooks/test?tenant=%00") == "unknown_tenant"


def test_a_closed_operator_is_closed_within_seconds(houses, monkeypatch):
    client = Client()
    assert client.get(ME, HTTP_X_TENANT="gulf").status_code == 200
    Tenant.objects.filter(slug="gulf").update(is_active=False)
    monkeypatch.setattr("config.middleware.TenantMiddleware.REMEMBERED_FOR", 0.0)
    assert client.get(ME, HTTP_X_TENANT="gulf").status_code == 404


def test_no_operator_stays_set_after_the_request(houses):
    with tenant_context(None):
        slug(HTTP_X_TENANT="gulf")
        assert current_tenant.get() is None


def test_a_missing_default_operator_is_said_clearly(tenant):
    seed_roles()
    Tenant.objects.filter(pk=tenant.pk).update(is_active=False)
    response = Client().get("/api/v1/auth/me")
    assert (response.status_code, response.json()["error_code"]) == (404, "unknown_tenant")
