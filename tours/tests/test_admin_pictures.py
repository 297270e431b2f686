"""The pictures on a tour's page: each step is one POST that answers with what is there then."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import AuditEntry
from config.tenancy import tenant_context
from tours.models import TourImage
from tours.services import add_image
from tours.tests.factories import OptionFactory
from tours.tests.test_images import photo


@pytest.fixture
def tour(tenant):
    return OptionFactory().tour


@pytest.fixture
def address(tour):
    return reverse("admin:tour_pictures", args=[tour.pk])


def uploaded(content=None):
    return SimpleUploadedFile("nile.jpg", photo().read() if content is None else content)


def test_every_step(staff, address, tour):
    for _ in range(2):
        answer = staff.post(address, {"do": "add", "file": uploaded()})
        assert answer.status_code == 200
    first, second = tour.images.all()
    assert first.is_cover
    assert answer.content.decode().count("data-image=") == 2

    assert staff.post(address, {"do": "texts", "image": second.pk, "alt_ar": " النيل "}).status_code == 200
    assert (
        staff.post(address, {"do": "focus", "image": second.pk, "focus_x": "12.4", "focus_y": 100}).status_code == 200
    )
    assert staff.post(address, {"do": "cover", "image": second.pk}).status_code == 200
    assert staff.post(address, {"do": "order", "order": f"{second.pk},{first.pk}"}).status_code == 200
    second.refresh_from_db()
    assert (second.alt_ar, second.focus, second.is_cover, second.display_order) == ("النيل", (12, 100), True, 0)

    answer = staff.post(address, {"do": "delete", "image": second.pk})
    assert (answer.status_code, tour.images.get().pk) == (200, first.pk)
    done = AuditEntry.objects.filter(action__startswith="tours.tour").values_list("action", flat=True)
    assert set(done) == {
        "tours.tourimage.added",
        "tours.tourimage.changed",
        "tours.tour.pictures_ordered",
        "tours.tourimage.deleted",
    }


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"do": "add"}, "Choose a picture."),
        ({"do": "fly"}, "This step is not known."),
        ({"do": "focus", "focus_x": "101", "focus_y": "1"}, "A number from 0 to 100."),
        ({"do": "focus", "focus_x": "nan", "focus_y": "1"}, "A number from 0 to 100."),
        ({"do": "focus", "focus_x": "-1", "focus_y": "1"}, "A number from 0 to 100."),
        ({"do": "focus", "focus_x": "", "focus_y": ""}, "A number from 0 to 100."),
        ({"do": "texts", "alt_en": "x" * 201}, "At most 200 letters."),
        ({"do": "order", "order": "x"}, "This picture has been deleted meanwhile."),
        ({"do": "order", "order": ""}, "This picture has been deleted meanwhile."),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(staff, address, tour, said, words):
    image = add_image(tour_id=tour.pk, upload=photo(), actor=None)
    before = TourImage.objects.values().get()
    answer = staff.post(address, {"image": image.pk, **said})
    assert (answer.status_code, words in answer.content.decode()) == (400, True)
    assert TourImage.objects.values().get() == before


def test_what_is_no_picture_is_refused_in_words(staff, address):
    answer = staff.post(address, {"do": "add", "file": uploaded(b"MZ")})
    assert (answer.status_code, "This is no image that we can read." in answer.content.decode()) == (400, True)


def test_a_picture_of_another_tour_or_operator_is_not_reached(staff, address, other_tenant):
    foreign = add_image(tour_id=OptionFactory().tour.pk, upload=photo(), actor=None)
    assert staff.post(address, {"do": "delete", "image": foreign.pk}).status_code == 400
    assert TourImage.objects.filter(pk=foreign.pk).exists()
    with tenant_context(other_tenant.pk):
        hidden = OptionFactory().tour
    assert staff.get(reverse("admin:tour_pictures", args=[hidden.pk])).status_code == 404


def test_the_tours_page_shows_the_manager(staff, tour):
    add_image(tour_id=tour.pk, upload=photo(), alt_en="A felucca", actor=None)
    page = staff.get(reverse("admin:tour_panel", args=[tour.pk, "pictures-1"])).content.decode()
    assert f'data-pictures="{reverse("admin:tour_pictures", args=[tour.pk])}"' in page
    assert "A felucca" in page
