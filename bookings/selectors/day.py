"""A day's departures with their guests, money and red flags, in the same number of queries however many there are."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Min
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.flags import BAD, WARN, Flag, flags_of_apps_above
from bookings.models import Booking, BookingItem, BookingStatus, Traveller
from bookings.selectors.crew import add_crew
from bookings.selectors.manifest import LISTED
from bookings.services.arrivals import LETS_IN
from bookings.wording import moment_in_words, money, time_in_words
from config.i18n import language_now
from ledger.money import format_money
from tours.models import Departure, DepartureStatus

SOON = timedelta(hours=48)  # so close to the start somebody should have paid
NAMES_WANTED = timedelta(hours=24)
COLUMNS = (
    "pk",
    "starts_at",
    "ends_at",
    "any_time",
    "status",
    "capacity",
    "seats_held",
    "seats_booked",
    "rule__capacity",
    "option__capacity",
    "tour__min_group_size",
    "tour__min_age",
    "tour__destination_id",
    "tour__destination__time_zone",
)
OF_BOOKING = (
    "reference",
    "status",
    "payment_status",
    "currency",
    "total",
    "amount_paid",
    "amount_refunded",
    "contact_name",
    "dietary_needs",
    "accessibility_needs",
    "special_requests",
    "pickup",
    "expires_at",
)


@dataclass
class DayDeparture:
    """A departure of the day, as far as the day's work needs it. Amounts are those of its bookings, by currency."""

    pk: UUID
    title: str
    titles: str  # in all languages, to be searched
    option: str
    city: str
    destination_id: UUID
    start: datetime  # as the clocks at the destination show it
    ends_at: datetime
    any_time: bool
    status: str
    capacity: int
    usual_capacity: int
    seats_held: int
    seats_booked: int
    least_guests: int
    least_age: int
    note: str
    guests: int = 0
    unpaid_guests: int = 0
    came: int = 0
    absent: int = 0
    parties: list["DayParty"] = field(default_factory=list)
    paid: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    due: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    flags: list[Flag] = field(default_factory=list)
    left: int | None = None  # places that can really be sold, with all that limits them
    crew: list[tuple[str, str, int]] = field(default_factory=list)  # who goes along, in which state, how many

    @property
    def time(self) -> str:
        """Said here, because templates turn moments into the server's zone."""
        if self.any_time:
            return f"{self.start:%H:%M}\u2013{self.ends_at.astimezone(self.start.tzinfo):%H:%M}"
        return f"{self.start:%H:%M}"

    @property
    def status_words(self) -> str:
        return str(DepartureStatus(self.status).label)

    @property
    def is_open(self) -> bool:
        return self.status == DepartureStatus.OPEN

    @property
    def is_shared(self) -> bool:
        """Whether fewer places can be sold than are free of its own."""
        own = self.capacity - self.seats_held - self.seats_booked
        return self.left is not None and self.left < own

    @property
    def missing(self) -> int:
        return self.guests - self.came - self.absent

    @property
    def taken_percent(self) -> int:
        return max(0, min(100, (self.seats_booked + self.seats_held) * 100 // max(1, self.capacity)))

    @property
    def paid_words(self) -> list[str]:
        return [format_money(amount, currency) for currency, amount in sorted(self.paid.items()) if amount]

    @property
    def due_words(self) -> list[str]:
        return [format_money(amount, currency) for currency, amount in sorted(self.due.items()) if amount]

    @property
    def needs(self) -> list[tuple[str, Booking, str]]:
        """Of each party that is expected: a kind (`diet`, `access`, `requests`, `pickup`), the booking, what they wrote."""
        return [
            (kind, party.booking, text)
            for party in self.parties
            for kind, text in (
                ("access", party.booking.accessibility_needs),
                ("diet", party.booking.dietary_needs),
                ("requests", party.booking.special_requests),
                ("pickup", party.booking.pickup),
            )
            if text
        ]

    @property
    def worst(self) -> str:
        """The tone of its gravest flag."""
        tones = {flag.tone for flag in self.flags}
        return BAD if BAD in tones else WARN if WARN in tones else ""


@dataclass(frozen=True)
class DayParty:
    """A booking on a departure that is expected, or waits for payment."""

    booking: Booking
    guests: int

    @property
    def lets_in(self) -> bool:
        return self.booking.status in LETS_IN


@dataclass(frozen=True)
class Day:
    """`rows` are those asked for, `empty` how many without guests are left out; `cities` are the day's, to choose from."""

    day: date
    rows: list[DayDeparture]
    cities: list[tuple[str, str]]
    empty: int

    @cached_property
    def flagged(self) -> list[tuple[DayDeparture, Flag]]:
        """Every red flag with its departure, the gravest first, then by time."""
        found = [(row, flag) for row in self.rows for flag in row.flags]
        return sorted(found, key=lambda pair: pair[1].tone != BAD)

    @property
    def guests(self) -> int:
        return sum(row.guests for row in self.rows)

    @property
    def came(self) -> int:
        return sum(row.came for row in self.rows)

    @property
    def due_words(self) -> list[str]:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.rows:
            for currency, amount in row.due.items():
                sums[currency] += amount
        return [format_money(amount, currency) for currency, amount in sorted(sums.items()) if amount]


def day(*, wanted: date, user: Any, q: str = "", destination_id: UUID | None = None, all_rows: bool = False) -> Day:
    """The departures of a local day, by their local time; those without guests only where `all_rows` asks for them.

    `q` is looked for in the titles of tours and options, in both languages.
    """
    departures = _departures(wanted)
    cities = {str(row.destination_id): row.city for row in departures}
    typed = q.casefold().split()
    rows = {
        row.pk: row
        for row in departures
        if destination_id in (None, row.destination_id) and all(part in row.titles for part in typed)
    }
    on_the_day = BookingItem.objects.filter(departure__local_date=wanted)
    add_crew(rows.values())
    _add_bookings(rows, on_the_day, Booking.objects.filter(pk__in=on_the_day.values("booking_id")), user)
    shown = [row for row in rows.values() if all_rows or row.parties or row.flags or row.seats_held]
    return Day(wanted, shown, sorted(cities.items(), key=lambda pair: pair[1]), len(rows) - len(shown))


def _departures(wanted: date) -> list[DayDeparture]:
    """Plain columns: a day may have hundreds, and their tours' texts are long."""
    language = language_now()
    other = "en" if language == "ar" else "ar"

    def text(found: dict[str, Any], name: str) -> str:
        return found[f"{name}_{language}"] or found[f"{name}_{other}"]

    names = ("tour__title", "option__name", "tour__destination__city", "note")
    texts = [f"{name}_{code}" for name in names for code in ("en", "ar")]
    rows = [
        DayDeparture(
            pk=found["pk"],
            title=text(found, "tour__title"),
            titles=" ".join(found[name] for name in texts[:4]).casefold(),
            option=text(found, "option__name"),
            city=text(found, "tour__destination__city"),
            destination_id=found["tour__destination_id"],
            start=found["starts_at"].astimezone(ZoneInfo(found["tour__destination__time_zone"])),
            ends_at=found["ends_at"],
            any_time=found["any_time"],
            status=found["status"],
            capacity=found["capacity"],
            usual_capacity=found["rule__capacity"] or found["option__capacity"],
            seats_held=found["seats_held"],
            seats_booked=found["seats_booked"],
            least_guests=found["tour__min_group_size"],
            least_age=found["tour__min_age"],
            note=text(found, "note"),
        )
        for found in Departure.objects.filter(local_date=wanted).values(*COLUMNS, *texts)
    ]
    return sorted(rows, key=lambda row: (row.start.replace(tzinfo=None), row.title, row.pk))


def _add_bookings(rows: dict[UUID, DayDeparture], items: Any, bookings: Any, user: Any) -> None:
    found = {booking.pk: booking for booking in bookings.filter(status__in=LISTED).only(*OF_BOOKING).order_by()}
    named = {
        booking_id: (number, youngest)
        for booking_id, number, youngest in Traveller.objects.filter(booking__in=items.values("booking_id"))
        .values("booking_id")
        .annotate(number=Count("pk"), youngest=Min("age"))
        .values_list("booking_id", "number", "youngest")
    }
    of_booking: dict[UUID, list[DayDeparture]] = defaultdict(list)
    for departure_id, booking_id, party, came, absent in items.order_by("pk").values_list(
        "departure_id", "booking_id", "party", "attendance__came", "attendance__absent"
    ):
        row, booking = rows.get(departure_id), found.get(booking_id)
        if row is None:
            continue
        of_booking[booking_id].append(row)
        if booking is not None:
            _count(row, booking, sum(party.values()), came, absent)
    present = now()
    for row in rows.values():
        if row.parties or not row.is_open:
            row.flags += [*_of_departure(row, present), *_of_parties(row, present), *_of_names(row, named, present)]
    for flag in flags_of_apps_above(bookings, user) if of_booking else ():
        for row in of_booking[flag.booking_id] if flag.booking_id else ():
            row.flags.append(flag)


def _count(row: DayDeparture, booking: Booking, guests: int, came: int | None, absent: int | None) -> None:
    party = DayParty(booking, guests)
    if party.lets_in:
        row.guests += guests
        row.came += came or 0
        row.absent += guests if absent is None and booking.status == BookingStatus.NO_SHOW else absent or 0
    else:
        row.unpaid_guests += guests
    row.parties.append(party)
    row.paid[booking.currency] += booking.amount_kept
    row.due[booking.currency] += booking.amount_due


def _of_departure(row: DayDeparture, present: datetime) -> Iterator[Flag]:
    page = ("admin:tours_departure_change", row.pk)
    sold = row.seats_booked + row.seats_held
    if not row.is_open and sold:
        # Closed for sale is daily business; cancelled with guests is not.
        yield Flag(BAD if row.status == DepartureStatus.CANCELLED else WARN, partial(_closed, row, sold), *page)
    if sold > row.usual_capacity:
        yield Flag(WARN, partial(_overbooked, row, sold), *page)
    if 0 < row.seats_booked < row.least_guests and row.start > present:
        yield Flag(WARN, partial(_too_few, row), *page)
    if row.missing > 0 and not row.any_time and row.start <= present < row.ends_at:
        yield Flag(BAD, partial(_late, row.missing), "admin:bookings_check_in", row.pk)


def _of_parties(row: DayDeparture, present: datetime) -> Iterator[Flag]:
    if row.start - SOON > present:
        return
    for party in row.parties:
        booking = party.booking
        page = ("admin:bookings_booking_change", booking.pk, booking.pk, booking.reference)
        if not party.lets_in:
            yield Flag(WARN, partial(_waits, row, booking), *page)
        elif booking.amount_due:
            yield Flag(BAD, partial(_not_paid, booking), *page)


def _of_names(row: DayDeparture, named: dict[UUID, tuple[int, int | None]], present: datetime) -> Iterator[Flag]:
    nameless = 0
    for party in row.parties:
        booking = party.booking
        if not party.lets_in:
            continue
        number, youngest = named.get(booking.pk, (0, None))
        nameless += number < party.guests
        if youngest is not None and youngest < row.least_age:
            page = ("admin:bookings_booking_change", booking.pk, booking.pk, booking.reference)
            yield Flag(WARN, partial(_too_young, row, youngest), *page)
    if nameless and present < row.start < present + NAMES_WANTED:
        yield Flag(WARN, partial(_nameless, nameless), "admin:bookings_manifest", row.pk)


# --- In words ---


def _closed(row: DayDeparture, sold: int) -> str:
    words = ngettext("{status}, but {n} place is held or booked", "{status}, but {n} places are held or booked", sold)
    return words.format(status=row.status_words, n=sold)


def _overbooked(row: DayDeparture, sold: int) -> str:
    words = _("Overbooked: {sold} places taken, {usual} are usual (raised to {capacity})")
    return words.format(sold=sold, usual=row.usual_capacity, capacity=row.capacity)


def _too_few(row: DayDeparture) -> str:
    return _("Below the minimum: {booked} booked, it takes {least}").format(
        booked=row.seats_booked, least=row.least_guests
    )


def _late(missing: int) -> str:
    return ngettext("{n} guest has not come", "{n} guests have not come", missing).format(n=missing)


def _waits(row: DayDeparture, booking: Booking) -> str:
    words = _("Waits for payment: {amount}").format(amount=money(booking, booking.amount_due))
    if not booking.expires_at:
        return words
    until = booking.expires_at.astimezone(row.start.tzinfo)
    said = time_in_words(until) if until.date() == row.start.date() else moment_in_words(until)
    return _("{what}, until {time}").format(what=words, time=said)


def _not_paid(booking: Booking) -> str:
    return _("Not paid: {amount} still due").format(amount=money(booking, booking.amount_due))


def _too_young(row: DayDeparture, age: int) -> str:
    return _("A guest is {age}; the minimum age is {least}").format(age=age, least=row.least_age)


def _nameless(bookings: int) -> str:
    return ngettext(
        "Names of guests are missing in {n} booking", "Names of guests are missing in {n} bookings", bookings
    ).format(n=bookings)
