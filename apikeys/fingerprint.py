"""What a request means, as a hash: two serialisers of one client write the same JSON in different bytes."""

import hashlib
import json
from typing import Any

from webapi import strict_json


def fingerprint(body: bytes) -> str:
    """Return the SHA-256 of a JSON body's canonical form as hex; of any other body, that of its bytes.

    Spaces, the order of keys, escapes and the spelling of numbers (1, 1.0, 1e0) don't matter; the order of a list does.
    """
    try:
        value = strict_json.read(body)
    except strict_json.NotJson:
        return digest(body)
    text = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return digest(text.encode())


def digest(body: bytes) -> str:
    """Return the SHA-256 of bytes as hex."""
    return hashlib.sha256(body).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
