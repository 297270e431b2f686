"""Sizes of pictures: made beside the original, around the focal point, once, and gone with it."""

from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.timezone import now
from PIL import Image, ImageDraw

from config import pictures
from config.celery import app
from config.errors import InvalidInput
from config.tenancy import tenant_context
from config.testing import run_together
from tours import tasks
from tours.errors import TooManyImages
from tours.models import PublishedTour, TourImage
from tours.published import faults_in_facts
from tours.services import add_image, change_image, delete_image, images, order_images
from tours.tests.factories import OptionFactory


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    app.conf.task_always_eager = False  # each test says itself when the task runs
    return tmp_path


@pytest.fixture
def tour(tenant):
    return OptionFactory().tour


def photo(size=(2400, 1200), kind="JPEG", mode="RGB", exif=None):
    """Teal, with a red square in the lower right corner."""
    content = BytesIO()
    picture = Image.new(mode, size, (0, 128, 128, 90) if mode == "RGBA" else "teal")
    ImageDraw.Draw(picture).rectangle([size[0] * 0.9, size[1] * 0.8, *size], fill="red")
    picture.save(content, kind, **({"exif": exif} if exif else {}))
    return ContentFile(content.getvalue(), name="p.jpg")


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def made(tour, **how):
    image = add_image(tour_id=tour.pk, upload=photo(**how), actor=None)
    assert images.make_image_sizes(image.pk) is True
    image.refresh_from_db()
    return image


def by_kind(image):
    found = {}
    for size in image.sizes:
        found.setdefault(size["kind"], []).append((size["width"], size["height"]))
    return found


def test_five_widths_and_two_crops_in_webp(tour, media):
    image = made(tour)
    assert by_kind(image) == {
        "wide": [(320, 160), (640, 320), (960, 480), (1280, 640), (1920, 960)],
        "card": [(640, 480)],
        "social": [(1200, 630)],
    }
    assert image.sizes_due_at is None
    for size in image.sizes:
        with Image.open(media / size["file"]) as one:
            assert (one.format, one.size) == ("WEBP", (size["width"], size["height"]))
            assert not one.getexif()
            assert "icc_profile" not in one.info


def test_nothing_is_enlarged(tour):
    assert by_kind(made(tour, size=(500, 700))) == {
        "wide": [(320, 448), (500, 700)],
        "card": [(500, 375)],
        "social": [(500, 262)],
    }


def test_transparency_stays(tour, media):
    image = made(tour, kind="PNG", mode="RGBA", size=(700, 400))
    with Image.open(media / image.sizes[0]["file"]) as one:
        assert one.mode == "RGBA"


def test_orientation_is_applied_before_anything_is_made(tour):
    exif = Image.Exif()
    exif[0x0112] = 6  # lying on its side
    image = made(tour, size=(800, 400), exif=exif)
    assert (image.width, image.height) == (400, 800)
    assert by_kind(image)["wide"] == [(320, 640), (400, 800)]


def corner(media, image):
    """What stands in the lower right of the card."""
    card = next(size for size in image.sizes if size["kind"] == "card")
    with Image.open(media / card["file"]) as one:
        return one.convert("RGB").getpixel((one.width - 8, one.height - 8))


def test_crops_keep_the_focal_point_in_view(tour, media, django_capture_on_commit_callbacks):
    image = made(tour)
    red, _green, _blue = corner(media, image)
    assert red < 90  # around the middle: no red
    before = files(media)
    app.conf.task_always_eager = True
    with django_capture_on_commit_callbacks(execute=True):
        change_image(image_id=image.pk, data={"focus_x": 95, "focus_y": 90}, actor=None)
    image.refresh_from_db()
    red, _green, _blue = corner(media, image)
    assert red > 200
    assert len(files(media)) == len(before)  # the old crops went
    assert {name for name in files(media) if "-card-" in name or "-social-" in name} == {
        size["file"] for size in image.sizes if size["kind"] != "wide"
    }


@pytest.mark.parametrize(
    ("size", "focus", "box"),
    [
        ((2000, 1000), (50, 50), (334, 0, 1667, 1000)),
        ((2000, 1000), (0, 0), (0, 0, 1333, 1000)),
        ((2000, 1000), (100, 100), (667, 0, 2000, 1000)),
        ((1000, 2000), (50, 10), (0, 0, 1000, 750)),
        ((1000, 2000), (50, 60), (0, 825, 1000, 1575)),
        ((4, 3), (99, 1), (0, 0, 4, 3)),
        ((1, 1), (50, 50), (0, 0, 1, 1)),
    ],
)
def test_the_part_that_is_cut_out(size, focus, box):
    assert pictures.box_around(size, (4, 3), focus) == box


def test_the_public_page_shows_them(tour, django_capture_on_commit_callbacks):
    app.conf.task_always_eager = True
    with django_capture_on_commit_callbacks(execute=True):
        image = add_image(tour_id=tour.pk, upload=photo(), alt_en="The Nile", actor=None)
    image.refresh_from_db()
    card = PublishedTour.objects.get(pk=tour.pk).card_en
    stem = image.file.url.rpartition(".")[0]
    assert f"{stem}-320.webp 320w, {stem}-640.webp 640w" in card
    assert f'"card":{{"url":"{stem}-card-50-50.webp","width":640,"height":480}}' in card
    assert '"focus":{"x":50,"y":50}' in card
    assert list(faults_in_facts()) == []


def test_a_sweep_makes_what_a_lost_message_left_for_each_operator(tour, other_tenant):
    image = add_image(tour_id=tour.pk, upload=photo(), actor=None)
    assert tasks.sweep_images() == 0  # its task is on its way
    TourImage.objects.update(sizes_due_at=now() - pictures.GRACE)
    with tenant_context(None):
        assert tasks.sweep_images() == 1
    assert tasks.sweep_images() == 0
    image.refresh_from_db()
    assert len(image.sizes) == 7


def test_a_run_that_broke_off_is_done_again_with_the_same_files(tour, media, monkeypatch):
    image = add_image(tour_id=tour.pk, upload=photo(), actor=None)
    with monkeypatch.context() as broken:
        broken.setattr(pictures, "_note", lambda *told: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit), transaction.atomic():
            images.make_image_sizes(image.pk)
    left = files(media)
    assert len(left) == 9
    assert images.make_image_sizes(image.pk) is True
    assert files(media) == left


def test_an_original_that_cannot_be_read_is_given_up(tour, media):
    image = add_image(tour_id=tour.pk, upload=photo(), actor=None)
    (media / image.file.name).write_bytes(b"gone bad")
    for _attempt in range(pictures.MOST_TRIES + 2):
        assert images.make_image_sizes(image.pk) is False
        TourImage.objects.update(sizes_due_at=now() - pictures.GRACE)
    image.refresh_from_db()
    assert (image.sizes_tries, image.gave_up, image.sizes) == (pictures.MOST_TRIES, True, [])
    assert images.sweep_images() == 0


def test_all_files_go_with_the_picture(tour, media, django_capture_on_commit_callbacks):
    image = made(tour)
    app.conf.task_always_eager = True
    with django_capture_on_commit_callbacks(execute=True):
        delete_image(image_id=image.pk, actor=None)
    assert files(media) == []
    assert images.make_image_sizes(image.pk) is False


def test_files_that_another_picture_shows_stay(tour, media, django_capture_on_commit_callbacks):
    image = made(tour)
    twin = TourImage.objects.get(pk=image.pk)
    twin.pk, twin._state.adding, twin.is_cover = None, True, False
    twin = TourImage(
        tour=tour,
        file=image.file.name,
        thumbnail=image.thumbnail.name,
        width=image.width,
        height=image.height,
        sizes=image.sizes,
        sizes_due_at=None,
    )
    twin.save(force_insert=True)
    before = files(media)
    app.conf.task_always_eager = True
    with django_capture_on_commit_callbacks(execute=True):
        delete_image(image_id=image.pk, actor=None)
    assert files(media) == before


def test_a_picture_deleted_while_its_sizes_are_made_leaves_no_files(tour, media, monkeypatch):
    image = add_image(tour_id=tour.pk, upload=photo(), actor=None)
    real = pictures._written_sizes

    def delete_meanwhile(picture):
        sizes = real(picture)
        TourImage.objects.filter(pk=image.pk).delete()
        return sizes

    monkeypatch.setattr(pictures, "_written_sizes", delete_meanwhile)
    images.make_image_sizes(image.pk)
    assert [name for name in files(media) if name.endswith(".webp")] == []


@pytest.mark.django_db(transaction=True)
def test_two_tasks_at_once_make_them_once(tenant, media):
    tour = OptionFactory().tour
    image = add_image(tour_id=tour.pk, upload=photo(), actor=None)
    outcomes = run_together(*[lambda: images.make_image_sizes(image.pk)] * 4)
    assert sorted(outcomes) == [False, False, False, True]
    assert len(files(media)) == 9


def test_order(tour):
    first, second, third = (made(tour, size=(64, 48)) for _ in range(3))
    order_images(tour_id=tour.pk, image_ids=[third.pk, first.pk, second.pk], actor=None)
    assert [image.pk for image in tour.images.all()] == [first.pk, third.pk, second.pk]  # the cover comes first
    for wrong in ([first.pk, second.pk], [first.pk, first.pk, second.pk], [first.pk, second.pk, tour.pk]):
        with pytest.raises(InvalidInput):
            order_images(tour_id=tour.pk, image_ids=wrong, actor=None)


def test_there_is_a_most(tour, monkeypatch):
    monkeypatch.setattr(images, "MOST_IMAGES", 1)
    add_image(tour_id=tour.pk, upload=photo(size=(40, 30)), actor=None)
    with pytest.raises(TooManyImages):
        add_image(tour_id=tour.pk, upload=photo(size=(40, 30)), actor=None)
    assert TourImage.objects.count() == 1
