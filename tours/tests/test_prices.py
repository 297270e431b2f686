"""What a party pays by the price list. The figures were worked out by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import InvalidInput
from config.tenancy import tenant_context
from tours.errors import (
    DepartureNotFound,
    ExtraQuantityRefused,
    NobodyTakesASeat,
    PartyTooLarge,
    PartyTooSmall,
    TourHasNoPrice,
    UnknownExtra,
    UnknownPriceCategory,
)
from tours.models import Departure, Extra, ExtraBasis, OptionPrice, TourStatus
from tours.prices import (
    CategoryPrice,
    ExtraTerms,
    TaxTerms,
    Terms,
    load_terms,
    price_from,
    price_lines,
    seats_of,
    taxes_on,
    total_of,
)
from tours.tests.factories import (
    CurrencyFactory,
    DepartureFactory,
    ExtraFactory,
    OptionFactory,
    TaxRateFactory,
    TourFactory,
)


@pytest.fixture
def departure(tenant):
    tour = TourFactory(tax=TaxRateFactory(), max_guests=8)
    ExtraFactory(tour=tour, code="lunch", amount=Decimal("12.50"), basis=ExtraBasis.PER_PERSON)
    ExtraFactory(tour=tour, code="pickup", amount=Decimal("30"), basis=ExtraBasis.PER_BOOKING)
    ExtraFactory(tour=tour, code="photo", amount=Decimal("7.99"), basis=ExtraBasis.PER_UNIT, max_quantity=3)
    ExtraFactory(tour=tour, code="camel", is_active=False)
    return DepartureFactory(option__tour=tour)


def read_plainly(departure_id):
    """The same terms by the ORM: the twin of the one statement."""
    departure = Departure.objects.select_related("option", "tour__destination", "tour__tax").get(pk=departure_id)
    tour, option, tax = departure.tour, departure.option, departure.tour.tax
    prices = OptionPrice.objects.filter(option_id=option.pk).order_by("category__display_order", "category__code")
    extras = Extra.objects.filter(tour_id=tour.pk, is_active=True).order_by("code")
    return Terms(
        departure_id=departure.pk,
        tour_id=tour.pk,
        option_id=option.pk,
        option_code=option.code,
        title_en=tour.title_en,
        title_ar=tour.title_ar,
        option_en=option.name_en,
        option_ar=option.name_ar,
        starts_at=departure.starts_at,
        ends_at=departure.ends_at,
        cutoff_at=departure.cutoff_at,
        time_zone=tour.destination.time_zone,
        currency=tour.currency_id,
        min_guests=tour.min_guests,
        max_guests=tour.max_guests,
        on_sale=tour.status == TourStatus.ACTIVE and tour.deleted_at is None,
        policy_id=tour.cancellation_policy_id,
        prices={
            row.category.code: CategoryPrice(
                row.category.code,
                row.category.name_en,
                row.category.name_ar,
                row.amount,
                row.category.seats,
                row.original_amount,
                (row.category.max_age or 99) < 18,
            )
            for row in prices.select_related("category")
        },
        extras={
            row[0]: ExtraTerms(*row)
            for row in extras.values_list("code", "name_en", "name_ar", "basis", "amount", "max_quantity")
        },
        taxes=(TaxTerms(tax.code, tax.name_en, tax.name_ar, tax.percent, tax.is_inclusive, tax.on_fee),) if tax else (),
        capacity=departure.capacity,
        sold=departure.seats_held + departure.seats_booked,
    )


def test_the_one_statement_reads_what_the_models_say(departure, django_assert_num_queries):
    bare = DepartureFactory(option__prices={}, option__tour__tax=None)
    closed = DepartureFactory(option__tour__status=TourStatus.DRAFT)
    for row in (departure, bare, closed):
        with django_assert_num_queries(1):
            terms = load_terms(row.pk)
        assert terms == read_plainly(row.pk)
        assert list(terms.prices) == list(read_plainly(row.pk).prices)


def test_each_line_of_a_family_with_extras_names_its_rule(departure):
    lines, taxes = price_lines(
        load_terms(departure.pk),
        {"adult": 2, "child": 1, "infant": 1},
        [{"code": "lunch", "quantity": 3}, {"code": "pickup"}, {"code": "photo", "quantity": 2}],
    )
    assert [(line.rule, line.quantity, line.unit, line.amount) for line in lines] == [
        ("price_list:standard:adult", 2, Decimal("100"), Decimal("200.00")),
        ("price_list:standard:child", 1, Decimal("50"), Decimal("50.00")),
        ("price_list:standard:infant", 1, Decimal("0"), Decimal("0.00")),
        ("extra:lunch", 3, Decimal("12.50"), Decimal("37.50")),
        ("extra:photo", 2, Decimal("7.99"), Decimal("15.98")),
        ("extra:pickup", 1, Decimal("30"), Decimal("30.00")),
    ]
    assert (lines[0].label_en, lines[0].label_ar) == ("Adult", "بالغ")
    # 333.48 contain 14 %: 333.48 × 14 / 114 = 40.9536…
    assert [(tax.code, tax.inclusive, tax.amount) for tax in taxes] == [("vat-eg", True, Decimal("40.95"))]
    assert total_of(lines, taxes) == Decimal("333.48")


def test_a_tax_that_is_not_contained_comes_on_top(departure):
    tax = departure.tour.tax
    tax.is_inclusive = False
    tax.save(update_fields=["is_inclusive"])
    lines, taxes = price_lines(load_terms(departure.pk), {"adult": 1})
    assert taxes[0].amount == Decimal("14.00")
    assert total_of(lines, taxes) == Decimal("114.00")


def test_without_a_tax_there_is_no_tax_line(departure):
    departure.tour.tax = None
    departure.tour.save(update_fields=["tax"])
    assert taxes_on(load_terms(departure.pk), Decimal(100)) == []


def test_an_extra_per_person_without_a_quantity_is_for_everyone(departure):
    lines, _ = price_lines(load_terms(departure.pk), {"adult": 3}, [{"code": "lunch"}])
    assert (lines[1].quantity, lines[1].amount) == (3, Decimal("37.50"))


def test_the_same_extra_asked_twice_is_one_line(departure):
    lines, _ = price_lines(load_terms(departure.pk), {"adult": 1}, [{"code": "photo"}, {"code": "photo"}])
    assert [(line.code, line.quantity) for line in lines] == [("adult", 1), ("photo", 2)]


@pytest.mark.parametrize(
    ("guests", "extras", "refusal"),
    [
        ({"adult": 1, "student": 1}, [], UnknownPriceCategory),
        ({}, [], PartyTooSmall),
        ({"adult": 0}, [], PartyTooSmall),
        ({"adult": 9}, [], PartyTooLarge),
        ({"adult": 10**30}, [], PartyTooLarge),
        ({"infant": 1}, [], NobodyTakesASeat),
        ({"adult": -1}, [], InvalidInput),
        ({"adult": 1.5}, [], InvalidInput),
        ({"adult": True}, [], InvalidInput),
        ({"adult": "2"}, [], InvalidInput),
        ({"adult": 1}, [{"code": "camel"}], UnknownExtra),
        ({"adult": 1}, [{"code": "helicopter"}], UnknownExtra),
        ({"adult": 1}, [{"code": "lunch", "quantity": 2}], ExtraQuantityRefused),
        ({"adult": 1}, [{"code": "pickup", "quantity": 2}], ExtraQuantityRefused),
        ({"adult": 1}, [{"code": "photo", "quantity": 4}], ExtraQuantityRefused),
        ({"adult": 1}, [{"code": "photo", "quantity": 0}], ExtraQuantityRefused),
        ({"adult": 1}, [{"code": "photo", "quantity": -3}], ExtraQuantityRefused),
        ({"adult": 1}, [{"code": "photo", "quantity": 1.5}], InvalidInput),
    ],
)
def test_what_cannot_be_sold_is_refused(departure, guests, extras, refusal):
    with pytest.raises(refusal):
        price_lines(load_terms(departure.pk), guests, extras)


def test_a_tour_may_ask_for_a_party(departure):
    departure.tour.min_guests = 4
    departure.tour.save(update_fields=["min_guests"])
    with pytest.raises(PartyTooSmall) as refused:
        price_lines(load_terms(departure.pk), {"adult": 3})
    assert refused.value.details == {"least": 4, "asked": 3}


def test_infants_take_no_seat(departure):
    terms = load_terms(departure.pk)
    assert seats_of(terms, {"adult": 2, "child": 1, "infant": 2}) == 3
    with pytest.raises(UnknownPriceCategory):
        seats_of(terms, {"ghost": 1})


def test_terms_take_one_statement(departure, django_assert_num_queries):
    with django_assert_num_queries(1):
        terms = load_terms(departure.pk)
    assert (terms.tour_id, terms.option_id, terms.currency) == (departure.tour_id, departure.option_id, "USD")
    assert (terms.title_en, terms.title_ar) == (departure.tour.title_en, departure.tour.title_ar)
    assert terms.on_sale
    assert terms.policy_id == departure.tour.cancellation_policy_id
    assert list(terms.extras) == ["lunch", "photo", "pickup"]


def test_a_draft_is_not_on_sale(departure):
    departure.tour.status = TourStatus.DRAFT
    departure.tour.save(update_fields=["status"])
    assert not load_terms(departure.pk).on_sale


def test_departures_of_others_do_not_exist(departure, other_tenant):
    with pytest.raises(DepartureNotFound):
        load_terms(uuid4())
    with tenant_context(other_tenant.pk), pytest.raises(DepartureNotFound):
        load_terms(departure.pk)


def test_other_currencies_round_once_a_unit(departure):
    lines, taxes = price_lines(
        load_terms(departure.pk).converted("KWD", Decimal("0.30712345")), {"adult": 3, "child": 1}
    )
    # 100 × 0.30712345 = 30.712345 → 30.712; 50 × 0.30712345 = 15.3561725 → 15.356
    assert [(line.unit, line.amount) for line in lines] == [
        (Decimal("30.712"), Decimal("92.136")),
        (Decimal("15.356"), Decimal("15.356")),
    ]
    assert total_of(lines, taxes) == Decimal("107.492")
    yen, _ = price_lines(load_terms(departure.pk).converted("JPY", Decimal("149.995")), {"adult": 1})
    assert yen[0].amount == Decimal("15000")


def test_the_price_from_is_the_cheapest_adult(tenant, django_assert_num_queries):
    tour = TourFactory(currency=CurrencyFactory(code="EUR"))
    with pytest.raises(TourHasNoPrice):
        price_from(tour)
    OptionFactory(tour=tour, code="private", prices={"adult": "180", "infant": "0", "child": "20"})
    shared = OptionFactory(tour=tour, code="shared", prices={"adult": "75", "infant": "0"})
    assert price_from(tour) == (Decimal("75"), None)
    shared.prices.filter(category__code="adult").update(original_amount=Decimal("90"))
    shown = type(tour).objects.for_display().get(pk=tour.pk)
    with django_assert_num_queries(0):
        assert price_from(shown) == (Decimal("75"), Decimal("90"))


def test_without_adults_the_cheapest_seat_counts(tenant):
    option = OptionFactory(prices={"child": "40", "infant": "0"})
    assert price_from(option.tour) == (Decimal("40"), None)


# --- Whatever the prices are ---

amounts = st.decimals(min_value=0, max_value=99_999, places=3, allow_nan=False, allow_infinity=False)
parties = st.dictionaries(st.sampled_from(["adult", "child", "infant"]), st.integers(0, 5), max_size=3)
EXTRAS = [{"code": "lunch"}, {"code": "pickup"}, {"code": "photo", "quantity": 2}]


START = datetime(2027, 3, 1, 9, tzinfo=UTC)


def terms_of(prices, currency, tax):
    return Terms(
        departure_id=uuid4(),
        tour_id=uuid4(),
        option_id=uuid4(),
        option_code="standard",
        title_en="",
        title_ar="",
        option_en="",
        option_ar="",
        starts_at=START,
        ends_at=START,
        cutoff_at=START,
        time_zone="UTC",
        currency=currency,
        min_guests=1,
        max_guests=30,
        on_sale=True,
        policy_id=uuid4(),
        prices={
            code: CategoryPrice(code, code, code, amount, 0 if code == "infant" else 1)
            for code, amount in zip(["adult", "child", "infant"], prices, strict=True)
        },
        extras={
            code: ExtraTerms(code, code, code, basis, Decimal("3.335"), 9)
            for code, basis in [("lunch", "PER_PERSON"), ("pickup", "PER_BOOKING"), ("photo", "PER_UNIT")]
        },
        taxes=(tax,),
    )


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    prices=st.tuples(amounts, amounts, amounts),
    party=parties,
    extras=st.lists(st.sampled_from(EXTRAS), unique_by=lambda extra: extra["code"]),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    percent=st.decimals(min_value=0, max_value=50, places=3),
    inclusive=st.booleans(),
    data=st.data(),
)
def test_sums_hold_and_order_does_not_matter(prices, party, extras, currency, percent, inclusive, data):
    terms = terms_of(prices, currency, TaxTerms("vat", "", "", percent, inclusive))
    if not party.get("adult", 0) + party.get("child", 0):
        with pytest.raises((PartyTooSmall, NobodyTakesASeat)):
            price_lines(terms, party, extras)
        return
    lines, taxes = price_lines(terms, party, extras)
    places = {"USD": -2, "JPY": 0, "KWD": -3}[currency]
    assert all(line.amount >= 0 and line.amount.as_tuple().exponent == places for line in lines)
    assert all(abs(line.amount - line.unit * line.quantity) <= Decimal(5).scaleb(places - 1) for line in lines)
    total, listed = total_of(lines, taxes), sum(line.amount for line in lines)
    assert total == (listed if inclusive else listed + taxes[0].amount)
    assert 0 <= taxes[0].amount <= total
    shuffled = dict(data.draw(st.permutations(list(party.items()))))
    assert price_lines(terms, shuffled, data.draw(st.permutations(extras))) == (lines, taxes)
