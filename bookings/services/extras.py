"""Stocked extras follow the seats of their hold: taken with them, given back with them, won again with them."""

from collections.abc import Sequence
from uuid import UUID

from bookings.models import ExtraHeld, Hold
from bookings.pricing import stocked_extras
from tours.models import Departure
from tours.services.seats import lock_shared
from tours.services.stock import give_back, lock_stock, take, take_extras


def hold_extras(hold: Hold, departure: Departure) -> None:
    """Take what the hold's quote wants. Raises `ExtraSoldOut`. The hold is written, the departure locked."""
    wanted = stocked_extras(hold.quote)
    if wanted:
        taken = take_extras(departure=departure, wanted=wanted)
        ExtraHeld.objects.bulk_create(ExtraHeld(hold=hold, stock_id=t.stock_id, quantity=t.quantity) for t in taken)


def give_extras_back(hold: Hold) -> None:
    """Give back what the hold has taken, with its seats."""
    if stocked_extras(hold.quote):
        lock_extras([hold])
        for held in hold.extras_held.all():
            give_back(held.stock_id, held.quantity)


def release_extras(hold: Hold) -> None:
    """Give back what the hold has taken, and forget it: its seats are about to be exchanged for others."""
    give_extras_back(hold)
    hold.extras_held.all().delete()


def win_extras_again(hold: Hold) -> None:
    """Take once more what a hold that had ended gave back. Raises `ExtraSoldOut`; then nothing of it is taken."""
    if stocked_extras(hold.quote):
        lock_extras([hold])
        for held in hold.extras_held.select_related("stock__extra"):
            take(held.stock_id, held.quantity, held.stock.extra.code)


def lock_extras(holds: Sequence[Hold]) -> None:
    """Lock the stocks of several holds at once, before the first of them is touched, and what their departures share before."""
    stocked = [hold for hold in holds if stocked_extras(hold.quote)]
    if stocked:
        lock_shared({hold.departure_id for hold in stocked})
        lock_stock(sorted({UUID(hold.quote["tour_id"]) for hold in stocked}))
