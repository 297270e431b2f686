"""Whatever goes wrong is told in one form, in the caller's language, without a trace."""

import json
from datetime import datetime

import pytest
from django.test import Client
from rest_framework.test import APIClient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frame_urls")]

FORM = {"error", "error_code", "message", "details", "timestamp", "request_id"}


def call(method: str, url: str, body: bytes | str = b"", content_type: str = "application/json", **extra):
    return Client(raise_request_exception=False).generic(
        method, f"/api/v1{url}", body, content_type=content_type, **extra
    )


def told(response, status: int, error: str, code: str) -> dict:
    body = response.json()
    assert (response.status_code, body["error"], body["error_code"]) == (status, error, code)
    assert set(body) == FORM
    assert body["message"]
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert datetime.fromisoformat(body["timestamp"]).utcoffset() is not None
    assert "Traceback" not in response.content.decode()
    assert response.headers["Content-Type"] == "application/json"
    return body


@pytest.mark.parametrize("body", ["{", "{'a': 1}", '{"a": 1,}', "\x00", "[1, 2", '"\\ud800', b"\xff\xfe{}"])
def test_json_that_is_not_json(body):
    told(call("POST", "/test/echo", body), 400, "bad_request", "parse_error")


@pytest.mark.parametrize("body", ["[]", "5", "null", '"text"'])
def test_json_of_another_shape_than_an_object(body):
    told(call("POST", "/auth/login", body), 400, "bad_request", "invalid")


def test_json_nested_without_end_is_no_500():
    deep = "[" * 100_000 + "]" * 100_000
    told(call("POST", "/test/echo", deep), 400, "bad_request", "parse_error")


def test_bodies_of_two_megabytes_are_refused_unread():
    large = json.dumps({"text": "x" * 2 * 1024 * 1024})
    told(call("POST", "/test/echo", large), 413, "too_large", "body_too_large")
    told(call("POST", "/auth/login", large), 413, "too_large", "body_too_large")


def test_a_body_just_within_the_limit_is_read(settings):
    text = "x" * (settings.MAX_BODY_BYTES - 20)
    assert call("POST", "/test/echo", json.dumps({"text": text})).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_other_content_types(content_type):
    told(call("POST", "/test/echo", "a=1", content_type), 415, "unsupported_media_type", "unsupported_media_type")


def test_an_address_that_leads_nowhere():
    told(call("GET", "/no/such/thing"), 404, "not_found", "not_found")


def test_a_method_that_is_not_there():
    response = call("DELETE", "/test/echo")
    told(response, 405, "method_not_allowed", "method_not_allowed")
    assert "POST" in response.headers["Allow"]


def test_an_answer_of_a_kind_that_we_do_not_have():
    told(call("GET", "/test/one", HTTP_ACCEPT="text/csv"), 406, "not_acceptable", "not_acceptable")


def test_a_bug_is_a_500_without_a_trace_and_logged_under_the_same_id(caplog):
    response = call("GET", "/test/break")
    body = told(response, 500, "internal_error", "internal_error")
    assert "hunter2" not in response.content.decode()
    assert "RuntimeError" not in response.content.decode()
    record = next(r for r in caplog.records if r.name == "django.request")
    assert record.exc_info[0] is RuntimeError
    assert body["request_id"]


def test_debug_shows_no_trace_to_programs_either(settings):
    settings.DEBUG = False
    assert b"RuntimeError" not in call("GET", "/test/break").content


def test_a_refusal_of_a_service_brings_its_code_status_and_values():
    body = told(call("POST", "/test/refuse", "{}"), 409, "conflict", "seats_gone")
    assert body["message"] == "Only 1 of 3 are left."
    assert body["details"] == {"left": 1, "asked": 3}


def test_fields_faults_are_named():
    body = told(call("POST", "/auth/login", "{}"), 400, "bad_request", "invalid")
    assert set(body["details"]) == {"email", "password"}


def test_strangers_and_people_without_the_right_are_told_apart():
    response = call("GET", "/admin/users")
    told(response, 401, "unauthenticated", "not_authenticated")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_host_names_we_do_not_answer_to():
    response = call("GET", "/test/one", HTTP_HOST="evil.example")
    assert response.status_code == 400
    assert "evil.example" not in response.content.decode()


@pytest.mark.parametrize("path", ["/%00", "/auth/me%0d%0aX-Evil:1", "/..%2f..%2fetc/passwd", "/" + "a" * 5000])
def test_odd_addresses_are_errors_in_the_common_form(path):
    response = call("GET", path)
    assert response.status_code in {400, 401, 404}
    assert set(response.json()) == FORM
    assert "X-Evil" not in response.headers


def test_people_with_a_browser_get_a_page_and_programs_json():
    page = Client().get("/nowhere", HTTP_ACCEPT="text/html")
    assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert page.headers["X-Request-ID"] in page.content.decode()
    assert Client().get("/nowhere").json()["error"] == "not_found"
    assert Client().get("/api/v1/nowhere", HTTP_ACCEPT="text/html").json()["error"] == "not_found"


def test_forms_of_the_back_office_need_their_csrf_token(settings):
    browser = Client(enforce_csrf_checks=True)
    assert browser.post("/admin/login/", {"username": "a@b.c", "password": "x"}).status_code == 403


# --- Pages and fields ---


@pytest.mark.parametrize(
    ("query", "first", "count", "page", "size"),
    [
        ("", 0, 20, 1, 20),
        ("?page=2", 20, 20, 2, 20),
        ("?page=3", 40, 5, 3, 20),
        ("?size=100", 0, 45, 1, 100),
        ("?size=1&page=45", 44, 1, 45, 1),
    ],
)
def test_pages(query, first, count, page, size):
    body = APIClient().get(f"/api/v1/test/numbers{query}").json()
    assert set(body) == {"items", "total", "page", "size", "pages"}
    assert (body["total"], body["page"], body["size"], body["pages"]) == (45, page, size, -(-45 // size))
    assert (body["items"][0]["number"], len(body["items"])) == (first, count)


def test_a_page_past_the_end_is_empty():
    body = APIClient().get("/api/v1/test/numbers?page=999999").json()
    assert (body["items"], body["total"], body["page"]) == ([], 45, 999999)


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=1.5",
        "page=x",
        "page=1e3",
        "page=٣",
        "page=9999999999",
        "size=0",
        "size=101",
        "size=-5",
        "size=a",
    ],
)
def test_pages_that_cannot_be(query):
    body = told(call("GET", f"/test/numbers?{query}"), 400, "bad_request", "invalid")
    assert list(body["details"]) == [query.split("=")[0]]


def test_fields_are_selected_within_items_and_objects_but_never_from_errors():
    page = APIClient().get("/api/v1/test/numbers?fields=number,name&size=1").json()
    assert page == {"items": [{"number": 0, "name": "n0"}], "total": 45, "page": 1, "size": 1, "pages": 45}
    assert APIClient().get("/api/v1/test/one?fields=square, unknown").json() == {"square": 49}
    assert APIClient().get("/api/v1/test/one?fields=").json().keys() == {"number", "square", "inner"}
    assert set(APIClient().get("/api/v1/test/numbers?page=0&fields=number").json()) == FORM


# --- Who, which language, which operator ---


@pytest.mark.parametrize("given", ["abcdefgh", "A1.b2_c3-d4", "x" * 64])
def test_a_well_formed_request_id_is_kept(given):
    assert call("GET", "/test/one", HTTP_X_REQUEST_ID=given).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space 12", "line\nbreak12", "<script>1234"])
def test_another_request_id_is_replaced(given):
    answered = call("GET", "/test/one", HTTP_X_REQUEST_ID=given).headers["X-Request-ID"]
    assert answered != given
    assert len(answered) == 36


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("ar", "ar"),
        ("ar-EG,ar;q=0.9,en;q=0.5", "ar"),
        ("en-GB", "en"),
        ("fr, ar;q=0.4", "ar"),
        ("de", "en"),
        ("*", "en"),
        ("", "en"),
        ("x" * 600, "en"),
        ("en;q=0.1,ar;q=0.9", "ar"),
    ],
)
def test_answers_come_in_the_language_asked_for(asked, language):
    response = call("GET", "/auth/me", HTTP_ACCEPT_LANGUAGE=asked)
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]
    is_arabic = any("\u0600" <= letter <= "\u06ff" for letter in response.json()["message"])
    assert is_arabic == (language == "ar")


def test_the_language_of_one_request_does_not_stay_for_the_next():
    call("GET", "/auth/me", HTTP_ACCEPT_LANGUAGE="ar")
    assert call("GET", "/auth/me").headers["Content-Language"] == "en"
