"""Log lines as one JSON object each, with the id of the request that caused them."""

import json
import logging
from datetime import UTC, datetime

from webapi import request_id

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "request"}

_encode = json.JSONEncoder(default=str, ensure_ascii=False).encode


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
