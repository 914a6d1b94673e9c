"""PX-06, PX-07, PX-09, RX-09, RX-12: what may stand in a log line."""

import errno
import json
import logging
import sys
import warnings

import pytest

from authsvc import logs


@pytest.fixture(autouse=True)
def _put_back():
    handlers, level = list(logging.root.handlers), logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.captureWarnings(capture=False)
    logs.structlog.reset_defaults()
    logs.get("test")  # loggers that other modules hold go to standard error again


PASSWORD = "correct horse battery"
SECRETS = [
    pytest.param({"password": PASSWORD}, PASSWORD, id="by-name"),
    pytest.param({"bind_password_file": PASSWORD}, PASSWORD, id="by-part-of-a-name"),
    pytest.param({"n": [{"client_secret": PASSWORD}]}, PASSWORD, id="by-name-deep-inside"),
    pytest.param({"token": b"abcdef"}, "abcdef", id="bytes"),
    pytest.param({"note": "asv_pat_0123456789abcdefghij"}, "0123456789abcdefghij", id="pat"),
    pytest.param({"note": "got asv_ref_0123456789abc."}, "0123456789abc", id="refresh-token"),
    pytest.param({"note": "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln"}, "eyJ", id="jwt"),
    pytest.param({"note": "Authorization: Basic YWxpY2U6cHc="}, "YWxpY2U6cHc", id="basic"),
    pytest.param({"note": "authorization=Bearer abcdefgh"}, "abcdefgh", id="bearer"),
    pytest.param({"note": "grant_type=password&password=pw%21x&service=a"}, "pw%21x", id="form"),
    pytest.param({"url": "/token?service=a&refresh_token=xyz"}, "xyz", id="PX-09-query"),
    pytest.param({"url": "GET /token?account=alice HTTP/1.1"}, "alice", id="PX-09-in-a-line"),
    pytest.param({"url": "postgresql://me:pw99@db/authsvc"}, "pw99", id="dsn"),
    pytest.param({"key": "-----BEGIN PRIVATE KEY-----\nMIGH\n"}, "MIGH", id="pem"),
    pytest.param({"line": "alice:$2y$05$abcdefghijklmnop"}, "abcdefghijklmnop", id="bcrypt"),
    pytest.param({"line": "$argon2id$v=19$m=19456$c2FsdA$aGFzaA"}, "aGFzaA", id="argon2"),
    pytest.param({"asv_pat_0123456789abcdefghij": 1}, "0123456789abcdefghij", id="as-a-key"),
]


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize(("members", "secret"), SECRETS)
def test_no_secret_gets_through(style, members, secret, capfd):
    logs.configure(style)
    logs.get("test").warning("it happened", **members)
    line = capfd.readouterr().err
    assert "it happened" in line
    assert secret not in line


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_line_stays_one_line_of_printable_characters(style, capfd):
    logs.configure(style)
    logs.get("test").warning("a\nb", name='x\r\n{"level":"fake"}\x1b[31m\u2028\u202e\x85\x00')
    line = capfd.readouterr().err
    assert line.count("\n") == 1
    assert line.rstrip("\n").isprintable()


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("text", ["a" * 61_440, "\u4e2d" * 20_000, "\x00" * 61_440])
def test_a_line_has_at_most_4_kib(style, text, capfd):
    """RX-09."""
    logs.configure(style)
    logs.get("test").error("too much", scope=text, more=[text] * 20)
    logs.get("test").error(text, request_id="r1")
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert len(line.encode()) < 4096
        assert style == "console" or json.loads(line)["level"] == "error"


def test_an_exception_shows_its_type_and_place_but_not_its_text(capfd):
    logs.configure("json")
    try:
        {}[PASSWORD]
    except KeyError:
        logs.get("test").exception("a fault")
    line = json.loads(capfd.readouterr().err)
    assert line["exception"] == "KeyError"
    assert "test_logs_without_secrets.py" in line["frames"]
    assert PASSWORD not in json.dumps(line)


def test_libraries_speak_in_the_same_voice_from_warning_on(capfd):
    logs.configure("json", "debug")
    logging.getLogger("uvicorn.error").info("chatter")
    logging.getLogger("some.library").warning("bad %s", "asv_pat_0123456789abcdefghij")
    logging.getLogger("some.library").warning("bad %d", "no number")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["part"] for line in lines] == ["some.library", "some.library", "py.warnings"]
    assert "0123456789abcdefghij" not in lines[0]["event"]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_level_counts(level, capfd):
    logs.configure("json", level)
    for name in ("debug", "info", "warning", "error"):
        getattr(logs.get("test"), name)("said")
    expected = 4 - ["debug", "info", "warning", "error"].index(level)
    assert len(capfd.readouterr().err.splitlines()) == expected


def test_before_anything_is_configured_logs_are_clean_and_go_to_standard_error(capfd):
    logs.structlog.reset_defaults()
    logs.get("test").warning("early", password=PASSWORD)
    captured = capfd.readouterr()
    assert PASSWORD not in captured.err
    assert "early" in captured.err
    assert not captured.out


class Full:
    """Standard error on a full disk."""

    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_loses_lines_and_nothing_else(monkeypatch, capfd):
    """RX-12."""
    logs.configure("json")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Full())
        logs.get("test").warning("lost")
        patched.setattr(sys, "stderr", None)
        logs.get("test").warning("lost too")
    logs.get("test").warning("there is room again")
    assert json.loads(capfd.readouterr().err)["event"] == "there is room again"
