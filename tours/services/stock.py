"""Extras of which there are only so many: taken and given back with the seats, never more than there are.

Whoever takes or gives back locks the tour's stocked extras first (`lock_stock`), after departure and booking: so no two
such transactions of a tour meet, and their order does not matter.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.utils.timezone import localdate, now

from tours.errors import ExtraSoldOut, StockBelowSold, StockKindInUse
from tours.models import Departure, Extra, ExtraStock, StockPer


@dataclass(frozen=True, slots=True)
class Taken:
    """So many of an extra, from one stock."""

    stock_id: UUID
    quantity: int


def lock_stock(tour_ids: Iterable[UUID]) -> None:
    """Lock the extras of these tours against others who take or give back, until the transaction ends."""
    extras = Extra.objects.filter(tour_id__in=list(tour_ids)).order_by("pk")
    list(extras.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def take_extras(*, departure: Departure, wanted: Mapping[str, int]) -> list[Taken]:
    """Take so many of the extras with these codes, all or none. Raises `ExtraSoldOut`.

    What has no stock by now is not counted. The caller is in a transaction and holds the departure's lock.
    """
    lock_stock([departure.tour_id])
    extras = Extra.objects.filter(tour_id=departure.tour_id, code__in=list(wanted), stock__isnull=False)
    taken = []
    for extra in extras.order_by("code"):
        stock = _stock_of(extra, departure)
        take(stock.pk, wanted[extra.code], extra.code)
        taken.append(Taken(stock.pk, wanted[extra.code]))
    return taken


def take(stock_id: UUID, quantity: int, code: str) -> None:
    """Take from one stock, in SQL. Raises `ExtraSoldOut`. The caller has locked it."""
    free = Q(capacity__gte=F("taken") + quantity)
    if not ExtraStock.objects.filter(free, pk=stock_id).update(taken=F("taken") + quantity):
        left = ExtraStock.objects.get(pk=stock_id)
        raise ExtraSoldOut(extra=code, left=left.capacity - left.taken, asked=quantity)


def give_back(stock_id: UUID, quantity: int) -> None:
    """Give back to one stock. The caller has locked it."""
    ExtraStock.objects.filter(pk=stock_id).update(taken=F("taken") - quantity)


def _stock_of(extra: Extra, departure: Departure) -> ExtraStock:
    is_daily = extra.stock_per == StockPer.DAY
    place = {"day": departure.local_date} if is_daily else {"departure_id": departure.pk}
    found = ExtraStock.objects.filter(extra=extra, **place).first()
    return found or ExtraStock.objects.create(extra=extra, capacity=extra.stock, **place)


def extras_left(departure: Departure) -> dict[str, int]:
    """How many of each stocked extra can still be had on a departure. Two statements."""
    return extras_left_of([departure])[departure.pk]


def extras_left_of(departures: Collection[Departure]) -> dict[UUID, dict[str, int]]:
    """The same of many departures, in two statements as well."""
    tours = {departure.tour_id for departure in departures}
    stocks = ExtraStock.objects.filter(
        Q(departure__in=[departure.pk for departure in departures], extra__stock_per=StockPer.DEPARTURE)
        | Q(day__in={departure.local_date for departure in departures}, extra__stock_per=StockPer.DAY),
        extra__tour_id__in=tours,
    )
    left = {
        (extra_id, departure_id or day): max(capacity - taken, 0)
        for extra_id, departure_id, day, capacity, taken in stocks.values_list(
            "extra_id", "departure_id", "day", "capacity", "taken"
        )
    }
    found: dict[UUID, dict[str, int]] = {departure.pk: {} for departure in departures}
    stocked = Extra.objects.filter(tour_id__in=tours, is_active=True, stock__isnull=False).order_by("code")
    for extra in stocked.only("tour_id", "code", "stock", "stock_per"):
        for departure in departures:
            if departure.tour_id == extra.tour_id:
                place = departure.local_date if extra.stock_per == StockPer.DAY else departure.pk
                found[departure.pk][extra.code] = left.get((extra.pk, place), extra.stock or 0)
    return found


def refuse_stock_change(extra: Extra) -> None:
    """Raise `StockBelowSold` or `StockKindInUse` where the extra, as it is about to be saved, denies what is sold of it."""
    if extra._state.adding:
        return
    coming = _coming(extra).filter(taken__gt=0)
    if extra.stock is not None:
        most = coming.order_by("-taken").first()
        if most is not None and most.taken > extra.stock:
            raise StockBelowSold(extra=extra.code, sold=most.taken)
    was = Extra.objects.filter(pk=extra.pk).values_list("stock_per", flat=True).first()
    if was != extra.stock_per and coming.exists():
        raise StockKindInUse(extra=extra.code)


def follow_stock(tour_id: UUID) -> None:
    """Bring the stocks of what is still to come up to the extras' numbers. Raises `StockBelowSold`."""
    lock_stock([tour_id])
    for extra in Extra.objects.filter(tour_id=tour_id, stock__isnull=False):
        coming = _coming(extra).exclude(capacity=extra.stock)
        most = coming.filter(taken__gt=extra.stock).order_by("-taken").first()
        if most is not None:
            raise StockBelowSold(extra=extra.code, sold=most.taken)
        coming.update(capacity=extra.stock)


def _coming(extra: Extra) -> Any:
    return ExtraStock.objects.filter(Q(departure__starts_at__gt=now()) | Q(day__gte=localdate()), extra_id=extra.pk)
