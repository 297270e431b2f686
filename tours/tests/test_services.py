"""Making, changing, publishing and deleting tours."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import factory
import pytest

from accounts.models import AuditEntry
from accounts.tests.factories import UserFactory
from config.errors import IllegalMove, InvalidInput
from config.tenancy import tenant_context
from config.testing import run_together
from notifications.models import Event
from tours.errors import OptionInUse, SlugTaken, TitleTaken, TourHasBookings, TourIncomplete, TourNotFound
from tours.models import Departure, OptionPrice, Tour, TourStatus
from tours.services import archive_tour, create_tour, delete_tour, publish_tour, take_off_sale, update_tour
from tours.tests.factories import (
    CancellationPolicyFactory,
    CategoryFactory,
    CurrencyFactory,
    DepartureFactory,
    DestinationFactory,
    OptionFactory,
    PriceCategoryFactory,
    TaxRateFactory,
    TourFactory,
)

STANDARD = {
    "code": "standard",
    "name_en": "Shared",
    "name_ar": "مشتركة",
    "capacity": 12,
    "prices": [
        {"category": "adult", "amount": Decimal("80"), "original_amount": Decimal("95")},
        {"category": "child", "amount": Decimal("40")},
    ],
}


@pytest.fixture
def clerk(tenant):
    return UserFactory(password=factory.Transformer.Force("!"))


@pytest.fixture
def data(tenant):
    """A complete tour, as the API or the back-office hands it over."""
    for code in ("adult", "child", "infant"):
        PriceCategoryFactory(code=code)
    return {
        "title_en": "  Felucca at sunset ",
        "title_ar": "الفلوكة عند الغروب",
        "summary_en": "An hour on the Nile while the sun goes down.",
        "summary_ar": "ساعة على صفحة النيل مع غروب الشمس.",
        "description_en": "We sail upstream from Zamalek and let the current carry us back, with tea and a light wind.",
        "description_ar": "نبحر من الزمالك عكس التيار ثم نعود معه على مهل، مع كوب من الشاي ونسيم النيل العليل.",
        "meeting_point_en": "Zamalek landing",
        "meeting_point_ar": "مرسى الزمالك",
        "highlights_en": ["The Nile at dusk", "  "],
        "highlights_ar": ["النيل عند الغسق"],
        "inclusions_en": ["Tea"],
        "inclusions_ar": ["شاي"],
        "duration_minutes": 60,
        "destination": DestinationFactory().slug,
        "category": CategoryFactory().code,
        "cancellation_policy": CancellationPolicyFactory().pk,
        "currency": CurrencyFactory().code,
        "tax": TaxRateFactory().code,
        "options": [STANDARD],
        "extras": [{"code": "dinner", "name_en": "Dinner", "name_ar": "عشاء", "amount": Decimal("20")}],
        "itinerary": [{"day": 1, "title_en": "On the river", "title_ar": "على النهر", "activities_en": ["Sailing"]}],
    }


def facts():
    return list(Event.objects.order_by("occurred_at").values_list("type", flat=True))


def test_a_tour_is_made_with_its_parts(data, clerk):
    tour = create_tour(data=data, actor=clerk)
    tour = Tour.objects.for_display().get(pk=tour.pk)
    assert (tour.title_en, tour.slug, tour.status) == ("Felucca at sunset", "felucca-at-sunset", TourStatus.DRAFT)
    assert tour.highlights_en == ["The Nile at dusk"]
    assert tour.created_by_id == clerk.pk
    assert [(p.category.code, p.amount, p.original_amount) for p in tour.options.get().prices.all()] == [
        ("adult", Decimal("80"), Decimal("95")),
        ("child", Decimal("40"), None),
    ]
    assert [extra.code for extra in tour.extras.all()] == ["dinner"]
    assert [day.activities_en for day in tour.itinerary.all()] == [["Sailing"]]
    entry = AuditEntry.objects.get(action="tours.tour.added")
    assert (entry.actor_id, entry.subject_id) == (clerk.pk, str(tour.pk))
    assert entry.after["prices"] == {"standard/adult": ["80.000", "95.000"], "standard/child": ["40.000", None]}
    assert facts() == ["tour.changed"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title_en": "ab"}, "title_en"),
        ({"title_en": "x" * 201}, "title_en"),
        ({"summary_en": "too short"}, "summary_en"),
        ({"summary_ar": "قصير"}, "summary_ar"),
        ({"description_en": "x" * 49}, "description_en"),
        ({"meeting_point_en": "here"}, "meeting_point_en"),
        ({"highlights_en": [f"line {n}" for n in range(11)]}, "highlights_en"),
        ({"inclusions_ar": [f"line {n}" for n in range(16)]}, "inclusions_ar"),
        ({"highlights_en": ["x" * 201]}, "highlights_en"),
        ({"tags": ["nile", "nile"]}, "tags"),
        ({"tags": ["not a slug"]}, "tags"),
        ({"duration_minutes": 5}, "duration_minutes"),
        ({"min_group_size": 9, "max_group_size": 8}, "max_group_size"),
        ({"min_guests": 5, "max_guests": 4}, "max_guests"),
        ({"kind": "CRUISE"}, "kind"),
        ({"difficulty": "deadly"}, "difficulty"),
        ({"destination": "atlantis"}, "destination"),
        ({"category": "space"}, "category"),
        ({"cancellation_policy": "no uuid"}, "cancellation_policy"),
        ({"cancellation_policy": uuid4()}, "cancellation_policy"),
        ({"currency": "XXX"}, "currency"),
        ({"tax": "nowhere"}, "tax"),
        ({"rating_average": 5}, "rating_average"),
        ({"options": [STANDARD, STANDARD]}, "options.1.code"),
        ({"options": [STANDARD | {"capacity": 0}]}, "options.0.capacity"),
        ({"options": [STANDARD | {"prices": [{"category": "ghost", "amount": 1}]}]}, "options.0.prices.0.category"),
        (
            {"options": [STANDARD | {"prices": [{"category": "adult", "amount": Decimal("-1")}]}]},
            "options.0.prices.0.amount",
        ),
        (
            {"options": [STANDARD | {"prices": [{"category": "adult", "amount": Decimal("9.999")}]}]},
            "options.0.prices.0.amount",
        ),
        (
            {
                "options": [
                    STANDARD | {"prices": [{"category": "adult", "amount": Decimal(9), "original_amount": Decimal(9)}]}
                ]
            },
            "options.0.prices.0.original_amount",
        ),
        (
            {"extras": [{"code": "a", "name_en": "A", "name_ar": "أ", "amount": Decimal("1.001")}]},
            "extras.0.amount",
        ),
        ({"itinerary": [{"day": 0, "title_en": "A", "title_ar": "أ"}]}, "itinerary.0.day"),
    ],
)
def test_what_breaks_a_limit_is_named_and_nothing_is_kept(data, clerk, change, field):
    with pytest.raises(InvalidInput) as refused:
        create_tour(data=data | change, actor=clerk)
    assert field in refused.value.details
    assert not Tour.objects.exists()
    assert not AuditEntry.objects.exists()
    assert facts() == []


@pytest.mark.parametrize("field", ["destination", "category", "cancellation_policy", "currency", "duration_minutes"])
def test_what_a_tour_cannot_be_without(data, clerk, field):
    del data[field]
    with pytest.raises(InvalidInput) as refused:
        create_tour(data=data, actor=clerk)
    assert list(refused.value.details) == [field]


def test_titles_are_unique_without_regard_to_case(data, clerk):
    create_tour(data=data, actor=clerk)
    with pytest.raises(TitleTaken) as refused:
        create_tour(data=data | {"title_en": "FELUCCA at Sunset", "title_ar": "أخرى"}, actor=clerk)
    assert str(refused.value) == "Another tour is called “FELUCCA at Sunset” already."
    with pytest.raises(TitleTaken):
        create_tour(data=data | {"title_en": "Another"}, actor=clerk)
    assert Tour.objects.count() == 1


def test_a_deleted_tour_frees_its_title_but_not_its_address(data, clerk):
    delete_tour(tour_id=create_tour(data=data, actor=clerk).pk, actor=clerk)
    assert create_tour(data=data, actor=clerk).slug == "felucca-at-sunset-2"


def test_other_operators_have_titles_of_their_own(data, clerk, other_tenant):
    create_tour(data=data, actor=clerk)
    with tenant_context(other_tenant.pk):
        for code in ("adult", "child"):
            PriceCategoryFactory(code=code)
        own = data | {
            "destination": DestinationFactory().slug,
            "category": CategoryFactory().code,
            "cancellation_policy": CancellationPolicyFactory().pk,
            "tax": None,
        }
        assert create_tour(data=own, actor=None).slug == "felucca-at-sunset"
        with pytest.raises(InvalidInput):  # the first operator's policy does not exist here
            create_tour(
                data=own | {"title_en": "X tour", "cancellation_policy": data["cancellation_policy"]}, actor=None
            )


def test_the_address_follows_the_title_until_first_on_sale(data, clerk):
    tour = create_tour(data=data, actor=clerk)
    assert update_tour(tour_id=tour.pk, data={"title_en": "Nile at dusk"}, actor=clerk).slug == "nile-at-dusk"
    publish_tour(tour_id=tour.pk, actor=clerk)
    take_off_sale(tour_id=tour.pk, actor=clerk)
    assert update_tour(tour_id=tour.pk, data={"title_en": "Another name"}, actor=clerk).slug == "nile-at-dusk"


def test_titles_without_latin_letters_and_addresses_of_ones_own(data, clerk):
    assert create_tour(data=data | {"title_en": "الأهرامات", "title_ar": "الأهرامات"}, actor=clerk).slug == "tour"
    assert create_tour(data=data | {"title_ar": "ثانية", "slug": "my-own"}, actor=clerk).slug == "my-own"
    with pytest.raises(SlugTaken):
        create_tour(data=data | {"title_en": "Third", "title_ar": "ثالثة", "slug": "my-own"}, actor=clerk)


def test_a_change_says_before_and_after(data, clerk):
    tour = create_tour(data=data, actor=clerk)
    cheaper = STANDARD | {"prices": [{"category": "adult", "amount": Decimal("75")}]}
    update_tour(tour_id=tour.pk, data={"is_featured": True, "options": [cheaper]}, actor=clerk)
    entry = AuditEntry.objects.get(action="tours.tour.changed")
    assert entry.before["is_featured"] is False
    assert entry.after["is_featured"] is True
    assert entry.after["prices"] == {"standard/adult": ["75.000", None]}
    assert "title_en" not in entry.after
    assert facts() == ["tour.changed", "tour.changed"]


def test_lists_that_are_not_named_stay(data, clerk):
    tour = create_tour(data=data, actor=clerk)
    option = tour.options.get()
    update_tour(tour_id=tour.pk, data={"nights": 1}, actor=clerk)
    assert tour.options.get().pk == option.pk
    assert tour.extras.count() == 1
    update_tour(tour_id=tour.pk, data={"extras": [], "itinerary": []}, actor=clerk)
    tour = Tour.objects.get(pk=tour.pk)
    assert (tour.extras.count(), tour.itinerary.count()) == (0, 0)


def test_options_keep_their_rows_and_stay_while_they_have_departures(data, clerk):
    tour = create_tour(data=data, actor=clerk)
    option = tour.options.get()
    price = option.prices.get(category__code="adult")
    update_tour(tour_id=tour.pk, data={"options": [STANDARD | {"capacity": 6}]}, actor=clerk)
    option.refresh_from_db()
    assert option.capacity == 6
    assert OptionPrice.objects.filter(pk=price.pk).exists()
    DepartureFactory(option=option)
    with pytest.raises(OptionInUse):
        update_tour(tour_id=tour.pk, data={"options": [STANDARD | {"code": "private"}]}, actor=clerk)
    assert Tour.objects.get(pk=tour.pk).options.get().code == "standard"


def test_options_are_offered_in_the_order_given(data, clerk):
    both = [STANDARD | {"code": "shared"}, STANDARD | {"code": "private"}]
    tour = create_tour(data=data | {"options": both}, actor=clerk)

    def offered():
        return [(row.code, row.is_default) for row in Tour.objects.get(pk=tour.pk).options.all()]

    assert offered() == [("shared", True), ("private", False)]
    update_tour(tour_id=tour.pk, data={"options": both[::-1]}, actor=clerk)
    assert offered() == [("private", True), ("shared", False)]


def test_an_option_that_takes_longer_ends_its_unsold_departures_later(data, clerk):
    tour = create_tour(data=data, actor=clerk)
    unsold = DepartureFactory(option=tour.options.get())
    sold = DepartureFactory(option=tour.options.get(), starts_at=unsold.starts_at + timedelta(days=1), seats_booked=1)
    update_tour(tour_id=tour.pk, data={"options": [STANDARD | {"duration_minutes": 90}]}, actor=clerk)
    for departure, minutes in ((unsold, 90), (sold, 60)):
        departure.refresh_from_db()
        assert departure.ends_at - departure.starts_at == timedelta(minutes=minutes)


def test_a_tour_goes_on_sale_when_it_is_complete(data, clerk):
    data = {name: value for name, value in data.items() if name not in {"title_ar", "highlights_ar", "options"}}
    tour = create_tour(data=data, actor=clerk)
    with pytest.raises(TourIncomplete) as refused:
        publish_tour(tour_id=tour.pk, actor=clerk)
    assert refused.value.details["missing"] == ["title (Arabic)", "highlights (Arabic)", "an option with a price"]
    tour.refresh_from_db()
    assert (tour.status, tour.published_at) == (TourStatus.DRAFT, None)

    without_price = STANDARD | {"prices": [{"category": "infant", "amount": Decimal(0)}]}
    update_tour(
        tour_id=tour.pk, data={"title_ar": "عنوان", "highlights_ar": ["أ"], "options": [without_price]}, actor=clerk
    )
    with pytest.raises(TourIncomplete) as refused:
        publish_tour(tour_id=tour.pk, actor=clerk)
    assert refused.value.details["missing"] == ["a price of the option “standard”"]

    update_tour(tour_id=tour.pk, data={"options": [STANDARD]}, actor=clerk)
    tour = publish_tour(tour_id=tour.pk, actor=clerk)
    assert tour.status == TourStatus.ACTIVE
    assert tour.published_at is not None
    assert AuditEntry.objects.get(action="tours.tour.published").after == {"status": "ACTIVE"}


def test_what_is_on_sale_cannot_lose_what_it_needs(data, clerk):
    tour = publish_tour(tour_id=create_tour(data=data, actor=clerk).pk, actor=clerk)
    for change in ({"title_ar": ""}, {"options": []}, {"inclusions_en": []}):
        with pytest.raises(TourIncomplete):
            update_tour(tour_id=tour.pk, data=change, actor=clerk)
    tour.refresh_from_db()
    assert tour.title_ar == data["title_ar"]
    assert Tour.objects.get(pk=tour.pk).options.count() == 1


def test_a_currency_with_fewer_decimals_needs_rounder_prices(data, clerk):
    CurrencyFactory(code="JPY")
    dear = STANDARD | {"prices": [{"category": "adult", "amount": Decimal("80.50")}]}
    tour = create_tour(data=data | {"options": [dear]}, actor=clerk)
    with pytest.raises(InvalidInput) as refused:
        update_tour(tour_id=tour.pk, data={"currency": "JPY"}, actor=clerk)
    assert list(refused.value.details) == ["options.standard.prices.adult.amount"]


def test_status_can_be_part_of_the_document(data, clerk):
    assert create_tour(data=data | {"status": "ACTIVE"}, actor=clerk).status == TourStatus.ACTIVE
    with pytest.raises(TourIncomplete):
        create_tour(
            data=data | {"status": "ACTIVE", "title_en": "Other", "title_ar": "أخرى", "options": []}, actor=clerk
        )
    assert Tour.objects.count() == 1


def test_moves_between_states(data, clerk):
    tour = create_tour(data=data, actor=clerk)
    with pytest.raises(IllegalMove):
        take_off_sale(tour_id=tour.pk, actor=clerk)
    publish_tour(tour_id=tour.pk, actor=clerk)
    publish_tour(tour_id=tour.pk, actor=clerk)  # again: nothing more happens
    archive_tour(tour_id=tour.pk, actor=clerk)
    assert publish_tour(tour_id=tour.pk, actor=clerk).status == TourStatus.ACTIVE
    actions = AuditEntry.objects.filter(subject_type="tours.tour").order_by("at").values_list("action", flat=True)
    assert list(actions) == [f"tours.tour.{verb}" for verb in ("added", "published", "archived", "published")]


def test_deleting_waits_for_those_who_booked(data, clerk):
    tour = publish_tour(tour_id=create_tour(data=data, actor=clerk).pk, actor=clerk)
    sold = DepartureFactory(option=tour.options.get(), seats_booked=2, seats_held=1)
    with pytest.raises(TourHasBookings) as refused:
        delete_tour(tour_id=tour.pk, actor=clerk)
    assert refused.value.details == {"seats": 3}
    assert Tour.objects.public().filter(pk=tour.pk).exists()

    Departure.objects.filter(pk=sold.pk).update(seats_booked=0, seats_held=0)
    delete_tour(tour_id=tour.pk, actor=clerk)
    assert not Tour.objects.alive().exists()
    assert Departure.objects.get().status == "CLOSED"
    for act in (publish_tour, delete_tour, take_off_sale):
        with pytest.raises(TourNotFound):
            act(tour_id=tour.pk, actor=clerk)
    with pytest.raises(TourNotFound):
        update_tour(tour_id=tour.pk, data={}, actor=clerk)


def test_tours_of_others_do_not_exist(data, clerk, other_tenant):
    tour = create_tour(data=data, actor=clerk)
    with tenant_context(other_tenant.pk):
        for act in (publish_tour, delete_tour):
            with pytest.raises(TourNotFound):
                act(tour_id=tour.pk, actor=clerk)


@pytest.mark.django_db(transaction=True)
def test_one_title_asked_for_at_once_is_given_once(data):
    def make():
        return create_tour(data=data, actor=None)

    outcomes = run_together(*[make] * 4)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["TitleTaken"] * 3 + ["Tour"]
    assert Tour.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_titles_that_make_one_address_get_one_each(data):
    def make(number):
        return create_tour(data=data | {"title_en": "Sunset" + "!" * number, "title_ar": f"غروب {number}"}, actor=None)

    outcomes = run_together(*[lambda n=n: make(n) for n in range(4)])
    assert {outcome.slug for outcome in outcomes} == {"sunset", "sunset-2", "sunset-3", "sunset-4"}


def test_factories_make_tours_fit_for_sale(tenant):
    tour = TourFactory(status=TourStatus.DRAFT)
    OptionFactory(tour=tour)
    assert publish_tour(tour_id=tour.pk, actor=None).status == TourStatus.ACTIVE
