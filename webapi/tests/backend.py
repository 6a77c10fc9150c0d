"""A customer's backend, and the wire to Vapi behind us."""

import itertools
import json
from typing import Any

import responses
from django.test import Client

from conftest import make_key, make_workspace
from workspaces.models import Workspace

LEADS = "/api/public/leads"
VAPI = "https://api.vapi.ai/call"
_numbers = itertools.count(1)


class Backend:
    """Calls the Public API with one key, as Django's test client does it."""

    def __init__(self, workspace: Workspace | None = None, *, key: str | None = None, **of_key: Any) -> None:
        self.workspace = workspace or make_workspace()
        self.key = key or make_key(self.workspace, **of_key)
        self._client = Client(raise_request_exception=False)

    def ask(self, method: str, path: str, body: bytes | str = b"", **headers: str) -> Any:
        """Send any request; headers by their names with _ for -."""
        named = {"Authorization": f"Bearer {self.key}"} | {n.replace("_", "-"): value for n, value in headers.items()}
        content_type = named.pop("Content-Type", "application/json" if body else "")
        return self._client.generic(method, path, body, content_type=content_type, headers=named)

    def post(self, body: Any, **headers: str) -> Any:
        """Send a lead: an object, or the body as it is."""
        raw = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.ask("POST", LEADS, raw, **headers)

    def get(self, path: str = LEADS, /, *, headers: Any = None, **query: Any) -> Any:
        """Read."""
        named = {"Authorization": f"Bearer {self.key}"} | (headers or {})
        return self._client.get(path, query, headers=named)

    def show(self, lead_id: Any, **headers: str) -> Any:
        """Read one lead."""
        return self.ask("GET", f"{LEADS}/{lead_id}", **headers)

    def delete(self, lead_id: Any) -> Any:
        """Erase one lead."""
        return self.ask("DELETE", f"{LEADS}/{lead_id}")


def submission(**fields: Any) -> dict[str, Any]:
    """Make the body of a submission, with a phone of its own."""
    return {"name": "Jane Doe", "phone": f"+4479{next(_numbers):08d}", "consent": True} | fields


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    """Leave fields out."""
    return {name: value for name, value in body.items() if name not in names}


def vapi_takes(call_id: str = "call-1") -> None:
    """Let Vapi take the next calls."""
    responses.post(VAPI, json={"id": call_id, "status": "queued"}, status=201)


def calls_to_vapi(method: str = "POST") -> list[Any]:
    """List what went over the wire."""
    return [call for call in responses.calls if call.request.method == method]
