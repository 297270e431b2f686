"""A request repeated is a request done once – one after another, all at once, after a refusal and after a crash."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils.timezone import now
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from accounts.models import IdempotencyKey
from accounts.tests.factories import UserFactory
from config.idempotency import TAKEN_FOR_DEAD_AFTER
from config.retention import forget_old
from config.testing import run_together
from config.tests.conftest import Once, OnceAround

ONCE, AROUND = "/api/v1/test/once", "/api/v1/test/once-around"


def post(
    url: str = ONCE, key: str | None = "key-1", body: dict | None = None, client: APIClient | None = None, **extra
):
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    client = client or APIClient(raise_request_exception=False)
    return client.post(url, {"amount": "1.00"} if body is None else body, **headers, **extra)


def signed_in() -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(UserFactory())['access_token']}")
    return client


@pytest.mark.django_db
@pytest.mark.parametrize(("url", "view"), [(ONCE, Once), (AROUND, OnceAround)])
class TestBothKinds:
    @pytest.fixture(autouse=True)
    def _frame(self, frame_urls):
        """The calls of this module's conftest."""

    def test_the_same_key_and_body_get_the_first_answer(self, url, view):
        first, again = post(url), post(url)
        assert (first.status_code, first.json()) == (201, {"run": 1})
        assert (again.status_code, again.json()) == (201, {"run": 1})
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        assert len(view.calls) == 1

    def test_without_a_key_each_request_counts(self, url, view):
        post(url, key=None)
        post(url, key=None)
        assert len(view.calls) == 2

    def test_the_same_key_with_another_body_is_refused(self, url, view):
        post(url)
        other = post(url, body={"amount": "2.00"})
        assert (other.status_code, other.json()["error_code"]) == (422, "idempotency_key_reused")
        assert len(view.calls) == 1

    def test_keys_belong_to_their_caller_and_their_operator(self, url, view, other_tenant):
        assert [
            post(url).json()["run"],
            post(url, client=signed_in()).json()["run"],
            post(url, client=signed_in()).json()["run"],
            post(url, REMOTE_ADDR="10.9.9.9").json()["run"],
            post(url, HTTP_X_TENANT="other").json()["run"],
        ] == [1, 2, 3, 4, 5]

    @pytest.mark.parametrize("key", ["", " ", "with space", "x" * 256, "كلمة".encode().decode("latin-1"), "a\tb"])
    def test_keys_that_are_none(self, url, view, key):
        refused = post(url, key=key)
        assert refused.status_code == 400
        assert "Idempotency-Key" in refused.json()["details"]
        assert view.calls == []

    def test_a_key_is_forgotten_after_24_hours(self, url, view):
        post(url)
        IdempotencyKey.objects.update(taken_at=now() - timedelta(hours=23, minutes=59))
        forget_old()
        assert post(url).headers["Idempotency-Replayed"] == "true"
        IdempotencyKey.objects.update(taken_at=now() - timedelta(hours=24, minutes=1))
        forget_old()
        assert post(url).json() == {"run": 2}


@pytest.mark.django_db
def test_a_refusal_gives_the_key_back_so_that_the_caller_can_mend_and_repeat(frame_urls):
    Once.refuse = True
    assert post().status_code == 422
    assert IdempotencyKey.objects.count() == 0
    Once.refuse = False
    mended = post(body={"amount": "3.00"})
    assert (mended.status_code, mended.json()) == (201, {"run": 2})


@pytest.mark.django_db
def test_the_same_key_on_two_routes_means_two_things(frame_urls):
    assert post(ONCE).json() == {"run": 1}
    assert post(AROUND).json() == {"run": 1}


@pytest.mark.django_db(transaction=True)
def test_one_key_sent_ten_times_at_once_runs_once_and_all_get_its_answer(frame_urls):
    answers = run_together(*[post] * 10)
    assert [(a.status_code, a.json()) for a in answers] == [(201, {"run": 1})] * 10
    assert len(Once.calls) == 1
    assert sum("Idempotency-Replayed" in a.headers for a in answers) == 9


@pytest.mark.django_db(transaction=True)
def test_without_the_key_the_same_ten_run_ten_times(frame_urls):
    """The control: it is the key that held them back."""
    answers = run_together(*[partial(post, key=None)] * 10)
    assert {a.status_code for a in answers} == {201}
    assert len(Once.calls) == 10


@pytest.mark.django_db(transaction=True)
def test_around_a_gateway_the_second_does_not_wait_for_the_first(frame_urls):
    met = []
    OnceAround.wait = lambda: met.append(post(AROUND)) if not met else None
    first = post(AROUND)
    assert first.status_code == 201
    assert (met[0].status_code, met[0].json()["error_code"]) == (409, "request_in_progress")
    assert post(AROUND).json() == {"run": 1}
    assert len(OnceAround.calls) == 1


@pytest.mark.django_db(transaction=True)
def test_around_a_gateway_ten_at_once_call_it_once(frame_urls):
    answers = run_together(*[partial(post, AROUND)] * 10)
    assert {a.status_code for a in answers} <= {201, 409}
    assert len(OnceAround.calls) == 1


@pytest.mark.django_db
def test_around_a_gateway_an_error_gives_the_key_back(frame_urls):
    OnceAround.crash = RuntimeError("the gateway's answer made no sense")
    assert post(AROUND).status_code == 500
    OnceAround.crash = None
    assert post(AROUND).json() == {"run": 2}
    assert OnceAround.calls == ["key-1", "key-1"]  # the view is told the key, to find what the first has begun


@pytest.mark.django_db
def test_around_a_gateway_a_run_that_died_holds_the_key_for_90_seconds_only(frame_urls):
    """A process that was killed could not give the key back."""
    post(AROUND)
    IdempotencyKey.objects.update(status=None, answer=None)  # as the killed process left it
    assert post(AROUND).status_code == 409
    IdempotencyKey.objects.update(taken_at=now() - TAKEN_FOR_DEAD_AFTER - timedelta(seconds=1))
    assert post(AROUND).json() == {"run": 2}
