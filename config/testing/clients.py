"""For tests that run inside a transaction of their own: a client whose requests commit."""

from typing import Any

from django.test import TestCase
from rest_framework.test import APIClient


class CommittingClient(APIClient):
    """Runs what a request put off until commit (tasks, forgetting of cached states) as soon as it has been answered."""

    def request(self, **kwargs: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            return super().request(**kwargs)
