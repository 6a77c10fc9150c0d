"""App configuration: our admin site in place of Django's."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class CoachbotConfig(AppConfig):
    """Holds what belongs to no single app: commands and system checks."""

    name = "coachbot"

    def ready(self) -> None:
        """Register the system checks."""
        from coachbot import checks  # noqa: F401


class CoachbotAdminConfig(AdminConfig):
    """Serves Django admin and the operator's pages under one roof."""

    default_site = "coachbot.admin_site.CoachbotAdminSite"
