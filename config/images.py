"""Uploaded images: checked by what they contain, freed of metadata, written anew. Nothing of the upload itself is kept."""

import warnings
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, UnidentifiedImageError

from config.errors import InvalidInput

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
QUALITY = 85


def checked_image(upload: Any, field: str = "image") -> ContentFile:
    """The upload as an image of our own making: JPEG, or PNG where it is transparent, upright, without metadata.

    `upload` is any file object. Its name and declared type are not believed: the pixels are decoded. Raises `InvalidInput`
    under `field` for what is larger than `MAX_IMAGE_BYTES` or `MAX_IMAGE_PIXELS`, no JPEG, PNG, WebP or GIF, or broken.
    The name of the returned file is `image.jpg` or `image.png`.
    """
    size = getattr(upload, "size", None)
    if size is not None and size > settings.MAX_IMAGE_BYTES:
        raise _refused(field, _too_large())
    upload.seek(0)
    content = upload.read(settings.MAX_IMAGE_BYTES + 1)
    if len(content) > settings.MAX_IMAGE_BYTES:
        raise _refused(field, _too_large())
    return _written(_decoded(content, field))


def resized(image: File, box: tuple[int, int]) -> ContentFile:
    """A smaller copy of a checked image that fits into `box` (width, height in pixels), in its proportions.

    An image that fits already is copied as it is; nothing is ever enlarged.
    """
    image.seek(0)
    picture = _decoded(image.read(), "image")
    picture.thumbnail(box, Image.Resampling.LANCZOS)
    return _written(picture)


def _decoded(content: bytes, field: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(BytesIO(content), formats=FORMATS)
            if picture.width * picture.height > settings.MAX_IMAGE_PIXELS:
                raise _refused(field, _("The image has too many pixels."))
            picture.load()  # decodes every pixel: a cut-off file fails here
            return ImageOps.exif_transpose(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise _refused(field, _("The image has too many pixels.")) from fault
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, IndexError) as fault:
        # Pillow's decoders raise any of these on broken data.
        raise _refused(field, _("This is no image that we can read. Send a JPEG, PNG, WebP or GIF.")) from fault


def _written(picture: Image.Image) -> ContentFile:
    """Fresh pixels in a fresh file: colour profile, EXIF, comments and anything appended are gone."""
    transparent = picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info
    fresh = picture.convert("RGBA" if transparent else "RGB")
    clean = Image.new(fresh.mode, fresh.size)
    clean.paste(fresh)
    target = BytesIO()
    if transparent:
        clean.save(target, "PNG", optimize=True)
    else:
        clean.save(target, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return ContentFile(target.getvalue(), name="image.png" if transparent else "image.jpg")


def _refused(field: str, sentence: Any) -> InvalidInput:
    return InvalidInput(details={field: [sentence]})


def _too_large() -> str:
    return str(_("The file is larger than {limit} MB.")).format(limit=settings.MAX_IMAGE_BYTES // 1024 // 1024)
