"""Pictures that are shown in several sizes: made in the background, kept beside the checked original.

A picture's row says when its sizes are due (`sizes_due_at`, None once they are there). The task that was sent with the upload
makes them; a sweep takes up what a crash or a lost message left. Names follow from the original's name and the focal point, so
that a second run writes the same files and not more of them.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.db.models import F
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from PIL import Image

from config.models import TenantOwned

logger = logging.getLogger(__name__)

WIDTHS = (320, 640, 960, 1280, 1920)  # the whole picture; never enlarged
CROPS = {"card": (640, 480), "social": (1200, 630)}  # a part of it, around the focal point
QUALITY = 80

MOST_TRIES = 6
MAKING_TAKES_AT_MOST = timedelta(minutes=5)  # a task that is not back by then is taken for dead
GRACE = timedelta(seconds=30)  # what was just uploaded has a task on its way: the sweep leaves it alone so long


def percent(label: Any) -> Any:
    return models.PositiveSmallIntegerField(label, default=50, validators=[MaxValueValidator(100)])


class Picture(TenantOwned):
    """What a model of pictures has besides its `file`, `width` and `height`.

    `sizes` are rows {"kind", "file", "width", "height"}; kind is `wide` for the whole picture, else the name of a crop. The
    focal point is what crops keep in view, in percent from the left and the top.
    """

    focus_x = percent(_("focal point from the left (%)"))
    focus_y = percent(_("focal point from the top (%)"))
    sizes = models.JSONField(default=list, editable=False)
    sizes_due_at = models.DateTimeField(null=True, default=now, editable=False)
    sizes_tries = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    def sizes_are_due(self) -> None:
        """Have the sizes made anew; the caller saves."""
        self.sizes_due_at, self.sizes_tries = now(), 0

    @property
    def gave_up(self) -> bool:
        return self.sizes_due_at is not None and self.sizes_tries >= MOST_TRIES

    def files(self) -> list[str]:
        """Every file of the picture, those included that a broken run may have left."""
        own: Any = self
        names = [own.file.name, *(size["file"] for size in self.sizes)]
        if getattr(own, "thumbnail", None):
            names.append(own.thumbnail.name)
        planned = (name for _kind, name, _box in wanted_sizes(own.file.name, (own.width, own.height), own.focus))
        return list(dict.fromkeys([*(name for name in names if name), *planned]))

    @property
    def focus(self) -> tuple[int, int]:
        return self.focus_x, self.focus_y


Box = tuple[int, int]


def wanted_sizes(original: str, size: Box, focus: Box) -> Iterator[tuple[str, str, Box]]:
    """Kind, file name and dimensions of each size that a picture of `size` gets."""
    if not all(size):
        return
    stem = original.rpartition(".")[0] or original
    widths = [width for width in WIDTHS if width < size[0]]
    if len(widths) < len(WIDTHS):
        widths.append(size[0])  # the largest that there is, but never larger than it was sent
    for width in widths:
        yield "wide", f"{stem}-{width}.webp", (width, max(1, round(size[1] * width / size[0])))
    for name, box in CROPS.items():
        left, top, right, bottom = box_around(size, box, focus)
        scale = min(1.0, box[0] / (right - left))
        dimensions = (round((right - left) * scale), round((bottom - top) * scale))
        yield name, f"{stem}-{name}-{focus[0]}-{focus[1]}.webp", (max(1, dimensions[0]), max(1, dimensions[1]))


def box_around(size: Box, shape: Box, focus: Box) -> tuple[int, int, int, int]:
    """The largest part of a picture that has the shape's proportions, with the focal point as near its middle as it can be."""
    width, height = size
    ratio = shape[0] / shape[1]
    part_width = min(width, max(1, round(height * ratio)))
    part_height = min(height, max(1, round(width / ratio)))
    left = _placed(width, part_width, focus[0])
    top = _placed(height, part_height, focus[1])
    return left, top, left + part_width, top + part_height


def _placed(whole: int, part: int, percent_: int) -> int:
    return min(max(0, round(whole * percent_ / 100 - part / 2)), whole - part)


def as_webp(picture: Image.Image) -> bytes:
    """The pixels and nothing else."""
    target = BytesIO()
    picture.save(target, "WEBP", quality=QUALITY, method=2, exif=b"", xmp=b"", icc_profile=None)
    return target.getvalue()


Told = Callable[[Any, list[str]], None]


def make_sizes(model: type[Picture], picture_id: UUID, *, told: Told) -> bool:
    """Make the sizes of a picture and note them on its row.

    `told` is called in that transaction with the row and the names of files that it no longer uses.

    Returns False when there is nothing to do, or another task is at it. What fails is logged and tried again by the sweep, six
    times in all. A picture deleted meanwhile leaves no files; one whose focal point moved is done once more.
    """
    due = model.objects.filter(pk=picture_id, sizes_due_at__lte=now(), sizes_tries__lt=MOST_TRIES)
    if not due.update(sizes_due_at=now() + MAKING_TAKES_AT_MOST, sizes_tries=F("sizes_tries") + 1):
        return False
    picture: Any = model.objects.filter(pk=picture_id).first()
    if picture is None:
        return False
    try:
        sizes = _written_sizes(picture)
    except Exception:  # a broken original, a full disk: noted, tried again
        logger.exception("sizes of picture %s could not be made", picture_id)
        return False
    _note(model, picture, sizes, told)
    return True


def due_pictures(model: type[Picture], limit: int = 200) -> list[UUID]:
    """Pictures of the tenant at hand whose sizes are due and that no task seems to be at, the oldest first."""
    waiting = model.objects.filter(sizes_due_at__lte=now() - GRACE, sizes_tries__lt=MOST_TRIES)
    return list(waiting.order_by("sizes_due_at").values_list("pk", flat=True)[:limit])


def _written_sizes(picture: Any) -> list[dict[str, Any]]:
    """Writes the files that are missing; those that are right already stay."""
    storage, known = picture.file.storage, {size["file"]: size for size in picture.sizes}
    wanted = list(wanted_sizes(picture.file.name, (picture.width, picture.height), picture.focus))
    if all(name in known for _kind, name, _box in wanted):
        return [known[name] for _kind, name, _box in wanted]
    with picture.file.open("rb") as file, Image.open(file) as original:
        original.load()
        pixels = original.convert("RGBA" if original.mode in {"RGBA", "LA", "PA", "P"} else "RGB")
    sizes = []
    for kind, name, dimensions in wanted:
        if name not in known:
            part = pixels.crop(box_around(pixels.size, CROPS[kind], picture.focus)) if kind in CROPS else pixels
            small = part.resize(dimensions, Image.Resampling.LANCZOS, reducing_gap=3.0)
            if storage.exists(name):
                storage.delete(name)  # left by a run that broke off
            name = storage.save(name, ContentFile(as_webp(small)))
        sizes.append({"kind": kind, "file": name, "width": dimensions[0], "height": dimensions[1]})
    return sizes


@transaction.atomic
def _note(model: type[Picture], made_for: Any, sizes: list[dict[str, Any]], told: Told) -> None:
    storage, made = made_for.file.storage, {size["file"] for size in sizes}
    picture: Any = model.objects.select_for_update(of=("self",)).filter(pk=made_for.pk).first()
    if picture is None or picture.focus != made_for.focus:
        # Deleted meanwhile; or its focal point moved, which has sent a task of its own.
        for name in made - set(picture.files() if picture else ()):
            storage.delete(name)
        return
    unused = {size["file"] for size in picture.sizes} - made
    picture.sizes, picture.sizes_due_at, picture.sizes_tries = sizes, None, 0
    picture.save(update_fields=["sizes", "sizes_due_at", "sizes_tries"])
    told(picture, sorted(unused))


def shown(picture: Any, alt: str) -> dict[str, Any]:
    """A picture as answers show it. Until its sizes are made, `srcset` is empty and `crops` has nothing."""
    url = picture.file.storage.url
    wide = sorted((size for size in picture.sizes if size["kind"] == "wide"), key=lambda size: size["width"])
    return {
        "id": str(picture.pk),
        "url": picture.file.url,
        "width": picture.width,
        "height": picture.height,
        "alt": alt,
        "focus": {"x": picture.focus_x, "y": picture.focus_y},
        "srcset": ", ".join(f"{url(size['file'])} {size['width']}w" for size in wide),
        "crops": {
            size["kind"]: {"url": url(size["file"]), "width": size["width"], "height": size["height"]}
            for size in picture.sizes
            if size["kind"] in CROPS
        },
    }
