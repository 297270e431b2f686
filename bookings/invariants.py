"""What must hold of seats and bookings at any moment, proven on the rows themselves: no counter or service is trusted."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import connection

from bookings.models import Booking, BookingStatus, HoldStatus, PaymentState
from bookings.services.settlement import payment_state
from config.invariants import invariant
from ledger.models import AccountRole

# What a booking's holds must be in each of its states.
HOLD_OF = {
    BookingStatus.PENDING_PAYMENT: HoldStatus.ACTIVE,
    BookingStatus.CONFIRMED: HoldStatus.CONVERTED,
    BookingStatus.IN_PROGRESS: HoldStatus.CONVERTED,
    BookingStatus.COMPLETED: HoldStatus.CONVERTED,
    BookingStatus.NO_SHOW: HoldStatus.CONVERTED,
    BookingStatus.CANCELLED: HoldStatus.RELEASED,
    BookingStatus.EXPIRED: HoldStatus.EXPIRED,
    BookingStatus.REFUNDED: HoldStatus.EXPIRED,
}


def _rows(statement: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


@invariant("bookings: a departure's counters are the seats of its holds")
def counters_match_holds() -> Iterator[str]:
    for departure, starts_at, held, holds, booked, bookings in _rows(
        """
        SELECT d.id, d.starts_at, d.seats_held, coalesce(h.held, 0), d.seats_booked, coalesce(h.booked, 0)
        FROM tours_departure d LEFT JOIN (
            SELECT departure_id,
                sum(seats) FILTER (WHERE status = 'ACTIVE') AS held,
                sum(seats) FILTER (WHERE status = 'CONVERTED') AS booked
            FROM bookings_hold GROUP BY departure_id
        ) h ON h.departure_id = d.id
        WHERE d.seats_held <> coalesce(h.held, 0) OR d.seats_booked <> coalesce(h.booked, 0)
        ORDER BY d.starts_at, d.id
        """
    ):
        yield (
            f"departure {departure} of {starts_at:%Y-%m-%d %H:%M}: {held} counted as held, {holds} in holds;"
            f" {booked} counted as booked, {bookings} in holds"
        )


@invariant("bookings: what is taken of an extra's stock is what holds have of it")
def stocks_match_holds() -> Iterator[str]:
    for extra, place, taken, capacity, held in _rows(
        """
        SELECT e.code, coalesce(s.day::text, s.departure_id::text), s.taken, s.capacity, coalesce(h.held, 0)
        FROM tours_extrastock s JOIN tours_extra e ON e.id = s.extra_id LEFT JOIN (
            SELECT x.stock_id, sum(x.quantity) AS held FROM bookings_extraheld x
            JOIN bookings_hold h ON h.id = x.hold_id AND h.status IN ('ACTIVE', 'CONVERTED') GROUP BY x.stock_id
        ) h ON h.stock_id = s.id
        WHERE s.taken <> coalesce(h.held, 0) OR s.taken > s.capacity ORDER BY e.code, s.id
        """
    ):
        yield f"{extra} on {place}: {taken} of {capacity} counted as taken, {held} in holds"


@invariant("bookings: no departure is sold beyond its capacity")
def nothing_is_oversold() -> Iterator[str]:
    for departure, capacity, taken in _rows(
        """
        SELECT d.id, d.capacity, coalesce(sum(h.seats), 0)
        FROM tours_departure d LEFT JOIN bookings_hold h
            ON h.departure_id = d.id AND h.status IN ('ACTIVE', 'CONVERTED')
        GROUP BY d.id, d.capacity, d.seats_held, d.seats_booked
        HAVING coalesce(sum(h.seats), 0) > d.capacity OR d.seats_held + d.seats_booked > d.capacity ORDER BY d.id
        """
    ):
        yield f"departure {departure}: {taken} seats taken of {capacity}"


@invariant("bookings: the last line of the history is the state")
def history_ends_in_the_state() -> Iterator[str]:
    for reference, status, told in _rows(
        """
        SELECT b.reference, b.status, e.new_status
        FROM bookings_booking b LEFT JOIN LATERAL (
            SELECT new_status FROM bookings_bookingevent
            WHERE booking_id = b.id AND action = 'status' ORDER BY at DESC, id DESC LIMIT 1
        ) e ON true
        WHERE e.new_status IS DISTINCT FROM b.status ORDER BY b.reference
        """
    ):
        yield f"{reference}: {status}, but its history ends in {told or 'nothing'}"


@invariant("bookings: each line of the history begins where the one before ended")
def history_is_a_chain() -> Iterator[str]:
    for reference, old, before in _rows(
        """
        SELECT b.reference, e.old_status, e.before FROM (
            SELECT booking_id, old_status, at,
                coalesce(lag(new_status) OVER (PARTITION BY booking_id ORDER BY at, id), '') AS before
            FROM bookings_bookingevent WHERE action = 'status'
        ) e JOIN bookings_booking b ON b.id = e.booking_id
        WHERE e.old_status <> e.before ORDER BY b.reference, e.at
        """
    ):
        yield f"{reference}: a move from {old or 'nothing'} after one to {before or 'nothing'}"


@invariant("bookings: items and their holds are in the state of the booking")
def items_follow_the_booking() -> Iterator[str]:
    for reference, status, item, hold, seats, held in _rows(
        """
        SELECT b.reference, b.status, i.status, h.status, i.seats, h.seats
        FROM bookings_booking b JOIN bookings_bookingitem i ON i.booking_id = b.id
        LEFT JOIN bookings_hold h ON h.id = i.hold_id
        WHERE i.departure_id IS NOT NULL ORDER BY b.reference
        """
    ):
        wanted = HOLD_OF.get(BookingStatus(status))
        if item != status or hold != wanted or seats != held:
            yield f"{reference} is {status}, its item {item} with {seats} seats, its hold {hold} with {held}"


@invariant("bookings: every booking has an item")
def bookings_have_items() -> Iterator[str]:
    for (reference,) in _rows(
        """
        SELECT reference FROM bookings_booking b
        WHERE NOT EXISTS (SELECT FROM bookings_bookingitem i WHERE i.booking_id = b.id) ORDER BY reference
        """
    ):
        yield f"{reference} has no item"


@invariant("bookings: amounts are those of the frozen quote")
def amounts_are_quoted() -> Iterator[str]:
    for reference, total, quoted, lines, items in _rows(
        """
        SELECT reference, total, quoted, lines, items FROM (
            SELECT b.reference, b.total, (b.quote->>'total')::numeric AS quoted, b.currency, b.quote->>'currency' AS money,
                (SELECT coalesce(sum((l->>'amount')::numeric), 0) FROM jsonb_array_elements(b.quote->'lines') l)
                + (SELECT coalesce(sum((t->>'amount')::numeric), 0) FROM jsonb_array_elements(b.quote->'tax_lines') t
                   WHERE NOT (t->>'inclusive')::boolean) AS lines,
                (SELECT coalesce(sum(i.amount), 0) FROM bookings_bookingitem i WHERE i.booking_id = b.id) AS items
            FROM bookings_booking b
        ) q WHERE total <> quoted OR total <> lines OR total <> items OR currency <> money ORDER BY reference
        """
    ):
        yield f"{reference}: {total:f} to pay, {quoted:f} quoted, {lines:f} in its lines, {items:f} in its items"


@invariant("bookings: a deposit is that of the frozen quote")
def deposits_are_quoted() -> Iterator[str]:
    for reference, deposit, quoted in _rows(
        """
        SELECT reference, deposit_amount, quote->'deposit'->>'amount' FROM bookings_booking
        WHERE deposit_amount IS DISTINCT FROM (quote->'deposit'->>'amount')::numeric
            OR deposit_amount >= total
        ORDER BY reference
        """
    ):
        yield f"{reference}: a deposit of {deposit}, quoted was {quoted}"


@invariant("bookings: what is owed has its day")
def debts_have_days() -> Iterator[str]:
    for reference, missing in _rows(
        """
        SELECT reference, total - amount_paid FROM bookings_booking
        WHERE status IN ('CONFIRMED', 'IN_PROGRESS', 'COMPLETED') AND balance_due_at IS NULL AND amount_refunded = 0
            AND amount_paid < total
        ORDER BY reference
        """
    ):
        yield f"{reference}: {missing.normalize():f} to pay, and no day for it"


@invariant("bookings: a booking's quote is that of its hold")
def quotes_are_the_holds() -> Iterator[str]:
    for (reference,) in _rows(
        """
        SELECT b.reference FROM bookings_booking b
        JOIN bookings_bookingitem i ON i.booking_id = b.id JOIN bookings_hold h ON h.id = i.hold_id
        WHERE b.quote <> h.quote ORDER BY b.reference
        """
    ):
        yield f"{reference}: another price than its hold's"


@invariant("bookings: the payment status is what the sums say")
def payment_status_follows_the_sums() -> Iterator[str]:
    bookings = Booking.objects.order_by("reference").values_list(
        "reference", "payment_status", "total", "amount_paid", "amount_refunded"
    )
    for reference, status, total, paid, refunded in bookings.iterator(chunk_size=2000):
        wanted = payment_state(total, paid, refunded)
        failed = status == PaymentState.FAILED and wanted == PaymentState.UNPAID
        if status != wanted and not failed:
            yield f"{reference}: {status}, but {paid:f} of {total:f} paid and {refunded:f} given back"


@invariant("bookings: what is earned is what the ledger says")
def earned_is_posted() -> Iterator[str]:
    for reference, earned, posted in _rows(
        """
        SELECT b.reference, b.amount_earned, coalesce(p.posted, 0)
        FROM bookings_booking b LEFT JOIN (
            SELECT split_part(t.reference, ':', 2) AS booking, sum(e.debit - e.credit) AS posted
            FROM ledger_transaction t
            JOIN ledger_entry e ON e.transaction_id = t.id
            JOIN ledger_account a ON a.id = e.account_id AND a.role = %s
            WHERE t.reference LIKE 'booking:%%'
            GROUP BY 1
        ) p ON p.booking = b.id::text
        WHERE b.amount_earned <> coalesce(p.posted, 0) ORDER BY b.reference
        """,
        [str(AccountRole.CUSTOMER_DEPOSITS)],
    ):
        yield f"{reference}: {Decimal(earned):f} earned, {Decimal(posted):f} posted"


@invariant("bookings: the answers kept for repeats name what exists")
def kept_answers_are_true() -> Iterator[str]:
    for route, key, named in _rows(
        """
        SELECT k.route, k.key, k.answer->>'id' FROM accounts_idempotencykey k
        WHERE k.status = 201 AND (
            (k.route = 'holds' AND NOT EXISTS (SELECT FROM bookings_hold h WHERE h.id::text = k.answer->>'id'))
            OR (k.route = 'bookings' AND NOT EXISTS (SELECT FROM bookings_booking b WHERE b.id::text = k.answer->>'id'))
        ) ORDER BY k.taken_at
        """
    ):
        yield f"{route}: the key {key} was answered with {named}, which is not there"


@invariant("bookings: who came is what the steps of the check-in say")
def attendance_follows_the_steps() -> Iterator[str]:
    for reference, came, absent, noted, noted_absent in _rows(
        """
        SELECT b.reference, a.came, a.absent,
            coalesce(sum(s.guests) FILTER (WHERE s.action = 'CAME'), 0),
            coalesce(sum(s.guests) FILTER (WHERE s.action = 'ABSENT'), 0)
        FROM bookings_attendance a
        JOIN bookings_bookingitem i ON i.id = a.item_id JOIN bookings_booking b ON b.id = i.booking_id
        LEFT JOIN bookings_checkin s ON s.attendance_id = a.id AND s.action <> 'UNDO'
            AND NOT EXISTS (SELECT FROM bookings_checkin u WHERE u.undoes_id = s.id)
        GROUP BY b.reference, a.id, a.came, a.absent
        HAVING a.came <> coalesce(sum(s.guests) FILTER (WHERE s.action = 'CAME'), 0)
            OR a.absent <> coalesce(sum(s.guests) FILTER (WHERE s.action = 'ABSENT'), 0)
        ORDER BY b.reference
        """
    ):
        yield f"{reference}: {came} came and {absent} did not, the steps say {noted} and {noted_absent}"


@invariant("bookings: a tour's rating is that of its shown reviews")
def ratings_are_those_of_reviews() -> Iterator[str]:
    for title, average, count, right_average, right_count in _rows(
        """
        SELECT t.title_en, t.rating_average, t.rating_count, coalesce(r.average, 0), coalesce(r.number, 0)
        FROM tours_tour t LEFT JOIN (
            SELECT tour_id, round(avg(rating), 2) AS average, count(*) AS number
            FROM bookings_review WHERE status = 'APPROVED' GROUP BY tour_id
        ) r ON r.tour_id = t.id
        WHERE t.rating_average <> coalesce(r.average, 0) OR t.rating_count <> coalesce(r.number, 0) ORDER BY t.title_en
        """
    ):
        yield f"“{title}”: rated {average} by {count}, but its reviews say {right_average} by {right_count}"


@invariant("bookings: reviews are of those who travelled, and count their votes and reports")
def reviews_are_of_those_who_travelled() -> Iterator[str]:
    for reference, status in _rows(
        """
        SELECT b.reference, b.status FROM bookings_review r JOIN bookings_booking b ON b.id = r.booking_id
        WHERE b.status <> 'COMPLETED' ORDER BY b.reference
        """
    ):
        yield f"{reference}: {status}, but reviewed"
    for reference, helpful, votes, counted, reports in _rows(
        """
        SELECT b.reference, r.helpful_count, v.number, r.open_reports, p.number
        FROM bookings_review r JOIN bookings_booking b ON b.id = r.booking_id,
            LATERAL (SELECT count(*) AS number FROM bookings_helpfulvote WHERE review_id = r.id) v,
            LATERAL (SELECT count(*) AS number FROM bookings_reviewreport WHERE review_id = r.id AND settled_at IS NULL) p
        WHERE r.helpful_count <> v.number OR r.open_reports <> p.number ORDER BY b.reference
        """
    ):
        yield f"review of {reference}: {helpful} helpful of {votes} votes, {counted} reports of {reports}"


@invariant("bookings: what is kept for partners is what their allotments say")
def allotted_places_add_up() -> Iterator[str]:
    for departure, allotted, kept in _rows(
        """
        SELECT d.id, d.seats_allotted, coalesce(a.kept, 0)
        FROM tours_departure d LEFT JOIN (
            SELECT departure_id, sum(places - used) FILTER (WHERE released_at IS NULL) AS kept
            FROM bookings_allottedplaces GROUP BY departure_id
        ) a ON a.departure_id = d.id
        WHERE d.seats_allotted <> coalesce(a.kept, 0) ORDER BY d.id
        """
    ):
        yield f"departure {departure}: {allotted} counted as kept for partners, {kept} in their allotments"
    for row, used, held in _rows(
        """
        SELECT a.id, a.used, coalesce(sum(h.allotted_seats) FILTER (WHERE h.status IN ('ACTIVE', 'CONVERTED')), 0)
        FROM bookings_allottedplaces a LEFT JOIN bookings_hold h ON h.allotted_from_id = a.id
        GROUP BY a.id, a.used
        HAVING a.used <> coalesce(sum(h.allotted_seats) FILTER (WHERE h.status IN ('ACTIVE', 'CONVERTED')), 0)
        ORDER BY a.id
        """
    ):
        yield f"allotted places {row}: {used} counted as used, {held} in holds"


@invariant("bookings: a booking is on the departure of its hold and its quote")
def bookings_are_where_their_holds_are() -> Iterator[str]:
    for reference, item, hold, quoted in _rows(
        """
        SELECT b.reference, i.departure_id, h.departure_id, h.quote->>'departure_id'
        FROM bookings_bookingitem i JOIN bookings_booking b ON b.id = i.booking_id
        JOIN bookings_hold h ON h.id = i.hold_id
        WHERE i.departure_id <> h.departure_id OR i.departure_id::text <> h.quote->>'departure_id' ORDER BY b.reference
        """
    ):
        yield f"{reference} is on {item}, its hold on {hold}, its price for {quoted}"


@invariant("bookings: each answer to a choice stands in the history of its booking")
def answers_are_in_the_history() -> Iterator[str]:
    for reference, answered, noted in _rows(
        """
        SELECT b.reference, c.answered, coalesce(e.noted, 0) FROM (
            SELECT booking_id, count(*) FILTER (WHERE status IN ('MOVED', 'REFUNDED', 'KEPT')) AS answered
            FROM bookings_choiceoffer GROUP BY booking_id
        ) c JOIN bookings_booking b ON b.id = c.booking_id
        LEFT JOIN (
            SELECT booking_id, count(*) AS noted FROM bookings_bookingevent
            WHERE action = 'choice_answered' GROUP BY booking_id
        ) e ON e.booking_id = c.booking_id
        WHERE c.answered <> coalesce(e.noted, 0) ORDER BY b.reference
        """
    ):
        yield f"{reference}: {answered} choices answered, {noted} in its history"
