"""All URLs: each app's own, composed."""

from django.contrib import admin
from django.urls import include, path

from coachbot import home
from coachbot.openapi import OpenApiDocument

handler400 = "coachbot.errors.bad_request"
handler404 = "coachbot.errors.not_found"
handler500 = "coachbot.errors.server_error"

urlpatterns = [
    path("", home.home, name="home"),
    path("api/public/openapi.json", OpenApiDocument.as_view(), name="openapi"),
    path("api/public/", include("leads.api_urls")),
    path("api/public/", include("apikeys.api_urls")),
    path("api/public/", include("leadforms.api_urls")),
    path("api/vapi/", include("voice.urls")),
    path("api/", include("whatsapp.urls")),
    path("docs/", include("coachbot.docs")),
    path("forms/", include("leadforms.urls")),
    path("admin/", admin.site.urls),
]
