"""What is sold per group, with group prices and rooms, entered by a program: made, changed, refused, and given back as it was."""

import pytest

from tours.models import GroupTier, TourOption
from tours.prices import load_offers, price_lines, total_of
from tours.tests.factories import CurrencyFactory, PriceCategoryFactory

LIST = "/api/v1/tours"
JEEP = {"code": "jeep", "name_en": "Jeep", "name_ar": "جيب", "basis": "PER_GROUP", "group_size": 4}
TIERS = [{"from_guests": 1, "amount": "200"}, {"from_guests": 5, "amount": "380.5"}]


@pytest.fixture
def tour(listed):
    CurrencyFactory(code="SAR")
    PriceCategoryFactory(code="adult")
    return listed(slug="safari", status="INACTIVE")


@pytest.fixture
def admin(client_as):
    return client_as("ADMIN")


def sent(admin, *options):
    return admin.patch(f"{LIST}/safari", {"options": list(options)})


def test_a_safari_per_vehicle_is_entered_and_priced(tour, admin):
    answer = sent(admin, JEEP | {"group_prices": TIERS, "min_to_run": 2, "below_minimum": "CANCEL"})
    assert answer.status_code == 200, answer.content
    (offer,) = load_offers([tour.pk])
    assert total_of(*price_lines(offer, {"adult": 3})) == 200
    assert total_of(*price_lines(offer, {"adult": 6})) == 761  # two vehicles at the price from five guests
    option = TourOption.objects.get()
    assert (option.min_to_run, option.below_minimum, option.group_size) == (2, "CANCEL", 4)


def test_what_is_read_can_be_sent_back_and_changes_nothing(tour, admin):
    shared = {"code": "shared", "name_en": "Shared", "name_ar": "مشترك", "single_supplement": "30.5"}
    tiers = [
        {"from_guests": 6, "category": "adult", "amount": "70"},
        {"from_guests": 6, "category": "adult", "currency": "SAR", "amount": "260"},
    ]
    sent(admin, shared | {"group_prices": tiers})
    (read,) = admin.get("/api/v1/admin/tours/safari").json()["options"]
    assert (read["basis"], read["single_supplement"]) == ("PER_PERSON", "30.50")
    assert [(row["currency"], row["amount"]) for row in read["group_prices"]] == [(None, "70.00"), ("SAR", "260.00")]
    again = sent(admin, {name: value for name, value in read.items() if name != "id"})
    assert again.status_code == 200, again.content
    assert admin.get("/api/v1/admin/tours/safari").json()["options"] == [read]
    sent(admin, shared)  # what is not sent stays
    assert GroupTier.objects.count() == 2
    sent(admin, shared | {"group_prices": []})
    assert not GroupTier.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"basis": "PER_MOON"}, "basis"),
        ({"group_size": 0}, "group_size"),
        ({"single_supplement": "-1"}, "single_supplement"),
        ({"single_supplement": "1.005"}, "options.0.single_supplement"),
        ({"below_minimum": "PRAY"}, "below_minimum"),
        ({"group_prices": [{"from_guests": 0, "amount": "1"}]}, "from_guests"),
        ({"group_prices": [{"from_guests": 1, "amount": "1.005"}]}, "options.0.group_prices.0.amount"),
        (
            {"group_prices": [{"from_guests": 1, "amount": "1", "category": "adult"}]},
            "options.0.group_prices.0.category",
        ),
        ({"group_prices": [{"from_guests": 1, "amount": "1", "category": "nobody"}]}, "group_prices.0.category"),
        ({"group_prices": [{"from_guests": 1, "amount": "1", "currency": "XXX"}]}, "options.0.group_prices.0.currency"),
        ({"group_prices": [TIERS[0], TIERS[0]]}, "options.0.group_prices.1.from_guests"),
        ({"group_prices": "many"}, "group_prices"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place_and_nothing_is_written(tour, admin, wrong, field):
    answer = sent(admin, JEEP | {"group_prices": TIERS} | wrong)
    assert answer.status_code == 400
    assert field in str(answer.json()["details"])
    assert TourOption.objects.get().code == "standard"
    assert not GroupTier.objects.exists()
