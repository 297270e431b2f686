"""Tours on their page: made, changed, refused in words, moved, deleted, found."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from config.tenancy import tenant_context
from notifications.models import Event
from tours.models import (
    Departure,
    Tour,
    TourStatus,
)
from tours.tests.admin_pages import fill, form_data, messages_of, refusal_of, signed_in
from tours.tests.factories import (
    CancellationPolicyFactory,
    CategoryFactory,
    CurrencyFactory,
    DestinationFactory,
    OptionFactory,
    TaxRateFactory,
    TourFactory,
)


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


# --- Panels ---


def test_panels_come_when_they_are_looked_at(staff):
    fill()
    tour = Tour.objects.get()
    page = staff.get(reverse("admin:tours_tour_change", args=[tour.pk])).content.decode()
    addresses = re.findall(r'data-panel="([^"]+)"', page)
    shown = {address.split("/")[-2]: staff.get(address).content.decode() for address in addresses}
    assert set(shown) == {"pictures-1", "schedule-1", "prices-1", "reviews-1"}
    assert "data-pictures" in shown["pictures-1"]
    assert "data-preview" in shown["prices-1"]
    assert "09:00" in shown["schedule-1"]
    assert "Nobody has reviewed this tour yet." in shown["reviews-1"]


def test_panels_there_are_not_and_those_of_others_are_not_found(staff, other_tenant):
    fill()
    tour = Tour.objects.get()
    assert staff.get(reverse("admin:tour_panel", args=[tour.pk, "nothing-1"])).status_code == 404
    with tenant_context(other_tenant.pk):
        theirs = TourFactory()
    assert staff.get(reverse("admin:tour_panel", args=[theirs.pk, "pictures-1"])).status_code == 404
    customer = signed_in("CUSTOMER")
    assert customer.get(reverse("admin:tour_panel", args=[tour.pk, "pictures-1"])).status_code == 302
