"""What a departure needs, and what is engaged for it."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from tours.models import Departure, Engagement, OnShortage, Resource, ResourceKind, ResourceNeed


def needs_of(departure: Departure, *, must: bool = False) -> list[ResourceNeed]:
    """The needs of a departure; with `must` only those without which it is not sold."""
    needs = ResourceNeed.objects.filter(Q(option=None) | Q(option_id=departure.option_id), tour_id=departure.tour_id)
    if must:
        needs = needs.filter(on_shortage=OnShortage.STOP)
    return list(needs.order_by("kind", "pk"))


def units_wanted(need: ResourceNeed, guests: int) -> int:
    """How many of it so many guests take (of vehicles: at least one, their seats say how many)."""
    if guests <= 0:
        return 0
    if need.kind == ResourceKind.VEHICLE:
        return 1
    if need.per_guests:
        return -(-guests // need.per_guests) * need.count
    return need.count


def is_met(need: ResourceNeed, engaged: Sequence[Engagement], guests: int) -> bool:
    """Whether what is engaged for it is enough for so many guests. Needs `resource`."""
    if need.kind == ResourceKind.VEHICLE:
        return sum(each.resource.seats or 0 for each in engaged) >= guests
    return sum(each.quantity for each in engaged) >= units_wanted(need, guests)


def suits(resource: Resource, need: ResourceNeed) -> bool:
    """Whether it is of the kind, with the skill and language."""
    return (
        resource.kind == need.kind
        and need.skill in ("", *resource.skills)
        and need.language in ("", *resource.languages)
    )


def engaged_by_need(departure: Departure) -> dict[UUID | None, list[Engagement]]:
    """Who and what is engaged for the departure, by the need it meets, the first first."""
    found: dict[UUID | None, list[Engagement]] = {}
    for each in (
        Engagement.objects.live().filter(departure=departure).select_related("resource").order_by("made_at", "pk")
    ):
        found.setdefault(each.need_id, []).append(each)
    return found
