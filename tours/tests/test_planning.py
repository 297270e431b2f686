"""Changes of rules, seasons and blackouts: the preview says what happens, then that happens, or nothing."""

from datetime import date, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEntry, Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory
from config.errors import InvalidInput, NotFound
from config.tenancy import tenant_context
from config.testing import run_together
from notifications.models import Event
from tours.errors import PlanStale, RuleNotFound, TourNotFound
from tours.models import Blackout, Departure, DepartureStatus, PlannedChange, ScheduleRule, Season, SeasonRange
from tours.services import create_rule, generate_departures, reopen_departures
from tours.services.operations import written
from tours.services.planning import apply_operations, look
from tours.tests.factories import DepartureFactory, DestinationFactory, OptionFactory, TourFactory

CAIRO = ZoneInfo("Africa/Cairo")
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def today():
    return now().astimezone(CAIRO).date()


def in_days(days):
    return today() + timedelta(days=days)


@pytest.fixture
def rule(tenant):
    option = OptionFactory(capacity=20)
    data = {"weekdays": EVERY_DAY, "start_time": time(9), "valid_from": today()}
    return create_rule(option_id=option.pk, data=data, actor=None).rule


def change(rule, **data):
    return [{"op": "rule.change", "rule": str(rule.pk), "data": written(data)}]


def blackout(first, last=None, **scope):
    data = {"first_day": first, "last_day": last or first, "reason_en": "Eid", "reason_ar": "العيد"}
    return [{"op": "blackout.add", "data": written(data | scope)}]


def on(day):
    return Departure.objects.get(local_date=day)


def everything():
    """What a preview must not touch."""
    return (
        list(Departure.objects.order_by("pk").values()),
        list(ScheduleRule.objects.order_by("pk").values()),
        Blackout.objects.count(),
        Event.objects.count(),
        AuditEntry.objects.count(),
    )


def test_the_preview_says_everything_and_changes_nothing(rule):
    sold = on(in_days(5))
    Departure.objects.filter(pk=sold.pk).update(seats_booked=2)
    before = everything()
    replan = look(change(rule, start_time=time(11), capacity=8))
    assert everything() == before
    assert [row.pk for row in replan.sold] == [sold.pk]
    assert len(replan.vanish) == Departure.objects.count() - 1
    assert {row.starts_at.astimezone(CAIRO).hour for row in replan.appear} == {11}
    assert look(change(rule, start_time=time(11), capacity=8)).fingerprint == replan.fingerprint
    assert look(change(rule, start_time=time(12), capacity=8)).fingerprint != replan.fingerprint


def test_applied_it_is_what_was_shown(rule):
    sold = on(in_days(5))
    Departure.objects.filter(pk=sold.pk).update(seats_booked=2)
    operations = change(rule, start_time=time(11))
    shown = look(operations)
    clerk = UserFactory()
    done = apply_operations(operations=operations, actor=clerk, fingerprint=shown.fingerprint)
    assert done.removed == len(shown.vanish)
    sold.refresh_from_db()
    assert (sold.status, sold.closed_by_schedule, sold.seats_booked) == ("CLOSED", True, 2)
    assert Departure.objects.exclude(pk=sold.pk).count() == len(shown.appear)
    entry = AuditEntry.objects.get(action="tours.schedulerule.changed")
    assert (entry.actor_id, entry.after["start_time"], entry.after["departures_left"]) == (clerk.pk, "11:00:00", 1)
    assert Event.objects.filter(type="tour.changed", data__departures=len(shown.appear)).exists()


def test_what_was_closed_so_opens_again_when_the_schedule_asks_for_it(rule):
    day = in_days(5)
    Departure.objects.filter(local_date=day).update(seats_booked=2)
    apply_operations(operations=blackout(day), actor=None)
    assert on(day).status == DepartureStatus.CLOSED
    assert generate_departures(until=in_days(10)) == 0
    lifted = [{"op": "blackout.delete", "blackout": str(Blackout.objects.get().pk)}]
    assert [row.local_date for row in look(lifted).reopen] == [day]
    apply_operations(operations=lifted, actor=None)
    assert (on(day).status, on(day).closed_by_schedule) == (DepartureStatus.OPEN, False)


def test_what_staff_closed_by_hand_stays_closed(rule):
    day = in_days(5)
    Departure.objects.filter(local_date=day).update(status=DepartureStatus.CLOSED, seats_booked=1)
    apply_operations(operations=change(rule, capacity=30), actor=None)
    assert (on(day).status, on(day).capacity) == (DepartureStatus.CLOSED, 30)


def test_what_staff_changed_by_hand_is_not_taken_back(rule):
    Departure.objects.filter(local_date=in_days(5)).update(capacity=25)
    apply_operations(operations=blackout(in_days(8)), actor=None)
    assert on(in_days(5)).capacity == 25


def test_more_sold_than_the_new_number_of_places_keeps_the_old(rule):
    Departure.objects.filter(local_date=in_days(5)).update(seats_booked=12)
    replan = apply_operations(operations=change(rule, capacity=10), actor=None)
    assert [row.local_date for row in replan.stuck] == [in_days(5)]
    assert (on(in_days(5)).capacity, on(in_days(6)).capacity) == (20, 10)


def test_another_closing_time_changes_departures_in_place(tenant):
    option = OptionFactory(tour=TourFactory(cutoff_minutes=60), by_opening_hours=True)
    data = {"weekdays": EVERY_DAY, "start_time": time(9), "closes_at": time(17), "valid_from": in_days(1)}
    rule = create_rule(option_id=option.pk, data=data, actor=None).rule
    kept = on(in_days(3)).pk
    Departure.objects.filter(local_date=in_days(4)).update(seats_booked=1)
    replan = apply_operations(operations=change(rule, closes_at=time(15)), actor=None)
    assert (len(replan.appear), len(replan.vanish)) == (0, 0)
    row = on(in_days(3))
    assert (row.pk, row.ends_at.astimezone(CAIRO).hour, row.cutoff_at.astimezone(CAIRO).hour) == (kept, 15, 14)
    assert on(in_days(4)).ends_at.astimezone(CAIRO).hour == 17  # as it was sold


# --- Blackouts ---


def test_blackouts_of_a_tour_a_destination_and_the_house(tenant):
    luxor = DestinationFactory(slug="luxor")
    rules = []
    for tour in (TourFactory(), TourFactory(), TourFactory(destination=luxor)):
        data = {"weekdays": EVERY_DAY, "start_time": time(9), "valid_from": today()}
        rules.append(create_rule(option_id=OptionFactory(tour=tour).pk, data=data, actor=None).rule)
    first, second, third = (rule.option.tour for rule in rules)
    apply_operations(operations=blackout(in_days(3), tour=first), actor=None)
    apply_operations(operations=blackout(in_days(5), in_days(6), destination=first.destination), actor=None)
    apply_operations(operations=blackout(in_days(8)), actor=None)
    missing = {
        tour: [day for day in range(1, 12) if not tour.departures.filter(local_date=in_days(day)).exists()]
        for tour in (first, second, third)
    }
    assert list(missing.values()) == [[3, 5, 6, 8], [5, 6, 8], [8]]
    assert generate_departures(until=in_days(12)) == 0


def test_by_hand_on_a_day_of_rest(rule):
    """What is there when the day becomes one goes; what staff add on it runs."""
    day = in_days(3)
    start = on(day).starts_at + timedelta(hours=3)
    by_hand = DepartureFactory(option=rule.option, starts_at=start)
    replan = apply_operations(operations=blackout(day), actor=None)
    assert by_hand.pk in {row.pk for row in replan.vanish}
    again = DepartureFactory(option=rule.option, starts_at=start)
    apply_operations(operations=blackout(in_days(9)), actor=None)
    again.refresh_from_db()
    assert again.status == DepartureStatus.OPEN


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        ({"first_day": date(2027, 1, 2), "last_day": date(2027, 1, 1)}, InvalidInput),
        ({"first_day": "soon"}, InvalidInput),
        ({"first_day": None}, InvalidInput),
        ({"reason_ar": ""}, InvalidInput),
        ({"reason_en": "x" * 201}, InvalidInput),
        ({"tour": "01a1fd56-e098-7c7c-a5b2-02fd419708ea"}, TourNotFound),
        ({"destination": "01a1fd56-e098-7c7c-a5b2-02fd419708ea"}, NotFound),
    ],
)
def test_blackouts_that_make_no_sense(rule, data, refusal):
    before = everything()
    (operation,) = blackout(in_days(3))
    with pytest.raises((refusal, Exception) if data.get("first_day") == "soon" else refusal):
        apply_operations(operations=[{**operation, "data": operation["data"] | written(data)}], actor=None)
    assert everything() == before


def test_a_tour_and_a_destination_are_too_much(rule):
    tour = rule.option.tour
    with pytest.raises((InvalidInput, IntegrityError)):
        apply_operations(operations=blackout(in_days(3), tour=tour, destination=tour.destination), actor=None)


def test_another_operators_rows_are_out_of_reach(rule, other_tenant):
    tour = rule.option.tour
    with tenant_context(other_tenant.pk):
        with pytest.raises(RuleNotFound):
            look(change(rule, capacity=3))
        with pytest.raises(TourNotFound):
            apply_operations(operations=blackout(in_days(3), tour=tour), actor=None)
        apply_operations(operations=blackout(in_days(3)), actor=None)
    assert on(in_days(3)).status == DepartureStatus.OPEN


# --- Seasons ---


def season_rule(**fields):
    season = Season.objects.create(code="high", name_en="High", name_ar="الذروة")
    SeasonRange.objects.create(season=season, first_day=in_days(2), last_day=in_days(6))
    data = {"weekdays": EVERY_DAY, "start_time": time(9), "valid_from": today(), "season": season}
    return season, create_rule(option_id=OptionFactory().pk, data=data | fields, actor=None).rule


def test_a_rule_of_a_season_follows_its_days(tenant):
    season, _rule = season_rule()
    assert sorted(Departure.objects.values_list("local_date", flat=True)) == [in_days(day) for day in range(2, 7)]
    days = [[str(in_days(4)), str(in_days(5))], [str(in_days(20)), str(in_days(20))]]
    operations = [{"op": "season.change", "season": str(season.pk), "days": days}]
    replan = look(operations)
    assert (len(replan.appear), len(replan.vanish)) == (1, 3)
    apply_operations(operations=operations, actor=None, fingerprint=replan.fingerprint)
    assert sorted(Departure.objects.values_list("local_date", flat=True)) == [in_days(day) for day in (4, 5, 20)]
    assert season.ranges.count() == 2


@pytest.mark.parametrize(
    "days",
    [
        [["2027-01-05", "2027-01-01"]],
        [["2027-01-01", "2027-01-05"], ["2027-01-05", "2027-01-09"]],
        [["soon", "2027-01-05"]],
    ],
)
def test_days_of_a_season_that_cannot_be(tenant, days):
    season, _rule = season_rule()
    before = everything()
    with pytest.raises(InvalidInput):
        look([{"op": "season.change", "season": str(season.pk), "days": days}])
    assert everything() == before


# --- The world moves ---


def test_a_preview_that_no_longer_holds_is_refused(rule):
    operations = change(rule, start_time=time(11))
    shown = look(operations)
    Departure.objects.filter(local_date=in_days(5)).update(seats_booked=1)
    before = everything()
    with pytest.raises(PlanStale):
        apply_operations(operations=operations, actor=None, fingerprint=shown.fingerprint)
    assert everything() == before


def test_a_crash_half_way_changes_nothing(rule, monkeypatch):
    before = everything()

    def crash(*_some):
        raise RuntimeError("the process dies here")

    monkeypatch.setattr("tours.services.planning._write_values", crash)
    with pytest.raises(RuntimeError):
        apply_operations(operations=change(rule, start_time=time(11)), actor=None)
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_the_nightly_job_never_makes_what_a_change_has_just_taken_away(tenant):
    option = OptionFactory()
    data = {"weekdays": EVERY_DAY, "start_time": time(9), "valid_from": today()}
    rule = create_rule(option_id=option.pk, data=data, actor=None).rule
    for hour in (10, 11, 12):
        run_together(
            partial(apply_operations, operations=change(rule, start_time=time(hour)), actor=None),
            *[partial(generate_departures, until=in_days(40))] * 3,
        )
        assert {row.local_start().hour for row in Departure.objects.all()} == {hour}


def test_statements_do_not_grow_with_departures(tenant, django_assert_max_num_queries):
    rules = []
    for _tour in range(6):
        data = {"weekdays": EVERY_DAY, "start_time": time(9), "more_times": [time(12), time(15)], "valid_from": today()}
        rules.append(create_rule(option_id=OptionFactory().pk, data=data, actor=None).rule)
    assert Departure.objects.count() > 500
    operations = blackout(in_days(1), in_days(25))
    with django_assert_max_num_queries(20):
        replan = look(operations)
    assert len(replan.vanish) > 400
    with django_assert_max_num_queries(60):
        apply_operations(operations=operations, actor=None, fingerprint=replan.fingerprint)
    assert Departure.objects.count() < 200


# --- Pages ---


@pytest.fixture
def clerk(tenant, client):
    seed_roles()
    clerk = UserFactory()
    MembershipFactory(user=clerk, role=Role.objects.get(code="ADMIN"))
    client.force_login(clerk)
    return clerk


def entered(**more):
    return {"tour": "", "destination": "", "first_day": str(in_days(3)), "last_day": str(in_days(3))} | {
        "reason_en": "Eid",
        "reason_ar": "العيد",
        **more,
    }


def test_a_blackout_without_departures_is_entered_at_once(client, clerk):
    answer = client.post(reverse("admin:tours_blackout_add"), entered())
    assert answer["Location"] == reverse("admin:tours_blackout_changelist")
    assert Blackout.objects.get().reason_ar == "العيد"
    assert AuditEntry.objects.get(action="tours.blackout.added").actor_id == clerk.pk


def test_one_that_takes_departures_away_is_shown_first(client, clerk, rule):
    answer = client.post(reverse("admin:tours_blackout_add"), entered())
    change = PlannedChange.objects.get()
    assert answer["Location"] == reverse("admin:planned_change", args=[change.pk])
    assert not Blackout.objects.exists()
    plan = client.get(answer["Location"]).context["plan"]
    assert plan["vanish"]["count"] == 1
    done = client.post(answer["Location"], {"do": "apply", "fingerprint": plan["fingerprint"]})
    assert done.status_code == 302
    assert not Departure.objects.filter(local_date=in_days(3)).exists()
    again = client.post(answer["Location"], {"do": "apply", "fingerprint": plan["fingerprint"]})
    assert again.status_code == 302
    assert Blackout.objects.count() == 1
    delete = reverse("admin:tours_blackout_delete", args=[Blackout.objects.get().pk])
    client.post(delete, {"post": "yes"})
    assert Departure.objects.filter(local_date=in_days(3)).exists()


def test_a_years_list_at_once(client, clerk):
    lines = f"{in_days(3)} | Coptic Christmas | عيد الميلاد\n\n{in_days(10)} - {in_days(13)} | Eid | عيد الفطر"
    answer = client.post(reverse("admin:blackout_list"), {"tour": "", "destination": "", "lines": lines})
    assert answer.status_code == 302, answer.context["form"].errors
    assert [(one.first_day, one.last_day) for one in Blackout.objects.order_by("first_day")] == [
        (in_days(3), in_days(3)),
        (in_days(10), in_days(13)),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "tomorrow | a | b",
        "2027-13-01 | a | b",
        "2027-01-07 | only English",
        "2020-01-01 | a | b",
        "2027-01-07 - 2027-01-01 | a | b",
    ],
)
def test_lists_with_faults_name_the_line_and_enter_nothing(client, clerk, lines):
    both = f"{in_days(3)} | a | b\n{lines}" if lines else lines
    answer = client.post(reverse("admin:blackout_list"), {"tour": "", "destination": "", "lines": both})
    assert answer.status_code == 400
    assert not lines or "Line 2" in str(answer.context["form"].errors["lines"])
    assert not Blackout.objects.exists()


def test_reopening_by_hand_still_works(rule):
    day = in_days(5)
    Departure.objects.filter(local_date=day).update(seats_booked=2)
    apply_operations(operations=blackout(day), actor=None)
    reopen_departures(departure_ids=[on(day).pk], actor=None)
    assert on(day).status == DepartureStatus.OPEN
