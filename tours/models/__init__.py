"""The catalogue, its prices, and when it can be bought."""

from tours.models.catalogue import (
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
from tours.models.policies import CancellationPolicy, CancellationTier
from tours.models.prices import Extra, ExtraBasis, OptionPrice, PriceCategory, StockPer, TaxRate
from tours.models.published import PublishedTour
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
    "OptionPrice",
    "Overdue",
    "PriceCategory",
    "PriceRule",
    "PricingBasis",
    "PublishedTour",
    "Repeats",
    "RuleEffect",
    "RuleKind",
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
]
