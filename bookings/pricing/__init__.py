"""The only place where a price is made: everyone who sells asks `quote`. All amounts are `Decimal`, in major units."""

from bookings.pricing.making import price, quote, quote_of_terms, refuse_out_of_time
from bookings.pricing.quotes import Quote
from bookings.pricing.stored import (
    asked_again,
    fingerprint_of_stored,
    in_words,
    ride_asked,
    ride_in_words,
    shifted_deposit,
    shifted_pickup,
    stocked_extras,
    when,
)

__all__ = [
    "Quote",
    "asked_again",
    "fingerprint_of_stored",
    "in_words",
    "price",
    "quote",
    "quote_of_terms",
    "refuse_out_of_time",
    "ride_asked",
    "ride_in_words",
    "shifted_deposit",
    "shifted_pickup",
    "stocked_extras",
    "when",
]
