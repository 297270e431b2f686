"""Celery doors of the catalogue."""

from contextlib import suppress
from uuid import UUID

from celery import shared_task

from accounts.tenants import each_tenant
from tours import published
from tours.errors import FeedRefused
from tours.horizon import extend_horizon
from tours.services import images, minimum, popularity
from tours.services.feeds import publish_things_to_do
from tours.services.importing import runs


@shared_task
def generate_departures() -> None:
    """Each night one more day of departures, for every operator."""
    extend_horizon()


@shared_task
def make_image_sizes(image_id: str) -> None:
    """The sizes of one picture, right after its upload or after its focal point moved."""
    images.make_image_sizes(UUID(image_id))


@shared_task
def sweep_images() -> int:
    """What a crash or a lost message left undone, for every operator."""
    return sum(images.sweep_images() for _tenant in each_tenant())


@shared_task
def publish_feeds() -> None:
    """Each night, for every operator that has a public site. What is refused is kept on the feed's row for staff to see."""
    for tenant in each_tenant():
        if tenant.site_address:
            with suppress(FeedRefused):
                publish_things_to_do()


@shared_task
def rebuild_catalogue() -> None:
    """Each night, for every operator: prices compare by the rates of the new day."""
    for _tenant in each_tenant():
        published.rebuild_catalogue()


@shared_task
def gather_views() -> None:
    """Each minute, for every operator: what was looked at is written down."""
    for _tenant in each_tenant():
        popularity.gather_views()


@shared_task
def refresh_popularity() -> None:
    """Each hour, for every operator: the popular ones are those of today."""
    for _tenant in each_tenant():
        popularity.refresh_popularity()


@shared_task(time_limit=3600, soft_time_limit=3540)
def work_on_import(run_id: str) -> None:
    runs.work_on_import(UUID(run_id))


@shared_task
def sweep_imports() -> None:
    """For every operator: what a worker that died left, and what is too old."""
    for _tenant in each_tenant():
        runs.sweep_imports()


@shared_task
def decide_departures() -> int:
    """What too few have booked runs or does not, in time for the guests to know."""
    return sum(minimum.decide_departures() for _tenant in each_tenant())
