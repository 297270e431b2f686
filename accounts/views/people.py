"""Staff and the people of their operator."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.permissions import Needs
from accounts.selectors import people_here, search_people, with_memberships
from accounts.serializers import NewPersonSerializer, PersonChangeSerializer, PersonSerializer, validate_role
from accounts.services.people import add_person, change_person
from accounts.views.sign_in import checked
from config.errors import NotFound
from config.pagination import Pages


class PeopleFilter(serializers.Serializer):
    q = serializers.CharField(max_length=100, required=False, help_text="Words of name, e-mail or phone.")
    role = serializers.SlugField(max_length=30, required=False)
    is_active = serializers.BooleanField(required=False, allow_null=True, default=None)
    verified = serializers.BooleanField(required=False, allow_null=True, default=None)


class PeopleView(APIView):
    def get_permissions(self) -> list[Any]:
        needed = {"POST": "accounts.add_user", "PATCH": "accounts.change_user"}
        return [Needs(needed.get(self.request.method or "GET", "accounts.view_user"))()]


class People(PeopleView):
    pagination_class = Pages

    @extend_schema(
        operation_id="admin_users",
        parameters=[
            PeopleFilter,
            OpenApiParameter("page", OpenApiTypes.INT),
            OpenApiParameter("size", OpenApiTypes.INT, description="1 to 100."),
        ],
        responses={200: PersonSerializer(many=True)},
        tags=["admin"],
    )
    def get(self, request: Request) -> Response:
        """The people of this operator: customers, agents and staff."""
        asked = PeopleFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        pages = Pages()
        people = with_memberships(pages.paginate_queryset(search_people(**asked.validated_data), request))
        return pages.get_paginated_response(PersonSerializer(people, many=True, context={"request": request}).data)

    @extend_schema(
        operation_id="admin_users_add",
        request=NewPersonSerializer,
        responses={201: PersonSerializer},
        tags=["admin"],
    )
    def post(self, request: Request) -> Response:
        """Add a person. They are mailed a link to set their password; those with an account elsewhere keep theirs."""
        asked = checked(NewPersonSerializer, request)
        validate_role(asked["role"])
        user = add_person(actor=request.user, **asked)
        return Response(PersonSerializer(user, context={"request": request}).data, status=201)


class Person(PeopleView):
    @extend_schema(operation_id="admin_users_one", responses={200: PersonSerializer}, tags=["admin"])
    def get(self, request: Request, user_id: UUID) -> Response:
        """One person of this operator."""
        return Response(PersonSerializer(self.find(user_id), context={"request": request}).data)

    @extend_schema(
        operation_id="admin_users_change",
        request=PersonChangeSerializer,
        responses={200: PersonSerializer},
        tags=["admin"],
    )
    def patch(self, request: Request, user_id: UUID) -> Response:
        """Change a person: who they are, their role, or whether they may log in (`is_active`). Audited."""
        changes = checked(PersonChangeSerializer, request)
        if "role" in changes:
            validate_role(changes["role"])
        change_person(user_id=user_id, actor=request.user, **changes)
        return Response(PersonSerializer(self.find(user_id), context={"request": request}).data)

    @staticmethod
    def find(user_id: UUID) -> User:
        user = people_here().filter(pk=user_id).first()
        if user is None:
            raise NotFound
        return user
