"""The password rule that Django's own validators lack."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class DigitAndUpperCaseValidator:
    """Refuses passwords without a digit, without an upper-case letter, or longer than 128 characters."""

    def validate(self, password: str, user: object = None) -> None:
        if not any(letter.isdigit() for letter in password):
            raise ValidationError(_("The password needs a digit."), code="password_without_digit")
        if not any(letter.isupper() for letter in password):
            raise ValidationError(_("The password needs an upper-case letter."), code="password_without_upper_case")
        if len(password) > 128:
            raise ValidationError(_("The password is longer than 128 characters."), code="password_too_long")

    def get_help_text(self) -> str:
        return _("Your password needs a digit and an upper-case letter, and at most 128 characters.")
