"""Django admin with the operator's pages of each app hung in under the same roof and login."""

from django.contrib.admin import AdminSite


class CoachbotAdminSite(AdminSite):
    """The site at /admin/."""

    site_title = "Coachbot"
    site_header = "Coachbot"
    index_title = "Platform"
