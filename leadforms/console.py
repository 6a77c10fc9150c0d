"""The operator's pages of the form: builder, history, looks, what was kept back."""

from django.urls import URLPattern, path

from leadforms import builder, design_pages, design_preview, held_pages, history_pages

_form = "<workspace:slug>/form"
_design = "<workspace:slug>/design"
console_urls: list[URLPattern] = [
    path(_form, builder.show_builder, name="form-builder"),
    path(f"{_form}/draft", builder.read_draft, name="form-draft"),
    path(f"{_form}/draft/save", builder.save_draft, name="form-draft-save"),
    path(f"{_form}/preview", builder.preview, name="form-preview"),
    path(f"{_form}/review", builder.review, name="form-review"),
    path(f"{_form}/publish", builder.publish, name="form-publish"),
    path(f"{_form}/unpublish", history_pages.unpublish_form, name="form-unpublish"),
    path(f"{_form}/history", history_pages.list_versions, name="form-history"),
    path(f"{_form}/history/<int:number>", history_pages.show_version, name="form-version"),
    path(f"{_form}/history/<int:number>/preview", history_pages.preview_version, name="form-version-preview"),
    path(f"{_form}/history/<int:number>/restore", history_pages.restore_version, name="form-restore"),
    path(f"{_form}/held", held_pages.list_held, name="form-held"),
    path(f"{_form}/held/cap", held_pages.change_cap, name="form-held-cap"),
    path(_design, design_pages.edit_design, name="form-design"),
    path(f"{_design}/logo", design_pages.change_logo, name="form-design-logo"),
    path(f"{_design}/preview", design_preview.preview_design, name="form-design-preview"),
    path(f"{_design}/theme.css", design_preview.preview_theme, name="form-design-theme"),
]
