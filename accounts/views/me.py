"""The caller's own account."""

from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.serializers import PictureSerializer, PreferencesSerializer, ProfileSerializer, UserSerializer
from accounts.services.profile import (
    change_picture,
    change_profile,
    preferences_of,
    remove_picture,
    replace_preferences,
)
from accounts.views.sign_in import checked


def answer(request: Request, user: User) -> Response:
    return Response(UserSerializer(user, context={"request": request}).data)


class Me(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="auth_me", responses={200: UserSerializer}, tags=["account"])
    def get(self, request: Request) -> Response:
        """The caller, with role and permissions at this operator."""
        return answer(request, User.objects.get(pk=request.user.pk))

    @extend_schema(
        operation_id="auth_me_change", request=ProfileSerializer, responses={200: UserSerializer}, tags=["account"]
    )
    def patch(self, request: Request) -> Response:
        """Change one's own profile; what is left out stays."""
        changes = checked(ProfileSerializer, request)
        return answer(request, change_profile(user_id=request.user.pk, actor=request.user, **changes))


class MyPicture(APIView):
    permission_classes = [IsAuthenticated]
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="auth_me_picture",
        request={"multipart/form-data": PictureSerializer},
        responses={200: UserSerializer},
        tags=["account"],
    )
    def put(self, request: Request) -> Response:
        """Set one's picture. It is decoded, freed of metadata, and made to fit 512 × 512 pixels."""
        upload = checked(PictureSerializer, request)["picture"]
        return answer(request, change_picture(user_id=request.user.pk, upload=upload))

    @extend_schema(operation_id="auth_me_picture_remove", responses={204: None}, tags=["account"])
    def delete(self, request: Request) -> Response:
        """Remove one's picture."""
        remove_picture(user_id=request.user.pk)
        return Response(status=204)


class MyPreferences(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="auth_preferences", responses={200: PreferencesSerializer}, tags=["account"])
    def get(self, request: Request) -> Response:
        """What the caller told this operator about how they like to travel."""
        return Response(PreferencesSerializer(preferences_of(request.user.pk)).data)

    @extend_schema(
        operation_id="auth_preferences_replace",
        request=PreferencesSerializer,
        responses={200: PreferencesSerializer},
        tags=["account"],
    )
    def put(self, request: Request) -> Response:
        """Replace the travel preferences; what is left out is emptied."""
        values = checked(PreferencesSerializer, request)
        preferences = replace_preferences(user_id=request.user.pk, **values)
        preferences.refresh_from_db()
        return Response(PreferencesSerializer(preferences).data)
