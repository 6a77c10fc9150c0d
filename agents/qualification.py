"""What a workspace's agent asks for besides what every agent does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workspaces.models import Workspace

MAX_FIELDS = 20
MAX_LABEL_CHARS = 200
STANDARD = frozenset({"goal", "budget", "schedulePref", "notes"})
_a_name = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}").fullmatch


@dataclass(frozen=True, slots=True)
class OwnField:
    """A field of the workspace's own: its name in the profile and what staff call it."""

    name: str
    label: str


def own_fields(workspace: Workspace) -> list[OwnField]:
    """Return the fields as they can be told to a model. What can't be is left out; the settings refuse it."""
    found = {field.name: field for field in _readable(workspace.qualification_fields) if field.name not in STANDARD}
    return list(found.values())[:MAX_FIELDS]


def _readable(stored: Any) -> Iterator[OwnField]:
    for each in stored if isinstance(stored, list) else []:
        name, label = (each.get("name"), each.get("label")) if isinstance(each, dict) else (None, None)
        if isinstance(name, str) and _a_name(name):
            yield OwnField(name, str(label or name)[:MAX_LABEL_CHARS])
