"""The demo operator's catalogue, made through the services of `tours`: places, taxes, tours with pictures and schedules."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.timezone import now

from notifications.models import Delivery, DeliveryStatus, Event
from payments.demo.catalogue import DemoTour, load_places
from tours import services
from tours.models import CancellationPolicy, Destination, TaxRate, Tour, TourStatus
from tours.services.images import keep_image

# By the country of the tour; contained in the prices.
TAXES = {
    "EG": ("vat-eg", "VAT (Egypt)", "ضريبة القيمة المضافة (مصر)", "14"),
    "SA": ("vat-sa", "VAT (Saudi Arabia)", "ضريبة القيمة المضافة (السعودية)", "15"),
    "AE": ("vat-ae", "VAT (United Arab Emirates)", "ضريبة القيمة المضافة (الإمارات)", "5"),
    "OM": ("vat-om", "VAT (Oman)", "ضريبة القيمة المضافة (عُمان)", "5"),
    "BH": ("vat-bh", "VAT (Bahrain)", "ضريبة القيمة المضافة (البحرين)", "10"),
}
POLICIES = {"flexible": "Flexible", "moderate": "Moderate", "strict": "Strict"}

Pictures = Sequence["Future[bytes]"]


@transaction.atomic
def open_shop(tours: Sequence[DemoTour]) -> None:
    """The places and taxes that the tours need. Safe to repeat."""
    places = load_places()
    for slug in {tour.place for tour in tours}:
        place = places[slug]
        Destination.objects.get_or_create(
            slug=slug,
            defaults={
                "country": place.country,
                "region_en": place.region[0],
                "region_ar": place.region[1],
                "city_en": place.city[0],
                "city_ar": place.city[1],
                "latitude": place.latitude,
                "longitude": place.longitude,
                "time_zone": place.time_zone,
            },
        )
        if place.country in TAXES:
            code, name_en, name_ar, percent = TAXES[place.country]
            TaxRate.objects.get_or_create(
                code=code, defaults={"name_en": name_en, "name_ar": name_ar, "percent": Decimal(percent)}
            )


@transaction.atomic
def add_tour(demo: DemoTour, *, order: int, pictures: Pictures, first_day: date, until: date, actor: Any) -> Tour:
    """The tour with pictures, schedule and departures; one that is there already (by its title) stays as it is."""
    known = Tour.objects.alive().filter(title_en=demo.title[0]).first()
    if known is not None:
        return known
    tour = services.create_tour(data=_data(demo, order), actor=actor)
    for number, picture in enumerate(pictures):
        keep_image(
            tour_id=tour.pk,
            picture=ContentFile(picture.result(), name="picture.jpg"),
            alt_en=f"Drawing: {demo.title[0]}",
            alt_ar=f"رسم: {demo.title[1]}",
            display_order=number,
            actor=actor,
        )
    for option in tour.options.order_by("display_order"):
        for days, at in demo.schedule:
            rule = {"weekdays": list(days), "start_time": at, "valid_from": first_day}
            services.create_rule(option_id=option.pk, data=rule, actor=actor)
    services.generate_departures(tour_id=tour.pk, until=until)
    _bring_to_status(tour, demo.status, actor)
    # The public catalogue is made once for all tours, not after each of these changes.
    events = Event.objects.filter(subject_type=tour._meta.label_lower, subject_id=tour.pk)
    facts = Delivery.objects.filter(event_id__in=list(events.values_list("pk", flat=True)))
    facts.filter(subscriber="tours.publish_facts").update(status=DeliveryStatus.DONE, done_at=now())
    return tour


def _bring_to_status(tour: Tour, status: str, actor: Any) -> None:
    if status != TourStatus.DRAFT:
        services.publish_tour(tour_id=tour.pk, actor=actor)
    if status == TourStatus.INACTIVE:
        services.take_off_sale(tour_id=tour.pk, actor=actor)


def _data(demo: DemoTour, order: int) -> dict[str, Any]:
    policy = CancellationPolicy.objects.get(name_en=POLICIES[demo.policy])
    country = load_places()[demo.place].country
    texts = {"title": demo.title, "summary": demo.summary, "description": demo.description}
    texts |= {"meeting_point": demo.meeting_point}
    lists = {"highlights": demo.highlights, "inclusions": demo.inclusions}
    lists |= {"exclusions": demo.exclusions, "amenities": demo.amenities}
    return {
        "kind": demo.kind,
        "destination": demo.place,
        "category": demo.category,
        "difficulty": demo.difficulty,
        "duration_minutes": demo.minutes,
        "nights": demo.nights,
        "min_age": demo.min_age,
        "max_group_size": demo.options[0].capacity,
        "cutoff_minutes": demo.cutoff_minutes,
        "currency": demo.currency,
        "cancellation_policy": policy.pk,
        "tax": TAXES[country][0] if country in TAXES else None,
        "tags": list(demo.tags),
        "is_featured": demo.is_featured,
        "display_order": order,
        **{f"{name}_{lang}": text[i] for name, text in texts.items() for i, lang in enumerate(("en", "ar"))},
        **{
            f"{name}_{lang}": [line[i] for line in found]
            for name, found in lists.items()
            for i, lang in enumerate(("en", "ar"))
        },
        "options": [_option(demo, place) for place in range(len(demo.options))],
        "extras": [
            {
                "code": extra.code,
                "name_en": extra.name[0],
                "name_ar": extra.name[1],
                "basis": extra.basis,
                "amount": extra.amount,
            }
            for extra in demo.extras
        ],
        "itinerary": [
            {
                "day": number,
                "title_en": day.title[0],
                "title_ar": day.title[1],
                "description_en": day.text[0],
                "description_ar": day.text[1],
                "breakfast": "B" in day.meals,
                "lunch": "L" in day.meals,
                "dinner": "D" in day.meals,
            }
            for number, day in enumerate(demo.itinerary, start=1)
        ],
    }


def _option(demo: DemoTour, place: int) -> Mapping[str, Any]:
    option = demo.options[place]
    return {
        "code": option.code,
        "name_en": option.name[0],
        "name_ar": option.name[1],
        "capacity": option.capacity,
        "is_default": place == 0,
        "display_order": place,
        "prices": [
            {"category": category, "amount": amount, "original_amount": option.was.get(category)}
            for category, amount in option.prices.items()
        ],
    }
