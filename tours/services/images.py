"""Pictures of a tour. A tour that has pictures has exactly one cover; files go when the deletion of their row is committed."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import differences, record, snapshot
from config.errors import InvalidInput
from config.ids import uuid7
from config.images import checked_image, resized
from config.pictures import due_pictures, make_sizes
from notifications.outbox import announce, send_task
from tours.errors import ImageNotFound, TooManyImages
from tours.models import Tour, TourImage
from tours.services.facts import lock_tour, settle_tour

THUMBNAIL = (480, 480)
CHANGEABLE = ("alt_en", "alt_ar", "display_order", "focus_x", "focus_y")
MOST_IMAGES = 40
MACHINERY = ("sizes", "sizes_due_at", "sizes_tries")


def add_image(
    *, tour_id: UUID, upload: Any, alt_en: str = "", alt_ar: str = "", is_cover: bool = False, actor: Any
) -> TourImage:
    """Check an upload by its content, strip its metadata, and add it with a thumbnail of 480 pixels at most.

    Raises `InvalidInput` for what is no image or too large, `TooManyImages`, and `TourNotFound`.
    """
    picture = checked_image(upload, "file")
    kept: dict[str, Any] = {"alt_en": alt_en, "alt_ar": alt_ar, "is_cover": is_cover}
    image = keep_image(tour_id=tour_id, picture=picture, actor=actor, **kept)
    transaction.on_commit(partial(send_task, "tours.tasks.make_image_sizes", str(image.pk)))
    return image


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
    """Add a picture that `checked_image` returned. The first one is the cover; a later one takes that over if it should.

    Its other sizes are made by the sweep; `add_image` does not wait for that.
    """
    tour = lock_tour(tour_id)
    others = TourImage.objects.filter(tour_id=tour_id)
    number = others.count()
    if number >= MOST_IMAGES:
        raise TooManyImages(most=MOST_IMAGES)
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
    record("tours.tourimage.added", image, actor=actor, after=_facts(image))
    settle_tour(tour_id)
    return image


@transaction.atomic
def change_image(*, image_id: UUID, data: dict[str, Any], actor: Any) -> TourImage:
    """Change `alt_en`, `alt_ar`, `display_order`, the focal point (`focus_x`, `focus_y`: percent, whose crops are made anew);
    `is_cover` True makes it the cover instead of the one that was.

    Raises `InvalidInput` when the cover is merely taken away (make another one the cover), and `ImageNotFound`.
    """
    image = _lock_image(image_id)
    before, focus = _facts(image), image.focus
    for field in CHANGEABLE:
        if field in data:
            setattr(image, field, data[field])
    if "is_cover" in data and data["is_cover"] != image.is_cover:
        if not data["is_cover"]:
            raise InvalidInput(details={"is_cover": [_("Make another picture the cover instead.")]})
        TourImage.objects.filter(tour_id=image.tour_id, is_cover=True).update(is_cover=False)
        image.is_cover = True
    old, new = differences(before, _facts(image))
    if not new:
        return image
    fields = list(new)
    if image.focus != focus:
        image.sizes_are_due()
        fields += ["sizes_due_at", "sizes_tries"]
        transaction.on_commit(partial(send_task, "tours.tasks.make_image_sizes", str(image.pk)))
    image.save(update_fields=fields)
    record("tours.tourimage.changed", image, actor=actor, before=old, after=new)
    settle_tour(image.tour_id)
    return image


@transaction.atomic
def order_images(*, tour_id: UUID, image_ids: Sequence[UUID], actor: Any) -> None:
    """Show the pictures in this order; the cover stays the cover and comes first all the same.

    Raises `InvalidInput` unless exactly the pictures of the tour are named, each once (somebody may have added one meanwhile),
    and `TourNotFound`.
    """
    tour = lock_tour(tour_id)
    images = TourImage.objects.in_bulk(TourImage.objects.filter(tour_id=tour_id).values_list("pk", flat=True))
    if len(image_ids) != len(images) or set(image_ids) != set(images):
        raise InvalidInput(details={"order": [_("These are not the pictures of the tour any more. Look again.")]})
    ordered = sorted(images, key=lambda pk: (images[pk].display_order, pk))
    for place, image_id in enumerate(image_ids):
        images[image_id].display_order = place
    if list(image_ids) == ordered:
        return
    TourImage.objects.bulk_update(images.values(), ["display_order"])
    record("tours.tour.pictures_ordered", tour, actor=actor, after={"order": [str(pk) for pk in image_ids]})
    settle_tour(tour_id)


@transaction.atomic
def delete_image(*, image_id: UUID, actor: Any) -> None:
    """Delete a picture and, once that is committed, its files; the next one becomes the cover. Raises `ImageNotFound`."""
    image = _lock_image(image_id)
    record("tours.tourimage.deleted", image, actor=actor, before=_facts(image))
    tour = image.tour
    drop_files(tour, image.files())
    image.delete()
    ensure_cover(tour.pk)
    settle_tour(tour.pk)


def drop_files(subject: Any, names: Sequence[str]) -> None:
    """Have files deleted once this transaction is committed. It is a fact of the outbox: a crash does not leave them behind."""
    if names:
        announce("picture.dropped", subject, files=list(names))


def delete_dropped(names: Sequence[str]) -> None:
    """Delete those of the files that no picture of a tour uses. Safe to repeat."""
    for name in names:
        shared = TourImage.objects.filter(file=name) | TourImage.objects.filter(thumbnail=name)
        shared |= TourImage.objects.filter(sizes__contains=[{"file": name}])
        if not shared.exists():
            default_storage.delete(name)


def make_image_sizes(image_id: UUID) -> bool:
    """Make the sizes of a picture and have the public page show them. False where there is nothing to do."""
    return make_sizes(TourImage, image_id, told=_show_sizes)


def sweep_images() -> int:
    """Make the sizes that a crash or a lost message left; returns how many pictures got theirs."""
    return sum(make_image_sizes(image_id) for image_id in due_pictures(TourImage))


def _show_sizes(image: TourImage, unused: list[str]) -> None:
    announce("tour.changed", image.tour)
    drop_files(image.tour, unused)


def ensure_cover(tour_id: UUID) -> None:
    """Make the first picture the cover where none is."""
    images = TourImage.objects.filter(tour_id=tour_id)
    if not images.filter(is_cover=True).exists():
        images.filter(pk=images.order_by("display_order", "pk").values("pk")[:1]).update(is_cover=True)


def _facts(image: TourImage) -> dict[str, Any]:
    """What people change of it."""
    return {name: value for name, value in snapshot(image).items() if name not in MACHINERY}


def _lock_image(image_id: UUID) -> TourImage:
    tour: Tour | None = Tour.objects.alive().filter(images=image_id).first()
    if tour is None:
        raise ImageNotFound
    lock_tour(tour.pk)
    image = TourImage.objects.filter(pk=image_id).first()
    if image is None:
        raise ImageNotFound
    return image
