from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from mlconnector.views import healthz
from syncs.views.home import home

urlpatterns = [
    path("", home, name="home"),
    path("", include("syncs.urls")),
    path("", include("mlconnector.tenants.urls")),
    path("connections/", include("connections.urls")),
    path("audit/", include("audit.urls")),
    path("notifications/", include("mlconnector.notifications.urls")),
    path("healthz", healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/v1/", include("mlconnector.api_urls")),
]
