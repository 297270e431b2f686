"""Lists for staff: everything, whatever its state."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView, RetrieveAPIView

from accounts.permissions import Needs
from tours.filters.staff import DepartureFilter, TourFilter
from tours.models import Tour
from tours.selectors.detail import any_tour
from tours.selectors.staff import departures_for_staff, tours_for_staff
from tours.serializers.writing import DepartureSerializer, TourRowSerializer, TourSerializer


@extend_schema_view(get=extend_schema(tags=["back-office"], operation_id="admin_tours_list"))
class StaffTours(ListAPIView):
    """All tours, drafts too, last changed first."""

    permission_classes = [Needs("tours.view_tour")]
    serializer_class = TourRowSerializer
    filterset_class = TourFilter

    def get_queryset(self) -> Any:
        return tours_for_staff()


@extend_schema_view(get=extend_schema(tags=["back-office"], operation_id="admin_tours_retrieve"))
class StaffTour(RetrieveAPIView):
    """A tour as it is edited: what this answers can be changed and sent back by PUT."""

    permission_classes = [Needs("tours.view_tour")]
    serializer_class = TourSerializer

    def get_object(self) -> Tour:
        return any_tour(self.kwargs["given"])


@extend_schema_view(get=extend_schema(tags=["back-office"], operation_id="admin_departures_list"))
class StaffDepartures(ListAPIView):
    """All departures in order of time."""

    permission_classes = [Needs("tours.view_departure")]
    serializer_class = DepartureSerializer
    filterset_class = DepartureFilter

    def get_queryset(self) -> Any:
        return departures_for_staff()
