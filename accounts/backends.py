"""Signing in to the back-office by e-mail and password; what a person may do is answered by `User` for the tenant at hand."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts.errors import WrongCredentials
from accounts.models import User
from accounts.services.sessions import prove_identity
from config.addresses import client_address


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
        return User.objects.filter(pk=user_id, is_active=True).first()
