"""Departures and pictures over the API, and the lists of staff."""

import errno
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.utils.timezone import now
from PIL import Image

from tours.models import Departure, TourImage
from tours.tests.factories import (
    DepartureFactory,
    TourFactory,
)

LIST = "/api/v1/tours"


@pytest.fixture
def tour(listed):
    return listed(slug="felucca", title_en="Felucca at sunset", title_ar="فلوكة عند الغروب")


@pytest.fixture
def admin(client_as):
    return client_as("ADMIN")


def picture(kind="PNG"):
    file = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(file, kind)
    file.seek(0)
    file.name = f"nile.{kind.lower()}"
    return file


# --- Departures ---


def tomorrow(days=3):
    return f"{now() + timedelta(days=days):%Y-%m-%d}"


def test_departures_are_made_and_changed(tour, admin, api):
    rows = [
        {"date": tomorrow(), "time": "09:30", "capacity": 6, "note_en": "Bring water"},
        {"date": tomorrow(), "time": "15:00"},
    ]
    answer = admin.put(f"{LIST}/felucca/availability", {"departures": rows})
    assert answer.status_code == 200, answer.content
    assert [(item["time"], item["capacity"]) for item in answer.json()["items"]] == [("09:30", 6), ("15:00", 20)]
    assert [item["note"] for item in api.get(f"{LIST}/felucca/availability").json()["items"]] == ["Bring water", ""]
    rows = [{"date": tomorrow(), "time": "09:30", "capacity": 8, "status": "CLOSED"}]
    assert admin.put(f"{LIST}/felucca/availability", {"departures": rows}).status_code == 200
    items = api.get(f"{LIST}/felucca/availability").json()["items"]
    assert [(item["time"], item["capacity"], item["status"]) for item in items] == [
        ("09:30", 8, "CLOSED"),
        ("15:00", 20, "OPEN"),
    ]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"date": "2020-01-01"}, "date"),
        ({"date": "soon"}, "date"),
        ({"time": "25:00"}, "time"),
        ({"capacity": 0}, "capacity"),
        ({"capacity": -5}, "capacity"),
        ({"capacity": 10**9}, "capacity"),
        ({"capacity": 2.5}, "capacity"),
        ({"status": "CANCELLED"}, "status"),
        ({"option": "unknown"}, "option"),
        ({"date": None}, "date"),
    ],
)
def test_wrong_departures_are_refused_whole(tour, admin, row, field):
    good = {"date": tomorrow(), "time": "09:00"}
    answer = admin.put(f"{LIST}/felucca/availability", {"departures": [good, {**good, "time": "10:00", **row}]})
    assert answer.status_code == 400, answer.content
    assert field in str(answer.json()["details"])
    assert Departure.objects.count() == 0


def test_capacity_never_falls_below_what_is_sold(tour, admin):
    departure = DepartureFactory(option=tour.options.get(), capacity=9, seats_booked=3, seats_held=2)
    start = departure.local_start()
    row = {"date": f"{start:%Y-%m-%d}", "time": f"{start:%H:%M:%S}", "capacity": 4}
    answer = admin.put(f"{LIST}/felucca/availability", {"departures": [row]})
    assert (answer.status_code, answer.json()["error_code"]) == (409, "capacity_below_sold")
    assert Departure.objects.get().capacity == 9


# --- Pictures ---


def test_pictures(tour, admin, api, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    first, second = (
        admin.post(f"{LIST}/felucca/images", {"file": picture(kind), "alt_en": kind}, format="multipart")
        for kind in ("PNG", "JPEG")
    )
    assert first.status_code == second.status_code == 201, first.content
    assert (first.json()["is_cover"], second.json()["is_cover"]) == (True, False)
    assert first.json()["file"].startswith("/media/tours/")
    assert api.get(f"{LIST}/felucca").json()["image"]["alt"] == "PNG"
    answer = admin.patch(f"{LIST}/felucca/images/{second.json()['id']}", {"is_cover": True, "alt_ar": "النيل"})
    assert (answer.status_code, answer.json()["is_cover"], answer.json()["alt_ar"]) == (200, True, "النيل")
    assert api.get(f"{LIST}/felucca").json()["image"]["alt"] == "JPEG"
    assert admin.delete(f"{LIST}/felucca/images/{second.json()['id']}").status_code == 204
    assert [image["alt"] for image in api.get(f"{LIST}/felucca").json()["images"]] == ["PNG"]


def test_what_is_no_picture_is_refused(tour, admin):
    for content in (b"", b"<svg onload=alert(1)/>", b"\x89PNG\r\n\x1a\n but not really", b"GIF89a"):
        file = BytesIO(content)
        file.name = "nile.png"
        answer = admin.post(f"{LIST}/felucca/images", {"file": file}, format="multipart")
        assert (answer.status_code, list(answer.json()["details"])) == (400, ["file"])
    assert admin.post(f"{LIST}/felucca/images", {"file": "text"}, format="multipart").status_code == 400
    assert admin.post(f"{LIST}/felucca/images", {"file": "text"}).status_code == 415
    assert TourImage.objects.count() == 0


def test_a_picture_is_reached_through_its_own_tour_only(tour, listed, admin):
    image = TourImage.objects.create(tour=listed(slug="other"), file="tours/x.jpg", width=8, height=6)
    assert admin.delete(f"{LIST}/felucca/images/{image.pk}").status_code == 404
    assert TourImage.objects.count() == 1


# --- Lists of staff ---


def test_the_staffs_list(tour, admin, django_assert_max_num_queries):
    draft = TourFactory(title_en="Unfinished", status="DRAFT", destination=tour.destination)
    TourFactory(title_en="Gone", deleted_at=now(), destination=tour.destination)
    DepartureFactory(option=tour.options.get(), status="CANCELLED", starts_at=now() + timedelta(days=1))
    coming = DepartureFactory(option=tour.options.get(), starts_at=now() + timedelta(days=2))
    admin.get("/api/v1/admin/tours")
    with django_assert_max_num_queries(2):
        body = admin.get("/api/v1/admin/tours").json()
    assert [row["title_en"] for row in body["items"]] == ["Unfinished", "Felucca at sunset"]
    assert (body["total"], body["pages"]) == (2, 1)
    assert body["items"][1]["next_departure"].startswith(f"{coming.starts_at:%Y-%m-%dT%H:%M}")
    for asked, found in (
        ({"status": "DRAFT"}, [draft]),
        ({"status": ["DRAFT", "ACTIVE"]}, [draft, tour]),
        ({"q": "فلوكة"}, [tour]),
        ({"q": "unfin"}, [draft]),
        ({"q": "%"}, []),
        ({"kind": "PACKAGE"}, []),
        ({"destination": tour.destination.slug}, [draft, tour]),
        ({"category": "cultural", "featured": "false"}, [draft, tour]),
    ):
        rows = admin.get("/api/v1/admin/tours", asked).json()["items"]
        assert [row["id"] for row in rows] == [str(one.pk) for one in found], asked


def test_the_staffs_departures(tour, admin, django_assert_max_num_queries):
    option = tour.options.get()
    full = DepartureFactory(option=option, capacity=2, seats_booked=2)
    closed = DepartureFactory(option=option, starts_at=full.starts_at + timedelta(days=1), status="CLOSED")
    admin.get("/api/v1/admin/departures")
    with django_assert_max_num_queries(2):
        body = admin.get("/api/v1/admin/departures").json()
    assert [(row["seats_booked"], row["available"], row["status"]) for row in body["items"]] == [
        (2, 0, "OPEN"),
        (0, 10, "CLOSED"),
    ]
    assert body["items"][0]["tour"] == {"id": str(tour.pk), "title": tour.title_en}
    for asked, found in (
        ({"sold_out": "true"}, [full]),
        ({"sold_out": "false"}, [closed]),
        ({"status": "CLOSED"}, [closed]),
        ({"tour": str(tour.pk), "date_to": str(full.local_date)}, [full]),
        ({"date_from": str(closed.local_date)}, [closed]),
        ({"destination": "nowhere"}, []),
    ):
        rows = admin.get("/api/v1/admin/departures", asked).json()["items"]
        assert [row["id"] for row in rows] == [str(one.pk) for one in found], asked


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("tours", {"status": "SOLD"}),
        ("tours", {"kind": "x"}),
        ("tours", {"q": "a\0"}),
        ("tours", {"q": "x" * 201}),
        ("tours", {"size": "0"}),
        ("departures", {"tour": "felucca"}),
        ("departures", {"status": "x"}),
        ("departures", {"date_from": "x"}),
        ("departures", {"destination": "a\0"}),
    ],
)
def test_wrong_filters_of_staff_are_refused(tour, admin, path, asked):
    answer = admin.get(f"/api/v1/admin/{path}", asked)
    assert (answer.status_code, list(answer.json()["details"])) == (400, [next(iter(asked))])


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS])
def test_without_room_for_pictures_they_wait_and_the_rest_goes_on(tour, admin, api, monkeypatch, fault):
    """The disk is full, or can only be read."""

    def refuse(name, content):
        raise OSError(fault, "no room under /secret/place")

    monkeypatch.setattr(default_storage._wrapped, "_save", refuse)
    answer = admin.post(f"{LIST}/felucca/images", {"file": picture(), "alt_en": "Nile"}, format="multipart")
    assert (answer.status_code, answer.json()["error_code"], answer["Retry-After"]) == (503, "unavailable", "5")
    assert "secret" not in answer.content.decode()
    assert not TourImage.objects.exists()
    assert api.get(f"{LIST}/felucca").status_code == 200
