"""The tenant: a workspace, who works in it, its own credentials at the providers, and its journal."""

import json
import secrets
import uuid
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import available_timezones

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from workspaces.secrets import EncryptedTextField

# What would shadow a page under /admin/<slug>/ or a page of Django admin.
# fmt: off
RESERVED_SLUGS = frozenset({
    "admin", "api", "apikeys", "agents", "auth", "autocomplete", "coachbot", "contenttypes", "docs", "forms",
    "healthz", "jsi18n", "leadforms", "leads", "login", "logout", "messages", "new", "password_change", "providers",
    "r", "readyz", "recordings", "sessions", "settings", "sim", "simulators", "static", "static-files", "voice",
    "webhooks", "whatsapp", "workspaces",
})
# fmt: on
LIKE_AN_ID = _("This address looks like an id. Please choose another.")


def read_id(name: str) -> uuid.UUID | None:
    """Return the id that a part of an address spells, hyphens or none; None for a slug."""
    try:
        return uuid.UUID(name)
    except ValueError:
        return None


def validate_slug_free(slug: str) -> None:
    """Refuse a slug that one of our own addresses needs, and one that could be the id of a workspace."""
    if slug in RESERVED_SLUGS:
        raise ValidationError(_("This address is reserved. Please choose another."))
    if read_id(slug) is not None:
        raise ValidationError(LIKE_AN_ID)


def validate_timezone(name: str) -> None:
    """Refuse what is not an IANA time zone."""
    if name not in available_timezones():
        raise ValidationError(_("Not a time zone. Write it like Europe/London."))


def validate_region(code: str) -> None:
    """Refuse what is not a two-letter region that phone numbers are known for."""
    if code and code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValidationError(_("Not a country. Write its two letters, like GB."))


class Channel(models.TextChoices):
    """How a workspace reaches its leads. Chosen once, for life."""

    VOICE = "voice", _("Voice")
    WHATSAPP = "whatsapp", _("WhatsApp")


class UnknownSenders(models.TextChoices):
    """What becomes of a WhatsApp message from a phone that is no lead."""

    IGNORE = "ignore", _("Ignore")
    LEAD = "lead", _("Make a lead and answer")


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    """Many workspaces."""

    def visible_to(self, user: Any) -> "WorkspaceQuerySet":
        """Keep what a user may see: superusers everything, everybody else their memberships."""
        if user.is_superuser:
            return self
        return self.filter(memberships__user_id=user.pk)


class CostlyKind(models.TextChoices):
    """Kinds of phone number that cost who calls them extra (leads.costly)."""

    PREMIUM_RATE = "premium_rate", _("premium-rate number")
    SHARED_COST = "shared_cost", _("shared-cost number")
    PERSONAL = "personal", _("personal number (070 in the UK)")
    PAGER = "pager", _("pager")
    COMPANY_WIDE = "company_wide", _("company-wide number (03 in the UK)")
    VOICEMAIL = "voicemail", _("voicemail access number")
    NO_COUNTRY = "no_country", _("satellite or other number of no country")


class Workspace(models.Model):
    """A business that is a customer, on one channel for life."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    slug = models.CharField(
        max_length=63,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z0-9]+(?:-[a-z0-9]+)*\Z", _("Lower-case letters, digits and single hyphens only.")),
            validate_slug_free,
        ],
    )
    channel = models.CharField(max_length=16, choices=Channel.choices)
    agent_enabled = models.BooleanField(
        _("agent status"), default=True, help_text=_("Off: leads are saved and nobody is contacted.")
    )
    agent_name = models.CharField(max_length=60, blank=True, default="")
    persona = models.TextField(max_length=4000, blank=True, default="")
    offer = models.TextField(max_length=8000, blank=True, default="")
    pricing = models.TextField(max_length=8000, blank=True, default="")
    qualification_criteria = models.TextField(max_length=8000, blank=True, default="")
    default_region = models.CharField(
        max_length=2,
        blank=True,
        default="",
        validators=[validate_region],
        help_text=_("Where phone numbers without a country code are from: two letters, like GB. Empty: nowhere."),
    )
    timezone = models.CharField(max_length=64, default="UTC", validators=[validate_timezone])
    # What the agent asks for besides goal, budget, schedulePref, notes: [{"name": "team_size", "label": "Team size"}].
    qualification_fields = models.JSONField(default=list, blank=True)
    # Two-letter codes and CostlyKinds, each separated by commas: the statement that makes leads looks into them.
    called_countries = models.CharField(max_length=1000, blank=True, default="")
    allowed_kinds = models.CharField(max_length=120, blank=True, default="")
    # Calls outside of these hours, in the lead's own zone, wait for them. Both empty: at any hour.
    calling_from = models.TimeField(null=True, blank=True)
    calling_until = models.TimeField(null=True, blank=True)
    no_answer_retries = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(10)],
        help_text=_("How often a lead who didn't pick up is called again. 0: never."),
    )
    no_answer_wait_min = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(5), MaxValueValidator(10_080)], help_text=_("Minutes between calls.")
    )
    callers_become_leads = models.BooleanField(
        _("unknown callers become leads"),
        default=False,
        help_text=_("Voice only. Off: a call from a number that is no lead leaves nothing here."),
    )
    unknown_senders = models.CharField(
        max_length=16, choices=UnknownSenders.choices, default=UnknownSenders.IGNORE, help_text=_("WhatsApp only.")
    )
    writing_takes_over = models.BooleanField(
        _("a colleague who writes takes over"),
        default=True,
        help_text=_("WhatsApp only. The agent is silent until the lead is handed back."),
    )
    reply_after_s = models.PositiveSmallIntegerField(
        default=4,
        validators=[MaxValueValidator(120)],
        help_text=_("Seconds the agent waits for more before it answers; a burst of messages gets one answer."),
    )
    # A day's limits on the WhatsApp agent; 0 is none.
    turns_a_day_per_lead = models.PositiveIntegerField(default=60)
    turns_a_day = models.PositiveIntegerField(default=5000)
    cost_a_day_per_lead_usd = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(2))
    cost_a_day_usd = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(100))
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="workspace_channel_known")
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a change of channel, which the database refuses as well."""
        if not self._state.adding and Workspace.objects.filter(pk=self.pk).exclude(channel=self.channel).exists():
            raise ValidationError({"channel": _("A workspace stays on its channel for life.")})


class Membership(models.Model):
    """A user's place in a workspace."""

    class Role(models.TextChoices):
        """What a member may do; access.py says which page wants which."""

        OWNER = "owner", _("Owner")
        ADMIN = "admin", _("Admin")
        AGENT = "agent", _("Agent")

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.AGENT)
    email_alerts = models.BooleanField(
        _("e-mail alerts"), default=True, help_text=_("Told by e-mail when a lead needs a human.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


def new_webhook_secret() -> str:
    """Make the secret that a provider must show when it calls us."""
    return secrets.token_urlsafe(32)


def address_of(provider: str, credentials: dict[str, str]) -> str:
    """Return the number that people reach a workspace at through this provider, "" where there is none (E.164)."""
    number = str(credentials.get("from_number") or "") if provider == "twilio" else ""
    return number.removeprefix("whatsapp:").strip()[:32]


class AddressField(models.CharField):  # type: ignore[type-arg]
    """The one part of the credentials that we are asked by: what is stored encrypted can't be looked for."""

    def pre_save(self, model_instance: Any, add: bool) -> Any:
        """Write what the credentials say, whoever saves them."""
        if "credentials" not in model_instance.get_deferred_fields():
            credentials = json.loads(model_instance.credentials or "{}")
            setattr(model_instance, self.attname, address_of(model_instance.provider, credentials))
        return super().pre_save(model_instance, add)


class Integration(models.Model):
    """A workspace's own account at one provider.

    `credentials` is a JSON object of strings, encrypted as a whole:
    vapi `api_key`, `assistant_id`, `phone_number_id` · twilio `account_sid`, `auth_token`, `from_number` (E.164) ·
    openai `api_key` · calcom `api_key`, `event_type_id`.
    `options` is plain: twilio `content_sid`, `content_variables` ({"1": "first_name", …}) · openai `model`.
    """

    # What to defer where they aren't needed: reading one fails when its encryption key is missing.
    SECRETS: ClassVar = ("credentials", "webhook_secret", "old_webhook_secret")

    class Provider(models.TextChoices):
        """Whom an integration speaks to."""

        VAPI = "vapi", "Vapi"
        TWILIO = "twilio", "Twilio"
        OPENAI = "openai", "OpenAI"
        CALCOM = "calcom", "Cal.com"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="integrations")
    provider = models.CharField(max_length=16, choices=Provider.choices)
    credentials = EncryptedTextField()
    webhook_secret = EncryptedTextField(default=new_webhook_secret)
    # The one before, taken as well until its end (workspaces/webhook_secrets.py).
    old_webhook_secret = EncryptedTextField(blank=True, default="")
    old_secret_until = models.DateTimeField(null=True, blank=True)
    secret_rolled_at = models.DateTimeField(null=True, blank=True)
    secret_rolled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    options = models.JSONField(default=dict, blank=True)
    address = AddressField(max_length=32, blank=True, default="", editable=False, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "provider"], name="integration_once")]

    def __str__(self) -> str:
        return self.get_provider_display()

    def read_credentials(self) -> dict[str, str]:
        """Return the credentials. Raises workspaces.secrets.SecretUnreadable when their key is missing."""
        return dict(json.loads(self.credentials))


class Fault(models.Model):
    """A fault of a workspace's account at a provider. The row is deleted once something works again."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="faults", db_index=False)
    provider = models.CharField(max_length=16, choices=Integration.Provider.choices)
    # The provider's own word for it, by which is told what proves that it is mended.
    code = models.CharField(max_length=160, blank=True, default="")
    # For operators: what happened and what to do about it.
    reason = models.CharField(max_length=500)
    since = models.DateTimeField()
    # When it was last met.
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "provider"], name="fault_once")]

    def __str__(self) -> str:
        return f"{self.get_provider_display()}: {self.reason}"


class LogEntry(models.Model):
    """One crossing of the border with a provider or a webhook, secrets masked before it is stored."""

    class Direction(models.TextChoices):
        """Who called whom."""

        OUT = "out", _("to a provider")
        IN = "in", _("from a provider")

    class Outcome(models.TextChoices):
        """How it ended."""

        OK = "ok", _("OK")
        REJECTED = "rejected", _("refused")
        UNAVAILABLE = "unavailable", _("not reached")
        UNKNOWN = "unknown", _("outcome unknown")

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="log_entries")
    # No foreign key: the entry of a lead that was rolled back outlives it.
    lead_id = models.UUIDField(null=True, blank=True, db_index=True)
    request_id = models.CharField(max_length=128, blank=True, default="", db_index=True)
    direction = models.CharField(max_length=3, choices=Direction.choices)
    provider = models.CharField(max_length=16)
    operation = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    request = models.TextField(blank=True, default="")
    response = models.TextField(blank=True, default="")
    # What a customer submitted, where it was not kept as a lead: from here it can be sent again.
    submission = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("log entry")
        verbose_name_plural = _("journal")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="log_by_workspace"),
            models.Index(fields=["workspace"], name="log_with_submission", condition=Q(submission__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.operation}: {self.get_outcome_display()}"


class PastSlug(models.Model):
    """A slug that a workspace had: links to its form go on for a while, and nobody else may take it meanwhile."""

    slug = models.CharField(max_length=63, primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="past_slugs")
    until = models.DateTimeField()

    def __str__(self) -> str:
        return self.slug
