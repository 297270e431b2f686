"""How PostgreSQL answers some questions to the list: its plans, as the serving role with its policies on.

manage.py shell -c "from benchmarks.plans import show; show()"
"""

import sys

from django.db import connection

from accounts.models import Tenant
from benchmarks.finding import questions
from config.tenancy import tenant_context
from tours.filters.public import ListQuery, checked_query
from tours.selectors import facets, finding, listing

SHOWN = ["all", "category", "a week", "2 guests", "a week, filtered", "near, 100 km", "words", "facets, a week for 2"]


def show(*names: str) -> None:
    """Print the plan of the first query of each question."""
    tenant = Tenant.objects.get(slug="default")
    with tenant_context(tenant.pk):
        for name in names or SHOWN:
            asked = checked_query(ListQuery, f"{questions()[name][0]}&size=20")
            wanted = finding.finding(asked, tenant.currency)
            if asked["facets"]:
                wanted.parameters |= facets.bands(tenant.currency, tenant.currency)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {listing.statement(wanted, asked, 'en')}", wanted.parameters
                )
                plan = "\n".join(row[0] for row in cursor.fetchall())
            sys.stdout.write(f"--- {name}\n{plan}\n\n")
