"""A few calls made for these tests, so that the frame is shown without any app's rules."""

import pytest
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from config import urls
from config.errors import Conflict, DomainError
from config.idempotency import once, once_around_gateway
from config.pagination import Pages


class SeatsGone(Conflict):
    code = "seats_gone"
    message = "Only {left} of {asked} are left."


class OpenView(APIView):
    permission_classes = [AllowAny]


class Refuse(OpenView):
    def post(self, request):
        raise SeatsGone(left=1, asked=3)


class Break(OpenView):
    def get(self, request):
        raise RuntimeError("password=hunter2 in the middle of things")


class Echo(OpenView):
    def post(self, request):
        return Response({"given": request.data})


class Numbers(OpenView):
    def get(self, request):
        pages = Pages()
        rows = pages.paginate_queryset(range(45), request)
        return pages.get_paginated_response([{"number": n, "square": n * n, "name": f"n{n}"} for n in rows])


class One(OpenView):
    def get(self, request):
        return Response({"number": 7, "square": 49, "inner": {"number": 1}})


class Once(OpenView):
    """Counts how often its body ran; `calls` is set by the test."""

    calls: list = []
    refuse = False
    wait = None

    @once("test")
    def post(self, request):
        type(self).calls.append(dict(request.data))
        if type(self).wait:
            type(self).wait()
        if type(self).refuse:
            raise DomainError
        return Response({"run": len(type(self).calls)}, status=201)


class OnceAround(OpenView):
    calls: list = []
    crash = None
    wait = None

    @once_around_gateway("test-gateway")
    def post(self, request):
        type(self).calls.append(request.idempotency_key)
        if type(self).wait:
            type(self).wait()
        if type(self).crash:
            raise type(self).crash
        return Response({"run": len(type(self).calls)}, status=201)


class FrameUrls:
    urlpatterns = [
        *urls.urlpatterns,
        path("api/v1/test/refuse", Refuse.as_view()),
        path("api/v1/test/break", Break.as_view()),
        path("api/v1/test/echo", Echo.as_view()),
        path("api/v1/test/numbers", Numbers.as_view()),
        path("api/v1/test/one", One.as_view()),
        path("api/v1/test/once", Once.as_view()),
        path("api/v1/test/once-around", OnceAround.as_view()),
    ]
    handler400, handler403, handler404, handler500 = (
        urls.handler400,
        urls.handler403,
        urls.handler404,
        urls.handler500,
    )


@pytest.fixture
def frame_urls(settings, tenant):
    """The usual addresses and, under /api/v1/test/, those of this module."""
    settings.ROOT_URLCONF = FrameUrls
    settings.THROTTLE_DEFAULT = "10000/min"
    for view in (Once, OnceAround):
        view.calls, view.wait = [], None
    Once.refuse, OnceAround.crash = False, None
    return tenant
