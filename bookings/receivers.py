"""What bookings do when something happened: mails to the contact, and the tours' counters."""

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, override, pgettext

from bookings import wording
from bookings.access import booking_link, offer_link, review_link
from bookings.choices import choices_in_words
from bookings.documents import calendar_ics, voucher_pdf
from bookings.errors import DeadlinePassed
from bookings.models import Allotment, Booking, ChoiceOffer, OfferStatus, Review
from bookings.services.allotments import arrange_allotments
from bookings.services.offers import offer_choices, withdraw_moot_offers
from config.i18n import in_language
from config.tenancy import tenant_at_hand
from notifications.mail import write_message
from notifications.models import Event
from notifications.outbox import on
from tours.models import Tour
from tours.services import count_bookings

TOO_FEW = gettext_noop("There were not enough guests for this departure, so it does not run.")
LINK_ONCE_IN = 10 * 60  # seconds: asking again sooner sends nothing more


@on("booking.created")
def tell_that_it_was_received(event: Event) -> None:
    booking = _booking(event)
    if booking.total == 0:
        return  # nothing to pay: its confirmation says all
    _mail("booking_received", booking, f"booking:{booking.pk}:received", pay_by=booking.expires_at)


@on("hold.ending")
def tell_that_the_hold_ends(event: Event) -> None:
    booking = _booking(event)
    if booking.status == "PENDING_PAYMENT":  # paid in the meantime: no reason to alarm anybody
        _mail("hold_ending", booking, f"booking:{booking.pk}:ending", pay_by=booking.expires_at)


@on("booking.confirmed")
def send_the_voucher(event: Event) -> None:
    _mail_with_voucher(_booking(event), f"booking:{event.subject_id}:confirmed")


@on("booking.voucher_asked")
def send_the_voucher_again(event: Event) -> None:
    _mail_with_voucher(_booking(event), f"booking:{event.subject_id}:confirmed:{event.data['event']}")


@on("booking.pickup_changed")
def send_the_voucher_with_the_new_pickup(event: Event) -> None:
    _mail_with_voucher(_booking(event), f"booking:{event.subject_id}:pickup:{event.data['event']}")


@on("booking.expired")
def tell_that_it_expired(event: Event) -> None:
    booking = _booking(event)
    _mail("booking_expired", booking, f"booking:{booking.pk}:expired:{event.pk}")


@on("booking.cancelled")
def tell_that_it_was_cancelled(event: Event) -> None:
    booking = _booking(event)
    with override(booking.language):
        kept = booking.cancellation or {"paid": "0", "lines": []}
        terms = wording.refund_in_words(kept)
        lines = [(line["label"], wording.money(booking, line["amount"])) for line in terms["lines"]]
        refund = (_("Comes back to you"), wording.money(booking, event.data["refund"]))
    has_paid = Decimal(kept["paid"]) > 0
    _mail(
        "booking_cancelled",
        booking,
        f"booking:{booking.pk}:cancelled",
        lines=lines if has_paid else [],
        refund=refund if has_paid else None,
    )


@on("booking.moved")
def tell_that_it_moved(event: Event) -> None:
    """With the new voucher where there is one; what is due or comes back stands in it."""
    booking = _booking(event)
    zone = event.data["time_zone"]
    refund = Decimal(event.data["refund"])
    with override(booking.language):
        before = wording.moment_in_words(wording.local(datetime.fromisoformat(event.data["from"]), zone))
        context = {
            "before": before,
            "reason": event.data.get("reason", ""),  # of the operator's moves only, and of none before this was told
            "refund": wording.money(booking, refund) if refund > 0 else "",
            "due": wording.money(booking, booking.amount_due) if booking.amount_due > 0 else "",
        }
    files = _voucher_files(booking) if booking.has_voucher else ()
    _mail("booking_moved", booking, f"booking:{booking.pk}:moved:{event.pk}", attachments=files, **context)


@on("choice.offered")
def ask_for_a_choice(event: Event) -> None:
    offer = ChoiceOffer.objects.select_related("departure").get(pk=event.subject_id)
    if offer.status != OfferStatus.OPEN:
        return
    booking = Booking.objects.for_display().get(pk=offer.booking_id)
    offer.booking = booking
    with override(booking.language):
        context = {
            "reason": in_language(offer, "reason"),
            "until": wording.moment_in_words(wording.local(offer.deadline, booking.quote["time_zone"])),
            "silence": offer.get_unanswered_display(),
            "choices": [label for _value, label, _hint in choices_in_words(offer)],
        }
    address = f"{offer_link(offer)}?language={booking.language}"
    _mail("booking_choice", booking, f"choice:{offer.pk}", choose_link=address, **context)


@on("booking.moved", "booking.cancelled", "booking.expired")
def withdraw_what_has_no_meaning(event: Event) -> None:
    withdraw_moot_offers(booking_id=event.subject_id)


@on("departure.under_minimum")
def offer_a_choice_where_too_few_came(event: Event) -> None:
    """The departure does not run: its guests choose another one or their money back."""
    if str(event.data.get("decision", "")).lower() != "cancel":
        return
    tenant = tenant_at_hand()
    with suppress(DeadlinePassed):
        offer_choices(
            departure_ids=[event.subject_id],
            reason_en=said_in("en", TOO_FEW),
            reason_ar=said_in("ar", TOO_FEW),
            deadline=now() + timedelta(hours=tenant.choice_hours),
            unanswered=tenant.choice_unanswered,
            actor=None,
        )


@on("booking.review_wanted")
def ask_for_a_review(event: Event) -> None:
    booking = _booking(event)
    links = {"review_link": review_link(booking), "stop_link": f"{booking_link(booking)}/no-reviews"}
    language = booking.language
    _mail(
        "review_wanted",
        booking,
        f"booking:{booking.pk}:review",
        **{name: f"{link}?language={language}" for name, link in links.items()},
    )


@on("review.replied")
def tell_the_author_of_a_reply(event: Event) -> None:
    review = Review.objects.filter(pk=event.subject_id).first()
    if review is None or not review.reply:
        return  # taken away before the mail was written
    booking = Booking.objects.for_display().get(pk=review.booking_id)
    link = f"{review_link(booking)}?language={booking.language}"
    # A reply that is mended is the same reply: one mail.
    _mail("review_replied", booking, f"review:{review.pk}:replied", review=review, review_link=link)


@on("booking.message")
def write_to_a_guest(event: Event) -> None:
    """What staff write to all guests of a departure, in the language of the booking."""
    booking = _booking(event)
    language, said = booking.language, event.data
    paragraphs = [part.strip() for part in said[f"text_{language}"].split("\n\n") if part.strip()]
    key = f"booking:{booking.pk}:message:{said['digest']}"
    _mail("guest_message", booking, key, headline=said[f"subject_{language}"], paragraphs=paragraphs)


@on("booking.link_asked")
def send_the_link(event: Event) -> None:
    booking = _booking(event)
    _mail("booking_link", booking, f"booking:{booking.pk}:link:{int(now().timestamp()) // LINK_ONCE_IN}")


@on("booking.confirmed")
def count_a_booking(event: Event) -> None:
    """How many confirmed bookings a tour had counts for "popular"; one that is cancelled is taken off again."""
    _count(event, 1, _confirmed_at(event))


@on("booking.cancelled")
def count_a_booking_less(event: Event) -> None:
    confirmed_at = _confirmed_at(event)
    if confirmed_at is not None:
        _count(event, -1, confirmed_at)


def _confirmed_at(event: Event) -> datetime | None:
    moment: datetime | None = Booking.objects.values_list("confirmed_at", flat=True).get(pk=event.subject_id)
    return moment


def _count(event: Event, step: int, confirmed_at: datetime | None) -> None:
    # Each delivery runs once (the outbox marks it in the same transaction), so adding is safe.
    booked = Tour.objects.filter(departures__items__booking=event.subject_id)
    day = localdate(confirmed_at) if confirmed_at else None
    count_bookings(tour_ids=booked.values_list("pk", flat=True), step=step, day=day)


def said_in(language: str, sentence: str) -> str:
    """One of our sentences in a language."""
    with override(language):
        return _(sentence)


def _booking(event: Event) -> Booking:
    return Booking.objects.for_display().get(pk=event.subject_id)


def _mail_with_voucher(booking: Booking, once_key: str) -> None:
    if not booking.has_voucher:
        return  # cancelled before the mail was written
    _mail("booking_confirmed", booking, once_key, attachments=_voucher_files(booking))


def _voucher_files(booking: Booking) -> list[tuple[str, str, bytes]]:
    return [
        (f"{booking.reference}.pdf", "application/pdf", voucher_pdf(booking, "both")),
        (f"{booking.reference}.ics", "text/calendar", calendar_ics(booking, booking.language)),
    ]


def _mail(template: str, booking: Booking, once_key: str, attachments: Any = (), **context: Any) -> None:
    language = booking.language
    zone = booking.quote["time_zone"]
    with override(language):
        pay_by = context.get("pay_by")
        tour = booking.trip.tour
        values = {
            **context,
            "booking": booking,
            "name": booking.contact_name,
            "reference": booking.reference,
            "tour": booking.quote["title"][language],
            "link": f"{booking_link(booking)}?language={language}",
            "pay_by": wording.moment_in_words(wording.local(pay_by, zone)) if pay_by else "",
            "amount_due": wording.money(booking, booking.deposit_due or booking.amount_due),
            "rows": [
                (_("Reference"), booking.reference),
                (_("Trip"), booking.quote["title"][language]),
                (_("Option"), booking.quote["option"][language]),
                (_("When"), wording.start_in_words(booking)),
                (_("Meeting point"), in_language(tour, "meeting_point", language)),
                *_ride_rows(booking),
                (_("Guests"), wording.party_in_words(booking)),
                (_("Total"), wording.money(booking, booking.total)),
                *_deposit_rows(booking),
            ],
        }
    write_message(
        template,
        to=booking.contact_email,
        language=language,
        once_key=once_key,
        context=values,
        about=booking,
        attachments=attachments,
    )


def _ride_rows(booking: Booking) -> list[tuple[str, str]]:
    told = [(_("Pickup"), wording.pickup_in_words(booking)), (_("Flight"), wording.flight_in_words(booking))]
    return [(label, words) for label, words in told if words]


def _deposit_rows(booking: Booking) -> list[tuple[str, str]]:
    """What confirms the booking, or was paid of it, and when the rest is due. In the language at hand."""
    balance = wording.balance_in_words(booking)
    if not balance:
        return []
    if not booking.amount_kept and not booking.deposit_due:
        return [(_("Still to pay"), balance)]
    if booking.deposit_due:
        first = (pgettext("booking", "Deposit"), wording.money(booking, booking.deposit_due))
    else:
        first = (_("Paid"), wording.money(booking, booking.amount_kept))
    return [first, (_("The rest"), balance)]


@on("tour.changed")
def keep_places_for_partners(event: Event) -> None:
    """Departures that were made get what allotments of the tour ask for."""
    options = Allotment.objects.filter(option__tour_id=event.subject_id, is_active=True).values_list(
        "option_id", flat=True
    )
    if options:
        arrange_allotments(option_ids=set(options))
