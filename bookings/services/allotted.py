"""Places kept for a partner, while it sells: its holds take from them first, and give back to them. The departure is locked."""

from uuid import UUID

from django.db.models import F

from bookings.models import AllottedPlaces, Hold, Partner


def allotted_to(partner: Partner | None, departure_id: UUID) -> AllottedPlaces | None:
    """What a partner still has on a departure; nothing where it is used up or released."""
    if partner is None:
        return None
    rows = AllottedPlaces.objects.filter(partner=partner, departure_id=departure_id, released_at=None)
    return rows.filter(places__gt=F("used")).first()


def use_allotted(hold: Hold, row: AllottedPlaces | None) -> int:
    """Note on a hold that is being made how many of its seats come from the partner's places; returns how many."""
    if row is None:
        return 0
    taken = min(row.left, hold.seats)
    AllottedPlaces.objects.filter(pk=row.pk).update(used=F("used") + taken)
    hold.allotted_from, hold.allotted_seats = row, taken
    return taken


def give_back_allotted(hold: Hold) -> int:
    """Give a hold's share back to the partner; returns how many seats are kept for it again (none once released)."""
    if not hold.allotted_seats:
        return 0
    row = AllottedPlaces.objects.get(pk=hold.allotted_from_id)
    AllottedPlaces.objects.filter(pk=row.pk).update(used=F("used") - hold.allotted_seats)
    kept = 0 if row.released_at else hold.allotted_seats
    hold.allotted_seats = 0
    hold.save(update_fields=["allotted_seats"])
    return kept
