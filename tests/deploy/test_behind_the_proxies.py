"""Two replicas behind the nginx and the HAProxy of deploy/: nothing is lost on the way."""

import time

import pytest
from deploy.tls import Pressing
from real.clients import Crane
from real.people import ONE, READER, STRANGER, WRITER
from real.process import wait_for
from real.registries import start_registry
from real.service import Account
from real.wire import call, claims

SCOPE = "repository:team/app:pull"
MEMBERS = {"details", "errors", "error", "error_description"}
METRICS = (
    "/metrics", "/metrics/", "/metrics?x=1", "/%6detrics", "/%6Detric%73", "/metrics%20",
    "/metrics#x", "//metrics", "/./metrics", "/x/../metrics", "/metrics;x", "/METRICS",
)  # fmt: skip


def metrics_in(answer):
    return b"authsvc_token_requests_total" in answer.body


def records(behind, **wanted):
    found = behind.replicas[0].audit()
    return [each for each in found if wanted.items() <= each.items()]


@pytest.mark.parametrize("target", METRICS)
def test_metrics_are_for_nobody_who_comes_by_the_proxy(behind, target):
    """PX-10. The callers are on loopback, which the replicas themselves would let in."""
    answer = behind.caller().send("GET", target)
    assert answer.status in (400, 404), (answer.status, answer.body)
    assert not metrics_in(answer)
    for one in behind.replicas:
        assert metrics_in(call("GET", f"http://127.0.0.1:{one.port}/metrics"))


def test_metrics_by_a_target_with_a_host_in_it(behind):
    answer = behind.caller().send("GET", f"https://localhost:{behind.port}/metrics")
    assert answer.status in (400, 404)
    assert not metrics_in(answer)


@pytest.mark.parametrize(
    "forged",
    [{}, {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "127.0.0.1, 127.0.0.1"},
     {"Forwarded": "for=203.0.113.9"}, {"X-Real-IP": "203.0.113.9"},
     {"Connection": "close, X-Forwarded-For"}],
    ids=["nothing", "PX-02 one", "PX-02 ours", "Forwarded", "X-Real-IP", "PX-04"],
)  # fmt: skip
def test_the_address_in_records_is_the_clients(behind, forged):
    answer = behind.caller("127.0.0.7").token(READER, SCOPE, **forged)
    assert answer.status == 200
    (record,) = records(behind, decision_id=claims(str(answer.json()["token"]))["jti"])
    assert (record["address"], record["peer"]) == ("127.0.0.7", "127.0.0.1")


def test_a_limit_is_that_of_the_client_at_both_replicas(behind):
    wrong = Account(STRANGER.name, "")
    for number in range(10):
        guess = Account(wrong.name, f"wrong password {number}")
        assert behind.caller("127.0.0.8").token(guess, SCOPE).status == 401
    assert behind.caller("127.0.0.9").token(STRANGER, SCOPE).status == 200

    def limited():
        statuses = [behind.caller("127.0.0.8").token(STRANGER, SCOPE).status for _ in range(6)]
        return set(statuses) == {429}

    wait_for(limited, "every replica to have heard of it")
    assert behind.caller("127.0.0.9").token(STRANGER, SCOPE).status == 200


def test_a_token_request_that_is_long_reaches_a_replica(behind):
    scopes = " ".join(f"repository:team/{'a' * 150}{n}:pull" for n in range(250))
    answer = behind.caller().token(READER, scopes)
    assert answer.status == 200
    assert len(claims(str(answer.json()["token"]))["access"]) == 250


def test_a_body_that_is_too_long_is_refused_in_the_body_that_clients_read(behind):
    length = {"Content-Length": str(8 * 1024 * 1024 + 1)}
    answer = behind.caller().send("POST", "/token", **length)
    assert answer.status == 413
    assert set(answer.json()) == MEMBERS


def test_a_head_that_is_too_long_goes_no_further(behind):
    """HAProxy has no say in the text of this one."""
    # A little longer than it may be, so that all of it is sent before the connection is closed.
    answer = behind.caller().send("GET", f"/token?service={ONE}&scope={'a' * 73_000}")
    assert answer.status == 400
    assert behind.kind == "haproxy" or set(answer.json()) == MEMBERS


class Trusting(Crane):
    """crane, which trusts one CA more."""

    ca = ""

    def _env(self):
        return super()._env() | {"SSL_CERT_FILE": self.ca}


@pytest.fixture
def registry(behind, folder):
    started = start_registry(behind.replicas[0], "2.8", ONE, folder)
    yield started
    started.process.stop()


def test_push_and_pull_go_through(behind, registry, image, rt):
    home = rt / f"home-{behind.kind}"
    home.mkdir()
    crane = Trusting(home, registry.host)
    crane.ca = str(behind.ca)
    crane.sign_in(WRITER)
    for done in (crane.push("team/app", image), crane.pull("team/app")):
        assert done.ok, done.text
    given = records(behind, outcome="granted", registry=ONE)
    assert any("push" in str(each["granted"]) for each in given)


def test_replicas_are_restarted_one_by_one_and_no_answer_is_cut_or_failed(behind):
    """HA-16. Every token that was given has its record, whichever replica gave it."""
    with Pressing(behind.caller("127.0.0.10"), READER) as pressing:
        for one in behind.replicas:
            seen = len(pressing.given)
            wait_for(lambda seen=seen: len(pressing.given) > seen + 100, "callers to be served")
            assert one.process.stop() == 0
            seen = len(pressing.given)
            wait_for(lambda seen=seen: len(pressing.given) > seen + 100, "the other to serve")
            one.start()
            time.sleep(2)  # until the proxy's own look finds it
    assert pressing.failed == []
    known = [each["decision_id"] for each in records(behind, address="127.0.0.10")]
    assert set(known) >= pressing.given
    assert len(known) == len(set(known))
    writers = {each["writer"] for each in records(behind, address="127.0.0.10")}
    assert len(writers) == 4  # two replicas, each before and after


def test_when_no_replica_answers_the_proxy_says_so_in_the_same_body(behind):
    for one in behind.replicas:
        one.stop()
    try:
        answer = behind.caller().token(READER, SCOPE)
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["error"] == "temporarily_unavailable"
    finally:
        for one in behind.replicas:
            one.start()
