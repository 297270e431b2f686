"""The catalogue's pages in the back-office: they open, save through the services, and refuse in words."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from zoneinfo import ZoneInfo

import factory
import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import BooleanField, FileField
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now
from PIL import Image

from accounts.models import AuditEntry, Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory
from notifications.models import Event
from notifications.outbox import deliver
from tours.models import (
    Blackout,
    Departure,
    Destination,
    Feed,
    OptionPrice,
    PickupZone,
    PlannedChange,
    Pool,
    PriceRule,
    PublishedTour,
    Resource,
    ScheduleRule,
    ServiceFee,
    Tour,
    TourOption,
    TourStatus,
)
from tours.services import add_image, create_rule
from tours.tests.factories import (
    CancellationPolicyFactory,
    CategoryFactory,
    CurrencyFactory,
    DepartureFactory,
    DestinationFactory,
    ExtraFactory,
    OptionFactory,
    PriceCategoryFactory,
    ScheduleRuleFactory,
    SeasonFactory,
    TaxRateFactory,
    TourFactory,
)

CAIRO = ZoneInfo("Africa/Cairo")
ONLY_LOOKED_AT = {Feed}
MODELS = [model for model in admin.site._registry if model._meta.app_label == "tours" and model not in ONLY_LOOKED_AT]


def signed_in(role):
    seed_roles()
    user = UserFactory(password=factory.Transformer.Force("!"))
    MembershipFactory(user=user, role=Role.objects.get(code=role))
    client = Client()
    client.force_login(user)
    client.user = user
    return client


@pytest.fixture
def staff(tenant):
    return signed_in("ADMIN")


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


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
    row = option if model is TourOption else model.objects.first()
    with django_assert_max_num_queries(60):
        assert staff.get(reverse(f"admin:tours_{model._meta.model_name}_change", args=[row.pk])).status_code == 200


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


# --- Tours ---


@pytest.fixture
def texts(tenant):
    """The form of a new tour, filled in."""
    return {
        "kind": "TOUR",
        "title_en": "Felucca at sunset",
        "title_ar": "الفلوكة عند الغروب",
        "summary_en": "An hour on the Nile while the sun goes down.",
        "summary_ar": "ساعة على صفحة النيل مع غروب الشمس.",
        "description_en": "We sail upstream from Zamalek and let the current carry us back, with tea and a wind.",
        "description_ar": "نبحر من الزمالك عكس التيار ثم نعود معه على مهل، مع كوب من الشاي ونسيم النيل العليل.",
        "meeting_point_en": "Zamalek landing",
        "meeting_point_ar": "مرسى الزمالك",
        "highlights_en": "The Nile at dusk\r\n\r\nTea on board",
        "highlights_ar": "النيل عند الغسق",
        "inclusions_en": "Tea",
        "inclusions_ar": "شاي",
        "tags": "nile\nsunset",
        "destination": DestinationFactory().pk,
        "category": CategoryFactory().pk,
        "difficulty": "easy",
        "duration_minutes": 60,
        "nights": 0,
        "min_group_size": 1,
        "max_group_size": 20,
        "min_age": 0,
        "currency": CurrencyFactory().pk,
        "tax": TaxRateFactory().pk,
        "cancellation_policy": CancellationPolicyFactory().pk,
        "cutoff_minutes": 120,
        "min_guests": 1,
        "max_guests": 10,
        "display_order": 0,
    }


def test_a_tour_is_made_on_its_page(staff, texts):
    response = staff.post(reverse("admin:tours_tour_add"), texts)
    tour = Tour.objects.get()
    assert response.status_code == 302, response.context["errors"]
    assert (tour.slug, tour.status, tour.created_by_id) == ("felucca-at-sunset", "DRAFT", staff.user.pk)
    assert tour.highlights_en == ["The Nile at dusk", "Tea on board"]
    assert tour.tags == ["nile", "sunset"]
    entry = AuditEntry.objects.get(action="tours.tour.added")
    assert entry.actor_id == staff.user.pk
    assert Event.objects.filter(type="tour.changed", subject_id=tour.pk).count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title_en": "ab"}, "title_en"),
        ({"highlights_en": "\n".join(f"line {n}" for n in range(11))}, "highlights_en"),
        ({"highlights_en": "x" * 201}, "highlights_en"),
        ({"min_guests": 9, "max_guests": 2}, "max_guests"),
        ({"tags": "Not A Slug"}, "tags"),
    ],
)
def test_faults_stand_beside_their_fields(staff, texts, change, field):
    response = staff.post(reverse("admin:tours_tour_add"), texts | change)
    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == [field]
    assert not Tour.objects.exists()


def test_a_title_that_is_taken_is_named(staff, texts):
    TourFactory(title_en="FELUCCA at sunset")
    response = staff.post(reverse("admin:tours_tour_add"), texts)
    assert response.context["adminform"].form.errors == {
        "title_en": ["Another tour is called “Felucca at sunset” already."]
    }


def change_page(staff, tour):
    address = reverse("admin:tours_tour_change", args=[tour.pk])
    return address, form_data(staff.get(address))


def test_a_page_saved_as_it_is_changes_nothing(staff):
    fill()
    tour = Tour.objects.get()
    address, data = change_page(staff, tour)
    before, events = AuditEntry.objects.count(), Event.objects.count()
    response = staff.post(address, data)
    assert response.status_code == 302, (
        response.context["errors"],
        [f.errors for f in response.context["inline_admin_formsets"]],
    )
    assert (AuditEntry.objects.count(), Event.objects.count()) == (before, events)


def test_a_change_keeps_the_rest_and_is_audited(staff):
    fill()
    tour = Tour.objects.get()
    address, data = change_page(staff, tour)
    assert staff.post(address, data | {"title_en": "Giza before dawn", "cutoff_minutes": 30}).status_code == 302
    entry = AuditEntry.objects.get(action="tours.tour.changed")
    assert entry.after == {"title_en": "Giza before dawn", "slug": "giza-before-dawn", "cutoff_minutes": 30}
    departure = Departure.objects.get()
    assert departure.starts_at - departure.cutoff_at == timedelta(minutes=30)


def test_parts_are_added_with_the_tour(staff):
    fill()
    tour = Tour.objects.get()
    address, data = change_page(staff, tour)
    data |= {
        "options-TOTAL_FORMS": 3,
        "options-2-name_en": "Sunset",
        "options-2-name_ar": "الغروب",
        "options-2-code": "sunset",
        "options-2-capacity": 9,
        "options-2-tour": tour.pk,
        "extras-0-amount": "17.5",
        "itinerary-0-activities_en": "Sail\nSwim",
    }
    response = staff.post(address, data)
    # The new option has no price, and the tour is on sale.
    assert "a price of the option “sunset”" in refusal_of(response)
    assert not tour.options.filter(code="sunset").exists()

    Tour.objects.update(status=TourStatus.INACTIVE)
    assert staff.post(address, data).status_code == 302
    assert tour.options.get(code="sunset").capacity == 9
    assert tour.extras.get().amount == Decimal("17.5")
    assert tour.itinerary.get().activities_en == ["Sail", "Swim"]
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {
        "tours.touroption.added",
        "tours.extra.changed",
        "tours.itineraryday.changed",
    } <= actions


def test_publishing_and_taking_off_sale_are_buttons(staff):
    fill()
    Tour.objects.update(status=TourStatus.DRAFT, published_at=None)
    tour = Tour.objects.get()
    address, data = change_page(staff, tour)
    page = staff.get(address).content.decode()
    assert "tours_tour_publish" in page
    assert "tours_tour_take_off_sale" not in page
    staff.post(address, data | {"title_en": "Saved too", "tours_tour_publish": "1"})
    tour.refresh_from_db()
    assert (tour.status, tour.title_en) == ("ACTIVE", "Saved too")
    staff.post(address, data | {"tours_tour_take_off_sale": "1"})
    tour.refresh_from_db()
    assert tour.status == "INACTIVE"


def test_publishing_what_is_incomplete_says_what_is_missing(staff):
    tour = TourFactory(status=TourStatus.DRAFT, title_ar="")
    address, data = change_page(staff, tour)
    response = staff.post(address, data | {"nights": 1, "tours_tour_publish": "1"}, follow=True)
    assert any("title (Arabic), an option with a price" in message for message in messages_of(response))
    tour.refresh_from_db()
    assert (tour.status, tour.nights) == ("DRAFT", 1)  # what was typed is kept


def test_a_text_that_a_sale_needs_cannot_be_emptied(staff):
    fill()
    tour = Tour.objects.get()
    address, data = change_page(staff, tour)
    response = staff.post(address, data | {"title_ar": ""})
    assert list(response.context["adminform"].form.errors) == ["title_ar"]


def test_tours_are_moved_in_bulk(staff):
    ready, incomplete = OptionFactory(tour__status="DRAFT").tour, TourFactory(status="DRAFT")
    response = staff.post(
        reverse("admin:tours_tour_changelist"),
        {"action": "publish_chosen", "_selected_action": [ready.pk, incomplete.pk]},
        follow=True,
    )
    assert {tour.pk: tour.status for tour in Tour.objects.all()} == {ready.pk: "ACTIVE", incomplete.pk: "DRAFT"}
    assert len(messages_of(response)) == 2


def test_deleting_a_tour_keeps_it_for_its_bookings(staff):
    fill()
    tour = Tour.objects.get()
    address = reverse("admin:tours_tour_delete", args=[tour.pk])
    response = staff.post(address, {"post": "yes"}, follow=True)
    assert "4 places held or booked" in messages_of(response)[0]
    Departure.objects.update(seats_booked=0, seats_held=0)
    staff.post(address, {"post": "yes"})
    assert not Tour.objects.alive().exists()
    assert AuditEntry.objects.filter(action="tours.tour.deleted").count() == 1


def test_search_works_in_both_languages_and_by_city(staff):
    fill()
    TourFactory(
        title_en="Snorkelling in Dahab",
        title_ar="الغطس في دهب",
        destination=DestinationFactory(slug="dahab", city_en="Dahab", city_ar="دهب"),
    )
    for q in ("snorkelling", "الغطس", "دهب", "dahab"):
        response = staff.get(reverse("admin:tours_tour_changelist"), {"q": q})
        assert [tour.title_en for tour in response.context["cl"].result_list] == ["Snorkelling in Dahab"]


# --- Options, prices, rules ---


def option_page(staff, option):
    address = reverse("admin:tours_touroption_change", args=[option.pk])
    return address, form_data(staff.get(address))


def test_prices_are_edited_on_the_option(staff):
    option = OptionFactory()
    senior = PriceCategoryFactory(code="senior")
    address, data = option_page(staff, option)
    data |= {
        "prices-TOTAL_FORMS": 4,
        "prices-0-amount": "120",
        "prices-0-original_amount": "150",
        "prices-3-category": senior.pk,
        "prices-3-amount": "90",
        "prices-3-option": option.pk,
    }
    response = staff.post(address, data)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("admin:tours_tour_change", args=[option.tour_id]))
    assert dict(OptionPrice.objects.values_list("category__code", "amount"))["senior"] == 90
    assert Event.objects.get().type == "tour.changed"
    assert AuditEntry.objects.filter(action__startswith="tours.optionprice.").count() == 2


@pytest.mark.parametrize(("amount", "original"), [("100", "100"), ("100", "90"), ("9.999", ""), ("-1", "")])
def test_prices_that_cannot_be_are_refused_beside_their_fields(staff, amount, original):
    option = OptionFactory()
    address, data = option_page(staff, option)
    response = staff.post(address, data | {"prices-0-amount": amount, "prices-0-original_amount": original})
    assert response.status_code == 200
    assert any(response.context["inline_admin_formsets"][0].formset.errors)
    assert OptionPrice.objects.get(category__code="adult").amount == 100


def test_rules_are_edited_on_the_option(staff):
    option = OptionFactory()
    address, data = option_page(staff, option)
    today = now().astimezone(CAIRO).date()
    data |= {
        "rules-TOTAL_FORMS": 1,
        "rules-0-repeats": "WEEKLY",
        "rules-0-every": "1",
        "rules-0-weekdays": ["1", "2", "3", "4", "5", "6", "7"],
        "rules-0-start_time": "09:00",
        "rules-0-valid_from": today.isoformat(),
        "rules-0-except_dates": (today + timedelta(days=3)).isoformat(),
        "rules-0-is_active": "on",
        "rules-0-option": option.pk,
    }
    assert staff.post(address, data).status_code == 302
    rule = ScheduleRule.objects.get()
    assert (rule.weekdays, rule.except_dates) == ([1, 2, 3, 4, 5, 6, 7], [today + timedelta(days=3)])
    made = Departure.objects.count()
    assert made >= 28
    address, data = option_page(staff, option)
    preview = staff.post(address, data | {"rules-0-start_time": "10:30"})
    assert {d.local_start().time() for d in Departure.objects.all()} == {time(9)}  # shown first
    shown = staff.get(preview["Location"]).context["plan"]
    assert (shown["appear"]["count"], shown["vanish"]["count"]) == (made, made)
    staff.post(preview["Location"], {"do": "apply", "fingerprint": shown["fingerprint"]})
    assert {d.local_start().time() for d in Departure.objects.all()} == {time(10, 30)}
    address, data = option_page(staff, option)
    preview = staff.post(address, data | {"rules-0-DELETE": "on"})["Location"]
    assert ScheduleRule.objects.exists()
    staff.post(preview, {"do": "apply", "fingerprint": staff.get(preview).context["plan"]["fingerprint"]})
    assert not ScheduleRule.objects.exists()
    assert not Departure.objects.exists()


def test_the_preview_of_a_rule_names_what_has_guests(staff):
    option = OptionFactory()
    today = now().astimezone(CAIRO).date()
    rule = create_rule(
        option_id=option.pk,
        data={"weekdays": [1, 2, 3, 4, 5, 6, 7], "start_time": time(9), "valid_from": today},
        actor=None,
    ).rule
    sold = Departure.objects.order_by("starts_at").last()
    Departure.objects.filter(pk=sold.pk).update(seats_booked=1)
    address = reverse("admin:tours_schedulerule_change", args=[rule.pk])
    page = staff.get(address)
    assert page.context["original"].coming == Departure.objects.count()
    response = staff.post(address, form_data(page) | {"start_time": "08:00"}, follow=True)
    assert response.context["plan"]["sold"]["count"] == 1
    assert "09:00" in response.context["plan"]["sold"]["rows"][0]["start"]
    assert Departure.objects.filter(seats_booked=0).count() == Departure.objects.count() - 1
    response = staff.post(address, form_data(staff.get(address)) | {"weekdays": [], "except_dates": "tomorrow"})
    assert set(response.context["adminform"].form.errors) == {"weekdays", "except_dates"}


# --- Departures ---


def test_a_departure_is_added_in_local_time(staff):
    option = OptionFactory()
    day = now().astimezone(CAIRO).date() + timedelta(days=40)
    data = {"option": option.pk, "day": day.isoformat(), "at": "16:30", "capacity": "", "note_en": "", "note_ar": ""}
    response = staff.post(reverse("admin:tours_departure_add"), data)
    assert response.status_code == 302
    departure = Departure.objects.get()
    assert departure.local_start() == datetime.combine(day, time(16, 30), CAIRO)
    assert departure.capacity == option.capacity
    page = staff.get(reverse("admin:tours_departure_change", args=[departure.pk])).content.decode()
    assert "16:30" in page
    response = staff.post(reverse("admin:tours_departure_add"), data)
    assert "such a departure already" in refusal_of(response)
    assert Departure.objects.count() == 1


def test_capacity_is_changed_but_never_below_what_is_sold(staff):
    departure = DepartureFactory(capacity=10, seats_booked=4)
    address = reverse("admin:tours_departure_change", args=[departure.pk])
    data = form_data(staff.get(address))
    assert {name for name in data if not name.startswith("initial-")} == {"capacity", "note_en", "note_ar"}
    response = staff.post(address, data | {"capacity": 3})
    assert response.context["adminform"].form.errors == {"capacity": ["4 places are held or booked already."]}
    staff.post(address, data | {"capacity": 4, "seats_booked": 0, "status": "CANCELLED"})
    departure.refresh_from_db()
    assert (departure.capacity, departure.seats_booked, departure.status) == (4, 4, "OPEN")
    assert AuditEntry.objects.get().after == {"capacity": 4}


def test_a_page_opened_long_ago_takes_back_nothing_that_a_colleague_changed(staff):
    departure = DepartureFactory(capacity=10, seats_booked=4)
    address = reverse("admin:tours_departure_change", args=[departure.pk])
    opened = form_data(staff.get(address))
    assert staff.post(address, opened | {"capacity": 30}).status_code == 302
    Departure.objects.filter(pk=departure.pk).update(seats_booked=22)
    assert staff.post(address, opened | {"note_en": "Bring water."}).status_code == 302
    departure.refresh_from_db()
    assert (departure.capacity, departure.note_en) == (30, "Bring water.")


def test_closing_asks_why_and_reopening_is_a_button(staff):
    first, second = DepartureFactory(seats_booked=3), DepartureFactory(option__code="b")
    response = staff.post(
        reverse("admin:tours_departure_changelist"),
        {"action": "close_chosen", "_selected_action": [first.pk, second.pk]},
    )
    page = staff.get(response["Location"])
    assert "3 places are booked, 0 held." in page.content.decode()
    refused = staff.post(response["Location"], {"reason": " "})
    assert refused.context["form"].errors
    assert set(Departure.objects.values_list("status", flat=True)) == {"OPEN"}
    staff.post(response["Location"], {"reason": "Sandstorm"})
    assert set(Departure.objects.values_list("status", flat=True)) == {"CLOSED"}
    assert AuditEntry.objects.filter(reason="Sandstorm", actor_id=staff.user.pk).count() == 2
    address = reverse("admin:tours_departure_change", args=[first.pk])
    staff.post(address, form_data(staff.get(address)) | {"tours_departure_reopen_this": "1"})
    first.refresh_from_db()
    assert first.status == "OPEN"
    staff.post(
        reverse("admin:tours_departure_changelist"), {"action": "reopen_chosen", "_selected_action": [second.pk]}
    )
    second.refresh_from_db()
    assert second.status == "OPEN"


def test_the_closing_page_takes_no_nonsense(staff):
    for ids in ("", "nonsense", "11111111-1111-1111-1111-111111111111,%00"):
        response = staff.get(reverse("admin:tours_departure_close") + f"?ids={ids}")
        assert response.status_code == 200
        assert "No departure was chosen." in response.content.decode()


def test_departures_to_come_are_listed_first(staff):
    coming = DepartureFactory()
    past = DepartureFactory(option=coming.option, starts_at=now() - timedelta(days=2))
    address = reverse("admin:tours_departure_changelist")

    def listed(**query):
        return [row.pk for row in staff.get(address, query).context["cl"].result_list]

    assert listed() == [coming.pk]
    assert listed(when="past") == [past.pk]
    assert set(listed(when="all")) == {coming.pk, past.pk}


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
