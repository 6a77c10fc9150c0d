"""What load balancers ask: is the process alive, and may it get traffic."""

import time
from collections.abc import Callable

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workspaces.connections import DATABASE_AWAY

# A write that succeeded counts so long: whoever asks more often makes no more work.
WRITE_EVERY_S = 1.0
# What changes nothing and is written to disk all the same. SQLite passes over a row that is the same afterwards; the
# number in its header, which nobody else uses, it always writes.
_WRITE = {
    "postgresql": "UPDATE django_migrations SET applied = applied WHERE id = (SELECT max(id) FROM django_migrations)",
    "sqlite": "PRAGMA user_version = 0",
}
_wrote_at = float("-inf")


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process runs; touches nothing else."""
    return JsonResponse({"ok": True})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database takes writes and every migration is applied, else 503 with the reason."""
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DATABASE_AWAY:
        return _not_ready("database unavailable")
    if missing:
        return _not_ready(f"{missing} migrations not applied")
    try:
        _write()
    except DATABASE_AWAY:
        return _not_ready("database takes no writes")
    return JsonResponse({"ok": True})


def _not_ready(reason: str) -> JsonResponse:
    return JsonResponse({"ok": False, "error": reason}, status=503)


def _write() -> None:
    """Write to the database. Raises where its disk is full or read-only, or the server a standby."""
    global _wrote_at
    now = time.monotonic()
    if now - _wrote_at < WRITE_EVERY_S:
        return
    with connection.cursor() as cursor:
        cursor.execute(_WRITE[connection.vendor])
    _wrote_at = now


class HealthMiddleware:
    """Answer /healthz and /readyz before anything looks at the host or the scheme: a balancer asks by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._views = {"/healthz": healthz, "/readyz": readyz}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = self._views.get(request.path_info, self.get_response)
        return view(request)
