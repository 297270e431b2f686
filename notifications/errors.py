"""Refusals of notifications."""

from django.utils.translation import gettext_lazy as _

from config.errors import Conflict


class NothingLeftToSend(Conflict):
    code = "nothing_left_to_send"
    message = _(
        "This message is sent and its text is gone, because it was secret or is old. A new one has to be asked for."
    )
