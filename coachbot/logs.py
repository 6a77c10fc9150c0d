"""Log lines as one JSON object each, with the id of the request that caused them. An `error` is for us to mend."""

import json
import logging
from datetime import UTC, datetime

from webapi import request_id

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "request"}

_encode = json.JSONEncoder(default=str, ensure_ascii=False).encode


# A provider or the database is away, or the process is told to stop: /readyz and the rows tell of that.
_AWAY = frozenset({502, 503, 504})


class NotOurFault(logging.Filter):
    """Lower to warnings, without a traceback, what libraries log as errors and anybody on the internet can cause.

    These are requests that Django refuses as suspicious, those that the Inngest SDK finds unsigned, and answers during
    an outage, whose cause is a line of its own.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        if record.levelno == logging.ERROR and _others_caused(record):
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
            record.exc_info = record.exc_text = None
        return True


def _others_caused(record: logging.LogRecord) -> bool:
    if record.name == "django.request":
        return getattr(record, "status_code", None) in _AWAY
    if record.name == "inngest":
        return record.getMessage().startswith("unauthorized")
    return record.name.startswith("django.security.")


class JsonFormatter(logging.Formatter):
    """Format a record as JSON; what was given in `extra` becomes keys of its own."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.current():
            line["request_id"] = current
        line |= {key: getattr(record, key) for key in sorted(record.__dict__.keys() - _STANDARD)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)
