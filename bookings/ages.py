"""Ages of travellers on the day of the trip, against those of the price categories that they pay."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from bookings.errors import AgeOutsideCategory, AgesNotAllowed, ReasonRequired
from config.i18n import language_now


def refuse_other_ages(
    travellers: Sequence[Mapping[str, Any]], quote: Mapping[str, Any], *, actor: Any = None, reason: str = ""
) -> None:
    """Refuse who is too young or too old for the category they were priced as. Who gives no age is not asked for one.

    With a `reason`, staff who may act against the policy (`bookings.override_policy`) take them all the same. Quotes of before
    categories said their ages refuse nobody. Raises `AgeOutsideCategory`, `AgesNotAllowed`, `ReasonRequired`.
    """
    faults = [_fault(traveller, quote) for traveller in travellers]
    if not any(faults):
        return
    if not reason:
        raise AgeOutsideCategory(details={"travellers": [{"age": [fault]} if fault else {} for fault in faults]})
    if actor is None or not actor.has_perm("bookings.override_policy"):
        raise AgesNotAllowed
    if not reason.strip():
        raise ReasonRequired(details={"age_reason": [str(ReasonRequired.message)]})


def _fault(traveller: Mapping[str, Any], quote: Mapping[str, Any]) -> str:
    code, age = traveller.get("category", "adult"), traveller.get("age")
    least, most = quote.get("guest_ages", {}).get(code, (None, None))
    if age is None or ((least is None or age >= least) and (most is None or age <= most)):
        return ""
    return ages_in_words(quote["guest_labels"][code][language_now()], least, most)


def ages_in_words(category: str, least: int | None, most: int | None) -> str:
    """`Child: from 3 to 11 years.`"""
    if most is None:
        return _("{category}: from {least} years.").format(category=category, least=least)
    return _("{category}: from {least} to {most} years.").format(category=category, least=least or 0, most=most)
