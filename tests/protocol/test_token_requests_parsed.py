"""Queries and forms of token requests, threats.md tables SC, SV, OA, AC, BA (parsing)."""

from urllib.parse import urlencode

import pytest

from authsvc.errors import TooLarge
from authsvc.protocol import scope
from authsvc.protocol.credentials import Anonymous, Malformed, Password, RefreshToken
from authsvc.protocol.oauth2 import (
    MAX_CLIENT_ID,
    MAX_FIELDS,
    OAuthInvalid,
    UnsupportedBody,
    check_post_query,
    one_of,
    parse_form,
    parse_query,
)

FORM = b"application/x-www-form-urlencoded"
GRANT = {
    "grant_type": "password",
    "username": "alice",
    "password": "secret",
    "service": "reg-a.test",
}


def form(*more, **changes):
    """A password grant with changes (None leaves a parameter out) and raw text after it."""
    fields = {name: value for name, value in (GRANT | changes).items() if value is not None}
    return "&".join([urlencode(fields), *more]).encode()


def refused(parse, *arguments):
    with pytest.raises(OAuthInvalid) as caught:
        parse(*arguments)
    return caught.value


def test_a_query_is_read_as_docker_sends_it():
    asked = parse_query(
        b"account=alice&client_id=docker&offline_token=true&service=reg-a.test%3A5000"
        b"&scope=repository%3Ateam%2Fapp%3Apull%2Cpush&scope=repository:b:pull"
    )
    assert asked.service == "reg-a.test:5000"
    assert asked.scopes == ("repository:team/app:pull,push", "repository:b:pull")
    assert asked.offline
    assert asked.client_id == "docker"


def test_a_login_names_no_scope():
    asked = parse_query(b"service=reg-a.test")
    assert (asked.scopes, asked.offline, asked.client_id) == ((), False, None)


@pytest.mark.parametrize(
    ("raw", "scopes"),
    [
        pytest.param(b"scope=", (), id="SC-01"),
        pytest.param(b"scope", (), id="SC-01-no-equals"),
        pytest.param(b"scope=a+b", ("a b",), id="SC-18"),
        pytest.param(b"scope=a%20b", ("a b",), id="SC-18-escaped"),
        pytest.param(b"scope=a%2Bb", ("a+b",), id="SC-18-plus"),
        pytest.param(b"scope=a;scope=b", ("a;scope=b",), id="SC-15"),
        pytest.param(
            b"scope=repository:team%252Fapp:pull", ("repository:team%2Fapp:pull",), id="SC-17"
        ),
        pytest.param(b"%73cope=a", ("a",), id="escaped-name"),
        pytest.param(b"Scope=a", (), id="another-name"),
        pytest.param(b"scope=a=b", ("a=b",), id="equals-in-value"),
        pytest.param(b"&&scope=a&", ("a",), id="empty-parameters"),
    ],
)
@pytest.mark.parametrize("where", ["query", "form"])
def test_scope_values_are_decoded_once_and_alike_in_both(raw, scopes, where):
    if where == "query":
        assert parse_query(b"service=r&" + raw).scopes == scopes
    else:
        assert parse_form(form(raw.decode()), FORM).scopes == scopes


@pytest.mark.parametrize(
    "raw",
    [
        b"%FF",
        b"%C0%AF",
        b"%ED%A0%80",
        b"\xff",
        b"foo:a%:pull",
        b"foo:a%zz:pull",
        b"foo:a%2:pull",
        b"foo:%%41:pull",
    ],
)
def test_a_broken_scope_is_junk_and_its_neighbours_are_not(raw):
    asked = scope.parse(parse_query(b"service=r&scope=repository:a:pull+" + raw).scopes)
    assert [entry.scope for entry in asked.entries] == ["repository:a:pull"]
    assert len(asked.junk) == 1


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="SV-01-nothing"),
        pytest.param(b"scope=repository:a:pull", id="SV-01-missing"),
        pytest.param(b"service=", id="SV-01-empty"),
        pytest.param(b"service", id="SV-01-no-equals"),
        pytest.param(b"service=a&service=a", id="SV-05-same"),
        pytest.param(b"service=a&service=b", id="SV-05-different"),
        pytest.param(b"service=a&%73ervice=b", id="SV-05-escaped"),
        pytest.param(b"service=a&service=", id="SV-05-empty"),
        pytest.param(b"service=reg-a.test+reg-b.test", id="SV-06-blank"),
        pytest.param(b"service=reg-a.test,reg-b.test", id="SV-06-comma"),
        pytest.param(b"service=%20reg-a.test", id="SV-07"),
        pytest.param(b"service=a%FF", id="not-utf-8"),
        pytest.param(b"service=a%0A", id="newline"),
        pytest.param(b"service=a%", id="OA-17-truncated"),
        pytest.param(b"service=a%4", id="OA-17-half"),
        pytest.param(b"service=" + b"a" * 256, id="long"),
        pytest.param(b"service=a&client_id=x&client_id=y", id="client-id-twice"),
        pytest.param(b"service=a&offline_token=true&offline_token=false", id="offline-twice"),
        pytest.param(b"service=a" + b"&x" * MAX_FIELDS, id="OA-18"),
    ],
)
def test_a_query_that_cannot_be_read_is_invalid_request(raw):
    assert refused(parse_query, raw).error == "invalid_request"


@pytest.mark.parametrize("account", [b"account=alice", b"account=Alice&account=bob", b"account=%"])
def test_account_and_what_nobody_asked_for_is_ignored(account):
    assert parse_query(b"service=r&_method=PUT&x=1&x=2&" + account) == parse_query(b"service=r")


@pytest.mark.parametrize("value", [b"", b"false", b"TRUE", b"1", b"true+", b"yes"])
def test_only_true_asks_for_a_refresh_token_in_a_query(value):
    assert not parse_query(b"service=r&offline_token=" + value).offline


def test_access_type_is_for_forms_and_offline_token_for_queries():
    assert not parse_query(b"service=r&access_type=offline").offline
    assert not parse_form(form("offline_token=true"), FORM).offline
    assert parse_form(form("access_type=offline"), FORM).offline
    assert not parse_form(form("access_type=online"), FORM).offline


@pytest.mark.parametrize(
    ("raw", "client_id"),
    [
        pytest.param(b"", None, id="AC-06-missing"),
        pytest.param(b"containers/image", "containers/image", id="plain"),
        pytest.param(b"a+b", "a b", id="blank"),
        pytest.param(b"x" * 10_240, "x" * MAX_CLIENT_ID, id="AC-06-10-KiB"),
        pytest.param(b"a%0d%0aX:+y%00", r"a\r\nX: y\x00", id="AC-06-control"),
        pytest.param(b"%E2%80%AEx", r"\u202ex", id="AC-06-direction"),
        pytest.param(b"%FF", r"\ufffd", id="not-utf-8"),
    ],
)
def test_client_id_is_bounded_and_printable(raw, client_id):
    assert parse_query(b"service=r&client_id=" + raw).client_id == client_id
    assert parse_form(form("client_id=" + raw.decode()), FORM).client_id == client_id


def test_an_escaped_client_id_stays_within_the_bound():
    name = parse_query(b"service=r&client_id=" + b"%00" * 10_000).client_id
    assert len(name) == MAX_CLIENT_ID


def test_a_password_form_is_read_as_containerd_sends_it():
    asked = parse_form(
        form("scope=repository%3Aa%3Apull+repository%3Aa%3Apull%2Cpush", client_id="containerd"),
        FORM,
    )
    assert asked.grant_type == "password"
    assert asked.credentials == Password("alice", "secret")
    assert asked.service == "reg-a.test"
    assert asked.scopes == ("repository:a:pull repository:a:pull,push",)
    assert asked.client_id == "containerd"


def test_a_refresh_form_is_read_as_podman_sends_it():
    body = (
        b"grant_type=refresh_token&refresh_token=asv_ref_x&service=r&scope=repository:a:pull"
        b"&scope=repository:b:pull"
    )
    asked = parse_form(body, FORM)
    assert asked.credentials == RefreshToken("asv_ref_x")
    assert asked.scopes == ("repository:a:pull", "repository:b:pull")


@pytest.mark.parametrize(
    "content_type",
    [
        FORM,
        FORM.upper(),
        FORM + b"; charset=utf-8",
        FORM + b";charset=UTF-8",
        b"Application/X-WWW-Form-Urlencoded ; charset=ISO-8859-1",
    ],
)
def test_the_content_type_of_a_form_may_vary(content_type):  # OA-10
    assert parse_form(form(), content_type).credentials == Password("alice", "secret")


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(b"application/json", id="OA-02"),
        pytest.param(b"multipart/form-data; boundary=x", id="OA-03"),
        pytest.param(b"", id="none"),
        pytest.param(b"text/plain; application/x-www-form-urlencoded", id="in-a-parameter"),
        pytest.param(FORM + b"x", id="longer"),
    ],
)
def test_another_content_type_is_an_unsupported_body(content_type):
    error = refused(parse_form, form(), content_type)
    assert isinstance(error, UnsupportedBody)
    assert error.error == "invalid_request"


@pytest.mark.parametrize(
    "grant", ["client_credentials", "authorization_code", "Password", "password\x00", "\u00e4"]
)
def test_an_unknown_grant_is_unsupported(grant):  # OA-05
    assert refused(parse_form, form(grant_type=grant), FORM).error == "unsupported_grant_type"


REFRESH = {"grant_type": "refresh_token", "username": None, "password": None}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(form(grant_type=None), id="OA-06-grant-type"),
        pytest.param(form(service=None), id="OA-06-service"),
        pytest.param(form(username=None), id="OA-06-username"),
        pytest.param(form(password=None), id="OA-06-password"),
        pytest.param(form(**REFRESH), id="OA-06-refresh-token"),
        pytest.param(form(grant_type=""), id="OA-07-grant-type"),
        pytest.param(form(service=""), id="OA-07-service"),
        pytest.param(form(username=""), id="OA-07-username"),
        pytest.param(form(password=""), id="OA-07-password"),
        pytest.param(form(**REFRESH, refresh_token=""), id="OA-07-refresh-token"),
        pytest.param(b"", id="OA-17-empty"),
        pytest.param(b"x", id="OA-17-one-byte"),
        pytest.param(b"%", id="OA-17-truncated"),
        pytest.param(form("password=%", password=None), id="OA-17-password"),
        pytest.param(form("password=%FF", password=None), id="password-not-utf-8"),
        pytest.param(form("username=a%C3", username=None), id="username-not-utf-8"),
        pytest.param(form("service=r"), id="SV-05"),
        pytest.param(form("grant_type=password"), id="grant-type-twice"),
        pytest.param(form("username=bob"), id="username-twice"),
        pytest.param(form("password="), id="password-twice"),
        pytest.param(form("x=1&x=2"), id="unknown-twice"),
        pytest.param(form("&".join(f"f{n}=1" for n in range(20_000))), id="OA-18-fields"),
        pytest.param(b"&" * 1_000_000, id="OA-18-empty-fields"),
        pytest.param(b"a" * (20 * 1024 * 1024), id="OA-18-one-field"),
    ],
)
def test_a_form_that_cannot_be_read_is_invalid_request(body):
    assert refused(parse_form, body, FORM).error == "invalid_request"


def test_no_more_fields_than_1000():
    assert parse_form(form("&".join(f"f{n}" for n in range(MAX_FIELDS - len(GRANT)))), FORM)
    refused(parse_form, form("&".join(f"f{n}" for n in range(MAX_FIELDS - len(GRANT) + 1))), FORM)


HARD = "p\u00e4+ &=%41;\ufffd"


@pytest.mark.parametrize(
    ("changes", "credentials"),
    [
        pytest.param({"password": "s" * 1_024}, Password("alice", "s" * 1_024), id="BA-16-1024"),
        pytest.param({"password": "s" * 1_025}, Malformed("too_long"), id="BA-16-1025"),
        pytest.param({"password": "s" * 4_096}, Malformed("too_long"), id="BA-16-4-KiB"),
        pytest.param({"password": "s" * 1_048_576}, Malformed("too_long"), id="BA-16-1-MiB"),
        pytest.param({"password": "s\0"}, Malformed("control_character"), id="nul"),
        pytest.param({"username": "a\n"}, Malformed("control_character"), id="newline"),
        pytest.param({"password": HARD}, Password("alice", HARD), id="escaped-once"),
    ],
)
def test_credentials_in_a_form_have_the_bounds_of_those_in_a_header(changes, credentials):
    assert parse_form(form(**changes), FORM).credentials == credentials


def test_no_error_repeats_what_was_sent():
    error = refused(parse_form, form("password=hush%FF", password=None), FORM)
    assert "hush" not in str(error)
    assert error.__context__ is None
    assert "hush" not in str(refused(parse_form, form(grant_type="hush"), FORM))
    assert "hush" not in str(refused(parse_form, form("hush=1&hush=2"), FORM))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"service=reg-a.test", id="SV-10"),
        pytest.param(b"x=1&%73ervice=reg-a.test", id="SV-10-escaped"),
        pytest.param(b"service", id="SV-10-empty"),
    ],
)
def test_a_service_in_the_query_of_a_post_is_refused(raw):
    assert refused(check_post_query, raw).error == "invalid_request"


@pytest.mark.parametrize("raw", [b"", b"username=bob&password=x&grant_type=y&scope=z", b"%&&=;"])
def test_other_parameters_in_the_query_of_a_post_are_ignored(raw):  # OA-08
    assert check_post_query(raw) is None


ALICE = Password("alice", "secret")


@pytest.mark.parametrize(
    ("header", "in_form"),
    [
        (Anonymous(), ALICE),
        (Password("alice", "secret"), ALICE),
        (Anonymous(), RefreshToken("x")),
        (Anonymous(), Malformed("too_long")),
    ],
)
def test_the_form_counts_when_the_header_says_nothing_else(header, in_form):
    assert one_of(header, in_form) == in_form


@pytest.mark.parametrize(
    "header",
    [Password("bob", "secret"), Password("alice", "Secret"), Malformed("scheme")],
)
def test_two_different_credentials_in_one_post_are_refused(header):  # BA-13
    assert refused(one_of, header, ALICE).error == "invalid_request"


def test_a_refresh_token_as_basic_beside_the_same_in_the_form_is_two():  # BA-13
    assert refused(one_of, Malformed("empty_user"), RefreshToken("x")).error == "invalid_request"


def test_more_scopes_than_count_are_too_large_and_not_unreadable():
    asked = parse_query(b"service=r" + b"&scope=repository:a:pull" * 257)
    with pytest.raises(TooLarge):
        scope.parse(asked.scopes)
