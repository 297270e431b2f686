"""Refusals of the ledger."""

from django.utils.translation import gettext_lazy as _

from config.errors import Conflict, DomainError


class UnknownCurrency(DomainError):
    code = "unknown_currency"
    message = _("{currency} is not a currency that is known.")


class InvalidAmount(DomainError):
    """Not a number, not finite, or beyond what any account can hold."""

    code = "invalid_amount"
    message = _("{amount} is not a valid amount.")


class AmountTooFine(DomainError):
    """Refused rather than rounded: somebody would lose or win the difference unasked."""

    code = "amount_too_fine"
    message = _("{amount} has more decimals than {currency} has.")


class NoRate(DomainError):
    code = "no_exchange_rate"
    message = _("There is no exchange rate from {base} to {quote} for {day}.")


class InvalidLine(DomainError):
    """Lines are positive amounts; which side they stand on is said by `debit` and `credit`."""

    code = "invalid_ledger_line"
    message = _("{amount} {unit} cannot be posted: amounts are above zero.")


class Unbalanced(DomainError):
    code = "unbalanced"
    message = _("Debits and credits differ in {units}.")


class ReferenceReused(Conflict):
    """The reference stands for another movement already. Posting the same again would have been harmless."""

    code = "ledger_reference_reused"
    message = _("{reference} was posted already, with other lines.")


class AlreadyReversed(Conflict):
    code = "already_reversed"
    message = _("{reference} was reversed already, by {reversal}.")


class InsufficientFunds(Conflict):
    code = "insufficient_funds"
    message = _("The balance is {balance}; {amount} is asked for.")
