"""A column for JSON that must come back as it was."""

import json
from typing import Any

from django.db import models


class VerbatimJSONField(models.TextField):  # type: ignore[type-arg]
    """JSON kept as text: unlike jsonb, the order of keys and the spelling of numbers survive."""

    def get_prep_value(self, value: Any) -> Any:
        """Serialise on the way in."""
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """Read on the way out."""
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        """Read what a form or a fixture holds."""
        return json.loads(value) if isinstance(value, str) else value

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise for a fixture."""
        return str(self.get_prep_value(self.value_from_object(obj)))
