"""A tour made from another one, and a deleted tour brought back."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils.translation import gettext as _

from accounts.audit import record, snapshot
from config.errors import InvalidInput
from config.ids import uuid7
from tours.errors import TourNotFound
from tours.models import Tour, TourStatus
from tours.services.contents import contents_of
from tours.services.facts import settle_tour
from tours.services.tours import clashes_named, insert_tour, refuse_faults

LONGEST_TITLE = 200


def copy_titles(tour: Tour) -> tuple[str, str]:
    """Titles for a copy that no other tour has: “… (copy)”, with a number where that is taken."""
    return _free_title("title_en", tour.title_en, "copy"), _free_title("title_ar", tour.title_ar, "نسخة")


@transaction.atomic
def duplicate_tour(*, tour_id: UUID, title_en: str, title_ar: str = "", actor: Any) -> Tour:
    """A draft with all that the tour is made of: texts, options, prices, rules, extras, itinerary, pictures.

    What became of the tour is not copied: departures, bookings, ratings, counters. Pictures are the same files, which stay as
    long as one tour shows them. A model that hangs on a tour and says `copied_with_tour = False` is left out, too.
    Raises `TourNotFound`, `InvalidInput`, `TitleTaken`.
    """
    # Locked, so that no picture of it is deleted while we point to its file.
    source = Tour.objects.alive().select_for_update(of=("self",)).filter(pk=tour_id).first()
    if source is None:
        raise TourNotFound
    copy = Tour(created_by_id=actor.pk if actor else None)
    for field in _own_fields(Tour):
        if field.editable and field.name not in ("slug", "status", "is_featured"):
            setattr(copy, field.attname, getattr(source, field.attname))
    copy.title_en, copy.title_ar = title_en.strip(), title_ar.strip()
    if not copy.title_en:
        raise InvalidInput(details={"title_en": [_("This field is required.")]})
    refuse_faults(copy)
    insert_tour(copy, "")
    _copy_parts(source, copy)
    record("tours.tour.duplicated", copy, actor=actor, after=snapshot(copy) | contents_of(copy.pk), reason=str(tour_id))
    return settle_tour(copy.pk)


@transaction.atomic
def restore_tour(*, tour_id: UUID, actor: Any) -> Tour:
    """Undo `delete_tour`: the tour is back, off sale, its departures closed as they were left. Safe to repeat.

    Raises `TourNotFound`, and `TitleTaken` when another tour has its title by now.
    """
    tour = Tour.objects.select_for_update(of=("self",)).filter(pk=tour_id).first()
    if tour is None:
        raise TourNotFound
    if tour.deleted_at is None:
        return tour
    before, tour.deleted_at = {"deleted_at": tour.deleted_at, "status": tour.status}, None
    if tour.status == TourStatus.ACTIVE:
        tour.status = TourStatus.INACTIVE  # it was on sale when it was deleted: to sell it again is a step of its own
    with clashes_named(tour):
        tour.save(update_fields=["deleted_at", "status", "updated_at"])
    record(
        "tours.tour.restored", tour, actor=actor, before=before, after={"deleted_at": None, "status": str(tour.status)}
    )
    return settle_tour(tour_id)


def _free_title(field: str, title: str, word: str) -> str:
    if not title:
        return ""
    for number in range(1, 1000):
        ending = f" ({word})" if number == 1 else f" ({word} {number})"
        wanted = f"{title[: LONGEST_TITLE - len(ending)]}{ending}"
        if not Tour.objects.alive().filter(**{f"{field}__iexact": wanted}).exists():
            return wanted
    raise InvalidInput(details={field: [_("There are too many copies of this title.")]})


def copied_models() -> list[type[models.Model]]:
    """The models whose rows are copied with a tour, each after those it hangs on."""
    found: list[type[models.Model]] = [Tour]
    for model in found:
        found.extend(child for child, _field in _children(model) if child not in found)
    return found[1:]


def _children(model: type[models.Model]) -> Iterator[tuple[type[models.Model], Any]]:
    for relation in model._meta.related_objects:
        child: Any = relation.related_model
        if (
            relation.on_delete is models.CASCADE
            and child._meta.app_label == Tour._meta.app_label
            and getattr(child, "copied_with_tour", True)
        ):
            yield child, relation.field


def _copy_parts(source: Tour, copy: Tour) -> None:
    """Every row below the tour, pointing to the copies of what it pointed to. References are checked at commit."""
    copies: dict[tuple[type[models.Model], Any], Any] = {(Tour, source.pk): copy.pk}
    rows: dict[type[models.Model], dict[Any, Any]] = {}
    every: list[type[models.Model]] = [Tour, *copied_models()]
    for parent in every:
        parents = [old for model, old in copies if model is parent]
        for model, field in _children(parent):
            known = rows.setdefault(model, {})
            for row in model._default_manager.filter(**{f"{field.name}__in": parents}):
                if row.pk not in known:
                    known[row.pk] = row
                    copies[model, row.pk] = uuid7()
    for model, found in rows.items():
        made = [_copied(row, copies) for row in found.values()]
        model._default_manager.bulk_create(made)


def _copied(row: Any, copies: dict[tuple[type[models.Model], Any], Any]) -> Any:
    values: dict[str, Any] = {}
    for field in _own_fields(type(row)):
        value = getattr(row, field.attname)
        if field.is_relation:
            value = copies.get((field.related_model, value), value)
        values[field.attname] = value
    return type(row)(pk=copies[type(row), row.pk], **values)


def _own_fields(model: type[models.Model]) -> Iterator[Any]:
    """What a row says itself: neither its key nor its tenant."""
    for field in model._meta.concrete_fields:
        if not field.primary_key and field.name != "tenant":
            yield field
