"""Red flags of the day: what somebody should look at before guests stand at the meeting point.

An app above registers what it knows in its own `flags.py`:

    @finder(permission="payments.view_payment")
    def refunds(bookings) -> Iterable[Flag]: ...

`bookings` is a queryset (use it as a subquery): all bookings of the day's departures, ended ones too.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.module_loading import autodiscover_modules

BAD, WARN = "bad", "warn"


@dataclass(frozen=True)
class Flag:
    """Why, and the page to act on (`admin:…` and the id of its row). It is of a booking, or of a departure as a whole.

    The words are asked for when they are shown: a busy day has hundreds of flags.
    """

    tone: str
    words: Callable[[], str]
    page: str
    of: UUID
    booking_id: UUID | None = None
    reference: str = ""

    @property
    def reason(self) -> str:
        return self.words()

    @property
    def link(self) -> str:
        return reverse(self.page, args=[self.of])


Finder = Callable[[Any], Iterable[Flag]]
_finders: list[tuple[str, Finder]] = []


def finder(*, permission: str) -> Callable[[Finder], Finder]:
    """Register a finder; it is asked for those who hold the permission."""

    def register(find: Finder) -> Finder:
        _finders.append((permission, find))
        return find

    return register


def flags_of_apps_above(bookings: Any, user: Any) -> list[Flag]:
    """What the apps above know of these bookings, as far as the user may know it."""
    autodiscover_modules("flags")
    return [flag for permission, find in _finders if user.has_perm(permission) for flag in find(bookings)]
