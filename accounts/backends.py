"""Signing in to the back-office by e-mail and password; what a person may do is answered by `User` for the tenant at hand."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts.errors import WrongCredentials
from accounts.models import Membership, User
from accounts.services.sessions import prove_identity
from config.addresses import client_address
from config.tenancy import current_tenant


class TenantBackend(BaseBackend):
    def authenticate(self, request: Any, username: Any = None, password: Any = None, **_: Any) -> User | None:
        """The active person with this e-mail and password. Raises `SignInLocked` after five failures, as the API does."""
        if request is None or not username or password is None:
            return None
        try:
            user = prove_identity(email=username, password=password, address=client_address(request))
        except WrongCredentials:
            return None
        return user if user.is_active else None

    def get_user(self, user_id: Any) -> User | None:
        """The person of a session, with the membership here where there is one: what each page asks next."""
        if current_tenant.get() is not None:
            memberships = Membership.objects.select_related("user", "role", "price_group")
            membership = memberships.filter(user_id=user_id, is_active=True, user__is_active=True).first()
            if membership is not None:
                membership.user.remember(membership)
                return membership.user
        return User.objects.filter(pk=user_id, is_active=True).first()
