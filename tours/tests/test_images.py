"""Pictures: checked, freed of metadata, made small, one cover, and gone with their row."""

from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from accounts.models import AuditEntry
from config.errors import InvalidInput
from config.tenancy import tenant_context
from notifications.models import Event
from tours.errors import ImageNotFound, TourNotFound
from tours.models import TourImage
from tours.services import add_image, change_image, delete_image
from tours.tests.factories import OptionFactory

CAMERA = "SecretCamera 3000"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def tour(tenant):
    return OptionFactory().tour


def photo(size=(1200, 800), format="JPEG"):
    exif = Image.Exif()
    exif[0x0110] = CAMERA
    content = BytesIO()
    Image.new("RGB", size, "teal").save(content, format, exif=exif)
    return ContentFile(content.getvalue(), name="whatever.exe")


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def covers(tour):
    return list(TourImage.objects.filter(tour=tour, is_cover=True).values_list("alt_en", flat=True))


def test_a_picture_is_stripped_and_gets_a_thumbnail(tour, media):
    assert CAMERA.encode() in photo().read()
    image = add_image(tour_id=tour.pk, upload=photo(), alt_en="The Nile", alt_ar="النيل", actor=None)
    assert (image.width, image.height, image.is_cover) == (1200, 800, True)
    assert image.file.name.startswith(f"tours/{tour.slug}-")
    with Image.open(image.thumbnail.path) as small, Image.open(image.file.path) as large:
        assert (small.size, large.size, large.format) == ((480, 320), (1200, 800), "JPEG")
        assert not large.getexif()
    assert all(CAMERA.encode() not in path.read_bytes() for path in media.rglob("*.*"))
    assert AuditEntry.objects.get().action == "tours.tourimage.added"
    assert Event.objects.get().type == "tour.changed"


@pytest.mark.parametrize(
    "content", [b"", b"not an image", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", photo().read()[:900]]
)
def test_what_is_no_image_is_refused(tour, media, content):
    with pytest.raises(InvalidInput) as refused:
        add_image(tour_id=tour.pk, upload=ContentFile(content, name="photo.jpg"), actor=None)
    assert list(refused.value.details) == ["file"]
    assert not TourImage.objects.exists()
    assert files(media) == []


def test_there_is_exactly_one_cover(tour):
    first = add_image(tour_id=tour.pk, upload=photo(), alt_en="first", actor=None)
    second = add_image(tour_id=tour.pk, upload=photo(), alt_en="second", actor=None)
    assert covers(tour) == ["first"]
    add_image(tour_id=tour.pk, upload=photo(), alt_en="third", is_cover=True, actor=None)
    assert covers(tour) == ["third"]
    change_image(image_id=second.pk, data={"is_cover": True}, actor=None)
    assert covers(tour) == ["second"]
    with pytest.raises(InvalidInput):
        change_image(image_id=second.pk, data={"is_cover": False}, actor=None)
    delete_image(image_id=second.pk, actor=None)
    assert covers(tour) == ["first"]
    delete_image(image_id=first.pk, actor=None)
    assert covers(tour) == ["third"]
    assert [image.alt_en for image in tour.images.all()] == ["third"]


def test_texts_and_order_change(tour):
    image = add_image(tour_id=tour.pk, upload=photo(), actor=None)
    change_image(image_id=image.pk, data={"alt_ar": "النيل", "display_order": 7}, actor=None)
    image.refresh_from_db()
    assert (image.alt_ar, image.display_order) == ("النيل", 7)
    entry = AuditEntry.objects.get(action="tours.tourimage.changed")
    assert (entry.before, entry.after) == ({"alt_ar": "", "display_order": 0}, {"alt_ar": "النيل", "display_order": 7})


def test_files_go_when_the_deletion_is_committed(tour, media, django_capture_on_commit_callbacks):
    image = add_image(tour_id=tour.pk, upload=photo(), actor=None)
    assert len(files(media)) == 2
    with django_capture_on_commit_callbacks() as callbacks:
        delete_image(image_id=image.pk, actor=None)
    assert len(files(media)) == 2
    for callback in callbacks:
        callback()
    assert files(media) == []


def test_pictures_and_tours_of_others_do_not_exist(tour, other_tenant):
    image = add_image(tour_id=tour.pk, upload=photo(), actor=None)
    with tenant_context(other_tenant.pk):
        with pytest.raises(TourNotFound):
            add_image(tour_id=tour.pk, upload=photo(), actor=None)
        with pytest.raises(ImageNotFound):
            change_image(image_id=image.pk, data={}, actor=None)
        with pytest.raises(ImageNotFound):
            delete_image(image_id=image.pk, actor=None)
