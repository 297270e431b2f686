import factory

from accounts.models import Membership, Role, Tenant, User


class TenantFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Tenant
        django_get_or_create = ["slug"]

    slug = factory.Sequence(lambda n: f"operator-{n}")
    name_en = factory.LazyAttribute(lambda o: f"Operator {o.slug}")
    name_ar = factory.LazyAttribute(lambda o: f"مشغّل {o.slug}")
    currency = "USD"


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    first_name = "Mona"
    last_name = "Saleh"
    password = factory.django.Password("Passw0rd-of-Mona")


class RoleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Role
        django_get_or_create = ["code"]

    code = Role.Code.CUSTOMER
    name_en = factory.LazyAttribute(lambda o: str(Role.Code(o.code).label))
    name_ar = factory.LazyAttribute(lambda o: f"دور {o.code}")


class MembershipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    role = factory.SubFactory(RoleFactory)
