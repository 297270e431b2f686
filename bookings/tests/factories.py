"""Holds and bookings, made through the services; only what time does is done by hand."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth.models import Permission
from django.utils.timezone import now

from accounts.models import RolePermission
from accounts.tests.factories import MembershipFactory, RoleFactory, UserFactory
from bookings import services
from bookings.models import Booking, BookingStatus, Hold, Partner, PartnerUser
from tours.models import Departure
from tours.tests.factories import CurrencyFactory, DepartureFactory

CONTACT = {"name": "Mona Saleh", "email": "mona@example.com", "phone": "+201001234567"}
TRAVELLERS = [
    {"category": "adult", "first_name": "Mona", "last_name": "Saleh"},
    {"category": "adult", "first_name": "Karim", "last_name": "Saleh"},
]


class CustomerFactory(UserFactory):
    """Somebody who never signs in by password: hashing one takes longer than the test."""

    password = "!"


class ClerkFactory(CustomerFactory):
    """Somebody who works here and holds exactly these `permissions` (`bookings.cancel` …)."""

    class Meta:
        skip_postgeneration_save = True

    @factory.post_generation
    def permissions(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        role = RoleFactory(code=f"CLERK-{self.pk.hex[-12:]}", name_en="Clerk", is_staff=True)
        MembershipFactory(user=self, role=role)
        for name in extracted or ():
            app, _dot, codename = name.partition(".")
            permission = Permission.objects.get(content_type__app_label=app, codename=codename)
            RolePermission.objects.get_or_create(role=role, permission=permission)


class HoldFactory(factory.Factory):
    """An active hold of two adults. `hold.token` opens it where there is no `actor`."""

    class Meta:
        model = Hold

    departure = factory.SubFactory(DepartureFactory)
    guests = factory.LazyFunction(lambda: {"adult": 2})
    actor = factory.SubFactory(CustomerFactory)

    @classmethod
    def _create(cls, model: Any, departure: Departure, guests: dict[str, int], actor: Any, **asked: Any) -> Hold:
        return services.hold_seats(departure_id=departure.pk, guests=guests, actor=actor, **asked)


class BookingFactory(factory.Factory):
    """A booking of two adults at 100 each, in the `status` asked for; `paid` is what was paid (all of it where needed)."""

    class Meta:
        model = Booking

    departure = factory.SubFactory(DepartureFactory)
    guests = factory.LazyFunction(lambda: {"adult": 2})
    actor = factory.SubFactory(CustomerFactory)
    contact = factory.LazyFunction(CONTACT.copy)
    status = BookingStatus.PENDING_PAYMENT

    @classmethod
    def _create(
        cls,
        model: Any,
        departure: Departure,
        guests: dict[str, int],
        actor: Any,
        status: str,
        paid: Decimal | None = None,
        **asked: Any,
    ) -> Booking:
        booking = services.book_at_once(departure_id=departure.pk, guests=guests, actor=actor, **asked)
        if status in (BookingStatus.PENDING_PAYMENT, BookingStatus.EXPIRED):
            if paid:
                services.record_payment(booking_id=booking.pk, paid=paid, refunded=Decimal(0))
            if status == BookingStatus.EXPIRED:
                let_time_run_out(booking)
            return Booking.objects.get(pk=booking.pk)
        if paid is None or paid >= booking.total:
            services.record_payment(booking_id=booking.pk, paid=paid or booking.total, refunded=Decimal(0))
        else:
            services.record_payment(booking_id=booking.pk, paid=paid, refunded=Decimal(0))
            services.confirm_booking(booking_id=booking.pk, actor=actor, reason="on account")
        if status == BookingStatus.CANCELLED:
            services.cancel_booking(booking_id=booking.pk, actor=actor, reason="changed plans")
        elif status != BookingStatus.CONFIRMED:
            start = now() - timedelta(hours=1)
            move_in_time(booking, start, start + timedelta(hours=2 if status == BookingStatus.IN_PROGRESS else 0.5))
            if status == BookingStatus.NO_SHOW:
                services.mark_no_show(booking_id=booking.pk, actor=actor)
            else:
                services.progress_bookings()
        return Booking.objects.get(pk=booking.pk)


def move_in_time(booking: Booking, starts_at: datetime, ends_at: datetime) -> None:
    """Have the trip start and end at other times, as if the days had passed."""
    Booking.objects.filter(pk=booking.pk).update(starts_at=starts_at, ends_at=ends_at)
    Departure.objects.filter(items__booking=booking).update(starts_at=starts_at, ends_at=ends_at)


def run_out(hold: Hold) -> None:
    """Have the time of a hold, and of the booking on it, be over; nobody has noticed yet."""
    ended = now() - timedelta(seconds=1)
    Hold.objects.filter(pk=hold.pk).update(expires_at=ended)
    Booking.objects.filter(items__hold=hold, status=BookingStatus.PENDING_PAYMENT).update(expires_at=ended)


def let_time_run_out(booking: Booking) -> None:
    """Have the booking's hold be over, and noticed."""
    run_out(booking.items.get().hold)
    services.expire_holds()


class PartnerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Partner

    code = factory.Sequence(lambda n: f"partner-{n}")
    name_en = factory.Sequence(lambda n: f"Blue Nile Travel {n}")
    name_ar = factory.Sequence(lambda n: f"النيل الأزرق للسفر {n}")
    currency = factory.SubFactory(CurrencyFactory)


class PartnerUserFactory(factory.django.DjangoModelFactory):
    """An agent who acts for a partner."""

    class Meta:
        model = PartnerUser
        skip_postgeneration_save = True

    partner = factory.SubFactory(PartnerFactory)
    user = factory.SubFactory(CustomerFactory)

    @factory.post_generation
    def role(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        MembershipFactory(user=self.user, role=RoleFactory(code="AGENT", name_en="Agent"))
