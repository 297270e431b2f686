"""The back-office of money: what is shown, who may press what, and that nothing can be typed over."""

from decimal import Decimal

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from bookings.tests.factories import BookingFactory, ClerkFactory, CustomerFactory
from payments.models import Notice, NoticeStatus, Payment, PaymentFlag, Refund
from payments.services import apply_remote_state, check_payment, request_refund, start_payment
from payments.tests.steps import begun, paid, said, started, status_of

MODELS = ("payment", "refund", "notice")
VIEWING = [f"payments.view_{model}" for model in (*MODELS, "paymentevent")] + ["bookings.view_booking"]


def page(name: str, *args) -> str:
    return reverse(f"admin:payments_{name}", args=args)


def browser_of(*permissions: str) -> Client:
    browser = Client()
    browser.user = ClerkFactory(permissions=[*VIEWING, *permissions])
    browser.force_login(browser.user)
    return browser


@pytest.fixture
def rows(tenant):
    payment = paid()
    refund = request_refund(payment_id=payment.pk, amount=Decimal(50), cause="a", reason="goodwill", actor=None)
    notice = Notice.objects.create(
        gateway="sandbox",
        dedupe_key="sbe_1",
        type="payment.succeeded",
        body=b'{"id": "sbe_1", "client_secret": "do-not-show", "note": "<script>alert(1)</script>"}',
        headers={"User-Agent": "RihlaSandbox/1 (pid 7)"},
        payment=payment,
    )
    return {"payment": payment, "refund": refund, "notice": notice}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_pages_open_in_both_languages(rows, model, language):
    browser, row = browser_of(), rows[model]
    for url in (page(f"{model}_changelist"), page(f"{model}_change", row.pk)):
        answer = browser.get(url, headers={"Accept-Language": language})
        assert answer.status_code == 200
        text = answer.content.decode()
        assert f'lang="{language}"' in text
        assert rows["payment"].number in text
    assert browser.get(page(f"{model}_changelist"), {"q": rows["payment"].number}).status_code == 200


def test_a_payments_page_shows_all_there_is(rows):
    text = browser_of().get(page("payment_change", rows["payment"].pk)).content.decode()
    for wanted in ("$200.00", rows["payment"].booking.reference, rows["refund"].number, "sbe_1", "goodwill"):
        assert wanted in text
    assert f"payment:{rows['payment'].pk}:captured" in text


def test_a_notice_is_shown_as_it_came_but_for_secrets(rows):
    text = browser_of().get(page("notice_change", rows["notice"].pk)).content.decode()
    assert "sbe_1" in text
    assert "do-not-show" not in text
    assert "<script>alert(1)</script>" not in text
    assert "RihlaSandbox/1 (pid 7)" in text


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_typed_over(rows, model):
    browser, row = browser_of(*(f"payments.{verb}_{model}" for verb in ("add", "change", "delete"))), rows[model]
    assert browser.get(page(f"{model}_add")).status_code == 403
    assert browser.post(page(f"{model}_delete", row.pk), {"post": "yes"}).status_code == 403
    assert browser.post(page(f"{model}_change", row.pk), {"status": "PAID", "amount": "1"}).status_code == 403
    assert "delete_selected" not in browser.get(page(f"{model}_changelist")).content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_only_those_who_may_look(rows, model):
    stranger, customer, clerk = Client(), Client(), Client()
    customer.force_login(CustomerFactory())
    clerk.force_login(ClerkFactory(permissions=["bookings.view_booking"]))
    for url in (page(f"{model}_changelist"), page(f"{model}_change", rows[model].pk)):
        assert stranger.get(url).status_code == 302
        assert customer.get(url).status_code == 302
        assert clerk.get(url).status_code == 403


def test_a_bookings_page_shows_its_payments(rows):
    url = reverse("admin:bookings_booking_change", args=[rows["payment"].booking_id])
    link = page("payment_change", rows["payment"].pk)
    assert link in browser_of().get(url).content.decode()
    clerk = Client()
    clerk.force_login(ClerkFactory(permissions=["bookings.view_booking"]))
    answer = clerk.get(url)
    assert answer.status_code == 200
    assert link not in answer.content.decode()


def test_flagged_payments_are_found(tenant):
    flagged, fine = begun(), paid()
    apply_remote_state(flagged.pk, said(flagged, "PAID", amount=Decimal(1)))
    assert Payment.objects.get(pk=flagged.pk).flag == PaymentFlag.AMOUNT_MISMATCH
    text = browser_of().get(page("payment_changelist"), {"flagged": "yes"}).content.decode()
    assert flagged.number in text
    assert fine.number not in text
    text = browser_of().get(page("payment_changelist"), {"flagged": "no"}).content.decode()
    assert flagged.number not in text


def action(name: str, object_id) -> str:
    return reverse(f"admin:payments_{name}", kwargs={"object_id": str(object_id)})


def press(browser: Client, url: str, **form):
    return browser.post(url, {"_form_submitted": "True", **form}, headers={"HX-Request": "true"})


def test_refund_asks_first_then_gives_back(rows):
    browser = browser_of("payments.refund")
    payment = rows["payment"]
    url = action("payment_refund", payment.pk)
    asked = browser.get(url).content.decode()
    assert 'value="150.00"' in asked  # what no other refund has claimed
    assert Refund.objects.count() == 1
    answer = press(browser, url, amount="20.00", reason="late bus")
    assert answer["HX-Redirect"] == page("payment_change", payment.pk)
    refund = Refund.objects.get(amount=Decimal(20))
    assert (refund.requested_by_id, refund.reason) == (browser.user.pk, "late bus")
    entry = AuditEntry.objects.get(action="payments.refund.asked")
    assert (entry.actor_id, entry.subject_id) == (browser.user.pk, str(payment.pk))


@pytest.mark.parametrize(
    "form",
    [{"amount": "0", "reason": "x"}, {"amount": "-1", "reason": "x"}, {"amount": "x", "reason": "x"}, {"amount": "1"}],
)
def test_a_refund_of_no_shape_stays_in_the_dialog(rows, form):
    answer = press(browser_of("payments.refund"), action("payment_refund", rows["payment"].pk), **form)
    assert answer.status_code == 200
    assert "HX-Redirect" not in answer
    assert Refund.objects.count() == 1


def test_a_refund_that_cannot_be_is_a_message(rows):
    browser = browser_of("payments.refund")
    press(browser, action("payment_refund", rows["payment"].pk), amount="150.01", reason="x")
    text = browser.get(page("payment_change", rows["payment"].pk)).content.decode()
    assert "Only 150.00 USD of this payment can still be refunded." in text
    assert Refund.objects.count() == 1


def test_ask_the_gateway(tenant, sandbox):
    payment = started()
    sandbox.act(payment.action["url"], "timeout")
    browser = browser_of("payments.reconcile")
    url = action("payment_ask_gateway", payment.pk)
    browser.get(url)
    assert status_of(payment) == "PENDING"  # looking at the question asks nothing
    answer = press(browser, url)
    assert answer["HX-Redirect"] == page("payment_change", payment.pk)
    assert status_of(payment) == "PAID"
    assert payment.events.get(new_status="PAID").actor_id == browser.user.pk


def test_a_gateway_that_cannot_say_is_a_message(tenant, sandbox, settings):
    payment = started()
    sandbox.order("fetch", "500", times=3)
    browser = browser_of("payments.reconcile")
    press(browser, action("payment_ask_gateway", payment.pk))
    assert "The gateway cannot say" in browser.get(page("payment_change", payment.pk)).content.decode()


def test_replay(rows):
    Notice.objects.update(status=NoticeStatus.IGNORED, next_try_at=None)
    browser = browser_of("payments.reconcile")
    press(browser, action("notice_replay", rows["notice"].pk))
    notice = Notice.objects.get()
    assert (notice.status, notice.next_try_at is not None) == (NoticeStatus.NEW, True)
    assert AuditEntry.objects.get(action="payments.notice.replayed").actor_id == browser.user.pk


@pytest.mark.parametrize(
    ("name", "model"), [("payment_refund", "payment"), ("payment_ask_gateway", "payment"), ("notice_replay", "notice")]
)
def test_buttons_need_their_permission_and_a_row(rows, name, model):
    without = browser_of()
    assert press(without, action(name, rows[model].pk), amount="1", reason="x").status_code == 403
    with_all = browser_of("payments.refund", "payments.reconcile")
    button = action(name, rows[model].pk)
    assert button not in without.get(page(f"{model}_change", rows[model].pk)).content.decode()
    assert button in with_all.get(page(f"{model}_change", rows[model].pk)).content.decode()
    assert with_all.get(action(name, "not-an-id")).status_code in {200, 404}
    assert press(with_all, action(name, "not-an-id"), amount="1", reason="x").status_code == 404
    assert Refund.objects.count() == 1


def test_another_tenants_rows_are_not_there(rows, other_tenant):
    assert admin.site.is_registered(Payment)
    browser = browser_of("payments.refund")
    answer = browser.get(page("payment_change", rows["payment"].pk), headers={"X-Tenant": "other"})
    assert answer.status_code in {302, 403}


def test_lists_ask_a_fixed_number_of_queries(tenant, django_assert_max_num_queries):
    browser = browser_of()
    for _ in range(3):
        paid()
    browser.get(page("payment_changelist"))
    with django_assert_max_num_queries(14):
        browser.get(page("payment_changelist"))


def test_a_payment_link_is_made_by_staff(tenant, stripe_shop):
    url = page("payment_begin")
    booking = BookingFactory()
    wanted = {"reference": f" {booking.reference.lower()} ", "gateway": "stripe", "_form_submitted": "True"}
    assert browser_of().post(url, wanted).status_code == 403
    browser = browser_of("payments.add_payment")
    for wrong in ({"reference": "BK-NONE"}, {"gateway": "gold"}, {"reference": ""}):
        assert browser.post(url, wanted | wrong).status_code == 200
        assert not Payment.objects.exists()
    answer = browser.post(url, wanted)
    payment = Payment.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, page("payment_change", payment.pk))
    assert (payment.gateway, payment.created_by_id) == ("stripe", browser.user.pk)
    text = browser.get(page("payment_change", payment.pk)).content.decode()
    assert payment.action["url"] in text
    assert stripe_shop.violations() == []


def test_staff_decide_on_a_wrong_amount(tenant, paypal_shop):
    payment = start_payment(booking_id=BookingFactory().pk, gateway="paypal")
    paypal_shop.lie(payment, amount="150.00")
    paypal_shop.pay(payment)
    check_payment(payment_id=payment.pk)
    url = page("payment_settle_mismatch", payment.pk)
    decision = {"resolution": "keep", "reason": "a slip", "_form_submitted": "True"}
    assert browser_of().post(url, decision).status_code == 403
    browser = browser_of("payments.reconcile")
    text = browser.post(url, decision | {"reason": ""}).content.decode()
    assert "$200.00 was asked for; the gateway names 150.00 USD." in text
    assert payment.action["url"] not in browser.get(page("payment_change", payment.pk)).content.decode()
    assert Payment.objects.get().is_open
    assert url in browser.get(page("payment_change", payment.pk)).content.decode()
    assert browser.post(url, decision).status_code == 303
    payment.refresh_from_db()
    assert (payment.status, payment.amount, payment.is_part, payment.flag) == ("PAID", 150, True, "")
    assert AuditEntry.objects.filter(action="payments.mismatch_kept", actor=browser.user, reason="a slip").exists()
    assert url not in browser.get(page("payment_change", payment.pk)).content.decode()
    text = browser.get(page("payment_changelist")).content.decode()
    assert "paypal" in text
