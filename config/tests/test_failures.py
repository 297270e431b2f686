"""What people see when something cannot be shown or done: staff stay in the back-office, everybody else gets a plain page."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role, Tenant
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

HTML = {"Accept": "text/html"}
MISSING = "/admin/tours/nothing-of-the-kind/"


@pytest.fixture
def clerk(tenant):
    """A browser in which somebody of the staff is signed in who may not see roles."""
    seed_roles()
    browser = Client(raise_request_exception=False, headers=HTML)
    user = UserFactory()
    MembershipFactory(user=user, role=Role.objects.get(code="EMPLOYEE"))
    browser.force_login(user)
    return browser


def test_staff_are_told_within_the_back_office_with_a_way_back(clerk):
    today = reverse("admin:bookings_today")
    answer = clerk.get(MISSING, headers={"Referer": f"http://testserver{today}?day=2026-01-02"})
    page = answer.content.decode()
    assert answer.status_code == 404
    assert 'id="nav-sidebar' in page
    assert f'href="http://testserver{today}?day=2026-01-02">Back<' in page
    assert f'href="{reverse("admin:index")}">Dashboard<' in page
    assert answer.headers["X-Request-ID"] in page


def test_the_way_back_leads_to_nobody_else_and_not_in_a_circle(clerk):
    for before in ("https://evil.example/admin/", f"http://testserver{MISSING}", "javascript:alert(1)"):
        page = clerk.get(MISSING, headers={"Referer": before}).content.decode()
        assert ">Back<" not in page


def test_what_a_role_does_not_include_is_said_in_the_language_of_the_page(clerk):
    answer = clerk.get(reverse("admin:accounts_role_add"), headers={"Accept-Language": "ar"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert '<html lang="ar" dir="rtl"' in page
    assert "ليست لديك صلاحية لذلك." in page
    assert 'id="nav-sidebar' in page


def test_a_form_from_before_the_sign_in_says_what_to_do(clerk):
    strict = Client(enforce_csrf_checks=True, headers=HTML)
    strict.cookies = clerk.cookies
    answer = strict.post(reverse("admin:bookings_today"))
    assert answer.status_code == 403
    assert "This page is older than your sign-in." in answer.content.decode()


def test_a_fault_shows_staff_a_page_that_asks_nothing_of_the_database(clerk, monkeypatch):
    def fails(*args, **kwargs):
        raise RuntimeError("secret")

    monkeypatch.setattr("config.dashboard.dashboard", fails)
    answer = clerk.get(reverse("admin:index"))
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "secret" not in page
    assert f'href="{reverse("admin:index")}">To the back-office<' in page


def test_strangers_see_nothing_of_the_back_office(tenant):
    Tenant.objects.filter(pk=tenant.pk).update(site_address="https://nile.example")
    page = Client().get("/b/nothing-here/at-all", headers=HTML).content.decode()
    assert "admin" not in page
    assert 'href="https://nile.example">Back to the start<' in page
    signed_out = Client().get("/admin-of-somebody", headers=HTML)
    assert signed_out.status_code == 404
    assert "nav-sidebar" not in signed_out.content.decode()


def test_a_file_that_is_too_large_is_refused_on_a_page(clerk, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = clerk.post(reverse("admin:exchange"), {"file": "x" * 200}, headers={"Accept-Language": "ar"})
    assert answer.status_code == 413
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "حجم الطلب يتجاوز 100 بايت." in answer.content.decode()


def test_the_back_office_is_found_without_the_slash(tenant):
    answer = Client().get("/admin")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
