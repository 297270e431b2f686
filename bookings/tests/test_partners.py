"""Partners and the people who act for them."""

import pytest
from django.urls import reverse

from accounts.authentication import load_account
from accounts.models import Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, RoleFactory, TenantFactory, UserFactory
from bookings.models import Partner, PartnerUser
from bookings.partners import partner_of
from bookings.tests.factories import PartnerFactory, PartnerUserFactory
from config.tenancy import tenant_context
from tours.tests.admin_pages import form_data, signed_in
from tours.tests.factories import CurrencyFactory

ADD = "admin:bookings_partner_add"


def typed(*people, **values):
    rows = {f"people-{n}-user": person.pk for n, person in enumerate(people)}
    return {
        "name_en": "Blue Nile Travel",
        "name_ar": "النيل الأزرق للسفر",
        "code": "blue-nile",
        "currency": "USD",
        "is_active": "on",
        "people-TOTAL_FORMS": len(people),
        "people-INITIAL_FORMS": 0,
        "net_rates-TOTAL_FORMS": 0,
        "net_rates-INITIAL_FORMS": 0,
        **rows,
        **values,
    }


def person(role):
    seed_roles()
    return MembershipFactory(user=UserFactory(password="!"), role=Role.objects.get(code=role)).user


def test_an_agent_acts_for_their_partner(tenant):
    acting = PartnerUserFactory()
    assert partner_of(acting.user) == acting.partner
    assert partner_of(load_account(acting.user.pk)) == acting.partner


def test_nobody_else_acts_for_a_partner_and_is_asked_no_query(tenant, django_assert_num_queries):
    PartnerUserFactory()
    customer = load_account(person("CUSTOMER").pk)
    with django_assert_num_queries(0):
        assert partner_of(customer) is None
        assert partner_of(None) is None
    assert partner_of(load_account(person("AGENT").pk)) is None


def test_a_partner_switched_off_has_nobody_acting(tenant):
    acting = PartnerUserFactory(partner__is_active=False)
    assert partner_of(acting.user) is None


def test_an_agent_who_became_a_customer_acts_for_nobody(tenant):
    acting = PartnerUserFactory()
    acting.user.membership.role = RoleFactory(code="CUSTOMER")
    assert partner_of(acting.user) is None


def test_partners_of_another_operator_are_not_ours(tenant):
    acting = PartnerUserFactory()
    with tenant_context(TenantFactory(slug="elsewhere").pk):
        assert not Partner.objects.exists()
        assert partner_of(load_account(acting.user.pk)) is None


def test_staff_enter_a_partner_with_its_people(tenant):
    CurrencyFactory()
    agent = person("AGENT")
    response = signed_in("ADMIN").post(reverse(ADD), typed(agent))
    assert response.status_code == 302
    assert partner_of(agent) == Partner.objects.get(code="blue-nile")


def test_only_agents_can_act_for_a_partner(tenant):
    CurrencyFactory()
    response = signed_in("ADMIN").post(reverse(ADD), typed(person("CUSTOMER")))
    assert response.status_code == 200
    assert "This person is no agent." in response.content.decode()
    assert not Partner.objects.exists()


def test_one_person_acts_for_one_partner(tenant):
    acting = PartnerUserFactory()
    response = signed_in("ADMIN").post(reverse(ADD), typed(acting.user))
    assert response.status_code == 200
    assert "This person acts for a partner already." in response.content.decode()
    assert PartnerUser.objects.count() == 1


def test_employees_look_at_partners_only(tenant):
    partner = PartnerFactory()
    employee = signed_in("EMPLOYEE")
    page = employee.get(reverse("admin:bookings_partner_change", args=[partner.pk]))
    assert page.status_code == 200
    assert not page.context["has_change_permission"]
    assert employee.get(reverse(ADD)).status_code == 403


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_pages_open(tenant, language, django_assert_max_num_queries):
    for _n in range(3):
        PartnerUserFactory()
    staff = signed_in("ADMIN")
    staff.cookies["rihla_language"] = language
    with django_assert_max_num_queries(20):
        assert staff.get(reverse("admin:bookings_partner_changelist"), {"q": "a"}).status_code == 200
    page = staff.get(reverse("admin:bookings_partner_change", args=[Partner.objects.all()[0].pk]))
    assert page.status_code == 200
    assert "code" not in form_data(page)  # fixed once there
