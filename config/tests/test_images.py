"""Uploads are judged by their pixels, and nothing of them is kept but pixels."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from config.errors import InvalidInput
from config.images import checked_image, resized


def picture(format_: str = "JPEG", size=(40, 30), mode: str = "RGB", **save) -> bytes:
    target = BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else (255, 0, 0, 100)).save(target, format_, **save)
    return target.getvalue()


def upload(content: bytes, name: str = "a.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/jpeg")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7 not an image",
        b"\xff\xd8\xff\xe0 looks like one",
        picture()[:200],
        picture("PNG")[:60],
        picture("BMP"),
        b"GIF89a" + b"\0" * 20,
    ],
)
def test_what_is_no_image_is_refused_under_its_field(content):
    with pytest.raises(InvalidInput) as refused:
        checked_image(upload(content), "picture")
    assert refused.value.status == 400
    assert list(refused.value.details) == ["picture"]


def test_metadata_profiles_and_whatever_is_appended_are_gone():
    exif = Image.Exif()
    exif[0x010F] = "Secret camera"
    exif.get_ifd(0x8825)[2] = (30.0, 2.0, 0.0)  # the place where it was taken
    content = picture(exif=exif, comment=b"a comment", icc_profile=b"profile") + b"<?php echo 1;"
    clean = checked_image(upload(content)).read()
    kept = Image.open(BytesIO(clean))
    assert not kept.getexif()
    assert "comment" not in kept.info
    assert "icc_profile" not in kept.info
    assert b"Secret camera" not in clean
    assert b"php" not in clean


def test_a_picture_taken_sideways_is_set_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert Image.open(checked_image(upload(picture(size=(40, 30), exif=exif)))).size == (30, 40)


def test_a_transparent_picture_stays_transparent_and_others_become_jpeg():
    see_through = checked_image(upload(picture("PNG", mode="RGBA")))
    assert (see_through.name, Image.open(see_through).mode) == ("image.png", "RGBA")
    plain = checked_image(upload(picture("WEBP")))
    assert (plain.name, Image.open(plain).format) == ("image.jpg", "JPEG")


def test_limits_of_bytes_and_pixels(settings):
    content = picture()
    settings.MAX_IMAGE_BYTES = len(content) - 1
    with pytest.raises(InvalidInput):
        checked_image(upload(content))
    settings.MAX_IMAGE_BYTES = len(content)
    checked_image(upload(content))
    settings.MAX_IMAGE_PIXELS = 40 * 30 - 1
    with pytest.raises(InvalidInput):
        checked_image(upload(content))


def test_a_bomb_of_pixels_is_refused_before_it_is_unpacked():
    target = BytesIO()
    Image.new("L", (8000, 8000)).save(target, "PNG")
    assert len(target.getvalue()) < 100_000  # 64 million pixels
    with pytest.raises(InvalidInput):
        checked_image(upload(target.getvalue()))


def test_resizing_keeps_proportions_and_never_enlarges():
    image = checked_image(upload(picture(size=(400, 200))))
    assert Image.open(resized(image, (100, 100))).size == (100, 50)
    assert Image.open(resized(image, (1000, 1000))).size == (400, 200)
