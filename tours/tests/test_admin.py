"""The catalogue's pages in the back-office: they all open, for those who may, in few statements; what tours share."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from notifications.models import Event
from notifications.outbox import deliver
from tours.models import (
    Departure,
    Destination,
    Feed,
    PickupPrice,
    PickupZone,
    PlannedChange,
    PublishedTour,
    ScheduleRule,
    Tour,
    TourOption,
)
from tours.services import add_image
from tours.tests.admin_pages import fill, form_data, photo, refusal_of, signed_in
from tours.tests.factories import (
    ExtraFactory,
    OptionFactory,
    OptionPriceFactory,
    PriceCategoryFactory,
    ScheduleRuleFactory,
)

ONLY_LOOKED_AT = {Feed}
MODELS = [model for model in admin.site._registry if model._meta.app_label == "tours" and model not in ONLY_LOOKED_AT]


# --- Every page ---


def test_the_pages_there_are():
    assert {model.__name__ for model in MODELS} == {
        "Blackout",
        "CancellationPolicy",
        "Category",
        "Departure",
        "Destination",
        "PickupZone",
        "PlannedChange",
        "PriceCategory",
        "Pool",
        "Resource",
        "PriceRule",
        "ScheduleRule",
        "Season",
        "ServiceFee",
        "TaxRate",
        "Tour",
        "TourOption",
    }


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_lists_and_pages_open_for_staff(staff, model, language):
    fill()
    staff.cookies["rihla_language"] = language
    base = f"admin:tours_{model._meta.model_name}"
    listed = staff.get(reverse(f"{base}_changelist"), {"q": "a"})
    assert listed.status_code == 200
    assert f'lang="{language}"' in listed.content.decode()
    row = model.objects.first()
    assert staff.get(reverse(f"{base}_change", args=[row.pk])).status_code == 200
    assert staff.get(reverse(f"{base}_add")).status_code == (403 if model in (TourOption, PlannedChange) else 200)
    assert staff.get(reverse(f"{base}_history", args=[row.pk])).status_code == 302
    if model not in (Departure, PlannedChange):
        assert staff.get(reverse(f"{base}_delete", args=[row.pk])).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_customers_and_strangers_stay_outside(tenant, model):
    fill()
    row = model.objects.first()
    base = f"admin:tours_{model._meta.model_name}"
    for client in (signed_in("CUSTOMER"), Client()):
        for address in (reverse(f"{base}_changelist"), reverse(f"{base}_change", args=[row.pk])):
            response = client.get(address)
            assert response.status_code == 302
            assert response["Location"].startswith(reverse("admin:login"))


def test_employees_look_at_tours_and_work_with_departures(tenant):
    employee = signed_in("EMPLOYEE")
    fill()
    tour, departure = Tour.objects.get(), Departure.objects.get()
    page = employee.get(reverse("admin:tours_tour_change", args=[tour.pk]))
    assert page.status_code == 200
    assert not page.context["has_change_permission"]
    assert employee.post(reverse("admin:tours_tour_change", args=[tour.pk]), {"title_en": "Mine"}).status_code == 403
    closing = reverse("admin:tours_departure_close") + f"?ids={departure.pk}"
    assert employee.get(closing).status_code == 200
    assert employee.get(reverse("admin:tours_category_add")).status_code == 403
    assert employee.get(reverse("admin:tours_tour_changelist")).context["action_form"] is None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_lists_need_as_many_statements_for_many_rows(staff, model, django_assert_max_num_queries):
    fill(6)
    with django_assert_max_num_queries(20):
        response = staff.get(reverse(f"admin:tours_{model._meta.model_name}_changelist"))
    assert response.status_code == 200


@pytest.mark.parametrize("model", [Tour, TourOption, Departure, ScheduleRule], ids=lambda model: model.__name__)
def test_pages_need_few_statements(staff, model, django_assert_max_num_queries):
    fill()
    option = TourOption.objects.filter(code="standard").get()
    for n in range(5):
        option.tour.itinerary.create(tour=option.tour, day=n + 2, title_en="x", title_ar="x")
        OptionFactory(tour=option.tour, code=f"o{n}")
        ScheduleRuleFactory(option=option)
        add_image(tour_id=option.tour_id, upload=photo(), actor=None)
        OptionPriceFactory(option=option, category=PriceCategoryFactory(code=f"c{n}"))
        ExtraFactory(tour=option.tour, code=f"e{n}")
        PickupPrice.objects.create(tour=option.tour, zone=PickupZone.objects.create(code=f"z{n}"), amount=1)
    row = option if model is TourOption else model.objects.first()
    address = reverse(f"admin:tours_{model._meta.model_name}_change", args=[row.pk])
    staff.get(address)  # what is remembered from the first call on
    with django_assert_max_num_queries(20):
        assert staff.get(address).status_code == 200


def test_tours_and_departures_of_others_do_not_show(staff, other_tenant):
    fill()
    tour, departure = Tour.objects.get(), Departure.objects.get()
    for address in (
        reverse("admin:tours_tour_change", args=[tour.pk]),
        reverse("admin:tours_departure_change", args=[departure.pk]),
    ):
        staff.get(address)
        # a member of one operator is nobody with another
        assert staff.get(address, headers={"x-tenant": "other"}).status_code == 302


# --- What tours share ---


def test_shared_rows_announce_their_change(staff):
    fill()
    destination = Destination.objects.get()
    Event.objects.all().delete()
    address = reverse("admin:tours_destination_change", args=[destination.pk])
    data = form_data(staff.get(address))
    staff.post(address, data | {"city_ar": "نزلة السمان"})
    event = Event.objects.get()
    assert (event.type, event.subject_id) == ("catalogue.changed", destination.pk)
    deliver(event.deliveries.get().pk)
    assert "نزله" in PublishedTour.objects.get().words
    assert AuditEntry.objects.get(subject_type="tours.destination").after == {"city_ar": "نزلة السمان"}


def test_a_time_zone_is_fixed_while_departures_come(staff):
    fill()
    destination = Destination.objects.get()
    address = reverse("admin:tours_destination_change", args=[destination.pk])
    response = staff.post(address, form_data(staff.get(address)) | {"time_zone": "Asia/Dubai"})
    assert "Departures still to come: 1" in refusal_of(response)
    destination.refresh_from_db()
    assert destination.time_zone == "Africa/Cairo"
