"""API keys: `ck_live_` or `ck_test_` and 32 hex digits, of which only a prefix and the SHA-256 are stored."""

import hashlib
import hmac
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from workspaces.models import Workspace

PREFIX_LENGTH = 8
MAX_GRACE = timedelta(hours=72)
LAST_USED_EVERY = timedelta(minutes=1)
_token = re.compile(r"ck_(live|test)_([0-9a-f]{32})").fullmatch


class Mode(models.TextChoices):
    """Whether a key reaches people or the simulated channel."""

    LIVE = "live", _("Live")
    TEST = "test", _("Test")


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its plaintext, which exists here and nowhere else."""

    key: "ApiKey"
    plaintext: str


def hash_token(token: str) -> str:
    """Hash a whole key as it is stored. Keys are 128 random bits: no salt and no slow hash needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def parse_token(token: str) -> tuple[str, str] | None:
    """Split a well-formed key into its prefix (8 hex digits) and its hash."""
    match = _token(token)
    return (match[2][:PREFIX_LENGTH], hash_token(token)) if match else None


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Many keys."""

    def alive(self, at: datetime) -> "ApiKeyQuerySet":
        """Keep the keys that work at a moment."""
        return self.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=at))

    def issue(
        self,
        *,
        workspace: Workspace,
        name: str,
        mode: str = Mode.LIVE,
        created_by_id: int | None = None,
        expires_at: datetime | None = None,
        limit_per_minute: int | None = None,
        limit_per_hour: int | None = None,
    ) -> IssuedKey:
        """Make a key. Its plaintext can't be had again."""
        digits = secrets.token_hex(16)
        plaintext = f"ck_{mode}_{digits}"
        key = self.create(
            workspace=workspace,
            name=name,
            mode=mode,
            prefix=digits[:PREFIX_LENGTH],
            token_hash=hash_token(plaintext),
            created_by_id=created_by_id,
            expires_at=expires_at,
            limit_per_minute=limit_per_minute,
            limit_per_hour=limit_per_hour,
        )
        return IssuedKey(key, plaintext)

    def match(self, token: str, *, at: datetime) -> "ApiKey | None":
        """Find the key that works for a token, with its workspace; None for every reason why there is none."""
        parsed = parse_token(token)
        if parsed is None:
            return None
        prefix, token_hash = parsed
        for key in self.alive(at).filter(prefix=prefix).select_related("workspace"):
            if hmac.compare_digest(key.token_hash, token_hash):
                return key
        return None

    def stamp_used(self, pk: uuid.UUID, *, at: datetime) -> None:
        """Note that a key was used, at most once a minute."""
        stale = Q(last_used_at=None) | Q(last_used_at__lt=at - LAST_USED_EVERY)
        self.filter(stale, pk=pk).update(last_used_at=at)


class ApiKey(models.Model):
    """A customer's backend's way in, for one workspace."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    mode = models.CharField(max_length=4, choices=Mode.choices, default=Mode.LIVE)
    prefix = models.CharField(max_length=PREFIX_LENGTH, db_index=True, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    limit_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Empty: the default. 0: no limit.")
    )
    limit_per_hour = models.PositiveIntegerField(null=True, blank=True, help_text=_("Empty: the default. 0: no limit."))

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="apikey_mode_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.shown})"

    @property
    def shown(self) -> str:
        """How the key is shown after its first minute: ck_live_a1b2c3d4…"""
        return f"ck_{self.mode}_{self.prefix}…"

    @property
    def is_test(self) -> bool:
        """Whether the key reaches the simulated channel only."""
        return self.mode == Mode.TEST

    def state(self, at: datetime) -> str:
        """Say `active`, `expiring` (rolled, still in its grace), `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is None:
            return "active"
        return "expiring" if self.expires_at > at else "expired"

    def revoke(self, *, at: datetime) -> bool:
        """End the key at once, in every process. False: it was revoked before."""
        ended = ApiKey.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=at) == 1
        if ended:
            self.revoked_at = at
        return ended

    def roll(self, *, at: datetime, grace: timedelta, by_id: int | None = None) -> IssuedKey:
        """Issue a key like this one; this one dies after the grace (0 to 72 hours), or earlier if it would have.

        Raises ValueError for another grace, or when this key no longer works.
        """
        if not timedelta(0) <= grace <= MAX_GRACE:
            raise ValueError("The grace is 0 to 72 hours.")
        if self.state(at) not in {"active", "expiring"}:
            raise ValueError("Only a key that works can be rolled.")
        issued = ApiKey.objects.issue(
            workspace=self.workspace,
            name=self.name,
            mode=self.mode,
            created_by_id=by_id,
            limit_per_minute=self.limit_per_minute,
            limit_per_hour=self.limit_per_hour,
            # A key that was meant to end does not live on as its successor.
            expires_at=self.expires_at,
        )
        if not grace:
            self.revoke(at=at)
        else:
            dies_at = min(filter(None, (self.expires_at, at + grace)))
            ApiKey.objects.filter(pk=self.pk).update(expires_at=dies_at)
            self.expires_at = dies_at
        return issued


class IdempotentRequest(models.Model):
    """The first answer to a request that carried an Idempotency-Key, kept for 24 hours."""

    class Status(models.TextChoices):
        """Whether there is an answer yet."""

        RUNNING = "running"
        DONE = "done"

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="idempotent_requests")
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    # Chosen before the lead is inserted: a run whose process died is found again by it.
    lead_id = models.UUIDField(default=uuid.uuid4)
    run_id = models.UUIDField(default=uuid.uuid4)
    lease_until = models.DateTimeField()
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.TextField(default="")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["api_key", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return f"{self.status} {self.created_at:%Y-%m-%d %H:%M}"
