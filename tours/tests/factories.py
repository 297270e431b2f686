from datetime import date, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import factory
from django.utils.timezone import now

from ledger.models import Currency
from tours import models


class CurrencyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Currency
        django_get_or_create = ["code"]

    code = "USD"
    name_en = factory.SelfAttribute("code")
    name_ar = factory.SelfAttribute("code")
    minor_units = factory.LazyAttribute(lambda o: {"JPY": 0, "KWD": 3}.get(o.code, 2))


class CategoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Category
        django_get_or_create = ["code"]

    code = "cultural"
    name_en = factory.LazyAttribute(lambda o: o.code.title())
    name_ar = "ثقافية"
    icon = "museum"


class DestinationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Destination
        django_get_or_create = ["slug"]

    slug = "giza"
    country = "EG"
    region_en = "Giza"
    region_ar = "الجيزة"
    city_en = "Giza"
    city_ar = "الجيزة"
    latitude = Decimal("29.97735")
    longitude = Decimal("31.13250")
    time_zone = "Africa/Cairo"


class CancellationPolicyFactory(factory.django.DjangoModelFactory):
    """Pass `tiers=[(hours, percent), …]`; without it: a day before, everything comes back."""

    class Meta:
        model = models.CancellationPolicy
        skip_postgeneration_save = True

    name_en = factory.Sequence(lambda n: f"Flexible {n}")
    name_ar = factory.Sequence(lambda n: f"مرنة {n}")

    @factory.post_generation
    def tiers(self, create, extracted, **kwargs):
        for hours, percent in [(24, 100)] if extracted is None else extracted:
            models.CancellationTier.objects.create(policy=self, hours_before=hours, refund_percent=percent)


class TaxRateFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.TaxRate
        django_get_or_create = ["code"]

    code = "vat-eg"
    name_en = "VAT"
    name_ar = "ضريبة القيمة المضافة"
    percent = Decimal("14")
    is_inclusive = True


class TourFactory(factory.django.DjangoModelFactory):
    """A tour on sale, complete but for its option (`OptionFactory`)."""

    class Meta:
        model = models.Tour

    title_en = factory.Sequence(lambda n: f"Pyramids at sunrise {n}")
    title_ar = factory.Sequence(lambda n: f"الأهرامات عند الشروق {n}")
    slug = factory.Sequence(lambda n: f"pyramids-at-sunrise-{n}")
    summary_en = "Three pyramids and the Sphinx before the crowds come."
    summary_ar = "الأهرامات الثلاثة وأبو الهول قبل وصول الزحام."
    description_en = (
        "A guide meets you at the gate, and you walk around the three pyramids while the sun rises over Cairo."
    )
    description_ar = "يلتقي بك المرشد عند البوابة، وتتجول حول الأهرامات الثلاثة بينما تشرق الشمس على القاهرة الكبرى."
    destination = factory.SubFactory(DestinationFactory)
    category = factory.SubFactory(CategoryFactory)
    meeting_point_en = "Main gate, Al Haram Street"
    meeting_point_ar = "البوابة الرئيسية، شارع الهرم"
    duration_minutes = 240
    highlights_en = ["The Sphinx without a crowd"]
    highlights_ar = ["أبو الهول دون زحام"]
    inclusions_en = ["Licensed guide"]
    inclusions_ar = ["مرشد مرخّص"]
    cancellation_policy = factory.SubFactory(CancellationPolicyFactory)
    currency = factory.SubFactory(CurrencyFactory)
    status = models.TourStatus.ACTIVE


CATEGORIES = {"adult": ("Adult", "بالغ", 1), "child": ("Child", "طفل", 1), "infant": ("Infant", "رضيع", 0)}


class PriceCategoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.PriceCategory
        django_get_or_create = ["code"]

    code = "adult"
    name_en = factory.LazyAttribute(lambda o: CATEGORIES.get(o.code, (o.code, o.code, 1))[0])
    name_ar = factory.LazyAttribute(lambda o: CATEGORIES.get(o.code, (o.code, o.code, 1))[1])
    seats = factory.LazyAttribute(lambda o: CATEGORIES.get(o.code, (o.code, o.code, 1))[2])
    display_order = factory.LazyAttribute(lambda o: [*CATEGORIES, o.code].index(o.code))


class OptionPriceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.OptionPrice

    option = factory.SubFactory("tours.tests.factories.OptionFactory", prices={})
    category = factory.SubFactory(PriceCategoryFactory)
    amount = Decimal("100")


class OptionFactory(factory.django.DjangoModelFactory):
    """Pass `prices={"adult": "80"}` for others than adult 100, child 50, infant 0."""

    class Meta:
        model = models.TourOption
        skip_postgeneration_save = True

    tour = factory.SubFactory(TourFactory)
    code = "standard"
    name_en = "Shared tour"
    name_ar = "جولة مشتركة"
    capacity = 20

    @factory.post_generation
    def prices(self, create, extracted, **kwargs):
        wanted = {"adult": "100", "child": "50", "infant": "0"} if extracted is None else extracted
        for code, amount in wanted.items():
            OptionPriceFactory(option=self, category=PriceCategoryFactory(code=code), amount=Decimal(amount))


class SeasonFactory(factory.django.DjangoModelFactory):
    """Pass `days=[(first, last), …]`; without it: the whole of 2027."""

    class Meta:
        model = models.Season
        skip_postgeneration_save = True

    code = factory.Sequence(lambda n: f"season-{n}")
    name_en = "High season"
    name_ar = "الموسم"

    @factory.post_generation
    def days(self, create, extracted, **kwargs):
        for first, last in [(date(2027, 1, 1), date(2027, 12, 31))] if extracted is None else extracted:
            models.SeasonRange.objects.create(season=self, first_day=first, last_day=last)


class ExtraFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Extra

    tour = factory.SubFactory(TourFactory)
    code = "lunch"
    name_en = "Lunch"
    name_ar = "غداء"
    basis = models.ExtraBasis.PER_PERSON
    amount = Decimal("15")


class ScheduleRuleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.ScheduleRule

    option = factory.SubFactory(OptionFactory)
    weekdays = [1, 2, 3, 4, 5, 6, 7]
    start_time = time(9)
    valid_from = factory.LazyFunction(date.today)


class DepartureFactory(factory.django.DjangoModelFactory):
    """Seven days ahead, ten places. Pass `option=` or `option__tour=`; everything else follows from it."""

    class Meta:
        model = models.Departure

    option = factory.SubFactory(OptionFactory)
    tour = factory.SelfAttribute("option.tour")
    starts_at = factory.LazyFunction(lambda: now().replace(microsecond=0) + timedelta(days=7))
    ends_at = factory.LazyAttribute(lambda o: o.starts_at + timedelta(minutes=o.option.minutes))
    cutoff_at = factory.LazyAttribute(lambda o: o.starts_at - timedelta(minutes=o.tour.cutoff_minutes))
    local_date = factory.LazyAttribute(lambda o: o.starts_at.astimezone(ZoneInfo(o.tour.destination.time_zone)).date())
    capacity = 10
