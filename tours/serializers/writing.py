"""What staff send, checked for its shape, and what they get back to edit. Written by `tours.services`."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.pictures import CROPS
from ledger.money import amount_text
from tours.models import Departure, DepartureStatus, Extra, ItineraryDay, Tour, TourImage, TourOption, TourStatus

SIZE_KINDS = ["wide", *CROPS]


def money_field(**more: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=14, decimal_places=3, min_value=0, **more)


def reference(path: str, length: int, text: str, **more: Any) -> serializers.CharField:
    """Another row, named by what people know it by."""
    return serializers.CharField(source=path, max_length=length, help_text=text, **more)


def list_of(form: Any, most: int, **more: Any) -> Any:
    return form(many=True, max_length=most, **more)


class PriceSerializer(serializers.Serializer):
    category = reference("category.code", 30, "Code of the price category: adult, child …")
    amount = money_field()
    original_amount = money_field(required=False, allow_null=True, help_text="Was; above the price.")

    def to_internal_value(self, data: Any) -> Any:
        return flat(super().to_internal_value(data))

    def to_representation(self, instance: Any) -> dict[str, Any]:
        currency = instance.option.tour.currency_id
        was = instance.original_amount
        return {
            "category": instance.category.code,
            "amount": amount_text(instance.amount, currency),
            "original_amount": None if was is None else amount_text(was, currency),
        }


class GroupPriceWritten(serializers.Serializer):
    """From so many guests on: the price of a guest of the category, or of the group where the option is sold so."""

    from_guests = serializers.IntegerField(min_value=1, max_value=32_000)
    category = serializers.CharField(
        max_length=30, required=False, allow_null=True, default=None, help_text="Null: the price of the group."
    )
    currency = serializers.CharField(
        max_length=3, required=False, allow_null=True, default=None, help_text="Null: the tour's own."
    )
    amount = money_field()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {
            "from_guests": instance.from_guests,
            "category": instance.category.code if instance.category else None,
            "currency": instance.currency_id,
            "amount": amount_text(instance.amount, instance.currency_id or instance.option.tour.currency_id),
        }


class OptionSerializer(serializers.ModelSerializer):
    code = serializers.SlugField(max_length=40)
    prices = list_of(PriceSerializer, 20, required=False)
    group_prices = list_of(GroupPriceWritten, 100, required=False, source="tiers")
    single_supplement = money_field(required=False, allow_null=True, help_text="Where guests sleep in double rooms.")

    class Meta:
        model = TourOption
        fields = [
            *("id", "code", "name_en", "name_ar", "duration_minutes", "capacity", "is_default", "display_order"),
            *("by_opening_hours", "opens_days_before", "basis", "group_size", "single_supplement"),
            *("min_to_run", "decide_hours_before", "below_minimum", "prices", "group_prices"),
        ]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        alone = instance.single_supplement
        return {
            **shown,
            "single_supplement": None if alone is None else amount_text(alone, instance.tour.currency_id),
        }


class ExtraSerializer(serializers.ModelSerializer):
    code = serializers.SlugField(max_length=40)
    amount = money_field()
    options = serializers.ListField(
        child=serializers.SlugField(max_length=40),
        max_length=50,
        required=False,
        help_text="Only with these options; empty: with all.",
    )
    categories = serializers.ListField(
        child=serializers.SlugField(max_length=30),
        max_length=50,
        required=False,
        help_text="Only for guests of these price categories; empty: for all.",
    )

    class Meta:
        model = Extra
        fields = [
            *("code", "name_en", "name_ar", "basis", "amount", "min_quantity", "max_quantity", "is_required"),
            *("stock", "stock_per", "options", "categories", "is_active"),
        ]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {
            **shown,
            "amount": amount_text(instance.amount, instance.tour.currency_id),
            "options": sorted(row.option.code for row in instance.for_options.all()),
            "categories": sorted(row.category.code for row in instance.for_categories.all()),
        }


class ItineraryDaySerializer(serializers.ModelSerializer):
    class Meta:
        model = ItineraryDay
        fields = [
            *("day", "title_en", "title_ar", "description_en", "description_ar", "activities_en", "activities_ar"),
            *("breakfast", "lunch", "dinner"),
        ]


class SizeSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(SIZE_KINDS, help_text="`wide` is the whole picture, the others are parts of it.")
    file = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class ImageOrderSerializer(serializers.Serializer):
    order = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=200,
        allow_empty=False,
        help_text="The ids of all pictures of the tour.",
    )


class ImageSerializer(serializers.ModelSerializer):
    file = serializers.CharField(source="file.url", read_only=True, help_text="Its address, from the root of the host.")
    thumbnail = serializers.SerializerMethodField(help_text="Likewise; null while there is none.")
    sizes = serializers.SerializerMethodField(help_text="Made in the background; empty until then.")

    class Meta:
        model = TourImage
        fields = [
            *("id", "file", "thumbnail", "width", "height", "alt_en", "alt_ar", "is_cover", "display_order"),
            *("focus_x", "focus_y", "sizes"),
        ]
        read_only_fields = ["width", "height", "sizes"]

    def get_thumbnail(self, image: TourImage) -> str | None:
        return image.thumbnail.url if image.thumbnail else None

    @extend_schema_field(SizeSerializer(many=True))
    def get_sizes(self, image: TourImage) -> list[dict[str, Any]]:
        url = image.file.storage.url
        return [{**size, "file": url(size["file"])} for size in image.sizes]


class ImagesSerializer(serializers.Serializer):
    items = ImageSerializer(many=True)


class ImageUploadSerializer(serializers.Serializer):
    """Sent as `multipart/form-data`."""

    file = serializers.FileField(help_text="JPEG, PNG or WebP; checked by its content.")
    alt_en = serializers.CharField(required=False, max_length=200, allow_blank=True)
    alt_ar = serializers.CharField(required=False, max_length=200, allow_blank=True)
    is_cover = serializers.BooleanField(required=False, default=False)


TEXTS = ["title", "summary", "description", "meeting_point", "highlights", "inclusions", "exclusions", "amenities"]


class TourSerializer(serializers.ModelSerializer):
    """A tour as staff edit it: every text in both languages, and its parts.

    A list of parts that is sent replaces the one before; parts are matched by code or day. What is left out stays.
    """

    slug = serializers.SlugField(required=False, max_length=220, help_text="Made from the English title by default.")
    destination = reference("destination.slug", 80, "Slug of the destination.")
    category = reference("category.code", 40, "Code of the category.")
    cancellation_policy = serializers.UUIDField(source="cancellation_policy_id")
    currency = reference("currency_id", 3, "ISO 4217.")
    tax = serializers.CharField(source="tax.code", max_length=30, required=False, allow_null=True, default=None)
    status = serializers.ChoiceField(TourStatus.choices, required=False, help_text="Needs the permission to publish.")
    options = list_of(OptionSerializer, 20, required=False)
    extras = list_of(ExtraSerializer, 50, required=False)
    itinerary = list_of(ItineraryDaySerializer, 60, required=False)
    images = ImageSerializer(many=True, read_only=True)

    class Meta:
        model = Tour
        fields = [
            *("id", "kind", "slug", "status", "destination", "category", "difficulty"),
            *(f"{text}_{language}" for text in TEXTS for language in ("en", "ar")),
            *("duration_minutes", "nights", "min_group_size", "max_group_size", "min_age", "tags"),
            *("cancellation_policy", "currency", "tax", "min_guests", "max_guests", "cutoff_minutes"),
            "partner_cutoff_minutes",
            *("is_featured", "display_order"),
            *("seo_title_en", "seo_title_ar", "seo_description_en", "seo_description_ar"),
            *("options", "extras", "itinerary", "images"),
            *("rating_average", "rating_count", "bookings_count", "created_at", "updated_at"),
        ]
        read_only_fields = ["rating_average", "rating_count", "bookings_count"]

    def to_internal_value(self, data: Any) -> Any:
        return flat(super().to_internal_value(data))

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {**shown, "tax": instance.tax.code if instance.tax else None}


def flat(checked: dict[str, Any]) -> dict[str, Any]:
    """What was checked by the names that the services know: `{"destination": {"slug": x}}` → `{"destination": x}`."""
    named = {}
    for name, value in checked.items():
        if isinstance(value, dict):
            (value,) = value.values()
        named[name.removesuffix("_id")] = value
    return named


SETTABLE = [(str(status), status.label) for status in (DepartureStatus.OPEN, DepartureStatus.CLOSED)]


class DepartureRowSerializer(serializers.Serializer):
    """A start to make or to change, found by option and local time."""

    date = serializers.DateField(help_text="In the destination's time zone.")
    time = serializers.TimeField(help_text="In the destination's time zone: 09:30.")
    option = serializers.CharField(required=False, max_length=40, help_text="Code; the one offered first by default.")
    capacity = serializers.IntegerField(required=False, min_value=1, max_value=100_000)
    status = serializers.ChoiceField(SETTABLE, required=False)
    note_en = serializers.CharField(required=False, max_length=300, allow_blank=True)
    note_ar = serializers.CharField(required=False, max_length=300, allow_blank=True)


class DeparturesSerializer(serializers.Serializer):
    departures = list_of(DepartureRowSerializer, 1000, allow_empty=False)


class DepartureSerializer(serializers.ModelSerializer):
    """A departure as staff see it."""

    tour = serializers.SerializerMethodField()
    option = serializers.CharField(source="option.code")
    date = serializers.DateField(source="local_date")
    time = serializers.SerializerMethodField(help_text="In the destination's time zone.")
    available = serializers.IntegerField(source="seats_left")

    class Meta:
        model = Departure
        fields = [
            *("id", "tour", "option", "starts_at", "ends_at", "any_time", "date", "time"),
            *("opens_at", "cutoff_at", "partner_cutoff_at"),
            *("capacity", "seats_held", "seats_booked", "available", "status", "note_en", "note_ar"),
        ]

    def get_tour(self, departure: Departure) -> dict[str, str]:
        return {"id": str(departure.tour_id), "title": str(departure.tour)}

    def get_time(self, departure: Departure) -> str:
        return f"{departure.local_start():%H:%M}"


class DeparturesWrittenSerializer(serializers.Serializer):
    items = DepartureSerializer(many=True)


class TourRowSerializer(serializers.ModelSerializer):
    """A line of the staff's list."""

    destination = serializers.CharField(source="destination.slug")
    category = serializers.CharField(source="category.code")
    currency = serializers.CharField(source="currency_id")
    next_departure = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = Tour
        fields = [
            *("id", "slug", "kind", "status", "title_en", "title_ar", "destination", "category", "currency"),
            *("is_featured", "display_order", "rating_average", "rating_count", "bookings_count"),
            *("next_departure", "created_at", "updated_at"),
        ]
