"""What the dashboard says of money: what came in, and what somebody must look at."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from bookings.models import Booking
from config.dashboard import Figure, Panel, change_in_percent, chart, panel
from config.db.counting import counts
from ledger.money import format_money
from ledger.rates import rates_to
from payments.models import HAS_MONEY, Notice, NoticeStatus, Payment, Refund, RefundStatus
from payments.services.inbox import forged_today

DAYS = 30


@panel(order=5, permission="payments.view_payment")
def red_flags(request: HttpRequest) -> Panel:
    """Only what is wrong is shown; on a good day one green tile."""
    looked_at = (
        (_("Flagged payments"), Payment.objects.exclude(flag=""), "admin:payments_payment_changelist", "flagged=yes"),
        (
            _("Refunds that failed"),
            Refund.objects.filter(status=RefundStatus.FAILED),
            "admin:payments_refund_changelist",
            "status__exact=FAILED",
        ),
        (
            _("Gateway notices that failed"),
            Notice.objects.filter(status=NoticeStatus.FAILED),
            "admin:payments_notice_changelist",
            "status__exact=FAILED",
        ),
        (
            _("Balances overdue"),
            Booking.objects.balance_overdue(),
            "admin:bookings_booking_changelist",
            "balance=overdue",
        ),
    )
    found = counts(*(rows for _label, rows, _page, _query in looked_at))
    figures = [
        Figure(label, count, link=f"{reverse(page)}?{query}", tone="bad")
        for (label, _rows, page, query), count in zip(looked_at, found, strict=True)
        if count
    ]
    forged = forged_today()
    if forged:
        figures.append(Figure(_("Notices with a bad signature today"), forged, tone="bad"))
    return Panel(figures=figures or [Figure(_("Red flags"), _("none"), tone="good")])


@panel(order=6, permission="payments.view_payment")
def money_in(request: HttpRequest) -> Panel:
    """Captured less refunded per day, sixty days of it: each currency by itself, and together in the operator's own."""
    home = str(request.tenant.currency)  # type: ignore[attr-defined]
    today = localdate()
    days = [today - timedelta(days=back) for back in range(2 * DAYS - 1, -1, -1)]
    by_currency = _by_currency(days[0])
    rates = rates_to(home, by_currency)
    together: dict[date, Decimal] = defaultdict(Decimal)
    for currency, amounts in by_currency.items():
        for day, amount in amounts.items():
            together[day] += amount * rates.get(currency, Decimal(0))
    now_, before = (sum((together[day] for day in part), Decimal(0)) for part in (days[DAYS:], days[:DAYS]))
    parts = [
        format_money(sum((amounts[day] for day in days[DAYS:]), Decimal(0)), currency)
        for currency, amounts in sorted(by_currency.items())
    ]
    revenue = chart(
        _("Money in, last 30 days"),
        days,
        together,
        value=format_money(now_, home),
        before=format_money(before, home),
        change=change_in_percent(now_, before),
        shown=lambda amount: format_money(amount, home),
        note=_conversion_in_words(home, by_currency, rates),
        parts=parts if len(parts) > 1 else [],
    )
    return Panel(title=_("Revenue"), charts=[revenue], wide=True)


def _by_currency(since: date) -> dict[str, dict[date, Decimal]]:
    """Captured less refunded since a day, by currency and day. Two queries."""
    found: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    captured = Payment.objects.filter(status__in=HAS_MONEY, paid_at__date__gte=since, is_duplicate=False)
    given_back = Refund.objects.filter(
        status=RefundStatus.SUCCEEDED, done_at__date__gte=since, payment__is_duplicate=False
    )
    sums = (
        (captured.annotate(day=TruncDate("paid_at")).values_list("currency", "day"), 1),
        (given_back.annotate(day=TruncDate("done_at")).values_list("payment__currency", "day"), -1),
    )
    for rows, sign in sums:
        for currency, day, amount in rows.annotate(sum=Sum("amount")).order_by():
            found[currency][day] += sign * amount
    return found


def _conversion_in_words(home: str, currencies: Iterable[str], rates: Mapping[str, Decimal]) -> str:
    """What was done to add amounts of several currencies, and what could not be added."""
    foreign = sorted(set(currencies) - {home})
    without = [currency for currency in foreign if currency not in rates]
    told = _("Other currencies are converted to {currency} at today's rates.").format(currency=home) if foreign else ""
    if without:
        told += " " + _("Without a rate, and so not counted: {currencies}.").format(currencies=", ".join(without))
    return told
