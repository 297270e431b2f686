"""How the catalogue's facts look in the back-office. Times are the destination's."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.money import format_money
from tours.models import Departure, TourOption


def local_time(moment: datetime | None, zone: str) -> str:
    """A moment as the clocks at the destination show it."""
    if moment is None:
        return "–"
    local = moment.astimezone(ZoneInfo(zone))
    return _("{date}, {time}").format(date=date_format(local, "D j M Y"), time=date_format(local, "H:i"))


def badge(text: Any, tone: str = "") -> str:
    """A coloured label; `tone` is good, bad, warn or nothing."""
    return format_html('<span class="rihla-badge {}">{}</span>', f"rihla-{tone}" if tone else "", text)


def occupancy(departure: Departure) -> str:
    """A bar: how many places are booked and held, of how many."""
    taken = departure.seats_booked + departure.seats_held
    share = round(100 * taken / departure.capacity) if departure.capacity else 100
    figures = f"{taken} / {departure.capacity}"
    hint = _("{booked} booked, {held} held, {left} left").format(
        booked=departure.seats_booked, held=departure.seats_held, left=departure.seats_left
    )
    return format_html(
        '<span class="rihla-fill" title="{}"><i style="width:{}%"></i><b><bdi>{}</bdi></b></span>', hint, share, figures
    )


def prices_of(option: TourOption, currency: str) -> str:
    """The option's price list in a few lines; needs `prices__category`."""
    rows = [(price.category, money(price.amount, currency)) for price in option.prices.all()]
    return format_html_join("", "<div>{}: <bdi>{}</bdi></div>", rows) or "–"


def money(amount: Decimal, currency: str) -> str:
    return format_money(amount, currency)


def duration(minutes: int, nights: int = 0) -> str:
    """Minutes as people say them: 45 minutes, 3 h 30, 4 days."""
    if nights or minutes >= 2 * 24 * 60:
        days = max(nights + 1, round(minutes / 1440))
        return ngettext("{n} day", "{n} days", days).format(n=days)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return ngettext("{n} minute", "{n} minutes", rest).format(n=rest)
    return _("{hours} h {minutes:02d}").format(hours=hours, minutes=rest) if rest else _("{n} h").format(n=hours)
