"""Who asks is known after one Redis trip; what was revoked cannot come back."""

import pytest
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django_redis import get_redis_connection
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import AccessToken

from accounts import authentication
from accounts.authentication import Bearer, forget_account, forget_accounts, issue_tokens, load_account, state_keys
from accounts.models import Membership, Role, User
from accounts.services.people import change_role
from accounts.services.roles import set_permissions
from accounts.services.sessions import end_session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("roles")]


def account_of(user: User):
    return Bearer().account_of(AccessToken(issue_tokens(user)["access_token"]))


def test_the_second_call_asks_the_database_nothing_and_redis_once(person, monkeypatch):
    user = person("EMPLOYEE")
    token = AccessToken(issue_tokens(user)["access_token"])
    Bearer().account_of(token)
    sent = []
    pool = get_redis_connection("default").connection_pool
    send = pool.connection_class.send_packed_command
    monkeypatch.setattr(pool.connection_class, "send_packed_command", lambda *a, **k: sent.append(1) or send(*a, **k))
    with CaptureQueriesContext(connection) as queries:
        account = Bearer().account_of(token)
    assert (len(queries), len(sent)) == (0, 1)
    assert (account.email, account.role, account.is_staff) == (user.email, "EMPLOYEE", True)
    assert account.has_perm("bookings.view_booking")
    assert not account.has_perm("accounts.change_role")
    assert account.calls == 2


def test_an_account_says_what_the_user_says(person):
    for code in Role.Code.values:
        user = person(code)
        account = load_account(user.pk)
        assert (account.role, account.is_staff, account.is_active) == (code, user.is_staff, user.is_active)
        assert set(account.permissions) == user.role_permissions
        assert account.has_perms(user.role_permissions)


def test_a_right_given_to_a_role_counts_with_the_next_call(person):
    user = person("AGENT")
    assert not account_of(user).has_perm("tours.view_tour")
    with TestCase.captureOnCommitCallbacks(execute=True):
        set_permissions(role_id=user.membership.role_id, permissions=["tours.view_tour"], actor=None)
    assert account_of(user).has_perm("tours.view_tour")
    with TestCase.captureOnCommitCallbacks(execute=True):
        set_permissions(role_id=user.membership.role_id, permissions=[], actor=None)
    assert not account_of(user).has_perm("tours.view_tour")


def test_another_role_ends_the_sessions_so_that_every_token_speaks_of_it(person):
    user, boss = person("EMPLOYEE"), person("ADMIN")
    old = AccessToken(issue_tokens(user)["access_token"])
    Bearer().account_of(old)
    with TestCase.captureOnCommitCallbacks(execute=True):
        change_role(user_id=user.pk, role="CUSTOMER", actor=boss)
    with pytest.raises(AuthenticationFailed):
        Bearer().account_of(old)
    user.refresh_from_db()
    assert account_of(user).role == "CUSTOMER"


def test_a_slow_reader_cannot_bring_back_what_was_revoked(person, monkeypatch):
    """It read the database before the sign-out and writes to Redis after it."""
    user = person()
    tokens = issue_tokens(user)
    token = AccessToken(tokens["access_token"])
    read = authentication._read_account

    def read_slowly(user_id, versions):
        monkeypatch.setattr(authentication, "_read_account", read)
        account = load_before_sign_out(user_id)
        with TestCase.captureOnCommitCallbacks(execute=True):
            end_session(user=user, session=token["sid"])
        kept = {
            **authentication.asdict(account),
            "calls": None,
            "versions": [authentication._text(v) for v in versions],
        }
        get_redis_connection("default").set(state_keys(user_id)[0], authentication.orjson.dumps(kept), ex=300)
        return account

    def load_before_sign_out(user_id):
        return read(user_id, [])

    monkeypatch.setattr(authentication, "_read_account", read_slowly)
    Bearer().account_of(token)  # was in time
    with pytest.raises(AuthenticationFailed):
        Bearer().account_of(token)


def test_forgetting_one_person_leaves_the_others_remembered(person):
    one, two = person(), person()
    for user in (one, two):
        account_of(user)
    forget_account(one.pk)
    with CaptureQueriesContext(connection) as queries:
        account_of(two)
    assert len(queries) == 0
    with CaptureQueriesContext(connection) as queries:
        account_of(one)
    assert len(queries) > 0


def test_forgetting_a_person_holds_for_every_operator(person, other_tenant):
    user = person()
    account_of(user)
    forget_account(user.pk)
    with CaptureQueriesContext(connection) as queries:
        account_of(user)
    assert len(queries) > 0


def test_forgetting_everybody_of_a_tenant(person, tenant):
    user = person()
    account_of(user)
    forget_accounts(tenant.pk)
    with CaptureQueriesContext(connection) as queries:
        account_of(user)
    assert len(queries) > 0


def test_a_person_without_a_membership_is_somebody_without_rights(roles, tenant):
    user = User.objects.create(email="x@example.com", first_name="Xx", last_name="Yy")
    account = account_of(user)
    assert (account.role, account.is_active, account.permissions) == ("", True, [])


def test_a_superuser_may_everything_with_every_operator(person):
    user = person(is_superuser=True)
    assert account_of(user).has_perm("ledger.adjust")
    Membership.objects.filter(user=user).update(is_active=False)
    forget_account(user.pk)
    assert account_of(user).is_active
