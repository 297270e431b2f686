"""Quotes as they are stored: asked for again, moved to another day, compared, and put into words."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.utils.timezone import now

from config.i18n import language_now


def asked_again(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What a stored quote was asked for, as arguments of `quote`: for the same party on another departure."""
    extras = [{"code": one["code"], "quantity": one["quantity"]} for one in stored["extras"] if not one.get("required")]
    return {"guests": stored["guests"], "extras": extras, "currency": stored["currency"], **ride_asked(stored)}


def ride_asked(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The `pickup` or `transfer` that a stored quote was made for; nothing where there is none."""
    ride = stored.get("pickup")
    if not ride:
        return {}
    if "destination" not in ride:
        return {"pickup": _asked(ride)}
    return {"transfer": {"origin": _asked(ride), "destination": _asked(ride["destination"])}}


def _asked(point: Mapping[str, Any]) -> dict[str, Any]:
    if point["place_id"]:
        return {"place_id": UUID(point["place_id"])}
    return {"zone": point["zone"], "text": point["name_en"]}


def shifted_deposit(deposit: Mapping[str, Any] | None, by: timedelta, starts_at: datetime) -> dict[str, Any] | None:
    """A stored deposit whose days move with the departure, which now `starts_at`.

    Nobody loses a booking because the new day is near: where the balance would be overdue at once, the wait that was agreed
    begins now, and where that ends after the start, staff decide.
    """
    if not deposit:
        return None
    days = {name: deposit[name] for name in ("balance_due_at", "remind_at", "cancel_at") if deposit[name]}
    moved = {name: datetime.fromisoformat(day) + by for name, day in days.items()}
    shifted = {**deposit, **{name: day.isoformat() for name, day in moved.items()}}
    if "cancel_at" in moved:
        wait = max(moved["cancel_at"] - moved["balance_due_at"], timedelta(days=1))
        until = max(moved["cancel_at"], now() + wait) if moved["balance_due_at"] <= now() else moved["cancel_at"]
        shifted["cancel_at"] = until.isoformat() if until < starts_at else None
    return shifted


def shifted_pickup(ride: Mapping[str, Any] | None, by: timedelta) -> dict[str, Any] | None:
    """A stored ride whose time moves with the departure."""
    return {**ride, "at": (datetime.fromisoformat(ride["at"]) + by).isoformat()} if ride else None


def stocked_extras(stored: Mapping[str, Any]) -> dict[str, int]:
    """How many of which extras, of those there are only so many of, a stored quote takes."""
    return {one["code"]: one["quantity"] for one in stored.get("extras", ()) if one.get("stocked")}


def fingerprint_of_stored(shown: Mapping[str, Any]) -> str:
    """32 hexadecimal digits over what is sold and every amount; not over texts, times or the language."""
    priced = [
        shown["departure_id"],
        shown["currency"],
        shown["seats"],
        [[line["rule"], line["quantity"], line["unit"], line["amount"]] for line in shown["lines"]],
        [[line["code"], line["inclusive"], line["amount"]] for line in shown["tax_lines"]],
        shown["total"],
    ]
    return hashlib.sha256(orjson.dumps(priced)).hexdigest()[:32]


def when(stored: Mapping[str, Any]) -> dict[str, Any]:
    """When a stored quote is for, at the place: a date with a time, or by opening hours a date and the hours."""
    zone = ZoneInfo(stored["time_zone"])
    start = datetime.fromisoformat(stored["starts_at"]).astimezone(zone)
    end = datetime.fromisoformat(stored["ends_at"]).astimezone(zone)
    any_time = bool(stored.get("any_time"))
    return {
        "any_time": any_time,
        "date": start.date().isoformat(),
        "time": None if any_time else f"{start:%H:%M}",
        "opening_hours": {"opens": f"{start:%H:%M}", "closes": f"{end:%H:%M}"} if any_time else None,
    }


def in_words(stored: dict[str, Any], language: str | None = None) -> dict[str, Any]:
    """A stored quote as the API shows it: each text in the language at hand, with both beside it."""
    wanted = language or language_now()
    return {
        **stored,
        **when(stored),
        "title": stored["title"][wanted],
        "option": stored["option"][wanted],
        "lines": [_line_in_words(line, wanted) for line in stored["lines"]],
        "tax_lines": [{**line, "label": line[f"label_{wanted}"]} for line in stored["tax_lines"]],
        "pickup": ride_in_words(stored.get("pickup"), wanted),
    }


def _line_in_words(line: dict[str, Any], language: str) -> dict[str, Any]:
    """Lines of before rules said nothing of `was` and `because`."""
    because = [{**step, "text": step[f"text_{language}"]} for step in line.get("because", ())]
    return {**line, "label": line[f"label_{language}"], "was": line.get("was"), "because": because}


def ride_in_words(ride: Mapping[str, Any] | None, language: str) -> dict[str, Any] | None:
    """A stored ride with the names of its places in a language, both beside them."""
    if not ride:
        return None
    named = {**ride, "name": ride[f"name_{language}"], "zone_name": ride[f"zone_{language}"]}
    return named | ({"destination": ride_in_words(ride["destination"], language)} if "destination" in ride else {})
