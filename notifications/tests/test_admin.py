import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory
from notifications import outbox
from notifications.mail import send_message
from notifications.models import Attachment, Delivery, Event, Message
from notifications.outbox import announce, on

pytestmark = pytest.mark.django_db


def client_with(role):
    seed_roles()
    client = Client()
    client.force_login(MembershipFactory(role=Role.objects.get(code=role)).user)
    return client


@pytest.fixture
def admin(tenant):
    return client_with(Role.Code.ADMIN)


@pytest.fixture
def delivery(tenant, monkeypatch):
    """One that was given up."""
    outbox._find_receivers()
    monkeypatch.setattr(outbox, "_subscribers", {})

    @on("user.changed")
    def hears(event):
        pass

    with transaction.atomic():
        delivery = announce("user.changed", UserFactory(), amount="12.00").deliveries.get()
    Delivery.objects.update(status="FAILED", attempts=12, error="ZeroDivisionError: oh")
    return delivery


@pytest.fixture
def message(tenant):
    """One that could not be sent."""
    message = Message.objects.create(
        template="sample",
        once_key="k",
        recipient="mona@example.com",
        language="en",
        subject="Your voucher",
        text="Hello <Mona>",
        html='<h1 class="x">Hello & welcome</h1><script>alert(1)</script>',
        status="FAILED",
        attempts=10,
        error="SMTPServerDisconnected: busy",
    )
    Attachment.objects.create(message=message, name="voucher.pdf", content_type="application/pdf", content=b"x" * 2048)
    return message


def url(model, page, *args):
    return reverse(f"admin:notifications_{model}_{page}", args=args)


def test_a_fact_is_shown_with_its_deliveries(admin, delivery):
    listed = admin.get(url("event", "changelist"), {"q": str(delivery.event.subject_id)}).content.decode()
    assert "user.changed" in listed
    page = admin.get(url("event", "change", delivery.event_id)).content.decode()
    assert "ZeroDivisionError: oh" in page
    assert reverse("admin:accounts_user_change", args=[delivery.event.subject_id]) in page
    assert "12.00" in page


@pytest.mark.parametrize("model", ["event", "delivery", "message"])
def test_a_search_for_anything_is_answered(admin, delivery, message, model):
    for text in ("mona", "01a1fd17-d988-7b18-b8a9-00241dda227a", "%", "\x00", "'"):
        assert admin.get(url(model, "changelist"), {"q": text}).status_code == 200


def test_a_delivery_is_tried_again(admin, delivery, django_capture_on_commit_callbacks, monkeypatch):
    sent = []
    monkeypatch.setattr(outbox, "send_task", lambda *task: sent.append(task))
    with django_capture_on_commit_callbacks(execute=True):
        form = {"action": "try_again", "_selected_action": [str(delivery.pk)]}
        assert admin.post(url("delivery", "changelist"), form).status_code == 302
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("WAITING", 0)
    assert sent == [("notifications.tasks.deliver", str(delivery.pk))]


def test_nothing_is_changed_by_hand(admin, delivery, message):
    assert admin.post(url("delivery", "change", delivery.pk), {"status": "DONE", "attempts": "0"}).status_code == 403
    form = {"status": "SENT", "recipient": "evil@example.com"}
    assert admin.post(url("message", "change", message.pk), form).status_code == 403
    delivery.refresh_from_db()
    message.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("FAILED", 12)
    assert (message.status, message.recipient) == ("FAILED", "mona@example.com")


def test_a_message_is_previewed_in_a_frame_that_runs_nothing(admin, message):
    page = admin.get(url("message", "change", message.pk)).content.decode()
    frame = page[page.index("<iframe") : page.index("</iframe>")]
    assert 'sandbox=""' in frame
    assert "&lt;h1 class=&quot;x&quot;&gt;Hello &amp; welcome&lt;/h1&gt;" in frame
    assert "<script>alert(1)" not in page
    assert "Hello &lt;Mona&gt;" in page
    assert "voucher.pdf" in page
    assert "2.0\xa0KB" in page


def test_a_message_is_sent_again(admin, message, mailoutbox):
    form = {"action": "send_again", "_selected_action": [str(message.pk)]}
    assert admin.post(url("message", "changelist"), form).status_code == 302
    message.refresh_from_db()
    assert (message.status, message.attempts, message.error) == ("QUEUED", 0, "")
    assert send_message(message.pk)
    admin.post(url("message", "changelist"), form)  # it was sent, and is wanted once more
    assert send_message(message.pk)
    assert [mail.subject for mail in mailoutbox] == ["Your voucher", "Your voucher"]


def test_a_message_that_opens_an_account_is_not_shown_and_not_kept(admin, message, mailoutbox):
    Message.objects.update(is_secret=True, status="QUEUED", attempts=0)
    page = admin.get(url("message", "change", message.pk)).content.decode()
    assert "Hello" not in page
    assert "Not shown" in page
    assert send_message(message.pk)
    assert mailoutbox[0].body == "Hello <Mona>"
    message.refresh_from_db()
    assert (message.status, message.text, message.html) == ("SENT", "", "")
    answer = admin.post(
        url("message", "changelist"), {"action": "send_again", "_selected_action": [str(message.pk)]}, follow=True
    )
    assert "its text is gone" in answer.content.decode()
    message.refresh_from_db()
    assert message.status == "SENT"


@pytest.mark.parametrize("model", ["event", "delivery", "message"])
def test_nobody_adds_or_deletes(admin, delivery, message, model):
    row = {"event": delivery.event, "delivery": delivery, "message": message}[model]
    assert admin.get(url(model, "add")).status_code == 403
    assert admin.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    admin.post(url(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert (Event.objects.count(), Delivery.objects.count(), Message.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("model", ["event", "delivery", "message"])
@pytest.mark.parametrize(("role", "status"), [("ADMIN", 200), ("EMPLOYEE", 200), ("AGENT", 302), ("CUSTOMER", 302)])
def test_staff_look_others_do_not(tenant, model, role, status):
    assert client_with(role).get(url(model, "changelist")).status_code == status


def test_who_may_only_look_sends_nothing(tenant, message):
    employee = client_with(Role.Code.EMPLOYEE)
    employee.post(url("message", "changelist"), {"action": "send_again", "_selected_action": [str(message.pk)]})
    message.refresh_from_db()
    assert message.status == "FAILED"


@pytest.mark.parametrize("model", ["event", "delivery", "message"])
def test_the_list_costs_the_same_however_long(admin, delivery, message, model, django_assert_max_num_queries):
    for number in range(20):
        Message.objects.create(
            template="s", once_key=f"k{number}", recipient="a@example.com", language="en", subject="s"
        )
        with transaction.atomic():
            announce("user.changed", delivery.event)
    with django_assert_max_num_queries(14):
        assert admin.get(url(model, "changelist")).status_code == 200
