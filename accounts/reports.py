"""Running the invariants for every tenant, and keeping what they found where staff see it."""

from collections.abc import Iterator

from accounts.models import InvariantReport, Tenant
from accounts.tenants import each_tenant
from config.invariants import Findings, check_all


def check_every_tenant() -> Iterator[tuple[Tenant, Findings]]:
    """Prove all invariants tenant by tenant; each run leaves an `InvariantReport`."""
    for tenant in each_tenant():
        findings = check_all()
        keep(findings)
        yield tenant, findings


def check_this_tenant() -> InvariantReport:
    """Prove all invariants of the tenant at hand, now."""
    return keep(check_all())


def keep(findings: Findings) -> InvariantReport:
    """Write down what was found: at most 200 sentences of each proof."""
    return InvariantReport.objects.create(
        is_clean=findings.clean,
        faults={name: sentences[:200] for name, sentences in findings.faults.items() if sentences},
        milliseconds=findings.milliseconds,
    )
