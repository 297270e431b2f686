"""Options of tours and their price lists from tables. Both only add and change: what a table leaves out stays."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.audit import differences, record, snapshot
from ledger.money import amount_text
from tours.limits import faults_of_price
from tours.models import (
    BelowMinimum,
    OptionPrice,
    PriceCategory,
    PricingBasis,
    Tour,
    TourOption,
    TourStatus,
)
from tours.selectors.tables import OPTION_COLUMNS, PRICE_COLUMNS, option_row
from tours.services.departures import follow_options
from tours.services.facts import settle_tour
from tours.services.importing.frame import FALSE, TRUE, Line, Outcome, amount_of, whole

Key = tuple[str, str]
NUMBERS = ("capacity", "display_order", "decide_hours_before")
MAY_BE_EMPTY = ("duration_minutes", "opens_days_before", "group_size", "min_to_run")
CHOICES = {"basis": PricingBasis.values, "below_minimum": BelowMinimum.values}


def tours_of(rows: Sequence[Line], for_good: bool) -> dict[str, Tour]:
    """The tours that rows name by their address; locked, where they are about to be written."""
    slugs = {row.get("tour", "") for _number, row in rows}
    found = Tour.objects.alive().filter(slug__in=slugs).order_by("pk")
    return {tour.slug: tour for tour in (found.select_for_update(of=("self",)) if for_good else found)}


def options_of(tours: dict[str, Tour]) -> dict[Key, TourOption]:
    """Their options, by the tour's address and the option's code."""
    by_id = {tour.pk: tour for tour in tours.values()}
    found = {}
    for option in TourOption.objects.filter(tour_id__in=by_id):
        option.tour = by_id[option.tour_id]
        found[option.tour.slug, option.code] = option
    return found


class OptionReader:
    columns = OPTION_COLUMNS
    needed = frozenset({"tour", "option"})

    def __init__(self, actor: Any, outcome: Outcome, for_good: bool) -> None:
        self.actor, self.outcome, self.for_good = actor, outcome, for_good
        self.seen: set[Key] = set()
        self.touched: set[UUID] = set()

    def take(self, rows: Sequence[Line]) -> None:
        tours = tours_of(rows, self.for_good)
        options = options_of(tours)
        for number, row in rows:
            key = (row.get("tour", ""), row.get("option", ""))
            tour = tours.get(key[0])
            if tour is None:
                self.outcome.refuse(number, "tour", _("There is no “{}”.").format(key[0][:60]))
            elif key in self.seen:
                self.outcome.refuse(number, "option", _("“{}” stands here twice.").format(key[1][:60]))
            else:
                self.seen.add(key)
                self._take(number, row, tour, options.get(key))

    def finish(self) -> None:
        """What follows a change of a tour's options."""
        for tour_id in sorted(self.touched):
            follow_options(tour_id)
            settle_tour(tour_id)

    def _take(self, number: int, row: dict[str, str], tour: Tour, known: TourOption | None) -> None:
        if known is None and tour.status == TourStatus.ACTIVE:
            told = _("The tour is on sale, and a new option has no price yet. Take the tour off sale first.")
            self.outcome.refuse(number, "option", told)
            return
        option = known or TourOption(tour=tour, code=row["option"], is_default=False)
        stands = option_row(option)
        before = snapshot(option)
        wanted = {name: text for name, text in row.items() if name in OPTION_COLUMNS and text != str(stands[name])}
        wanted = {name: text for name, text in wanted.items() if text or known is not None}
        for name in ("tour", "option", "title"):
            wanted.pop(name, None)
        for name, written in wanted.items():
            self._fill(number, option, name, written)
        if tour.status == TourStatus.ACTIVE and option.basis != before.get("basis", option.basis):
            told = _("The tour is on sale. Take it off sale before an option is sold another way.")
            self.outcome.refuse(number, "basis", told)
        for sentences in faults_of_price(option.single_supplement, None, str(tour.currency_id)).values():
            self.outcome.refuse(number, "single_supplement", sentences[0])
        if self.outcome.is_faulty(number):
            return
        if known is not None and not wanted:
            self.outcome.same += 1
            return
        try:
            option.clean_fields(exclude={"tour", "tenant"})
        except ValidationError as refusal:
            for name, found in refusal.message_dict.items():
                self.outcome.refuse(number, "option" if name == "code" else name, found[0])
            return
        changes = [(name, stands[name], text) for name, text in wanted.items()] if known is not None else []
        self.outcome.take(number, f"{tour.title_en} · {option.code}", is_new=known is None, changes=changes)
        if self.for_good:
            self._write(option, known is None, before)

    def _fill(self, number: int, option: TourOption, name: str, written: str) -> None:
        if name == "is_default":
            if written.lower() not in (*TRUE, *FALSE):
                self.outcome.refuse(number, name, _("true or false."))
            option.is_default = written.lower() in TRUE
        elif name in NUMBERS or name in MAY_BE_EMPTY:
            value = whole(written)
            if value is None and (written or name in NUMBERS):
                self.outcome.refuse(number, name, _("A whole number, 0 or more."))
                return
            setattr(option, name, value)
        elif name == "single_supplement":
            option.single_supplement = amount_of(written) if written else None
            if written and option.single_supplement is None:
                self.outcome.refuse(number, name, _("An amount, as 1250.50."))
        elif name in CHOICES:
            if written.upper() not in CHOICES[name]:
                self.outcome.refuse(number, name, _("One of {choices}.").format(choices=", ".join(CHOICES[name])))
                return
            setattr(option, name, written.upper())
        else:
            setattr(option, name, written)

    def _write(self, option: TourOption, is_new: bool, before: dict[str, Any]) -> None:
        self.touched.add(option.tour_id)
        if is_new:
            option.save(force_insert=True)
            record("tours.touroption.added", option, actor=self.actor, after=snapshot(option))
            return
        old, new = differences(before, snapshot(option))
        option.save(update_fields=list(new))
        record("tours.touroption.changed", option, actor=self.actor, before=old, after=new)


class PriceReader:
    columns = PRICE_COLUMNS
    needed = frozenset({"tour", "option", "category", "amount"})

    def __init__(self, actor: Any, outcome: Outcome, for_good: bool) -> None:
        self.actor, self.outcome, self.for_good = actor, outcome, for_good
        self.categories = {category.code: category for category in PriceCategory.objects.all()}
        self.seen: dict[int, int] = {}
        self.touched: set[UUID] = set()

    def take(self, rows: Sequence[Line]) -> None:
        tours = tours_of(rows, self.for_good)
        options = options_of(tours)
        prices = {
            (price.option_id, price.category_id): price
            for price in OptionPrice.objects.filter(option__in=[option.pk for option in options.values()])
        }
        fresh: dict[Tour, list[tuple[OptionPrice, str, list[str]]]] = defaultdict(list)
        for number, row in rows:
            place = self._place(number, row, tours, options)
            if place is not None:
                self._take(number, row, *place, prices, fresh)
        if self.for_good and fresh:
            self._write(fresh)

    def finish(self) -> None:
        for tour_id in sorted(self.touched):
            settle_tour(tour_id)

    def _place(
        self, number: int, row: dict[str, str], tours: dict[str, Tour], options: dict[Key, TourOption]
    ) -> tuple[TourOption, PriceCategory] | None:
        option = options.get((row.get("tour", ""), row.get("option", "")))
        category = self.categories.get(row.get("category", ""))
        for name, found in (("tour", row.get("tour") in tours), ("option", option), ("category", category)):
            if not found:
                self.outcome.refuse(number, name, _("There is no “{}”.").format(row.get(name, "")[:60]))
                return None
        assert option is not None
        assert category is not None
        key = hash((option.pk, category.pk))
        if key in self.seen:
            told = _("This price stands in line {line} already.").format(line=self.seen[key])
            self.outcome.refuse(number, "category", told)
            return None
        self.seen[key] = number
        if row.get("currency") and row["currency"].upper() != option.tour.currency_id:
            told = _("The tour's prices are in {currency}.").format(currency=option.tour.currency_id)
            self.outcome.refuse(number, "currency", told)
            return None
        return option, category

    def _take(
        self,
        number: int,
        row: dict[str, str],
        option: TourOption,
        category: PriceCategory,
        prices: dict[Any, OptionPrice],
        fresh: dict[Tour, list[tuple[OptionPrice, str, list[str]]]],
    ) -> None:
        currency = str(option.tour.currency_id)
        known = prices.get((option.pk, category.pk))
        amount, was = amount_of(row["amount"]), amount_of(row.get("original_amount", ""))
        if amount is None:
            self.outcome.refuse(number, "amount", _("An amount, as 1250.50."))
        if was is None and row.get("original_amount"):
            self.outcome.refuse(number, "original_amount", _("An amount, as 1250.50."))
        if "original_amount" not in row and known is not None:
            was = known.original_amount
        for name, found in faults_of_price(amount, was, currency).items():
            self.outcome.refuse(number, name, found[0])
        if self.outcome.is_faulty(number) or amount is None:
            return
        stood = [None, None] if known is None else [known.amount, known.original_amount]
        if stood == [amount, was]:
            self.outcome.same += 1
            return
        pairs = zip(("amount", "original_amount"), stood, (amount, was), strict=True)
        told = [
            (name, _amount_text(old, currency), _amount_text(new, currency)) for name, old, new in pairs if old != new
        ]
        name = f"{option.tour.title_en} · {option.code} · {category.code}"
        self.outcome.take(number, name, is_new=known is None, changes=told if known is not None else [])
        price = OptionPrice(option=option, category=category, amount=amount, original_amount=was)
        before = [_amount_text(old, currency) for old in stood]
        fresh[option.tour].append((price, f"{option.code}/{category.code}", before))

    def _write(self, fresh: dict[Tour, list[tuple[OptionPrice, str, list[str]]]]) -> None:
        """All of this piece in one statement, and an audit entry for each tour with what stood and stands."""
        rows = [price for found in fresh.values() for price, _name, _before in found]
        OptionPrice.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["option", "category"],
            update_fields=["amount", "original_amount"],
        )
        for tour, found in fresh.items():
            currency = str(tour.currency_id)
            after = {
                name: [_amount_text(price.amount, currency), _amount_text(price.original_amount, currency)]
                for price, name, _before in found
            }
            before = {name: stood for _price, name, stood in found}
            record("tours.tour.prices_imported", tour, actor=self.actor, before=before, after=after)
            self.touched.add(tour.pk)


def _amount_text(amount: Any, currency: str) -> str:
    return "" if amount is None else amount_text(amount, currency)
