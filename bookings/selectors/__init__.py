"""Reads for the day's work that are no queryset of one model."""

from bookings.selectors.day import Day, DayDeparture, day
from bookings.selectors.manifest import Manifest, Party, Step, manifest, party_of

__all__ = ["Day", "DayDeparture", "Manifest", "Party", "Step", "day", "manifest", "party_of"]
