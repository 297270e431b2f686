"""Signing in by e-mail and password; what a person may do is answered for the tenant at hand."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts.models import User


class TenantBackend(BaseBackend):
    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()
