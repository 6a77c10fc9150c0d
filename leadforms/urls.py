"""The pages that visitors see, under /forms/."""

from django.urls import URLPattern, path, re_path

from leadforms import hosted, theme_pages

_slug = r"(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)"
_digest = r"(?P<digest>[0-9a-f]{16})"

urlpatterns: list[URLPattern] = [
    path("embed.js", hosted.embed_script, name="form-embed-script"),
    re_path(rf"^{_slug}/theme-{_digest}\.css$", theme_pages.show_theme, name="form-theme"),
    re_path(rf"^{_slug}/logo-{_digest}\.webp$", theme_pages.show_logo, name="form-logo"),
    path("<str:slug>", hosted.form_page, name="form-page"),
    path("<str:slug>/", hosted.form_page),
    path("<str:slug>/thanks", hosted.thanks_page, name="form-thanks"),
]
