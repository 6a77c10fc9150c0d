"""System checks: a misconfiguration is named at start, with what to do about it."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string

from coachbot import zones


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


@register()
def check_lead_functions(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Import every function that leads finds by its dotted path."""
    found: list[CheckMessage] = []
    named = {name: getattr(settings, name) for name in ("LEAD_TIMELINES", "LEAD_SWEEPS", "MAIL_SWEEPS")}
    for name, paths in {**named, "FORM_WORDING": (settings.FORM_WORDING,)}.items():
        for dotted_path in paths:
            try:
                import_string(dotted_path)
            except ImportError as error:
                hint = f"Correct the dotted path {dotted_path!r}: {error}"
                found.append(Error(f"What {name} names can't be imported.", hint=hint, id="coachbot.E006"))
    return found


@register()
def check_zone_data(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Look whether time zones come from the pinned tzdata package: an hour off, a call wakes somebody up."""
    fault = zones.find_fault()
    hint = f"{fault} Install requirements.txt, and let nothing set zoneinfo's path."
    return [Error("Time zones don't come from the pinned tables.", hint=hint, id="coachbot.E007")] if fault else []


@register(Tags.security, deploy=True)
def check_production(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Name what a production server lacks."""
    away = not settings.INNGEST_DEV
    rows = (
        (not settings.ENCRYPTION_KEYS, Error, "E002", _NO_KEYS),
        (settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"), Warning, "W001", _SQLITE),
        (not settings.REDIS_URL, Warning, "W002", _NO_REDIS),
        (not away, Error, "E003", _INNGEST_DEV),
        (away and settings.INNGEST_EVENT_KEY and not settings.INNGEST_SIGNING_KEY, Error, "E004", _UNSIGNED),
        (_longest_call_s() > settings.DISPATCH_LEASE_S / 2, Error, "E005", _SHORT_LEASE),
        (not settings.HTTPS, Warning, "W003", _NO_HTTPS),
        (settings.SECURE_SSL_REDIRECT and not settings.TRUSTED_PROXIES, Warning, "W004", _REDIRECT_LOOP),
        (not (settings.STATIC_ROOT / "staticfiles.json").exists(), Warning, "W005", _NO_FILES),
    )
    return [level(what, hint=hint, id=f"coachbot.{name}") for wrong, level, name, (what, hint) in rows if wrong]


def _longest_call_s() -> float:
    return float(settings.PROVIDER_CONNECT_TIMEOUT_S + settings.VAPI_TIMEOUT_S)


# What is wrong, and what to do about it.
_NO_KEYS = ("COACHBOT_ENCRYPTION_KEYS is not set.", "Make one with: python manage.py encryption_key --new")
_SQLITE = (
    "The database is SQLite.",
    "Set DATABASE_URL=postgres://… unless this is one small machine with one web process.",
)
_NO_REDIS = (
    "Rate limits are counted by each process for itself.",
    "Set REDIS_URL so that all processes share their counters.",
)
_INNGEST_DEV = (
    "INNGEST_DEV is set on a production server.",
    "Unset INNGEST_DEV: in that mode nothing that Inngest sends us is signed.",
)
_UNSIGNED = (
    "INNGEST_EVENT_KEY is set without a signing key.",
    "Set INNGEST_SIGNING_KEY; without it Inngest's calls to /api/inngest can't be trusted.",
)
_SHORT_LEASE = (
    "DISPATCH_LEASE_S is so short that a phone may ring twice.",
    "Make it more than twice PROVIDER_CONNECT_TIMEOUT_S and VAPI_TIMEOUT_S together.",
)
_NO_HTTPS = ("PUBLIC_BASE_URL is not https.", "Set PUBLIC_BASE_URL to the https:// address.")
_REDIRECT_LOOP = (
    "HTTPS is wanted and no proxy is trusted.",
    "Behind a proxy that ends TLS set TRUSTED_PROXIES=1, else every request is redirected for ever.",
)
_NO_FILES = ("The pages' files were not collected.", "Run: python manage.py collectstatic --no-input")
