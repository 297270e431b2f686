"""People, the tenants they work for or buy from, what they may do, and what everyone needs: audit, keys, settings."""

from typing import Any

import pgtrigger
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Permission
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinLengthValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from accounts.presence import PublicPresence
from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from config.tenancy import current_tenant


class Language(models.TextChoices):
    ENGLISH = "en", _("English")
    ARABIC = "ar", _("Arabic")


class Unanswered(models.TextChoices):
    """What becomes of a booking when its guest does not answer a choice in time."""

    REFUND = "REFUND", _("Refund in full")
    KEEP = "KEEP", _("Leave it as booked")


class Tenant(PublicPresence):
    """An operator. All others' rows name it; it belongs to nobody."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("slug"), max_length=63, unique=True)
    name_en = models.CharField(_("name (English)"), max_length=120)
    name_ar = models.CharField(_("name (Arabic)"), max_length=120)
    host = models.CharField(
        _("host name"),
        max_length=253,
        blank=True,
        default="",
        help_text=_("Requests to this host are this operator's."),
    )
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    time_zone = models.CharField(_("time zone"), max_length=63, default="Africa/Cairo")
    email = models.EmailField(_("e-mail"), blank=True, default="")
    phone = PhoneNumberField(_("phone"), blank=True, default="")
    address_en = models.CharField(_("address (English)"), max_length=300, blank=True, default="")
    address_ar = models.CharField(_("address (Arabic)"), max_length=300, blank=True, default="")
    guests_may_book = models.BooleanField(_("guests may book without an account"), default=True)
    choice_hours = models.PositiveSmallIntegerField(
        _("hours to choose"),
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
        help_text=_("How long guests have who are offered another departure or their money back."),
    )
    choice_unanswered = models.CharField(
        _("who does not choose"),
        max_length=10,
        choices=Unanswered.choices,
        default=Unanswered.REFUND,
        help_text=_("What becomes of their booking, unless it is decided otherwise each time."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")
        constraints = [
            models.UniqueConstraint(fields=["host"], condition=~models.Q(host=""), name="tenant_host_once"),
        ]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class UserManager(BaseUserManager):
    def get_by_natural_key(self, username: str | None) -> Any:
        """By e-mail, without regard to case."""
        return self.get(email__iexact=(username or "").strip())


NAME = [MinLengthValidator(2), MaxLengthValidator(50)]


class User(AbstractBaseUser):
    """A person, once for all tenants; what they may do stands in their membership with each."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail"), max_length=254)
    first_name = models.CharField(_("first name"), max_length=50, validators=NAME)
    last_name = models.CharField(_("last name"), max_length=50, validators=NAME)
    phone = PhoneNumberField(_("phone"), blank=True, default="")
    date_of_birth = models.DateField(_("date of birth"), null=True, blank=True)
    picture = models.ImageField(_("picture"), upload_to="people/", blank=True)
    language = models.CharField(_("language"), max_length=2, choices=Language.choices, default=Language.ENGLISH)
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    email_verified_at = models.DateTimeField(_("e-mail verified at"), null=True, blank=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    is_superuser = models.BooleanField(
        _("runs the platform"), default=False, help_text=_("May do everything for every operator.")
    )
    token_revision = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["first_name", "last_name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        return self.first_name

    @property
    def is_staff(self) -> bool:
        """Whether this person works for the tenant at hand (which opens the back-office)."""
        if not self.is_active:
            return False
        if self.is_superuser:
            return True
        membership = self.membership
        return membership is not None and membership.role.is_staff

    @property
    def membership(self) -> "Membership | None":
        """The membership with the tenant at hand, remembered per tenant on this object."""
        tenant = current_tenant.get()
        if tenant is None:
            return None
        known: dict[Any, Membership | None] = self.__dict__.setdefault("_memberships", {})
        if tenant not in known:
            known[tenant] = (
                Membership.objects.select_related("role", "price_group").filter(user_id=self.pk, is_active=True).first()
            )
        return known[tenant]

    @property
    def price_group(self) -> str:
        """The code of the price group that this person is in with the tenant at hand, or nothing."""
        membership = self.membership
        return membership.price_group.code if membership and membership.price_group else ""

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether the role with the tenant at hand holds the permission (`bookings.refund`)."""
        if not self.is_active:
            return False
        return self.is_superuser or perm in self.role_permissions

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return all(self.has_perm(perm) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        if not self.is_active:
            return False
        return self.is_superuser or any(perm.startswith(f"{app_label}.") for perm in self.role_permissions)

    @property
    def role_permissions(self) -> frozenset[str]:
        """Permissions of the role with the tenant at hand, as `app.codename`."""
        membership = self.membership
        return membership.role.permission_names if membership else frozenset()


class Role(TenantOwned):
    """What a kind of person may do with a tenant. Seeded, edited in the back-office."""

    class Code(models.TextChoices):
        SUPER_ADMIN = "SUPER_ADMIN", _("Super administrator")
        ADMIN = "ADMIN", _("Administrator")
        EMPLOYEE = "EMPLOYEE", _("Employee")
        AGENT = "AGENT", _("Agent")
        CUSTOMER = "CUSTOMER", _("Customer")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(_("code"), max_length=30)
    name_en = models.CharField(_("name (English)"), max_length=60)
    name_ar = models.CharField(_("name (Arabic)"), max_length=60)
    is_staff = models.BooleanField(_("opens the back-office"), default=False)
    permissions = models.ManyToManyField(
        Permission, through="RolePermission", verbose_name=_("permissions"), blank=True
    )
    # What seeding has ever offered this role: what staff took away does not come back with the next version.
    offered = models.JSONField(default=list, editable=False)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="role_code_once")]

    def __str__(self) -> str:
        return str(in_language(self, "name"))

    @property
    def permission_names(self) -> frozenset[str]:
        """`app.codename` of each permission, remembered on this object."""
        if "_permission_names" not in self.__dict__:
            rows = RolePermission.objects.filter(role_id=self.pk).values_list(
                "permission__content_type__app_label", "permission__codename"
            )
            self.__dict__["_permission_names"] = frozenset(f"{app}.{codename}" for app, codename in rows)
        return self.__dict__["_permission_names"]


class RolePermission(TenantOwned):
    role = TenantForeignKey(Role, models.CASCADE)
    permission = models.ForeignKey(Permission, models.CASCADE)

    class Meta:
        verbose_name = _("permission of a role")
        verbose_name_plural = _("permissions of a role")
        constraints = [models.UniqueConstraint(fields=["role", "permission"], name="role_permission_once")]

    def __str__(self) -> str:
        return str(self.permission)


class PriceGroup(TenantOwned):
    """Customers who are offered their own prices: bronze, silver …. What they pay is said by price rules."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=30)
    name_en = models.CharField(_("name (English)"), max_length=60)
    name_ar = models.CharField(_("name (Arabic)"), max_length=60)
    display_order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("price group")
        verbose_name_plural = _("price groups")
        ordering = ["display_order", "code"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="price_group_once")]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class Membership(TenantOwned):
    """A person's place with a tenant: customer, agent or staff."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("person"))
    role = TenantForeignKey(Role, models.PROTECT, related_name="memberships", verbose_name=_("role"))
    price_group = TenantForeignKey(
        PriceGroup,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="memberships",
        verbose_name=_("price group"),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.role}"


class TravelPreferences(TenantOwned):
    """What a customer likes, as they told this tenant."""

    class Style(models.TextChoices):
        BUDGET = "BUDGET", _("Budget")
        COMFORT = "COMFORT", _("Comfort")
        LUXURY = "LUXURY", _("Luxury")
        ADVENTURE = "ADVENTURE", _("Adventure")
        FAMILY = "FAMILY", _("Family")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    favourite_destinations = models.JSONField(_("favourite destinations"), default=list, blank=True)
    budget_min = models.DecimalField(_("budget from"), max_digits=14, decimal_places=3, null=True, blank=True)
    budget_max = models.DecimalField(_("budget to"), max_digits=14, decimal_places=3, null=True, blank=True)
    travel_style = models.CharField(_("travel style"), max_length=12, choices=Style.choices, blank=True, default="")
    interests = models.JSONField(_("interests"), default=list, blank=True)
    dietary_needs = models.CharField(_("dietary needs"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("travel preferences")
        verbose_name_plural = _("travel preferences")
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="preferences_once")]

    def __str__(self) -> str:
        return str(_("travel preferences"))


class SignedOut(models.Model):
    """A session that ended before its access token did. Read on a cache miss; swept after the token's life."""

    session = models.UUIDField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return str(self.session)


class SignInLock(TenantOwned):
    """Failed log-ins of one e-mail from one address; five lock the pair for 15 minutes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.CharField(_("e-mail"), max_length=254)
    address = models.GenericIPAddressField(_("address"))
    failures = models.PositiveSmallIntegerField(_("failures"), default=0)
    first_failure_at = models.DateTimeField(_("first failure"))
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)

    class Meta:
        verbose_name = _("locked log-in")
        verbose_name_plural = _("locked log-ins")
        constraints = [models.UniqueConstraint(fields=["tenant", "email", "address"], name="sign_in_lock_once")]

    def __str__(self) -> str:
        return f"{self.email} · {self.address}"


APPEND_ONLY = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]


class AuditEntry(TenantOwned):
    """Who did what to which row. Written in the transaction of the change; the database refuses to edit it."""

    class Outcome(models.TextChoices):
        DONE = "DONE", _("Done")
        REFUSED = "REFUSED", _("Refused")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("at"), auto_now_add=True)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("who"))
    actor_name = models.CharField(_("name of who"), max_length=120, blank=True, default="")
    action = models.CharField(_("action"), max_length=80)
    subject_type = models.CharField(_("kind of thing"), max_length=60)
    subject_id = models.CharField(_("id of the thing"), max_length=64)
    subject_name = models.CharField(_("thing"), max_length=200, blank=True, default="")
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    address = models.GenericIPAddressField(_("address"), null=True)
    agent = models.CharField(_("browser"), max_length=300, blank=True, default="")
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices, default=Outcome.DONE)
    request_id = models.CharField(_("request"), max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["tenant", "-at"], name="audit_by_time"),
            models.Index(fields=["tenant", "subject_type", "subject_id"], name="audit_by_subject"),
        ]
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return f"{self.action} {self.subject_name}"


class IdempotencyKey(TenantOwned):
    """A client's key and the answer its request got (see `config.idempotency`). No status means: still running."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    caller = models.CharField(max_length=64)
    route = models.CharField(max_length=60)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    taken_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "caller", "route", "key"], name="idempotency_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class InvariantReport(TenantOwned):
    """What a run of `check_invariants` found for a tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ran_at = models.DateTimeField(_("ran at"), auto_now_add=True)
    is_clean = models.BooleanField(_("clean"))
    faults = models.JSONField(_("faults"), default=dict)
    milliseconds = models.PositiveIntegerField(_("took (ms)"))

    class Meta:
        verbose_name = _("invariants report")
        verbose_name_plural = _("invariants reports")
        ordering = ["-ran_at"]

    def __str__(self) -> str:
        return f"{self.ran_at:%Y-%m-%d %H:%M}"
