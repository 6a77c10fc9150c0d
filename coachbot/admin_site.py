"""Django admin with the operator's pages of each app hung in under the same roof and login."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.views.decorators.cache import never_cache

from coachbot.login_brake import remember_browser
from coachbot.login_forms import LoginForm, PasswordForm, tell_refusal


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
    login_form = LoginForm

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
        response = tell_refusal(super().login(request, extra_context))
        if request.method == "POST" and request.user.is_authenticated and response.status_code == 302:
            remember_browser(request, response, request.user.get_username())
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Change one's own password; the old one can't be guessed quickly here either."""
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=PasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context=self.each_context(request) | (extra_context or {}),
        )
        return tell_refusal(cast(TemplateResponse, view(request)))
