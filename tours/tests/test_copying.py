"""A tour duplicated, and a deleted one brought back."""

from datetime import date, time
from decimal import Decimal

import pytest
from django.db import transaction
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.tests.factories import UserFactory
from config.errors import InvalidInput
from config.tenancy import tenant_context
from config.testing import run_together
from tours.errors import TitleTaken, TourNotFound
from tours.models import (
    Departure,
    Extra,
    ItineraryDay,
    OptionPrice,
    PriceRule,
    PublishedTour,
    SavedTour,
    ScheduleRule,
    Tour,
    TourDay,
    TourImage,
    TourOption,
    TourStatus,
)
from tours.services import (
    add_image,
    copy_titles,
    delete_image,
    delete_tour,
    duplicate_tour,
    publish_tour,
    restore_tour,
)
from tours.services.copying import copied_models
from tours.tests.admin_pages import form_data, photo, signed_in
from tours.tests.factories import (
    DepartureFactory,
    ExtraFactory,
    OptionFactory,
    ScheduleRuleFactory,
    TourFactory,
)

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def tour():
    """One with a row of everything."""
    made = TourFactory(
        title_en="Felucca",
        title_ar="فلوكة",
        rating_average=Decimal("4.5"),
        rating_count=9,
        bookings_count=70,
        is_featured=True,
        tags=["nile"],
    )
    shared = OptionFactory(tour=made, prices={"adult": "80", "child": "40"})
    OptionFactory(tour=made, code="private", prices={"adult": "300"}, is_default=False)
    ScheduleRuleFactory(option=shared, start_time=time(17), valid_from=date(2026, 1, 1), weekdays=[5, 6])
    ExtraFactory(tour=made, code="tea", amount=Decimal("5"))
    ItineraryDay.objects.create(tour=made, day=1, title_en="On board", title_ar="على متنها", breakfast=True)
    DepartureFactory(option=shared, seats_booked=4)
    TourDay.objects.create(tour=made, day=date(2026, 1, 1), views=500)
    PriceRule.objects.create(
        tour=made,
        option=shared,
        name_en="Winter",
        name_ar="شتاء",
        kind="SEASON",
        value=Decimal(10),
        first_day=date(2027, 1, 1),
    )
    return made


def test_a_copy_has_everything_the_tour_is_made_of_and_nothing_that_became_of_it(tour):
    clerk = UserFactory()
    title_en, title_ar = copy_titles(tour)
    assert (title_en, title_ar) == ("Felucca (copy)", "فلوكة (نسخة)")
    copy = duplicate_tour(tour_id=tour.pk, title_en=title_en, title_ar=title_ar, actor=clerk)
    copy = Tour.objects.get(pk=copy.pk)
    assert (copy.status, copy.slug, copy.is_featured) == ("DRAFT", "felucca-copy", False)
    assert (copy.rating_count, copy.bookings_count, copy.published_at, copy.created_by_id) == (0, 0, None, clerk.pk)
    same = ("summary_en", "description_ar", "destination_id", "currency_id", "cutoff_minutes", "tags", "highlights_en")
    assert [getattr(copy, name) for name in same] == [getattr(tour, name) for name in same]
    prices = OptionPrice.objects.filter(option__tour=copy).order_by("amount")
    assert [(row.option.code, row.category.code, row.amount) for row in prices] == [
        ("standard", "child", 40),
        ("standard", "adult", 80),
        ("private", "adult", 300),
    ]
    winter = PriceRule.objects.get(tour=copy)
    assert (winter.option.tour_id, winter.value) == (copy.pk, 10)
    assert not TourDay.objects.filter(tour=copy).exists()
    rule = ScheduleRule.objects.get(option__tour=copy)
    assert (rule.option.code, rule.start_time, rule.weekdays) == ("standard", time(17), [5, 6])
    assert [(row.code, row.amount) for row in Extra.objects.filter(tour=copy)] == [("tea", 5)]
    day = ItineraryDay.objects.get(tour=copy)
    assert (day.title_ar, day.breakfast) == ("على متنها", True)
    assert not Departure.objects.filter(tour=copy).exists()
    assert not PublishedTour.objects.filter(tour_id=copy.pk).exists()
    entry = AuditEntry.objects.get(action="tours.tour.duplicated")
    assert (entry.actor_id, entry.subject_id, entry.reason) == (clerk.pk, str(copy.pk), str(tour.pk))


def test_the_tour_itself_stays_as_it_was_and_the_copy_can_be_sold(tour):
    before = Tour.objects.filter(pk=tour.pk).values().get()
    options = set(TourOption.objects.filter(tour=tour).values_list("pk", flat=True))
    copy = duplicate_tour(tour_id=tour.pk, title_en="Another", title_ar="أخرى", actor=None)
    assert Tour.objects.filter(pk=tour.pk).values().get() == before
    assert set(TourOption.objects.filter(tour=tour).values_list("pk", flat=True)) == options
    assert publish_tour(tour_id=copy.pk, actor=None).status == TourStatus.ACTIVE


def test_every_row_below_the_copy_points_to_the_copy(tour):
    copy = duplicate_tour(tour_id=tour.pk, title_en="Another", actor=None)
    assert {TourOption, OptionPrice, PriceRule, ScheduleRule, Extra, ItineraryDay, TourImage} <= set(copied_models())
    assert {Departure, SavedTour, TourDay}.isdisjoint(copied_models())
    for model in copied_models():
        for field in model._meta.concrete_fields:
            if field.is_relation and field.related_model in {Tour, TourOption}:
                path = field.name if field.related_model is Tour else f"{field.name}__tour"
                owners = set(model._default_manager.values_list(path, flat=True)) - {None}
                assert owners <= {tour.pk, copy.pk}, model


def test_pictures_of_both_are_one_file_until_the_last_of_them_goes(tour, django_capture_on_commit_callbacks, settings):
    image = add_image(tour_id=tour.pk, upload=photo(), actor=None)
    copy = duplicate_tour(tour_id=tour.pk, title_en="Another", actor=None)
    shared = TourImage.objects.get(tour=copy)
    assert (shared.file.name, shared.is_cover, shared.width) == (image.file.name, True, image.width)
    with django_capture_on_commit_callbacks(execute=True):
        delete_image(image_id=image.pk, actor=None)
    assert shared.file.storage.exists(shared.file.name)


@pytest.mark.parametrize(
    ("titles", "refusal"),
    [
        ({"title_en": "Felucca"}, TitleTaken),
        ({"title_en": "FELUCCA"}, TitleTaken),
        ({"title_en": "Another", "title_ar": "فلوكة"}, TitleTaken),
        ({"title_en": "  "}, InvalidInput),
        ({"title_en": "ab"}, InvalidInput),
        ({"title_en": "x" * 201}, InvalidInput),
    ],
)
def test_titles_that_cannot_be_make_no_copy(tour, titles, refusal):
    with pytest.raises(refusal), transaction.atomic():
        duplicate_tour(tour_id=tour.pk, actor=None, **titles)
    assert Tour.objects.count() == 1
    assert TourOption.objects.count() == 2


def test_titles_of_copies_are_numbered_and_never_too_long(tour):
    for expected in ("Felucca (copy)", "Felucca (copy 2)", "Felucca (copy 3)"):
        title_en, title_ar = copy_titles(tour)
        assert title_en == expected
        duplicate_tour(tour_id=tour.pk, title_en=title_en, title_ar=title_ar, actor=None)
    long = TourFactory(title_en="y" * 200, title_ar="")
    assert [len(title) for title in copy_titles(long)] == [200, 0]


def test_a_crash_half_way_leaves_nothing(tour, monkeypatch):
    def crash(*_args, **_kwargs):
        raise RuntimeError("the process dies here")

    monkeypatch.setattr("tours.services.copying.settle_tour", crash)
    with pytest.raises(RuntimeError), transaction.atomic():
        duplicate_tour(tour_id=tour.pk, title_en="Another", actor=None)
    assert (Tour.objects.count(), TourOption.objects.count()) == (1, 2)


def test_another_operators_tour_is_not_there(tour, other_tenant):
    with tenant_context(other_tenant.pk):
        for act in (
            lambda: duplicate_tour(tour_id=tour.pk, title_en="Mine", actor=None),
            lambda: restore_tour(tour_id=tour.pk, actor=None),
        ):
            with pytest.raises(TourNotFound):
                act()


@pytest.mark.django_db(transaction=True)
def test_two_clerks_copying_at_once_get_one_title_each_or_a_refusal(tour):
    outcomes = run_together(*[lambda: duplicate_tour(tour_id=tour.pk, title_en="Another", actor=None)] * 3)
    assert sorted(type(one).__name__ for one in outcomes) == ["TitleTaken", "TitleTaken", "Tour"]
    assert TourOption.objects.filter(tour__title_en="Another").count() == 2


# --- Brought back ---


def test_a_deleted_tour_comes_back_off_sale_with_its_departures_closed(tour):
    Departure.objects.update(seats_booked=0)
    delete_tour(tour_id=tour.pk, actor=None)
    back = restore_tour(tour_id=tour.pk, actor=None)
    assert (back.deleted_at, back.status) == (None, "INACTIVE")
    assert Departure.objects.get().status == "CLOSED"
    entry = AuditEntry.objects.get(action="tours.tour.restored")
    assert entry.after == {"deleted_at": None, "status": "INACTIVE"}
    restore_tour(tour_id=tour.pk, actor=None)  # again: nothing is to do
    assert AuditEntry.objects.filter(action="tours.tour.restored").count() == 1
    assert publish_tour(tour_id=tour.pk, actor=None).status == "ACTIVE"


def test_a_tour_whose_title_was_given_away_does_not_come_back(tour):
    Departure.objects.update(seats_booked=0)
    delete_tour(tour_id=tour.pk, actor=None)
    TourFactory(title_en="felucca")
    with pytest.raises(TitleTaken), transaction.atomic():
        restore_tour(tour_id=tour.pk, actor=None)
    assert Tour.objects.get(pk=tour.pk).deleted_at is not None


# --- In the back-office ---


def test_staff_duplicate_by_a_page_that_asks_for_the_titles(tour):
    staff = signed_in("ADMIN")
    address = reverse("admin:tours_tour_duplicate", args=[tour.pk])
    page = staff.get(address)
    assert page.status_code == 200
    assert 'value="Felucca (copy)"' in page.content.decode()
    assert Tour.objects.count() == 1  # looking makes nothing
    done = staff.post(address, {"title_en": "Felucca II", "title_ar": "فلوكة ٢"})
    copy = Tour.objects.get(title_en="Felucca II")
    assert done["Location"] == reverse("admin:tours_tour_change", args=[copy.pk])
    taken = staff.post(address, {"title_en": "Felucca II", "title_ar": ""})
    assert taken.status_code == 409
    assert "Felucca II” already" in taken.content.decode()
    assert staff.post(address, {"title_en": ""}).status_code == 400
    assert Tour.objects.count() == 2


def test_who_may_duplicate(tour):
    address = reverse("admin:tours_tour_duplicate", args=[tour.pk])
    assert signed_in("EMPLOYEE").post(address, {"title_en": "Mine"}).status_code == 403
    assert signed_in("CUSTOMER").post(address, {"title_en": "Mine"}).status_code == 302
    gone = reverse("admin:tours_tour_duplicate", args=["0198c4a0-0000-7000-8000-000000000000"])
    assert signed_in("ADMIN").get(gone).status_code == 404
    assert Tour.objects.count() == 1


def test_staff_bring_deleted_tours_back_from_their_list(tour):
    Departure.objects.update(seats_booked=0)
    delete_tour(tour_id=tour.pk, actor=None)
    staff = signed_in("ADMIN")
    listed = reverse("admin:tours_tour_changelist")
    assert "Felucca" not in staff.get(listed).content.decode()
    deleted = staff.get(listed, {"deleted": "yes"})
    assert "Felucca" in deleted.content.decode()
    assert reverse("admin:tours_tour_change", args=[tour.pk]) not in deleted.content.decode()
    done = staff.post(
        f"{listed}?deleted=yes", {"action": "restore_chosen", "_selected_action": [str(tour.pk)]}, follow=True
    )
    assert done.status_code == 200
    assert Tour.objects.get(pk=tour.pk).deleted_at is None
    # what is not deleted cannot be chosen for it, and the other actions are not offered for what is
    refused = staff.post(f"{listed}?deleted=yes", {"action": "publish_chosen", "_selected_action": [str(tour.pk)]})
    assert Tour.objects.get(pk=tour.pk).status == "INACTIVE"
    assert refused.status_code in {200, 302}


def test_the_head_of_the_page_names_what_is_missing_with_the_place_of_it(tour):
    draft = TourFactory(status="DRAFT", title_ar="", highlights_en=[])
    option = OptionFactory(tour=draft, prices={})
    page = signed_in("ADMIN").get(reverse("admin:tours_tour_change", args=[draft.pk]))
    gaps = {gap["words"]: gap for gap in page.context["head"]["gaps"]}
    assert list(gaps) == ["title (Arabic)", "highlights (English)", "a price of the option “standard”"]
    assert gaps["title (Arabic)"]["field"] == "id_title_ar"
    assert gaps["a price of the option “standard”"]["address"].startswith(
        reverse("admin:tours_touroption_change", args=[option.pk])
    )
    assert 'id="id_title_ar"' in page.content.decode()
    complete = signed_in("ADMIN").get(reverse("admin:tours_tour_change", args=[tour.pk]))
    assert complete.context["head"]["gaps"] == []


def test_the_tab_with_the_fault_is_the_one_that_opens(tour):
    staff = signed_in("ADMIN")
    address = reverse("admin:tours_tour_change", args=[tour.pk])
    data = form_data(staff.get(address))
    answer = staff.post(address, data | {"min_guests": 9, "max_guests": 2, "extras-0-name_ar": ""})
    assert answer.status_code == 200
    assert answer.context["editor_faulty"] == "extras"
    assert {tab["code"]: tab["faults"] for tab in answer.context["editor_tabs"] if tab["faults"]} == {
        "extras": 1,
        "policies": 1,
    }
