"""What the catalogue refuses, and why."""

from django.utils.translation import gettext_lazy as _

from config.errors import Conflict, DomainError, InvalidInput, NotFound


class TourNotFound(NotFound):
    code = "tour_not_found"
    message = _("There is no such tour.")


class DepartureNotFound(NotFound):
    code = "departure_not_found"
    message = _("There is no such departure.")


class ImageNotFound(NotFound):
    code = "image_not_found"
    message = _("There is no such picture.")


class TooManyImages(Conflict):
    code = "too_many_images"
    message = _("There are {most} pictures already, which is the most. Delete one first.")


class SiteNotSet(NotFound):
    code = "site_not_set"
    message = _("The operator has named no public site.")


class FeedNotPublished(NotFound):
    code = "feed_not_published"
    message = _("This feed has not been published.")


class FeedRefused(DomainError):
    code = "feed_refused"
    message = _("The feed was not published. {why}")


class WishListNotFound(NotFound):
    code = "wish_list_not_found"
    message = _("There is no such wish list.")


class WishListFull(DomainError):
    code = "wish_list_full"
    message = _("A wish list holds {most} tours at most.")


class OptionNotFound(NotFound):
    code = "option_not_found"
    message = _("There is no such option.")


class RuleNotFound(NotFound):
    code = "schedule_rule_not_found"
    message = _("There is no such schedule rule.")


# --- What a party may ask for ---


class UnknownPriceCategory(DomainError):
    code = "unknown_price_category"
    message = _("“{category}” has no price here. Priced are: {known}.")


class PartyTooSmall(DomainError):
    code = "party_too_small"
    message = _("A booking needs {least} guests or more; {asked} were asked for.")


class PartyTooLarge(DomainError):
    code = "party_too_large"
    message = _("A booking takes {most} guests at most; {asked} were asked for.")


class NobodyTakesASeat(DomainError):
    code = "nobody_takes_a_seat"
    message = _("Somebody in the party must take a seat: infants do not travel alone.")


class UnknownExtra(DomainError):
    code = "unknown_extra"
    message = _("The extra “{extra}” is not offered here.")


class ExtraQuantityRefused(DomainError):
    code = "extra_quantity"
    message = _("Of the extra “{extra}” between {least} and {most} can be booked; {asked} were asked for.")


class ExtraForNobody(DomainError):
    code = "extra_for_nobody"
    message = _("Nobody in the party can take the extra “{extra}”.")


class ExtraSoldOut(Conflict):
    code = "extra_sold_out"
    message = _("Of the extra “{extra}” only {left} are left; {asked} were asked for.")


class StockBelowSold(Conflict):
    code = "stock_below_sold"
    message = _(
        "Of the extra “{extra}” {sold} are sold already for one of the days to come: the stock cannot be lower."
    )


class StockKindInUse(Conflict):
    code = "stock_kind_in_use"
    message = _("The extra “{extra}” is sold for days to come: how its stock is counted cannot change.")


class ExtraInUse(Conflict):
    code = "extra_in_use"
    message = _("The extra “{extra}” has been booked. Stop offering it instead of deleting it.")


class SinglesRefused(DomainError):
    code = "singles_refused"
    message = _(
        "{asked} rooms for one guest do not fit this party: at least {least}, at most {most}, the others in pairs."
    )


class NoPickup(DomainError):
    code = "no_pickup"
    message = _("Nobody is fetched for this tour.")


class NotATransfer(DomainError):
    code = "not_a_transfer"
    message = _("This tour is no transfer from one place to another.")


class PickupNeeded(InvalidInput):
    code = "pickup_needed"
    message = _("Say where to fetch you.")


class TransferNeeded(InvalidInput):
    code = "transfer_needed"
    message = _("Say from where to where: an origin and a destination.")


class UnknownPickup(DomainError):
    code = "unknown_pickup"
    message = _("We do not drive there for this tour.")


class AddressNotListed(DomainError):
    code = "address_not_listed"
    message = _("Choose one of the places that we drive to for this tour.")


class OutsideTheZones(DomainError):
    code = "outside_the_zones"
    message = _("This address is outside the zones that we drive to for this tour.")


class WayNotServed(DomainError):
    code = "way_not_served"
    message = _("There is no transfer from “{origin}” to “{destination}”.")


class TourHasNoPrice(DomainError):
    code = "tour_has_no_price"
    message = _("“{tour}” has no price yet.")


# --- What staff may do ---


class TitleTaken(Conflict):
    code = "title_taken"
    message = _("Another tour is called “{title}” already.")


class SlugTaken(Conflict):
    code = "slug_taken"
    message = _("Another tour has the address “{slug}” already.")


class TourIncomplete(DomainError):
    """`missing` in the details lists what is to be added, in the language at hand."""

    code = "tour_incomplete"
    message = _("“{tour}” cannot be put on sale yet. Missing: {missing}.")


class TourHasBookings(Conflict):
    code = "tour_has_bookings"
    message = _("“{tour}” has departures to come with {seats} places held or booked. It cannot be deleted before.")


class OptionInUse(Conflict):
    code = "option_in_use"
    message = _("The option “{option}” has departures already. Take it off the schedule instead of deleting it.")


class CapacityBelowSold(Conflict):
    code = "capacity_below_sold"
    message = _("{sold} places are held or booked already; the capacity cannot be lowered to {asked}.")


class PoolBelowSold(Conflict):
    """`details` says how many places are taken at the fullest moment, and which departure that is."""

    code = "pool_below_sold"
    message = _("{sold} places of “{pool}” are taken at once already ({departure}); {asked} are too few.")


class ResourceNotFound(NotFound):
    code = "resource_not_found"
    message = _("There is no such guide, vehicle or equipment in service.")


class EngagementNotFound(NotFound):
    code = "engagement_not_found"
    message = _("There is no such engagement.")


class ResourceBusy(Conflict):
    code = "resource_busy"
    message = _("“{resource}” is taken at that time already.")


class ResourcesMissing(Conflict):
    """Something without which the departure is not sold is free no more."""

    code = "resources_missing"
    message = _("None is free at that time: {need}.")


class AlreadyAnswered(Conflict):
    code = "already_answered"
    message = _("This was declined or given to somebody else already.")


class NothingToDecide(Conflict):
    code = "nothing_to_decide"
    message = _("There is nothing to decide on this departure.")


class WhyNeeded(InvalidInput):
    code = "reason_required"
    message = _("Say why.")


class DepartureExists(Conflict):
    code = "departure_exists"
    message = _("There is such a departure already: {departure}.")


class ScheduleFixed(Conflict):
    code = "schedule_fixed"
    message = _("Departures still to come: {count}. Another time zone would move them all.")


class OptionKindFixed(Conflict):
    code = "option_kind_fixed"
    message = _("Departures of “{option}” still to come: {count}. Opening hours and start times do not mix.")


class DepartureOver(Conflict):
    code = "departure_over"
    message = _("The departure has started already.")


class LocalTimeDoesNotExist(DomainError):
    code = "local_time_does_not_exist"
    message = _("{time} on {date} does not exist in {zone}: the clocks are put forward over it.")


class PlanStale(Conflict):
    """Something that the preview showed is not so any more: look again, then confirm."""

    code = "plan_stale"
    message = _("The departures have changed since you looked. Look at the changes once more.")


class GuestsConcerned(Conflict):
    """`details` says how many departures, places and which `fingerprint` confirms that they were seen."""

    code = "guests_concerned"
    message = _("Departures with guests that would no longer be planned: {departures}. Confirm with the fingerprint.")


class ZoneCodeTaken(Conflict):
    code = "zone_code_taken"
    message = _("There is a pickup zone “{code}” already.")


class ZoneInUse(Conflict):
    code = "zone_in_use"
    message = _("Tours have a price for the zone “{zone}”. Take it out of service instead of deleting it.")


class TooManyDepartures(DomainError):
    code = "too_many_departures"
    message = _("More than {most} departures at once. Take fewer days or tours.")


class ImportRefused(DomainError):
    """`values["outcome"]` has every fault by line; nothing was written."""

    code = "import_refused"
    message = _("Nothing was imported. Faults in the file: {count}.")


class ImportNotFound(NotFound):
    code = "import_not_found"
    message = _("There is no such import.")


class ImportNotReady(Conflict):
    code = "import_not_ready"
    message = _("This import cannot be written: it is still being looked at, has faults, or changes nothing.")
