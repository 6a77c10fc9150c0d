"""What load balancers ask: is the process alive, and may it get traffic."""

from collections.abc import Callable

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from coachbot.errors import DATABASE_AWAY


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process runs; touches nothing else."""
    return JsonResponse({"ok": True})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and every migration is applied, else 503 with the reason."""
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DATABASE_AWAY:
        return JsonResponse({"ok": False, "error": "database unavailable"}, status=503)
    if missing:
        return JsonResponse({"ok": False, "error": f"{missing} migrations not applied"}, status=503)
    return JsonResponse({"ok": True})


class HealthMiddleware:
    """Answer /healthz and /readyz before anything looks at the host or the scheme: a balancer asks by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._views = {"/healthz": healthz, "/readyz": readyz}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = self._views.get(request.path_info, self.get_response)
        return view(request)
