"""Pictures of a tour. A tour that has pictures has exactly one cover; files go when the deletion of their row is committed."""

from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.audit import differences, record, snapshot
from config.errors import InvalidInput
from config.ids import uuid7
from config.images import checked_image, resized
from tours.errors import ImageNotFound
from tours.models import Tour, TourImage
from tours.services.facts import lock_tour, settle_tour

THUMBNAIL = (480, 480)
CHANGEABLE = ("alt_en", "alt_ar", "display_order")


def add_image(
    *, tour_id: UUID, upload: Any, alt_en: str = "", alt_ar: str = "", is_cover: bool = False, actor: Any
) -> TourImage:
    """Check an upload by its content, strip its metadata, and add it with a thumbnail of 480 pixels at most.

    Raises `InvalidInput` for what is no image or too large, and `TourNotFound`.
    """
    picture = checked_image(upload, "file")
    return keep_image(tour_id=tour_id, picture=picture, alt_en=alt_en, alt_ar=alt_ar, is_cover=is_cover, actor=actor)


@transaction.atomic
def keep_image(
    *,
    tour_id: UUID,
    picture: ContentFile,
    alt_en: str = "",
    alt_ar: str = "",
    display_order: int | None = None,
    is_cover: bool = False,
    actor: Any,
) -> TourImage:
    """Add a picture that `checked_image` returned. The first one is the cover; a later one takes that over if it should."""
    tour = lock_tour(tour_id)
    others = TourImage.objects.filter(tour_id=tour_id)
    number = others.count()
    image = TourImage(
        tour=tour,
        alt_en=alt_en,
        alt_ar=alt_ar,
        display_order=number if display_order is None else display_order,
        is_cover=is_cover or not number,
    )
    if image.is_cover:
        others.filter(is_cover=True).update(is_cover=False)
    ending = str(picture.name).rpartition(".")[2]
    name = f"{tour.slug[:60]}-{uuid7().hex[-12:]}"
    image.thumbnail.save(f"{name}.{ending}", resized(picture, THUMBNAIL), save=False)
    picture.seek(0)
    image.file.save(f"{name}.{ending}", picture, save=False)
    image.save(force_insert=True)
    record("tours.tourimage.added", image, actor=actor, after=snapshot(image))
    settle_tour(tour_id)
    return image


@transaction.atomic
def change_image(*, image_id: UUID, data: dict[str, Any], actor: Any) -> TourImage:
    """Change `alt_en`, `alt_ar`, `display_order`; `is_cover` True makes it the cover instead of the one that was.

    Raises `InvalidInput` when the cover is merely taken away (make another one the cover), and `ImageNotFound`.
    """
    image = _lock_image(image_id)
    before = snapshot(image)
    for field in CHANGEABLE:
        if field in data:
            setattr(image, field, data[field])
    if "is_cover" in data and data["is_cover"] != image.is_cover:
        if not data["is_cover"]:
            raise InvalidInput(details={"is_cover": [_("Make another picture the cover instead.")]})
        TourImage.objects.filter(tour_id=image.tour_id, is_cover=True).update(is_cover=False)
        image.is_cover = True
    old, new = differences(before, snapshot(image))
    if new:
        image.save(update_fields=list(new))
        record("tours.tourimage.changed", image, actor=actor, before=old, after=new)
        settle_tour(image.tour_id)
    return image


@transaction.atomic
def delete_image(*, image_id: UUID, actor: Any) -> None:
    """Delete a picture and, once that is committed, its files; the next one becomes the cover. Raises `ImageNotFound`."""
    image = _lock_image(image_id)
    record("tours.tourimage.deleted", image, actor=actor, before=snapshot(image))
    tour_id, files = image.tour_id, [image.file, image.thumbnail]
    for file in files:
        if file.name:
            transaction.on_commit(partial(drop_file, file))
    image.delete()
    ensure_cover(tour_id)
    settle_tour(tour_id)


def drop_file(file: Any) -> None:
    """Delete the file of a picture whose row is gone, unless a copy of the tour shows it too."""
    if not TourImage.objects.filter(Q(file=file.name) | Q(thumbnail=file.name)).exists():
        file.storage.delete(file.name)


def ensure_cover(tour_id: UUID) -> None:
    """Make the first picture the cover where none is."""
    images = TourImage.objects.filter(tour_id=tour_id)
    if not images.filter(is_cover=True).exists():
        images.filter(pk=images.order_by("display_order", "pk").values("pk")[:1]).update(is_cover=True)


def _lock_image(image_id: UUID) -> TourImage:
    tour: Tour | None = Tour.objects.alive().filter(images=image_id).first()
    if tour is None:
        raise ImageNotFound
    lock_tour(tour.pk)
    image = TourImage.objects.filter(pk=image_id).first()
    if image is None:
        raise ImageNotFound
    return image
