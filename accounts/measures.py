"""Gauges of what the nightly proof found, by operator."""

from collections.abc import Iterator

from django.utils.timezone import now

from accounts.models import InvariantReport
from config.metrics import Sample, gauges
from config.tenancy import each_tenant


@gauges(
    rihla_invariant_faults="Faults that the last run of check_invariants found, by operator.",
    rihla_invariants_age_seconds="Since check_invariants last ran, by operator.",
)
def invariants() -> Iterator[Sample]:
    for tenant in each_tenant():
        report = InvariantReport.objects.order_by("-ran_at").first()
        if report is not None:
            labels = {"tenant": tenant.slug}
            yield "rihla_invariant_faults", labels, float(sum(len(found) for found in report.faults.values()))
            yield "rihla_invariants_age_seconds", labels, (now() - report.ran_at).total_seconds()
