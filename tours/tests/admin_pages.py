"""A signed-in clerk, a filled catalogue, and forms as a browser would send them."""

from datetime import date
from io import BytesIO

import factory
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import BooleanField, FileField
from django.test import Client
from PIL import Image

from accounts.models import Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory
from tours.models import (
    Blackout,
    PickupZone,
    PlannedChange,
    Pool,
    PriceRule,
    Resource,
    ServiceFee,
)
from tours.services import add_image
from tours.tests.factories import (
    DepartureFactory,
    DestinationFactory,
    ExtraFactory,
    OptionFactory,
    ScheduleRuleFactory,
    SeasonFactory,
    TaxRateFactory,
    TourFactory,
)


def signed_in(role):
    seed_roles()
    user = UserFactory(password=factory.Transformer.Force("!"))
    MembershipFactory(user=user, role=Role.objects.get(code=role))
    client = Client()
    client.force_login(user)
    client.user = user
    return client


def photo():
    content = BytesIO()
    Image.new("RGB", (900, 600), "teal").save(content, "JPEG")
    return SimpleUploadedFile("nile.jpg", content.getvalue())


def fill(number=1):
    """Tours with everything that the pages show."""
    for n in range(number):
        Pool.objects.create(name_en=f"Boat {n}", name_ar="مركب", capacity=20)
        PickupZone.objects.create(code=f"zone-{n}", name_en="A bay", name_ar="خليج")
        Resource.objects.create(name_en=f"Guide {n}", name_ar="مرشد", languages=["ar"])
        day = date(2027, 1, 1 + n)
        Blackout.objects.create(first_day=day, last_day=day, reason_en="Eid", reason_ar="العيد")
        PlannedChange.objects.create(title="Blackout", operations=[])
        season = SeasonFactory(code=f"season-{n}")
        tour = TourFactory(tax=TaxRateFactory(), destination=DestinationFactory(slug=f"place-{n}"))
        option = OptionFactory(tour=tour)
        OptionFactory(tour=tour, code="private", is_default=False)
        ScheduleRuleFactory(option=option)
        ExtraFactory(tour=tour)
        PriceRule.objects.create(tour=tour, season=season, kind="SEASON", value=10, name_en="a", name_ar="أ")
        ServiceFee.objects.create(tour=tour, name_en="a", name_ar="أ", value=1)
        tour.itinerary.create(day=1, title_en="A day", title_ar="يوم", tour=tour)
        add_image(tour_id=tour.pk, upload=photo(), actor=None)
        DepartureFactory(option=option, seats_booked=3, seats_held=1)


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


def refusal_of(response):
    """What the service said, above the form that still holds what was typed."""
    return " ".join(response.context["adminform"].form.non_field_errors())


def form_data(response):
    """What the browser would send back for the page as it is."""
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data = {}
    for field in (field for form in forms for field in form):
        value = field.value()
        if field.field.show_hidden_initial:
            assert f'name="{field.html_initial_name}"' in response.content.decode()
            data[field.html_initial_name] = "" if value is None else value
        if isinstance(field.field, BooleanField):
            value = "on" if value else None
        if value is not None and not isinstance(field.field, FileField):
            data[field.html_name] = value
    return data
