"""What follows every change of a tour: it stays fit for sale if it is on sale, and the change is announced."""

from uuid import UUID

from config.errors import InvalidInput
from notifications.outbox import announce
from tours.errors import TourIncomplete, TourNotFound
from tours.limits import faults_of_price, missing_for_sale
from tours.models import Tour, TourStatus


def lock_tour(tour_id: UUID) -> Tour:
    """The tour, locked against other changes until the transaction ends. Raises `TourNotFound`, also for deleted ones."""
    tour = Tour.objects.alive().select_for_update(of=("self",)).select_related("destination").filter(pk=tour_id).first()
    if tour is None:
        raise TourNotFound
    return tour


def settle_tour(tour_id: UUID) -> Tour:
    """Announce `tour.changed`. To be called last in the transaction that changed the tour or its parts.

    Raises `TourIncomplete` when the tour is on sale and the change took something away that it needs, and `InvalidInput` when
    its prices have more decimals than its currency.
    """
    tour = Tour.objects.prefetch_related("options__prices__category", "extras").filter(pk=tour_id).first()
    if tour is None:
        raise TourNotFound
    _refuse_faulty_prices(tour)
    if tour.status == TourStatus.ACTIVE:
        refuse_incomplete(tour)
    announce("tour.changed", tour)
    return tour


def refuse_incomplete(tour: Tour) -> None:
    """Raise `TourIncomplete` with what is missing."""
    missing = missing_for_sale(tour)
    if missing:
        raise TourIncomplete(tour=tour, missing=", ".join(missing), details={"missing": missing})


def _refuse_faulty_prices(tour: Tour) -> None:
    for option in tour.options.all():
        for price in option.prices.all():
            faults = faults_of_price(price.amount, price.original_amount, tour.currency_id)
            if faults:
                place = f"options.{option.code}.prices.{price.category.code}"
                raise InvalidInput(details={f"{place}.{field}": found for field, found in faults.items()})
    for extra in tour.extras.all():
        faults = faults_of_price(extra.amount, None, tour.currency_id)
        if faults:
            raise InvalidInput(details={f"extras.{extra.code}.amount": faults["amount"]})
