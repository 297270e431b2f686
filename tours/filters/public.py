"""What the public reads may be asked, and in which form. Checked once for each distinct query string."""

import re
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from ledger.money import known_currencies
from tours.models import Difficulty, TourKind

DEGREES = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,12})?")

MOST_DAYS = 92  # of availability in one answer

SORTS = ["title", "price", "rating", "created_at", "popularity", "duration", "distance"]
FALLING = frozenset({"rating", "created_at", "popularity"})  # best first, unless `sort_order` says otherwise


class CommaSeparated(serializers.CharField):
    """`a,b,c` or `x=a&x=b` → `("a", "b", "c")`, each once, sorted; at most 20 of at most 60 characters."""

    default_error_messages = {
        "many": _("At most 20 values, separated by commas."),
        "long": _("Each value has 60 characters at most."),
        "unknown": _("“{value}” is not known. Known are: {known}."),
    }

    def __init__(self, choices: list[str] | None = None, **kwargs: Any) -> None:
        self.known = choices
        super().__init__(**kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        text = super().run_validation(data)
        values = sorted({value.strip() for value in text.split(",") if value.strip()})
        if len(values) > 20:
            self.fail("many")
        for value in values:
            if len(value) > 60:
                self.fail("long")
            if self.known is not None and value not in self.known:
                self.fail("unknown", value=value, known=", ".join(self.known))
        return tuple(values)


class Point(serializers.CharField):
    """`29.9773,31.1325` → `(29.9773, 31.1325)`: latitude and longitude in degrees."""

    default_error_messages = {"point": _("Latitude and longitude in degrees, like 29.9773,31.1325.")}

    def to_internal_value(self, data: Any) -> Any:
        parts = [part.strip() for part in super().to_internal_value(data).split(",")]
        if len(parts) != 2 or not all(DEGREES.fullmatch(part) for part in parts):
            self.fail("point")
        latitude, longitude = (float(part) for part in parts)
        if abs(latitude) > 90 or abs(longitude) > 180:
            self.fail("point")
        return latitude, longitude


class PricedQuery(serializers.Serializer):
    """In which currency prices are wanted."""

    currency = serializers.RegexField(
        r"^[A-Za-z]{3}$", required=False, help_text="Show prices in this currency, at today's rate."
    )

    def validate_currency(self, value: str) -> str:
        if value.upper() not in known_currencies():
            raise serializers.ValidationError(_("This is no currency."))
        return value.upper()


class ListQuery(PricedQuery):
    """The filters of the list. Names of places and tags that nobody knows find nothing; other unknown values are refused."""

    q = serializers.CharField(required=False, max_length=200, help_text="Words in English or Arabic.")
    destination = serializers.CharField(
        required=False, max_length=120, help_text="Slug, country code, or the name of city, region or country."
    )
    city = serializers.CharField(required=False, max_length=120)
    kind = CommaSeparated(required=False, choices=TourKind.values)
    category = CommaSeparated(required=False, help_text="Codes, separated by commas.")
    difficulty = CommaSeparated(required=False, choices=Difficulty.values)
    tags = CommaSeparated(required=False, help_text="All of these.")
    min_price = serializers.DecimalField(required=False, max_digits=14, decimal_places=3, min_value=0)
    max_price = serializers.DecimalField(required=False, max_digits=14, decimal_places=3, min_value=0)
    min_duration = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000, help_text="Minutes.")
    max_duration = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000, help_text="Minutes.")
    min_rating = serializers.DecimalField(required=False, max_digits=3, decimal_places=2, min_value=0, max_value=5)
    date_from = serializers.DateField(required=False, help_text="A departure can be booked on this day or later.")
    date_to = serializers.DateField(required=False, help_text="… and on this day or earlier.")
    guests = serializers.IntegerField(
        required=False, min_value=1, max_value=500, help_text="… with so many places, for a party of so many."
    )
    featured = serializers.BooleanField(required=False, allow_null=True, default=None)
    deals = serializers.BooleanField(required=False, allow_null=True, default=None)
    near = Point(
        required=False,
        max_length=60,
        help_text="Latitude and longitude of a point, `29.9773,31.1325`: answers say how far their destination is.",
    )
    radius_km = serializers.DecimalField(
        required=False,
        max_digits=8,
        decimal_places=3,
        min_value=Decimal("0.1"),
        max_value=20_100,
        help_text="Only destinations so near to `near`.",
    )
    facets = serializers.BooleanField(
        required=False, default=False, help_text="Count besides what each value of the filters would find."
    )
    sort_by = serializers.ChoiceField(
        required=False, choices=SORTS, help_text="By distance unless said otherwise where `near` is given without `q`."
    )
    sort_order = serializers.ChoiceField(required=False, choices=["asc", "desc"])
    page = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000, default=1)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=20)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("price", "duration"):
            low, high = attrs.get(f"min_{name}"), attrs.get(f"max_{name}")
            if low is not None and high is not None and low > high:
                raise serializers.ValidationError({f"max_{name}": [_("This is below the minimum.")]})
        _check_order(attrs)
        if "near" not in attrs:
            for name, asks in (("radius_km", "radius_km" in attrs), ("sort_by", attrs.get("sort_by") == "distance")):
                if asks:
                    raise serializers.ValidationError({name: [_("This needs a point: near=latitude,longitude.")]})
        return attrs


class AutocompleteQuery(serializers.Serializer):
    q = serializers.CharField(max_length=100, help_text="The beginning of words, in English or Arabic.")


class DetailQuery(PricedQuery):
    translations = serializers.BooleanField(
        required=False, default=False, help_text="Give the texts in both languages besides."
    )


class SimilarQuery(PricedQuery):
    size = serializers.IntegerField(required=False, min_value=1, max_value=24, default=6)


class AvailabilityQuery(PricedQuery):
    date_from = serializers.DateField(required=False, help_text="In the destination's time zone; today by default.")
    date_to = serializers.DateField(required=False, help_text="The 30th day by default, the 92nd at most.")
    guests = serializers.IntegerField(
        required=False, min_value=1, max_value=500, help_text="Only what so many can book together."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _check_order(attrs)
        first, last = attrs.get("date_from"), attrs.get("date_to")
        if first is not None and last is not None and (last - first).days >= MOST_DAYS:
            raise serializers.ValidationError({"date_to": [_("At most {days} days.").format(days=MOST_DAYS)]})
        return attrs


class CalendarQuery(PricedQuery):
    month = serializers.RegexField(
        r"^\d{4}-(0[1-9]|1[0-2])$", required=False, help_text="2027-01; the present month by default."
    )
    guests = serializers.IntegerField(required=False, min_value=1, max_value=500)

    def validate_month(self, value: str) -> str:
        if not 2000 <= int(value[:4]) <= 9998:
            raise serializers.ValidationError(_("The year must be between 2000 and 9998."))
        return value


MOST_MONTHS = 18


class PriceCalendarQuery(PricedQuery):
    """From which month, for how many, and for whom."""

    months = serializers.IntegerField(required=False, min_value=1, max_value=MOST_MONTHS, default=12)
    guests = serializers.CharField(
        required=False,
        max_length=400,
        default="adult:1",
        help_text="Guests by price category: `adult:2,child:1`; one adult by default.",
    )

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python."""
        first = serializers.RegexField(
            r"^\d{4}-(0[1-9]|1[0-2])$", required=False, help_text="2027-01; the present month by default."
        )
        return {"from": first, **super().get_fields()}

    def validate_from(self, value: str) -> str:
        if not 2000 <= int(value[:4]) <= 9990:
            raise serializers.ValidationError(_("The year must be between 2000 and 9998."))
        return value

    def validate_guests(self, value: str) -> str:
        """In one form, so that odd spellings are remembered once."""
        try:
            party = as_party(value)
        except ValueError:
            raise serializers.ValidationError(_("Write guests as adult:2,child:1.")) from None
        return ",".join(f"{code}:{number}" for code, number in sorted(party.items()) if number)


def as_party(text: str) -> dict[str, int]:
    """`adult:2,child:1` → `{"adult": 2, "child": 1}`. Raises `ValueError`."""
    party: dict[str, int] = {}
    for part in text.split(","):
        code, colon, number = part.strip().partition(":")
        if not code or not colon or not number.isascii() or not number.isdigit() or code in party or len(number) > 3:
            raise ValueError(part)
        party[code] = int(number)
    if not any(party.values()) or len(party) > 20:
        raise ValueError(text)
    return party


class PageQuery(serializers.Serializer):
    page = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000, default=1)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=20)


class WishListQuery(PageQuery):
    sort_order = serializers.ChoiceField(
        required=False, choices=["asc", "desc"], help_text="By when it was saved: the first first, unless `desc`."
    )


def month_days(month: str) -> tuple[date, date]:
    """The first and the last day of `2027-01`."""
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _check_order(attrs: dict[str, Any]) -> None:
    first, last = attrs.get("date_from"), attrs.get("date_to")
    if first is not None and last is not None and first > last:
        raise serializers.ValidationError({"date_to": [_("This is before the first day.")]})


@lru_cache(maxsize=2048)
def checked_query(form: type[serializers.Serializer], query_string: str) -> dict[str, Any]:
    """The validated values of a query string: those given and defaults, in the order of the form.

    Empty ones count as not given, unknown names are ignored; of one given twice the last counts, lists are put together.
    Raises REST framework's `ValidationError`. The answer is shared: do not change it.
    """
    asked = QueryDict(query_string)
    lists = [name for name, field in form().fields.items() if isinstance(field, CommaSeparated)]
    given = {name: ",".join(asked.getlist(name)) if name in lists else asked[name] for name in asked}
    checked = form(data={name: value for name, value in given.items() if value.strip()})
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
