"""Every address that Rihla answers to."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.static import serve
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularRedocView, SpectacularSwaggerView

from config import health
from config.measuring import show_metrics

# Addresses are looked for one by one: what is called most stands first.
api_v1 = [
    path("", include("tours.urls")),
    path("", include("bookings.urls")),
    path("", include("payments.urls")),
    path("", include("accounts.urls")),
    path("", include("ledger.urls")),
]

urlpatterns = [
    path("api/v1/", include((api_v1, "api"), namespace="api")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),  # as people type it
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("health", health.health, name="health"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", show_metrics, name="metrics"),
    path("api/openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="openapi"), name="swagger"),
    path("api/redoc", SpectacularRedocView.as_view(url_name="openapi"), name="redoc"),
    path("", include("accounts.pages")),
    path("", include("tours.pages")),
    path("", include("bookings.pages")),
    path("", include("bookings.choices")),
    path("", include("bookings.review_pages")),
    path("", include("tours.guide_pages")),
    path("", include("payments.pages")),
]

if not settings.IN_PRODUCTION:  # in production nginx or the bucket serves media
    urlpatterns.append(path("media/<path:path>", serve, {"document_root": settings.MEDIA_ROOT}))

handler400 = "config.failures.bad_request"
handler403 = "config.failures.permission_denied"
handler404 = "config.failures.not_found"
handler500 = "config.failures.server_error"
