"""One table for all errors: complete, and in two shapes."""

import json

import pytest

from authsvc import errors
from authsvc.errors import (
    AuthsvcError,
    BodyTooLarge,
    Conflict,
    Dangling,
    Forbidden,
    Invalid,
    InvalidSettings,
    Limited,
    NotFound,
    Stale,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unconditional,
)
from authsvc.protocol.oauth2 import OAuthInvalid, UnsupportedBody
from authsvc.web.errors import TABLE, is_token_path, problem, refusal, token_response

REALM = "https://auth.example.com/token"


def tree(kind=AuthsvcError):
    return {kind}.union(*(tree(child) for child in kind.__subclasses__()))


def test_the_table_knows_every_error_of_the_tree():
    ours = {kind for kind in tree() if kind.__module__ == errors.__name__}
    assert ours - TABLE.keys() == set()
    for kind in tree():
        assert any(parent in TABLE for parent in kind.__mro__)


CASES = [
    pytest.param(Invalid("no"), 400, 422, "UNSUPPORTED", "invalid_request", id="invalid"),
    pytest.param(TooLarge("no"), 400, 413, "UNSUPPORTED", "invalid_request", id="too-large"),
    pytest.param(BodyTooLarge("no"), 413, 413, "UNSUPPORTED", "invalid_request", id="RX-03"),
    pytest.param(UnsupportedBody("no"), 415, 415, "UNSUPPORTED", "invalid_request", id="OA-16"),
    pytest.param(OAuthInvalid("no", error="unsupported_grant_type"), 400, 400, "UNSUPPORTED",
                 "unsupported_grant_type", id="OA-05"),
    pytest.param(OAuthInvalid("no", error="invalid_grant"), 400, 400, "UNSUPPORTED",
                 "invalid_grant", id="bad-refresh-token"),
    pytest.param(Unauthenticated("no", reason="r"), 401, 401, "UNAUTHORIZED", "invalid_grant",
                 id="unauthenticated"),
    pytest.param(Forbidden("no"), 403, 403, "DENIED", "access_denied", id="forbidden"),
    pytest.param(NotFound("no"), 404, 404, "UNKNOWN", "invalid_request", id="not-found"),
    pytest.param(Dangling("no"), 404, 422, "UNKNOWN", "invalid_request", id="dangling"),
    pytest.param(Conflict("no"), 409, 409, "DENIED", "invalid_request", id="conflict"),
    pytest.param(Stale("no"), 412, 412, "DENIED", "invalid_request", id="stale"),
    pytest.param(Unconditional("no"), 428, 428, "DENIED", "invalid_request", id="unconditional"),
    pytest.param(Limited("no", retry_after=7), 429, 429, "TOOMANYREQUESTS",
                 "temporarily_unavailable", id="limited"),
    pytest.param(Unavailable("no", what="database", retry_after=3), 503, 503, "UNAVAILABLE",
                 "temporarily_unavailable", id="unavailable"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "status", "elsewhere", "code", "oauth"), CASES)
def test_an_error_has_one_meaning_in_both_shapes(error, status, elsewhere, code, oauth):
    found, headers, body = token_response(error, realm=REALM)
    document = json.loads(body)
    assert found == status
    assert dict(headers)[b"content-type"] == b"application/json"
    assert dict(headers)[b"cache-control"] == b"no-store"
    assert document["errors"][0]["code"] == code
    assert document["error"] == oauth
    assert document["details"] == document["errors"][0]["message"] == "no"
    found, headers, body = problem(error, instance="/api/v1/x", request_id="r1", realm=REALM)
    document = json.loads(body)
    assert found == document["status"] == elsewhere
    assert dict(headers)[b"content-type"] == b"application/problem+json"
    assert document["detail"] == "no"
    assert (document["instance"], document["request_id"]) == ("/api/v1/x", "r1")


def test_401_challenges_and_429_and_503_say_when_to_come_back():
    def headers(error):
        both = (
            token_response(error, realm=REALM)[1],
            problem(error, instance="/", request_id="r", realm=REALM)[1],
        )
        assert both[0][2:] == both[1][2:]
        return dict(both[0])

    challenge = b'Basic realm="https://auth.example.com/token", charset="UTF-8"'
    assert headers(Unauthenticated("x", reason="r"))[b"www-authenticate"] == challenge
    assert headers(Limited("x", retry_after=7))[b"retry-after"] == b"7"
    assert headers(Unavailable("x", what="w", retry_after=0))[b"retry-after"] == b"1"
    assert b"www-authenticate" not in headers(Forbidden("x"))


def test_a_realm_cannot_leave_its_quotes():
    _, headers, _ = token_response(Unauthenticated("x", reason="r"), realm='a"b\\c')
    assert dict(headers)[b"www-authenticate"] == b'Basic realm="a\\"b\\\\c", charset="UTF-8"'


def test_faults_are_listed_with_their_pointers():
    error = Invalid("two faults", faults=[("/name", "is too long"), ("/ttl", "is no number")])
    _, _, body = problem(error, instance="/", request_id="r", realm=REALM)
    assert json.loads(body)["errors"] == [
        {"pointer": "/name", "detail": "is too long"},
        {"pointer": "/ttl", "detail": "is no number"},
    ]


@pytest.mark.parametrize("error", [AuthsvcError("/etc/secret"), InvalidSettings("/etc/secret")])
def test_what_is_our_fault_says_nothing(error):
    answers = (
        token_response(error, realm=REALM),
        problem(error, instance="/", request_id="r", realm=REALM),
    )
    for status, _, body in answers:
        assert status == 500
        assert b"secret" not in body


@pytest.mark.parametrize(
    ("path", "is_realm"),
    [("/token", True), ("/token/", True), ("/auth/token", True), ("/token/revoke", True),
     ("/auth/token/x", True), ("/tokens", False), ("/auth", False), ("/", False)],
)  # fmt: skip
def test_refusals_of_http_itself_have_the_shape_of_their_path(path, is_realm):
    status, headers, body = refusal(405, "use GET", path=path, request_id="r")
    assert is_token_path(path) == is_realm
    assert status == 405
    assert ("error_description" in json.loads(body)) == is_realm
    assert dict(headers)[b"content-type"].startswith(b"application/")
