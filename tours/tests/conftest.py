"""A small catalogue, published, and clients that read and write it."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from accounts.authentication import issue_tokens
from accounts.models import Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory
from config.celery import app
from config.testing.clients import CommittingClient
from tours.models import ItineraryDay, Tour, TourImage
from tours.published import publish_facts, rebuild_catalogue
from tours.tests.admin_pages import signed_in
from tours.tests.factories import CancellationPolicyFactory, ExtraFactory, OptionFactory, TaxRateFactory, TourFactory


@pytest.fixture(autouse=True)
def eager() -> Iterator[None]:
    """Tasks run where they are sent, after the commit that sends them: readers see a change at once."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def api() -> CommittingClient:
    """A stranger."""
    return CommittingClient()


def signed(user: Any) -> CommittingClient:
    """A client signed in as a person."""
    client = CommittingClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
    return client


@pytest.fixture
def client_as(tenant: Any) -> Callable[[str], CommittingClient]:
    """A client signed in with a role: `client_as("EMPLOYEE")`."""
    seed_roles()

    def make(role: str) -> CommittingClient:
        user = UserFactory()
        MembershipFactory(user=user, role=Role.objects.get(code=role))
        return signed(user)

    return make


@pytest.fixture
def listed(tenant: Any) -> Callable[..., Tour]:
    """Makes a tour with an option and prices, and publishes it: `listed(title_en="…", prices={"adult": "80"})`."""

    def make(prices: dict[str, str] | None = None, **values: Any) -> Tour:
        tour = TourFactory(**values)
        OptionFactory(tour=tour, prices=prices)
        publish_facts(tour.pk)
        cache.clear()
        return tour

    return make


@pytest.fixture
def rebuilt() -> Callable[[], int]:
    """Publishes everything and forgets what was remembered."""

    def make() -> int:
        cache.clear()
        return rebuild_catalogue()

    return make


@pytest.fixture
def full_tour(listed):
    """Everything a page can show."""
    tour = listed(
        slug="felucca",
        title_en="Felucca at sunset",
        title_ar="فلوكة عند الغروب",
        cancellation_policy=CancellationPolicyFactory(
            name_en="Moderate", name_ar="متوسطة", tiers=[(168, 100), (72, Decimal("50")), (1, Decimal("12.50"))]
        ),
        tax=TaxRateFactory(),
        tags=["boat"],
        rating_average=Decimal("4.65"),
        rating_count=12,
        seo_title_en="Sail in Aswan",
    )
    ExtraFactory(tour=tour)
    ExtraFactory(tour=tour, code="gone", is_active=False)
    for day in (2, 1):
        ItineraryDay.objects.create(
            tour=tour, day=day, title_en=f"Day {day}", title_ar=f"اليوم {day}", activities_en=["Sail"], lunch=True
        )
    TourImage.objects.create(tour=tour, file="tours/nile.jpg", width=800, height=600, is_cover=True, alt_ar="النيل")
    OptionFactory(tour=tour, code="private", display_order=2, prices={"adult": "250"})
    return tour


@pytest.fixture
def page(full_tour, rebuilt):
    rebuilt()
    return f"/api/v1/tours/{full_tour.pk}"


@pytest.fixture
def tours(listed: Callable[..., Tour]) -> list[Tour]:
    """Nile, Siwa and Sinai."""
    return [listed(title_en=title, title_ar=f"{title} ar", slug=title.lower()) for title in ("Nile", "Siwa", "Sinai")]


@pytest.fixture
def person(tenant: Any) -> Any:
    """A customer called Mona."""
    return UserFactory(first_name="Mona")


@pytest.fixture
def own(person: Any) -> CommittingClient:
    """Her client."""
    return signed(person)


@pytest.fixture
def staff(tenant: Any) -> Any:
    """An administrator's browser in the back-office."""
    return signed_in("ADMIN")


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    """Files of a test end with it."""
    settings.MEDIA_ROOT = tmp_path
