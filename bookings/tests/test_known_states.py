"""A state that is none of the known ones cannot get into the database, so no page can stumble over it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from bookings.models import Booking, BookingItem, BookingStatus, ChoiceOffer, Hold, Review
from bookings.tests.factories import BookingFactory
from tours.models import Departure, Engagement, ImportRun, Resource, Tour
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def one_of_each(tenant):
    booking = BookingFactory(departure=DepartureFactory(), status=BookingStatus.CONFIRMED)
    item = booking.items.get()
    guide = Resource.objects.create(kind="GUIDE", name_en="Fatima", name_ar="فاطمة")
    span = (now(), now() + timedelta(days=1))
    Engagement.objects.create(resource=guide, departure=item.departure, span=span, state="ASSIGNED")
    ImportRun.objects.create(kind="tours", name="tours.csv", content=b"", language="en")
    ChoiceOffer.objects.create(
        booking=booking,
        departure=item.departure,
        deadline=now() + timedelta(hours=1),
        unanswered="KEEP",
        status="WITHDRAWN",
        answered_at=now(),
    )
    Review.objects.create(booking=booking, tour=item.departure.tour, rating=5, travelled_on=now().date(), language="en")


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (Booking, "status"),
        (Booking, "payment_status"),
        (BookingItem, "status"),
        (Hold, "status"),
        (ChoiceOffer, "status"),
        (Review, "status"),
        (Departure, "status"),
        (Engagement, "state"),
        (ImportRun, "status"),
        (Tour, "status"),
    ],
)
def test_a_state_that_is_none_is_refused(one_of_each, model, field):
    assert model.objects.count() == 1
    for wrong in ("ASKED", "", "open"):
        with pytest.raises(IntegrityError, match="_known"), transaction.atomic():
            model.objects.update(**{field: wrong})
