"""What a refusal is. Each app's `errors.py` subclasses these; `config.api` turns them into the common error body."""

from typing import Any

from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A business rule said no. Nothing has been changed.

    `code` is stable and for programs, `message` for people in their language (`str.format` with the keyword arguments),
    `status` the HTTP status, `details` whatever helps the caller to go on.
    """

    code = "refused"
    status = 422
    message: Any = _("This cannot be done.")

    def __init__(self, *, details: dict[str, Any] | None = None, **values: Any) -> None:
        self.values = values
        self.details = details if details is not None else dict(values)
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.message).format(**self.values)


class InvalidInput(DomainError):
    """The shape of what was sent is wrong; `details` maps fields to lists of faults."""

    code = "invalid"
    status = 400
    message = _("Some fields are not valid.")


class NotFound(DomainError):
    """There is no such thing, or the caller may not see it."""

    code = "not_found"
    status = 404
    message = _("Not found.")


class Conflict(DomainError):
    """The thing is not in a state that allows this."""

    code = "conflict"
    status = 409
    message = _("This is not possible any more.")


class IllegalMove(Conflict):
    """A state machine has no such move."""

    code = "illegal_move"
    message = _("{what} is {current}; it cannot become {wanted}.")
