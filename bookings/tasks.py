"""Celery doors of the jobs. Each goes through the tenants one by one; running twice is harmless."""

from uuid import UUID

from celery import shared_task

from accounts.tenants import each_tenant
from bookings import services
from bookings.services.review_requests import ask_for_reviews as ask_those_who_travelled
from bookings.services.reviews import make_photo_sizes as make_sizes_of_photo
from bookings.services.reviews import sweep_photos as sweep_photos_of_reviews


@shared_task
def expire_holds() -> int:
    return sum(services.expire_holds() for _tenant in each_tenant())


@shared_task
def arrange_allotments() -> int:
    """Departures that are new, or have places again, get what is kept for partners; then what is due is released."""
    return sum(services.arrange_allotments() + services.release_allotments() for _tenant in each_tenant())


@shared_task
def warn_of_ending_holds() -> int:
    return sum(services.warn_of_ending_holds() for _tenant in each_tenant())


@shared_task
def lapse_offers() -> int:
    return sum(services.lapse_offers() for _tenant in each_tenant())


@shared_task
def progress_bookings() -> int:
    return sum(services.progress_bookings() for _tenant in each_tenant())


@shared_task
def remind_of_balances() -> int:
    return sum(services.remind_of_balances() for _tenant in each_tenant())


@shared_task
def ask_for_reviews() -> int:
    return sum(ask_those_who_travelled() for _tenant in each_tenant())


@shared_task
def make_photo_sizes(photo_id: str) -> None:
    make_sizes_of_photo(UUID(photo_id))


@shared_task
def sweep_photos() -> int:
    return sum(sweep_photos_of_reviews() for _tenant in each_tenant())
