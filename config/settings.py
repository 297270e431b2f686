"""Settings, all of them from the environment (and from `.env` outside production). `.env.example` explains each.

Secure by default: what is missing or weak in production stops the start with a sentence that names it.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.content_security import SENT_FROM_BROWSERS, SHOWN_TO_BROWSERS, content_security
from config.db.roles import serving_url
from config.db.servers import databases
from config.environment import (
    address,
    all_or_none,
    env,
    networks,
    number,
    one_of,
    rate,
    read_env_file,
    required,
    switch,
    whole,
)
from config.jobs import JOBS
from config.logs import logging_settings
from config.openapi import OPENAPI
from config.theme import THEME

BASE_DIR = Path(__file__).resolve().parent.parent

read_env_file(BASE_DIR / ".env")

ENVIRONMENT = env.str("ENVIRONMENT", "production")
if ENVIRONMENT not in {"production", "embedded", "development", "test"}:
    raise ImproperlyConfigured("ENVIRONMENT must be production, embedded, development or test.")
IN_PRODUCTION = ENVIRONMENT == "production"

# --- Who we are ---
DEBUG = switch("DEBUG", False)
SECRET_KEY = required("SECRET_KEY")
PORT = whole("PORT", 8000, least=1, most=65535)
PUBLIC_URL = env.str("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if IN_PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_HEADERS = SENT_FROM_BROWSERS
CORS_EXPOSE_HEADERS = SHOWN_TO_BROWSERS

if IN_PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG is on. In production it shows secrets to strangers: remove it.")
    if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10:
        raise ImproperlyConfigured("SECRET_KEY is too weak: it needs 50 random characters or more.")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts that Rihla answers to, without '*'.")
    if urlsplit(PUBLIC_URL).scheme != "https":
        raise ImproperlyConfigured("PUBLIC_URL must be the https:// address that customers use.")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the site is ours: config.admin
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "config.apps.RihlaAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "pgtrigger",
    "corsheaders",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "django_filters",
    "django_countries",  # for the names of countries in Arabic
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config",
    "notifications",
    "accounts",
    "ledger",
    "tours",
    "bookings",
    "payments",
]

# API requests take the short way: sessions, CSRF and messages are for the back-office only (config.middleware).
MIDDLEWARE = [
    "config.measuring.MeasuringMiddleware",
    "config.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.ContentPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "config.middleware.CompressionMiddleware",
    "config.middleware.BodyLimitMiddleware",
    "config.middleware.TenantMiddleware",
    "config.middleware.LanguageMiddleware",
    "config.middleware.BackOfficeSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.middleware.BackOfficeCsrfMiddleware",
    "config.middleware.BackOfficeAuthenticationMiddleware",
    "config.middleware.BackOfficeMessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database: one role serves, the other owns ---
_GIVEN_URL = required("DATABASE_URL", "postgres", "postgresql")
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", "") or _GIVEN_URL
DATABASE_URL = _GIVEN_URL if env.str("DATABASE_OWNER_URL", "") else serving_url(_GIVEN_URL, SECRET_KEY)
# `manage.py` commands that change tables run as the owner; everything else serves under the policies.
AS_OWNER = switch("RIHLA_AS_OWNER", False)
DATABASES = databases(
    DATABASE_OWNER_URL if AS_OWNER else DATABASE_URL, pool_size=whole("DATABASE_POOL_SIZE", 4, least=1, most=500)
)
# What web processes are bound by (config.db.limits): they give up a statement, a wait for a lock, and a transaction that nobody
# goes on with, after so many seconds; 0 never. Commands and workers are bound by none.
SERVING_LIMITS = {
    "statement_timeout": number("STATEMENT_SECONDS", 15),
    "lock_timeout": number("LOCK_SECONDS", 10),
    "idle_in_transaction_session_timeout": number("IDLE_IN_TRANSACTION_SECONDS", 60),
}

# --- Redis, Celery ---
REDIS_URL = required("REDIS_URL", "redis", "rediss", "unix")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": env.str("CACHE_PREFIX", "rihla"),
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            # Whoever asks goes on without the cache: it must say so soon. By default a call is tried for some seconds.
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 2,
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 1)},
        },
    }
}
CELERY_BROKER_URL = required("CELERY_BROKER_URL", "redis", "rediss", "redis+socket")
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ALWAYS_EAGER = switch("CELERY_TASK_ALWAYS_EAGER", False)
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TIMEZONE = "UTC"
# A request must not wait for a broker that is away: what must happen rests on a row and a sweep.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    # One try: by default a caller waits 6 s for a broker that refuses connections.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
CELERY_BEAT_SCHEDULE = JOBS

# --- Accounts ---
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.TenantBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"]  # cost 12
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.DigitAndUpperCaseValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
ACCESS_TOKEN_LIFE = timedelta(minutes=15)
REFRESH_TOKEN_LIFE = timedelta(days=7)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": ACCESS_TOKEN_LIFE,
    "REFRESH_TOKEN_LIFETIME": REFRESH_TOKEN_LIFE,
    "ALGORITHM": "HS256",
    "UPDATE_LAST_LOGIN": False,
}
LOCK_OUT_AFTER = 5
LOCK_OUT_FOR = timedelta(minutes=15)
# The built-in single-operator tenant; requests that name no other are its.
DEFAULT_TENANT = env.str("DEFAULT_TENANT", "default")

# --- The business ---
HOLD_FOR = timedelta(seconds=whole("HOLD_SECONDS", 900, least=1, most=86_400))
HOLD_EXTENSIONS = whole("HOLD_EXTENSIONS", 2, most=100)
# How long a process may use a price list that it has read, for holds asked for by the API.
PRICES_KEPT_SECONDS = number("PRICES_KEPT_SECONDS", 2)
SEED_SCALE = number("SEED_SCALE", 1)
DEPARTURE_HORIZON_DAYS = whole("DEPARTURE_HORIZON_DAYS", 90, least=1, most=1000)
# Where `seed_demo` writes the log-ins that it makes.
DEMO_LOGINS = Path(env.str("DEMO_LOGINS", str(BASE_DIR / "var" / "demo-logins.txt")))

# For how many days what has done its service is kept; 0 for ever (config.retention).
KEEP_DAYS = {
    "facts": whole("KEEP_FACTS_DAYS", 180, most=36_500),
    "mail_texts": whole("KEEP_MAIL_TEXTS_DAYS", 400, most=36_500),
    "notices": whole("KEEP_NOTICES_DAYS", 550, most=36_500),
    "reports": whole("KEEP_REPORTS_DAYS", 400, most=36_500),
}

# --- Payments ---
ALLOW_SANDBOX = switch("ALLOW_SANDBOX", not IN_PRODUCTION)
SANDBOX_URL = env.str("SANDBOX_URL", "http://127.0.0.1:8010").rstrip("/")
SANDBOX_SIGNING_KEY = env.str("SANDBOX_SIGNING_KEY", "")
SANDBOX_STATE = env.str("SANDBOX_STATE", str(BASE_DIR / "var" / "sandbox.sqlite3"))
if ALLOW_SANDBOX and not SANDBOX_SIGNING_KEY:
    raise ImproperlyConfigured("SANDBOX_SIGNING_KEY is not set, but ALLOW_SANDBOX is on.")
if IN_PRODUCTION and ALLOW_SANDBOX and len(SANDBOX_SIGNING_KEY) < 32:
    raise ImproperlyConfigured("SANDBOX_SIGNING_KEY is too weak: it needs 32 random characters or more.")

STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", "")
STRIPE_PUBLISHABLE_KEY = env.str("STRIPE_PUBLISHABLE_KEY", "")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", "")
STRIPE_API_BASE = address("STRIPE_API_BASE", "https://api.stripe.com", secure=IN_PRODUCTION)
all_or_none("Stripe", "STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET")

PAYPAL_CLIENT_ID = env.str("PAYPAL_CLIENT_ID", "")
PAYPAL_CLIENT_SECRET = env.str("PAYPAL_CLIENT_SECRET", "")
PAYPAL_WEBHOOK_ID = env.str("PAYPAL_WEBHOOK_ID", "")
PAYPAL_API_BASE = address("PAYPAL_API_BASE", "https://api-m.paypal.com", secure=IN_PRODUCTION)
# How notices are verified: here by PayPal's `certificate`, or by a `call` to PayPal.
PAYPAL_VERIFY = one_of("PAYPAL_VERIFY", "certificate", "call")
all_or_none("PayPal", "PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_WEBHOOK_ID")

# How long an attempt may stay unclear before the sweep asks the gateway about it.
PAYMENT_UNCLEAR_AFTER = timedelta(seconds=whole("PAYMENT_UNCLEAR_SECONDS", 60, least=1))
# How long a gateway may take to answer a call.
GATEWAY_READ_SECONDS = number("GATEWAY_READ_SECONDS", 20)

# --- Mail, files ---
MAIL_DIR = Path(env.str("MAIL_DIR", str(BASE_DIR / "var" / "mail")))
EMAIL_URL = env.str("EMAIL_URL", "")
if EMAIL_URL:
    vars().update(environ.Env.email_url_config(EMAIL_URL))
elif IN_PRODUCTION:
    raise ImproperlyConfigured(
        "EMAIL_URL is not set: without it no customer gets a voucher (smtp+tls://user:password@host:587)."
    )
else:
    EMAIL_BACKEND = "notifications.mailfiles.EmailBackend"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "" if IN_PRODUCTION else "Rihla <bookings@rihla.example>")
if not DEFAULT_FROM_EMAIL:
    raise ImproperlyConfigured("DEFAULT_FROM_EMAIL is not set: customers must see whom a mail is from.")

MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(BASE_DIR / "var" / "media")))
MEDIA_URL = "/media/"
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_HOSTS: list[str] = []  # where browsers load pictures from, besides ourselves
if env.str("S3_BUCKET", ""):
    _MEDIA_DOMAIN = env.str("S3_PUBLIC_DOMAIN", "")
    MEDIA_HOSTS = [
        f"https://{_MEDIA_DOMAIN}" if _MEDIA_DOMAIN else env.str("S3_ENDPOINT", "") or "https://*.amazonaws.com"
    ]
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env.str("S3_BUCKET"),
            "endpoint_url": env.str("S3_ENDPOINT", "") or None,
            "querystring_auth": False,
            "custom_domain": _MEDIA_DOMAIN or None,
        },
    }
WHITENOISE_USE_FINDERS = ENVIRONMENT in {"development", "test"}
WHITENOISE_AUTOREFRESH = ENVIRONMENT == "test"  # no list of a thousand files for each client that a test makes
if ENVIRONMENT in {"development", "test"}:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
MAX_IMAGE_BYTES = 10 * 1024 * 1024
MAX_IMAGE_PIXELS = 50_000_000
MAX_BODY_BYTES = 1024 * 1024  # of JSON; uploads have their own limit
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024

# --- Languages ---
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "rihla_language"
FORMAT_MODULE_PATH = "config.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- API ---
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.Bearer"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.negotiation.Negotiation",
    "DEFAULT_RENDERER_CLASSES": ["config.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.renderers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "config.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["config.throttling.CallsPerMinute"],
    "DEFAULT_SCHEMA_CLASS": "config.schema.RihlaSchema",
    "EXCEPTION_HANDLER": "config.api.exception_handler",
    "UNAUTHENTICATED_USER": "accounts.authentication.Anonymous",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "COERCE_DECIMAL_TO_STRING": True,
}
THROTTLE_AUTH = rate("THROTTLE_AUTH", "5/min")
THROTTLE_BACK_OFFICE = rate("THROTTLE_BACK_OFFICE", "20/min")  # failed log-ins from one address
THROTTLE_DEFAULT = rate("THROTTLE_DEFAULT", "100/min")
# Whether answers of the public reads are kept in Redis. Without, each is made anew from SQL: for measuring, or for a small Redis.
REMEMBER_READS = switch("REMEMBER_READS", True)
# All calls to one operator together; off when empty.
THROTTLE_TENANT = rate("THROTTLE_TENANT", "")
# How many proxies in front of us add to X-Forwarded-For; 0 trusts the socket's address only.
TRUSTED_PROXIES = whole("TRUSTED_PROXIES", 0, most=10)
SPECTACULAR_SETTINGS = OPENAPI

# --- Web security ---
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.failures.csrf_failure"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600
if urlsplit(PUBLIC_URL).scheme == "https":
    SECURE_SSL_REDIRECT = switch("SECURE_SSL_REDIRECT", True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
    SECURE_HSTS_SECONDS = whole("SECURE_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = switch("SECURE_HSTS_INCLUDE_SUBDOMAINS", True)
    SECURE_HSTS_PRELOAD = switch("SECURE_HSTS_PRELOAD", True)
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # The probes of a load balancer, and Prometheus, come over plain HTTP from inside.
    SECURE_REDIRECT_EXEMPT = [r"^health(/|$)", r"^metrics$"]
CONTENT_SECURITY_POLICY = content_security(MEDIA_HOSTS)
# E-mails are unique without regard to case, by a constraint that this check does not see.
# The CSRF middleware is ours, a subclass that looks at the back-office; the API knows no cookies but the refresh token's.
SILENCED_SYSTEM_CHECKS = ["auth.W004", "security.W003"]

# --- Being watched: docs/operations.md ---
LOGGING = logging_settings(env.str("LOG_LEVEL", "INFO"))
# SQL statements that take longer are logged, without their values.
SLOW_QUERY_MS = whole("SLOW_QUERY_MS", 200)
# Numbers of all processes of this machine; in production best in memory (tmpfs): it must not run full.
METRICS_DIR = Path(env.str("METRICS_DIR", str(BASE_DIR / "var" / "metrics")))
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
METRICS_NETWORKS = networks("METRICS_NETWORKS", [] if IN_PRODUCTION else ["127.0.0.0/8", "::1/128"])
if METRICS_TOKEN and IN_PRODUCTION and len(METRICS_TOKEN) < 32:
    raise ImproperlyConfigured("METRICS_TOKEN is too weak: it needs 32 random characters or more.")
# Where traces go (OTLP over HTTP) and where faults go; each is off without its address.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "")
OTEL_SERVICE_NAME = env.str("OTEL_SERVICE_NAME", "rihla")
SENTRY_DSN = env.str("SENTRY_DSN", "")
if OTEL_EXPORTER_OTLP_ENDPOINT:
    MIDDLEWARE.insert(1, "config.tracing.TracingMiddleware")
# Parts without which `/health/ready` says no. Without the others we go on, if with less.
READY_NEEDS = env.list("READY_NEEDS", default=["database"])

# --- Back-office --------------------------------------------------------------------------------------------------------
UNFOLD = THEME
