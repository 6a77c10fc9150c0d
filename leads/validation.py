"""The body of POST /api/public/leads → a Submission, with every problem named at once."""

import json
from collections.abc import Iterable
from typing import Any

from apikeys.authentication import Caller
from leads import emails
from leads import phone as phones
from leads.intake import Submission
from leads.names import clean_name
from webapi.errors import ApiError, Issue
from workspaces.models import Channel

NAME_MAX = 120
EMAIL_MAX = 254
GOAL_MAX = 2000
METADATA_KEYS = 50
METADATA_BYTES = 32_768
METADATA_DEPTH = 100
CONSENT = "`consent` must be true."
REQUIRED = "This field is required."
NUL = "Must not contain NUL characters."


class Checker:
    """Collects what is wrong with a body while it is read."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.issues: list[Issue] = []
        # What a person needs to know besides the issues, whose words are fixed.
        self.advice: str | None = None

    def refuse(self, message: str, *path: str | int) -> None:
        """Note a problem."""
        self.issues.append({"path": list(path), "message": message})

    def text(self, name: str, *, longest: int, required: bool = False) -> str | None:
        """Read a trimmed string. None: absent, or refused."""
        value = self.body.get(name)
        if value is None:
            if required:
                self.refuse(REQUIRED, name)
            return None
        if not isinstance(value, str):
            self.refuse("Must be a string.", name)
            return None
        if "\x00" in value:
            self.refuse(NUL, name)
            return None
        value = value.strip()
        if required and not value:
            self.refuse("Must not be empty.", name)
        elif len(value) > longest:
            self.refuse(f"Must be at most {longest} characters.", name)
        else:
            return value
        return None

    def name(self) -> str:
        """Read the name, as it was sent; "" when it was refused."""
        name = self.text("name", longest=NAME_MAX, required=True)
        if name and not clean_name(name):
            self.refuse("Must not be empty.", "name")
        return name or ""

    def phone(self, *, region: str) -> str:
        """Read the phone as E.164; "" when it was refused."""
        value = self.body.get("phone")
        if value is None:
            self.refuse(REQUIRED, "phone")
            return ""
        try:
            if not isinstance(value, str):
                raise phones.NotAPhoneNumber
            return phones.normalise(value, region=region)
        except phones.NotAPhoneNumber as error:
            self.refuse(phones.MESSAGE, "phone")
            self.advice = phones.EXTENSION if isinstance(error, phones.HasExtension) else None
            return ""

    def email(self) -> str | None:
        """Read an address; "" means none."""
        value = self.text("email", longest=EMAIL_MAX)
        if not value:
            return None
        try:
            return emails.normalise(value)
        except emails.NotAnEmail:
            self.refuse("Must be a valid email address.", "email")
            return None

    def metadata(self) -> dict[str, Any] | None:
        """Read an object of any JSON values."""
        value = self.body.get("metadata")
        if value is None:
            return None
        if not isinstance(value, dict):
            self.refuse("Must be an object.", "metadata")
            return None
        if len(value) > METADATA_KEYS:
            self.refuse(f"Must have at most {METADATA_KEYS} keys.", "metadata")
        elif self._check_nested(value, ("metadata",)) and _size(value) > METADATA_BYTES:
            self.refuse("Must be at most 32 kB as JSON.", "metadata")
        return value

    def form_responses(self) -> dict[str, str]:
        """Read an object of strings."""
        value = self.body.get("formResponses")
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.refuse("Must be an object.", "formResponses")
            return {}
        for key, answer in value.items():
            if not isinstance(answer, str):
                self.refuse("Must be a string.", "formResponses", key)
            elif "\x00" in key or "\x00" in answer:
                self.refuse(NUL, "formResponses", key.replace("\x00", ""))
        return value

    def consent(self) -> None:
        """Want the literal true."""
        if self.body.get("consent") is not True:
            self.refuse(CONSENT, "consent")

    def _check_nested(self, value: Any, path: tuple[str | int, ...]) -> bool:
        """Look for what can't be stored, at any depth. False: it is nested too deep to be looked at further."""
        if len(path) > METADATA_DEPTH:
            self.refuse(f"Must not be nested deeper than {METADATA_DEPTH} levels.", path[0], path[1])
            return False
        if isinstance(value, str) and "\x00" in value:
            self.refuse(NUL, *path)
        found = [self._check_item(key, inner, path) for key, inner in _items(value)]
        return all(found)

    def _check_item(self, key: str | int, inner: Any, path: tuple[str | int, ...]) -> bool:
        if isinstance(key, str) and "\x00" in key:
            key = key.replace("\x00", "")
            self.refuse(NUL, *path, key)
        return self._check_nested(inner, (*path, key))


def _items(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _size(value: dict[str, Any]) -> int:
    """Return its length in bytes as it is stored."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def read_submission(body: dict[str, Any], caller: Caller) -> Submission:
    """Check a body. Raises ApiError (400) that names everything that is wrong with it."""
    checker = Checker(body)
    name = checker.name()
    phone = checker.phone(region=caller.default_region)
    checker.consent()
    email = checker.email()
    goal = checker.text("goal", longest=GOAL_MAX)
    metadata = checker.metadata()
    form_responses = checker.form_responses() if caller.channel == Channel.VOICE else {}
    if checker.issues:
        only_consent = all(issue["path"] == ["consent"] for issue in checker.issues)
        error = CONSENT if only_consent else "Validation failed."
        raise ApiError(400, error, message=checker.advice, issues=checker.issues)
    return Submission(
        workspace_id=caller.workspace_id,
        channel=caller.channel,
        is_test=caller.is_test,
        key_id=caller.key_id,
        name=name,
        phone=phone,
        email=email,
        goal=goal or None,
        metadata=metadata,
        form_responses=form_responses,
    )
