from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tours.cancellation import refund_terms
from tours.models import CancellationPolicy
from tours.tests.factories import CancellationPolicyFactory

STARTS = datetime(2027, 3, 10, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "percent", "rule"),
    [
        (timedelta(hours=400), 100, "policy:168h"),
        (timedelta(hours=168), 100, "policy:168h"),
        (timedelta(hours=168) - timedelta(microseconds=1), 50, "policy:72h"),
        (timedelta(hours=72), 50, "policy:72h"),
        (timedelta(hours=72) - timedelta(seconds=1), 0, "policy:none"),
        (timedelta(0), 0, "policy:none"),
        (timedelta(hours=-1), 0, "policy:none"),
    ],
)
def test_the_time_left_decides(tenant, left, percent, rule):
    policy = CancellationPolicyFactory(tiers=[(72, 50), (168, 100)])
    terms = refund_terms(policy, STARTS, STARTS - left)
    assert (terms.percent, terms.rule) == (Decimal(percent), rule)


def test_a_tier_until_the_start_ends_with_the_start(tenant):
    policy = CancellationPolicyFactory(tiers=[(0, 30)])
    assert refund_terms(policy, STARTS, STARTS).percent == 30
    assert refund_terms(policy, STARTS, STARTS + timedelta(seconds=1)).percent == 0


def test_without_tiers_nothing_comes_back(tenant):
    assert refund_terms(CancellationPolicyFactory(tiers=[]), STARTS, STARTS - timedelta(days=90)).percent == 0


def test_prefetched_tiers_ask_no_query(tenant, django_assert_num_queries):
    policy = CancellationPolicy.objects.prefetch_related("tiers").get(pk=CancellationPolicyFactory().pk)
    with django_assert_num_queries(0):
        assert refund_terms(policy, STARTS, STARTS - timedelta(hours=24)).percent == 100
