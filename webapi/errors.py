"""The one shape of an API error: {"ok": false, "error": …, "message"?: …, "issues"?: […]}."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

RETRY_AFTER_S = 5


class Issue(TypedDict):
    """What is wrong with one value; `path` leads to it from the root of the body."""

    path: Sequence[str | int]
    message: str


class ApiError(Exception):
    """An anticipated refusal, with everything its answer holds."""

    def __init__(
        self,
        status: int,
        error: str,
        *,
        message: str | None = None,
        issues: Sequence[Issue] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.body = error_body(error, message=message, issues=issues) | dict(extra or {})
        self.headers = dict(headers or {})


def error_body(error: str, *, message: str | None = None, issues: Sequence[Issue] = ()) -> dict[str, Any]:
    """Build the body of an error answer."""
    body: dict[str, Any] = {"ok": False, "error": error}
    if message is not None:
        body["message"] = message
    if issues:
        body["issues"] = list(issues)
    return body


def payload_too_large() -> ApiError:
    """Build the 413 of a body over the limit."""
    return ApiError(413, "payload_too_large", message="The request body is larger than 128 kB.")


def unavailable() -> ApiError:
    """Build the 503 for while the database is away."""
    return ApiError(503, "unavailable", headers={"Retry-After": str(RETRY_AFTER_S)})
