"""A partner's price as a step of the quote: one query, then pure."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from bookings.models import NetBasis, NetRate, Partner
from ledger.rates import rate_on
from tours.models import RuleEffect
from tours.prices import Partnership, Terms
from tours.rules import Step


def partnership(partner: Partner, option_id: UUID, day: date) -> Partnership:
    """What the partner pays for the option on a day, in the form that `price_lines` takes.

    Where nothing was agreed, the public price counts. Raises `NoRate` where a price is in a currency without a rate.
    """
    agreed = list(
        NetRate.objects.filter(partner=partner, option_id=option_id)
        .exclude(first_day__gt=day)
        .exclude(last_day__lt=day)
        .select_related("category")
        .order_by("-created_at", "-pk")
    )
    agreed.sort(key=lambda rate: (rate.category is None, rate.first_day is None and rate.last_day is None))

    def step(terms: Terms, category: str | None, unit: Decimal) -> Step | None:
        for rate in agreed:
            if rate.category is not None and rate.category.code != category:
                continue
            if rate.basis == NetBasis.AMOUNT:
                if rate.category is None and category is not None:
                    continue  # a group's price says nothing of a guest's
                currency = rate.currency_id or partner.currency_id
                amount = rate.value * rate_on(currency, terms.currency)
                return Step(f"net_rate:{rate.pk}", partner.name_en, partner.name_ar, RuleEffect.PRICE, amount, amount)
            after = unit * (100 - rate.value) / 100
            return Step(f"net_rate:{rate.pk}", partner.name_en, partner.name_ar, RuleEffect.PERCENT, -rate.value, after)
        return None

    return step
