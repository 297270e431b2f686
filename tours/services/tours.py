"""Making, changing and deleting tours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.text import slugify
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts.audit import differences, record, snapshot
from config.errors import InvalidInput
from ledger.models import Currency
from tours.errors import SlugTaken, TitleTaken, TourHasBookings
from tours.limits import faults_of_tour
from tours.models import (
    CancellationPolicy,
    Category,
    Departure,
    DepartureStatus,
    Destination,
    TaxRate,
    Tour,
    TourStatus,
)
from tours.services.contents import contents_of, write_contents
from tours.services.departures import follow_tour
from tours.services.facts import lock_tour, settle_tour
from tours.services.status import move_tour

TEXTS = ("title", "summary", "description", "meeting_point", "seo_title", "seo_description")
LISTS = ("highlights", "inclusions", "exclusions", "amenities")
PLAIN = (
    "kind",
    "difficulty",
    "duration_minutes",
    "nights",
    "min_group_size",
    "max_group_size",
    "min_age",
    "tags",
    "min_guests",
    "max_guests",
    "cutoff_minutes",
    "partner_cutoff_minutes",
    "is_featured",
    "display_order",
)
FIELDS = frozenset(
    [f"{name}_{language}" for name in (*TEXTS, *LISTS) for language in ("en", "ar")]
    + [*PLAIN, "slug", "destination", "category", "cancellation_policy", "currency", "tax"]
)
CONTENTS = frozenset(["options", "extras", "itinerary"])

SLUG_ATTEMPTS = 5
# The API has lists of its own at these addresses.
RESERVED_SLUGS = frozenset(["featured", "deals", "popular", "autocomplete"])


@transaction.atomic
def create_tour(*, data: Mapping[str, Any], actor: Any) -> Tour:
    """Make a tour from flat fields and, optionally, `options` with `prices` and `tiers`, `extras` and `itinerary`.

    References are given by destination slug, category code, policy id, currency code and tax code (or None). It starts as a
    draft; `status` ACTIVE publishes it at once. Raises `InvalidInput`, `TitleTaken`, `SlugTaken`, `TourIncomplete`.
    """
    _refuse_unknown(data)
    tour = Tour(created_by_id=actor.pk if actor else None)
    _fill(tour, data)
    refuse_faults(tour)
    insert_tour(tour, data.get("slug", ""))
    write_contents(tour, data)
    record("tours.tour.added", tour, actor=actor, after=snapshot(tour) | contents_of(tour.pk))
    if data.get("status", TourStatus.DRAFT) != TourStatus.DRAFT:
        move_tour(tour_id=tour.pk, status=TourStatus(data["status"]), actor=actor)
    return settle_tour(tour.pk)


@transaction.atomic
def update_tour(*, tour_id: UUID, data: Mapping[str, Any], actor: Any) -> Tour:
    """Change what `data` names; a list that is given (`options`, `extras`, `itinerary`) replaces what was there, by code or day.

    A new cut-off moves that of all departures to come, a new duration ends those of them later that nobody booked. The slug
    follows the English title until the tour was first on sale. Raises what `create_tour` raises, `TourNotFound`, and
    `OptionInUse`.
    """
    _refuse_unknown(data)
    tour = lock_tour(tour_id)
    before, old_contents = snapshot(tour), contents_of(tour_id)
    old_zone = tour.destination.time_zone
    _fill(tour, data)
    refuse_faults(tour)
    changed = list(differences(before, snapshot(tour))[1])
    slug = data.get("slug", "")
    if "title_en" in changed and not slug and tour.published_at is None:
        tour.slug = _free_slug(tour)
    elif slug:
        tour.slug = slug
    with clashes_named(tour):
        tour.save(update_fields=[*changed, "slug", "updated_at"])
    write_contents(tour, data)
    follow_tour(tour, [*changed, "duration_minutes"] if "options" in data else changed, old_zone=old_zone)
    old, new = differences(before | old_contents, snapshot(tour) | contents_of(tour_id))
    if old or new:
        record("tours.tour.changed", tour, actor=actor, before=old, after=new)
    if data.get("status", tour.status) != tour.status:
        move_tour(tour_id=tour.pk, status=TourStatus(data["status"]), actor=actor)
    return settle_tour(tour_id)


@transaction.atomic
def delete_tour(*, tour_id: UUID, actor: Any) -> None:
    """Take the tour away for good: it is kept for the bookings of the past, shown nowhere, and its departures are closed.

    Raises `TourHasBookings` while departures to come have places held or booked, and `TourNotFound`.
    """
    tour = lock_tour(tour_id)
    coming = Departure.objects.filter(tour_id=tour_id).upcoming()
    list(coming.select_for_update(of=("self",)).order_by("pk").values_list("pk"))  # nobody takes a seat from here on
    sold = coming.sold().aggregate(held=Sum("seats_held"), booked=Sum("seats_booked"))
    seats = (sold["held"] or 0) + (sold["booked"] or 0)
    if seats:
        raise TourHasBookings(tour=tour, seats=seats, details={"seats": seats})
    coming.filter(status=DepartureStatus.OPEN).update(status=DepartureStatus.CLOSED)
    tour.deleted_at = now()
    tour.save(update_fields=["deleted_at", "updated_at"])
    record("tours.tour.deleted", tour, actor=actor, after={"deleted_at": tour.deleted_at})
    settle_tour(tour_id)


def _refuse_unknown(data: Mapping[str, Any]) -> None:
    unknown = set(data) - FIELDS - CONTENTS - {"status"}
    if unknown:
        raise InvalidInput(details={name: [_("There is no such field.")] for name in sorted(unknown)})
    if data.get("slug") in RESERVED_SLUGS:
        raise SlugTaken(slug=data["slug"])


def _fill(tour: Tour, data: Mapping[str, Any]) -> None:
    for name in (*TEXTS, *LISTS):
        for field in (f"{name}_en", f"{name}_ar"):
            if field in data:
                value = data[field]
                setattr(tour, field, _tidy(value) if name in LISTS else value.strip())
    for field in PLAIN:
        if field in data:
            setattr(tour, field, data[field])
    _refer(tour, data)


def _tidy(lines: Any) -> list[str]:
    return [line.strip() for line in lines if line.strip()]


def _refer(tour: Tour, data: Mapping[str, Any]) -> None:
    faults = {}
    lookups: dict[str, Any] = {
        "destination": (Destination.objects, "slug"),
        "category": (Category.objects, "code"),
        "cancellation_policy": (CancellationPolicy.objects, "pk"),
        "currency": (Currency.objects.filter(is_active=True), "code"),
        "tax": (TaxRate.objects, "code"),
    }
    for field, (rows, key) in lookups.items():
        if field not in data:
            continue
        asked = data[field]
        if field == "tax" and not asked:
            tour.tax = None
            continue
        found = _first(rows, key, asked)
        if found is None:
            faults[field] = [_("There is no “{}”.").format(asked)]
        else:
            setattr(tour, field, found)
    if faults:
        raise InvalidInput(details=faults)


def _first(rows: Any, key: str, value: Any) -> Any:
    try:
        return rows.filter(**{key: value}).first()
    except ValidationError:  # not a UUID
        return None


def refuse_faults(tour: Tour) -> None:
    faults = {}
    try:
        tour.clean_fields(
            exclude={"slug", "tenant", "destination", "category", "cancellation_policy", "currency", "tax"}
        )
    except ValidationError as refusal:
        faults = refusal.message_dict
    for field in ("destination", "category", "cancellation_policy", "currency"):
        if getattr(tour, f"{field}_id") is None:
            faults[field] = [_("This field is required.")]
    faults |= faults_of_tour(tour)
    if faults:
        raise InvalidInput(details=faults)


def insert_tour(tour: Tour, slug: str) -> None:
    """Save the new tour under its own slug or a free one; another that is made at this moment may take that first."""
    for attempt in range(1, SLUG_ATTEMPTS + 1):
        tour.slug = slug or _free_slug(tour)
        try:
            with clashes_named(tour):
                tour.save(force_insert=True)
        except SlugTaken:
            if slug or attempt == SLUG_ATTEMPTS:
                raise
        else:
            return


def _free_slug(tour: Tour) -> str:
    """The English title as an address; with a number behind it where another tour has that."""
    wanted = slugify(tour.title_en)[:200].strip("-") or "tour"
    taken = set(Tour.objects.exclude(pk=tour.pk).filter(slug__startswith=wanted).values_list("slug", flat=True))
    taken |= RESERVED_SLUGS
    number, slug = 1, wanted
    while slug in taken:
        number += 1
        slug = f"{wanted}-{number}"
    return slug


@contextmanager
def clashes_named(tour: Tour) -> Iterator[None]:
    """Say in words which uniqueness the save would break."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as fault:
        match getattr(getattr(fault.__cause__, "diag", None), "constraint_name", ""):
            case "tour_title_en_once":
                raise TitleTaken(title=tour.title_en, details={"title_en": [tour.title_en]}) from fault
            case "tour_title_ar_once":
                raise TitleTaken(title=tour.title_ar, details={"title_ar": [tour.title_ar]}) from fault
            case "tour_slug_once":
                raise SlugTaken(slug=tour.slug) from fault
            case _:
                raise
