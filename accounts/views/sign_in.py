"""Registering, signing in and out, proving the e-mail, forgotten passwords."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import issue_tokens
from accounts.errors import TokenRefused
from accounts.serializers import (
    AcceptedSerializer,
    EmailOnlySerializer,
    LinkTokenSerializer,
    PasswordChangeSerializer,
    RefreshTokenSerializer,
    RegisteredSerializer,
    RegistrationSerializer,
    ResetSerializer,
    SignInSerializer,
    TokensSerializer,
    UserSerializer,
)
from accounts.services.passwords import ask_reset, change_password, reset_password
from accounts.services.registration import ask_verification, register, verify_email
from accounts.services.sessions import end_session, renew_tokens, sign_in, sign_out
from config.addresses import client_address
from config.i18n import language_now
from config.throttling import CallsPerMinute, SignInAttempts

COOKIE = "rihla_refresh"
COOKIE_PATH = "/api/v1/auth"
IN_COOKIE = OpenApiParameter(
    "cookie", bool, description="Put the refresh token into an HttpOnly cookie instead of the answer."
)
ACCEPTED = gettext_lazy("If there is such an account, a mail is on its way.")


def checked(serializer: type[Any], request: Request) -> dict[str, Any]:
    """The body's values in their shape. Raises `ValidationError`."""
    asked = serializer(data=request.data, context={"request": request})
    asked.is_valid(raise_exception=True)
    return asked.validated_data


def answer_with_tokens(request: Request, tokens: dict[str, Any], *, in_cookie: bool, status: int = 200) -> Response:
    if not in_cookie:
        return Response(tokens, status=status)
    response = Response({**tokens, "refresh_token": None}, status=status)
    response.set_cookie(
        COOKIE,
        tokens["refresh_token"],
        max_age=int(settings.REFRESH_TOKEN_LIFE.total_seconds()),
        path=COOKIE_PATH,
        httponly=True,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        samesite="Strict",
    )
    return response


def wants_cookie(request: Request) -> bool:
    return request.query_params.get("cookie", "").lower() in {"true", "1"}


def given_refresh_token(request: Request) -> tuple[str, bool]:
    """The refresh token, and whether it came in the cookie. Raises `ValidationError` where there is none."""
    in_body = checked(RefreshTokenSerializer, request).get("refresh_token")
    if in_body:
        return in_body, False
    in_cookie = request.COOKIES.get(COOKIE)
    if not in_cookie:
        raise ValidationError({"refresh_token": [_("This field is required.")]})
    return in_cookie, True


class StrangersView(APIView):
    """Open to everybody; a token that came along is not looked at, so that an old one cannot be in the way."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []


class Register(StrangersView):
    throttle_classes = [SignInAttempts]

    @extend_schema(
        operation_id="auth_register",
        request=RegistrationSerializer,
        responses={201: RegisteredSerializer},
        parameters=[IN_COOKIE],
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Become a customer. A mail with a link that verifies the e-mail goes out."""
        asked = checked(RegistrationSerializer, request)
        user = register(**{"language": language_now(), **asked})
        tokens = {"user": UserSerializer(user, context={"request": request}).data, **issue_tokens(user)}
        return answer_with_tokens(request, tokens, in_cookie=wants_cookie(request), status=201)


class Login(StrangersView):
    throttle_classes = [SignInAttempts]

    @extend_schema(
        operation_id="auth_login",
        request=SignInSerializer,
        responses={200: TokensSerializer},
        parameters=[IN_COOKIE],
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Tokens for e-mail and password. Five failures from one address lock the pair for 15 minutes."""
        asked = checked(SignInSerializer, request)
        _user, tokens = sign_in(**asked, address=client_address(request._request))
        return answer_with_tokens(request, tokens, in_cookie=wants_cookie(request))


class Refresh(StrangersView):
    throttle_classes = [CallsPerMinute]

    @extend_schema(
        operation_id="auth_refresh", request=RefreshTokenSerializer, responses={200: TokensSerializer}, tags=["auth"]
    )
    def post(self, request: Request) -> Response:
        """Fresh tokens. Each refresh token counts once; one that comes twice ends its session."""
        token, in_cookie = given_refresh_token(request)
        return answer_with_tokens(request, renew_tokens(refresh_token=token), in_cookie=in_cookie)


class Logout(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="auth_logout", request=RefreshTokenSerializer, responses={204: None}, tags=["auth"])
    def post(self, request: Request) -> Response:
        """End the session: its access and refresh tokens count no more, at once."""
        if request.auth is not None:
            end_session(user=request.user, session=request.auth["sid"])  # type: ignore[index]
        if request.auth is None or request.data or COOKIE in request.COOKIES:
            token, _in_cookie = given_refresh_token(request)
            self.end(token, is_known=request.auth is not None)
        response = Response(status=204)
        if COOKIE in request.COOKIES:
            response.delete_cookie(COOKIE, path=COOKIE_PATH, samesite="Strict")
        return response

    @staticmethod
    def end(token: str, *, is_known: bool) -> None:
        try:
            sign_out(refresh_token=token)
        except TokenRefused:
            if not is_known:  # the access token's session has ended already: nothing is left to do
                raise


class VerifyEmail(StrangersView):
    throttle_classes = [SignInAttempts]

    @extend_schema(
        operation_id="auth_verify_email", request=LinkTokenSerializer, responses={200: UserSerializer}, tags=["auth"]
    )
    def post(self, request: Request) -> Response:
        """The token of the link in the mail: the e-mail is verified. Counts once, for 24 hours."""
        user = verify_email(**checked(LinkTokenSerializer, request))
        return Response(UserSerializer(user, context={"request": request}).data)


class ResendVerification(StrangersView):
    throttle_classes = [SignInAttempts]

    @extend_schema(
        operation_id="auth_verify_email_resend",
        request=EmailOnlySerializer,
        responses={202: AcceptedSerializer},
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Send the verification mail again. The answer is the same whoever the e-mail belongs to."""
        ask_verification(**checked(EmailOnlySerializer, request))
        return Response({"message": str(ACCEPTED)}, status=202)


class AskReset(StrangersView):
    throttle_classes = [SignInAttempts]

    @extend_schema(
        operation_id="auth_password_reset",
        request=EmailOnlySerializer,
        responses={202: AcceptedSerializer},
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Send a link that sets a new password. The answer is the same whoever the e-mail belongs to."""
        ask_reset(**checked(EmailOnlySerializer, request))
        return Response({"message": str(ACCEPTED)}, status=202)


class ConfirmReset(StrangersView):
    throttle_classes = [SignInAttempts]

    @extend_schema(
        operation_id="auth_password_reset_confirm", request=ResetSerializer, responses={204: None}, tags=["auth"]
    )
    def post(self, request: Request) -> Response:
        """Set the new password with the token of the link. Counts once, for an hour; every session ends."""
        reset_password(**checked(ResetSerializer, request))
        return Response(status=204)


class ChangePassword(APIView):
    permission_classes = [IsAuthenticated]
    throttle_classes = [SignInAttempts]

    @extend_schema(
        operation_id="auth_password_change",
        request=PasswordChangeSerializer,
        responses={200: TokensSerializer},
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Set a new password. Every session ends; the tokens answered begin a new one."""
        asked = checked(PasswordChangeSerializer, request)
        tokens = change_password(user_id=request.user.pk, address=client_address(request._request), **asked)
        return answer_with_tokens(request, tokens, in_cookie=COOKIE in request.COOKIES)
