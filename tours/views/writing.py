"""Tours over the API: read by everyone, written by staff."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from accounts.permissions import Needs
from config.idempotency import once
from config.renderers import JSONParser
from tours import services
from tours.caching import Place
from tours.errors import ImageNotFound
from tours.filters import public as filters
from tours.models import TourImage, TourStatus
from tours.selectors.detail import any_tour, any_tour_id, as_uuid
from tours.serializers import reading as shapes
from tours.serializers.writing import (
    DepartureSerializer,
    DeparturesSerializer,
    DeparturesWrittenSerializer,
    ImageOrderSerializer,
    ImageSerializer,
    ImagesSerializer,
    ImageUploadSerializer,
    TourSerializer,
)
from tours.views.reading import (
    PublicRead,
    available,
    detailed,
    listed,
    place_of_availability,
    place_of_detail,
    place_of_list,
    read_schema,
)

GONE = OpenApiResponse(description="It is gone.")


class StaffWrites(PublicRead):
    """Everyone may read; each other method needs the permissions named for it."""

    needs: dict[str, tuple[str, ...]] = {}

    def get_permissions(self) -> list[Any]:
        needed = self.needs.get(self.request.method or "")
        return [Needs(*needed)()] if needed else [AllowAny()]


def checked(form: Any, request: Any, **how: Any) -> dict[str, Any]:
    """The validated body. Raises REST framework's `ValidationError`."""
    sent = form(data=request.data, **how)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


def refuse_unpermitted_status(request: Any, data: dict[str, Any], present: str) -> None:
    """Putting on sale and taking off again is a permission of its own."""
    if data.get("status", present) != present and not request.user.has_perm("tours.publish"):
        raise PermissionDenied


class Tours(StaffWrites):
    needs = {"POST": ("tours.add_tour",)}

    def place(self) -> Place:
        return place_of_list(self.asked(filters.ListQuery))

    @read_schema(shapes.TourPageSerializer, filters.ListQuery, operation_id="tours_list")
    def get(self, request: Any) -> HttpResponse:
        """The public list, filtered, sorted, in pages."""
        return listed(request, self.asked(filters.ListQuery))

    @extend_schema(
        operation_id="tours_create", request=TourSerializer, responses={201: TourSerializer}, tags=["catalogue"]
    )
    @once("tours.create")
    def post(self, request: Any) -> Response:
        """Make a tour, a draft unless `status` says otherwise."""
        data = checked(TourSerializer, request)
        refuse_unpermitted_status(request, data, TourStatus.DRAFT)
        tour = services.create_tour(data=data, actor=request.user)
        return Response(TourSerializer(any_tour(str(tour.pk))).data, status=201)


class TourPage(StaffWrites):
    needs = {"PUT": ("tours.change_tour",), "PATCH": ("tours.change_tour",), "DELETE": ("tours.delete_tour",)}

    def place(self) -> Place | None:
        tour_id = as_uuid(self.kwargs["given"])
        return place_of_detail(tour_id, self.asked(filters.DetailQuery)) if tour_id else None

    @read_schema(shapes.TourDocumentSerializer, filters.DetailQuery, operation_id="tours_retrieve")
    def get(self, request: Any, given: str) -> HttpResponse:
        """Everything about a tour, by id or slug. Staff see those that are not on sale as well."""
        return detailed(request, given, self.asked(filters.DetailQuery))

    @extend_schema(
        operation_id="tours_update", request=TourSerializer, responses={200: TourSerializer}, tags=["catalogue"]
    )
    def put(self, request: Any, given: str) -> Response:
        """Change a tour; all required fields must be sent. What is left out stays."""
        return self._change(request, given, partial=False)

    @extend_schema(
        operation_id="tours_partial_update", request=TourSerializer, responses={200: TourSerializer}, tags=["catalogue"]
    )
    def patch(self, request: Any, given: str) -> Response:
        """Change some fields of a tour."""
        return self._change(request, given, partial=True)

    @extend_schema(operation_id="tours_destroy", responses={204: GONE}, tags=["catalogue"])
    def delete(self, request: Any, given: str) -> Response:
        """Take a tour away for good. Refused while people are booked on departures to come."""
        services.delete_tour(tour_id=any_tour_id(given), actor=request.user)
        return Response(status=204)

    def _change(self, request: Any, given: str, *, partial: bool) -> Response:
        tour = any_tour(given)
        data = checked(TourSerializer, request, partial=partial)
        refuse_unpermitted_status(request, data, tour.status)
        services.update_tour(tour_id=tour.pk, data=data, actor=request.user)
        return Response(TourSerializer(any_tour(str(tour.pk))).data)


class Availability(StaffWrites):
    needs = {"PUT": ("tours.change_departure",)}

    def place(self) -> Place | None:
        tour_id = as_uuid(self.kwargs["given"])
        return place_of_availability(tour_id, self.asked(filters.AvailabilityQuery)) if tour_id else None

    @read_schema(shapes.AvailabilitySerializer, filters.AvailabilityQuery, operation_id="tours_availability")
    def get(self, request: Any, given: str) -> HttpResponse:
        """The departures of some days, 30 from today unless said otherwise."""
        return available(request, given, self.asked(filters.AvailabilityQuery))

    @extend_schema(
        operation_id="tours_availability_update",
        request=DeparturesSerializer,
        responses={200: DeparturesWrittenSerializer},
        tags=["catalogue"],
    )
    def put(self, request: Any, given: str) -> Response:
        """Make or change departures, found by option and local start; all or none."""
        rows = checked(DeparturesSerializer, request)["departures"]
        written = services.upsert_departures(tour_id=any_tour_id(given), rows=rows, actor=request.user)
        return Response({"items": DepartureSerializer(written, many=True).data})


class TourImages(StaffWrites):
    needs = {"POST": ("tours.change_tour",), "PUT": ("tours.change_tour",)}

    def get_parsers(self) -> list[Any]:
        is_upload = self.request is not None and self.request.method == "POST"
        return [MultiPartParser()] if is_upload else [JSONParser()]

    @extend_schema(
        operation_id="tours_images_create",
        request={"multipart/form-data": ImageUploadSerializer},
        responses={201: ImageSerializer},
        tags=["catalogue"],
    )
    def post(self, request: Any, given: str) -> Response:
        """Add a picture. It is checked by its content and stripped of metadata; the first one becomes the cover."""
        data = checked(ImageUploadSerializer, request)
        upload = data.pop("file")
        image = services.add_image(tour_id=any_tour_id(given), upload=upload, actor=request.user, **data)
        return Response(ImageSerializer(image).data, status=201)

    @extend_schema(
        operation_id="tours_images_update",
        request=ImageOrderSerializer,
        responses={200: ImagesSerializer},
        tags=["catalogue"],
    )
    def put(self, request: Any, given: str) -> Response:
        """Show the pictures in another order. The cover comes first all the same."""
        tour_id = any_tour_id(given)
        services.order_images(
            tour_id=tour_id, image_ids=checked(ImageOrderSerializer, request)["order"], actor=request.user
        )
        return Response({"items": ImageSerializer(TourImage.objects.filter(tour_id=tour_id), many=True).data})


class TourPicture(StaffWrites):
    needs = {"PATCH": ("tours.change_tour",), "DELETE": ("tours.change_tour",)}

    @extend_schema(
        operation_id="tours_images_partial_update",
        request=ImageSerializer,
        responses={200: ImageSerializer},
        tags=["catalogue"],
    )
    def patch(self, request: Any, given: str, image_id: UUID) -> Response:
        """Change the alternative texts or the order of a picture, or make it the cover."""
        self._refuse_foreign(given, image_id)
        data = checked(ImageSerializer, request, partial=True)
        return Response(ImageSerializer(services.change_image(image_id=image_id, data=data, actor=request.user)).data)

    @extend_schema(operation_id="tours_images_destroy", responses={204: GONE}, tags=["catalogue"])
    def delete(self, request: Any, given: str, image_id: UUID) -> Response:
        """Delete a picture and its files."""
        self._refuse_foreign(given, image_id)
        services.delete_image(image_id=image_id, actor=request.user)
        return Response(status=204)

    @staticmethod
    def _refuse_foreign(given: str, image_id: UUID) -> None:
        if not any_tour(given).images.filter(pk=image_id).exists():
            raise ImageNotFound
