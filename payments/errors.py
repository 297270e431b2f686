from django.utils.translation import gettext_lazy as _

from config.errors import Conflict, DomainError, NotFound


class UnknownGateway(DomainError):
    code = "unknown_gateway"
    message = _("There is no way to pay called {gateway}.")


class CurrencyNotTaken(DomainError):
    code = "currency_not_taken"
    message = _("{gateway} does not take {currency}.")


class AmountNotTaken(DomainError):
    code = "amount_not_taken"
    message = _("{gateway} cannot take {amount} {currency}: it takes larger amounts, or amounts in larger steps.")


class NoOwnForm(DomainError):
    code = "no_own_form"
    message = _("With {gateway}, people pay on its own page.")


class ForeignAddress(DomainError):
    code = "foreign_address"
    message = _("{address} is no address that we send people back to.")


class NothingDue(Conflict):
    code = "nothing_due"
    message = _("Booking {reference} has nothing left to pay.")


class NoDeposit(DomainError):
    code = "no_deposit"
    message = _("Booking {reference} has no deposit left to pay: pay all that is due.")


class BookingEnded(Conflict):
    code = "booking_ended"
    message = _("Booking {reference} is {status}; it cannot be paid.")


class TimeToPayOver(Conflict):
    code = "hold_expired"
    message = _("The time to pay booking {reference} is over.")


class PaymentUnderWay(Conflict):
    code = "payment_under_way"
    message = _("A payment of this booking is being processed. Wait for its end.")


class GatewayDown(DomainError):
    """The attempt stays open; the same request again goes on with it, under the same key at the gateway."""

    code = "gateway_unavailable"
    status = 503
    message = _("The payment service does not answer. Nothing is lost: try again in a moment.")


class PaymentDeclined(DomainError):
    code = "payment_declined"
    message = _("The payment was refused. Try another way to pay.")


class NotAgreedYet(Conflict):
    code = "not_agreed_yet"
    message = _("The payer has not agreed to pay yet.")


class PaymentOver(Conflict):
    code = "payment_over"
    message = _("Payment {number} has ended unpaid. Begin a new one.")


class MismatchGone(Conflict):
    code = "mismatch_gone"
    message = _("The gateway holds no other amount for payment {number} than we do. Ask it again.")


class OtherCurrency(Conflict):
    code = "other_currency"
    message = _("Only {currency} counts for this booking. Money in another currency can only go back.")


class NotRefundable(Conflict):
    code = "not_refundable"
    message = _("Payment {number} is {status}; there is nothing to refund.")


class RefundTooLarge(DomainError):
    code = "refund_too_large"
    message = _("Only {left} {currency} of this payment can still be refunded.")


class RefundNotExact(DomainError):
    code = "refund_not_exact"
    message = _("{amount} is no amount of {currency}.")


class RefundCauseReused(DomainError):
    code = "refund_cause_reused"
    message = _("This refund was asked for before, with another amount.")


class NoticeEmptied(Conflict):
    code = "notice_emptied"
    message = _("What this notice said is no longer kept. Ask the gateway about its payment instead.")


class PaymentNotFound(NotFound):
    code = "payment_not_found"
    message = _("There is no such payment.")


# --- At the desk ---


class AmountNotDue(DomainError):
    code = "amount_not_due"
    message = _("Due are {due} {currency}, no more and no less.")


class ReceiptUsed(Conflict):
    code = "receipt_used"
    message = _("Receipt {receipt} was used for another payment.")


class NotPaidInCash(Conflict):
    code = "not_paid_in_cash"
    message = _("Refund {number} goes back through its gateway, not over the counter.")


class RefundEnded(Conflict):
    code = "refund_ended"
    message = _("Refund {number} is {status} already.")


class NoWayToPay(DomainError):
    code = "no_way_to_pay"
    message = _("No way to pay is offered for {amount} {currency}.")


class DeskMayNot(DomainError):
    code = "permission_denied"
    status = 403
    message = _("Your role does not allow this way of paying.")
