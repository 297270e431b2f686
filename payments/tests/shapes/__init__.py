"""Real products: entered through the back-office's own forms, sold through the API, at prices worked out by hand.

    office = Office()                                    # signed in as administrator
    tour = office.add(Tour, {"title_en": "Felucca", …})  # fills the form as a browser would, presses Save
    office.change(tour, rows={TourOption: [{"name_en": "Shared", …}]})
    shop = Shop()                                        # a customer with a token
    quote = shop.quote(departure, {"adult": 2})
    booking = shop.book(departure, {"adult": 2}, expect="200.00")
    pay(booking)

`NILE` holds what every tour's form needs; each shape changes what it is about.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.forms import BooleanField, FileField
from django.test import Client, TestCase
from django.urls import reverse

from accounts.authentication import issue_tokens
from accounts.models import Role, Tenant
from accounts.roles import seed_roles
from accounts.seeding import seed_tenant
from accounts.tests.factories import MembershipFactory, UserFactory
from bookings import services
from bookings.models import Booking
from config.tenancy import tenant_id_or_raise
from config.testing.clients import CommittingClient
from tours.models import CancellationPolicy, Category, Departure, PriceCategory, Tour, TourOption
from tours.tests.factories import CurrencyFactory, DestinationFactory

Values = Mapping[str, Any]
Rows = Mapping[type[Model], Sequence[Values]]

CONTACT = {"name": "Mona Saleh", "email": "mona@example.com", "phone": "+201001234567"}

NILE = {
    "title_en": "Felucca on the Nile",
    "title_ar": "فلوكة في النيل",
    "summary_en": "An hour under sail between the islands of Aswan.",
    "summary_ar": "ساعة تحت الشراع بين جزر أسوان الجميلة.",
    "description_en": "The captain meets you at the landing, and you sail around the islands while the sun goes down.",
    "description_ar": "يلتقي بكم الربان عند المرسى، وتبحرون حول الجزر بينما تغرب الشمس على مدينة أسوان.",
    "meeting_point_en": "Landing below the Corniche",
    "meeting_point_ar": "المرسى أسفل الكورنيش",
    "highlights_en": "Under sail",
    "highlights_ar": "تحت الشراع",
    "inclusions_en": "Captain",
    "inclusions_ar": "الربان",
    "duration_minutes": 60,
    "cutoff_minutes": 60,
    "max_guests": 20,
}


class Refused(AssertionError):
    """The page did not save; its faults by field."""


def signed_in(role: str = "ADMIN") -> Any:
    """Somebody who works here with that role."""
    seed_roles()
    user = UserFactory(password="!", first_name="Karim")
    MembershipFactory(user=user, role=Role.objects.get(code=role))
    return user


class Office:
    """The back-office as a clerk uses it."""

    def __init__(self, role: str = "ADMIN") -> None:
        seed_tenant(Tenant.objects.get(pk=tenant_id_or_raise()))
        self.user = signed_in(role)
        self.client = Client()
        self.client.force_login(self.user)

    def add(self, model: type[Model], values: Values, rows: Rows | None = None, press: str = "_save") -> Any:
        """Fill the page for a new row, save it, and return the row. Raises `Refused` with what the page says."""
        known = set(model._default_manager.values_list("pk", flat=True))
        self._send(reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_add"), values, rows or {}, press)
        return model._default_manager.exclude(pk__in=known).get()

    def change(self, row: Any, values: Values | None = None, rows: Rows | None = None, press: str = "_save") -> Any:
        """Change fields of a row's page, add `rows` to the tables on it, save, and return the row as it is now."""
        address = reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])
        self._send(address, values or {}, rows or {}, press)
        return type(row)._default_manager.get(pk=row.pk)

    def tour(self, options: Sequence[Values], **values: Any) -> Tour:
        """A tour with its options, not yet on sale. `destination` and `currency` have usual values."""
        currency = CurrencyFactory(code=values.pop("currency", "EGP"))
        usual = {
            "destination": DestinationFactory().pk,
            "category": Category.objects.get(code="cultural").pk,
            "cancellation_policy": CancellationPolicy.objects.get(name_en="Flexible").pk,
            "currency": currency.pk,
        }
        tour = self.add(Tour, {**NILE, **usual, **values})
        return self.change(tour, rows={TourOption: options})

    def publish(self, tour: Tour) -> Tour:
        """Press “Save and publish”."""
        return self.change(tour, press="tours_tour_publish")

    def _send(self, address: str, values: Values, rows: Rows, press: str) -> None:
        page = self.client.get(address)
        assert page.status_code == 200, f"{address} answers {page.status_code}"
        data = typed(page)
        for name, value in values.items():
            assert name in page.context["adminform"].form.fields, f"{address} has no field {name}"
            _put(data, name, value)
        for model, wanted in rows.items():
            formset = next(
                (found.formset for found in page.context["inline_admin_formsets"] if found.formset.model is model), None
            )
            assert formset is not None, f"{address} has no table of {model.__name__}"
            _add_rows(data, formset, wanted)
        with TestCase.captureOnCommitCallbacks(execute=True):
            answer = self.client.post(address, {**data, press: "1"})
        if answer.status_code != 302:
            raise Refused(f"{address}: {faults_on(answer)}")


def typed(page: Any) -> dict[str, Any]:
    """What a browser would send for the page as it opened."""
    forms = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    return {name: value for form in forms for name, value in _values_of(form).items()}


def faults_on(page: Any) -> dict[str, Any]:
    """Everything that the page says is wrong."""
    faults: dict[str, Any] = dict(page.context["adminform"].form.errors)
    for inline in page.context["inline_admin_formsets"]:
        faults |= {f"{inline.formset.prefix}-{n}": row for n, row in enumerate(inline.formset.errors) if row}
        if inline.formset.non_form_errors():
            faults[inline.formset.prefix] = inline.formset.non_form_errors()
    return faults


def _add_rows(data: dict[str, Any], formset: Any, wanted: Sequence[Values]) -> None:
    for values in wanted:
        number = int(data[f"{formset.prefix}-TOTAL_FORMS"])
        for name, value in _values_of(formset.empty_form).items():
            data[name.replace("__prefix__", str(number))] = value
        for name, value in values.items():
            assert name in formset.empty_form.fields, f"{formset.model.__name__} has no field {name}"
            _put(data, f"{formset.prefix}-{number}-{name}", value)
        data[f"{formset.prefix}-TOTAL_FORMS"] = number + 1


def _values_of(form: Any) -> dict[str, Any]:
    found = {}
    for field in form:
        value = field.value()
        if callable(value):
            value = value()
        if field.field.show_hidden_initial:
            found[field.html_initial_name] = "" if value is None else value
        if isinstance(field.field, BooleanField):
            value = "on" if value else None
        if value is not None and not isinstance(field.field, FileField):
            found[field.html_name] = value
    return found


def _put(data: dict[str, Any], name: str, value: Any) -> None:
    """As a browser sends it: an unticked box not at all, a row by its key."""
    if value is False or value is None:
        data.pop(name, None)
        if value is None:
            data[name] = ""
    else:
        data[name] = "on" if value is True else value.pk if isinstance(value, Model) else value


def category(code: str) -> PriceCategory:
    return PriceCategory.objects.get(code=code)


class Shop:
    """The API as an app of the operator's customers uses it. Pass `user` for one who has an account already."""

    def __init__(self, user: Any = None) -> None:
        seed_roles()
        self.user = user or signed_in("CUSTOMER")
        self.client = CommittingClient()
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(self.user)['access_token']}")

    def post(self, path: str, body: Values, expect: int) -> dict[str, Any]:
        answer = self.client.post(f"/api/v1/{path}", body, format="json")
        assert answer.status_code == expect, answer.content.decode()
        return dict(answer.json())

    def get(self, path: str, expect: int = 200, **query: Any) -> dict[str, Any]:
        answer = self.client.get(f"/api/v1/{path}", query)
        assert answer.status_code == expect, answer.content.decode()
        return dict(answer.json())

    def quote(self, departure: Departure, guests: Mapping[str, int], expect: int = 200, **asked: Any) -> dict[str, Any]:
        return self.post("quotes", {"departure_id": str(departure.pk), "guests": dict(guests), **asked}, expect)

    def hold(self, departure: Departure, guests: Mapping[str, int], expect: int = 201, **asked: Any) -> dict[str, Any]:
        return self.post("holds", {"departure_id": str(departure.pk), "guests": dict(guests), **asked}, expect)

    def book(self, departure: Departure, guests: Mapping[str, int], total: str, **asked: Any) -> Booking:
        """Quote, hold and book; each must say the same total."""
        quote = self.quote(departure, guests, **asked)
        hold = self.hold(departure, guests, fingerprint=quote["fingerprint"], **asked)
        booking = self.post("bookings", {"hold_id": hold["id"], "contact": CONTACT}, 201)
        assert [quote["total"], hold["quote"]["total"], booking["total"]] == [total] * 3
        return Booking.objects.get(pk=booking["id"])


def pay(booking: Booking, amount: str | None = None) -> Booking:
    """The money arrived: the whole of it, or `amount`."""
    services.record_payment(
        booking_id=booking.pk, paid=Decimal(amount) if amount else booking.total, refunded=Decimal(0)
    )
    return Booking.objects.get(pk=booking.pk)
