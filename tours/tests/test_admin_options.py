"""Options on their page: prices and rules."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEntry
from notifications.models import Event
from tours.models import (
    Departure,
    OptionPrice,
    ScheduleRule,
)
from tours.services import create_rule
from tours.tests.admin_pages import form_data
from tours.tests.factories import (
    OptionFactory,
    PriceCategoryFactory,
)

CAIRO = ZoneInfo("Africa/Cairo")


def option_page(staff, option):
    address = reverse("admin:tours_touroption_change", args=[option.pk])
    return address, form_data(staff.get(address))


def test_prices_are_edited_on_the_option(staff):
    option = OptionFactory()
    senior = PriceCategoryFactory(code="senior")
    address, data = option_page(staff, option)
    data |= {
        "prices-TOTAL_FORMS": 4,
        "prices-0-amount": "120",
        "prices-0-original_amount": "150",
        "prices-3-category": senior.pk,
        "prices-3-amount": "90",
        "prices-3-option": option.pk,
    }
    response = staff.post(address, data)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("admin:tours_tour_change", args=[option.tour_id]))
    assert dict(OptionPrice.objects.values_list("category__code", "amount"))["senior"] == 90
    assert Event.objects.get().type == "tour.changed"
    assert AuditEntry.objects.filter(action__startswith="tours.optionprice.").count() == 2


@pytest.mark.parametrize(("amount", "original"), [("100", "100"), ("100", "90"), ("9.999", ""), ("-1", "")])
def test_prices_that_cannot_be_are_refused_beside_their_fields(staff, amount, original):
    option = OptionFactory()
    address, data = option_page(staff, option)
    response = staff.post(address, data | {"prices-0-amount": amount, "prices-0-original_amount": original})
    assert response.status_code == 200
    assert any(response.context["inline_admin_formsets"][0].formset.errors)
    assert OptionPrice.objects.get(category__code="adult").amount == 100


def test_rules_are_edited_on_the_option(staff):
    option = OptionFactory()
    address, data = option_page(staff, option)
    today = now().astimezone(CAIRO).date()
    data |= {
        "rules-TOTAL_FORMS": 1,
        "rules-0-repeats": "WEEKLY",
        "rules-0-every": "1",
        "rules-0-weekdays": ["1", "2", "3", "4", "5", "6", "7"],
        "rules-0-start_time": "09:00",
        "rules-0-valid_from": today.isoformat(),
        "rules-0-except_dates": (today + timedelta(days=3)).isoformat(),
        "rules-0-is_active": "on",
        "rules-0-option": option.pk,
    }
    assert staff.post(address, data).status_code == 302
    rule = ScheduleRule.objects.get()
    assert (rule.weekdays, rule.except_dates) == ([1, 2, 3, 4, 5, 6, 7], [today + timedelta(days=3)])
    made = Departure.objects.count()
    assert made >= 28
    address, data = option_page(staff, option)
    preview = staff.post(address, data | {"rules-0-start_time": "10:30"})
    assert {d.local_start().time() for d in Departure.objects.all()} == {time(9)}  # shown first
    shown = staff.get(preview["Location"]).context["plan"]
    assert (shown["appear"]["count"], shown["vanish"]["count"]) == (made, made)
    staff.post(preview["Location"], {"do": "apply", "fingerprint": shown["fingerprint"]})
    assert {d.local_start().time() for d in Departure.objects.all()} == {time(10, 30)}
    address, data = option_page(staff, option)
    preview = staff.post(address, data | {"rules-0-DELETE": "on"})["Location"]
    assert ScheduleRule.objects.exists()
    staff.post(preview, {"do": "apply", "fingerprint": staff.get(preview).context["plan"]["fingerprint"]})
    assert not ScheduleRule.objects.exists()
    assert not Departure.objects.exists()


def test_the_preview_of_a_rule_names_what_has_guests(staff):
    option = OptionFactory()
    today = now().astimezone(CAIRO).date()
    rule = create_rule(
        option_id=option.pk,
        data={"weekdays": [1, 2, 3, 4, 5, 6, 7], "start_time": time(9), "valid_from": today},
        actor=None,
    ).rule
    sold = Departure.objects.order_by("starts_at").last()
    Departure.objects.filter(pk=sold.pk).update(seats_booked=1)
    address = reverse("admin:tours_schedulerule_change", args=[rule.pk])
    page = staff.get(address)
    assert page.context["original"].coming == Departure.objects.count()
    response = staff.post(address, form_data(page) | {"start_time": "08:00"}, follow=True)
    assert response.context["plan"]["sold"]["count"] == 1
    assert "09:00" in response.context["plan"]["sold"]["rows"][0]["start"]
    assert Departure.objects.filter(seats_booked=0).count() == Departure.objects.count() - 1
    response = staff.post(address, form_data(staff.get(address)) | {"weekdays": [], "except_dates": "tomorrow"})
    assert set(response.context["adminform"].form.errors) == {"weekdays", "except_dates"}
