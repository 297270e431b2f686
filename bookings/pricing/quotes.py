"""What a quote says, and how it is stored."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ledger.money import amount_text
from tours.deposits import Deposit
from tours.pickups import Ride
from tours.prices import Line, TaxLine


@dataclass(frozen=True, slots=True)
class Quote:
    """What a party would pay for a departure, and why. Frozen on holds and bookings as `as_json()`.

    `partner` and `price_group` are the codes of those at whose prices it was made.
    `rate` is what one unit of the price list's currency was worth in `currency`; `fingerprint` changes with any amount.
    """

    departure_id: UUID
    tour_id: UUID
    option_id: UUID
    title: dict[str, str]
    option: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    guests: dict[str, int]
    extras: list[dict[str, Any]]
    seats: int
    lines: list[Line]
    tax_lines: list[TaxLine]
    total: Decimal
    currency: str
    price_list_currency: str
    rate: Decimal
    generated_at: datetime
    guest_labels: dict[str, dict[str, str]]
    # From which to which age the categories of the party are, as far as they say.
    guest_ages: dict[str, list[int | None]] = field(default_factory=dict)
    partner: str = ""
    price_group: str = ""
    fingerprint: str = ""
    # Sold by opening hours: any time from start to end.
    any_time: bool = False
    # Asked for by a partner, whose cut-off may be another than everybody's. Not part of what is stored.
    by_partner: bool = False
    deposit: Deposit | None = None
    ride: Ride | None = None

    def as_json(self) -> dict[str, Any]:
        """The quote as it is stored: amounts as text with the currency's decimals, texts in both languages."""
        return {
            "departure_id": str(self.departure_id),
            "tour_id": str(self.tour_id),
            "option_id": str(self.option_id),
            "title": self.title,
            "option": self.option,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "time_zone": self.time_zone,
            "guests": self.guests,
            "extras": self.extras,
            "seats": self.seats,
            "lines": [self._line(line) for line in self.lines],
            "tax_lines": [self._tax_line(line) for line in self.tax_lines],
            "total": amount_text(self.total, self.currency),
            "currency": self.currency,
            "price_list_currency": self.price_list_currency,
            "rate": format(self.rate.normalize(), "f"),
            "guest_labels": self.guest_labels,
            "guest_ages": self.guest_ages,
            "partner": self.partner,
            "price_group": self.price_group,
            "fingerprint": self.fingerprint,
            "any_time": self.any_time,
            "generated_at": self.generated_at.isoformat(),
            "deposit": self._deposit(),
            "pickup": self.ride.as_json(self.starts_at) if self.ride else None,
        }

    def _deposit(self) -> dict[str, Any] | None:
        made = self.deposit
        if made is None:
            return None
        return {
            "amount": amount_text(made.amount, self.currency),
            "balance": amount_text(made.balance, self.currency),
            "balance_due_at": made.balance_due_at.isoformat(),
            "remind_at": made.remind_at.isoformat(),
            "cancel_at": made.cancel_at.isoformat() if made.cancel_at else None,
        }

    def _line(self, line: Line) -> dict[str, Any]:
        told = {} if line.percent is None else {"percent": format(line.percent.normalize(), "f")}
        return told | {
            "code": line.code,
            "rule": line.rule,
            "label_en": line.label_en,
            "label_ar": line.label_ar,
            "quantity": line.quantity,
            "unit": amount_text(line.unit, self.currency),
            "amount": amount_text(line.amount, self.currency),
            "was": None if line.was is None else amount_text(line.was, self.currency),
            "because": [
                {
                    "rule": step.rule,
                    "text_en": step.text_en,
                    "text_ar": step.text_ar,
                    "unit": amount_text(step.unit, self.currency),
                }
                for step in line.because
            ],
        }

    def _tax_line(self, line: TaxLine) -> dict[str, Any]:
        told = {} if line.on_fee else {"on_fee": False}
        return told | {
            "code": line.code,
            "label_en": line.label_en,
            "label_ar": line.label_ar,
            "percent": format(line.percent.normalize(), "f"),
            "inclusive": line.inclusive,
            "amount": amount_text(line.amount, self.currency),
        }
