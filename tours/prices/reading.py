"""The terms of departures and offers, each read in one statement."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from config.tenancy import tenant_id_or_raise
from tours.deposits import DepositTerms
from tours.errors import (
    DepartureNotFound,
)
from tours.guards import fullness_sql
from tours.prices.terms import CategoryPrice, ExtraTerms, FeeTerms, TaxTerms, Terms, Tier
from tours.rules import RuleTerms

_OFFER = """
    t.id, o.id, o.code, t.title_en, t.title_ar, o.name_en, o.name_ar,
    g.time_zone, t.currency_id, t.min_guests, t.max_guests, t.status = 'ACTIVE' AND t.deleted_at IS NULL,
    t.cancellation_policy_id, o.basis, o.group_size, o.single_supplement,
    (SELECT json_agg(json_build_array(c.code, c.name_en, c.name_ar, coalesce(p.amount, 0)::text, c.seats,
                p.original_amount::text, coalesce(c.max_age < 18, false), c.min_age, c.max_age) ORDER BY c.display_order, c.code)
        FROM tours_pricecategory c LEFT JOIN tours_optionprice p ON p.category_id = c.id AND p.option_id = o.id
        WHERE c.tenant_id = o.tenant_id AND (p.id IS NOT NULL OR o.basis = 'PER_GROUP')),
    (SELECT json_agg(json_build_array(e.code, e.name_en, e.name_ar, e.basis, e.amount::text, e.max_quantity,
                e.min_quantity, e.is_required, e.stock IS NOT NULL,
                (SELECT json_agg(c.code) FROM tours_extracategory y JOIN tours_pricecategory c ON c.id = y.category_id
                    WHERE y.extra_id = e.id)) ORDER BY e.code)
        FROM tours_extra e WHERE e.tour_id = t.id AND e.is_active AND (
            NOT EXISTS (SELECT FROM tours_extraoption y WHERE y.extra_id = e.id)
            OR EXISTS (SELECT FROM tours_extraoption y WHERE y.extra_id = e.id AND y.option_id = o.id))),
    (SELECT json_agg(json_build_array(x.code, x.name_en, x.name_ar, x.percent::text, x.is_inclusive, x.on_fee)
            ORDER BY x.id = t.tax_id DESC, x.code)
        FROM tours_taxrate x
        WHERE x.id = t.tax_id OR x.id IN (SELECT m.tax_id FROM tours_tourtax m WHERE m.tour_id = t.id)),
    (SELECT json_agg(json_build_array(p.currency_id, c.code, p.amount::text) ORDER BY p.currency_id, c.code)
        FROM tours_currencyprice p JOIN tours_pricecategory c ON c.id = p.category_id WHERE p.option_id = o.id),
    (SELECT json_agg(json_build_array(p.from_guests, c.code, coalesce(p.currency_id, t.currency_id), p.amount::text)
            ORDER BY p.from_guests, c.code)
        FROM tours_grouptier p LEFT JOIN tours_pricecategory c ON c.id = p.category_id WHERE p.option_id = o.id),
    (SELECT json_agg(json_build_array(r.id, r.kind, r.effect, r.value::text, r.name_en, r.name_ar, r.categories,
                r.first_day, r.last_day,
                CASE WHEN r.season_id IS NOT NULL THEN coalesce((SELECT json_agg(json_build_array(s.first_day, s.last_day)
                    ORDER BY s.first_day) FROM tours_seasonrange s WHERE s.season_id = r.season_id), '[]'::json) END,
                r.weekdays, r.start_times, r.days_before, r.hours_before, r.occupancy_percent,
                (SELECT code FROM accounts_pricegroup WHERE id = r.price_group_id))
            ORDER BY r.priority DESC, (
                (r.tour_id IS NOT NULL)::int + (r.option_id IS NOT NULL)::int + (r.categories <> '{}')::int
                + (r.season_id IS NOT NULL)::int + (r.weekdays <> '{}')::int + (r.start_times <> '{}')::int
                + (r.price_group_id IS NOT NULL)::int + (coalesce(r.first_day, r.last_day) IS NOT NULL)::int) DESC,
                r.days_before DESC NULLS LAST, r.hours_before NULLS LAST, r.occupancy_percent DESC NULLS LAST,
                r.created_at, r.id)
        FROM tours_pricerule r
        WHERE r.tenant_id = o.tenant_id AND r.is_active AND (r.tour_id IS NULL OR r.tour_id = t.id)
          AND (r.option_id IS NULL OR r.option_id = o.id)),
    (SELECT json_build_array(f.id, f.name_en, f.name_ar, f.basis, f.value::text)
        FROM tours_servicefee f WHERE f.tenant_id = o.tenant_id AND f.is_active
          AND (f.tour_id = t.id OR f.tour_id IS NULL)
        ORDER BY f.tour_id IS NULL LIMIT 1),
    (SELECT json_build_array(r.basis, r.amount::text, r.balance_days, r.reminder_days, r.overdue, r.grace_days)
        FROM tours_depositrule r WHERE r.tour_id = t.id),
    (SELECT r.kind FROM tours_pickuprule r WHERE r.tour_id = t.id)
"""

TERMS = f"""
SELECT d.id, d.starts_at, d.ends_at, d.cutoff_at, {fullness_sql("d")}, d.opens_at,
    d.partner_cutoff_at, d.any_time, {_OFFER}
FROM tours_departure d
JOIN tours_touroption o ON o.id = d.option_id
JOIN tours_tour t ON t.id = d.tour_id
JOIN tours_destination g ON g.id = t.destination_id
WHERE d.id = %s::uuid AND d.tenant_id = %s::uuid
"""

OFFERS = f"""
SELECT o.capacity, coalesce(o.duration_minutes, t.duration_minutes), t.cutoff_minutes, {_OFFER}
FROM tours_touroption o
JOIN tours_tour t ON t.id = o.tour_id
JOIN tours_destination g ON g.id = t.destination_id
WHERE t.id = ANY(%s::uuid[]) AND t.tenant_id = %s::uuid
ORDER BY o.display_order, o.code
"""

NO_DEPARTURE = UUID(int=0)
SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def load_terms(departure_id: UUID) -> Terms:
    """The terms of a departure, in one statement, because every quote and hold asks it. Raises `DepartureNotFound`."""
    with connection.cursor() as cursor:
        cursor.execute(TERMS, [departure_id, tenant_id_or_raise()])
        row = cursor.fetchone()
    if row is None:
        raise DepartureNotFound
    departure_id, starts_at, ends_at, cutoff_at, (sold, capacity), opens_at, partner_cutoff_at, any_time, *offer = row
    return _terms(
        offer,
        departure_id=departure_id,
        starts_at=starts_at,
        ends_at=ends_at,
        cutoff_at=cutoff_at,
        capacity=capacity,
        sold=sold,
        opens_at=opens_at,
        partner_cutoff_at=partner_cutoff_at,
        any_time=any_time,
    )


def load_offers(tour_ids: Iterable[UUID]) -> list[Terms]:
    """The terms of each option of the tours, in one statement, of a departure that does not exist (see `starting`)."""
    with connection.cursor() as cursor:
        cursor.execute(OFFERS, [list(tour_ids), tenant_id_or_raise()])
        rows = cursor.fetchall()
    return [
        _terms(
            offer,
            departure_id=NO_DEPARTURE,
            starts_at=SOME_TIME,
            ends_at=SOME_TIME + timedelta(minutes=minutes),
            cutoff_at=SOME_TIME - timedelta(minutes=cutoff),
            capacity=capacity,
            sold=0,
        )
        for capacity, minutes, cutoff, *offer in rows
    ]


def starting(offer: Terms, starts_at: datetime) -> Terms:
    """What an offer of `load_offers` would be as a departure at that time, with all places free."""
    shift = starts_at - offer.starts_at
    return replace(offer, starts_at=starts_at, ends_at=offer.ends_at + shift, cutoff_at=offer.cutoff_at + shift)


def _terms(offer: Sequence[Any], **departure: Any) -> Terms:
    """What a row of `_OFFER` says, with a departure."""
    tour_id, option_id, option_code, title_en, title_ar, option_en, option_ar, time_zone, *rest = offer
    currency, min_guests, max_guests, on_sale, policy_id, basis, group_size, single, *rest = rest
    prices, extras, taxes, lists, tiers, rules, fee, deposit, pickup = rest
    by_currency: dict[str, dict[str, Decimal]] = {}
    for code, category, amount in lists or ():
        by_currency.setdefault(code, {})[category] = Decimal(amount)
    return Terms(
        **departure,
        tour_id=tour_id,
        option_id=option_id,
        option_code=option_code,
        title_en=title_en,
        title_ar=title_ar,
        option_en=option_en,
        option_ar=option_ar,
        time_zone=time_zone,
        currency=currency,
        min_guests=min_guests,
        max_guests=max_guests,
        on_sale=on_sale,
        policy_id=policy_id,
        basis=basis,
        group_size=group_size,
        has_rooms=single is not None,
        single_supplement=single,
        prices={
            code: CategoryPrice(
                code,
                label_en,
                label_ar,
                Decimal(amount),
                seats,
                Decimal(original) if original else None,
                is_child,
                min_age=min_age,
                max_age=max_age,
            )
            for code, label_en, label_ar, amount, seats, original, is_child, min_age, max_age in prices or ()
        },
        extras={
            code: ExtraTerms(
                code,
                label_en,
                label_ar,
                charged,
                Decimal(amount),
                most=most,
                least=least,
                required=required,
                stocked=stocked,
                categories=frozenset(categories) if categories else None,
            )
            for code, label_en, label_ar, charged, amount, most, least, required, stocked, categories in extras or ()
        },
        taxes=tuple(
            TaxTerms(code, label_en, label_ar, Decimal(percent), inclusive, on_fee)
            for code, label_en, label_ar, percent, inclusive, on_fee in taxes or ()
        ),
        lists=by_currency,
        tiers=tuple(
            Tier(from_guests, category, code, Decimal(amount)) for from_guests, category, code, amount in tiers or ()
        ),
        rules=tuple(_rule(row) for row in rules or ()),
        fee=FeeTerms(f"fee:{fee[0]}", fee[1], fee[2], fee[3], Decimal(fee[4])) if fee else None,
        deposit=DepositTerms.of(deposit) if deposit else None,
        pickup=pickup,
    )


def _rule(row: Sequence[Any]) -> RuleTerms:
    key, kind, effect, value, label_en, label_ar, categories, first, last, season, weekdays, times, *rest = row
    days_before, hours_before, occupancy, group = rest
    return RuleTerms(
        id=key,
        kind=kind,
        effect=effect,
        value=Decimal(value),
        label_en=label_en,
        label_ar=label_ar,
        categories=tuple(categories),
        first_day=date.fromisoformat(first) if first else None,
        last_day=date.fromisoformat(last) if last else None,
        season=None
        if season is None
        else tuple((date.fromisoformat(begin), date.fromisoformat(end)) for begin, end in season),
        weekdays=tuple(weekdays),
        times=tuple(time[:5] for time in times),
        days_before=days_before,
        hours_before=hours_before,
        occupancy=occupancy,
        group=group,
    )


@lru_cache(maxsize=4096)
def _kept_terms(departure_id: UUID, tenant_id: UUID, span: int) -> Terms:
    return load_terms(departure_id)


def recent_terms(departure_id: UUID) -> Terms:
    """The terms as of the last `PRICES_KEPT_SECONDS` seconds (0: as of now), kept by this process. As `load_terms` otherwise.

    For the rush on a departure: what was a customer's price a moment ago may be theirs. Whoever refuses by them looks again
    at the terms of now first.
    """
    if not settings.PRICES_KEPT_SECONDS:
        return load_terms(departure_id)
    return _kept_terms(departure_id, tenant_id_or_raise(), int(time.monotonic() / settings.PRICES_KEPT_SECONDS))
