"""What the back-office's first page shows."""

from typing import Any

from django.http import HttpRequest


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Called by the theme with the page's context; returns it completed."""
    return context
