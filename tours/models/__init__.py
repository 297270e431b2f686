"""The catalogue, its prices, and when it can be bought."""

from tours.models.blackouts import Blackout
from tours.models.catalogue import (
    BelowMinimum,
    Category,
    Destination,
    Difficulty,
    ItineraryDay,
    PricingBasis,
    Tour,
    TourImage,
    TourKind,
    TourOption,
    TourStatus,
)
from tours.models.deposits import DepositBasis, DepositRule, Overdue
from tours.models.extras import ExtraCategory, ExtraOption, ExtraStock
from tours.models.feeds import Feed, FeedKind, FeedPart
from tours.models.imports import ImportRun, ImportStatus
from tours.models.interest import SavedTour, SharedList, TourDay
from tours.models.minimum import RunDecision
from tours.models.pickups import (
    PickupBasis,
    PickupKind,
    PickupPlace,
    PickupPrice,
    PickupRule,
    PickupZone,
    TransferPrice,
)
from tours.models.plans import PlannedChange
from tours.models.policies import CancellationPolicy, CancellationTier
from tours.models.pools import Pool, PoolMember
from tours.models.prices import Extra, ExtraBasis, OptionPrice, PriceCategory, StockPer, TaxRate
from tours.models.published import PublishedTour
from tours.models.resources import (
    Engagement,
    EngagementState,
    OnShortage,
    Resource,
    ResourceKind,
    ResourceNeed,
)
from tours.models.rules import (
    CurrencyPrice,
    FeeBasis,
    GroupTier,
    PriceRule,
    RuleEffect,
    RuleKind,
    ServiceFee,
    TourTax,
)
from tours.models.schedule import Departure, DepartureStatus, Repeats, ScheduleRule
from tours.models.seasons import Season, SeasonRange

__all__ = [
    "BelowMinimum",
    "Blackout",
    "CancellationPolicy",
    "CancellationTier",
    "Category",
    "CurrencyPrice",
    "Departure",
    "DepartureStatus",
    "DepositBasis",
    "DepositRule",
    "Destination",
    "Difficulty",
    "Engagement",
    "EngagementState",
    "Extra",
    "ExtraBasis",
    "ExtraCategory",
    "ExtraOption",
    "ExtraStock",
    "FeeBasis",
    "Feed",
    "FeedKind",
    "FeedPart",
    "GroupTier",
    "ImportRun",
    "ImportStatus",
    "ItineraryDay",
    "OnShortage",
    "OptionPrice",
    "Overdue",
    "PickupBasis",
    "PickupKind",
    "PickupPlace",
    "PickupPrice",
    "PickupRule",
    "PickupZone",
    "PlannedChange",
    "Pool",
    "PoolMember",
    "PriceCategory",
    "PriceRule",
    "PricingBasis",
    "PublishedTour",
    "Repeats",
    "Resource",
    "ResourceKind",
    "ResourceNeed",
    "RuleEffect",
    "RuleKind",
    "RunDecision",
    "SavedTour",
    "ScheduleRule",
    "Season",
    "SeasonRange",
    "ServiceFee",
    "SharedList",
    "StockPer",
    "TaxRate",
    "Tour",
    "TourDay",
    "TourImage",
    "TourKind",
    "TourOption",
    "TourStatus",
    "TourTax",
    "TransferPrice",
]
