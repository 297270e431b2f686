"""Which days a rule asks for: every few weeks, certain weekdays of the month, certain dates; several times a day; hours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils.timezone import now

from config.errors import InvalidInput
from tours.errors import OptionKindFixed
from tours.models import Departure, Repeats, ScheduleRule
from tours.occurrences import closing_of, days_of, starts_of
from tours.services import add_departure, change_rule, create_rule, generate_departures, update_tour
from tours.services.departures import follow_options
from tours.tests.factories import DepartureFactory, OptionFactory, ScheduleRuleFactory, TourFactory

ROME, CAIRO = ZoneInfo("Europe/Rome"), ZoneInfo("Africa/Cairo")
YEAR = (date(2027, 1, 1), date(2027, 12, 31))


def rule(**fields):
    return ScheduleRule(
        **{"weekdays": [1, 2, 3, 4, 5, 6, 7], "start_time": time(9), "valid_from": date(2027, 1, 1)} | fields
    )


def days(found, first=YEAR[0], last=YEAR[1]):
    return list(days_of(found, first, last))


def test_every_second_week_counts_from_the_week_of_the_first_day():
    every_other = rule(weekdays=[3, 1], every=2, valid_from=date(2027, 1, 6))  # a Wednesday
    assert days(every_other, last=date(2027, 2, 5)) == [
        date(2027, 1, 6),
        date(2027, 1, 18),
        date(2027, 1, 20),
        date(2027, 2, 1),
        date(2027, 2, 3),
    ]
    # Looked at from later on, the weeks are the same ones.
    assert days(every_other, date(2027, 1, 25), date(2027, 2, 2)) == [date(2027, 2, 1)]


@pytest.mark.parametrize("first", [date(2026, 2, 1), date(2027, 6, 1), date(2027, 12, 30), date(2031, 3, 14)])
def test_a_window_shows_what_the_whole_shows(first):
    for found in (
        rule(weekdays=[2, 6], every=3, valid_from=date(2026, 5, 14)),
        rule(repeats=Repeats.MONTHLY, ordinals=[1, -1], weekdays=[5], every=5, valid_from=date(2026, 5, 14)),
    ):
        whole = days(found, date(2026, 1, 1), date(2032, 1, 1))
        last = first + timedelta(days=200)
        assert days(found, first, last) == [day for day in whole if first <= day <= last]


def test_the_first_friday_and_the_last_monday_of_a_month():
    fridays = days(rule(repeats=Repeats.MONTHLY, ordinals=[1], weekdays=[5]))
    assert len(fridays) == 12
    assert fridays[:3] == [date(2027, 1, 1), date(2027, 2, 5), date(2027, 3, 5)]
    mondays = days(rule(repeats=Repeats.MONTHLY, ordinals=[-1], weekdays=[1], every=2))
    assert mondays == [
        date(2027, 1, 25),
        date(2027, 3, 29),
        date(2027, 5, 31),
        date(2027, 7, 26),
        date(2027, 9, 27),
        date(2027, 11, 29),
    ]


def test_certain_dates_within_the_season_and_not_on_days_of_rest():
    found = rule(
        repeats=Repeats.DATES,
        weekdays=[],
        dates=[date(2027, 5, 3), date(2027, 2, 1), date(2027, 2, 2), date(2028, 1, 1)],
        except_dates=[date(2027, 2, 2)],
        valid_until=date(2027, 12, 31),
    )
    assert days(found, date(2026, 1, 1), date(2029, 1, 1)) == [date(2027, 2, 1), date(2027, 5, 3)]


def test_several_times_a_day_in_order_and_one_start_where_two_times_are_one_moment():
    found = rule(more_times=[time(16), time(12, 30)])
    assert [at.astimezone(CAIRO).time() for at in starts_of(found, CAIRO, YEAR[0], YEAR[0])] == [
        time(9),
        time(12, 30),
        time(16),
    ]
    night = rule(start_time=time(2, 30), more_times=[time(3, 30)])
    day = date(2027, 3, 28)  # Rome skips 02:00 to 03:00
    assert list(starts_of(night, ROME, day, day)) == [datetime(2027, 3, 28, 1, 30, tzinfo=UTC)]
    day = date(2027, 10, 31)  # and has it twice
    assert len(list(starts_of(night, ROME, day, day))) == 2


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 28), 13), (date(2027, 10, 31), 15), (date(2027, 7, 1), 14)])
def test_opening_hours_over_a_change_of_clocks_and_midnight(day, hours):
    night = rule(start_time=time(18), closes_at=time(8))  # opens the evening before
    start = next(starts_of(night, ROME, day - timedelta(days=1), day))
    end = closing_of(night, start, ROME)
    assert (end - start) == timedelta(hours=hours)
    assert end.astimezone(ROME) == datetime.combine(day, time(8), ROME)


def test_departures_of_every_time_are_made_once(tenant):
    option = OptionFactory()
    ScheduleRuleFactory(option=option, more_times=[time(12), time(16)])
    until = now().astimezone(CAIRO).date() + timedelta(days=2)
    made = generate_departures(until=until)
    assert 6 <= made <= 9
    assert generate_departures(until=until) == 0
    tomorrow = Departure.objects.filter(local_date=until)
    assert [row.local_start().hour for row in tomorrow.order_by("starts_at")] == [9, 12, 16]


def museum(**fields):
    tour = TourFactory(cutoff_minutes=60, **fields)
    return OptionFactory(tour=tour, by_opening_hours=True, capacity=400)


def test_opening_hours_make_one_departure_a_day_sold_until_before_closing(tenant):
    option = museum(partner_cutoff_minutes=30)
    day = now().astimezone(CAIRO).date() + timedelta(days=1)
    create_rule(
        option_id=option.pk,
        data={"weekdays": list(range(1, 8)), "start_time": time(9), "closes_at": time(17), "valid_from": day},
        actor=None,
    )
    departure = Departure.objects.get(local_date=day)
    assert departure.any_time
    assert departure.starts_at.astimezone(CAIRO) == datetime.combine(day, time(9), CAIRO)
    assert departure.ends_at.astimezone(CAIRO) == datetime.combine(day, time(17), CAIRO)
    assert departure.cutoff_at.astimezone(CAIRO) == datetime.combine(day, time(16), CAIRO)
    assert departure.partner_cutoff_at.astimezone(CAIRO) == datetime.combine(day, time(16, 30), CAIRO)
    update_tour(tour_id=option.tour_id, data={"cutoff_minutes": 120, "partner_cutoff_minutes": None}, actor=None)
    departure.refresh_from_db()
    assert departure.cutoff_at.astimezone(CAIRO) == datetime.combine(day, time(15), CAIRO)
    assert departure.partner_cutoff_at is None


def test_the_day_that_runs_is_still_made_and_sold(tenant):
    option = museum()
    local = now().astimezone(CAIRO)
    day = {"start_time": time(0), "closes_at": time(23, 59, 59)}  # it runs, whatever the hour is
    ScheduleRuleFactory(option=option, valid_from=local.date() - timedelta(days=1), **day)
    generate_departures(until=local.date() + timedelta(days=1))
    running = Departure.objects.get(starts_at__lte=now())
    assert running.is_bookable
    assert not running.is_over
    assert running in Departure.objects.bookable()
    assert running in Departure.objects.upcoming()


@pytest.mark.parametrize(
    ("by_hours", "data", "field"),
    [
        (False, {"closes_at": time(17)}, "closes_at"),
        (True, {}, "closes_at"),
        (True, {"closes_at": time(9)}, "closes_at"),
        (True, {"closes_at": time(17), "more_times": [time(12)]}, "more_times"),
        (False, {"repeats": "MONTHLY"}, "ordinals"),
        (False, {"repeats": "MONTHLY", "ordinals": [5]}, "ordinals"),
        (False, {"repeats": "MONTHLY", "ordinals": [0]}, "ordinals"),
        (False, {"repeats": "DATES"}, "dates"),
        (False, {"repeats": "YEARLY"}, "repeats"),
        (False, {"every": 0}, "every"),
        (False, {"every": 53}, "every"),
    ],
)
def test_what_cannot_be_is_refused(tenant, by_hours, data, field):
    option = OptionFactory(by_opening_hours=by_hours)
    known = {"weekdays": [1], "start_time": time(9), "valid_from": date(2027, 1, 1)}
    with pytest.raises(InvalidInput) as refused:
        create_rule(option_id=option.pk, data=known | data, actor=None)
    assert field in refused.value.details
    assert not Departure.objects.exists()


def test_on_sale_from_some_days_before(tenant):
    option = OptionFactory(opens_days_before=10)
    far = now().astimezone(CAIRO).date() + timedelta(days=30)
    departure = add_departure(option_id=option.pk, day=far, at=time(9), actor=None)
    assert departure.opens_at == departure.starts_at - timedelta(days=10)
    assert not departure.is_bookable
    assert not Departure.objects.bookable().exists()
    option.opens_days_before = 40
    option.save()
    follow_options(option.tour_id)
    assert Departure.objects.bookable().get().opens_at == departure.starts_at - timedelta(days=40)
    option.opens_days_before = None
    option.save()
    follow_options(option.tour_id)
    assert Departure.objects.get().opens_at is None


def test_an_option_does_not_change_its_kind_under_departures(tenant):
    departure = DepartureFactory()
    option = departure.option
    option.by_opening_hours = True
    option.save()
    with pytest.raises(OptionKindFixed):
        follow_options(option.tour_id)


def test_a_rule_moves_to_another_recurrence(tenant):
    option = OptionFactory()
    today = now().astimezone(CAIRO).date()
    made = create_rule(
        option_id=option.pk,
        data={"weekdays": list(range(1, 8)), "start_time": time(9), "valid_from": today},
        actor=None,
    )
    wanted = [today + timedelta(days=4), today + timedelta(days=9)]
    change_rule(rule_id=made.rule.pk, data={"repeats": "DATES", "dates": wanted}, actor=None)
    assert list(Departure.objects.order_by("local_date").values_list("local_date", flat=True)) == wanted
