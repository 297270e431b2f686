"""Refusals of accounts."""

from django.utils.translation import gettext_lazy as _

from config.errors import Conflict, DomainError


class EmailTaken(Conflict):
    code = "email_taken"
    message = _("There is an account with this e-mail. Log in, or have the password reset.")


class WrongCredentials(DomainError):
    """Says the same for an unknown e-mail and a wrong password."""

    code = "wrong_credentials"
    status = 401
    message = _("E-mail and password do not fit together.")


class SignInLocked(DomainError):
    code = "sign_in_locked"
    status = 429
    message = _("Too many failed log-ins. Try again in {minutes} minutes.")


class AccountBlocked(DomainError):
    """Told only to those who know the password."""

    code = "account_blocked"
    status = 403
    message = _("This account has been closed. Write to us if you think that is wrong.")


class TokenRefused(DomainError):
    code = "bad_token"
    status = 401
    message = _("The token is not valid or has expired.")


class LinkRefused(DomainError):
    code = "link_refused"
    message = _("This link has been used already or has expired. Ask for a new one.")


class MayNotGrant(DomainError):
    code = "may_not_grant"
    status = 403
    message = _("Nobody can give or take rights that they do not hold themselves.")


class NotOnYourself(Conflict):
    code = "not_on_yourself"
    message = _("You cannot do this to your own account.")


class SharedPerson(Conflict):
    code = "shared_person"
    message = _("This person uses the account with another operator too; only they can change it.")
