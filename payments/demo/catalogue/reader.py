import tomllib
from dataclasses import dataclass, replace
from datetime import time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

# English first, then Arabic.
Text = tuple[str, str]


@dataclass(frozen=True)
class Place:
    slug: str
    country: str
    region: Text
    city: Text
    latitude: Decimal
    longitude: Decimal
    time_zone: str


@dataclass(frozen=True)
class DemoExtra:
    code: str
    name: Text
    basis: str
    amount: Decimal


@dataclass(frozen=True)
class DemoOption:
    """A way to take the tour with its price list, by price category, in the tour's currency."""

    code: str
    name: Text
    capacity: int
    prices: dict[str, Decimal]
    was: dict[str, Decimal]


@dataclass(frozen=True)
class DemoDay:
    title: Text
    text: Text
    meals: str


@dataclass(frozen=True)
class DemoTour:
    key: str
    kind: str
    place: str
    category: str
    difficulty: str
    title: Text
    summary: Text
    description: Text
    meeting_point: Text
    minutes: int
    nights: int
    min_age: int
    cutoff_minutes: int
    currency: str
    policy: str
    status: str
    is_featured: bool
    tags: tuple[str, ...]
    scenes: tuple[str, ...]
    highlights: tuple[Text, ...]
    inclusions: tuple[Text, ...]
    exclusions: tuple[Text, ...]
    amenities: tuple[Text, ...]
    options: tuple[DemoOption, ...]
    extras: tuple[DemoExtra, ...]
    itinerary: tuple[DemoDay, ...]
    # (ISO weekdays, local start) of the shared option; a private one runs on the same.
    schedule: tuple[tuple[tuple[int, ...], time], ...]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


@cache
def load_places() -> dict[str, Place]:
    """The places by slug."""
    return {
        slug: Place(
            slug=slug,
            country=row["country"],
            region=tuple(row["region"]),
            city=tuple(row["city"]),
            latitude=Decimal(str(row["at"][0])),
            longitude=Decimal(str(row["at"][1])),
            time_zone=row["zone"],
        )
        for slug, row in _read("places.toml").items()
    }


@cache
def load_tours(files: str = "tours_*.toml") -> tuple[DemoTour, ...]:
    """All tours of all files of that name. Raises `KeyError` for a phrase or place that is not there."""
    phrases, places = _read("phrases.toml"), load_places()
    tours = [_tour(row, phrases) for file in sorted(HERE.glob(files)) for row in _read(file.name)["tour"]]
    for tour in tours:
        places[tour.place]
    return tuple(tours)


def weekdays(text: str) -> tuple[int, ...]:
    """`"1-4,6"` as ISO weekdays: 1, 2, 3, 4, 6."""
    days: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        days += range(int(first), int(last or first) + 1)
    return tuple(days)


def _amounts(row: dict[str, Any]) -> dict[str, Decimal]:
    return {category: Decimal(str(amount)) for category, amount in row.items()}


def _texts(phrases: dict[str, Any], keys: list[str]) -> tuple[Text, ...]:
    return tuple(tuple(phrases[key]) for key in keys)  # type: ignore[misc]


def _tour(row: dict[str, Any], phrases: dict[str, Any]) -> DemoTour:
    is_package = row.get("kind") == "PACKAGE"
    code = "double" if is_package else "shared"
    shared = DemoOption(
        code, tuple(phrases["options"][code]), row["capacity"], _amounts(row["prices"]), _amounts(row.get("was", {}))
    )
    options = [shared]
    if "private" in row:
        options.append(
            replace(
                shared,
                code="private",
                name=tuple(phrases["options"]["private"]),
                capacity=min(6, row["capacity"]),
                prices=_amounts(row["private"]),
                was={},
            )
        )
    return DemoTour(
        key=row["key"],
        kind=row.get("kind", "TOUR"),
        place=row["place"],
        category=row["category"],
        difficulty=row.get("difficulty", "easy"),
        title=tuple(row["title"]),
        summary=tuple(row["summary"]),
        description=tuple(row["description"]),
        meeting_point=tuple(row["meeting"]),
        minutes=row["minutes"],
        nights=row.get("nights", 0),
        min_age=row.get("min_age", 0),
        cutoff_minutes=row.get("cutoff_hours", 24) * 60,
        currency=row.get("currency", "USD"),
        policy=row.get("policy", "flexible"),
        status=row.get("status", "ACTIVE"),
        is_featured=row.get("featured", False),
        tags=tuple(row["tags"]),
        scenes=tuple(row["scenes"]),
        highlights=tuple(tuple(pair) for pair in row["highlights"]),
        inclusions=_texts(phrases["inclusions"], row["inclusions"]),
        exclusions=_texts(phrases["exclusions"], row["exclusions"]),
        amenities=_texts(phrases["amenities"], row.get("amenities", [])),
        options=tuple(options),
        extras=tuple(_extra(code, value, phrases["extras"]) for code, value in row.get("extras", {}).items()),
        itinerary=tuple(
            DemoDay(tuple(day["title"]), tuple(day["text"]), day.get("meals", "")) for day in row.get("itinerary", [])
        ),
        schedule=tuple((weekdays(days), time.fromisoformat(at)) for days, at in row["schedule"]),
    )


def _extra(code: str, value: Any, known: dict[str, Any]) -> DemoExtra:
    """Either an amount for an extra that all share, or all of its own."""
    row = value if isinstance(value, dict) else {**known[code], "amount": value}
    return DemoExtra(code, tuple(row["name"]), row["basis"], Decimal(str(row["amount"])))
