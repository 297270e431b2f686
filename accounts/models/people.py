"""People, their places with tenants, and what they may do there."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Permission
from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from accounts.models.tenants import Language
from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from config.tenancy import current_tenant


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

    def remember(self, membership: "Membership") -> None:
        """Take over a membership of this person that was read with them."""
        self.__dict__.setdefault("_memberships", {})[membership.tenant_id] = membership

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
