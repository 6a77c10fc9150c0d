"""Django admin for staff who are members: every list, choice, filter and object only of their workspaces.

Rights come from the role in each workspace, never from Django's permission rows. Superusers may do whatever the
model allows at all.
"""

import contextlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import CASCADE, PROTECT, ForeignKey, JSONField, ManyToOneRel, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from webapi.strict_json import NotJson, read_tolerant
from workspaces.access import MANAGERS, Role, workspaces_with
from workspaces.json_field import StrictJSONField
from workspaces.models import Membership, Workspace

# A right that nobody has, superusers included: the edit would break a promise.
NOBODY = None
SUPERUSERS: frozenset[Role] = frozenset()
Roles = frozenset[Role] | None

COUNT_AT_MOST = 10_000
FILTER_CHOICES_AT_MOST = 100
CHOICES_AT_MOST = 200


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of a list that may hold a million rows: counting stops at COUNT_AT_MOST, and so do the pages."""

    @cached_property
    def count(self) -> int:
        """Count the rows, but not further than anybody pages."""
        return min(self._seen, COUNT_AT_MOST)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self._seen > COUNT_AT_MOST

    @cached_property
    def _seen(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNT_AT_MOST + 1].count())


class OwnFilters(ChangeList):
    """A list that an address narrows by the list's own filters alone.

    Django admin would take any look-up of any column: a bad pattern is a crash, a slow one a busy database. Anything
    else leads to the list with `?e=1`, as what Django itself can't read does.
    """

    def get_filters_params(self, params: Any = None) -> Any:
        """Refuse what no database is asked for."""
        found = super().get_filters_params(params)
        if any("\x00" in str(value) for values in found.values() for value in values):
            raise IncorrectLookupParameters("a NUL character")
        return found

    def get_filters(self, request: HttpRequest) -> Any:
        """Refuse what none of the filters has taken."""
        try:
            found = super().get_filters(request)
        except DisallowedModelAdminLookup as error:
            raise IncorrectLookupParameters("no filter of this list") from error
        if left := found[2]:
            raise IncorrectLookupParameters(f"no filter of this list: {', '.join(left)}")
        return found


class WorkspaceFilter(admin.SimpleListFilter):
    """Filter a list by one of the user's own workspaces. Asks for no other name and never scans the list itself."""

    title = _("workspace")
    parameter_name = "workspace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the workspaces whose rows the user may see."""
        rows = visible_workspaces(request, model_admin.view_roles).order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in rows[:FILTER_CHOICES_AT_MOST]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one workspace's rows of a list that is scoped already."""
        if not self.value():
            return queryset
        try:
            chosen = UUID(str(self.value()))
        except ValueError:
            return queryset.none()
        registered: Any = admin.site.get_model_admin(queryset.model)
        return queryset.filter(**{registered.to_workspace: chosen})


class KnownValuesFilter(admin.SimpleListFilter):
    """Filter by a column without choices of its own. Django's filter would read every row to find its values."""

    values: ClassVar[Sequence[tuple[str, Any]]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer what the code knows."""
        return list(self.values)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows with the value."""
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


def visible_workspaces(request: HttpRequest, roles: Roles) -> QuerySet[Workspace]:
    """Keep the workspaces in which the user has one of the roles; superusers see all."""
    if request.user.is_superuser:
        return Workspace.objects.all()
    return Workspace.objects.filter(pk__in=workspaces_with(request, roles or SUPERUSERS))


def co_members(request: HttpRequest, roles: Roles) -> QuerySet[Any]:
    """Keep the users who share a workspace in which the user has one of the roles; superusers see all."""
    users = get_user_model()._default_manager.order_by(get_user_model().USERNAME_FIELD)
    if request.user.is_superuser:
        return users
    together = Membership.objects.filter(workspace_id__in=workspaces_with(request, roles or SUPERUSERS))
    return users.filter(pk__in=together.values("user_id"))


def payload(value: Any) -> SafeString:
    """Show a text or a JSON value readably, wrapped."""
    if isinstance(value, str):
        with contextlib.suppress(NotJson):
            value = read_tolerant(value)
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre class="payload" tabindex="0">{}</pre>', text) if value else SafeString("–")


class GuardedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists, searches and forms that take only what they can use."""

    formfield_overrides: ClassVar = {JSONField: {"form_class": StrictJSONField}}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Filter by the list's own filters alone."""
        return OwnFilters

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Look for no NUL: no database is asked for it, and the search of choices lets it through."""
        return super().get_search_results(request, queryset, search_term.replace("\x00", ""))

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Act on rows that are named by their ids; anything else shows the list again."""
        key: Any = self.opts.pk
        try:
            for each in request.POST.getlist(helpers.ACTION_CHECKBOX_NAME):
                key.run_validators(key.to_python(each))
        except ValidationError:
            return None
        return super().response_action(request, queryset, *args, **kwargs)


class ScopedAdmin(GuardedAdmin):
    """Rows of workspaces, each seen and changed by the roles named here."""

    to_workspace: ClassVar[str] = "workspace_id"
    view_roles: ClassVar[Roles] = MANAGERS
    add_roles: ClassVar[Roles] = NOBODY
    change_roles: ClassVar[Roles] = NOBODY
    delete_roles: ClassVar[Roles] = NOBODY

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    list_per_page = 50
    list_max_show_all = 50

    def workspace_id_of(self, obj: Model) -> UUID:
        """Follow `to_workspace` from a row."""
        found: Any = obj
        for step in self.to_workspace.split("__"):
            found = getattr(found, step)
        return UUID(str(found))

    def may(self, request: HttpRequest, roles: Roles, obj: Model | None = None) -> bool:
        """Say whether the user has one of the roles, in the row's workspace or, without a row, anywhere."""
        if roles is NOBODY:
            return False
        if request.user.is_superuser:
            return True
        own = workspaces_with(request, roles)
        return bool(own) if obj is None else self.workspace_id_of(obj) in own

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the app to whoever may see a row of it."""
        return self.may(request, self.view_roles)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Ask the role."""
        return self.may(request, self.view_roles, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Ask the role."""
        return self.may(request, self.add_roles)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Ask the role."""
        return self.may(request, self.change_roles, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Ask the role."""
        return self.may(request, self.delete_roles, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Start at the user's workspaces."""
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(**{f"{self.to_workspace}__in": workspaces_with(request, self.view_roles or SUPERUSERS)})

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Offer, and accept, only what belongs to the user's workspaces."""
        target = db_field.remote_field.model
        roles = self.add_roles or self.change_roles
        if target is Workspace:
            kwargs["queryset"] = visible_workspaces(request, roles)
        elif target is get_user_model():
            kwargs["queryset"] = co_members(request, roles)
        else:
            kwargs["queryset"] = target._default_manager.none()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_autocomplete_fields(self, request: HttpRequest) -> Any:
        """Search in long choices only: a plain choice works without JavaScript and for every screen reader."""
        if not request.user.is_superuser or Workspace.objects.count() <= CHOICES_AT_MOST:
            return ()
        return super().get_autocomplete_fields(request)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the rows and count what goes with them, instead of loading it all."""
        rows: list[Model] = list(objs)
        denied = any(not self.has_delete_permission(request, row) for row in rows)
        lacking = {str(self.opts.verbose_name_plural)} if denied else set()
        return [str(row) for row in rows], self.count_what_goes(rows), lacking, self._name_what_keeps(rows)

    def count_what_goes(self, rows: Iterable[Model]) -> dict[str, int]:
        """Count the rows and what the database deletes with them, by the plural of each."""
        rows = list(rows)
        counts = {str(self.opts.verbose_name_plural): len(rows)}
        for relation in self.model._meta.related_objects:
            if relation.on_delete is CASCADE:
                related = relation.related_model._default_manager.filter(**{f"{relation.field.name}__in": rows})
                counts[str(relation.related_model._meta.verbose_name_plural)] = related.count()
        return {name: count for name, count in counts.items() if count}

    def _name_what_keeps(self, rows: list[Model]) -> list[str]:
        """Name what must be gone before the rows may go."""
        kept = []
        for relation in self.model._meta.get_fields(include_hidden=True):
            if isinstance(relation, ManyToOneRel) and relation.on_delete is PROTECT:
                related = relation.related_model._default_manager.filter(**{f"{relation.field.name}__in": rows})
                if count := related.count():
                    kept.append(f"{relation.related_model._meta.verbose_name_plural}: {count}")
        return kept


class ReadOnlyAdmin(ScopedAdmin):
    """Rows that tell what happened. Nobody edits them."""

    actions: Any = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show everything as text."""
        return self.readonly_fields or [field.name for field in self.opts.fields]
