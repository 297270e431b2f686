"""One import as a worker does it, measured: `python -m benchmarks.imports_worker departures 100000` prints a line of JSON."""

import io
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django
from django.utils.timezone import localdate

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from accounts.models import Tenant  # noqa: E402
from config.tables import read_rows  # noqa: E402
from config.tenancy import tenant_context  # noqa: E402
from tours.models import PriceCategory, Tour, TourOption  # noqa: E402
from tours.services.importing import carry_out_good_rows, rehearse  # noqa: E402

BAD = (5, 50, 500)  # lines of the file


def departures(rows: int) -> bytes:
    """Of forty tours, each row a start of its own."""
    options = list(TourOption.objects.select_related("tour").order_by("pk")[:40])
    first, each = localdate() + timedelta(days=800), -(-rows // len(options))
    table = io.StringIO()
    table.write("tour,option,date,time,capacity,status,note_en,note_ar\n")
    for n in range(rows):
        option, number = options[n // each], n % each
        day = first + timedelta(days=number // 1380)
        at = f"{1 + number % 1380 // 60:02}:{number % 60:02}"
        written = "someday" if n + 2 in BAD else day.isoformat()
        table.write(f"{option.tour.slug},{option.code},{written},{at},12,OPEN,Bring water,أحضر ماء\n")
    return table.getvalue().encode()


def prices(rows: int) -> bytes:
    """Of options with twenty price categories each, which are made first."""
    categories = [
        PriceCategory.objects.get_or_create(code=f"bench-{n}", defaults={"name_en": f"B{n}", "name_ar": f"ب{n}"})[0]
        for n in range(20)
    ]
    tours = list(Tour.objects.alive().order_by("pk")[:40])
    needed = -(-rows // len(categories))
    TourOption.objects.filter(code__startswith="bench-").delete()
    TourOption.objects.bulk_create(
        TourOption(tour=tours[n * len(tours) // needed], code=f"bench-{n}", name_en="B", name_ar="ب", is_default=False)
        for n in range(needed)
    )
    table = io.StringIO()
    table.write("tour,option,category,amount,original_amount\n")
    for n in range(rows):
        place = n // len(categories)
        tour = tours[place * len(tours) // needed]
        amount = "much" if n + 2 in BAD else "1250"
        table.write(f"{tour.slug},bench-{place},{categories[n % len(categories)].code},{amount},1500\n")
    return table.getvalue().encode()


def main(kind: str, rows: int) -> dict[str, Any]:
    make: Callable[[int], bytes] = {"departures": departures, "prices": prices}[kind]
    with tenant_context(Tenant.objects.order_by("pk").values_list("pk", flat=True)[0]):
        content = make(rows)
        at_first = memory()
        began = time.monotonic()
        looked = rehearse(kind, read_rows(content), actor=None)
        checked = time.monotonic()
        peak_of_look = memory()
        written = carry_out_good_rows(kind, read_rows(content), actor=None)
        done = time.monotonic()
    return {
        "rows": rows,
        "megabytes_of_file": round(len(content) / 1e6, 1),
        "dry_run_s": round(checked - began, 1),
        "writing_s": round(done - checked, 1),
        "memory_before_mb": at_first,
        "memory_after_dry_run_mb": peak_of_look,
        "memory_after_writing_mb": memory(),
        "faulty": looked.faulty,
        "added": written.added,
        "same": written.same,
        "as_expected": looked.faulty == len(BAD) and written.added + written.same == rows - len(BAD),
    }


def memory() -> int:
    """The most this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], int(sys.argv[2]))) + "\n")
