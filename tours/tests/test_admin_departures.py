"""Departures in the back-office: added, changed, closed, listed."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEntry
from tours.models import (
    Departure,
)
from tours.tests.admin_pages import form_data, refusal_of
from tours.tests.factories import (
    DepartureFactory,
    OptionFactory,
)

CAIRO = ZoneInfo("Africa/Cairo")


def test_a_departure_is_added_in_local_time(staff):
    option = OptionFactory()
    day = now().astimezone(CAIRO).date() + timedelta(days=40)
    data = {"option": option.pk, "day": day.isoformat(), "at": "16:30", "capacity": "", "note_en": "", "note_ar": ""}
    response = staff.post(reverse("admin:tours_departure_add"), data)
    assert response.status_code == 302
    departure = Departure.objects.get()
    assert departure.local_start() == datetime.combine(day, time(16, 30), CAIRO)
    assert departure.capacity == option.capacity
    page = staff.get(reverse("admin:tours_departure_change", args=[departure.pk])).content.decode()
    assert "16:30" in page
    response = staff.post(reverse("admin:tours_departure_add"), data)
    assert "such a departure already" in refusal_of(response)
    assert Departure.objects.count() == 1


def test_capacity_is_changed_but_never_below_what_is_sold(staff):
    departure = DepartureFactory(capacity=10, seats_booked=4)
    address = reverse("admin:tours_departure_change", args=[departure.pk])
    data = form_data(staff.get(address))
    assert {name for name in data if not name.startswith("initial-")} == {"capacity", "note_en", "note_ar"}
    response = staff.post(address, data | {"capacity": 3})
    assert response.context["adminform"].form.errors == {"capacity": ["4 places are held or booked already."]}
    staff.post(address, data | {"capacity": 4, "seats_booked": 0, "status": "CANCELLED"})
    departure.refresh_from_db()
    assert (departure.capacity, departure.seats_booked, departure.status) == (4, 4, "OPEN")
    assert AuditEntry.objects.get().after == {"capacity": 4}


def test_a_page_opened_long_ago_takes_back_nothing_that_a_colleague_changed(staff):
    departure = DepartureFactory(capacity=10, seats_booked=4)
    address = reverse("admin:tours_departure_change", args=[departure.pk])
    opened = form_data(staff.get(address))
    assert staff.post(address, opened | {"capacity": 30}).status_code == 302
    Departure.objects.filter(pk=departure.pk).update(seats_booked=22)
    assert staff.post(address, opened | {"note_en": "Bring water."}).status_code == 302
    departure.refresh_from_db()
    assert (departure.capacity, departure.note_en) == (30, "Bring water.")


def test_closing_asks_why_and_reopening_is_a_button(staff):
    first, second = DepartureFactory(seats_booked=3), DepartureFactory(option__code="b")
    response = staff.post(
        reverse("admin:tours_departure_changelist"),
        {"action": "close_chosen", "_selected_action": [first.pk, second.pk]},
    )
    page = staff.get(response["Location"])
    assert "3 places are booked, 0 held." in page.content.decode()
    refused = staff.post(response["Location"], {"reason": " "})
    assert refused.context["form"].errors
    assert set(Departure.objects.values_list("status", flat=True)) == {"OPEN"}
    staff.post(response["Location"], {"reason": "Sandstorm"})
    assert set(Departure.objects.values_list("status", flat=True)) == {"CLOSED"}
    assert AuditEntry.objects.filter(reason="Sandstorm", actor_id=staff.user.pk).count() == 2
    address = reverse("admin:tours_departure_change", args=[first.pk])
    staff.post(address, form_data(staff.get(address)) | {"tours_departure_reopen_this": "1"})
    first.refresh_from_db()
    assert first.status == "OPEN"
    staff.post(
        reverse("admin:tours_departure_changelist"), {"action": "reopen_chosen", "_selected_action": [second.pk]}
    )
    second.refresh_from_db()
    assert second.status == "OPEN"


def test_the_closing_page_takes_no_nonsense(staff):
    for ids in ("", "nonsense", "11111111-1111-1111-1111-111111111111,%00"):
        response = staff.get(reverse("admin:tours_departure_close") + f"?ids={ids}")
        assert response.status_code == 200
        assert "No departure was chosen." in response.content.decode()


def test_departures_to_come_are_listed_first(staff):
    coming = DepartureFactory()
    past = DepartureFactory(option=coming.option, starts_at=now() - timedelta(days=2))
    address = reverse("admin:tours_departure_changelist")

    def listed(**query):
        return [row.pk for row in staff.get(address, query).context["cl"].result_list]

    assert listed() == [coming.pk]
    assert listed(when="past") == [past.pk]
    assert set(listed(when="all")) == {coming.pk, past.pk}
