"""Seasons: days by name, entered in the back-office, never twice in one season."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.tests.factories import TenantFactory
from config.tenancy import tenant_context
from tours.models import Season, SeasonRange
from tours.tests.admin_pages import form_data, signed_in
from tours.tests.factories import SeasonFactory

ADD = "admin:tours_season_add"


def typed(*spans, **values):
    rows = {
        f"ranges-{n}-{name}": day
        for n, span in enumerate(spans)
        for name, day in zip(("first_day", "last_day"), span, strict=True)
    }
    return {
        "name_en": "Ramadan",
        "name_ar": "رمضان",
        "code": "ramadan",
        "ranges-TOTAL_FORMS": len(spans),
        "ranges-INITIAL_FORMS": 0,
        **rows,
        **values,
    }


def test_a_season_knows_its_days(tenant):
    season = SeasonFactory(days=[(date(2027, 2, 8), date(2027, 3, 9)), (date(2028, 1, 28), date(2028, 2, 26))])
    assert season.contains(date(2027, 2, 8))
    assert season.contains(date(2027, 3, 9))
    assert not season.contains(date(2027, 3, 10))
    assert season.contains(date(2028, 2, 1))


def test_staff_enter_a_season_with_its_days(tenant):
    staff = signed_in("ADMIN")
    response = staff.post(reverse(ADD), typed(("2027-02-08", "2027-03-09"), ("2028-01-28", "2028-02-26")))
    assert response.status_code == 302
    season = Season.objects.get(code="ramadan")
    assert [(str(span.first_day), str(span.last_day)) for span in season.ranges.all()] == [
        ("2027-02-08", "2027-03-09"),
        ("2028-01-28", "2028-02-26"),
    ]


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([("2027-02-08", "2027-03-09"), ("2027-03-09", "2027-03-20")], "These days overlap other days of the season."),
        ([("2027-03-09", "2027-02-08")], "The last day cannot be before the first."),
        ([("2027-02-30", "2027-03-09")], "Enter a valid date."),
        ([("2027-02-08", "")], "This field is required."),
    ],
)
def test_days_that_cannot_be_are_refused_and_nothing_is_saved(tenant, spans, said):
    response = signed_in("ADMIN").post(reverse(ADD), typed(*spans))
    assert response.status_code == 200
    assert said in response.content.decode()
    assert not Season.objects.exists()


def test_days_added_later_may_not_overlap_those_there(tenant):
    season = SeasonFactory(days=[(date(2027, 2, 8), date(2027, 3, 9))])
    staff = signed_in("ADMIN")
    address = reverse("admin:tours_season_change", args=[season.pk])
    data = form_data(staff.get(address))
    data |= {"ranges-TOTAL_FORMS": 2, "ranges-1-first_day": "2027-03-01", "ranges-1-last_day": "2027-03-30"}
    data |= {"ranges-1-season": season.pk}
    response = staff.post(address, data)
    assert "These days overlap other days of the season." in response.content.decode()
    assert season.ranges.count() == 1


def overlap(season):
    SeasonRange.objects.create(season=season, first_day=date(2027, 3, 9), last_day=date(2027, 3, 30))


def test_the_database_refuses_days_that_two_clerks_enter_at_once(tenant):
    season = SeasonFactory(days=[(date(2027, 2, 8), date(2027, 3, 9))])
    with pytest.raises(IntegrityError, match="season_ranges_apart"), transaction.atomic():
        overlap(season)
    assert season.ranges.count() == 1
    overlap(SeasonFactory(days=[(date(2027, 2, 8), date(2027, 3, 8))]))  # another season's days, and apart


def test_the_same_code_is_refused_here_and_free_elsewhere(tenant):
    SeasonFactory(code="ramadan")
    response = signed_in("ADMIN").post(reverse(ADD), typed())
    assert response.status_code == 200
    assert "already exists" in response.content.decode()
    with tenant_context(TenantFactory(slug="elsewhere").pk):
        SeasonFactory(code="ramadan")
        assert Season.objects.count() == 1
