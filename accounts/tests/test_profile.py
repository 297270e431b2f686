"""What people say about themselves: profile, picture, travel preferences."""

from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import AuditEntry, TravelPreferences, User
from config.tenancy import tenant_context

pytestmark = pytest.mark.django_db

ME, PICTURE, PREFERENCES = "/api/v1/auth/me", "/api/v1/auth/me/picture", "/api/v1/auth/preferences"


@pytest.fixture(autouse=True)
def _media(settings, tmp_path, roles):
    settings.MEDIA_ROOT = tmp_path
    settings.THROTTLE_DEFAULT = "1000/min"


@pytest.fixture
def mona(person):
    return person(email="mona@example.com")


def image(size=(800, 400), format_="PNG") -> SimpleUploadedFile:
    content = BytesIO()
    Image.new("RGB", size, "teal").save(content, format_)
    return SimpleUploadedFile("me.exe", content.getvalue(), "application/x-msdownload")


def test_me(client_of, mona):
    body = client_of(mona).get(ME).json()
    assert body == {
        "id": str(mona.pk),
        "email": "mona@example.com",
        "email_verified": False,
        "first_name": "Mona",
        "last_name": "Saleh",
        "phone": "",
        "date_of_birth": None,
        "picture": None,
        "language": "en",
        "currency": "",
        "role": "CUSTOMER",
        "permissions": [],
        "is_active": True,
        "created_at": body["created_at"],
    }


def test_staff_see_their_rights(client_of, person):
    body = client_of(person("EMPLOYEE")).get(ME).json()
    assert body["role"] == "EMPLOYEE"
    assert "bookings.confirm" in body["permissions"]
    assert "payments.refund" not in body["permissions"]


def test_a_profile_is_changed_in_part_and_audited(client_of, mona):
    changes = {
        "first_name": " Muna ",
        "phone": "+20 100 123 4567",
        "date_of_birth": "1990-05-17",
        "language": "ar",
        "currency": "egp",
    }
    body = client_of(mona).patch(ME, changes).json()
    assert (body["first_name"], body["last_name"], body["phone"]) == ("Muna", "Saleh", "+201001234567")
    assert (body["date_of_birth"], body["language"], body["currency"]) == ("1990-05-17", "ar", "EGP")
    entry = AuditEntry.objects.get(action="accounts.user.changed")
    assert (entry.actor_id, entry.before["first_name"], entry.after["first_name"]) == (mona.pk, "Mona", "Muna")
    assert entry.after["date_of_birth"] == "1990-05-17"
    assert client_of(mona).patch(ME, {"phone": "", "date_of_birth": None}).json()["phone"] == ""


def test_a_change_that_changes_nothing_leaves_no_entry(client_of, mona):
    assert client_of(mona).patch(ME, {"first_name": "Mona"}).status_code == 200
    assert not AuditEntry.objects.exists()


def test_nobody_makes_themselves_more_than_they_are(client_of, mona):
    gifts = {
        "role": "ADMIN",
        "is_superuser": True,
        "is_active": False,
        "email": "x@y.z",
        "email_verified": True,
        "permissions": ["*"],
    }
    client_of(mona).patch(ME, gifts)
    mona.refresh_from_db()
    assert (mona.is_superuser, mona.is_active, mona.email, mona.email_verified_at) == (
        False,
        True,
        "mona@example.com",
        None,
    )
    assert mona.membership.role.code == "CUSTOMER"


@pytest.mark.parametrize(
    "change",
    [
        {"first_name": ""},
        {"first_name": "M"},
        {"first_name": None},
        {"last_name": "x" * 51},
        {"phone": "12345"},
        {"phone": "+999999999999999999"},
        {"phone": 5},
        {"date_of_birth": "17.05.1990"},
        {"date_of_birth": "2999-01-01"},
        {"date_of_birth": "1800-01-01"},
        {"language": "fr"},
        {"currency": "XXXX"},
        {"currency": "QQQ"},
    ],
)
def test_a_profile_that_is_not_right(client_of, mona, change):
    response = client_of(mona).patch(ME, change)
    assert response.status_code == 400
    assert list(response.json()["details"]) == list(change)
    assert User.objects.get(pk=mona.pk).first_name == "Mona"


# --- Picture ---


def test_a_picture_is_made_small_and_replaces_the_one_before(client_of, mona):
    client = client_of(mona)
    first = client.put(PICTURE, {"picture": image()}, format="multipart")
    assert first.status_code == 200, first.json()
    name = User.objects.get(pk=mona.pk).picture.name
    with default_storage.open(name) as stored:
        picture = Image.open(stored)
        assert (picture.size, picture.format) == ((512, 256), "JPEG")
    assert first.json()["picture"].endswith(name)
    assert name.endswith(".jpg")
    client.put(PICTURE, {"picture": image((100, 100))}, format="multipart")
    assert not default_storage.exists(name)
    second = User.objects.get(pk=mona.pk).picture.name
    assert default_storage.exists(second)
    assert client.delete(PICTURE).status_code == 204
    assert client.delete(PICTURE).status_code == 204
    assert client.get(ME).json()["picture"] is None
    assert not default_storage.exists(second)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"MZ\x90\x00 a program", b"\x89PNG\r\n\x1a\n broken"])
def test_a_picture_that_is_none(client_of, mona, content):
    upload = SimpleUploadedFile("a.png", content, "image/png")
    response = client_of(mona).put(PICTURE, {"picture": upload}, format="multipart")
    assert (response.status_code, list(response.json()["details"])) == (400, ["picture"])
    assert not User.objects.get(pk=mona.pk).picture


def test_a_picture_must_be_sent_as_a_form(client_of, mona, settings):
    assert client_of(mona).put(PICTURE, {"picture": "text"}).status_code == 415
    assert client_of(mona).put(PICTURE, {}, format="multipart").status_code == 400
    settings.MAX_IMAGE_BYTES = 100
    assert client_of(mona).put(PICTURE, {"picture": image()}, format="multipart").status_code == 400


def test_thirteen_megabytes_are_refused_unread(client_of, mona):
    upload = SimpleUploadedFile("a.png", b"x" * 13 * 1024 * 1024, "image/png")
    response = client_of(mona).put(PICTURE, {"picture": upload}, format="multipart")
    assert (response.status_code, response.json()["error_code"]) == (413, "body_too_large")


# --- Preferences ---

WISHES = {
    "favourite_destinations": ["Luxor", "العلا"],
    "budget_min": "500.000",
    "budget_max": "2500.500",
    "travel_style": "FAMILY",
    "interests": ["history", "snorkelling"],
    "dietary_needs": "halal, no nuts",
}
NO_WISHES = {
    "favourite_destinations": [],
    "budget_min": None,
    "budget_max": None,
    "travel_style": "",
    "interests": [],
    "dietary_needs": "",
}


def test_preferences_are_empty_then_kept_then_replaced_whole(client_of, mona):
    client = client_of(mona)
    assert client.get(PREFERENCES).json() == NO_WISHES
    assert not TravelPreferences.objects.exists()
    assert client.put(PREFERENCES, WISHES).json() == WISHES
    assert client.get(PREFERENCES).json() == WISHES
    assert client.put(PREFERENCES, {"travel_style": "LUXURY"}).json() == {**NO_WISHES, "travel_style": "LUXURY"}
    assert TravelPreferences.objects.count() == 1


def test_preferences_are_told_to_one_operator_and_by_one_person(client_of, mona, person, other_tenant):
    client_of(mona).put(PREFERENCES, WISHES)
    assert client_of(person()).get(PREFERENCES).json() == NO_WISHES
    with tenant_context(other_tenant.pk):
        there = client_of(mona)
    assert there.get(PREFERENCES, HTTP_X_TENANT="other").json() == NO_WISHES


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"budget_min": "-1"}, "budget_min"),
        ({"budget_min": "10", "budget_max": "5"}, "budget_max"),
        ({"budget_max": "NaN"}, "budget_max"),
        ({"budget_max": "1" * 20}, "budget_max"),
        ({"travel_style": "SPACE"}, "travel_style"),
        ({"interests": "history"}, "interests"),
        ({"interests": ["x" * 81]}, "interests"),
        ({"interests": ["x"] * 31}, "interests"),
        ({"favourite_destinations": [{"a": 1}]}, "favourite_destinations"),
        ({"dietary_needs": "x" * 301}, "dietary_needs"),
    ],
)
def test_preferences_that_are_not_right(client_of, mona, change, field):
    response = client_of(mona).put(PREFERENCES, change)
    assert response.status_code == 400
    assert field in response.json()["details"]
    assert not TravelPreferences.objects.exists()
