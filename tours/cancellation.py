"""What share of the price comes back, by the policy of the tour."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tours.models import CancellationPolicy, CancellationTier


@dataclass(frozen=True, slots=True)
class RefundTerms:
    """`percent` of the price comes back, by this tier (None: too late for any)."""

    percent: Decimal
    tier: CancellationTier | None

    @property
    def rule(self) -> str:
        """What decided: `policy:<hours>h`, or `policy:none`."""
        return f"policy:{self.tier.hours_before}h" if self.tier else "policy:none"


def refund_terms(policy: CancellationPolicy, starts_at: datetime, at: datetime) -> RefundTerms:
    """What cancelling at `at` a departure at `starts_at` brings back.

    The tier with the most hours that are still left decides; exactly so many hours are enough. Below the lowest tier, and
    once the departure has started, nothing comes back. Asks no query when `tiers` is prefetched.
    """
    left = starts_at - at
    if left >= timedelta(0):
        for tier in sorted(policy.tiers.all(), key=lambda tier: -tier.hours_before):
            if left >= timedelta(hours=tier.hours_before):
                return RefundTerms(tier.refund_percent, tier)
    return RefundTerms(Decimal(0), None)
