"""System checks: a misconfiguration is named at start, with what to do about it."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string


@register()
def check_lead_channels(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Import every channel that LEAD_CHANNELS names."""
    found: list[CheckMessage] = []
    for name, dotted_path in settings.LEAD_CHANNELS.items():
        try:
            import_string(dotted_path)
        except ImportError as error:
            hint = f"Correct the dotted path {dotted_path!r}: {error}"
            found.append(Error(f"LEAD_CHANNELS[{name!r}] can't be imported.", hint=hint, id="coachbot.E001"))
    return found


@register(Tags.security, deploy=True)
def check_production(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Name what a production server lacks."""
    found: list[CheckMessage] = []
    if not settings.ENCRYPTION_KEYS:
        hint = "Make one with: python manage.py encryption_key --new"
        found.append(Error("COACHBOT_ENCRYPTION_KEYS is not set.", hint=hint, id="coachbot.E002"))
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        hint = "Set DATABASE_URL=postgres://… unless this is one small machine with one web process."
        found.append(Warning("The database is SQLite.", hint=hint, id="coachbot.W001"))
    if not settings.REDIS_URL:
        hint = "Set REDIS_URL so that all processes share their counters."
        found.append(Warning("Rate limits are counted by each process for itself.", hint=hint, id="coachbot.W002"))
    if settings.INNGEST_DEV:
        hint = "Unset INNGEST_DEV: in that mode nothing that Inngest sends us is signed."
        found.append(Error("INNGEST_DEV is set on a production server.", hint=hint, id="coachbot.E003"))
    elif settings.INNGEST_EVENT_KEY and not settings.INNGEST_SIGNING_KEY:
        hint = "Set INNGEST_SIGNING_KEY; without it Inngest's calls to /api/inngest can't be trusted."
        found.append(Error("INNGEST_EVENT_KEY is set without a signing key.", hint=hint, id="coachbot.E004"))
    if settings.DISPATCH_LEASE_S / 2 < settings.PROVIDER_CONNECT_TIMEOUT_S + settings.VAPI_TIMEOUT_S:
        hint = "Make it more than twice PROVIDER_CONNECT_TIMEOUT_S and VAPI_TIMEOUT_S together."
        found.append(Error("DISPATCH_LEASE_S is so short that a phone may ring twice.", hint=hint, id="coachbot.E005"))
    if not settings.HTTPS:
        hint = "Set PUBLIC_BASE_URL to the https:// address."
        found.append(Warning("PUBLIC_BASE_URL is not https.", hint=hint, id="coachbot.W003"))
    return found
