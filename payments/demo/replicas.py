"""More tours than anybody could write: variations of the demo's own, for trying out a large catalogue.

Written in bulk: the same rows that `tours.services` writes, but for the audit trail, which would only say "copied". Their
pictures are links to the files of the original, made where files lie on a disk.
"""

import os
from collections.abc import Iterator, Sequence
from copy import copy
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction
from django.db.models import Model

from config.ids import uuid7
from ledger.money import round_money
from payments.demo.bulk import insert
from tours.blackouts import RestDays
from tours.models import Departure, Tour, TourImage, TourOption
from tours.services.generation import planned

TOURS_AT_ONCE = 48

# English and Arabic; a title gets one of each, so that a hundred variations have a hundred titles.
SEASONS = [
    ("Winter", "شتاء"), ("Spring", "ربيع"), ("Summer", "صيف"), ("Autumn", "خريف"), ("Ramadan", "رمضان"),
    ("Eid", "العيد"), ("Weekend", "نهاية الأسبوع"), ("School Holidays", "العطلة المدرسية"), ("New Year", "رأس السنة"),
    ("All Year", "طوال العام"),
]  # fmt: skip
STYLES = [
    ("Small Group", "مجموعة صغيرة"), ("Family", "للعائلات"), ("Slow Pace", "على مهل"), ("Photographers", "لهواة التصوير"),
    ("Premium", "فئة مميزة"), ("Budget", "اقتصادية"), ("Seniors", "لكبار السن"), ("Students", "للطلاب"),
    ("Company Outing", "للشركات"), ("Couples", "للأزواج"),
]  # fmt: skip


def variation(number: int) -> tuple[str, str]:
    """What stands behind the title of the nth variation, from 1 on."""
    season, style = SEASONS[(number - 1) % 10], STYLES[(number - 1) // 10 % 10]
    edition = (number - 1) // 100
    more = f" {edition + 1}" if edition else ""
    return f"{season[0]}, {style[0]}{more}", f"{season[1]}، {style[1]}{more}"


def add_replicas(originals: Sequence[Tour], *, copies: int, until: date, seed: str) -> int:
    """So many variations of each tour, with options, prices, schedule and departures until a day. Safe to repeat.

    The tours come with `options__prices`, `options__rules`, `extras`, `itinerary` and `images` prefetched.
    """
    made = 0
    for number in range(1, copies + 1):
        wanted = [f"{tour.title_en} ({variation(number)[0]})" for tour in originals]
        known = set(Tour.objects.filter(title_en__in=wanted).values_list("title_en", flat=True))
        chance = Random(f"{seed}:variation:{number}")
        factors = [Decimal(chance.randint(85, 130)) / 100 for _ in originals]
        fresh = [
            (tour, factor) for tour, factor, title in zip(originals, factors, wanted, strict=True) if title not in known
        ]
        with transaction.atomic():
            insert(row for tour, factor in fresh for row in _variation(tour, number, factor, until))
        made += len(fresh)
    return made


def _variation(original: Tour, number: int, factor: Decimal, until: date) -> Iterator[Model]:
    english, arabic = variation(number)
    tour = _copy(original)
    tour.title_en = f"{original.title_en} ({english})"
    tour.title_ar = f"{original.title_ar} ({arabic})"
    tour.slug = f"{original.slug[:190]}-{number + 1}"
    tour.display_order = original.display_order + 1000 * number
    tour.is_featured = False
    tour.bookings_count = 0
    tour.rating_average, tour.rating_count = Decimal(0), 0
    tour.popularity = 0
    yield tour
    for option in original.options.all():
        yield from _option(option, tour, factor, until)
    for extra in original.extras.all():
        yield _copy(extra, tour=tour, amount=_price(extra.amount, factor, tour.currency_id))
    for day in original.itinerary.all():
        yield _copy(day, tour=tour)
    for image in list(original.images.all())[:1]:
        linked = _linked(image, tour)
        if linked is not None:
            yield linked


def _option(original: TourOption, tour: Tour, factor: Decimal, until: date) -> Iterator[Model]:
    option = _copy(original, tour=tour)
    yield option
    for price in original.prices.all():
        amount = _price(price.amount, factor, tour.currency_id)
        was = price.original_amount and _price(price.original_amount, factor, tour.currency_id)
        yield _copy(price, option=option, amount=amount, original_amount=was if was and was > amount else None)
    departures: dict[Any, Departure] = {}
    for original_rule in original.rules.all():
        rule = _copy(original_rule, option=option)
        yield rule
        for departure in planned(rule, until, RestDays([])):
            departures.setdefault(departure.starts_at, departure)
    yield from departures.values()


def _price(amount: Decimal, factor: Decimal, currency: str) -> Decimal:
    """Another price that still looks like one: whole units where it is large enough."""
    scaled = amount * factor
    return scaled.quantize(Decimal(1)) if amount >= 20 else round_money(scaled, currency)


def _copy(row: Any, **changes: Any) -> Any:
    twin = copy(row)
    twin._state = copy(row._state)
    twin._state.fields_cache = dict(row._state.fields_cache)
    twin._prefetched_objects_cache = {}
    twin.pk = uuid7()
    for name, value in changes.items():
        setattr(twin, name, value)
    return twin


def _linked(original: TourImage, tour: Tour) -> TourImage | None:
    """The picture under names of its own, so that deleting it leaves the original's files."""
    if not isinstance(default_storage, FileSystemStorage):
        return None
    image = _copy(original, tour=tour, sizes=[], sizes_due_at=None)
    path = str(original.file.name)
    stem = path.rpartition(".")[0]
    for size in original.sizes:
        target = f"{path.rpartition('/')[0]}/{tour.slug[:60]}-{image.pk.hex[-12:]}{size['file'].removeprefix(stem)}"
        os.link(default_storage.path(size["file"]), default_storage.path(target))
        image.sizes.append({**size, "file": target})
    for name in ("file", "thumbnail"):
        source = getattr(original, name)
        folder, _, _file = source.name.rpartition("/")
        target = f"{folder}/{tour.slug[:60]}-{image.pk.hex[-12:]}.jpg"
        os.link(default_storage.path(source.name), default_storage.path(target))
        setattr(image, name, target)
    return image
