"""The server of the control: seats are looked at, then taken, with no condition, no lock and no arithmetic in SQL.

Served instead of `config.wsgi` by `test_rush`, to show that the same rush then sells more seats than there are.
"""

import time
from typing import Any

from config.wsgi import application

# isort: split
# The models need Django set up, which `config.wsgi` does.
from bookings.models import Hold
from bookings.services import holds
from tours.models import Departure

__all__ = ["application"]


def look_then_take(hold: Hold, key: Any) -> bool:
    departure = Departure.objects.get(pk=hold.departure_id)
    if departure.seats_left < hold.seats:
        return False
    time.sleep(0.01)  # whoever looks now sees the same seat
    departure.seats_held += hold.seats
    departure.save(update_fields=["seats_held"])
    hold.save(force_insert=True)
    return True


holds.take = look_then_take
