"""Making the demo operator: tours through the services, then months of customers and bookings in bulk.

Each part is a transaction, found again by what it left behind, so that a run that broke off is completed by the next one and
a complete demo is left alone. Nothing is mailed: the facts of the past are marked as delivered.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from random import Random
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from accounts.audit import record
from accounts.models import AuditEntry, Tenant, User
from bookings.models import BookingStatus
from config.celery import app
from config.tenancy import tenant_at_hand
from ledger.errors import NoRate
from ledger.rates import rate_on
from payments.demo.catalogue import DemoTour, load_tours
from payments.demo.customers import add_customers
from payments.demo.logins import make_logins
from payments.demo.parts import lanes_for, write_stories
from payments.demo.people import HOMES, make_people
from payments.demo.pictures import jpeg
from payments.demo.plan import DAYS_BACK, Plan, Sale, Staff
from payments.demo.replicas import add_replicas
from payments.demo.reviews import add_reviews
from payments.demo.sales import sales_of
from payments.demo.shop import add_tour, open_shop
from payments.demo.story import HELD_FOR
from tours.models import Tour
from tours.published import rebuild_catalogue
from tours.services import refresh_popularity

logger = logging.getLogger(__name__)

CUSTOMERS, BOOKINGS = 300, 600  # at scale 1
FIRST_DAYS = 30  # how far ahead the departures of variations are made; the nightly job goes on from there

Say = Callable[[str], None]


def seed_default_operator(*, scale: float, seed: int, say: Say) -> None:
    """The demo of the current tenant, complete after this. Does nothing where it is complete already."""
    if _is_done():
        say("the demo is complete already")
        return
    begun = _begin(scale, seed)
    present, name = datetime.fromisoformat(begun["present"]), str(begun["seed"])
    people = make_logins()
    tours = load_tours()[: max(3, round(48 * begun["scale"]))]
    with _told_at_once():
        _open(tours, name, people["admin"], say)
    copies = max(0, round(begun["scale"]) - 1)
    if copies:
        made = add_replicas(_originals(tours), copies=copies, until=_until(FIRST_DAYS), seed=name)
        say(f"{made} variations of the tours")
    customers = _customers(round(CUSTOMERS * begun["scale"]), present, name, people["customer"])
    say(f"{len(customers)} customers")
    count = _write_history(
        round(BOOKINGS * begun["scale"]),
        customers,
        Staff(people["clerk"], people["agent"]),
        people["admin"],
        present,
        name,
    )
    written = add_reviews(staff=people["clerk"], present=present, seed=name)
    say(f"{written} reviews")
    rebuild_catalogue()
    say(f"{count} bookings with their payments and postings")
    record("demo.finished", tenant_at_hand(), actor=None, after=begun)


def seed_second_operator(*, seed: int, say: Say) -> None:
    """Three tours of the current tenant, which shares the database with the other and sees nothing of it."""
    if _is_done():
        return
    begun = _begin(1, seed)
    owner = User.objects.get(email="admin@rihla.example")
    with _told_at_once():
        _open(load_tours("marhaba.toml"), str(seed), owner, say)
    rebuild_catalogue()
    record("demo.finished", tenant_at_hand(), actor=None, after=begun)


def second_operator() -> Tenant:
    """The tenant of the second operator, made when first asked for. It has no host: `X-Tenant: marhaba` reaches it."""
    return Tenant.objects.get_or_create(
        slug="marhaba",
        defaults={
            "name_en": "Marhaba Travel",
            "name_ar": "مرحبا للسياحة",
            "currency": "AED",
            "time_zone": "Asia/Dubai",
            "email": "hello@marhaba.example",
            "phone": "+971501234567",
            "address_en": "Al Seef Street, Dubai",
            "address_ar": "شارع السيف، دبي",
        },
    )[0]


def tell_planner() -> None:
    """Have PostgreSQL count what was written: until it does, its plans for the new rows are bad by orders of magnitude.

    Only the owner of the tables may; where the process knows no other role than the serving one, autovacuum comes later.
    """
    try:
        with psycopg.connect(
            settings.DATABASE_OWNER_URL, dbname=connection.settings_dict["NAME"], autocommit=True
        ) as owner:
            owner.execute("ANALYZE")
    except psycopg.OperationalError:
        logger.warning("the owner's connection does not answer; autovacuum will count the new rows")


def _is_done() -> bool:
    return AuditEntry.objects.filter(action="demo.finished").exists()


def _begin(scale: float, seed: int) -> dict[str, Any]:
    """What this demo was begun with; a run that goes on after a crash keeps to it."""
    begun = AuditEntry.objects.filter(action="demo.begun").order_by("at").first()
    if begun is None:
        after = {"scale": scale, "seed": seed, "present": now().isoformat()}
        begun = record("demo.begun", tenant_at_hand(), actor=None, after=after)
    return dict(begun.after)


@contextmanager
def _told_at_once() -> Iterator[None]:
    """Subscribers run here instead of in the worker, which may not even be started yet."""
    before, app.conf.task_always_eager = app.conf.task_always_eager, True
    try:
        yield
    finally:
        app.conf.task_always_eager = before


def _until(days: int) -> Any:
    return (now() + timedelta(days=days)).date()


# --- the catalogue ---


def _open(tours: Sequence[DemoTour], seed: str, owner: User, say: Say) -> None:
    Tenant.objects.filter(pk=tenant_at_hand().pk, site_address="").update(site_address="https://www.rihla.example")
    open_shop(tours)
    known = set(Tour.objects.alive().values_list("title_en", flat=True))
    missing = [(order, tour) for order, tour in enumerate(tours) if tour.title[0] not in known]
    if not missing:
        return
    with _drawing() as pool:
        pictures = [[pool.submit(jpeg, scene, f"{seed}:{tour.key}") for scene in tour.scenes] for _, tour in missing]
        for (order, tour), drawn in zip(missing, pictures, strict=True):
            add_tour(
                tour,
                order=order,
                pictures=drawn,
                first_day=_until(-DAYS_BACK),
                until=_until(settings.DEPARTURE_HORIZON_DAYS),
                actor=owner,
            )
    say(f"{len(missing)} tours with pictures and departures")


def _drawing() -> Executor:
    """Pictures are drawn beside the work on the database, in processes that know nothing of it."""
    return ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn"))


def _originals(tours: Sequence[DemoTour]) -> list[Tour]:
    parts = ("options__prices", "options__rules__option__tour__destination", "extras", "itinerary", "images")
    titles = [tour.title[0] for tour in tours]
    rows = Tour.objects.public().filter(title_en__in=titles).select_related("destination")
    return list(rows.prefetch_related(*parts).order_by("display_order"))


# --- people and bookings ---


def _customers(count: int, present: datetime, seed: str, known: User) -> list[User]:
    """The customers; the one who can sign in is among them and books more than the others."""
    people = make_people(max(count, 5), Random(f"{seed}:people"))
    return [*add_customers(people, present=present, seed=seed), *[known] * max(1, count // 60)]


def _write_history(
    count: int, customers: Sequence[User], staff: Staff, owner: User, present: datetime, seed: str
) -> int:
    sales = sales_of(owner, present)
    plan = Plan(
        sales=sales,
        customers=customers,
        staff=staff,
        rates=_rates(sales),
        present=present,
        seed=seed,
        hold_for=HELD_FOR,
    )
    count = max(count, 20)
    number = write_stories(plan.stories(count), seed, lanes=lanes_for(count))
    _count_bookings()
    refresh_popularity()
    return number


def _rates(sales: Iterable[Sale]) -> dict[tuple[str, str], Decimal]:
    """From each currency of the price lists to each of the customers', where the operator has a rate."""
    rates = {}
    wanted = sorted({currency for _share, _code, _digits, currency in HOMES.values()})
    for base in sorted({sale.terms.currency for sale in sales}):
        for quote in wanted:
            try:
                rates[base, quote] = rate_on(base, quote)
            except NoRate:
                continue
    return rates


def _count_bookings() -> None:
    """What the subscriber of `booking.confirmed` counts on the tours, for all at once."""
    counted = [BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS, BookingStatus.COMPLETED, BookingStatus.NO_SHOW]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tours_tour t SET bookings_count = c.number FROM (SELECT d.tour_id, count(DISTINCT i.booking_id) AS number"
            " FROM bookings_bookingitem i JOIN tours_departure d ON d.id = i.departure_id"
            " JOIN bookings_booking b ON b.id = i.booking_id WHERE b.confirmed_at IS NOT NULL AND b.status = ANY(%s)"
            " GROUP BY d.tour_id) c WHERE t.id = c.tour_id AND t.bookings_count <> c.number",
            [[str(status) for status in counted]],
        )
        # … and by day, with some who looked and did not book.
        cursor.execute(
            "INSERT INTO tours_tourday (id, tenant_id, tour_id, day, views, bookings)"
            " SELECT gen_random_uuid(), d.tenant_id, d.tour_id, b.confirmed_at::date, 9 * count(DISTINCT b.id)::int,"
            " count(DISTINCT b.id)::int FROM bookings_bookingitem i JOIN tours_departure d ON d.id = i.departure_id"
            " JOIN bookings_booking b ON b.id = i.booking_id WHERE b.confirmed_at > now() - interval '90 days'"
            " AND b.status = ANY(%s) GROUP BY 2, 3, 4 ON CONFLICT (tour_id, day) DO NOTHING",
            [[str(status) for status in counted]],
        )
