"""Five failures of one e-mail from one address lock the pair for 15 minutes, however they are sent."""

import contextlib
import threading
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher
from django.db import connection
from django.utils.timezone import now

from accounts.errors import SignInLocked, WrongCredentials
from accounts.models import SignInLock, User
from accounts.services.lock_out import count_attempt
from accounts.services.sessions import prove_identity
from accounts.tests.conftest import PASSWORD
from accounts.tests.factories import UserFactory
from config.tenancy import tenant_context
from config.testing import run_together
from config.testing.clients import CommittingClient as APIClient

LOGIN = "/api/v1/auth/login"
HERE, THERE = "10.0.0.1", "10.0.0.2"


@pytest.fixture(autouse=True)
def generous_limits(settings):
    settings.THROTTLE_AUTH = "1000/min"


def attempt(user: User, password: str = "wrong", address: str = HERE) -> str:
    """What came of it, in a word."""
    try:
        prove_identity(email=user.email, password=password, address=address)
    except WrongCredentials:
        return "wrong"
    except SignInLocked:
        return "locked"
    return "in"


@pytest.mark.django_db
def test_the_sixth_attempt_is_locked_even_with_the_right_password(roles, person):
    user = person()
    assert [attempt(user) for _time in range(6)] == ["wrong"] * 5 + ["locked"]
    assert attempt(user, PASSWORD) == "locked"


@pytest.mark.django_db
def test_the_answer_says_when_to_come_back(roles, person):
    user = person()
    for _time in range(5):
        APIClient().post(LOGIN, {"email": user.email, "password": "wrong"})
    response = APIClient().post(LOGIN, {"email": user.email.upper(), "password": PASSWORD})
    body = response.json()
    assert (response.status_code, body["error_code"]) == (429, "sign_in_locked")
    assert 890 <= int(response.headers["Retry-After"]) == body["details"]["retry_after"] <= 900
    assert "15 minutes" in body["message"]


@pytest.mark.django_db
def test_the_lock_is_for_the_pair_only(roles, person):
    user, another = person(), person()
    for _time in range(6):
        attempt(user)
    assert attempt(user, PASSWORD, THERE) == "in"
    assert attempt(another, PASSWORD) == "in"


@pytest.mark.django_db
def test_the_lock_ends_after_15_minutes_and_counting_begins_anew(roles, person):
    user = person()
    for _time in range(5):
        attempt(user)
    SignInLock.objects.update(locked_until=now() + timedelta(seconds=2))
    assert attempt(user, PASSWORD) == "locked"
    SignInLock.objects.update(locked_until=now() - timedelta(seconds=1))
    assert [attempt(user) for _time in range(6)] == ["wrong"] * 5 + ["locked"]


@pytest.mark.django_db
def test_failures_that_lie_15_minutes_back_do_not_count(roles, person):
    user = person()
    for _time in range(4):
        attempt(user)
    SignInLock.objects.update(first_failure_at=now() - timedelta(minutes=15, seconds=1))
    assert [attempt(user) for _time in range(5)] == ["wrong"] * 5


@pytest.mark.django_db
def test_proving_oneself_forgets_the_failures(roles, person):
    user = person()
    for _time in range(4):
        attempt(user)
    assert attempt(user, PASSWORD) == "in"
    assert not SignInLock.objects.exists()
    assert [attempt(user) for _time in range(5)] == ["wrong"] * 5


@pytest.mark.django_db
def test_an_unknown_e_mail_is_locked_just_the_same(roles):
    answers = [APIClient().post(LOGIN, {"email": "nobody@example.com", "password": "x"}).status_code for _t in range(6)]
    assert answers == [401] * 5 + [429]


@pytest.mark.django_db
def test_locks_are_an_operators_own(roles, person, other_tenant):
    user = person()
    for _time in range(6):
        attempt(user)
    with tenant_context(other_tenant.pk):
        assert not SignInLock.objects.exists()
        assert attempt(user, PASSWORD) == "in"


@pytest.mark.django_db(transaction=True)
def test_forty_guesses_at_once_get_five_looks_at_the_password(tenant, monkeypatch):
    looks = []
    encode = BCryptSHA256PasswordHasher.encode
    monkeypatch.setattr(BCryptSHA256PasswordHasher, "encode", lambda self, *a: looks.append(1) or encode(self, *a))
    user = UserFactory()
    looks.clear()
    outcomes = run_together(*[partial(attempt, user)] * 40)
    assert (outcomes.count("wrong"), outcomes.count("locked"), len(looks)) == (5, 35, 5)
    assert SignInLock.objects.get().failures == 5


@pytest.mark.django_db(transaction=True)
def test_asking_first_and_counting_afterwards_would_let_all_forty_look(tenant):
    """The control: the same guesses against the usual order – is it locked? look at the password, then count."""
    user, barrier = UserFactory(), threading.Barrier(40)

    def guess() -> str:
        is_locked = SignInLock.objects.filter(email=user.email, address=HERE, locked_until__gt=now()).exists()
        connection.close()
        barrier.wait(timeout=30)
        if is_locked:
            return "locked"
        assert not user.check_password("wrong")
        with contextlib.suppress(SignInLocked):
            count_attempt(email=user.email, address=HERE)
        return "looked"

    assert run_together(*[guess] * 40) == ["looked"] * 40
