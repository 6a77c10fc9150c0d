"""What a tool gets, and what it answers."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.models import Lead

# For the model: `ok`, `error` in words where it is false, else what it asked for.
Result = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One call of a tool: on whom, with which values (checked), and until when (time.monotonic)."""

    lead: Lead
    values: dict[str, Any]
    channel: str
    now: datetime
    deadline: float

    def left_s(self) -> float:
        """Seconds until an answer is due."""
        return self.deadline - time.monotonic()


def done(**told: Any) -> Result:
    """Answer that it was done."""
    return {"ok": True, **told}


def refused(error: str, **told: Any) -> Result:
    """Answer that it was not done, in words that the model can act on."""
    return {"ok": False, "error": error, **told}
