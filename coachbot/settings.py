"""All settings of Coachbot, read from the environment; `.env.example` says what each variable does."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from coachbot import env
from coachbot.databases import tuned

BASE_DIR = Path(__file__).resolve().parent.parent
env.read_dotenv(BASE_DIR / ".env")

# --- Which kind of process this is. Nothing set means production: it fails closed. -----------------------------------
ENVIRONMENT = env.choice("COACHBOT_ENV", options=("production", "development", "test"), default="production")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = False
DATA_DIR = Path(env.text("COACHBOT_DATA_DIR", str(BASE_DIR / "var")))

SECRET_KEY = env.text(
    "COACHBOT_SECRET_KEY", "" if PRODUCTION else "only-for-development-and-tests-0123456789abcdef-XYZ"
)
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "COACHBOT_SECRET_KEY is not set. Make one with: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    )
# version:key pairs, newest first; see workspaces/secrets.py.
ENCRYPTION_KEYS = env.words(
    "COACHBOT_ENCRYPTION_KEYS", "" if PRODUCTION else "dev:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
)

# --- Where it is reached ---------------------------------------------------------------------------------------------
PUBLIC_BASE_URL = env.url("PUBLIC_BASE_URL", "" if PRODUCTION else "http://127.0.0.1:8000")
if not PUBLIC_BASE_URL:
    raise ImproperlyConfigured("PUBLIC_BASE_URL is not set. It is the address customers use, e.g. https://example.com")
_public = urlsplit(PUBLIC_BASE_URL)
# localhost in development, because Inngest's server calls it by that name.
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS", str(_public.hostname) if PRODUCTION else f"{_public.hostname},127.0.0.1,localhost,testserver"
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0)
HTTPS = _public.scheme == "https"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = HTTPS and env.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31_536_000 if HTTPS else 0)
# Whether all subdomains speak HTTPS, and for ever, is for who owns the domain to say.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and env.flag("SECURE_HSTS_SUBDOMAINS", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
# How long the body of a request may take from its head to its last byte.
BODY_TIMEOUT_S = env.seconds("BODY_TIMEOUT_S", 30)

# --- Apps. Ours stand before Django's admin, so that our templates win. ----------------------------------------------
INSTALLED_APPS = [
    "leadforms",
    "voice",
    "whatsapp",
    "agents",
    "leads",
    "apikeys",
    "workspaces",
    "coachbot.apps.CoachbotConfig",
    "coachbot.apps.CoachbotAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
]
MIDDLEWARE = [
    "webapi.request_id.RequestIdMiddleware",
    "coachbot.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "coachbot.csp.CspMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "coachbot.middleware.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "coachbot.middleware.ApiErrorMiddleware",
]
ROOT_URLCONF = "coachbot.urls"
WSGI_APPLICATION = "coachbot.wsgi.application"
APPEND_SLASH = True
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "home"
PASSWORD_HASHERS = ["coachbot.passwords.OneAtATimeHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# --- Rows ------------------------------------------------------------------------------------------------------------
DATABASES = {
    "default": tuned(
        env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'coachbot.sqlite3'}"),
        pool_size=env.integer("DATABASE_POOL_SIZE", 8),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Shared counters. Without Redis each process counts for itself. --------------------------------------------------
REDIS_URL = env.text("REDIS_URL")
API_RATE_LIMIT_PER_MINUTE = env.integer("API_RATE_LIMIT_PER_MINUTE", 60)
API_RATE_LIMIT_PER_HOUR = env.integer("API_RATE_LIMIT_PER_HOUR", 1000)

# --- Words and time --------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# --- Static files ----------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
if not PRODUCTION:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "coachbot.static_files.ModuleStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
# Who edits a style or a script sees it at the next reload, instead of as many bytes as it had at the start; and each
# of a test's clients would list all files.
WHITENOISE_AUTOREFRESH = not PRODUCTION

# --- The API ---------------------------------------------------------------------------------------------------------
API_MAX_BODY_BYTES = 131_072
IDEMPOTENCY_LEASE_S = env.seconds("IDEMPOTENCY_LEASE_S", 60)
REST_FRAMEWORK: dict[str, Any] = {
    # Every endpoint stands behind apikeys.gate; a view that forgot it opens to nobody.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["webapi.json_api.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["webapi.json_api.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "webapi.json_api.AlwaysJSON",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "coachbot.errors.answer_exception",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Coachbot Public API",
    "DESCRIPTION": "Send leads to Coachbot and follow what became of them.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "APPEND_COMPONENTS": {"securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}}},
    "SECURITY": [{"apiKey": []}],
    "SERVERS": [{"url": PUBLIC_BASE_URL}],
    "SCHEMA_PATH_PREFIX": r"/api/public",
}

# --- Channels: leads finds one by its dotted path and imports none. --------------------------------------------------
LEAD_CHANNELS = {
    "voice": "voice.channel.VoiceChannel",
    "whatsapp": "whatsapp.channel.WhatsAppChannel",
}
# Who knows the questions behind formResponses; leads doesn't import it either.
FORM_WORDING = "leadforms.wording.answers_in_words"
# Who knows where a workspace's leads come from; workspaces doesn't import it.
COUNTRIES_OF_LEADS = "leads.costly.countries_of_leads"
# What the worker does besides sending and the channels' own part, each a function of `now` and `limit`.
LEAD_SWEEPS: tuple[str, ...] = ("agents.settling.settle_bookings",)
# The same for mail, in a thread of its own: a slow mail server holds nothing else up.
MAIL_SWEEPS: tuple[str, ...] = ("leads.alerts.sweep", "leadforms.held_mail.sweep")
# Who knows a part of a lead's timeline (leads.timeline).
LEAD_TIMELINES: tuple[str, ...] = (
    "leads.own_timeline.items",
    "voice.timeline.items",
    "whatsapp.timeline.items",
    "agents.timeline.items",
)
# Who has rows that are kept for a time only, and traces of a lead that go when it is erased; likewise.
EXPIRED_ROWS = [
    "leadforms.held.find_expired",
    "leads.alerts.find_expired",
    "workspaces.slugs.find_expired",
    "workspaces.sessions.find_expired",
    "whatsapp.inbox.find_expired",
]
FORGET_WITH_LEAD = ["leadforms.held.forget", "agents.erasure.forget", "whatsapp.inbox.forget"]
# Who has promises that a restored backup must not keep a second time (manage.py after_restore).
OPEN_PROMISES: tuple[str, ...] = (
    "leads.promises.open_promises",
    "voice.promises.open_promises",
    "whatsapp.promises.open_promises",
    "agents.promises.open_promises",
    "leadforms.promises.open_promises",
    "apikeys.promises.open_promises",
)
# Who knows what a provider's options may be: raises ValueError with words for staff.
OPTION_CHECKS = {"twilio": "whatsapp.template.check_options"}
# Who erases what is kept of leads at a provider that is no channel's.
TRACE_ERASERS = {"calcom": "agents.erasure.cancel"}
# How long a dispatch may be `sending` before the worker asks the provider what became of it. Longer than any request.
DISPATCH_LEASE_S = env.seconds("DISPATCH_LEASE_S", 60)
# An unknown outcome is asked about so many times, so many seconds apart, before "not there" is believed.
DISPATCH_LOOKS = 2
DISPATCH_LOOK_AGAIN_S = env.seconds("DISPATCH_LOOK_AGAIN_S", 2)
DISPATCH_RETRY_S = env.seconds("DISPATCH_RETRY_S", 30)
ENGINE_RETRY_S = env.seconds("ENGINE_RETRY_S", 5)
DISPATCH_MAX_ATTEMPTS = env.integer("DISPATCH_MAX_ATTEMPTS", 8)
# What could not be sent in time (leads.late): from how late on it counts as late, the hours in which it is still sent
# where the workspace has none of its own, how old it may get, and how many a minute a workspace sends of them.
LATE_AFTER_S = env.seconds("LATE_AFTER_S", 600)
LATE_HOURS = env.hours("LATE_HOURS", "08:00-21:00")
CONTACT_MAX_AGE_S = env.seconds("CONTACT_MAX_AGE_S", 86_400)
LATE_CONTACTS_PER_MINUTE = env.integer("LATE_CONTACTS_PER_MINUTE", 5)
# A lead who wrote waits for an answer: a reply is tried again sooner, and given up sooner (the lead is told so).
REPLY_RETRY_S = env.seconds("REPLY_RETRY_S", 5)
REPLY_MAX_ATTEMPTS = env.integer("REPLY_MAX_ATTEMPTS", 5)
# How long an event may wait in Inngest unclaimed before the worker sends it again under the same id.
TURN_UNCLAIMED_S = env.seconds("TURN_UNCLAIMED_S", 60)
JOURNAL_RETENTION_DAYS = env.integer("JOURNAL_RETENTION_DAYS", 90)

# --- The hosted form -------------------------------------------------------------------------------------------------
# Sent sooner than so many seconds after the page was made, it was no person.
FORM_MIN_SECONDS = env.seconds("FORM_MIN_SECONDS", 2)
# Submissions that are let through: from one address within 10 minutes, and for one form within an hour. 0: no limit.
FORM_LIMIT_PER_IP = env.integer("FORM_LIMIT_PER_IP", 5)
FORM_LIMIT_PER_HOUR = env.integer("FORM_LIMIT_PER_HOUR", 200)
HELD_RETENTION_DAYS = env.integer("HELD_RETENTION_DAYS", 90)

# --- Providers -------------------------------------------------------------------------------------------------------
VAPI_BASE_URL = env.url("VAPI_BASE_URL", "https://api.vapi.ai")
TWILIO_BASE_URL = env.url("TWILIO_BASE_URL", "https://api.twilio.com")
OPENAI_BASE_URL = env.url("OPENAI_BASE_URL", "https://api.openai.com/v1")
CALCOM_BASE_URL = env.url("CALCOM_BASE_URL", "https://api.cal.com")
OPENAI_MODEL = env.text("OPENAI_MODEL", "gpt-5.4-mini")
OPENAI_PRICES = env.prices("OPENAI_PRICES", "gpt-5.4-mini=0.75/4.5")
OPENAI_API = env.choice("OPENAI_API", options=("responses", "chat"), default="responses")
PROVIDER_CONNECT_TIMEOUT_S = env.seconds("PROVIDER_CONNECT_TIMEOUT_S", 3.05)
VAPI_TIMEOUT_S = env.seconds("VAPI_TIMEOUT_S", 15)
# How long a process may use a workspace's Vapi account without reading it again: that much later a disconnect works.
VAPI_ACCOUNT_CACHE_S = env.seconds("VAPI_ACCOUNT_CACHE_S", 0 if ENVIRONMENT == "test" else 2)
TWILIO_TIMEOUT_S = env.seconds("TWILIO_TIMEOUT_S", 15)
OPENAI_TIMEOUT_S = env.seconds("OPENAI_TIMEOUT_S", 30)
# At most: a tool that is called in the middle of a call has less.
CALCOM_TIMEOUT_S = env.seconds("CALCOM_TIMEOUT_S", 10)

# Inngest: none of these set means that `manage.py worker` runs the agent's turns itself.
INNGEST_DEV = env.text("INNGEST_DEV")
if INNGEST_DEV.lower() in {"0", "false", "no", "off"}:
    INNGEST_DEV = ""
if PRODUCTION and INNGEST_DEV:
    raise ImproperlyConfigured(
        "INNGEST_DEV is set. With it anybody could run the agent's turns: nothing that Inngest sends would be signed. "
        "Unset it, or set COACHBOT_ENV=development."
    )
INNGEST_BASE_URL = env.url("INNGEST_BASE_URL")
INNGEST_EVENT_KEY = env.text("INNGEST_EVENT_KEY")
INNGEST_SIGNING_KEY = env.text("INNGEST_SIGNING_KEY")
# Where Inngest calls our functions: the public address, or one of processes that do nothing else.
INNGEST_SERVE_ORIGIN = env.url("INNGEST_SERVE_ORIGIN", PUBLIC_BASE_URL)
INNGEST_CONFIGURED = bool(INNGEST_DEV or INNGEST_EVENT_KEY)

# --- Mail, to members only. Without a server nothing is sent; development keeps a file for each. ----------------------
_mail = env.email("EMAIL_URL")
SENDS_EMAIL = bool(_mail) or not PRODUCTION
EMAIL_BACKEND = (
    "django.core.mail.backends.dummy.EmailBackend" if PRODUCTION else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = DATA_DIR / "mail"
globals().update(_mail)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", f"Coachbot <coachbot@{_public.hostname}>")

# --- `manage.py demo`: empty means a password made once and kept in DATA_DIR/demo-password. --------------------------
DEMO_ADMIN_PASSWORD = env.text("DEMO_ADMIN_PASSWORD")

# --- Logs ------------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", options=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "coachbot.logs.JsonFormatter"}},
    "filters": {"not_our_fault": {"()": "coachbot.logs.NotOurFault"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["not_our_fault"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # httpx writes whole URLs at INFO, and Inngest's hold the event key.
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "django.server": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        # Scanners ask for any host; each is answered 400, and a traceback for each would be theirs to fill disks with.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
