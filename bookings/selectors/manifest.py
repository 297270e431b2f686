"""Who travels on a departure: the list for the desk, for paper and for the guide's phone."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from django.utils.timezone import now
from django.utils.translation import gettext

from accounts.models import Language
from bookings import wording
from bookings.errors import BookingNotFound
from bookings.models import Attendance, Booking, BookingItem, BookingStatus, CheckIn, CheckInAction, Traveller
from bookings.services.arrivals import LETS_IN, OPENS_BEFORE
from config.i18n import in_language
from tours.errors import DepartureNotFound
from tours.models import Departure, Engagement
from tours.selectors.resources import engaged_for

# Who waits for payment is listed too, apart: they may stand at the jetty.
LISTED = (*sorted(LETS_IN), BookingStatus.PENDING_PAYMENT)


@dataclass(frozen=True)
class Step:
    """A step of the check-in that was not taken back; `time` is the destination's."""

    id: UUID
    action: str
    guests: int
    at: datetime
    time: str
    by: str
    method: str


@dataclass(frozen=True)
class Party:
    """A booking on the departure, in the words of the language at hand."""

    booking: Booking
    guests: int
    words: str
    travellers: list[Traveller]
    came: int
    absent: int
    steps: list[Step]

    @property
    def missing(self) -> int:
        """Guests of whom nothing is known yet."""
        return self.guests - self.came - self.absent

    @property
    def lets_in(self) -> bool:
        """Whether somebody may be checked in on it."""
        return self.booking.status in LETS_IN

    @property
    def is_no_show(self) -> bool:
        return self.booking.status == BookingStatus.NO_SHOW

    @property
    def names(self) -> list[str]:
        """Who travels, with their ages where they are known."""
        return [f"{one} ({one.age})" if one.age is not None else str(one) for one in self.travellers]

    @property
    def extras(self) -> str:
        """What was bought beside the places, in words."""
        return gettext(", ").join(wording.extras_in_words(self.booking))

    @property
    def emergency(self) -> str:
        """Whom to call if something happens."""
        return f"{self.booking.emergency_name} {self.booking.emergency_phone}".strip()

    @property
    def language(self) -> str:
        return str(Language(self.booking.language).label)

    @property
    def due(self) -> str:
        """What is still to pay, in words; nothing where all is paid."""
        return wording.money(self.booking, self.booking.amount_due) if self.booking.amount_due else ""

    @property
    def paid(self) -> str:
        return wording.money(self.booking, self.booking.amount_kept)

    @property
    def pickup(self) -> str:
        """When and where the party is fetched, in words."""
        return wording.pickup_in_words(self.booking)

    @property
    def flight(self) -> str:
        return wording.flight_in_words(self.booking)

    @property
    def fetched_at(self) -> datetime:
        """When the party is fetched; at the start, where it comes by itself."""
        ride = self.booking.quote.get("pickup")
        return datetime.fromisoformat(ride["at"]) if ride else self.booking.starts_at

    @property
    def needs(self) -> list[tuple[str, str]]:
        """What must be known of the guests: a kind (`diet`, `access` …) and what they wrote."""
        booking = self.booking
        told = [
            ("extras", self.extras),
            ("access", booking.accessibility_needs),
            ("diet", booking.dietary_needs),
            ("requests", booking.special_requests),
            ("staff", booking.staff_note),
            *(("traveller", f"{traveller}: {traveller.note}") for traveller in self.travellers if traveller.note),
            ("emergency", self.emergency),
        ]
        return [(kind, text) for kind, text in told if text]


@dataclass(frozen=True)
class Manifest:
    """All parties of a departure, in the order they are fetched, then by the name of their contact."""

    departure: Departure
    parties: list[Party]

    @property
    def expected(self) -> list[Party]:
        """Those that may be let in."""
        return [party for party in self.parties if party.lets_in]

    @property
    def unconfirmed(self) -> list[Party]:
        """Those that wait for payment."""
        return [party for party in self.parties if not party.lets_in]

    @property
    def guests(self) -> int:
        return sum(party.guests for party in self.expected)

    @property
    def came(self) -> int:
        return sum(party.came for party in self.expected)

    @property
    def absent(self) -> int:
        return sum(party.absent for party in self.expected)

    @property
    def missing(self) -> int:
        return self.guests - self.came - self.absent

    @property
    def title(self) -> str:
        return str(in_language(self.departure.tour, "title"))

    @property
    def option(self) -> str:
        return str(in_language(self.departure.option, "name"))

    @cached_property
    def crew(self) -> list[Engagement]:
        """Who and what goes along; asked for when it is shown."""
        return engaged_for([self.departure.pk]).get(self.departure.pk, [])

    @property
    def starts(self) -> datetime:
        """The start as the clocks at the destination show it."""
        return self.departure.local_start()

    @property
    def when(self) -> str:
        """The start, or the day with its opening hours, in words."""
        zone = self.departure.tour.destination.time_zone
        ends = wording.local(self.departure.ends_at, zone)
        return wording.span_in_words(self.starts, ends, self.departure.any_time)

    @property
    def is_open(self) -> bool:
        """Whether guests may be checked in by now."""
        return self.departure.starts_at - OPENS_BEFORE <= now()

    @property
    def has_started(self) -> bool:
        return self.departure.starts_at <= now()


def manifest(departure_id: UUID) -> Manifest:
    """The manifest of a departure, in the same five queries however many travel. Raises `DepartureNotFound`."""
    departure = Departure.objects.select_related("tour__destination", "option").filter(pk=departure_id).first()
    if departure is None:
        raise DepartureNotFound
    parties = [_party(item, departure) for item in _items().filter(departure=departure)]
    return Manifest(
        departure,
        sorted(parties, key=lambda one: (one.fetched_at, one.booking.contact_name.casefold(), one.booking.pk)),
    )


def party_of(booking_id: UUID, departure_id: UUID | None = None) -> Party:
    """One party of a manifest, as it stands now. Raises `BookingNotFound`."""
    items = _items().filter(booking_id=booking_id).exclude(departure=None)
    if departure_id is not None:
        items = items.filter(departure_id=departure_id)
    item = items.select_related("departure__tour__destination").order_by("departure_id").first()
    if item is None or item.departure is None:
        raise BookingNotFound
    return _party(item, item.departure)


def _items() -> Any:
    steps = CheckIn.objects.select_related("actor").order_by("recorded_at", "id")
    return (
        BookingItem.objects.filter(booking__status__in=LISTED)
        .select_related("booking", "attendance")
        .prefetch_related(Prefetch("attendance__steps", steps), "booking__travellers")
    )


def _party(item: BookingItem, departure: Departure) -> Party:
    found: Attendance | None = getattr(item, "attendance", None)
    guests = found.guests if found else sum(item.party.values())
    return Party(
        booking=item.booking,
        guests=guests,
        words=wording.party_in_words(item.booking),
        travellers=list(item.booking.travellers.all()),
        came=found.came if found else 0,
        absent=found.absent if found else (guests if item.booking.status == BookingStatus.NO_SHOW else 0),
        steps=_open_steps(found, departure) if found else [],
    )


def _open_steps(attendance: Attendance, departure: Departure) -> list[Step]:
    steps = list(attendance.steps.all())
    undone = {step.undoes_id for step in steps}
    zone = departure.tour.destination.time_zone
    return [
        Step(
            id=step.key,
            action=step.action,
            guests=step.guests,
            at=step.at,
            time=wording.time_in_words(wording.local(step.at, zone)),
            by=step.actor.get_full_name() if step.actor else "",
            method=step.method,
        )
        for step in steps
        if step.action != CheckInAction.UNDO and step.pk not in undone
    ]
