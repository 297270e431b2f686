"""When departures happen: rules, clocks that change, and what becomes of departures when their rule changes."""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from accounts.models import AuditEntry
from config.errors import InvalidInput
from config.tenancy import tenant_context
from config.testing import run_together
from notifications.models import Event
from tours import tasks
from tours.errors import OptionNotFound, RuleNotFound, ScheduleFixed
from tours.models import Departure, DepartureStatus, ScheduleRule, TourStatus
from tours.occurrences import exists_locally, moment, starts_of
from tours.services import change_rule, create_rule, delete_rule, generate_departures, update_tour
from tours.tests.factories import (
    DepartureFactory,
    DestinationFactory,
    OptionFactory,
    ScheduleRuleFactory,
    TourFactory,
)

ROME, CAIRO = ZoneInfo("Europe/Rome"), ZoneInfo("Africa/Cairo")


def today(zone=CAIRO):
    return now().astimezone(zone).date()


# --- Clocks ---


def test_a_time_that_is_skipped_runs_an_hour_later():
    assert not exists_locally(date(2027, 3, 28), time(2, 30), ROME)
    at = moment(date(2027, 3, 28), time(2, 30), ROME)
    assert at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert at.astimezone(ROME).time() == time(3, 30)


def test_midnight_that_is_skipped_in_cairo_keeps_its_day():
    at = moment(date(2027, 4, 30), time(0, 30), CAIRO)
    assert at.astimezone(CAIRO) == datetime(2027, 4, 30, 1, 30, tzinfo=CAIRO)


def test_a_time_that_comes_twice_runs_the_first_time():
    assert exists_locally(date(2027, 10, 31), time(2, 30), ROME)
    assert moment(date(2027, 10, 31), time(2, 30), ROME) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("first", [date(2027, 3, 26), date(2027, 10, 29)])
def test_nine_in_the_morning_stays_nine_when_the_clocks_change(first):
    rule = ScheduleRule(weekdays=[1, 2, 3, 4, 5, 6, 7], start_time=time(9), valid_from=first)
    starts = list(starts_of(rule, ROME, first, first + timedelta(days=4)))
    assert [start.astimezone(ROME).time() for start in starts] == [time(9)] * 5
    assert [start.astimezone(ROME).date() for start in starts] == [first + timedelta(days=n) for n in range(5)]
    assert len({start.time() for start in starts}) == 2  # in UTC it is not the same hour


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 10, 31)])
def test_the_day_of_the_change_has_one_departure(day):
    rule = ScheduleRule(weekdays=[7], start_time=time(2, 30), valid_from=day)
    assert len(list(starts_of(rule, ROME, day, day))) == 1


def test_weekdays_season_and_days_of_rest():
    rule = ScheduleRule(
        weekdays=[1, 5],
        start_time=time(8),
        valid_from=date(2027, 1, 4),
        valid_until=date(2027, 1, 22),
        except_dates=[date(2027, 1, 8)],
    )
    days = [start.date() for start in starts_of(rule, CAIRO, date(2026, 12, 1), date(2027, 3, 1))]
    assert days == [date(2027, 1, day) for day in (4, 11, 15, 18, 22)]
    rule.is_active = False
    assert list(starts_of(rule, CAIRO, date(2026, 12, 1), date(2027, 3, 1))) == []


# --- Making departures ---


def test_departures_carry_what_the_tour_says(tenant):
    tour = TourFactory(cutoff_minutes=90, duration_minutes=240)
    option = OptionFactory(tour=tour, capacity=15)
    start = today() + timedelta(days=1)
    ScheduleRuleFactory(option=option, start_time=time(9), valid_from=start)
    assert generate_departures(tour_id=tour.pk, until=start) == 1
    departure = Departure.objects.get()
    assert departure.starts_at.astimezone(CAIRO) == datetime.combine(start, time(9), CAIRO)
    assert departure.ends_at - departure.starts_at == timedelta(minutes=240)
    assert departure.starts_at - departure.cutoff_at == timedelta(minutes=90)
    assert (departure.local_date, departure.capacity, departure.status) == (start, 15, "OPEN")


def test_making_again_makes_nothing_and_leaves_states_alone(tenant):
    rule = ScheduleRuleFactory(capacity=7)
    until = today() + timedelta(days=10)
    made = generate_departures(until=until)
    assert made == Departure.objects.count() >= 10
    Departure.objects.update(status=DepartureStatus.CLOSED, capacity=3)
    assert generate_departures(until=until) == 0
    assert generate_departures(until=until + timedelta(days=2), option_id=rule.option_id) == 2
    assert Departure.objects.filter(status="CLOSED", capacity=3).count() == made
    assert list(Event.objects.order_by("occurred_at").values_list("type", "data")) == [
        ("tour.changed", {"departures": made}),
        ("tour.changed", {"departures": 2}),
    ]


def test_nothing_starts_in_the_past(tenant):
    ScheduleRuleFactory(start_time=time(0), valid_from=today() - timedelta(days=30))
    generate_departures(until=today())
    assert not Departure.objects.filter(starts_at__lte=now()).exists()


def test_two_rules_for_one_start_make_one_departure(tenant):
    option = OptionFactory()
    ScheduleRuleFactory(option=option, capacity=5, valid_from=today() - timedelta(days=2))
    ScheduleRuleFactory(option=option, capacity=9, valid_from=today())
    day = today() + timedelta(days=3)
    generate_departures(until=day)
    assert Departure.objects.get(local_date=day).capacity == 5  # the rule that began first


def test_archived_deleted_and_idle_tours_get_none(tenant):
    ScheduleRuleFactory(option__tour__status=TourStatus.ARCHIVED)
    ScheduleRuleFactory(option__tour__deleted_at=now())
    ScheduleRuleFactory(is_active=False)
    assert generate_departures(until=today() + timedelta(days=5)) == 0


def test_statements_do_not_grow_with_tours_and_days(tenant, django_assert_max_num_queries):
    for _ in range(5):
        ScheduleRuleFactory()
    with django_assert_max_num_queries(
        20
    ):  # blackouts, lock, 3 for rules, look, insert, savepoints, and the event of each tour
        made = generate_departures(until=today() + timedelta(days=60))
    assert made >= 300


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_make_each_departure_once(tenant):
    ScheduleRuleFactory()
    until = today() + timedelta(days=20)

    def run():
        return generate_departures(until=until)

    outcomes = run_together(*[run] * 4)
    assert all(isinstance(outcome, int) for outcome in outcomes)
    assert Departure.objects.count() == Departure.objects.values("option", "starts_at").distinct().count() >= 20


def test_the_nightly_job_serves_every_operator(tenant, other_tenant, settings):
    settings.DEPARTURE_HORIZON_DAYS = 3
    ScheduleRuleFactory(valid_from=today())
    with tenant_context(other_tenant.pk):
        ScheduleRuleFactory(valid_from=today())
    with tenant_context(None):
        tasks.generate_departures()
    assert 3 <= Departure.objects.count() <= 4
    with tenant_context(other_tenant.pk):
        assert 3 <= Departure.objects.count() <= 4
    out = StringIO()
    with tenant_context(None):
        call_command("generate_departures", days=5, stdout=out)
    assert out.getvalue() == "default: 2 departures made\nother: 2 departures made\n"
    with pytest.raises(CommandError):
        call_command("generate_departures", days=-1)


# --- Rules that change ---

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def make_rule(**data):
    option = OptionFactory(capacity=20)
    return create_rule(
        option_id=option.pk,
        data={"weekdays": EVERY_DAY, "start_time": time(9), "valid_from": today(), **data},
        actor=None,
    )


def test_a_new_rule_fills_the_next_thirty_days(tenant):
    change = make_rule()
    assert 29 <= change.made <= 32
    assert Departure.objects.filter(rule=change.rule).count() == change.made
    assert AuditEntry.objects.get(action="tours.schedulerule.added").after["start_time"] == "09:00:00"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": [0]}, "weekdays"),
        ({"weekdays": [8]}, "weekdays"),
        ({"capacity": 0}, "capacity"),
        ({"valid_until": date(2000, 1, 1)}, "valid_until"),
        ({"start_time": None}, "start_time"),
        ({"valid_from": None}, "valid_from"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(tenant, data, field):
    with pytest.raises(InvalidInput) as refused:
        make_rule(**data)
    assert field in refused.value.details
    assert not ScheduleRule.objects.exists()


def test_unknown_options_and_rules(tenant, other_tenant):
    rule = make_rule().rule
    with pytest.raises(OptionNotFound):
        create_rule(option_id=uuid4(), data={}, actor=None)
    with tenant_context(other_tenant.pk):
        with pytest.raises(OptionNotFound):
            create_rule(option_id=rule.option_id, data={}, actor=None)
        with pytest.raises(RuleNotFound):
            change_rule(rule_id=rule.pk, data={}, actor=None)
        with pytest.raises(RuleNotFound):
            delete_rule(rule_id=rule.pk, actor=None)


def test_another_hour_moves_what_nobody_booked_and_names_the_rest(tenant):
    rule = make_rule().rule
    departures = list(Departure.objects.order_by("starts_at"))
    booked, held = departures[3], departures[5]
    Departure.objects.filter(pk=booked.pk).update(seats_booked=2)
    Departure.objects.filter(pk=held.pk).update(seats_held=1)

    change = change_rule(rule_id=rule.pk, data={"start_time": time(11)}, actor=None)

    assert {departure.pk for departure in change.left} == {booked.pk, held.pk}
    assert (change.removed, change.closed) == (len(departures) - 2, 0)
    at_eleven = Departure.objects.exclude(pk__in=[booked.pk, held.pk])
    assert {d.starts_at.astimezone(CAIRO).hour for d in at_eleven} == {11}
    assert change.made == at_eleven.count() >= 29
    booked.refresh_from_db()
    assert (booked.seats_booked, booked.status, booked.starts_at.astimezone(CAIRO).hour) == (2, "OPEN", 9)
    entry = AuditEntry.objects.get(action="tours.schedulerule.changed")
    assert (entry.before["start_time"], entry.after["start_time"]) == ("09:00:00", "11:00:00")
    assert entry.after["departures_left"] == 2


def test_another_capacity_reaches_unsold_departures(tenant):
    rule = make_rule().rule
    sold = Departure.objects.first()
    Departure.objects.filter(pk=sold.pk).update(seats_booked=15)
    change = change_rule(rule_id=rule.pk, data={"capacity": 8}, actor=None)
    assert [departure.pk for departure in change.left] == [sold.pk]
    assert set(Departure.objects.exclude(pk=sold.pk).values_list("capacity", flat=True)) == {8}
    sold.refresh_from_db()
    assert sold.capacity == 20
    assert (change.made, change.removed) == (0, 0)


def test_departures_with_a_history_are_closed_instead_of_deleted(tenant):
    rule = make_rule().rule
    departure = Departure.objects.order_by("starts_at").last()
    departure.holds.create(seats=2, quote={}, status="RELEASED", expires_at=now())  # an app above refers to it
    change = change_rule(rule_id=rule.pk, data={"is_active": False}, actor=None)
    assert (change.closed, change.made, change.left) == (1, 0, [])
    assert [(d.pk, d.status) for d in Departure.objects.all()] == [(departure.pk, "CLOSED")]


def test_a_season_that_ends_earlier_takes_away_what_lies_beyond(tenant):
    rule = make_rule().rule
    last = today() + timedelta(days=10)
    change_rule(rule_id=rule.pk, data={"valid_until": last}, actor=None)
    assert Departure.objects.order_by("local_date").last().local_date == last


def test_closed_by_hand_stays_closed(tenant):
    rule = make_rule().rule
    Departure.objects.update(status=DepartureStatus.CLOSED)
    change_rule(rule_id=rule.pk, data={"capacity": 8}, actor=None)
    assert not Departure.objects.filter(status="OPEN").exists()


def test_a_change_of_nothing_does_nothing(tenant):
    rule = make_rule().rule
    events = Event.objects.count()
    change = change_rule(rule_id=rule.pk, data={"weekdays": EVERY_DAY[::-1], "start_time": time(9)}, actor=None)
    assert (change.made, change.removed, change.left) == (0, 0, [])
    assert Event.objects.count() == events


def test_a_deleted_rule_leaves_what_was_sold(tenant):
    rule = make_rule().rule
    sold = Departure.objects.first()
    Departure.objects.filter(pk=sold.pk).update(seats_booked=1)
    change = delete_rule(rule_id=rule.pk, actor=None)
    assert [departure.pk for departure in change.left] == [sold.pk]
    assert [(departure.pk, departure.rule_id) for departure in Departure.objects.all()] == [(sold.pk, None)]
    assert not ScheduleRule.objects.exists()


# --- Tours that change ---


def test_departures_follow_cut_off_and_duration(tenant):
    tour = TourFactory(cutoff_minutes=1440, duration_minutes=240)
    option = OptionFactory(tour=tour)
    coming = DepartureFactory(option=option)
    sold = DepartureFactory(option=option, starts_at=now() + timedelta(days=3), seats_booked=1)
    gone = DepartureFactory(option=option, starts_at=now() - timedelta(days=3))
    own = DepartureFactory(option=OptionFactory(tour=tour, code="long", duration_minutes=600))
    update_tour(tour_id=tour.pk, data={"cutoff_minutes": 60, "duration_minutes": 300}, actor=None)
    for departure, cutoff, length in ((coming, 60, 300), (sold, 60, 240), (gone, 1440, 240), (own, 60, 600)):
        departure.refresh_from_db()
        assert departure.starts_at - departure.cutoff_at == timedelta(minutes=cutoff)
        assert departure.ends_at - departure.starts_at == timedelta(minutes=length)


def test_a_move_to_another_time_zone_waits_for_the_departures(tenant):
    option = OptionFactory()
    DepartureFactory(option=option)
    DestinationFactory(slug="rome", country="IT", time_zone="Europe/Rome")
    DestinationFactory(slug="luxor")
    with pytest.raises(ScheduleFixed):
        update_tour(tour_id=option.tour_id, data={"destination": "rome"}, actor=None)
    update_tour(tour_id=option.tour_id, data={"destination": "luxor"}, actor=None)
    Departure.objects.all().delete()
    assert update_tour(tour_id=option.tour_id, data={"destination": "rome"}, actor=None).destination.slug == "rome"
