"""Forms of the back-office. They check shapes; the services decide."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, AuthenticationForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from accounts.errors import SignInLocked
from accounts.models import Membership, PriceGroup, Role, User
from accounts.roles import grantable_permissions
from accounts.services.people import set_password
from config import metrics
from config.addresses import client_address
from config.throttling import count_call, give_back_call, parse_rate


class SignInForm(AuthenticationForm):
    """By e-mail; says when the log-in is locked, and for how long. Whoever fails too often with many e-mails must wait too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("E-mail")
        self.fields["username"].widget.attrs |= {"autocomplete": "username", "inputmode": "email", "dir": "ltr"}

    def clean(self) -> Any:
        most, seconds = parse_rate(settings.THROTTLE_BACK_OFFICE)
        caller = f"address:{client_address(self.request)}" if self.request else "address:none"
        if count_call("back-office", caller, seconds) > most:
            metrics.THROTTLED.labels("back-office").inc()
            raise ValidationError(_("Too many requests. Try again later."), code="throttled")
        try:
            cleaned = super().clean()
        except SignInLocked as refusal:
            raise ValidationError(str(refusal), code="locked") from refusal
        give_back_call("back-office", caller, seconds)
        return cleaned


class EmailIsTheServices:
    """Whether an e-mail is taken is the service's to say: the person may be known to another operator."""

    def _get_validation_exclusions(self) -> set[str]:
        return {*super()._get_validation_exclusions(), "email"}  # type: ignore[misc]


def left_to_right(form: forms.BaseForm) -> None:
    """Addresses and numbers are written from left to right in Arabic too."""
    for name in ("email", "phone", "currency"):
        if name in form.fields:
            form.fields[name].widget.attrs["dir"] = "ltr"


class PersonAddForm(EmailIsTheServices, UserCreationForm):
    role: Any = forms.ModelChoiceField(None, label=capfirst(_("role")), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "phone", "language")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = Role.objects.all()
        self.fields["role"].queryset = roles  # type: ignore[attr-defined]
        self.fields["role"].initial = roles.filter(code=Role.Code.CUSTOMER).first()
        left_to_right(self)
        self.fields["email"].widget.attrs.pop("autofocus", None)  # the form begins with the name
        self.fields["first_name"].widget.attrs["autofocus"] = True
        self.fields["usable_password"].label = _("Password")
        self.fields["usable_password"].choices = [  # type: ignore[attr-defined]
            ("false", _("The person chooses it, by a link that we mail")),
            ("true", _("I set one now")),
        ]
        self.fields["usable_password"].initial = "false"
        self.fields["usable_password"].help_text = ""


class PersonChangeForm(EmailIsTheServices, UserChangeForm):
    role: Any = forms.ModelChoiceField(None, label=capfirst(_("role")), widget=UnfoldAdminSelectWidget)
    may_log_in = forms.BooleanField(
        label=capfirst(_("may log in")),
        required=False,
        help_text=_("With this operator. Switched off, every session ends at once."),
        widget=UnfoldBooleanSwitchWidget,
    )
    price_group: Any = forms.ModelChoiceField(
        None,
        label=capfirst(_("price group")),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Whose prices they pay; price rules say what these are."),
    )
    reason = forms.CharField(
        label=capfirst(_("reason")),
        required=False,
        max_length=500,
        help_text=_("Kept in the audit trail."),
        widget=UnfoldAdminTextInputWidget,
    )

    class Meta:
        model = User
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].queryset = Role.objects.all()  # type: ignore[attr-defined]
        self.fields["price_group"].queryset = PriceGroup.objects.all()  # type: ignore[attr-defined]
        left_to_right(self)
        membership = Membership.objects.filter(user=self.instance).first()
        if membership is not None:
            self.fields["role"].initial = membership.role_id
            self.fields["price_group"].initial = membership.price_group_id
            self.fields["may_log_in"].initial = membership.is_active


class StaffSetPasswordForm(AdminPasswordChangeForm):
    """`user.changed_by` holds who sets it."""

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields.pop("usable_password", None)

    def save(self, commit: bool = True) -> Any:
        return set_password(user_id=self.user.pk, password=self.cleaned_data["password1"], actor=self.user.changed_by)


class PermissionGrid(forms.CheckboxSelectMultiple):
    """A table: one line per kind of thing, its rights side by side."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = set(value or [])
        return render_to_string("admin/accounts/permission_grid.html", {"name": name, "groups": self.groups(chosen)})

    @staticmethod
    def groups(chosen: set[str]) -> list[dict[str, Any]]:
        apps: dict[str, dict[str, Any]] = {}
        for full_name, permission in grantable_permissions().items():
            model = permission.content_type.model_class()
            if model is None or model._meta.verbose_name_plural is None:
                continue
            app = apps.setdefault(
                model._meta.app_label,
                {"title": model._meta.app_config.verbose_name, "rows": {}},  # type: ignore[union-attr]
            )
            row = app["rows"].setdefault(
                model._meta.model_name, {"title": model._meta.verbose_name_plural, "usual": {}, "more": []}
            )
            box = {"value": full_name, "checked": full_name in chosen, "title": _(permission.name)}
            verb = permission.codename.removesuffix(f"_{model._meta.model_name}")
            if verb in {"view", "add", "change", "delete"} and verb != permission.codename:
                row["usual"][verb] = box
            else:
                row["more"].append(box)
        for app in apps.values():
            app["rows"] = [
                {**row, "usual": [row["usual"].get(verb) for verb in ("view", "add", "change", "delete")]}
                for row in app["rows"].values()
            ]
        return list(apps.values())


class RoleForm(forms.ModelForm):
    rights = forms.MultipleChoiceField(label=capfirst(_("rights")), required=False, widget=PermissionGrid)

    class Meta:
        model = Role
        fields = ("code", "name_en", "name_ar", "is_staff")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = grantable_permissions()
        self.fields["rights"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields["rights"].initial = [] if self.instance._state.adding else sorted(self.instance.permission_names)
