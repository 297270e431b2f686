"""References to the operator's own rows, given by id. Those of others do not exist."""

from typing import Any

from rest_framework import serializers


class OwnRow(serializers.PrimaryKeyRelatedField):
    """A row of the operator by its id; may be null."""

    def __init__(self, model: Any, **kwargs: Any) -> None:
        self.rows_of = model
        super().__init__(queryset=model._base_manager.none(), required=False, allow_null=True, **kwargs)

    def get_queryset(self) -> Any:
        return self.rows_of.objects.all()
