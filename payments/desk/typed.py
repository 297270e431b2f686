"""What stands in the form of a phone booking: read as it was typed, with the faults found by field."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import PhoneNumber, to_python

from accounts.models import Language
from config.i18n import language_now

# Texts and how long they may be.
TEXTS = {
    "q": 100,
    "tq": 100,
    "contact_name": 120,
    "contact_email": 254,
    "contact_phone": 30,
    "special_requests": 2000,
    "dietary_needs": 300,
    "accessibility_needs": 300,
    "pickup": 300,
    "ride_from": 60,
    "ride_from_text": 160,
    "ride_to": 60,
    "ride_to_text": 160,
    "flight_number": 12,
    "flight_at": 20,
    "staff_note": 2000,
    "receipt": 60,
    "reason": 500,
    "overbooking_reason": 500,
    "age_reason": 500,
    "fingerprint": 32,
    "shown_for": 1000,
    "filled_from": 36,
}
DETAILS = ("special_requests", "dietary_needs", "accessibility_needs", "pickup", "flight_number")
MOST_GUESTS = 500
OLDEST = 130
WAYS = ("cash", "link", "later")


class Typed:
    """The form's content. `faults` maps fields to sentences; what is faulty stays as it was typed."""

    def __init__(self, data: QueryDict | Mapping[str, str]) -> None:
        self.data = {name: str(value).replace("\x00", "") for name, value in data.items()}
        self.faults: dict[str, list[str]] = {}
        self.texts = {name: self._text(name, most) for name, most in TEXTS.items()}
        self.customer = self._id("customer")
        self.tour = self._id("tour")
        self.departure = self._id("departure")
        self.hold = self._id("hold")
        self.since = self._day("since")
        self.language = self._one_of("language", Language.values, language_now())
        self.way = self._one_of("way", WAYS, "")
        self.deposit = self.data.get("deposit", "") == "1"
        self.currency = self.data.get("currency", "")[:3]
        self.guests = self._numbers("guests-")
        self.extras = self._numbers("extra-")
        self.travellers = self._travellers()

    @property
    def do(self) -> str:
        return self.data.get("do", "")

    @property
    def extras_wanted(self) -> list[dict[str, Any]]:
        """As a quote takes them."""
        return [{"code": code, "quantity": number} for code, number in self.extras.items() if number]

    @property
    def party(self) -> dict[str, int]:
        """Guests by category, without those that are none."""
        return {code: number for code, number in self.guests.items() if number}

    @property
    def ride(self) -> dict[str, Any]:
        """Where the party is fetched, or from where to where, as a quote takes it; nothing where nothing was chosen."""
        here, there = self._point("ride_from"), self._point("ride_to")
        if there:
            return {"transfer": {"origin": here or {}, "destination": there}}
        return {"pickup": here} if here else {}

    def _point(self, name: str) -> dict[str, Any] | None:
        kind, _colon, which = self.texts[name].partition(":")
        if kind == "place":
            try:
                return {"place_id": UUID(which)}
            except ValueError:
                return None
        return {"zone": which, "text": self.texts[f"{name}_text"].strip()} if kind == "zone" else None

    def flies_at(self, time_zone: str) -> datetime | None:
        """When the flight lands or leaves, on the destination's clocks. What is no moment stands in `faults`."""
        written = self.texts["flight_at"].strip()
        try:
            moment = datetime.fromisoformat(written) if written else None
        except ValueError:
            moment = None
            self.fault("flight_at", _("A day and a time, as 2027-01-31 14:30."))
        return moment.replace(tzinfo=ZoneInfo(time_zone)) if moment else None

    @property
    def asked_for(self) -> str:
        """What a price is shown for: departure, guests, extras, ride and currency, in one comparable text."""
        parts = [*sorted(self.party.items()), *sorted((one["code"], one["quantity"]) for one in self.extras_wanted)]
        ride = [self.texts[name] for name in ("ride_from", "ride_from_text", "ride_to", "ride_to_text")]
        return f"{self.departure} {self.currency} {parts} {ride}"[: TEXTS["shown_for"]]

    @property
    def fingerprint(self) -> str:
        """Of the price that was shown, where it was shown for just this."""
        return self.texts["fingerprint"] if self.texts["shown_for"] == self.asked_for else ""

    def contact(self) -> dict[str, str]:
        """Name, e-mail and phone, checked. What is wrong with them stands in `faults`."""
        name, email = self.texts["contact_name"].strip(), self.texts["contact_email"].strip()
        if not name:
            self.fault("contact_name", _("Say whom we may write to."))
        try:
            validate_email(email)
        except ValidationError:
            self.fault("contact_email", _("This is no e-mail address."))
        return {"name": name, "email": email, "phone": self.phone()}

    def phone(self) -> str:
        written = self.texts["contact_phone"].strip()
        number = to_python(written) if written else ""
        if written and not (isinstance(number, PhoneNumber) and number.is_valid()):
            self.fault("contact_phone", _("A phone number with its country, as +20 100 123 4567."))
            return ""
        return str(number)

    def named_travellers(self) -> list[dict[str, Any]]:
        """Those of whom something was written down, checked."""
        named = []
        for place in self.named_places():
            one = self.travellers[place]
            if not one["first_name"] or not one["last_name"]:
                self.fault(f"traveller-{place}", _("First and last name, or neither."))
            traveller: dict[str, Any] = {name: one[name][:60] for name in ("first_name", "last_name", "category")}
            if one["age"]:
                age = whole(one["age"])
                if age is None or age > OLDEST:
                    self.fault(f"traveller-{place}", _("An age from 0 to {most}.").format(most=OLDEST))
                traveller["age"] = age
            named.append(traveller)
        return named

    def named_places(self) -> list[int]:
        """The rows of travellers of whom something was written down."""
        return [
            place
            for place, one in enumerate(self.travellers)
            if any(one[name] for name in ("first_name", "last_name", "age"))
        ]

    def fault(self, field: str, sentence: str) -> None:
        self.faults.setdefault(field, []).append(sentence)

    def _text(self, name: str, most: int) -> str:
        text = self.data.get(name, "")
        if len(text) > most:
            self.fault(name, _("At most {most} letters; these are {count}.").format(most=most, count=len(text)))
        return text

    def _id(self, name: str) -> UUID | None:
        try:
            return UUID(self.data[name]) if self.data.get(name) else None
        except ValueError:
            return None

    def _day(self, name: str) -> date | None:
        written = self.data.get(name, "").strip()
        try:
            day = parse_date(written) if written else None
        except ValueError:
            day = None
        if written and day is None:
            self.fault(name, _("A day, as 2027-01-31."))
        return day

    def _one_of(self, name: str, known: Any, otherwise: str) -> str:
        value = self.data.get(name, "")
        return value if value in known else otherwise

    def _numbers(self, prefix: str) -> dict[str, int]:
        found = {}
        for name in [name for name in self.data if name.startswith(prefix)][:50]:
            written = self.data[name].strip()
            number = whole(written) if written else 0
            if number is None or number > MOST_GUESTS:
                self.fault(name, _("A whole number from 0 to {most}.").format(most=MOST_GUESTS))
                continue
            found[name.removeprefix(prefix)] = number
        return found

    def _travellers(self) -> list[dict[str, str]]:
        rows = []
        for place in range(MOST_GUESTS):
            if f"traveller-{place}-category" not in self.data:
                break
            rows.append(
                {
                    name: self.data.get(f"traveller-{place}-{name}", "").strip()
                    for name in ("category", "first_name", "last_name", "age")
                }
            )
        return rows


def whole(written: str) -> int | None:
    """The number that is written, in Latin or Arabic digits; None for what is no whole number of at most six digits."""
    return int(written) if written.isdecimal() and len(written) <= 6 else None
