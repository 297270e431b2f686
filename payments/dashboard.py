"""What the dashboard says of money: what came in, and what somebody must look at."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _

from config.dashboard import Bar, Figure, Panel, panel
from ledger.money import format_money
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
    )
    figures = []
    for label, rows, page, query in looked_at:
        count = rows.count()
        if count:
            figures.append(Figure(label, count, link=f"{reverse(page)}?{query}", tone="bad"))
    forged = forged_today()
    if forged:
        figures.append(Figure(_("Notices with a bad signature today"), forged, tone="bad"))
    return Panel(figures=figures or [Figure(_("Red flags"), _("none"), tone="good")])


@panel(order=50, permission="payments.view_payment")
def money_in(request: HttpRequest) -> Panel:
    """Captured less refunded per day of the last thirty, in the currency that most of it came in."""
    since = now() - timedelta(days=DAYS)
    by_day: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    totals: dict[str, Decimal] = defaultdict(Decimal)
    captured = (
        Payment.objects.filter(status__in=HAS_MONEY, paid_at__gte=since)
        .annotate(day=TruncDate("paid_at"))
        .values_list("currency", "day")
        .annotate(sum=Sum("amount"))
    )
    given_back = (
        Refund.objects.filter(status=RefundStatus.SUCCEEDED, done_at__gte=since)
        .annotate(day=TruncDate("done_at"))
        .values_list("payment__currency", "day")
        .annotate(sum=Sum("amount"))
    )
    for rows, sign in ((captured, 1), (given_back, -1)):
        for currency, day, amount in rows:
            by_day[currency][day] += sign * amount
            totals[currency] += sign * amount
    if not totals:
        return Panel(title=_("Money in, last 30 days"), headers=[""], empty=_("Nothing was paid in the last 30 days."))
    most = max(totals, key=lambda currency: sum(abs(amount) for amount in by_day[currency].values()))
    days = [localdate() - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    tallest = max(*by_day[most].values(), Decimal(1))
    return Panel(
        title=_("Money in, last 30 days"),
        figures=[Figure(currency, format_money(amount, currency)) for currency, amount in sorted(totals.items())],
        bars=[
            Bar(
                date_format(day, "j M"),
                int(max(by_day[most][day], Decimal(0)) / tallest * 100),
                f"{date_format(day, 'DATE_FORMAT')}: {format_money(by_day[most][day], most)}",
            )
            for day in days
        ],
        wide=True,
    )
