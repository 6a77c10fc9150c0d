"""Django admin with the operator's pages of each app hung in under the same roof and login."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.views.decorators.cache import never_cache


def console_urls() -> list[URLPattern]:
    """Collect the operator's pages: `console_urls` of every app that has a console.py."""
    found: list[URLPattern] = []
    for app in apps.get_app_configs():
        if find_spec(f"{app.name}.console"):
            found += import_module(f"{app.name}.console").console_urls
    return found


class CoachbotAdminSite(AdminSite):
    """The site at /admin/: Django admin for staff, the pages under /admin/<slug>/ for members."""

    site_title = "Coachbot"
    site_header = "Coachbot"
    index_title = "Platform"
    enable_nav_sidebar = False
    # Whoever is active may sign in; each page asks for itself what the user may see.
    login_form = AuthenticationForm

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Put the operator's pages first: Django admin's last pattern swallows whatever is left."""
        from workspaces.console import other_spellings

        logout = path("logout/", never_cache(self.logout), name="logout")
        return [logout, *console_urls(), *other_spellings, *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the login; it leads to where the user wanted to go, else to their workspace."""
        if request.method == "GET" and request.user.is_authenticated:
            return HttpResponseRedirect(reverse("home"))
        if "next" not in request.GET and "next" not in request.POST:
            extra_context = {"next": reverse("home")} | (extra_context or {})
        return super().login(request, extra_context)
