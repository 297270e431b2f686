"""Who asks: a bearer token is checked without the database; one Redis trip brings the account's state and counts the call."""

import logging
import time
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.conf import settings
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django_redis import get_redis_connection
from redis.exceptions import RedisError
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.models import Membership, SignedOut, User
from config.tenancy import current_tenant, tenant_id_or_raise
from config.throttling import parse_rate, window_key
from config.trips import bring, trip, wanted_keys

logger = logging.getLogger(__name__)

REMEMBERED_FOR = 300  # seconds that an account's state may stand in Redis
VERSIONS = 2  # of an account's state: the person's and the tenant's


class Anonymous:
    """A stranger: may do nothing that needs a permission."""

    pk = id = None
    is_authenticated = is_active = is_staff = is_superuser = False
    is_anonymous = True
    calls: int | None = None
    price_group = ""

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return False


@dataclass
class Account:
    """The caller, as of a few seconds ago: enough to decide what they may do, without a query. `user` is the row."""

    pk: UUID
    email: str
    first_name: str
    last_name: str
    language: str
    is_active: bool
    is_staff: bool
    is_superuser: bool
    role: str
    revision: int
    permissions: list[str] = field(default_factory=list)
    signed_out: list[str] = field(default_factory=list)
    price_group: str = ""  # its code
    calls: int | None = None  # calls in the running window of the rate limit, this one included

    is_authenticated = True
    is_anonymous = False

    @property
    def id(self) -> UUID:
        return self.pk

    @cached_property
    def user(self) -> User:
        return User.objects.get(pk=self.pk)

    @cached_property
    def _permissions(self) -> frozenset[str]:
        return frozenset(self.permissions)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.is_active and (self.is_superuser or perm in self._permissions)

    def has_perms(self, perms: Any, obj: Any = None) -> bool:
        return all(self.has_perm(perm) for perm in perms)

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def __str__(self) -> str:
        return self.get_full_name() or self.email


def state_keys(user_id: Any) -> list[str]:
    """Where Redis keeps an account's state for the tenant at hand, and the versions that outdate it.

    The versions are the person's, raised by `forget_account`, and the tenant's, raised by `forget_accounts`. A state that was
    read under other versions than those of now is not believed: so a slow reader cannot bring back what has been revoked.
    """
    tenant = tenant_id_or_raise()
    return [f"account:{tenant}:{user_id}", f"account-version:{user_id}", f"account-version:{tenant}"]


def load_account(user_id: Any) -> Account:
    """The account's state from the database, remembered in Redis. Raises `AuthenticationFailed` for unknown people."""
    try:
        _state, *versions = get_redis_connection("default").mget(state_keys(user_id))
    except RedisError:
        versions = []
    return _read_account(user_id, versions)


def _read_account(user_id: Any, versions: list[bytes | None]) -> Account:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise AuthenticationFailed(_("This account does not exist any more."), code="account_gone")
    membership = Membership.objects.select_related("role", "price_group").filter(user=user).first()
    open_here = membership is None or membership.is_active
    recent = now() - settings.ACCESS_TOKEN_LIFE
    signed_out = SignedOut.objects.filter(user=user, at__gt=recent).values_list("session", flat=True)
    account = Account(
        pk=user.pk,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        language=user.language,
        is_active=user.is_active and (open_here or user.is_superuser),
        is_staff=user.is_staff,
        is_superuser=user.is_superuser,
        role=membership.role.code if membership else "",
        revision=user.token_revision,
        permissions=sorted(membership.role.permission_names) if membership and open_here else [],
        signed_out=[str(session) for session in signed_out],
        price_group=membership.price_group.code if membership and membership.price_group and open_here else "",
    )
    if versions:
        remembered = {**asdict(account), "calls": None, "versions": [_text(version) for version in versions]}
        try:
            client = get_redis_connection("default")
            client.set(state_keys(user_id)[0], orjson.dumps(remembered), ex=REMEMBERED_FOR)
        except RedisError:
            logger.warning("account state is not remembered: redis does not answer")
    return account


def _text(version: bytes | None) -> str:
    return version.decode() if version else ""


def forget_account(user_id: Any) -> None:
    """Have the person's state read anew at their next call, with every tenant. Call it on commit of what changed it."""
    _raise_version(user_id)


def forget_accounts(tenant_id: Any) -> None:
    """Have the state of everybody with this tenant read anew. Call it on commit of a change to a role."""
    _raise_version(tenant_id)


def _raise_version(of: Any) -> None:
    # The version outlives each state that was read under it; a version that vanished outdates the states as well.
    key = f"account-version:{of}"
    try:
        get_redis_connection("default").pipeline().incr(key).expire(key, REMEMBERED_FOR * 2).execute()
    except RedisError:
        logger.error("account state could not be forgotten: redis does not answer", extra={"account": str(of)})


def issue_tokens(user: User, session: str | None = None) -> dict[str, Any]:
    """An access and a refresh token of one session with the tenant at hand; `expires_in` in seconds."""
    refresh = RefreshToken()
    refresh["user_id"] = str(user.pk)
    refresh["tenant"] = str(tenant_id_or_raise())
    refresh["rev"] = user.token_revision
    refresh["sid"] = session or str(uuid4())
    return {
        "access_token": str(refresh.access_token),
        "refresh_token": str(refresh),
        "token_type": "Bearer",
        "expires_in": int(settings.ACCESS_TOKEN_LIFE.total_seconds()),
    }


@lru_cache(maxsize=4096)
def _verified(raw: bytes) -> AccessToken:
    return AccessToken(raw)  # type: ignore[arg-type]


def checked_token(raw: bytes) -> AccessToken:
    """The access token, whose signature is checked once in each process and whose end at each use. Raises `TokenError`."""
    token = _verified(raw)
    if token["exp"] <= time.time():
        raise TokenError
    return token


class Bearer(BaseAuthentication):
    """`Authorization: Bearer <access token>`. The token counts with the tenant that issued it only."""

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="api"'

    def authenticate(self, request: Any) -> tuple[Account, AccessToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed(_("The Authorization header must be: Bearer <token>."), code="bad_token")
        try:
            token = checked_token(parts[1])
        except TokenError as fault:
            raise AuthenticationFailed(_("The token is not valid or has expired."), code="bad_token") from fault
        return self.account_of(token, request), token

    def account_of(self, token: AccessToken, request: Any = None) -> Account:
        if token.get("tenant") != str(current_tenant.get()):
            raise AuthenticationFailed(_("This token belongs to another operator."), code="bad_token")
        account = self.ask_redis(token["user_id"], request)
        revoked = token.get("rev", -1) < account.revision or token.get("sid") in account.signed_out
        if not account.is_active or revoked:
            raise AuthenticationFailed(_("You have been signed out."), code="signed_out")
        return account

    def ask_redis(self, user_id: str, request: Any = None) -> Account:
        """State and count in one trip, with what the view wants; without Redis the database answers and nothing is counted."""
        _most, seconds = parse_rate(settings.THROTTLE_DEFAULT)
        window = window_key("default", f"user:{user_id}", seconds)
        wanted = wanted_keys(request) if request is not None else []
        try:
            (state, *values), calls, _done = trip(
                ("MGET", *state_keys(user_id), *wanted), ("INCR", window), ("EXPIRE", window, seconds * 2)
            )
        except RedisError:
            logger.warning("rate limits are off: redis does not answer")
            state, versions, calls = None, [], 0
        else:
            versions = values[:VERSIONS]
            if wanted:
                bring(request, wanted, values[VERSIONS:])
        account = self.remembered(state, versions) or _read_account(user_id, versions)
        account.calls = int(calls)
        return account

    @staticmethod
    def remembered(state: bytes | None, versions: list[bytes | None]) -> Account | None:
        """The state that Redis kept, if nothing has outdated it."""
        if state is None:
            return None
        kept = orjson.loads(state)
        if kept.pop("versions") != [_text(version) for version in versions]:
            return None
        return Account(**{**kept, "pk": UUID(kept["pk"])})
