"""Why holds and bookings are refused."""

from django.utils.translation import gettext_lazy as _

from config.errors import Conflict, DomainError, InvalidInput, NotFound


class DepartureClosed(Conflict):
    code = "departure_closed"
    message = _("This departure is not on sale.")


class CutoffPassed(DomainError):
    code = "cutoff_passed"
    message = _("Bookings for this departure have closed.")


class NotOnSaleYet(DomainError):
    """`details["opens"]` is when it is."""

    code = "not_on_sale_yet"
    message = _("This departure is not on sale yet.")


class SeatsUnavailable(Conflict):
    code = "seats_unavailable"
    message = _("Only {left} of the {asked} seats asked for are left.")


class PriceChanged(Conflict):
    """`details["quote"]` is the quote as it is now."""

    code = "price_changed"
    message = _("The price has changed since you saw it.")


class VoucherUnknown(DomainError):
    code = "voucher_unknown"
    message = _("There is no voucher {code}.")


class HoldNotFound(NotFound):
    code = "hold_not_found"
    message = _("There is no such hold.")


class HoldExpired(Conflict):
    code = "hold_expired"
    message = _("The time of this hold is over; its seats may have been given to others.")


class HoldReleased(Conflict):
    code = "hold_released"
    message = _("This hold was given up.")


class HoldBooked(Conflict):
    """There is a booking on it: what is wanted must be done to the booking."""

    code = "hold_booked"
    message = _("There is a booking on this hold already.")


class NoMoreExtensions(Conflict):
    code = "no_more_extensions"
    message = _("This hold was extended {times} times; that is as often as it goes.")


class GuestsMayNotBook(DomainError):
    code = "sign_in_to_book"
    status = 401
    message = _("Sign in to book.")


class TravellersMismatch(DomainError):
    code = "travellers_mismatch"
    message = _("The travellers named are not the party that was priced.")


class AgeOutsideCategory(DomainError):
    """`details["travellers"]` has the faults of each traveller, in their order."""

    code = "age_outside_category"
    message = _("A traveller's age on the day of the trip is not that of the price category.")


class AgesNotAllowed(DomainError):
    code = "permission_denied"
    status = 403
    message = _("You may not take travellers of other ages than those of their price categories.")


class NobodyToWriteTo(Conflict):
    code = "nobody_to_write_to"
    message = _("Nobody is booked on this departure.")


class TravellersFixed(Conflict):
    code = "travellers_fixed"
    message = _("The trip of {reference} has begun: its travellers stay as they are.")


class ContactRequired(InvalidInput):
    code = "contact_required"
    message = _("Say whom we may write to: a name and an e-mail address.")


class CustomerNotFound(DomainError):
    code = "customer_not_found"
    message = _("There is no such customer.")


class BookingNotFound(NotFound):
    code = "booking_not_found"
    message = _("There is no such booking.")


class BookingEnded(Conflict):
    code = "booking_ended"
    message = _("{reference} has ended; it cannot be changed.")


class AlreadyStarted(Conflict):
    code = "already_started"
    message = _("{reference} has started; it cannot be cancelled any more.")


class NotMovable(Conflict):
    code = "not_movable"
    message = _("{reference} is “{status}” or has begun; it cannot be moved to another departure.")


class MoveByStaffOnly(Conflict):
    """By the policy something would be kept: a move must not be the way around it."""

    code = "move_by_staff_only"
    message = _("It is too late to move {reference} yourself. Write to us or call us.")


class OtherTour(DomainError):
    code = "other_tour"
    message = _("{reference} can only be moved to another departure of the same tour.")


class DearerAfterRefund(Conflict):
    code = "dearer_after_refund"
    message = _(
        "Money of {reference} went back already, or is on its way:"
        " it can only be moved at the price that was agreed, or a lower one."
    )


class DearerPickupAfterRefund(Conflict):
    code = "dearer_after_refund"
    message = _("Money of {reference} went back already, or is on its way: its pickup cannot become dearer any more.")


class OfferNotFound(NotFound):
    code = "choice_not_found"
    message = _("There is no such choice.")


class OfferAnswered(Conflict):
    code = "choice_answered"
    message = _("This was answered already: {answer}.")


class OfferOver(Conflict):
    code = "choice_over"
    message = _("The time to choose is over, or the booking has changed since. Write to us or call us.")


class NotOffered(DomainError):
    code = "not_offered"
    message = _("This is not one of the choices.")


class OfferNeedsReason(InvalidInput):
    code = "reason_required"
    message = _("Say why in both languages: the guests read it.")


class DeadlinePassed(InvalidInput):
    code = "deadline_passed"
    message = _("The time to answer must end in the future.")


class ChangeApplied(Conflict):
    code = "change_applied"
    message = _("This change was applied already.")


class GuestsNotMoved(Conflict):
    """`details["bookings"]` says of each booking why."""

    code = "guests_not_moved"
    message = _("Nothing was changed. Bookings that cannot be moved: {count}. {first}: {why}")
    nowhere = _("There is no departure to move it to.")


class NotStarted(Conflict):
    code = "not_started"
    message = _("{reference} has not started yet.")


class RefundChanged(Conflict):
    """`details["refund"]` is what would be refunded now."""

    code = "refund_changed"
    message = _("The refund is not what you saw any more: it is {refund} {currency} now.")


class OverrideNotAllowed(DomainError):
    code = "permission_denied"
    status = 403
    message = _("You may not refund against the policy.")


class OverbookingNotAllowed(DomainError):
    code = "permission_denied"
    status = 403
    message = _("You may not sell more places than there are.")


class ReasonRequired(InvalidInput):
    code = "reason_required"
    message = _("Say why.")


class VoucherNotReady(Conflict):
    code = "voucher_not_ready"
    message = _("{reference} is not confirmed; there is no voucher.")


class NotOnDeparture(Conflict):
    """`details` names the departure that the booking is for."""

    code = "other_departure"
    message = _("{reference} is for another departure: {trip}, {starts}.")


class DepartureNeeded(InvalidInput):
    code = "departure_needed"
    message = _("{reference} has several departures: say which one.")


class CheckInNotOpen(Conflict):
    code = "check_in_not_open"
    message = _("Check-in of {reference} opens on {opens}.")


class NotForCheckIn(Conflict):
    code = "not_confirmed"
    message = _("{reference} is “{status}”: nobody is let in on it.")


class AlreadyIn(Conflict):
    """`details` says since when and by whom, and how many of how many."""

    code = "already_checked_in"
    message = _("Already in at {at} by {by}.")


class TooMany(Conflict):
    code = "more_than_missing"
    message = _("{came} of {guests} are in already; no more than {left} can still come.")


class NobodyMissing(Conflict):
    code = "nobody_missing"
    message = _("Nobody of {reference} is missing.")


class SomeCame(Conflict):
    code = "some_came"
    message = _("{came} of {guests} of {reference} came: only the others can be marked as not coming.")


class VoucherNotGenuine(Conflict):
    code = "voucher_not_genuine"
    message = _("This voucher was not issued by us for {reference}: look at it closely.")


class CheckInNotFound(NotFound):
    code = "check_in_not_found"
    message = _("There is no such check-in to take back.")


class CheckInUndone(Conflict):
    code = "check_in_undone"
    message = _("It was taken back already, at {at} by {by}.")


class CheckInIdReused(DomainError):
    code = "check_in_id_reused"
    message = _("This id was used for another check-in.")


# --- Reviews ---


class ReviewNotFound(NotFound):
    code = "review_not_found"
    message = _("There is no such review.")


class PhotoNotFound(NotFound):
    code = "photo_not_found"
    message = _("There is no such photo.")


class NotTravelledYet(Conflict):
    code = "not_travelled_yet"
    message = _("A trip can be reviewed once it is over, by those who took part.")


class AlreadyReviewed(Conflict):
    code = "already_reviewed"
    message = _("This trip has been reviewed already. You can change that review.")


class OwnReview(DomainError):
    code = "own_review"
    message = _("This review is your own.")


class TooManyPhotos(Conflict):
    code = "too_many_photos"
    message = _("A review has {most} photos at most.")


class NoRide(Conflict):
    code = "no_pickup"
    message = _("{reference} is for a tour that fetches nobody.")


class PickupFixed(Conflict):
    code = "pickup_fixed"
    message = _("It is too late to change where {reference} is fetched. Call us.")


class DifferenceChanged(Conflict):
    """`details["difference"]` is what it would be now."""

    code = "difference_changed"
    message = _("The difference is not what you saw any more: it is {difference} {currency} now.")
