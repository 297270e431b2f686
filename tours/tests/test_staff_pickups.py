"""How a tour fetches its guests, set by a program: prices by zone, transfers, and what is refused."""

import pytest

from accounts.models import AuditEntry
from config.tenancy import tenant_context
from tours.models import PickupPrice, PickupRule, PickupZone, TransferPrice
from tours.tests.factories import OptionFactory

ADDRESS = "/api/v1/admin/tours/felucca/pickups"
PRICE = {"zone": "bay", "amount": "5", "minutes_before": 45}
WAY = {"origin": "bay", "destination": "airport", "amount": "30"}


@pytest.fixture
def tour(listed):
    for code in ("bay", "airport"):
        PickupZone.objects.create(code=code, name_en=code.title(), name_ar=code)
    return listed(slug="felucca")


@pytest.fixture
def admin(client_as):
    return client_as("ADMIN")


def test_pickups_are_set_read_changed_and_dropped(tour, admin, api):
    assert admin.get(ADDRESS).status_code == 404
    made = admin.put(ADDRESS, {"kind": "OPTIONAL", "zones": [PRICE]})
    assert made.status_code == 200, made.content
    price = {"zone": "bay", "basis": "PER_PERSON", "amount": "5.00", "vehicle_seats": None, "minutes_before": 45}
    usual = {"allows_unlisted": False, "change_until_minutes": 1440}
    assert made.json() == {"kind": "OPTIONAL", **usual, "zones": [price], "transfers": []}
    assert [zone["code"] for zone in api.get("/api/v1/tours/felucca/pickups").json()["zones"]] == ["bay"]
    ways = [WAY, WAY | {"option": "standard", "amount": "45.5", "vehicle_seats": 6, "both_ways": False}]
    changed = admin.put(ADDRESS, {"kind": "TRANSFER", "transfers": ways}).json()
    assert [(way["option"], way["amount"]) for way in changed["transfers"]] == [("standard", "45.50"), (None, "30.00")]
    assert changed["zones"] == [price]  # what is not sent stays
    assert admin.put(ADDRESS, changed).json() == changed == admin.get(ADDRESS).json()
    entries = AuditEntry.objects.filter(action="tours.pickuprule.set")
    assert entries.count() == 2  # sent back as it was, nothing happened
    for _twice in range(2):
        assert admin.delete(ADDRESS).status_code == 204
    assert admin.get(ADDRESS).status_code == 404
    assert [PickupPrice.objects.count(), TransferPrice.objects.count()] == [0, 0]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "CARRIED"}, "kind"),
        ({"change_until_minutes": -1}, "change_until_minutes"),
        ({"zones": [PRICE | {"zone": "moon"}]}, "zones.0.zone"),
        ({"zones": [PRICE, PRICE]}, "zones.1.zone"),
        ({"zones": [PRICE | {"amount": "1.005"}]}, "zones.0.amount"),
        ({"zones": [PRICE | {"amount": "-1"}]}, "amount"),
        ({"zones": [PRICE | {"basis": "PER_VEHICLE"}]}, "zones.0.vehicle_seats"),
        ({"zones": [PRICE | {"minutes_before": 9999}]}, "minutes_before"),
        ({"transfers": [WAY | {"destination": "bay"}]}, "transfers.0.destination"),
        ({"transfers": [WAY | {"origin": "moon"}]}, "transfers.0.origin"),
        ({"transfers": [WAY | {"option": "other"}]}, "transfers.0.option"),
        ({"transfers": [WAY, WAY]}, "transfers.1.destination"),
        ({"transfers": "many"}, "transfers"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place_and_nothing_is_written(tour, admin, wrong, field):
    answer = admin.put(ADDRESS, {"kind": "OPTIONAL", "zones": [PRICE]} | wrong)
    assert answer.status_code == 400
    assert field in str(answer.json()["details"])
    assert [model.objects.count() for model in (PickupRule, PickupPrice, TransferPrice)] == [0, 0, 0]


def test_who_may(tour, api, client_as, other_tenant):
    employee = client_as("EMPLOYEE")
    assert api.get(ADDRESS).status_code == 401
    assert client_as("CUSTOMER").get(ADDRESS).status_code == 403
    assert employee.get(ADDRESS).status_code == 404
    assert employee.put(ADDRESS, {"kind": "OPTIONAL"}).status_code == 403
    assert employee.delete(ADDRESS).status_code == 403
    with tenant_context(other_tenant.pk):
        PickupZone.objects.create(code="theirs", name_en="a", name_ar="أ")
        theirs = OptionFactory(tour__slug="theirs").tour
    admin = client_as("ADMIN")
    assert admin.put(f"/api/v1/admin/tours/{theirs.pk}/pickups", {"kind": "OPTIONAL"}).status_code == 404
    assert admin.put(ADDRESS, {"zones": [PRICE | {"zone": "theirs"}]}).status_code == 400
