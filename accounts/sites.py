"""Where an operator's customers see its tours: a site of its own, whose addresses we only need to know."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

PLACEHOLDERS = ("{slug}", "{id}", "{language}")


def check_tour_path(value: str) -> None:
    """A path with a placeholder that tells tours apart, and none that we do not know. Raises `ValidationError`."""
    rest = value
    for name in PLACEHOLDERS:
        rest = rest.replace(name, "x")
    if "{" in rest or "}" in rest:
        raise ValidationError(_("Only {slug}, {id} and {language} may stand in braces."))
    if not re.fullmatch(r"/[^\s?#]*", rest):
        raise ValidationError(_("A path begins with / and holds neither spaces nor ? or #."))
    if "{slug}" not in value and "{id}" not in value:
        raise ValidationError(_("Without {slug} or {id} every tour would have the same page."))


def tour_address(tenant: Any, *, slug: str, tour_id: Any, language: str) -> str:
    """The page of a tour on the operator's public site; empty where no site is named."""
    if not tenant.site_address:
        return ""
    path = str(tenant.tour_path)
    for name, value in zip(PLACEHOLDERS, (slug, str(tour_id), language), strict=True):
        path = path.replace(name, value)
    return f"{tenant.site_address.rstrip('/')}{path}"
