"""The catalogue in the back-office. What is saved here goes through `tours.services`."""

from tours.admin.blackouts import BlackoutAdmin
from tours.admin.decisions import departure_decision, departure_resources
from tours.admin.departures import DepartureAdmin
from tours.admin.deposits import DepositInline
from tours.admin.extras import ExtraInline
from tours.admin.feeds import FeedAdmin
from tours.admin.options import TourOptionAdmin
from tours.admin.pickups import PickupZoneAdmin
from tours.admin.pools import PoolAdmin
from tours.admin.prices import PriceRuleAdmin, ServiceFeeAdmin
from tours.admin.references import (
    CancellationPolicyAdmin,
    CategoryAdmin,
    DestinationAdmin,
    PriceCategoryAdmin,
    TaxRateAdmin,
)
from tours.admin.resource_calendar import resource_calendar
from tours.admin.resources import ResourceAdmin
from tours.admin.schedule import ScheduleRuleAdmin
from tours.admin.seasons import SeasonAdmin
from tours.admin.tours import TourAdmin

__all__ = [
    "BlackoutAdmin",
    "CancellationPolicyAdmin",
    "CategoryAdmin",
    "DepartureAdmin",
    "DepositInline",
    "DestinationAdmin",
    "ExtraInline",
    "FeedAdmin",
    "PickupZoneAdmin",
    "PoolAdmin",
    "PriceCategoryAdmin",
    "PriceRuleAdmin",
    "ResourceAdmin",
    "ScheduleRuleAdmin",
    "SeasonAdmin",
    "ServiceFeeAdmin",
    "TaxRateAdmin",
    "TourAdmin",
    "TourOptionAdmin",
    "departure_decision",
    "departure_resources",
    "resource_calendar",
]
