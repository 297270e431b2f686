"""What every gateway under test is asked for, in the same words."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

import pytest
from django.test import Client

from payments.models import Payment, Refund

DEAD = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Told:
    """A notice as it travels."""

    type: str
    body: bytes
    headers: dict[str, str]


class Driver(ABC):
    """One gateway under test."""

    code: str
    CANNOT: dict[str, str] = {}  # a scenario's need → why this gateway has no such thing
    takes_no = ""  # a currency that it does not take
    too_fine: tuple[str, str] | None = None  # an amount and its currency that it cannot be asked for
    after_a_refused_card = "FAILED"  # how the attempt stands then
    own_form = False
    address_setting: str

    def __init__(self, process: Any) -> None:
        self.process = process

    @abstractmethod
    def configure(self, settings: Any, monkeypatch: Any) -> None:
        """Point Rihla to the stand-in."""

    def reset(self) -> None:
        self.process.reset()

    def disconnect(self, settings: Any) -> None:
        """Nobody listens there any more."""
        setattr(settings, self.address_setting, DEAD)

    def order(self, on: str, kind: str, times: int = 3, seconds: float = 1) -> None:
        """Trouble for the next calls: on create, fetch, capture, cancel, refund."""
        self.process.order(on, kind, times=times, seconds=seconds)

    def violations(self) -> list[str]:
        """How our requests broke the gateway's published contract."""
        return list(self.process.violations())

    def cannot(self, need: str) -> NoReturn:
        """The gateway has no such thing, and says why."""
        pytest.skip(f"{self.code} cannot express this: {self.CANNOT[need]}")

    # what people do there

    @abstractmethod
    def pay(self, payment: Payment) -> None: ...

    @abstractmethod
    def decline(self, payment: Payment) -> None:
        """The payer's means is refused."""

    @abstractmethod
    def pay_slowly(self, payment: Payment) -> None:
        """The payer has done their part; the money takes its time."""

    @abstractmethod
    def settle(self, payment: Payment) -> None:
        """The money of a slow payment has come."""

    def fail(self, payment: Payment) -> None:
        """The money of a slow payment will not come."""
        self.cannot("slow_failure")

    def lie(self, payment: Payment, *, amount: str = "", currency: str = "") -> None:
        """From now on another amount or currency stands there."""
        self.cannot("lie")

    def refund_at_desk(self, payment: Payment, amount: str) -> None:
        self.cannot("desk")

    @abstractmethod
    def end_refund(self, refund: Refund, *, well: bool) -> None:
        """What becomes of a pending refund."""

    def dispute(self, payment: Payment) -> None:
        self.cannot("dispute")

    # what stands there

    @abstractmethod
    def taken(self, payment: Payment) -> Decimal: ...

    @abstractmethod
    def given(self, payment: Payment) -> list[Decimal]:
        """Refunds that are done or under way there."""

    @abstractmethod
    def attempts_of(self, payment: Payment) -> int:
        """How many objects there are for the payment."""

    @abstractmethod
    def notices(self, payment: Payment, *, take: bool = True, age: float = 0) -> list[Told]:
        """What it has to tell about a payment, oldest first."""

    @abstractmethod
    def strange_notice(self) -> Told:
        """A signed one about a payment that is not ours."""

    @abstractmethod
    def untrue_notice(self, payment: Payment) -> Told:
        """A signed one that says the payment succeeded, though nobody paid."""

    @abstractmethod
    def forged(self, told: Told) -> Told:
        """The same with one sign of its signature changed."""

    @abstractmethod
    def signed_by_another(self, told: Told) -> Told:
        """The same with a signature in the right form, by a key that is not the gateway's."""

    # telling

    @property
    def url(self) -> str:
        return f"/api/v1/payments/webhooks/{self.code}"

    def post(self, told: Told) -> int:
        """Deliver one notice; the answer's status."""
        answer = Client().post(self.url, told.body, content_type="application/json", headers=told.headers)
        return int(answer.status_code)

    def tell(self, payment: Payment, *, arranged: Callable[[list[Told]], Sequence[Told]] = list) -> list[str]:
        """Deliver what there is to tell, arranged otherwise where asked; news that this makes come too. The types told."""
        told = []
        while waiting := self.notices(payment):
            for notice in arranged(waiting):
                assert self.post(notice) == 200
                told.append(notice.type)
        return told


def with_other_digest(header: str) -> str:
    """`t=…,v1=…` with the first digit of the digest changed."""
    place = header.index("v1=") + 3
    return header[:place] + ("0" if header[place] != "0" else "1") + header[place + 1 :]
