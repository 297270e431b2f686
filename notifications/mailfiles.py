"""Mail into files, for the embedded stack: one `.eml` file per mail in `MAIL_DIR`, readable by any mail program."""

import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from django.utils.timezone import now

UNSAFE = re.compile(r"[^A-Za-z0-9@._+-]+")


class EmailBackend(BaseEmailBackend):
    """Files are called `YYYYmmdd-HHMMSS-<template>-<recipient>-<id>.eml` and appear whole: written aside, then renamed."""

    def __init__(self, fail_silently: bool = False, **_: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self.folder = Path(settings.MAIL_DIR)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            target = self.folder / _name_of(message)
            aside = target.with_suffix(".partial")
            with aside.open("wb") as writing:
                writing.write(message.message().as_bytes())
                writing.flush()
                os.fsync(writing.fileno())
            aside.replace(target)
        return len(email_messages)


def _name_of(message: EmailMessage) -> str:
    """Safe for any file system, whatever the address looks like."""
    template = message.extra_headers.get("X-Rihla-Template", "mail")
    id_ = message.extra_headers.get("Message-ID", "").strip("<>").partition("@")[0] or secrets.token_hex(8)
    parts = (UNSAFE.sub("_", part)[:80] for part in (template, message.recipients()[0], id_))
    return f"{now():%Y%m%d-%H%M%S}-{'-'.join(parts)}.eml"
