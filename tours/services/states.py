"""The states of a tour: which follow which, and the one line that changes it."""

from django.utils.timezone import now

from config.errors import IllegalMove
from tours.models import Tour, TourStatus

S = TourStatus

ALLOWED_MOVES: dict[str, set[str]] = {
    S.DRAFT: {S.ACTIVE, S.ARCHIVED},
    S.ACTIVE: {S.INACTIVE, S.ARCHIVED},
    S.INACTIVE: {S.ACTIVE, S.ARCHIVED},
    S.ARCHIVED: {S.ACTIVE, S.INACTIVE},
}

VERBS = {S.ACTIVE: "published", S.INACTIVE: "taken_off_sale", S.ARCHIVED: "archived"}


def set_status(tour: Tour, status: TourStatus) -> str:
    """The only line that changes a tour's status; returns what it was. The caller has locked it. Raises `IllegalMove`."""
    if status not in ALLOWED_MOVES[tour.status]:
        raise IllegalMove(what=tour, current=tour.get_status_display(), wanted=TourStatus(status).label)
    before, tour.status = tour.status, status
    if status == S.ACTIVE and tour.published_at is None:
        tour.published_at = now()
    tour.save(update_fields=["status", "published_at", "updated_at"])
    return str(before)
