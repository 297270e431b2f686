"""What every operator needs from accounts."""

from accounts.roles import seed_roles


def seed_tenant() -> None:
    seed_roles()
