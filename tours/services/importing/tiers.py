"""Group prices from a table: they are added and changed; what the table leaves out stays."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.audit import record
from ledger.models import Currency
from ledger.money import amount_text
from tours.models import GroupTier, PriceCategory, Tour, TourOption
from tours.price_limits import faults_of_tier
from tours.selectors.tables import TIER_COLUMNS
from tours.services.facts import settle_tour
from tours.services.importing.frame import Line, Outcome, amount_of, whole
from tours.services.importing.options import options_of, tours_of

MOST_GUESTS = 32_000
Place = tuple[UUID, int, UUID | None, str | None]


class TierReader:
    columns = TIER_COLUMNS
    needed = frozenset({"tour", "option", "from_guests", "amount"})

    def __init__(self, actor: Any, outcome: Outcome, for_good: bool) -> None:
        self.actor, self.outcome, self.for_good = actor, outcome, for_good
        self.categories = {category.code: category for category in PriceCategory.objects.all()}
        self.currencies = set(Currency.objects.values_list("pk", flat=True))
        self.seen: dict[int, int] = {}
        self.touched: set[UUID] = set()

    def take(self, rows: Sequence[Line]) -> None:
        tours = tours_of(rows, self.for_good)
        options = options_of(tours)
        ids = [option.pk for option in options.values()]
        known = GroupTier.objects.filter(option__in=ids).select_related("option__tour", "category")
        tiers: dict[Place, GroupTier] = {_place(tier): tier for tier in known}
        written: dict[Tour, list[tuple[GroupTier, Decimal | None]]] = defaultdict(list)
        for number, row in rows:
            option = options.get((row.get("tour", ""), row.get("option", "")))
            tier = self._read(number, row, row.get("tour") in tours, option)
            if tier is not None:
                self._take(number, tier, tiers.get(_place(tier)), written)
        if self.for_good and written:
            self._write(written)

    def finish(self) -> None:
        for tour_id in sorted(self.touched):
            settle_tour(tour_id)

    def _read(self, number: int, row: dict[str, str], has_tour: bool, option: TourOption | None) -> GroupTier | None:
        """The group price that the row writes; None where it is faulty."""
        category = self.categories.get(row.get("category", ""))
        currency = row.get("currency", "").upper()
        known = [
            ("tour", has_tour),
            ("option", option is not None),
            ("category", category is not None or not row.get("category")),
            ("currency", not currency or currency in self.currencies),
        ]
        for name, found in known:
            if not found:
                self.outcome.refuse(number, name, _("There is no “{}”.").format(row.get(name, "")[:60]))
                return None
        guests, amount = whole(row["from_guests"]), amount_of(row["amount"])
        if guests is None or not 1 <= guests <= MOST_GUESTS:
            self.outcome.refuse(number, "from_guests", _("A whole number, 1 or more."))
        if amount is None:
            self.outcome.refuse(number, "amount", _("An amount, as 1250.50."))
        if option is None or guests is None or amount is None or self.outcome.is_faulty(number):
            return None
        tier = GroupTier(option=option, from_guests=guests, category=category, amount=amount)
        tier.currency_id = None if currency in ("", option.tour.currency_id) else currency
        for name, sentences in faults_of_tier(tier).items():
            self.outcome.refuse(number, name, sentences[0])
        return None if self.outcome.is_faulty(number) else tier

    def _take(self, number: int, tier: GroupTier, known: GroupTier | None, written: dict[Tour, list[Any]]) -> None:
        key = hash(_place(tier))
        if key in self.seen:
            told = _("This price stands in line {line} already.").format(line=self.seen[key])
            self.outcome.refuse(number, "from_guests", told)
            return
        self.seen[key] = number
        if known is not None and known.amount == tier.amount:
            self.outcome.same += 1
            return
        stood = None if known is None else known.amount
        changes = [] if known is None else [("amount", _text(known, stood), _text(tier, tier.amount))]
        name = f"{tier.option.tour.title_en} · {_name(tier)}"
        self.outcome.take(number, name, is_new=known is None, changes=changes)
        if known is not None:
            known.amount, tier = tier.amount, known
        written[tier.option.tour].append((tier, stood))

    def _write(self, written: dict[Tour, list[tuple[GroupTier, Decimal | None]]]) -> None:
        """All of this piece in two statements, and an audit entry for each tour with what stood and stands."""
        every = [one for found in written.values() for one in found]
        GroupTier.objects.bulk_create([tier for tier, stood in every if stood is None])
        GroupTier.objects.bulk_update([tier for tier, stood in every if stood is not None], ["amount"])
        for tour, found in written.items():
            before = {_name(tier): _text(tier, stood) for tier, stood in found}
            after = {_name(tier): _text(tier, tier.amount) for tier, _stood in found}
            record("tours.tour.group_prices_imported", tour, actor=self.actor, before=before, after=after)
            self.touched.add(tour.pk)


def _place(tier: GroupTier) -> Place:
    """What there is one of. The tour's own currency may be written or left empty: it means the same."""
    own = tier.option.tour.currency_id
    return tier.option_id, tier.from_guests, tier.category_id, None if tier.currency_id == own else tier.currency_id


def _text(tier: GroupTier, amount: Decimal | None) -> str:
    return "" if amount is None else amount_text(amount, str(tier.currency_id or tier.option.tour.currency_id))


def _name(tier: GroupTier) -> str:
    parts = [
        tier.option.code,
        tier.category.code if tier.category else "",
        f"{tier.from_guests}+",
        tier.currency_id or "",
    ]
    return "/".join(part for part in parts if part)
