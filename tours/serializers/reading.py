"""What the public reads look like, for the API document. The bodies are made in `tours.documents` and `tours.selectors`."""

from typing import Any

from rest_framework import serializers

from tours.models import Difficulty, ExtraBasis, PricingBasis, TourKind
from tours.selectors.availability import DAY_STATES, START_STATES


def money_text(**more: Any) -> serializers.CharField:
    return serializers.CharField(help_text='Major units, as text: "120.00".', **more)


class PlaceSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    city = serializers.CharField()
    region = serializers.CharField()
    country = serializers.CharField(help_text="ISO 3166-1, two letters.")
    country_name = serializers.CharField()


class ExactPlaceSerializer(PlaceSerializer):
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    time_zone = serializers.CharField()


class DestinationSerializer(ExactPlaceSerializer):
    tours = serializers.IntegerField(help_text="How many of them are on sale.")


class CategoryNameSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()


class CategorySerializer(CategoryNameSerializer):
    id = serializers.UUIDField()
    icon = serializers.CharField()
    tours = serializers.IntegerField()


class FocusSerializer(serializers.Serializer):
    x = serializers.IntegerField(help_text="Percent from the left, also in Arabic.")
    y = serializers.IntegerField(help_text="Percent from the top.")


class CropSerializer(serializers.Serializer):
    url = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class CropsSerializer(serializers.Serializer):
    card = CropSerializer(required=False, help_text="4:3, 640 × 480 at most.")
    social = CropSerializer(required=False, help_text="1200 × 630 at most, for links that are shared.")


class PictureShownSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    url = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    alt = serializers.CharField()
    focus = FocusSerializer(help_text="What should stay in view; fit for CSS `object-position`.")
    srcset = serializers.CharField(help_text="The whole picture in WebP by widths; empty until they are made.")
    crops = CropsSerializer(help_text="Parts around the focal point; empty until they are made.")


class PictureSerializer(PictureShownSerializer):
    thumbnail = serializers.CharField()
    is_cover = serializers.BooleanField()


class TourCardSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    kind = serializers.ChoiceField(TourKind.choices)
    title = serializers.CharField()
    summary = serializers.CharField()
    destination = PlaceSerializer()
    category = CategoryNameSerializer()
    difficulty = serializers.ChoiceField(Difficulty.choices)
    difficulty_label = serializers.CharField()
    duration_minutes = serializers.IntegerField()
    nights = serializers.IntegerField()
    min_guests = serializers.IntegerField()
    max_guests = serializers.IntegerField()
    price_from = money_text(allow_null=True)
    original_price = money_text(allow_null=True)
    discount_percent = serializers.IntegerField()
    currency = serializers.CharField()
    sold_in = serializers.CharField(required=False, help_text="Where another currency was asked for: the tour's own.")
    rating = serializers.FloatField()
    rating_count = serializers.IntegerField()
    tags = serializers.ListField(child=serializers.CharField())
    is_featured = serializers.BooleanField()
    image = PictureSerializer(allow_null=True)
    created_at = serializers.DateTimeField()


class ItineraryShownSerializer(serializers.Serializer):
    day = serializers.IntegerField()
    title = serializers.CharField()
    description = serializers.CharField()
    activities = serializers.ListField(child=serializers.CharField())
    breakfast = serializers.BooleanField()
    lunch = serializers.BooleanField()
    dinner = serializers.BooleanField()


class PriceShownSerializer(serializers.Serializer):
    category = serializers.CharField()
    name = serializers.CharField()
    min_age = serializers.IntegerField(allow_null=True)
    max_age = serializers.IntegerField(allow_null=True)
    seats = serializers.IntegerField()
    amount = money_text()
    original_amount = money_text(allow_null=True)


class GroupPriceSerializer(serializers.Serializer):
    from_guests = serializers.IntegerField()
    category = serializers.CharField(allow_null=True)
    amount = money_text()


class OptionShownSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    duration_minutes = serializers.IntegerField()
    capacity = serializers.IntegerField()
    is_default = serializers.BooleanField()
    by_opening_hours = serializers.BooleanField()
    basis = serializers.ChoiceField(PricingBasis.choices)
    group_size = serializers.IntegerField(allow_null=True, help_text="How many guests a group or vehicle takes.")
    single_supplement = money_text(allow_null=True)
    group_prices = GroupPriceSerializer(many=True, help_text="From so many guests; without a category for the group.")
    prices = PriceShownSerializer(many=True)


class ExtraShownSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    basis = serializers.ChoiceField(ExtraBasis.choices)
    basis_label = serializers.CharField()
    amount = money_text()
    min_quantity = serializers.IntegerField()
    max_quantity = serializers.IntegerField()
    is_required = serializers.BooleanField(help_text="Added to each booking by itself: a park fee.")
    is_limited = serializers.BooleanField(
        help_text="There are only so many: `GET departures/{id}/choices` says how many are left."
    )
    options = serializers.ListField(child=serializers.CharField(), help_text="Only with these; empty: with all.")
    categories = serializers.ListField(child=serializers.CharField(), help_text="Only for these; empty: for all.")


class TaxShownSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    percent = serializers.CharField()
    inclusive = serializers.BooleanField()


class TierShownSerializer(serializers.Serializer):
    hours_before = serializers.IntegerField()
    refund_percent = serializers.CharField()


class PolicyShownSerializer(serializers.Serializer):
    name = serializers.CharField()
    tiers = TierShownSerializer(many=True)
    in_words = serializers.ListField(child=serializers.CharField())


class SeoSerializer(serializers.Serializer):
    title = serializers.CharField()
    description = serializers.CharField()


class OpeningHoursSerializer(serializers.Serializer):
    opens = serializers.CharField()
    closes = serializers.CharField()


class NextDepartureSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    starts_at = serializers.DateTimeField()
    date = serializers.DateField()
    time = serializers.CharField(allow_null=True)
    opening_hours = OpeningHoursSerializer(allow_null=True)
    available = serializers.IntegerField()


class TourDocumentSerializer(TourCardSerializer):
    description = serializers.CharField()
    meeting_point = serializers.CharField()
    highlights = serializers.ListField(child=serializers.CharField())
    inclusions = serializers.ListField(child=serializers.CharField())
    exclusions = serializers.ListField(child=serializers.CharField())
    amenities = serializers.ListField(child=serializers.CharField())
    destination = ExactPlaceSerializer()
    min_group_size = serializers.IntegerField()
    max_group_size = serializers.IntegerField()
    min_age = serializers.IntegerField()
    cutoff_minutes = serializers.IntegerField()
    itinerary = ItineraryShownSerializer(many=True)
    options = OptionShownSerializer(many=True)
    extras = ExtraShownSerializer(many=True)
    tax = TaxShownSerializer(allow_null=True)
    more_taxes = TaxShownSerializer(many=True)
    images = PictureSerializer(many=True)
    cancellation_policy = PolicyShownSerializer()
    seo = SeoSerializer()
    next_departure = NextDepartureSerializer(allow_null=True)
    translations = serializers.DictField(required=False, help_text="With `?translations=true`: the texts by language.")


class OptionNameSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()


class StartSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    date = serializers.DateField(help_text="In the destination's time zone.")
    time = serializers.CharField(
        allow_null=True, help_text="In the destination's time zone; null where guests come when they like."
    )
    opening_hours = OpeningHoursSerializer(allow_null=True, help_text="Of what is sold for a day, without a time.")
    opens_at = serializers.DateTimeField(allow_null=True, help_text="When its sale begins, where it does not at once.")
    option = OptionNameSerializer()
    capacity = serializers.IntegerField()
    available = serializers.IntegerField()
    status = serializers.ChoiceField(START_STATES)
    price_from = money_text(allow_null=True)
    per_group = serializers.BooleanField(required=False, help_text="The price is a group's, not a guest's.")
    currency = serializers.CharField()
    note = serializers.CharField()


class AvailabilitySerializer(serializers.Serializer):
    tour_id = serializers.UUIDField()
    date_from = serializers.DateField()
    date_to = serializers.DateField()
    time_zone = serializers.CharField()
    currency = serializers.CharField()
    items = StartSerializer(many=True)
    total = serializers.IntegerField()


class PricedDaySerializer(serializers.Serializer):
    date = serializers.DateField(help_text="In the destination's time zone.")
    price_from = serializers.CharField(
        help_text="What the first guest of the party pays (the group, where it is sold so)."
    )
    original_price = serializers.CharField(
        allow_null=True, help_text="What that would be without the rules that lowered it."
    )
    total = serializers.CharField(help_text="What the party pays, fees and taxes included.")
    departures = serializers.IntegerField(help_text="How many the party can book.")


class PriceCalendarSerializer(serializers.Serializer):
    tour_id = serializers.UUIDField()
    date_from = serializers.DateField()
    date_to = serializers.DateField()
    time_zone = serializers.CharField()
    currency = serializers.CharField()
    guests = serializers.DictField(child=serializers.IntegerField())
    days = PricedDaySerializer(many=True)


class CalendarDaySerializer(serializers.Serializer):
    date = serializers.DateField()
    status = serializers.ChoiceField(DAY_STATES)
    departures = serializers.IntegerField(help_text="How many can be booked.")
    available = serializers.IntegerField()
    price_from = money_text(allow_null=True)


class CalendarSerializer(serializers.Serializer):
    tour_id = serializers.UUIDField()
    month = serializers.CharField()
    time_zone = serializers.CharField()
    currency = serializers.CharField()
    days = CalendarDaySerializer(many=True)


class TourSuggestionSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    title = serializers.CharField()
    city = serializers.CharField()


class DestinationSuggestionSerializer(PlaceSerializer):
    tours = serializers.IntegerField()


class SuggestionsSerializer(serializers.Serializer):
    tours = TourSuggestionSerializer(many=True)
    destinations = DestinationSuggestionSerializer(many=True)


class PageSerializer(serializers.Serializer):
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    size = serializers.IntegerField()
    pages = serializers.IntegerField()


class ListedTourSerializer(TourCardSerializer):
    distance_km = serializers.FloatField(
        required=False, allow_null=True, help_text="With `?near=`: how far its destination is."
    )


class ValueCountSerializer(serializers.Serializer):
    value = serializers.CharField(help_text="What the filter takes.")
    name = serializers.CharField()
    count = serializers.IntegerField()


class PriceBandSerializer(serializers.Serializer):
    min = money_text()
    max = money_text(allow_null=True)
    count = serializers.IntegerField()


class DurationBandSerializer(serializers.Serializer):
    min = serializers.IntegerField(help_text="Minutes.")
    max = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    count = serializers.IntegerField()


class RatingBandSerializer(serializers.Serializer):
    min = serializers.FloatField(help_text="So many stars and more.")
    count = serializers.IntegerField()


class FacetsSerializer(serializers.Serializer):
    """How many tours each value of a filter finds under all other filters."""

    destination = ValueCountSerializer(many=True)
    kind = ValueCountSerializer(many=True)
    category = ValueCountSerializer(many=True)
    difficulty = ValueCountSerializer(many=True)
    tags = ValueCountSerializer(many=True, help_text="Beside those chosen already.")
    price = PriceBandSerializer(many=True)
    duration = DurationBandSerializer(many=True)
    rating = RatingBandSerializer(many=True)


class TourPageSerializer(PageSerializer):
    items = ListedTourSerializer(many=True)
    facets = FacetsSerializer(required=False, help_text="With `?facets=true`.")


class SimilarSerializer(serializers.Serializer):
    items = TourCardSerializer(many=True)
    total = serializers.IntegerField(help_text="How many these are.")


class CategoryPageSerializer(PageSerializer):
    items = CategorySerializer(many=True)


class DestinationPageSerializer(PageSerializer):
    items = DestinationSerializer(many=True)
