"""The demo's customers, as if they had registered over the months."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from django.db import transaction

from accounts.audit import plain
from accounts.models import AuditEntry, Membership, Role, User
from payments.demo.bulk import insert
from payments.demo.chronicle import Chronicle
from payments.demo.people import DemoPerson

AT_ONCE = 2000


def add_customers(people: Sequence[DemoPerson], *, present: datetime, seed: str) -> list[User]:
    """The people as customers of the current tenant, in their order; those that are there already are kept."""
    found: list[User] = []
    for start in range(0, len(people), AT_ONCE):
        some = people[start : start + AT_ONCE]
        emails = [person.email for person in some]
        known = {user.email: user for user in User.objects.filter(email__in=emails)}
        fresh = [person for person in some if person.email not in known]
        for user in _add(fresh, present, Random(f"{seed}:customers:{start}")):
            known[user.email] = user
        found += [known[email] for email in emails]
    return found


@transaction.atomic
def _add(people: Sequence[DemoPerson], present: datetime, chance: Random) -> list[User]:
    role = Role.objects.get(code=Role.Code.CUSTOMER)
    chronicle, users = Chronicle(chance), []
    for person in people:
        at = present - timedelta(days=chance.uniform(100, 400))
        user = User(
            id=chronicle.new_id(at),
            email=person.email,
            first_name=person.first_name,
            last_name=person.last_name,
            phone=person.phone,
            language=person.language,
            currency=person.currency,
            password="!",  # nobody signs in as them
            email_verified_at=at + timedelta(hours=1),
            created_at=at,
            updated_at=at + timedelta(hours=1),
        )
        users.append(user)
        chronicle.rows += [
            user,
            Membership(id=chronicle.new_id(at), user_id=user.pk, role_id=role.pk, created_at=at),
            AuditEntry(
                id=chronicle.new_id(at),
                at=at,
                action="accounts.user.registered",
                subject_type=user._meta.label_lower,
                subject_id=str(user.pk),
                subject_name=str(user)[:200],
                actor_id=user.pk,
                actor_name=str(user)[:120],
                after=plain({"email": user.email}),
            ),
        ]
        chronicle.announce("user.registered", user, at)
    insert(chronicle.take_rows())
    return users
