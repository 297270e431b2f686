"""What only a process that starts from nothing can show."""

import httpx
import pytest

from config.testing.server import serving


@pytest.mark.django_db(transaction=True)
def test_a_fresh_process_loads_the_whole_site_and_answers():
    with serving() as address:
        assert httpx.get(f"{address}/health/live").json() == {"status": "alive"}
        chunks = httpx.post(f"{address}/api/v1/quotes", content=iter([b'{"guests":', b"{}}"]))
        assert (chunks.status_code, chunks.json()["error_code"]) == (411, "length_required")
        parts = httpx.get(f"{address}/health/ready").json()["checks"]
    assert {parts[name]["status"] for name in ("database", "cache", "broker", "storage")} == {"up"}
