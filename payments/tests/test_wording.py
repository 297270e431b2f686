"""Every code that a history or a refund keeps has words in both languages."""

import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import override

from payments.models import PaymentEvent, PaymentFlag, Refund
from payments.services import refund_booking
from payments.tests.steps import paid
from payments.wording import CAUSES, EVENTS, event_in_words, refund_reason


def codes_in_services() -> set[str]:
    """What services give as `reason=`, to `with_detail` or to `_take_over`, read from the source."""
    found = set()
    for path in (Path(settings.BASE_DIR) / "payments" / "services").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                given = [kw.value for kw in node.keywords if kw.arg == "reason" and name == "move_to"]
                given += node.args[:1] if name in {"with_detail", "note"} else []
                given += node.args[2:3] if name == "_take_over" else []
                found |= {arg.value for arg in given if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return found


def test_every_code_has_words():
    assert codes_in_services() == set(EVENTS)


def test_words_and_what_belongs_to_them():
    with override("en"):
        assert event_in_words(PaymentEvent(reason="begun")) == "The payer began to pay"
        assert (
            event_in_words(PaymentEvent(reason="refused_there: card_declined"))
            == "Refused at the gateway: card_declined"
        )
        flagged = PaymentEvent(reason=f"{PaymentFlag.AMOUNT_MISMATCH}: 1.00 USD")
        assert event_in_words(flagged) == "The gateway names another amount: 1.00 USD"
        assert event_in_words(PaymentEvent(reason="as somebody wrote it: so")) == "as somebody wrote it: so"


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_causes_of_refunds(cause):
    with override("en"):
        english = refund_reason(Refund(cause=f"{cause}:1:2", reason=""))
        assert " " in english
        assert english[0].isupper()
        assert refund_reason(Refund(cause="staff:1", reason="late bus")) == "late bus"
    with override("ar"):
        assert refund_reason(Refund(cause=f"{cause}:1:2", reason="")) != english


def test_a_refund_keeps_its_cause(tenant):
    payment = paid()
    refund = refund_booking(booking_id=payment.booking_id, amount=payment.amount, cause="cancellation")[0]
    assert refund.cause.partition(":")[0] in CAUSES
