"""Who may do what with tours over the API, and what staff send."""

from decimal import Decimal
from uuid import uuid4

import pytest

from accounts.models import AuditEntry, Role, RolePermission
from config.tenancy import tenant_context
from tours.models import Departure, PublishedTour, Tour, TourImage
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

LIST = "/api/v1/tours"


@pytest.fixture
def tour(listed):
    return listed(slug="felucca", title_en="Felucca at sunset", title_ar="فلوكة عند الغروب")


@pytest.fixture
def admin(client_as):
    return client_as("ADMIN")


@pytest.fixture
def body(tenant):
    """What a new tour needs, ready for sale."""
    CurrencyFactory(code="EGP")
    for code in ("adult", "child"):
        PriceCategoryFactory(code=code)
    return {
        "kind": "PACKAGE",
        "title_en": "Four days on the Nile",
        "title_ar": "أربعة أيام على النيل",
        "summary_en": "From Luxor to Aswan on a sailing boat.",
        "summary_ar": "من الأقصر إلى أسوان على مركب شراعي.",
        "description_en": "We sail by day, sleep on the bank by night, and see the temples before anybody else comes.",
        "description_ar": "نبحر نهارا وننام على الضفة ليلا ونرى المعابد قبل أن يصل أي أحد غيرنا إليها.",
        "destination": DestinationFactory(slug="luxor", city_en="Luxor", city_ar="الأقصر").slug,
        "category": CategoryFactory(code="nature").code,
        "difficulty": "easy",
        "meeting_point_en": "Luxor temple",
        "meeting_point_ar": "معبد الأقصر",
        "duration_minutes": 5760,
        "nights": 3,
        "highlights_en": ["Kom Ombo"],
        "highlights_ar": ["كوم أمبو"],
        "inclusions_en": ["All meals"],
        "inclusions_ar": ["جميع الوجبات"],
        "tags": ["boat", "slow"],
        "cancellation_policy": str(CancellationPolicyFactory().pk),
        "currency": "EGP",
        "tax": TaxRateFactory().code,
        "options": [
            {
                "code": "shared",
                "name_en": "Shared boat",
                "name_ar": "مركب مشترك",
                "capacity": 12,
                "prices": [
                    {"category": "adult", "amount": "9000.00", "original_amount": "9500.00"},
                    {"category": "child", "amount": "4500.00", "original_amount": None},
                ],
            }
        ],
        "extras": [
            {"code": "tent", "name_en": "Own tent", "name_ar": "خيمة خاصة", "basis": "PER_UNIT", "amount": "300.00"}
        ],
        "itinerary": [
            {"day": 1, "title_en": "Luxor to Esna", "title_ar": "من الأقصر إلى إسنا", "dinner": True},
            {
                "day": 2,
                "title_en": "Esna to Edfu",
                "title_ar": "من إسنا إلى إدفو",
                "activities_en": ["Temple of Horus"],
            },
        ],
    }


# --- Who may ---

STRANGER, CUSTOMER, AGENT, EMPLOYEE, ADMIN = "stranger", "CUSTOMER", "AGENT", "EMPLOYEE", "ADMIN"
EVERYONE = (200,) * 5
ROLES = (STRANGER, CUSTOMER, AGENT, EMPLOYEE, ADMIN)
TABLE = [
    ("GET", "/tours", EVERYONE),
    ("GET", "/tours/featured", EVERYONE),
    ("GET", "/tours/deals", EVERYONE),
    ("GET", "/tours/popular", EVERYONE),
    ("GET", "/tours/autocomplete?q=fel", EVERYONE),
    ("GET", "/categories", EVERYONE),
    ("GET", "/destinations", EVERYONE),
    ("GET", "/tours/felucca", EVERYONE),
    ("GET", "/tours/felucca/availability", EVERYONE),
    ("GET", "/tours/felucca/calendar", EVERYONE),
    ("GET", "/tours/felucca/similar", EVERYONE),
    ("GET", "/tours?facets=true", EVERYONE),
    ("GET", "/wishlist", (401, 200, 200, 200, 200)),
    ("PUT", "/wishlist/felucca", (401, 201, 201, 201, 201)),
    ("DELETE", "/wishlist/felucca", (401, 204, 204, 204, 204)),
    ("POST", "/wishlist/merge", (401, 400, 400, 400, 400)),
    ("POST", "/wishlist/share", (401, 200, 200, 200, 200)),
    ("DELETE", "/wishlist/share", (401, 204, 204, 204, 204)),
    ("GET", "/wishlist/shared/x", (404,) * 5),
    ("GET", "/tours/draft", (404, 404, 404, 200, 200)),
    ("GET", "/tours/draft/availability", (404, 404, 404, 200, 200)),
    ("POST", "/tours", (401, 403, 403, 403, 400)),
    ("PUT", "/tours/felucca", (401, 403, 403, 403, 400)),
    ("PATCH", "/tours/felucca", (401, 403, 403, 403, 200)),
    ("PATCH", "/tours/unknown", (401, 403, 403, 403, 404)),
    ("DELETE", "/tours/felucca", (401, 403, 403, 403, 204)),
    ("PUT", "/tours/felucca/availability", (401, 403, 403, 400, 400)),
    ("POST", "/tours/felucca/images", (401, 403, 403, 403, 400)),
    ("PATCH", f"/tours/felucca/images/{uuid4()}", (401, 403, 403, 403, 404)),
    ("DELETE", f"/tours/felucca/images/{uuid4()}", (401, 403, 403, 403, 404)),
    ("GET", "/admin/tours", (401, 403, 403, 200, 200)),
    ("GET", "/admin/tours/draft", (401, 403, 403, 200, 200)),
    ("GET", "/admin/departures", (401, 403, 403, 200, 200)),
    ("POST", "/tours/felucca", (405,) * 5),
    ("DELETE", "/tours", (405,) * 5),
]


@pytest.mark.parametrize("role", ROLES)
def test_roles(tour, api, client_as, role):
    TourFactory(slug="draft", status="DRAFT")
    client = api if role == STRANGER else client_as(role)
    outcome = {}
    for method, path, _statuses in TABLE:
        form = {"format": "multipart"} if path.endswith("/images") else {}
        answer = (
            client.generic(method, f"/api/v1{path}")
            if method == "GET"
            else getattr(client, method.lower())(f"/api/v1{path}", {}, **form)
        )
        outcome[method, path] = answer.status_code
        if answer.status_code >= 400:
            assert set(answer.json()) == {"error", "error_code", "message", "details", "timestamp", "request_id"}
    place = ROLES.index(role)
    assert outcome == {(method, path): statuses[place] for method, path, statuses in TABLE}


def test_another_operators_staff_are_strangers_here(tour, other_tenant, admin):
    """A token counts with the operator that issued it only."""
    for method, path in (("patch", f"{LIST}/felucca"), ("get", "/api/v1/admin/tours")):
        assert getattr(admin, method)(path, {}, HTTP_X_TENANT="other").status_code == 401


def test_rows_of_another_operator_do_not_exist(tour, other_tenant, admin):
    with tenant_context(other_tenant.pk):
        foreign = OptionFactory(tour__slug="foreign").tour
        image = TourImage.objects.create(tour=foreign, file="tours/x.jpg", width=8, height=6)
        policy = foreign.cancellation_policy
    for given in (foreign.pk, "foreign"):
        for method, rest in (
            *(("get", ""), ("get", "/availability"), ("get", "/calendar"), ("patch", ""), ("delete", "")),
            *(("patch", f"/images/{image.pk}"), ("delete", f"/images/{image.pk}")),
        ):
            assert getattr(admin, method)(f"{LIST}/{given}{rest}", {}).status_code == 404, (method, rest)
        assert admin.get(f"/api/v1/admin/tours/{given}").status_code == 404
        sent = {"departures": [{"date": "2027-01-01", "time": "09:00"}]}
        assert admin.put(f"{LIST}/{given}/availability", sent).status_code == 404
    assert admin.get("/api/v1/admin/departures", {"tour": str(foreign.pk)}).json()["total"] == 0
    answer = admin.patch(f"{LIST}/felucca", {"cancellation_policy": str(policy.pk)})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["cancellation_policy"])
    assert admin.delete(f"{LIST}/felucca/images/{image.pk}").status_code == 404


# --- Making and changing ---


def test_a_tour_is_made_published_and_found(body, admin, api):
    answer = admin.post(LIST, {**body, "status": "ACTIVE"})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["slug"], made["status"]) == ("four-days-on-the-nile", "ACTIVE")
    for name, sent in body.items():
        if name not in {"options", "extras", "itinerary"}:
            assert made[name] == sent, name
    assert made["options"][0]["prices"] == body["options"][0]["prices"]
    assert made["extras"][0]["amount"] == "300.00"
    assert [day["day"] for day in made["itinerary"]] == [1, 2]
    (found,) = api.get(LIST, {"q": "الاقصر"}).json()["items"]
    assert (found["id"], found["price_from"], found["original_price"]) == (made["id"], "9000.00", "9500.00")
    assert AuditEntry.objects.filter(action="tours.tour.added", subject_id=made["id"]).count() == 1


def test_a_tour_does_not_hide_behind_a_list(body, admin, api):
    made = admin.post(LIST, {**body, "title_en": "Featured", "status": "ACTIVE"}).json()
    assert made["slug"] == "featured-2"
    assert api.get(f"{LIST}/featured-2").json()["title"] == "Featured"


def test_what_is_read_can_be_sent_back(body, admin):
    made = admin.post(LIST, body).json()
    read = admin.get(f"/api/v1/admin/tours/{made['id']}").json()
    assert read == made
    again = admin.put(f"{LIST}/{made['id']}", {**read, "title_en": "Five days on the Nile"})
    assert again.status_code == 200, again.content
    assert again.json() | {"updated_at": None} == {
        **read,
        "title_en": "Five days on the Nile",
        "slug": again.json()["slug"],
        "updated_at": None,
    }


def test_a_new_tour_is_a_draft_that_nobody_sees(body, admin, api):
    made = admin.post(LIST, {name: body[name] for name in body if not name.endswith("_ar")}).json()
    assert made["status"] == "DRAFT"
    assert api.get(f"{LIST}/{made['id']}").status_code == 404
    assert api.get(LIST).json()["total"] == 0
    preview = admin.get(f"{LIST}/{made['id']}").json()
    assert (preview["status"], preview["title"], preview["next_departure"]) == ("DRAFT", body["title_en"], None)


def test_some_fields_can_be_changed(tour, admin, api):
    answer = admin.patch(f"{LIST}/felucca", {"summary_en": "Two hours of wind.", "tags": ["boat"]})
    assert (answer.status_code, answer.json()["summary_en"], answer.json()["tags"]) == (
        200,
        "Two hours of wind.",
        ["boat"],
    )
    assert answer.json()["title_en"] == tour.title_en
    assert api.get(f"{LIST}/felucca").json()["summary"] == "Two hours of wind."


def test_prices_given_replace_those_before(tour, admin, api):
    sent = {"options": [{"code": "standard", "prices": [{"category": "adult", "amount": "80"}]}]}
    answer = admin.patch(f"{LIST}/felucca", sent)
    if answer.status_code == 400:  # names of an option are always sent
        assert set(answer.json()["details"]["options"][0]) == {"name_en", "name_ar"}
        sent["options"][0] |= {"name_en": "Shared tour", "name_ar": "جولة مشتركة"}
        answer = admin.patch(f"{LIST}/felucca", sent)
    assert answer.status_code == 200, answer.content
    page = api.get(f"{LIST}/felucca").json()
    assert [(price["category"], price["amount"]) for price in page["options"][0]["prices"]] == [("adult", "80.00")]
    assert page["price_from"] == "80.00"


def test_deleting_hides_and_is_refused_while_people_are_booked(tour, admin, api):
    departure = DepartureFactory(option=tour.options.get(), seats_booked=2)
    answer = admin.delete(f"{LIST}/felucca")
    assert (answer.status_code, answer.json()["error_code"]) == (409, "tour_has_bookings")
    assert api.get(f"{LIST}/felucca").status_code == 200
    Departure.objects.filter(pk=departure.pk).update(seats_booked=0)
    assert admin.delete(f"{LIST}/felucca").status_code == 204
    assert api.get(f"{LIST}/felucca").status_code == 404
    assert admin.get(f"{LIST}/felucca").status_code == 404
    assert PublishedTour.objects.count() == 0


def test_publishing_is_a_permission_of_its_own(tour, client_as, admin):
    RolePermission.objects.filter(role__code=Role.Code.ADMIN, permission__codename="publish").delete()
    clerk = client_as("ADMIN")
    RolePermission.objects.filter(role__code=Role.Code.ADMIN, permission__codename="publish").delete()
    assert clerk.patch(f"{LIST}/felucca", {"status": "ACTIVE"}).status_code == 200  # nothing changes
    assert clerk.patch(f"{LIST}/felucca", {"status": "INACTIVE"}).status_code == 403
    assert Tour.objects.get(pk=tour.pk).status == "ACTIVE"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"title_en": "ab"}, 400, "title_en"),
        ({"title_en": "x" * 201}, 400, "title_en"),
        ({"title_en": "a\0bc"}, 400, "title_en"),
        ({"title_en": None}, 400, "title_en"),
        ({"title_en": ["a"]}, 400, "title_en"),
        ({"title_en": "FELUCCA AT SUNSET"}, 409, "title_en"),
        ({"summary_en": "short"}, 400, "summary_en"),
        ({"summary_en": "x" * 501}, 400, "summary_en"),
        ({"description_en": "x" * 49}, 400, "description_en"),
        ({"meeting_point_en": "here"}, 400, "meeting_point_en"),
        ({"destination": "atlantis"}, 400, "destination"),
        ({"category": "none"}, 400, "category"),
        ({"cancellation_policy": str(uuid4())}, 400, "cancellation_policy"),
        ({"cancellation_policy": "flexible"}, 400, "cancellation_policy"),
        ({"currency": "XXX"}, 400, "currency"),
        ({"currency": "DOLLAR"}, 400, "currency"),
        ({"tax": "none"}, 400, "tax"),
        ({"kind": "CRUISE"}, 400, "kind"),
        ({"difficulty": "hard"}, 400, "difficulty"),
        ({"duration_minutes": 0}, 400, "duration_minutes"),
        ({"duration_minutes": -60}, 400, "duration_minutes"),
        ({"duration_minutes": 1.5}, 400, "duration_minutes"),
        ({"duration_minutes": 10**12}, 400, "duration_minutes"),
        ({"min_group_size": 9, "max_group_size": 8}, 400, "max_group_size"),
        ({"min_guests": 9, "max_guests": 8}, 400, "max_guests"),
        ({"highlights_en": [f"Number {n}" for n in range(11)]}, 400, "highlights_en"),
        ({"inclusions_en": [f"Number {n}" for n in range(16)]}, 400, "inclusions_en"),
        ({"highlights_en": "one"}, 400, "highlights_en"),
        ({"tags": ["has space"]}, 400, "tags"),
        ({"slug": "not a slug"}, 400, "slug"),
        ({"slug": "felucca"}, 409, None),
        ({"slug": "deals"}, 409, None),
        ({"status": "SOLD"}, 400, "status"),
        ({"options": "none"}, 400, "options"),
        ({"options": [{"code": "x"}]}, 400, "options"),
        ({"extras": [{"code": "tent", "name_en": "Tent", "name_ar": "خيمة", "amount": "-1"}]}, 400, "extras"),
        ({"itinerary": [{"day": 0, "title_en": "Zero", "title_ar": "صفر"}]}, 400, "itinerary"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field(tour, body, admin, change, status, field):
    answer = admin.post(LIST, {**body, **change})
    assert answer.status_code == status, answer.content
    if field:
        assert [name.split(".")[0] for name in answer.json()["details"]] == [field]
    assert Tour.objects.count() == 1


@pytest.mark.parametrize(
    ("price", "fault"),
    [
        ({"category": "adult", "amount": "-1"}, "amount"),
        ({"category": "adult", "amount": "1.005"}, "amount"),
        ({"category": "adult", "amount": "many"}, "amount"),
        ({"category": "adult", "amount": "1e30"}, "amount"),
        ({"category": "adult", "amount": "NaN"}, "amount"),
        ({"category": "adult", "amount": None}, "amount"),
        ({"category": "adult", "amount": "10", "original_amount": "10"}, "original_amount"),
        ({"category": "martian", "amount": "10"}, "category"),
        ({"amount": "10"}, "category"),
    ],
)
def test_wrong_prices_are_refused(tour, body, admin, price, fault):
    body["options"][0]["prices"] = [price]
    answer = admin.post(LIST, body)
    assert answer.status_code == 400, answer.content
    assert fault in str(answer.json()["details"])
    assert Tour.objects.count() == 1


@pytest.mark.parametrize("sent", [[], "text", None, 7, [{"title_en": "x"}]])
def test_a_body_that_is_no_object(tour, admin, sent):
    for method, path in (
        (admin.post, LIST),
        (admin.put, f"{LIST}/felucca"),
        (admin.put, f"{LIST}/felucca/availability"),
    ):
        assert method(path, sent).status_code == 400


def test_bodies_that_are_not_json(tour, admin):
    assert admin.post(LIST, "{", content_type="application/json").status_code == 400
    assert admin.post(LIST, "<a/>", content_type="application/xml").status_code == 415
    assert admin.post(LIST, b"\xff\xfe", content_type="application/json").status_code == 400


def test_the_same_key_makes_one_tour(body, admin):
    answers = [admin.post(LIST, body, HTTP_IDEMPOTENCY_KEY="tour-1") for _time in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert admin.post(LIST, {**body, "nights": 4}, HTTP_IDEMPOTENCY_KEY="tour-1").status_code == 422


def test_amounts_are_exact(body, admin):
    body["currency"] = CurrencyFactory(code="KWD").code
    body["options"][0]["prices"] = [{"category": "adult", "amount": "12.345"}]
    body["extras"] = []
    made = admin.post(LIST, body).json()
    assert made["options"][0]["prices"][0]["amount"] == "12.345"
    assert Tour.objects.get(pk=made["id"]).options.get().prices.get().amount == Decimal("12.345")
