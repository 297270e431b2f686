"""Guides, vehicles and equipment: engaged for departures, by the system while it sells and by staff, and away on leave.

The database refuses to have anybody in two places (`resource_in_one_place`, `equipment_suffices`). Locks: the departure, then
the resources by id, then their engagements.
"""

from tours.services.resources.engagements import (
    answer_engagement,
    confirm_engagement,
    engage,
    release_engagement,
)
from tours.services.resources.free import free_for, lock_resources
from tours.services.resources.keeping import follow_seats
from tours.services.resources.leave import add_leave, renew_address
from tours.services.resources.needs import is_met, needs_of, units_wanted

__all__ = [
    "add_leave",
    "answer_engagement",
    "confirm_engagement",
    "engage",
    "follow_seats",
    "free_for",
    "is_met",
    "lock_resources",
    "needs_of",
    "release_engagement",
    "renew_address",
    "units_wanted",
]
