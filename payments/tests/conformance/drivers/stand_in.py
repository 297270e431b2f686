"""What drivers of stand-ins share."""

from typing import Any

from payments.models import Payment, Refund
from payments.tests.conformance.drivers.driver import Driver, Told
from payments.tests.standins.process import StandInProcess


class StandInDriver(Driver):
    """A gateway whose stand-in runs on the chassis."""

    process: StandInProcess

    def reference(self, payment: Payment) -> str:
        return Payment.objects.values_list("gateway_reference", flat=True).get(pk=payment.pk)

    def act(self, what: str, payment: Payment, **how: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.process.act(what, self.reference(payment), **how)
        return found

    def pay(self, payment: Payment) -> None:
        self.act("pay", payment)

    def decline(self, payment: Payment) -> None:
        self.act("decline", payment)

    def settle(self, payment: Payment) -> None:
        self.act("settle", payment)

    def fail(self, payment: Payment) -> None:
        self.act("fail", payment)

    def pay_slowly(self, payment: Payment) -> None:
        self.act("pay_slowly", payment)

    def untrue_notice(self, payment: Payment) -> Told:
        self.notices(payment)
        self.act("claim", payment)
        return self.notices(payment)[0]

    def end_refund(self, refund: Refund, *, well: bool) -> None:
        reference = Refund.objects.values_list("gateway_reference", flat=True).get(pk=refund.pk)
        self.process.act("refund_done" if well else "refund_failed", reference)

    def dispute(self, payment: Payment) -> None:
        self.act("dispute", payment)

    def notices(self, payment: Payment, *, take: bool = True, age: float = 0) -> list[Told]:
        found = self.process.notices(self.reference(payment), take=take, age=age)
        return [Told(each["type"], each["body"].encode(), each["headers"]) for each in found]
