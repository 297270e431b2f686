"""Verification and resets: what is mailed, what the links do, once, for how long, and what a stranger learns."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.core import mail as outbox
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient as PlainClient

from accounts.errors import LinkRefused
from accounts.links import Purpose, link_to, link_token, read_link_token
from accounts.models import AuditEntry, SignInLock, User
from accounts.services.lock_out import count_attempt
from accounts.services.passwords import reset_password
from accounts.services.registration import verify_email
from accounts.tests.conftest import PASSWORD
from config.celery import app
from config.tenancy import tenant_context
from config.testing import run_together
from config.testing.clients import CommittingClient as APIClient
from notifications.models import Message
from notifications.outbox import announce

pytestmark = pytest.mark.django_db

NEW = "Felucca-2026"


@pytest.fixture(autouse=True)
def _frame(settings, roles):
    """Mails go out with the commit of the request, not by a worker."""
    settings.THROTTLE_AUTH = "1000/min"
    before, app.conf.task_always_eager = app.conf.task_always_eager, True
    yield
    app.conf.task_always_eager = before


def post(path: str, body: dict, client: APIClient | None = None):
    return (client or APIClient()).post(f"/api/v1/auth/{path}", body)


def mail(message: Message) -> tuple[str, str, str]:
    """Subject, text and HTML as they went out; of a mail with a secret link the row keeps neither."""
    sent = next(m for m in outbox.outbox if m.extra_headers["Message-ID"].startswith(f"<{message.pk}@"))
    return sent.subject, sent.body, sent.alternatives[0][0]


def token_in(message: Message) -> str:
    _subject, text, html = mail(message)
    found = re.search(r"/auth/(?:verify|reset)/([^?\s]+)\?language=(en|ar)", text)
    assert found, text
    assert found[0] in unescape(html)
    assert found[2] == message.language
    assert found[1] not in message.text + message.html  # whoever reads the rows cannot use the link
    return found[1]


def register(**values):
    body = {
        "email": "layla@example.com",
        "password": NEW,
        "confirm_password": NEW,
        "first_name": "Layla",
        "last_name": "Hassan",
    }
    assert post("register", {**body, **values}).status_code == 201
    return User.objects.get(email="layla@example.com")


# --- Verification ---


def test_registration_mails_a_link_that_verifies_once():
    user = register()
    message = Message.objects.get(template="verify_email", recipient="layla@example.com")
    token = token_in(message)
    verified = post("verify-email", {"token": token})
    assert (verified.status_code, verified.json()["email_verified"]) == (200, True)
    again = post("verify-email", {"token": token})
    assert (again.status_code, again.json()["error_code"]) == (422, "link_refused")
    assert AuditEntry.objects.filter(action="accounts.user.email_verified", subject_id=str(user.pk)).count() == 1


def test_the_mail_is_in_the_persons_language():
    register(language="ar")
    message = Message.objects.get(template="verify_email")
    assert message.language == "ar"
    subject, text, html = mail(message)
    assert 'dir="rtl"' in html
    assert "Please confirm" not in subject + text + html


def test_the_mail_can_be_sent_again_and_both_links_count_until_one_was_used():
    register()
    assert post("verify-email/resend", {"email": "LAYLA@example.com"}).status_code == 202
    first, second = [token_in(m) for m in Message.objects.filter(template="verify_email").order_by("created_at")]
    assert post("verify-email", {"token": first}).status_code == 200
    assert post("verify-email", {"token": second}).status_code == 422
    assert post("verify-email/resend", {"email": "layla@example.com"}).status_code == 202
    assert Message.objects.filter(template="verify_email").count() == 2  # verified: nothing more to send


@pytest.mark.parametrize("path", ["verify-email/resend", "password/reset"])
def test_an_answer_tells_nobody_whether_an_account_exists(person, path):
    user = person()
    known, unknown = post(path, {"email": user.email}), post(path, {"email": "nobody@example.com"})
    assert known.status_code == unknown.status_code == 202
    assert known.json() == unknown.json()
    assert Message.objects.exclude(recipient=user.email).count() == 0
    assert Message.objects.filter(recipient=user.email).count() == 1


@pytest.mark.parametrize("path", ["verify-email/resend", "password/reset"])
def test_the_time_of_the_answer_tells_nothing_either(person, path):
    """The request does the same work for both: the same statements, none of which looks the person up."""
    user, client = person(), PlainClient()
    client.post(f"/api/v1/auth/{path}", {"email": "first@example.com"})  # the operator is remembered from here on
    asked = []
    for email in (user.email, "nobody@example.com"):
        with CaptureQueriesContext(connection) as queries:
            client.post(f"/api/v1/auth/{path}", {"email": email})
        asked.append([re.sub(r"'[^']*'|_x\d+", "?", query["sql"]) for query in queries])
    assert asked[0] == asked[1]
    assert not [statement for statement in asked[0] if "accounts_user" in statement]


# --- Resets ---


def test_a_reset_sets_the_password_ends_sessions_and_lifts_the_lock(person):
    user = person()
    tokens = post("login", {"email": user.email, "password": PASSWORD}).json()
    for _time in range(5):
        count_attempt(email=user.email, address="127.0.0.1")
    post("password/reset", {"email": user.email})
    token = token_in(Message.objects.get(template="reset_password"))
    done = post("password/reset/confirm", {"token": token, "password": NEW, "confirm_password": NEW})
    assert (done.status_code, done.content) == (204, b"")
    assert not SignInLock.objects.exists()
    assert post("login", {"email": user.email, "password": NEW}).status_code == 200
    assert post("refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 401
    again = post("password/reset/confirm", {"token": token, "password": "Another-77", "confirm_password": "Another-77"})
    assert again.status_code == 422
    user.refresh_from_db()
    assert user.email_verified_at is not None  # the link came by this very e-mail
    assert Message.objects.filter(template="password_changed", recipient=user.email).count() == 1


@pytest.mark.parametrize(
    ("password", "confirm", "field"),
    [
        ("short1A", "short1A", "password"),
        ("lower-case-1", "lower-case-1", "password"),
        (NEW, "Other-2026", "confirm_password"),
    ],
)
def test_a_reset_obeys_the_rules_and_the_link_still_counts(person, password, confirm, field):
    user = person()
    token = link_token(Purpose.RESET, user)
    refused = post("password/reset/confirm", {"token": token, "password": password, "confirm_password": confirm})
    assert refused.status_code == 400
    assert field in refused.json()["details"]
    assert read_link_token(Purpose.RESET, token) == user


@pytest.mark.parametrize("purpose", list(Purpose))
def test_links_expire(person, monkeypatch, purpose):
    user = person()
    token = link_token(purpose, user)
    life = {Purpose.VERIFY: timedelta(hours=24), Purpose.RESET: timedelta(hours=1)}[purpose].total_seconds()
    real = signing.time.time
    monkeypatch.setattr(signing.time, "time", lambda: real() + life - 5)
    assert read_link_token(purpose, token) == user
    monkeypatch.setattr(signing.time, "time", lambda: real() + life + 5)
    with pytest.raises(LinkRefused):
        read_link_token(purpose, token)


def test_links_are_for_one_purpose_one_operator_and_not_to_be_forged(person, other_tenant):
    user = person()
    verify, reset = link_token(Purpose.VERIFY, user), link_token(Purpose.RESET, user)
    for purpose, token in [
        (Purpose.RESET, verify),
        (Purpose.VERIFY, reset),
        (Purpose.RESET, reset[:-2] + "xx"),
        (Purpose.RESET, "x" + reset),
        (Purpose.RESET, ""),
        (Purpose.RESET, "a:b:c"),
    ]:
        with pytest.raises(LinkRefused):
            read_link_token(purpose, token)
    with tenant_context(other_tenant.pk), pytest.raises(LinkRefused):
        read_link_token(Purpose.RESET, reset)


def test_a_changed_e_mail_outdates_its_links(person):
    user = person()
    token = link_token(Purpose.VERIFY, user)
    User.objects.filter(pk=user.pk).update(email="other@example.com")
    with pytest.raises(LinkRefused):
        read_link_token(Purpose.VERIFY, token)


@pytest.mark.django_db(transaction=True)
def test_one_link_used_many_times_at_once_counts_once(person):
    user = person()
    token = link_token(Purpose.RESET, user)
    outcomes = run_together(*[lambda n=n: reset_password(token=token, password=f"Felucca-{n}-2026") for n in range(6)])
    assert sorted(type(o).__name__ for o in outcomes) == ["LinkRefused"] * 5 + ["User"]
    verify = link_token(Purpose.VERIFY, User.objects.get(pk=user.pk))
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    verify = link_token(Purpose.VERIFY, User.objects.get(pk=user.pk))
    outcomes = run_together(*[lambda: verify_email(token=verify)] * 6)
    assert sorted(type(o).__name__ for o in outcomes) == ["LinkRefused"] * 5 + ["User"]


# --- Changing it while signed in ---


def test_changing_the_password_ends_all_sessions_but_the_one_it_begins(person, client_of):
    user = person()
    here, there = client_of(user), client_of(user)
    body = {"current_password": PASSWORD, "password": NEW, "confirm_password": NEW}
    done = post("password/change", body, here)
    assert done.status_code == 200
    assert there.get("/api/v1/auth/me").status_code == 401
    fresh = APIClient()
    fresh.credentials(HTTP_AUTHORIZATION=f"Bearer {done.json()['access_token']}")
    assert fresh.get("/api/v1/auth/me").status_code == 200
    assert Message.objects.filter(template="password_changed").count() == 1
    assert AuditEntry.objects.filter(action="accounts.user.password_changed", actor=user).count() == 1


def test_changing_the_password_needs_the_old_one_and_is_guarded_like_a_log_in(person, client_of):
    user = person()
    client = client_of(user)
    wrong = {"current_password": "wrong", "password": NEW, "confirm_password": NEW}
    assert [post("password/change", wrong, client).status_code for _time in range(6)] == [401] * 5 + [429]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_the_new_password_must_be_new(person, client_of):
    body = {"current_password": PASSWORD, "password": PASSWORD, "confirm_password": PASSWORD}
    refused = post("password/change", body, client_of(person()))
    assert (refused.status_code, list(refused.json()["details"])) == (400, ["password"])


# --- The pages behind the links ---


def path_of(purpose: Purpose, user: User, language: str = "en") -> str:
    parts = urlsplit(link_to(purpose, user, language))
    return f"{parts.path}?{parts.query}"


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_the_page_of_a_verification_asks_and_the_button_confirms(person, language, direction):
    user = person()
    path = path_of(Purpose.VERIFY, user, language)
    shown = Client().get(path)
    text = shown.content.decode()
    assert shown.status_code == 200
    assert f'lang="{language}" dir="{direction}"' in text
    assert user.email in text
    assert User.objects.get(pk=user.pk).email_verified_at is None  # opening a link is not yet a yes
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in shown.headers["Cache-Control"]
    assert shown.headers["Content-Language"] == language
    done = Client().post(path)
    assert done.status_code == 200
    assert User.objects.get(pk=user.pk).email_verified_at is not None
    used = Client().get(path)
    assert (used.status_code, "<form" in used.content.decode()) == (410, False)


def test_the_page_of_a_reset_has_a_form_that_says_what_is_wrong(person):
    user = person()
    path = path_of(Purpose.RESET, user)
    assert Client().get(path).status_code == 200
    weak = Client().post(path, {"password": "lower-case-1", "confirm_password": "lower-case-1"})
    assert weak.status_code == 400
    assert "upper-case" in weak.content.decode()
    other = Client().post(path, {"password": NEW, "confirm_password": "x"})
    assert "not the same" in other.content.decode()
    assert "value=" not in re.findall(r"<input[^>]*password[^>]*>", other.content.decode())[0]
    assert Client().post(path, {"password": NEW, "confirm_password": NEW}).status_code == 200
    assert User.objects.get(pk=user.pk).check_password(NEW)
    assert Client().get(path).status_code == 410


@pytest.mark.parametrize("token", ["x", "a:b:c", "%00", "x" * 3000, "قطر"])
@pytest.mark.parametrize("kind", ["verify", "reset"])
def test_a_made_up_link_shows_a_page_and_no_trace(kind, token):
    response = Client(raise_request_exception=False).get(f"/auth/{kind}/{token}?language=ar")
    assert response.status_code in {404, 410}
    assert "Traceback" not in response.content.decode()


def test_a_link_acts_for_the_operator_that_mailed_it(person, other_tenant):
    """The page is opened at the host of another operator, as it happens where several share one address."""
    user = person()
    with tenant_context(other_tenant.pk):
        path = path_of(Purpose.VERIFY, user)
    shown = Client().get(path)
    assert shown.status_code == 200
    assert other_tenant.name_en in shown.content.decode()


def test_an_invited_person_reads_another_text(person, django_capture_on_commit_callbacks):
    user = person()
    with django_capture_on_commit_callbacks(execute=True):
        announce("user.reset_asked", user, invited=True)
        announce("user.reset_asked", user)
    invited, forgotten = Message.objects.filter(template="reset_password").order_by("created_at")
    texts = [mail(invited)[1], mail(forgotten)[1]]
    assert ["has opened an account for you" in text for text in texts] == [True, False]
