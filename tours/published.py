"""Keeping the published facts (`PublishedTour`) equal to the tours.

A change of the catalogue announces `tour.changed` in its own transaction; right after commit the subscriber in
`tours.receivers` rewrites the facts here and empties the remembered answers. Readers so see a change as soon as the outbox
has delivered it: within milliseconds while the worker is idle, after the next sweep (15 s) if it was away. Nobody can
buy by an old fact: quotes, holds and availability read the tours themselves.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils import translation

from config.i18n import LANGUAGES
from config.tenancy import tenant_at_hand, tenant_id_or_raise
from ledger.errors import NoRate
from ledger.money import round_money, to_minor
from ledger.rates import rate_on
from tours.caching import catalogue_changed
from tours.documents import card, document
from tours.errors import TourHasNoPrice
from tours.lowest import advertise
from tours.models import Destination, PublishedTour, Tour
from tours.prices import price_from
from tours.search import fold, plain_words, slips_of, vector_sql, vector_texts, without_article

logger = logging.getLogger(__name__)

AT_ONCE = 200  # tours whose facts are made in one go

WRITTEN = [f.name for f in PublishedTour._meta.fields if f.name not in {"tour_id", "vector"}]

VECTORS = "jsonb_to_recordset(%s::jsonb) AS e(tour_id uuid, texts text[])"


@dataclass
class Comparison:
    """Makes prices in several currencies comparable: in minor units of the tenant's own, at today's rates."""

    currency: str
    rates: dict[str, Decimal | None] = field(default_factory=dict)

    def minor(self, amount: Decimal, currency: str) -> int | None:
        """None where no rate is known: the tour is then listed, but behind all that can be compared."""
        if currency not in self.rates:
            self.rates[currency] = self._rate(currency)
        rate = self.rates[currency]
        return None if rate is None else to_minor(round_money(amount * rate, self.currency), self.currency)

    def _rate(self, currency: str) -> Decimal | None:
        if currency == self.currency:
            return Decimal(1)
        try:
            return rate_on(currency, self.currency)
        except NoRate:
            logger.warning("no rate from %s to %s: such tours cannot be compared by price", currency, self.currency)
            return None


@dataclass
class Facts:
    """A row as it should be, and the texts of its vector."""

    row: PublishedTour
    texts: list[str]


@transaction.atomic
def publish_facts(*tour_ids: UUID) -> None:
    """Bring the rows of tours up to date, or delete them where the public may not see the tour. Safe to repeat."""
    for ids in _in_parts(sorted(tour_ids)):
        _lock(ids)
        _write(ids)
    transaction.on_commit(catalogue_changed)


def rebuild_catalogue() -> int:
    """Make every row of the tenant anew; returns how many tours are public. Readers are not disturbed."""
    gone = PublishedTour.objects.filter(tenant_id=tenant_id_or_raise())
    gone.exclude(tour_id__in=Tour.objects.public().values("pk")).delete()
    for ids in _in_parts(Tour.objects.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            _lock(ids)
            _write(ids)
    catalogue_changed()
    return gone.count()


def faults_in_facts() -> Iterator[tuple[UUID, str]]:
    """The tour and one sentence for each published row that is not as it should be, is missing, or should not be there."""
    stored_ids = set(PublishedTour.objects.filter(tenant_id=tenant_id_or_raise()).values_list("tour_id", flat=True))
    public_ids = set(Tour.objects.public().values_list("pk", flat=True))
    for tour_id in sorted(stored_ids - public_ids):
        yield tour_id, f"tour {tour_id} is listed, but not public"
    for tour_id in sorted(public_ids - stored_ids):
        yield tour_id, f"tour {tour_id} is public, but not listed"
    for ids in _in_parts(sorted(public_ids & stored_ids)):
        stored = PublishedTour.objects.in_bulk(ids)
        right = list(_facts_of(ids))
        for facts in right:
            wrong = [name for name in WRITTEN if getattr(facts.row, name) != getattr(stored[facts.row.pk], name)]
            if wrong:
                yield facts.row.pk, f"published facts of tour {facts.row.pk} are not the tour's: {', '.join(wrong)}"
        for tour_id in _with_wrong_vector(right):
            yield tour_id, f"published facts of tour {tour_id} are not the tour's: vector"


def _lock(ids: list[UUID]) -> None:
    """One at a time for each tour, or the slower of two deliveries could write the older facts."""
    list(Tour.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))


def _write(ids: list[UUID]) -> None:
    right = list(_facts_of(ids))
    hidden = set(ids) - {facts.row.pk for facts in right}
    PublishedTour.objects.filter(tenant_id=tenant_id_or_raise(), tour_id__in=hidden).delete()
    if not right:
        return
    PublishedTour.objects.bulk_create(
        [facts.row for facts in right], update_conflicts=True, unique_fields=["tour_id"], update_fields=WRITTEN
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE tours_publishedtour p SET vector = {vector_sql('e.texts')} FROM {VECTORS}"
            " WHERE p.tour_id = e.tour_id AND p.tenant_id = %s::uuid",
            [_vector_rows(right), tenant_id_or_raise()],
        )


def _with_wrong_vector(right: list[Facts]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT p.tour_id FROM tours_publishedtour p JOIN {VECTORS} ON p.tour_id = e.tour_id"
            f" WHERE p.vector IS DISTINCT FROM {vector_sql('e.texts')} ORDER BY p.tour_id",
            [_vector_rows(right)],
        )
        return [row[0] for row in cursor.fetchall()]


def _vector_rows(right: list[Facts]) -> str:
    return orjson.dumps([{"tour_id": facts.row.pk, "texts": facts.texts} for facts in right]).decode()


def _facts_of(ids: list[UUID]) -> Iterator[Facts]:
    """The facts of those that the public may see."""
    comparison = Comparison(tenant_at_hand().currency)
    tours = list(Tour.objects.public().for_display().filter(pk__in=ids).order_by("pk"))
    advertise(tours)
    for tour in tours:
        yield _facts(tour, comparison)


def _facts(tour: Tour, comparison: Comparison) -> Facts:
    destination: Any = tour.destination
    cities = _names(destination, "city")
    places = [*_country_names(destination), *_names(destination, "region"), *cities]
    names = plain_words(" ".join([tour.title_en, tour.title_ar, *places]))
    cards = {language: card(tour, language) for language in LANGUAGES}
    price, original = _price(tour)
    row = PublishedTour(
        tour_id=tour.pk,
        tenant_id=tour.tenant_id,
        slug=tour.slug,
        kind=tour.kind,
        category=tour.category.code,
        difficulty=tour.difficulty,
        destination_id=destination.pk,
        latitude=float(destination.latitude),
        longitude=float(destination.longitude),
        tags=[tag.lower() for tag in tour.tags],
        duration_minutes=tour.duration_minutes,
        min_guests=tour.min_guests,
        max_guests=tour.max_guests,
        rating=int(tour.rating_average * 100),
        popularity=tour.popularity,
        is_featured=tour.is_featured,
        is_deal=original is not None,
        compare_minor=None if price is None else comparison.minor(price, tour.currency_id),
        display_order=tour.display_order,
        created_at=tour.created_at,
        sort_en=fold(tour.title_en),
        sort_ar=fold(tour.title_ar),
        places=_folded([destination.slug, destination.country.code, *places]),
        cities=_folded([destination.slug, *cities]),
        words=f" {' '.join(names)} ",
        slips=sorted({slip for name in names for slip in slips_of(name)}),
        card_en=_json(cards["en"]),
        card_ar=_json(cards["ar"]),
        document_en=_json(document(tour, "en", cards["en"])),
        document_ar=_json(document(tour, "ar", cards["ar"])),
    )
    return Facts(row, vector_texts(*_texts_by_weight(tour, places)))


def _texts_by_weight(tour: Tour, places: list[str]) -> list[str]:
    """Title, then place, category and tags, then summary, then everything else that tells what it is."""
    days = [text for day in tour.itinerary.all() for text in (day.title_en, day.title_ar)]
    return [
        f"{tour.title_en} {tour.title_ar}",
        " ".join([*places, tour.category.name_en, tour.category.name_ar, *tour.tags]),
        f"{tour.summary_en} {tour.summary_ar}",
        " ".join(
            [
                *(tour.description_en, tour.description_ar, tour.meeting_point_en, tour.meeting_point_ar),
                *(*tour.highlights_en, *tour.highlights_ar, *days),
            ]
        ),
    ]


def _price(tour: Tour) -> tuple[Decimal | None, Decimal | None]:
    try:
        return price_from(tour)
    except TourHasNoPrice:
        return None, None


def _names(destination: Destination, name: str) -> list[str]:
    return [text for language in LANGUAGES if (text := getattr(destination, f"{name}_{language}"))]


def _country_names(destination: Any) -> list[str]:
    names = []
    for language in LANGUAGES:
        with translation.override(language):
            names.append(str(destination.country.name))
    return names


def _folded(names: Iterable[str]) -> list[str]:
    """Each name, and each without Arabic articles."""
    folded = [fold(name) for name in names]
    return list(dict.fromkeys([*folded, *(" ".join(map(without_article, name.split())) for name in folded)]))


def _json(shown: dict[str, Any]) -> str:
    return orjson.dumps(shown).decode()


def _in_parts(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    known = list(ids)
    for start in range(0, len(known), AT_ONCE):
        yield known[start : start + AT_ONCE]
