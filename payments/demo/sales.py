"""What can be sold, read in few queries: the options of all tours on sale with their terms and the departures to come."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.models import User
from bookings.kinds import KINDS, kind_called
from bookings.services.drafts import frozen_policy
from payments.demo.plan import Sale, Start
from tours.models import Departure, DepartureStatus, Tour, TourOption
from tours.prices import SOME_TIME, CategoryPrice, ExtraTerms, TaxTerms, Terms

NOWHERE = UUID(int=0)
WEEKS_AHEAD = 8


def sales_of(owner: User, present: datetime) -> list[Sale]:
    """What this person put on sale, in a fixed order, with its departures of the next weeks."""
    kinds = {code: kind_called(code) for code in KINDS}
    policies: dict[UUID, Mapping[str, Any]] = {}
    coming = _coming(owner, present)
    sales = []
    tours = Tour.objects.public().filter(created_by=owner).order_by("display_order", "title_en")
    parts = ("options__prices__category", "options__rules", "extras")
    for tour in tours.select_related("destination", "tax").prefetch_related(*parts):
        if tour.cancellation_policy_id not in policies:
            policies[tour.cancellation_policy_id] = frozen_policy(tour.cancellation_policy_id)
        for place, option in enumerate(sorted(tour.options.all(), key=lambda option: option.display_order)):
            popularity = (5 if tour.is_featured else 1.6) * (0.25 if place else 1)
            sales.append(
                Sale(
                    terms=terms_of(tour, option),
                    kind=kinds[tour.kind],
                    policy=policies[tour.cancellation_policy_id],
                    weight=popularity * (0.35 if tour.kind == "PACKAGE" else 1),
                    capacity=option.capacity,
                    rules=sorted(option.rules.all(), key=lambda rule: (rule.start_time, rule.pk)),
                    duration=timedelta(minutes=option.duration_minutes or tour.duration_minutes),
                    cutoff=timedelta(minutes=tour.cutoff_minutes),
                    coming=coming[option.pk],
                )
            )
    return sales


def _coming(owner: User, present: datetime) -> dict[UUID, list[Start]]:
    rows = Departure.objects.filter(
        tour__created_by=owner,
        status=DepartureStatus.OPEN,
        starts_at__gt=present,
        starts_at__lt=present + timedelta(weeks=WEEKS_AHEAD),
    ).order_by("option_id", "starts_at")
    found: dict[UUID, list[Start]] = defaultdict(list)
    names = ("option_id", "pk", "rule_id", "starts_at", "ends_at", "cutoff_at", "capacity")
    for option_id, pk, rule_id, starts_at, ends_at, cutoff_at, capacity in rows.values_list(*names).iterator():
        found[option_id].append(Start(pk, rule_id, starts_at, ends_at, cutoff_at, capacity, capacity, True))
    return found


def terms_of(tour: Tour, option: TourOption) -> Terms:
    """What `tours.prices.load_terms` reads for a departure of the option, from rows read before; of no departure yet."""
    tax = tour.tax
    prices = sorted(option.prices.all(), key=lambda price: (price.category.display_order, price.category.code))
    moment = SOME_TIME
    return Terms(
        departure_id=NOWHERE,
        tour_id=tour.pk,
        option_id=option.pk,
        option_code=option.code,
        title_en=tour.title_en,
        title_ar=tour.title_ar,
        option_en=option.name_en,
        option_ar=option.name_ar,
        starts_at=moment,
        ends_at=moment,
        cutoff_at=moment,
        time_zone=tour.destination.time_zone,
        currency=tour.currency_id,
        min_guests=tour.min_guests,
        max_guests=tour.max_guests,
        on_sale=True,
        policy_id=tour.cancellation_policy_id,
        prices={
            price.category.code: CategoryPrice(
                price.category.code,
                price.category.name_en,
                price.category.name_ar,
                price.amount,
                price.category.seats,
                price.original_amount,
                price.category.max_age is not None and price.category.max_age < 18,
                min_age=price.category.min_age,
                max_age=price.category.max_age,
            )
            for price in prices
        },
        extras={
            extra.code: ExtraTerms(
                extra.code, extra.name_en, extra.name_ar, extra.basis, extra.amount, extra.max_quantity
            )
            for extra in sorted(tour.extras.all(), key=lambda extra: extra.code)
            if extra.is_active
        },
        taxes=(TaxTerms(tax.code, tax.name_en, tax.name_ar, tax.percent, tax.is_inclusive, tax.on_fee),) if tax else (),
    )
