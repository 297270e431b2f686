import smtplib
from datetime import timedelta
from email import message_from_bytes, policy
from functools import partial

import pytest
from django.core import mail as outgoing
from django.core.exceptions import ValidationError
from django.core.mail.backends.locmem import EmailBackend
from django.template import TemplateDoesNotExist
from django.utils.timezone import now

from config.celery import app
from config.tenancy import tenant_context
from config.testing import run_together
from notifications import tasks
from notifications.mail import MOST_ATTEMPTS, as_email, send_again, send_message, write_message
from notifications.models import Message, MessageStatus

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sample_template")]


def write(once_key="sample:1", to="mona@example.com", language="en", person="Mona", attachments=(), **context):
    values = {
        "person": person,
        "message": "Sun & sea",
        "url": "https://rihla.example/pay?a=1&b=2",
        "button": "Pay now",
        "rows": [("Guests", "2 adults"), ("Note", "")],
        "amounts": [("2 × Adult", "$200.00")],
        "total": ("Total", "$200.00"),
    }
    return write_message(
        "sample",
        to=to,
        language=language,
        once_key=once_key,
        context=values | context,
        attachments=attachments,
    )


def as_sent(number=0):
    return message_from_bytes(outgoing.outbox[number].message().as_bytes(), policy=policy.default)


@pytest.mark.django_db(transaction=True)
def test_a_mail_goes_out_after_commit_with_both_bodies_and_its_files(tenant, settings):
    app.conf.task_always_eager = True
    message = write(
        attachments=[("voucher.pdf", "application/pdf", b"%PDF-1.7"), ("day.ics", "text/calendar", b"BEGIN")]
    )
    message.refresh_from_db()
    assert (message.status, message.attempts, message.error) == (MessageStatus.SENT, 1, "")
    assert message.sent_at is not None
    sent = as_sent()
    assert sent["Subject"] == "Monday: Mona"
    assert sent["To"] == "mona@example.com"
    assert sent["From"] == f'"Operator {tenant.slug}" <bookings@rihla.example>'.replace('"', "")
    text, html = sent.get_body(("plain",)).get_content(), sent.get_body(("html",)).get_content()
    assert "Mona: Sun & sea" in text
    assert "https://rihla.example/pay?a=1&b=2" in text
    assert "Guests: 2 adults" in text
    assert "Note" not in text
    assert "Sun &amp; sea" in html
    assert 'href="https://rihla.example/pay?a=1&amp;b=2"' in html
    assert [(a.get_filename(), a.get_content_type()) for a in sent.iter_attachments()] == [
        ("voucher.pdf", "application/pdf"),
        ("day.ics", "text/calendar"),
    ]


def test_headers_say_what_kind_of_mail_it_is_and_which(tenant):
    message = write(language="ar")
    for _ in range(2):
        sent = as_email(message).message()
        assert sent["Message-ID"] == f"<{message.pk}@rihla.example>"
        assert sent["Content-Language"] == "ar"
        assert sent["Auto-Submitted"] == "auto-generated"


def test_arabic_is_arabic_from_right_to_left_with_the_operators_arabic_name(tenant):
    message = write(language="ar")
    assert message.subject == "الاثنين: Mona"
    assert '<html lang="ar" dir="rtl">' in message.html
    assert tenant.name_ar in message.html
    assert tenant.name_ar in message.text
    english = write(once_key="sample:2")
    assert '<html lang="en" dir="ltr">' in english.html
    assert tenant.name_en in english.html


def test_an_unknown_language_is_answered_in_english(tenant):
    assert write(language="fr").language == "en"


def test_the_operators_address_and_phone_stand_below(tenant):
    tenant.address_en, tenant.phone, tenant.email = "12 Corniche, Cairo", "+20221234567", "hello@nile.example"
    tenant.save(update_fields=["address_en", "phone", "email"])
    message = write()
    for part in ("12 Corniche, Cairo", "+20221234567", "hello@nile.example"):
        assert part in message.html
        assert part in message.text
    assert as_email(message).reply_to == ["hello@nile.example"]


def test_links_go_to_the_operators_own_host(tenant, settings):
    assert settings.PUBLIC_URL in write().html
    tenant.host = "nile.example"
    tenant.save(update_fields=["host"])
    assert 'href="https://nile.example"' in write(once_key="sample:2").html


def test_one_key_one_message(tenant, other_tenant):
    first = write()
    assert write(person="Somebody else") is None
    assert list(Message.objects.values_list("pk", "subject")) == [(first.pk, "Monday: Mona")]
    with tenant_context(other_tenant.pk):
        assert write() is not None


def test_names_cannot_add_headers_or_markup(tenant):
    tenant.name_en = 'Nile\r\nBcc: all@example.com "Tours"'
    message = write(
        person="Mona\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script>",
        attachments=[("a\r\nX-Evil: 1.pdf", "application/pdf", b"x")],
    )
    tenant.save(update_fields=["name_en"])
    sent = message_from_bytes(as_email(message).message().as_bytes(), policy=policy.default)
    assert "Bcc" not in sent
    assert sent["Subject"] == "Monday: Mona Bcc: all@example.com <script>alert(1)</script>"
    assert sent["From"].addresses[0].display_name == 'Nile Bcc: all@example.com "Tours"'
    assert sent["From"].addresses[0].addr_spec == "bookings@rihla.example"
    assert [a.get_filename() for a in sent.iter_attachments()] == ["a X-Evil: 1.pdf"]
    assert "<script>" not in message.html


@pytest.mark.parametrize("to", ["", "mona", "mona@example.com\nBcc: all@example.com", "a@b, c@d.example"])
def test_what_is_no_address_is_refused(tenant, to):
    with pytest.raises(ValidationError):
        write(to=to)
    assert Message.objects.count() == 0


def test_a_template_that_is_missing_is_a_bug(tenant):
    with pytest.raises(TemplateDoesNotExist):
        write_message("no-such", to="a@example.com", language="en", once_key="k", context={})


class Refusing(EmailBackend):
    def send_messages(self, messages):
        raise smtplib.SMTPServerDisconnected("busy")


class Broken(EmailBackend):
    def send_messages(self, messages):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("backend", "error"), [("Refusing", "SMTPServerDisconnected: busy"), ("Broken", "ZeroDivisionError: ")]
)
def test_a_refusal_is_tried_again_later_and_at_last_given_up(tenant, settings, backend, error):
    settings.EMAIL_BACKEND = f"{__name__}.{backend}"
    message = write()
    waits = []
    for _ in range(MOST_ATTEMPTS):
        Message.objects.filter(pk=message.pk).update(next_try_at=now())
        assert send_message(message.pk)
        message.refresh_from_db()
        waits.append(round((message.next_try_at - now()).total_seconds()))
        assert not send_message(message.pk)  # not before its time
    assert waits[:8] == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert (message.status, message.attempts, message.error) == (MessageStatus.FAILED, MOST_ATTEMPTS, error)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Message.objects.filter(pk=message.pk).update(next_try_at=now() - timedelta(hours=1))
    tasks.sweep_messages()
    assert outgoing.outbox == []
    send_again(message.pk)
    assert send_message(message.pk)
    message.refresh_from_db()
    assert (message.status, message.attempts, message.error) == (MessageStatus.SENT, 1, "")


def test_the_sweep_sends_what_is_due_for_every_tenant(tenant, other_tenant):
    mine = write()
    with tenant_context(other_tenant.pk):
        write(to="theirs@example.com")
        Message.objects.update(next_try_at=now() - timedelta(minutes=1))
    with tenant_context(None):
        tasks.sweep_messages()
    assert [sent.to for sent in outgoing.outbox] == [["theirs@example.com"]]  # mine has a task on its way
    Message.objects.filter(pk=mine.pk).update(next_try_at=now() - timedelta(minutes=1))
    with tenant_context(None):
        tasks.sweep_messages()
        tasks.sweep_messages()
    assert len(outgoing.outbox) == 2


def test_a_message_whose_worker_died_is_taken_up_and_in_the_end_given_up(tenant):
    message = write()
    Message.objects.filter(pk=message.pk).update(attempts=1, next_try_at=now() + timedelta(minutes=4))
    tasks.sweep_messages()
    assert outgoing.outbox == []  # somebody may still be sending it
    Message.objects.filter(pk=message.pk).update(next_try_at=now() - timedelta(minutes=1))
    tasks.sweep_messages()
    assert len(outgoing.outbox) == 1
    second = write(once_key="sample:2")
    Message.objects.filter(pk=second.pk).update(attempts=MOST_ATTEMPTS, next_try_at=now() - timedelta(minutes=1))
    tasks.sweep_messages()
    second.refresh_from_db()
    assert (second.status, second.error) == (MessageStatus.FAILED, "The worker ended while sending.")
    assert len(outgoing.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_many_senders_at_once_send_once(tenant, settings):
    app.conf.task_always_eager = False
    message = Message.objects.create(template="t", once_key="k", recipient="a@example.com", language="en", subject="s")
    outcomes = run_together(*[partial(send_message, message.pk)] * 8)
    assert sorted(outcomes) == [False] * 7 + [True]
    assert len(outgoing.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_write_once(tenant, settings):
    app.conf.task_always_eager = True
    outcomes = run_together(*[write] * 6)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Message"] + ["NoneType"] * 5
    assert Message.objects.count() == 1
    assert len(outgoing.outbox) == 1
