"""The demo's log-ins: passwords made for this installation, kept in a file that the supervisor prints."""

import os
import secrets
from pathlib import Path

from django.conf import settings

from accounts.models import Role, User
from accounts.services.people import make_admin

WORDS = ["Felucca", "Caravan", "Lantern", "Minaret", "Papyrus", "Saffron", "Citadel", "Obelisk"]

# Name in the address, first and last name, role.
PEOPLE = [
    ("admin", "Nadia", "Mansour", Role.Code.ADMIN),
    ("clerk", "Karim", "Farouk", Role.Code.EMPLOYEE),
    ("agent", "Layla", "Haddad", Role.Code.AGENT),
    ("customer", "Omar", "El-Sayed", Role.Code.CUSTOMER),
]


def make_logins() -> dict[str, User]:
    """The four people with their passwords, by the name in their address; what `DEMO_LOGINS` holds already stays."""
    path = Path(settings.DEMO_LOGINS)
    known = _read(path)
    people, lines = {}, []
    for name, first, last, role in PEOPLE:
        email = f"{name}@rihla.example"
        person = User.objects.filter(email=email).first()
        password = known.get(email, "")
        if person is None or not person.check_password(password):
            password = _new_password()
            person = make_admin(email=email, password=password, first_name=first, last_name=last, role=role)
        people[name] = person
        lines.append(f"{email:<24} {password:<20} {role}\n")
    _keep(path, "".join(lines))
    return people


def _new_password() -> str:
    return f"{secrets.choice(WORDS)}-{secrets.token_hex(3)}-{secrets.randbelow(90) + 10}"


def _read(path: Path) -> dict[str, str]:
    """Password by address."""
    if not path.exists():
        return {}
    words = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    return {line[0]: line[1] for line in words if len(line) > 1}


def _keep(path: Path, text: str) -> None:
    """Write the file so that nobody else can read it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".new")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
