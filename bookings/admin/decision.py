"""What is decided for the guests of departures that go: the same questions wherever departures are taken away."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import Unanswered
from bookings.admin.moving import departure_in_words
from bookings.services.replanning import Decision, How
from tours.models import Departure
from tours.selectors.capacity import places_left_of
from tours.services.departures import Start

CHOICES = [
    (How.KEEP, gettext_lazy("Keep: the departure runs for its guests; nobody else can book it")),
    (How.MOVE, gettext_lazy("Move the guests, at the price that was agreed")),
    (How.OFFER, gettext_lazy("Let the guests choose: another departure, or all their money back")),
]


class DecisionForm(forms.Form):
    """Named `guests-…`, so that it can stand in another form."""

    prefix = "guests"

    how = forms.ChoiceField(
        label=gettext_lazy("The guests"), choices=CHOICES, widget=forms.RadioSelect, initial=How.KEEP, required=False
    )
    reason_en = forms.CharField(
        label=gettext_lazy("Reason for the guests (English)"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget({"dir": "ltr", "lang": "en"}),
    )
    reason_ar = forms.CharField(
        label=gettext_lazy("Reason for the guests (Arabic)"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget({"dir": "rtl", "lang": "ar"}),
    )
    hours = forms.IntegerField(
        label=gettext_lazy("Hours to choose"),
        required=False,
        min_value=1,
        max_value=720,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    unanswered = forms.ChoiceField(
        label=gettext_lazy("Who does not choose"),
        required=False,
        choices=Unanswered.choices,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        tenant: Any = request.tenant  # type: ignore[attr-defined]
        usual = {"hours": tenant.choice_hours, "unanswered": tenant.choice_unanswered}
        super().__init__(data if data is not None and "guests-how" in data else None, initial=usual)
        self.usual = usual

    def leave_out(self, how: How) -> None:
        """What cannot be done here is not offered."""
        self.fields["how"].choices = [choice for choice in CHOICES if choice[0] != how]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("how") in (How.MOVE, How.OFFER):
            for name in ("reason_en", "reason_ar"):
                if not values.get(name, "").strip():
                    self.add_error(name, _("Say why: the guests read it."))
        return values

    def decision(self) -> Decision:
        """What was decided, once it is valid; where nothing was asked, guests are kept."""
        if not self.is_bound:
            return Decision()
        values = self.cleaned_data
        return Decision(
            how=How(values["how"] or How.KEEP),
            reason_en=values["reason_en"].strip(),
            reason_ar=values["reason_ar"].strip(),
            hours=values["hours"] or self.usual["hours"],
            unanswered=values["unanswered"] or self.usual["unanswered"],
            targets=self._targets(),
        )

    def _targets(self) -> dict[UUID, Start]:
        found = {}
        for name, value in self.data.items():
            if name.startswith("guests-to-") and value:
                try:
                    option, _at, moment = value.partition("@")
                    found[UUID(name.removeprefix("guests-to-"))] = (UUID(option), datetime.fromisoformat(moment))
                except ValueError:
                    continue  # then there is nowhere to move to, which is said
        return found


def places_of(nearest: Mapping[UUID, Sequence[Departure]]) -> dict[UUID, int]:
    """What is left on the departures that are named, each once; one statement at most."""
    return places_left_of(list({row.pk: row for rows in nearest.values() for row in rows}.values()))


def targets_shown(
    departure: Departure, nearest: Mapping[UUID, Sequence[Departure]], left: Mapping[UUID, int], data: Any
) -> list[tuple[str, str, bool]]:
    """The departures that the guests of one can be moved to: value, words, whether it is chosen; the nearest by itself.

    `left` is what `places_of` says.
    """
    chosen = data.get(f"guests-to-{departure.pk}", "") if data else ""
    rows = [(f"{row.option_id}@{row.starts_at.isoformat()}", row) for row in nearest.get(departure.pk, [])]
    first = rows[0][0] if rows else ""
    return [(value, departure_in_words(row, left[row.pk]), value == (chosen or first)) for value, row in rows]
