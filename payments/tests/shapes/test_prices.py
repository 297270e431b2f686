"""Products whose point is their price, entered through the back-office and sold through the API. Figures worked out by hand."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils.timezone import localdate

from accounts.models import Role
from accounts.tests.factories import MembershipFactory, UserFactory
from bookings.models import NetRate, Partner, PartnerUser
from ledger.models import ExchangeRate
from ledger.seeds import seed_platform
from payments.tests.shapes import Office, Refused, Shop, category, pay
from tours.models import (
    CurrencyPrice,
    Departure,
    GroupTier,
    OptionPrice,
    PriceRule,
    ScheduleRule,
    Season,
    SeasonRange,
    TourOption,
)
from tours.published import publish_facts
from tours.tests.factories import CurrencyFactory

CAIRO = ZoneInfo("Africa/Cairo")
SOON = localdate() + timedelta(days=10)
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


@pytest.fixture
def office(tenant):
    seed_platform()
    office = Office()
    ExchangeRate.objects.all().delete()  # each test says the rates that it needs
    return office


def option_of(office, tour, prices=(), rows=None, values=None, code="shared"):
    """The option with its price list and whatever else its page holds."""
    option = TourOption.objects.get(tour=tour, code=code)
    listed = [{"category": category(who).pk, "amount": amount} for who, amount in dict(prices).items()]
    return office.change(option, values, {**({OptionPrice: listed} if listed else {}), **(rows or {})})


def runs(office, option, *times):
    """Every day at these times, from today."""
    rows = [{"weekdays": EVERY_DAY, "start_time": time, "valid_from": localdate().isoformat()} for time in times]
    return office.change(option, rows={ScheduleRule: rows})


def on(option, day, time):
    hour, minute = map(int, time.split(":"))
    return Departure.objects.get(
        option=option, starts_at=datetime(day.year, day.month, day.day, hour, minute, tzinfo=CAIRO)
    )


def rule(office, tour, name, kind, value, effect="PERCENT", **conditions):
    typed = {"tour": tour.pk, "name_en": name, "name_ar": name, "kind": kind, "effect": effect, "value": value}
    return office.add(PriceRule, {**typed, **conditions})


def texts(quote):
    return [[step["text"] for step in line["because"]] for line in quote["lines"]]


def test_a_felucca_at_three_start_times_for_adults_and_children(office):
    tour = office.tour([{"name_en": "Shared", "name_ar": "مشتركة", "code": "shared", "capacity": 12}])
    option = option_of(office, tour, {"adult": "400", "child": "200"})
    runs(office, option, "09:00", "12:00", "17:00")
    rule(office, tour, "Sunset", "OVERRIDE", "500", "PRICE", start_times="17:00", categories=["adult"])
    office.publish(tour)
    shop = Shop()
    assert Departure.objects.filter(option=option, local_date=SOON).count() == 3
    # 2 × 400 + 200
    shop.book(on(option, SOON, "09:00"), {"adult": 2, "child": 1}, "1000.00")
    # At sunset adults pay 500, children what they always pay: 2 × 500 + 200
    booking = shop.book(on(option, SOON, "17:00"), {"adult": 2, "child": 1}, "1200.00")
    assert pay(booking).status == "CONFIRMED"
    assert texts(shop.quote(on(option, SOON, "17:00"), {"adult": 1, "child": 1})) == [["Sunset: EGP\xa0500.00"], []]


def test_a_private_desert_safari_per_vehicle_with_group_tiers(office):
    jeep = {"name_en": "Private jeep", "name_ar": "جيب خاص", "code": "shared", "capacity": 16}
    tour = office.tour([jeep], title_en="Desert safari", title_ar="رحلة سفاري", currency="USD", max_guests=16)
    tiers = [{"from_guests": 1, "amount": "120"}, {"from_guests": 5, "amount": "100"}]
    option = option_of(office, tour, rows={GroupTier: tiers}, values={"basis": "PER_GROUP", "group_size": 4})
    runs(office, option, "14:00")
    office.publish(tour)
    shop, departure = Shop(), on(option, SOON, "14:00")
    # Three people in one jeep of four: 120, and the jeep is theirs alone.
    shop.book(departure, {"adult": 2, "child": 1}, "120.00")
    # Nine in three jeeps, from five guests on at 100 each.
    shop.book(departure, {"adult": 9}, "300.00")
    departure.refresh_from_db()
    assert departure.seats_held == 16
    assert shop.hold(departure, {"adult": 1}, 409)["error_code"] == "seats_unavailable"
    publish_facts(tour.pk)
    assert shop.get(f"tours/{tour.pk}")["price_from"] == "100.00"


def test_a_seven_day_package_with_single_supplement_and_seasons(office):
    tour = office.tour(
        [{"name_en": "Cabin", "name_ar": "مقصورة", "code": "shared", "capacity": 30, "duration_minutes": 7 * 1440}],
        title_en="Nile cruise of a week",
        title_ar="رحلة نيلية أسبوعية",
        kind="PACKAGE",
        nights=6,
        duration_minutes=7 * 1440,
        currency="USD",
    )
    option = option_of(office, tour, {"adult": "900", "child": "450"}, values={"single_supplement": "240"})
    high = {"first_day": SOON.isoformat(), "last_day": (SOON + timedelta(days=4)).isoformat()}
    season = office.add(Season, {"name_en": "Feast", "name_ar": "العيد", "code": "feast"}, {SeasonRange: [high]})
    rule(office, tour, "Feast", "SEASON", "25", season=season.pk)
    runs(office, option, "10:00")
    office.publish(tour)
    shop = Shop()
    low_day, high_day = on(option, SOON - timedelta(days=1), "10:00"), on(option, SOON, "10:00")
    # Two share a room: 2 × 900. A third sleeps alone: 3 × 900 + 240.
    shop.book(low_day, {"adult": 2}, "1800.00")
    shop.book(low_day, {"adult": 3}, "2940.00")
    # At the feast 900 + 25 % = 1125; both want rooms alone: 2 × 1125 + 2 × 240
    rooms = [{"code": "single-supplement", "quantity": 2}]
    shop.book(high_day, {"adult": 2}, "2730.00", extras=rooms)
    # A child shares its parents' room: 2 × 1125 + 562.50
    shop.book(high_day, {"adult": 2, "child": 1}, "2812.50")
    lonely = shop.quote(high_day, {"adult": 1}, extras=[])
    assert [line["code"] for line in lonely["lines"]] == ["adult", "single-supplement"]
    assert shop.quote(low_day, {"adult": 2}, 422, extras=[{"code": "single-supplement", "quantity": 1}])


def test_a_ramadan_special_with_early_bird_and_occupancy_in_three_currencies(office):
    tour = office.tour(
        [{"name_en": "Iftar", "name_ar": "إفطار", "code": "shared", "capacity": 4}],
        title_en="Iftar on the Nile",
        title_ar="إفطار على النيل",
        currency="EGP",
    )
    riyal, euro = CurrencyFactory(code="SAR"), CurrencyFactory(code="EUR")
    fixed = {CurrencyPrice: [{"currency": riyal.pk, "category": category("adult").pk, "amount": "150"}]}
    option = option_of(office, tour, {"adult": "1200"}, rows=fixed)
    ramadan = {"first_day": localdate().isoformat(), "last_day": (localdate() + timedelta(days=60)).isoformat()}
    season = office.add(Season, {"name_en": "Ramadan", "name_ar": "رمضان", "code": "ramadan"}, {SeasonRange: [ramadan]})
    rule(office, tour, "Ramadan special", "SEASON", "-10", season=season.pk)
    rule(office, tour, "Early bird", "EARLY_BIRD", "-20", days_before=7)
    rule(office, tour, "Nearly full", "OCCUPANCY", "30", occupancy_percent=50)
    runs(office, option, "18:00")
    office.publish(tour)
    shop, early, late = Shop(), on(option, SOON, "18:00"), on(option, localdate() + timedelta(days=3), "18:00")
    # 1200 − 10 % = 1080; ten days ahead − 20 % = 864
    first = shop.quote(early, {"adult": 2})
    assert (first["total"], first["lines"][0]["was"]) == ("1728.00", "1200.00")
    assert texts(first) == [["Ramadan special: -10 %", "Early bird: -20 %"]]
    assert shop.quote(late, {"adult": 1})["total"] == "1080.00"
    # In riyals the price is fixed, no rate is needed: 150 × 0.9 × 0.8 = 108
    in_riyals = shop.quote(early, {"adult": 2}, currency="SAR")
    assert (in_riyals["total"], in_riyals["price_list_currency"], in_riyals["rate"]) == ("216.00", "SAR", "1")
    # Nobody fixed euros: refused until there is a rate, then 1200 × 0.018 = 21.60 × 0.9 × 0.8 = 15.552 → 15.55
    assert "EGP" in shop.quote(early, {"adult": 2}, 422, currency="EUR")["message"]
    ExchangeRate.objects.create(base_id="EGP", quote=euro, rate="0.018", valid_from=localdate())
    assert shop.quote(early, {"adult": 2}, currency="EUR")["total"] == "31.10"
    shop.book(early, {"adult": 2}, "216.00", currency="SAR")
    # Two of four places are sold: 1200 × 0.9 × 1.3 = 1404, − 20 % = 1123.20
    shop.book(early, {"adult": 1}, "1123.20")
    publish_facts(tour.pk)
    days = shop.get(f"tours/{tour.pk}/prices", **{"from": f"{SOON:%Y-%m}", "months": 1, "guests": "adult:1"})["days"]
    assert {day["date"]: day["price_from"] for day in days}[SOON.isoformat()] == "1123.20"


def test_a_dmc_product_with_net_rates_for_two_partners(office):
    tour = office.tour(
        [{"name_en": "Shared", "name_ar": "مشتركة", "code": "shared", "capacity": 30}],
        title_en="Luxor from the air",
        title_ar="الأقصر من الجو",
        currency="USD",
    )
    option = option_of(office, tour, {"adult": "100", "child": "60"})
    runs(office, option, "06:00")
    office.publish(tour)
    euro = CurrencyFactory(code="EUR")
    adult = category("adult").pk
    nile = partner(office, "nile", "USD", [{"option": option.pk, "category": adult, "basis": "AMOUNT", "value": "72"}])
    rhine = partner(office, "rhine", "EUR", [{"option": option.pk, "basis": "PERCENT_OFF", "value": "20"}])
    ExchangeRate.objects.create(base_id="USD", quote=euro, rate="0.9", valid_from=localdate())
    departure = on(option, SOON, "06:00")
    # The public: 2 × 100 + 60. Nile Travel: 2 × 72 + 60. Rhine Reisen in euros: 2 × 90 × 0.8 + 54 × 0.8.
    Shop().book(departure, {"adult": 2, "child": 1}, "260.00")
    ours = Shop(nile).book(departure, {"adult": 2, "child": 1}, "204.00")
    theirs = Shop(rhine).book(departure, {"adult": 2, "child": 1}, "187.20")
    assert (ours.quote["partner"], theirs.quote["partner"], theirs.currency) == ("nile", "rhine", "EUR")
    assert NetRate.objects.count() == 2
    with pytest.raises(Refused):
        partner(office, "again", "USD", [{"option": option.pk, "basis": "AMOUNT", "value": "5"}])


def partner(office, code, currency, rates):
    """A partner with its net rates and somebody who acts for it."""
    agent = UserFactory(password="!")
    MembershipFactory(user=agent, role=Role.objects.get(code="AGENT"))
    named = {"name_en": code.title(), "name_ar": code, "code": code, "currency": currency}
    office.add(Partner, named, {PartnerUser: [{"user": agent.pk}], NetRate: rates})
    return agent
