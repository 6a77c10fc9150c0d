"""Values out of untrusted JSON, each of a sure shape; what is wrong is collected, not raised."""

from collections.abc import Callable
from typing import Any, TypeVar

from leadforms.values import clean_text
from webapi.errors import Issue

T = TypeVar("T")


class Untrusted:
    """Reads parts of a document. `issues` name every place that is wrong; what stands there reads as empty."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self._ids: set[str] = set()

    def refuse(self, message: str, *path: str | int) -> None:
        """Note what is wrong with a place."""
        self.issues.append({"path": list(path), "message": message})

    def _id(self, raw: dict[str, Any], fits: Callable[[str], Any], *path: str | int) -> str:
        value = raw.get("id")
        if not isinstance(value, str) or not fits(value):
            self.refuse("Not an id.", *path, "id")
            return ""
        if value in self._ids:
            self.refuse("This id is there twice.", *path, "id")
        self._ids.add(value)
        return value

    def _choice(self, raw: dict[str, Any], name: str, kind: type[T], default: T, *path: str | int) -> T:
        value = raw.get(name, default)
        try:
            return kind(value)  # type: ignore[call-arg]
        except (ValueError, TypeError):
            self.refuse("Not one of the possible values.", *path, name)
            return default

    def _text(self, raw: dict[str, Any], name: str, longest: int, *path: str | int) -> str:
        return self._clean(raw.get(name, ""), longest, *path, name)

    def _clean(self, value: Any, longest: int, *path: str | int) -> str:
        if not isinstance(value, str):
            self.refuse("Must be text.", *path)
            return ""
        text = clean_text(value)
        if len(text) > longest:
            self.refuse(f"At most {longest} characters.", *path)
        return text

    def _object(self, raw: Any, *path: str | int) -> dict[str, Any]:
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self.refuse("Must be an object.", *path)
            return {}
        return raw

    def _many(self, raw: Any, most: int, read: Callable[..., T], *path: str | int) -> tuple[T, ...]:
        if raw is None:
            return ()
        if not isinstance(raw, list):
            self.refuse("Must be a list.", *path)
            return ()
        if len(raw) > most:
            self.refuse(f"At most {most}.", *path)
            return ()
        return tuple(read(item, *path, n) for n, item in enumerate(raw))
