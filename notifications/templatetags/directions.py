"""Names within sentences of the other writing direction."""

import unicodedata

from django import template

from config.i18n import language_now

register = template.Library()
FIRST_STRONG_ISOLATE, POP = "\u2068", "\u2069"


@register.filter
def apart(name: str) -> str:
    """The name so that the marks around it keep their place: isolated where it is written in the other direction."""
    directions = (unicodedata.bidirectional(letter) for letter in str(name))
    first = next((one for one in directions if one in ("L", "R", "AL")), "")
    other = ("L",) if language_now() == "ar" else ("R", "AL")
    return f"{FIRST_STRONG_ISOLATE}{name}{POP}" if first in other else str(name)
