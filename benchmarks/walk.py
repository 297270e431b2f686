"""Every page of the back-office that links lead to, as an administrator sees it: its statements, its size and its time."""

import re
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin, urlsplit

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Tenant
from benchmarks.figures import middle, milliseconds, say, tell
from benchmarks.pages import MOST_MILLISECONDS, MOST_STATEMENTS
from config.tenancy import tenant_context

SAMPLES = 3  # of pages that differ by an id or a date only

LINK = re.compile(r'href="([^"#]+)')
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d{2}(-\d{2})?|\d+")
NO_PAGE = re.compile(r"/(logout|jsi18n|autocomplete|password_change|delete)/")


def walk(rounds: int) -> None:
    """One line for each kind of page, in the process of `manage.py shell`: the slowest of its samples."""
    tenant = Tenant.objects.get(slug="default")
    with tenant_context(tenant.pk):
        user = Membership.objects.filter(role__code="ADMIN", user__is_active=True).select_related("user")[0].user
        client = Client(headers={"host": "localhost"})
        client.force_login(user)
        for page, paths in reachable(client).items():
            worst = max((measured(client, path, rounds) for path in paths), key=lambda one: (one[1], one[0]))
            statements, spent, size = worst
            reached = statements <= MOST_STATEMENTS and spent <= MOST_MILLISECONDS
            tell(
                what="page",
                page=page,
                samples=len(paths),
                statements=statements,
                p50_ms=spent,
                kb=size,
                reached=reached,
            )


def reachable(client: Client) -> dict[str, list[str]]:
    """The kinds of pages (ids left out) and samples of each, found by following links."""
    found: dict[str, list[str]] = defaultdict(list)
    waiting, seen = deque(["/admin/"]), {"/admin/"}
    while waiting:
        path = waiting.popleft()
        kind = ID.sub("*", path)
        if len(found[kind]) >= SAMPLES:
            continue
        answer = client.get(path)
        if answer.status_code != 200 or not answer.get("Content-Type", "").startswith("text/html"):
            if answer.status_code >= 400:
                say(f"{path} answers {answer.status_code}")
            continue
        found[kind].append(path)
        for link in links(path, answer.content.decode()):
            if link not in seen:
                seen.add(link)
                waiting.append(link)
    return {kind: paths for kind, paths in found.items() if paths}


def links(path: str, html: str) -> Iterator[str]:
    """The pages of the back-office that a page leads to, without their questions: filters and orders of a list are the list."""
    for match in LINK.finditer(html):
        target = urlsplit(urljoin(path, unescape(match.group(1))))
        if not target.netloc and target.path.startswith("/admin/") and not NO_PAGE.search(target.path):
            yield target.path


def measured(client: Client, path: str, rounds: int) -> tuple[int, float, int]:
    """Statements, median milliseconds and kilobytes of a page that was asked for before."""
    with CaptureQueriesContext(connection) as told:
        size = len(client.get(path).content) // 1024
    statements = len(told)  # the next request empties the log
    times = []
    for _round in range(rounds):
        began = time.perf_counter()
        client.get(path)
        times.append(milliseconds(time.perf_counter() - began))
    return statements, middle(times), size
