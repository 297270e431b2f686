"""The shapes of what comes and goes. Nothing is written here."""

from typing import Any

from babel.core import get_global
from django.core.validators import RegexValidator
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from phonenumber_field.serializerfields import PhoneNumberField
from rest_framework import serializers

from accounts.models import Language, Membership, Role, TravelPreferences, User

CURRENCIES = frozenset(get_global("all_currencies"))
ONE_LINE = RegexValidator(r"^[^\x00-\x1f\x7f<>]*$", _("Letters, spaces and signs of one line, without < and >."))


class NameField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=2, max_length=50, validators=[ONE_LINE], **kwargs)


class EmailField(serializers.EmailField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).lower()


class NewPasswordField(serializers.CharField):
    """8 to 128 characters, taken as they are; the other rules are the service's."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("style", {"input_type": "password"})
        super().__init__(min_length=8, max_length=128, trim_whitespace=False, write_only=True, **kwargs)


class PasswordField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=128, trim_whitespace=False, write_only=True, **kwargs)


@extend_schema_field({"type": "string", "pattern": r"^(\+[0-9]{6,15})?$", "example": "+201001234567"})
class PhoneField(PhoneNumberField):
    """E.164, with the leading +."""

    def to_internal_value(self, data: Any) -> Any:
        if not data:
            return ""
        return super().to_internal_value(data)

    def to_representation(self, value: Any) -> str:
        return str(value or "")


class CurrencyField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=3, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data).upper()
        if code and code not in CURRENCIES:
            raise serializers.ValidationError(_("There is no currency with this code."))
        return code


class BirthDateField(serializers.DateField):
    def to_internal_value(self, value: Any) -> Any:
        date = super().to_internal_value(value)
        if date > localdate() or date.year < 1900:
            raise serializers.ValidationError(_("This is no date of birth."))
        return date


class UserSerializer(serializers.ModelSerializer):
    """A person, as they see themselves and as staff see them."""

    phone = PhoneField(read_only=True)
    email_verified = serializers.SerializerMethodField()
    picture = serializers.SerializerMethodField()
    role = serializers.SerializerMethodField()
    permissions = serializers.SerializerMethodField()
    is_active = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            "id",
            "email",
            "email_verified",
            "first_name",
            "last_name",
            "phone",
            "date_of_birth",
            "picture",
            "language",
            "currency",
            "role",
            "permissions",
            "is_active",
            "created_at",
        ]
        read_only_fields = fields

    def get_email_verified(self, user: User) -> bool:
        return user.email_verified_at is not None

    def get_picture(self, user: User) -> str | None:
        if not user.picture:
            return None
        request = self.context.get("request")
        return request.build_absolute_uri(user.picture.url) if request else user.picture.url

    def get_role(self, user: User) -> str:
        membership = self._membership(user)
        return membership.role.code if membership else ""

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_permissions(self, user: User) -> list[str]:
        membership = self._membership(user)
        return sorted(membership.role.permission_names) if membership else []

    def get_is_active(self, user: User) -> bool:
        membership = self._membership(user)
        return user.is_active and (membership is None or membership.is_active)

    def _membership(self, user: User) -> Membership | None:
        """The list brings it along; a single person's is read."""
        if "membership_here" not in user.__dict__:
            user.__dict__["membership_here"] = Membership.objects.select_related("role").filter(user_id=user.pk).first()
        return user.__dict__["membership_here"]


class PersonSerializer(UserSerializer):
    """A person in staff's list: without the permissions of their role."""

    class Meta(UserSerializer.Meta):
        fields = [name for name in UserSerializer.Meta.fields if name != "permissions"]
        read_only_fields = fields


class TwicePassword(serializers.Serializer):
    password = NewPasswordField()
    confirm_password = NewPasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["password"] != attrs.pop("confirm_password"):
            raise serializers.ValidationError({"confirm_password": [_("The two passwords are not the same.")]})
        return attrs


class RegistrationSerializer(TwicePassword):
    email = EmailField()
    first_name = NameField()
    last_name = NameField()
    phone = PhoneField(required=False)
    date_of_birth = BirthDateField(required=False, allow_null=True)
    language = serializers.ChoiceField(Language.choices, required=False)
    currency = CurrencyField(required=False, allow_blank=True)


class SignInSerializer(serializers.Serializer):
    email = EmailField()
    password = PasswordField()


class RefreshTokenSerializer(serializers.Serializer):
    refresh_token = serializers.CharField(
        max_length=2000, required=False, help_text="Left out where it travels in the cookie."
    )


class TokensSerializer(serializers.Serializer):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField(allow_null=True, help_text="Null where it went into the cookie.")
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds that the access token counts.")


class RegisteredSerializer(TokensSerializer):
    user = UserSerializer()


class ProfileSerializer(serializers.Serializer):
    first_name = NameField(required=False)
    last_name = NameField(required=False)
    phone = PhoneField(required=False, allow_blank=True)
    date_of_birth = BirthDateField(required=False, allow_null=True)
    language = serializers.ChoiceField(Language.choices, required=False)
    currency = CurrencyField(required=False, allow_blank=True)


class PictureSerializer(serializers.Serializer):
    picture = serializers.FileField(help_text="JPEG, PNG, WebP or GIF.")


class EmailOnlySerializer(serializers.Serializer):
    email = EmailField()


class LinkTokenSerializer(serializers.Serializer):
    token = serializers.CharField(max_length=1000)


class ResetSerializer(TwicePassword):
    token = serializers.CharField(max_length=1000)


class PasswordChangeSerializer(TwicePassword):
    current_password = PasswordField()


class AcceptedSerializer(serializers.Serializer):
    message = serializers.CharField()


class WordsField(serializers.ListField):
    def __init__(self, **kwargs: Any) -> None:
        child = serializers.CharField(max_length=80, validators=[ONE_LINE])
        super().__init__(child=child, max_length=30, **kwargs)


class PreferencesSerializer(serializers.Serializer):
    favourite_destinations = WordsField(default=list)
    budget_min = serializers.DecimalField(14, 3, min_value=0, allow_null=True, default=None)
    budget_max = serializers.DecimalField(14, 3, min_value=0, allow_null=True, default=None)
    travel_style = serializers.ChoiceField(TravelPreferences.Style.choices, allow_blank=True, default="")
    interests = WordsField(default=list)
    dietary_needs = serializers.CharField(max_length=300, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        least, most = attrs["budget_min"], attrs["budget_max"]
        if least is not None and most is not None and least > most:
            raise serializers.ValidationError({"budget_max": [_("The upper end is below the lower one.")]})
        return attrs


class NewPersonSerializer(serializers.Serializer):
    email = EmailField()
    first_name = NameField()
    last_name = NameField()
    phone = PhoneField(required=False)
    language = serializers.ChoiceField(Language.choices, required=False)
    role = serializers.SlugField(max_length=30, default=Role.Code.CUSTOMER)


class PersonChangeSerializer(serializers.Serializer):
    email = EmailField(required=False)
    first_name = NameField(required=False)
    last_name = NameField(required=False)
    phone = PhoneField(required=False, allow_blank=True)
    language = serializers.ChoiceField(Language.choices, required=False)
    role = serializers.SlugField(max_length=30, required=False)
    is_active = serializers.BooleanField(required=False)
    reason = serializers.CharField(max_length=500, required=False, help_text="Kept in the audit trail.")


def validate_role(code: str) -> str:
    """A code of this tenant's roles. Raises `ValidationError` under `role`."""
    if not Role.objects.filter(code=code).exists():
        raise serializers.ValidationError({"role": [_("There is no such role.")]})
    return code
