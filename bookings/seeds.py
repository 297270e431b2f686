"""What `manage.py seed` writes for each tenant. Rows that staff changed stay as they are."""

from bookings.kinds import KINDS, kind_called


def seed_tenant() -> None:
    for code in KINDS:
        kind_called(code)
