"""GET /api/public/me: what a key opens."""

from apikeys.authentication import Caller
from apikeys.limits import windows_of
from apikeys.models import ApiKey
from webapi.calls import Answer, ApiCall
from webapi.json_api import iso


def show_caller(call: ApiCall, caller: Caller) -> Answer:
    """Answer the workspace, the key and its limits (null: none)."""
    key = ApiKey.objects.select_related("workspace").get(pk=caller.key_id)
    limits = {window.name: window.limit for window in windows_of(caller)}
    workspace = key.workspace
    return Answer(
        200,
        {
            "ok": True,
            "workspace": {
                "id": str(workspace.pk),
                "name": workspace.name,
                "slug": workspace.slug,
                "channel": workspace.channel,
            },
            "key": {
                "name": key.name,
                "prefix": key.shown,
                "mode": key.mode,
                "createdAt": iso(key.created_at),
                "expiresAt": iso(key.expires_at),
            },
            "limits": {"perMinute": limits.get("minute"), "perHour": limits.get("hour")},
        },
    )
