"""Everything that writes the catalogue."""

from tours.services.copying import copy_titles, duplicate_tour, restore_tour
from tours.services.departures import (
    add_departure,
    change_departure,
    close_departures,
    reopen_departures,
    upsert_departures,
)
from tours.services.generation import generate_departures
from tours.services.images import add_image, change_image, delete_image, order_images
from tours.services.overbooking import make_room, take_back_room
from tours.services.popularity import count_bookings, gather_views, refresh_popularity
from tours.services.schedule import RuleChange, change_rule, create_rule, delete_rule
from tours.services.status import archive_tour, publish_tour, take_off_sale
from tours.services.tours import create_tour, delete_tour, update_tour

__all__ = [
    "RuleChange",
    "add_departure",
    "add_image",
    "archive_tour",
    "change_departure",
    "change_image",
    "change_rule",
    "close_departures",
    "copy_titles",
    "count_bookings",
    "create_rule",
    "create_tour",
    "delete_image",
    "delete_rule",
    "delete_tour",
    "duplicate_tour",
    "gather_views",
    "generate_departures",
    "make_room",
    "order_images",
    "publish_tour",
    "refresh_popularity",
    "reopen_departures",
    "restore_tour",
    "take_back_room",
    "take_off_sale",
    "update_tour",
    "upsert_departures",
]
