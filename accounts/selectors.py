"""Reads of people, always those of the tenant at hand only."""

import re

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership, User


def people_here() -> QuerySet[User]:
    """Everybody who has a membership with the tenant at hand. Users themselves stand above tenants."""
    return User.objects.filter(Exists(Membership.objects.filter(user_id=OuterRef("pk"))))


def search_people(
    *, q: str = "", role: str = "", is_active: bool | None = None, verified: bool | None = None
) -> QuerySet[User]:
    """People here, newest first, whose name, e-mail or phone contains each word of `q`."""
    memberships = Membership.objects.filter(user_id=OuterRef("pk"))
    if role:
        memberships = memberships.filter(role__code=role)
    if is_active is not None:
        memberships = memberships.filter(is_active=is_active)
    people = User.objects.filter(Exists(memberships))
    for word in q.split()[:5]:
        people = people.filter(
            Q(first_name__resembles=word)
            | Q(last_name__resembles=word)
            | Q(email__icontains=word)
            | Q(phone__icontains=word)
        )
    if verified is not None:
        people = people.filter(email_verified_at__isnull=not verified)
    return people.order_by("-created_at", "pk")


def with_memberships(people: list[User]) -> list[User]:
    """The same people, each with `membership_here` at hand: one query for all."""
    rows = Membership.objects.select_related("role").filter(user_id__in=[user.pk for user in people])
    by_user = {row.user_id: row for row in rows}
    for user in people:
        user.__dict__["membership_here"] = by_user.get(user.pk)
    return people


NUMBER = re.compile(r"[+\d][\d\s().-]{3,}")


def find_callers(q: str, most: int = 8) -> list[User]:
    """People here whose name, e-mail or phone is what a caller says; the number however it is written. Newest first."""
    typed = " ".join(q.split())[:100]
    if len(typed) < 2:
        return []
    if NUMBER.fullmatch(typed):
        digits = "".join(letter for letter in typed if letter.isdigit()).lstrip("0")
        people = people_here().filter(phone__contains=digits) if digits else User.objects.none()
    else:
        people = search_people(q=typed)
    return list(people.filter(is_active=True).order_by("-created_at", "pk")[:most])
