#!/usr/bin/env python
"""The main job, over HTTP only, against a running Rihla: find a tour, hold the seats, pay, get the voucher, cancel.

    make run                                  # in one terminal
    .venv/bin/python scripts/first_booking.py # in another

Then the same with every other thing a gateway may do: decline, timeout, late (seats still free, and seats gone),
duplicate, reorder. `late` waits for the hold to end: start Rihla with HOLD_SECONDS=30, or pass --skip-late.
Exits 0 when everything ended as promised, else 1 with a sentence that says what did not.
"""

import argparse
import email
import email.policy
import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent


class Broken(Exception):
    """Something did not end as promised."""


def expect(truth: Any, sentence: str) -> None:
    if not truth:
        raise Broken(sentence)


def say(sentence: str) -> None:
    sys.stdout.write(f"  {sentence}\n")
    sys.stdout.flush()


def wait_for(what: str, look: Callable[[], Any], seconds: float = 30, every: float = 0.7) -> Any:
    """What `look` returns once it is true; raises `Broken` after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(every)
    raise Broken(f"waited {seconds:.0f} s for: {what}")


class Person:
    """Somebody with a session at the API."""

    def __init__(self, base: str) -> None:
        self.http = httpx.Client(base_url=f"{base}/api/v1/", timeout=60, follow_redirects=False)

    def call(self, method: str, path: str, *, status: int = 200, language: str = "en", **options: Any) -> Any:
        headers = {"Accept-Language": language, **options.pop("headers", {})}
        if method == "POST":
            headers.setdefault("Idempotency-Key", secrets.token_hex(16))
        while True:
            answer = self.http.request(method, path, headers=headers, **options)
            if answer.status_code != 429 or status == 429:
                break
            time.sleep(int(answer.headers.get("Retry-After", "5")) + 1)  # we ask often; the limit is meant for us
        expect(
            answer.status_code == status,
            f"{method} {path}: {answer.status_code} instead of {status}: {answer.text[:600]}",
        )
        if "json" in answer.headers.get("Content-Type", ""):
            return answer.json()
        return answer

    def sign_in(self, tokens: dict[str, Any]) -> None:
        self.http.headers["Authorization"] = f"Bearer {tokens['access_token']}"


def register(base: str) -> tuple[Person, str]:
    person, address = Person(base), f"salma.{secrets.token_hex(4)}@example.com"
    password = f"Felucca-{secrets.token_hex(4)}-7"
    tokens = person.call(
        "POST",
        "auth/register",
        status=201,
        json={
            "email": address,
            "password": password,
            "confirm_password": password,
            "first_name": "Salma",
            "last_name": "Farouk",
        },
    )
    person.sign_in(tokens)
    expect(person.call("GET", "auth/me")["email"] == address, "auth/me names somebody else")
    return person, address


def staff(base: str, logins: Path) -> Person:
    """The demo's administrator, by the log-ins that the seed wrote down."""
    person = Person(base)
    for line in logins.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and words[0].startswith("admin@"):
            person.sign_in(person.call("POST", "auth/login", json={"email": words[0], "password": words[1]}))
            return person
    raise Broken(f"{logins} names no admin@ log-in")


def search(person: Person) -> dict[str, Any]:
    """The same tour by English words, by Arabic words, and with a typing error. Returns one that can be booked."""
    for words, language in (("pyramids", "en"), ("الأهرامات", "ar"), ("piramids", "en"), ("الاهرمات", "ar")):
        page = person.call("GET", "tours", params={"q": words}, language=language)
        expect(page["total"] >= 1, f"nothing found for {words}")
        say(f"{words}: {page['total']} found, first “{page['items'][0]['title']}”")
    start = date.today() + timedelta(days=3)
    page = person.call(
        "GET",
        "tours",
        params={"date_from": str(start), "date_to": str(start + timedelta(days=20)), "guests": 3, "size": 50},
    )
    expect(page["items"], "no tour can be booked in the coming weeks")
    return dict(page["items"][0])


def departure_of(person: Person, tour: dict[str, Any], guests: int) -> dict[str, Any]:
    start = date.today() + timedelta(days=3)
    days = person.call(
        "GET",
        f"tours/{tour['id']}/availability",
        params={"date_from": str(start), "date_to": str(start + timedelta(days=25)), "guests": guests},
    )
    for departure in days["items"]:
        if departure["status"] == "OPEN" and departure["available"] >= guests:
            return dict(departure)
    raise Broken(f"{tour['title']} has no open departure")


def seats_left(person: Person, tour: dict[str, Any], departure: dict[str, Any]) -> int:
    days = person.call(
        "GET", f"tours/{tour['id']}/availability", params={"date_from": departure["date"], "date_to": departure["date"]}
    )
    return next(int(row["available"]) for row in days["items"] if row["id"] == departure["id"])


def book(person: Person, departure: dict[str, Any], address: str, guests: dict[str, int]) -> dict[str, Any]:
    asked = {"departure_id": departure["id"], "guests": guests}
    quote = person.call("POST", "quotes", json=asked)
    total = sum((Decimal(line["amount"]) for line in quote["lines"]), Decimal(0))
    total += sum(Decimal(tax["amount"]) for tax in quote["tax_lines"] if not tax["inclusive"])
    expect(total == Decimal(quote["total"]), f"the lines make {total}, the quote says {quote['total']}")
    hold = person.call("POST", "holds", status=201, json={**asked, "fingerprint": quote["fingerprint"]})
    expect(hold["status"] == "ACTIVE", f"the hold is {hold['status']}")
    people = [
        {"first_name": f"Guest{number}", "last_name": "Farouk", "category": category}
        for category, count in guests.items()
        for number in range(1, count + 1)
    ]
    booking = person.call(
        "POST",
        "bookings",
        status=201,
        json={
            "hold_id": hold["id"],
            "contact": {"name": "Salma Farouk", "email": address, "phone": "+201001234567"},
            "travellers": people,
        },
    )
    expect(booking["status"] == "PENDING_PAYMENT", f"the booking is {booking['status']}")
    expect(Decimal(booking["amount_due"]) == Decimal(quote["total"]), "the booking costs something else than the quote")
    return dict(booking)


def pay(base: str, person: Person, booking: dict[str, Any], outcome: str, page_status: int = 303) -> dict[str, Any]:
    payment = person.call(
        "POST",
        "payments",
        status=201,
        json={
            "booking_id": booking["id"],
            "gateway": "sandbox",
            "return_url": f"{base}/health",
            "cancel_url": f"{base}/health",
        },
    )
    expect(payment["action"]["type"] == "redirect", f"no page to pay on: {payment['action']}")
    with httpx.Client(timeout=60, follow_redirects=False) as browser:
        expect(browser.get(payment["action"]["url"]).status_code == 200, "the gateway's page does not open")
        answer = browser.post(payment["action"]["url"], data={"outcome": outcome})
    expect(answer.status_code == page_status, f"the gateway's page answered {answer.status_code}, not {page_status}")
    return dict(payment)


def booking_is(person: Person, booking: dict[str, Any], status: str, seconds: float = 30) -> dict[str, Any]:
    last: dict[str, Any] = {}

    def look() -> Any:
        last.update(person.call("GET", f"bookings/{booking['id']}"))
        return last["status"] == status and last

    try:
        return dict(wait_for(f"booking {booking['reference']} to be {status}", look, seconds))
    except Broken as broken:
        raise Broken(f"{broken}; it is {last.get('status')}, {last.get('payment_status')}") from None


def payments_are(person: Person, booking: dict[str, Any], *wanted: str, seconds: float = 30) -> None:
    """The statuses of the booking's payments, oldest first."""
    found: list[str] = []

    def look() -> bool:
        page = person.call("GET", "payments", params={"booking_id": booking["id"]})
        found[:] = [row["status"] for row in sorted(page["items"], key=lambda row: row["created_at"])]
        return found == list(wanted)

    try:
        wait_for(f"the payments to be {', '.join(wanted)}", look, seconds)
    except Broken as broken:
        raise Broken(f"{broken}; they are {found}") from None


def mails_to(folder: Path, address: str) -> list[Any]:
    found = []
    for path in sorted(folder.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if address in str(message["To"]):
            found.append(message)
    return found


def main_path(base: str, mail: Path) -> None:
    sys.stdout.write("approve, then cancel\n")
    person, address = register(base)
    say(f"registered {address}")
    tour = search(person)
    departure = departure_of(person, tour, 3)
    before = seats_left(person, tour, departure)
    say(f"“{tour['title']}” on {departure['date']} {departure['time']}: {before} seats left")
    started = time.monotonic()
    booking = book(person, departure, address, {"adult": 2, "child": 1} if has_child(person, tour) else {"adult": 2})
    seats = sum(item["seats"] for item in booking["items"])
    pay(base, person, booking, "approve")
    booking = booking_is(person, booking, "CONFIRMED")
    say(f"{booking['reference']} confirmed {time.monotonic() - started:.1f} s after the quote")
    expect(booking["payment_status"] == "PAID", f"payment is {booking['payment_status']}")
    expect(seats_left(person, tour, departure) == before - seats, "the seats left do not fit the booking")
    for language in ("en", "ar"):
        voucher = person.call("GET", f"bookings/{booking['id']}/voucher.pdf", language=language)
        expect(voucher.content.startswith(b"%PDF"), "the voucher is no PDF")
    calendar = person.call("GET", f"bookings/{booking['id']}/calendar.ics")
    expect(b"BEGIN:VEVENT" in calendar.content, "the calendar file has no event")
    mails = wait_for(
        "the confirmation in the mail folder",
        lambda: [
            m for m in mails_to(mail, address) if any(p.get_filename("").endswith(".pdf") for p in m.iter_attachments())
        ],
        60,
    )
    say(f"voucher, calendar file and mail “{mails[0]['Subject']}” are there")
    terms = person.call("GET", f"bookings/{booking['id']}/cancellation")
    say(f"cancelling gives back {terms['refund']} {terms['currency']}")
    cancelled = person.call("PUT", f"bookings/{booking['id']}/cancel", json={"reason": "Our flight was moved"})
    expect(cancelled["status"] == "CANCELLED", f"the booking is {cancelled['status']}")
    whole = Decimal(terms["refund"]) == Decimal(booking["total"])
    if Decimal(terms["refund"]) > 0:
        payments_are(person, booking, "REFUNDED" if whole else "PARTIALLY_REFUNDED")
    after = person.call("GET", f"bookings/{booking['id']}")
    wanted = "REFUNDED" if whole else "PARTIALLY_REFUNDED" if Decimal(terms["refund"]) else "PAID"
    expect(after["payment_status"] == wanted, f"payment is {after['payment_status']}, not {wanted}")
    expect(seats_left(person, tour, departure) == before, "the seats are not back")
    say("refunded, and the seats are back")


def has_child(person: Person, tour: dict[str, Any]) -> bool:
    detail = person.call("GET", f"tours/{tour['id']}")
    return any(price["category"] == "child" for option in detail["options"] for price in option["prices"])


def other_outcomes(base: str) -> None:
    person, address = register(base)
    tour = search(person)
    guests = {"adult": 1}

    sys.stdout.write("decline: the booking stays payable\n")
    booking = book(person, departure_of(person, tour, 1), address, guests)
    pay(base, person, booking, "decline")
    payments_are(person, booking, "FAILED")
    expect(person.call("GET", f"bookings/{booking['id']}")["status"] == "PENDING_PAYMENT", "it cannot be paid any more")
    pay(base, person, booking, "approve")
    booking_is(person, booking, "CONFIRMED")
    payments_are(person, booking, "FAILED", "PAID")

    for outcome in ("duplicate", "reorder"):
        sys.stdout.write(f"{outcome}: confirmed once\n")
        booking = book(person, departure_of(person, tour, 1), address, guests)
        pay(base, person, booking, outcome)
        booking_is(person, booking, "CONFIRMED")
        time.sleep(3)
        payments_are(person, booking, "PAID")
        timeline = person.call("GET", f"bookings/{booking['id']}")["timeline"]
        confirmations = [row for row in timeline if row.get("new_status") == "CONFIRMED"]
        expect(len(confirmations) == 1, f"confirmed {len(confirmations)} times")

    sys.stdout.write("timeout: the sweep finds the money\n")
    booking = book(person, departure_of(person, tour, 1), address, guests)
    pay(base, person, booking, "timeout", page_status=504)
    booking_is(person, booking, "CONFIRMED", seconds=240)
    payments_are(person, booking, "PAID")


def late(base: str, admin: Person) -> None:
    person, address = register(base)
    tour = search(person)
    day = str(date.today() + timedelta(days=6))
    option = person.call("GET", f"tours/{tour['id']}")["options"][0]["code"]
    scarce = []
    for place in range(2):
        clock = f"0{4 + place}:{secrets.randbelow(50) + 10}"
        row = {"date": day, "time": clock, "option": option, "capacity": 1}
        admin.call("PUT", f"tours/{tour['id']}/availability", json={"departures": [row]})
        days = person.call("GET", f"tours/{tour['id']}/availability", params={"date_from": day, "date_to": day})
        scarce.append(next(found for found in days["items"] if found["time"][:5] == clock))

    sys.stdout.write("late: the seats are won again, or the money goes back\n")
    free, gone = (book(person, departure, address, {"adult": 1}) for departure in scarce)
    for booking in (free, gone):
        pay(base, person, booking, "late")
    ends = max(datetime.fromisoformat(booking["expires_at"]) for booking in (free, gone))
    rest = (ends - datetime.now(UTC)).total_seconds()
    say(f"waiting {rest:.0f} s for the holds to end")
    time.sleep(max(0.0, rest) + 0.3)
    rival, rivals_address = register(base)
    taken = book(rival, scarce[1], rivals_address, {"adult": 1})
    booking_is(person, free, "CONFIRMED", seconds=180)
    payments_are(person, free, "PAID")
    say("seats still free: confirmed")
    booking_is(person, gone, "REFUNDED", seconds=180)
    payments_are(person, gone, "REFUNDED", seconds=90)
    say("seats gone: refunded")
    pay(base, rival, taken, "approve")
    booking_is(rival, taken, "CONFIRMED")


def books_balance(admin: Person) -> None:
    sys.stdout.write("the books\n")
    for row in admin.call("GET", "admin/ledger/trial-balance")["items"]:
        expect(Decimal(row["debit"]) == Decimal(row["credit"]), f"{row['unit']} does not balance: {row}")
    report = admin.call("POST", "admin/invariants", status=201)
    expect(report["is_clean"], f"the invariants are broken: {report['faults']}")
    say("the ledger balances, and every promise that can be checked holds")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="http://127.0.0.1:8000", help="where Rihla serves")
    parser.add_argument("--var", type=Path, default=ROOT / "var", help="its folder of data (mail, demo log-ins)")
    parser.add_argument("--skip-late", action="store_true", help="do not wait for a hold to end")
    asked = parser.parse_args()
    base = asked.base.rstrip("/")
    try:
        main_path(base, asked.var / "mail")
        other_outcomes(base)
        admin = staff(base, asked.var / "demo-logins.txt")
        if not asked.skip_late:
            late(base, admin)
        books_balance(admin)
    except (Broken, httpx.HTTPError) as fault:
        sys.stderr.write(f"BROKEN: {fault}\n")
        return 1
    sys.stdout.write("everything ended as promised\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
