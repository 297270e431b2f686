"""What the OpenAPI document says of every call: the common errors and headers."""

from typing import Any
from uuid import UUID

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from config.tenancy import current_tenant, tenant_context

NOBODY = UUID(int=0)

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="A repeat with the same key and body gets the first answer and does nothing again; kept 24 hours.",
)


class ErrorSerializer(serializers.Serializer):
    """The one body of every error answer."""

    error = serializers.CharField()
    error_code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.JSONField()
    timestamp = serializers.DateTimeField()
    request_id = serializers.CharField()


class RihlaSchema(AutoSchema):
    """Adds to each operation the answers that any call can give."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Filters make empty querysets to look at their fields, which takes a tenant: on the command line, nobody."""
        with tenant_context(current_tenant.get() or NOBODY):
            return super().get_operation(*args, **kwargs)

    def get_override_parameters(self) -> list[Any]:
        return [
            OpenApiParameter("Accept-Language", str, OpenApiParameter.HEADER, enum=["en", "ar"]),
            *super().get_override_parameters(),
        ]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        codes = ["400", "401", "403", "404", "429", "503"]
        if self.method in {"POST", "PUT", "PATCH", "DELETE"}:
            codes += ["405", "409", "413", "415", "422"]
        else:
            codes += ["405", "406", "409"]
        for code in codes:
            if code not in bodies:
                bodies[code] = self._get_response_for_code(ErrorSerializer, code)
        return bodies
