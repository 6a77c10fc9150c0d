"""All that we read is UTF-8, whatever a request says of itself."""

from collections.abc import Callable, Iterable
from typing import Any

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class AsUtf8:
    """A WSGI application in front of Django's that takes the charset out of a request's Content-Type.

    Django decodes addresses and fields by any codec of Python's that stands there. "hex" or "punycode" fail, and do so
    before a middleware or a view could catch it.
    """

    def __init__(self, application: WsgiApp) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Pass the request on."""
        given = environ.get("CONTENT_TYPE", "")
        if "charset" in given.lower():
            parts = (part for part in given.split(";") if not part.strip().lower().startswith("charset"))
            environ["CONTENT_TYPE"] = ";".join(parts)
        return self._application(environ, start_response)
