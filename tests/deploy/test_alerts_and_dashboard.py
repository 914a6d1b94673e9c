"""Alert rules and the dashboard of deploy/: they parse, fire when they should, and ask for what
there is."""

import contextlib
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from real.people import ONE, READER
from real.process import program, wait_for
from real.redis import RedisServer
from real.service import Account, Service
from real.wire import ask_token, call

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "alerts.yaml"
DASHBOARD = json.loads((DEPLOY / "dashboard.json").read_text())
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
FAILED = 'authsvc_token_requests_total{job="authsvc", result="refused", reason="wrong_password"}'
NO_GRANT = 'authsvc_token_requests_total{job="authsvc", result="refused", reason="no_grant"}'
SLOW = 'authsvc_audit_commit_seconds_bucket{job="authsvc", le="%s"}'
# Of each alert: a series that fires it, and one that does not; values are a minute apart.
CASES = {
    "AuthsvcDown": ({'up{job="authsvc"}': "0x90"}, {'up{job="other"}': "0x90"}),
    "AuthsvcFailedLoginsRising": (
        {FAILED: "0+6x80 600+600x10"}, {FAILED: "0+600x90", NO_GRANT: "0+6x80 600+6000x10"},
    ),
    "AuthsvcLimitsReached": (
        {'authsvc_limited_total{job="authsvc", limit="login_failures"}': "0+60x90"},
        {'authsvc_limited_total{job="authsvc", limit="login_failures"}': "0+1x90"},
    ),
    "AuthsvcSourceDown": (
        {'authsvc_source_up{job="authsvc", source="corp", instance="a"}': "1x90",
         'authsvc_source_up{job="authsvc", source="corp", instance="b"}': "1x80 0x10"},
        {'authsvc_source_up{job="authsvc", source="corp", instance="a"}': "1x88 0 1"},
    ),
    "AuthsvcCertificateNearItsEnd": (
        {'authsvc_signing_certificate_expires_seconds{job="authsvc"}': "604000x90"},
        {'authsvc_signing_certificate_expires_seconds{job="authsvc"}': "1296000x90"},
    ),
    "AuthsvcAuditBacklog": (
        {'authsvc_audit_pending{job="authsvc", instance="a"}': "0x80 5000x10"},
        {'authsvc_audit_pending{job="authsvc", instance="a"}': "400x90"},
    ),
    "AuthsvcAuditSlow": (
        {SLOW % "0.5": "0+1x90", SLOW % "1": "0+100x90", SLOW % "+Inf": "0+100x90"},
        {SLOW % "0.5": "0+100x90", SLOW % "1": "0+100x90", SLOW % "+Inf": "0+100x90"},
    ),
    "AuthsvcPolicyOld": (
        {'authsvc_policy_age_seconds{job="authsvc"}': "0.3x80 60x10"},
        {'authsvc_policy_age_seconds{job="authsvc"}': "0.6x90"},
    ),
    "AuthsvcAuditSpace": (
        {'authsvc_audit_used_ratio{job="authsvc", of="disk"}': "0.85x90"},
        {'authsvc_audit_used_ratio{job="authsvc", of="disk"}': "0.75x90"},
    ),
    "AuthsvcAuditNotForwarded": (
        {'authsvc_audit_forward_lag_seconds{job="authsvc", sink="syslog"}': "0+60x90"},
        {'authsvc_audit_forward_lag_seconds{job="authsvc", sink="syslog"}': "2x90"},
    ),
    "AuthsvcRedisAway": (
        {'authsvc_fail_open{job="authsvc", switch="redis.url"}': "1x90"},
        {'authsvc_fail_open{job="authsvc", switch="audit.durability"}': "1x90"},
    ),
    "AuthsvcFailOpen": (
        {'authsvc_fail_open{job="authsvc", switch="audit.durability"}': "1x90"},
        {'authsvc_fail_open{job="authsvc", switch="audit.durability"}': "0x90"},
    ),
    "AuthsvcRobotsExpiring": (
        {'authsvc_robots_expiring{job="authsvc", within="3d"}': "2x90"},
        {'authsvc_robots_expiring{job="authsvc", within="14d"}': "2x90"},
    ),
    "AuthsvcForwardedByStrangers": (
        {'authsvc_untrusted_forwarded_total{job="authsvc"}': "0+1x90"},
        {'authsvc_untrusted_forwarded_total{job="authsvc"}': "5x90"},
    ),
}  # fmt: skip
NAMES = sorted(CASES)


def expressions():
    """Every query of the two files, with what Grafana fills in filled in."""
    found = [rule["expr"] for rule in RULES]
    found += [each["expr"] for panel in DASHBOARD["panels"] for each in panel["targets"]]
    return [each.replace("$__rate_interval", "5m").replace("$job", "authsvc") for each in found]


def run(*arguments):
    done = subprocess.run(
        [program("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def test_every_alert_has_its_cases_and_says_what_to_do():
    assert [rule["alert"] for rule in RULES if rule["alert"] not in CASES] == []
    assert len(RULES) == len(CASES)
    for rule in RULES:
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_the_rules_parse():
    code, said = run("check", "rules", ALERTS)
    assert code == 0, said


def test_the_queries_of_the_dashboard_parse(tmp_path):
    rules = [{"record": f"q:{n}", "expr": each} for n, each in enumerate(expressions())]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    code, said = run("check", "rules", file)
    assert code == 0, said


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "is quiet"])
@pytest.mark.parametrize("name", NAMES)
def test_an_alert_fires_when_it_should_and_else_does_not(tmp_path, name, fires):
    series = CASES[name][0 if fires else 1]
    query = f'count(ALERTS{{alertname="{name}", alertstate="firing"}})'
    asked = {"expr": query, "eval_time": "90m"}
    asked["exp_samples"] = [{"labels": "{}", "value": 1}] if fires else []
    test = {
        "interval": "1m",
        "input_series": [{"series": k, "values": v} for k, v in series.items()],
        "promql_expr_test": [asked],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "tests": [test]}))
    code, said = run("test", "rules", file)
    assert code == 0, said


@pytest.fixture(scope="module")
def scraped(rt):
    """The metrics of a service that has everything: a source, Redis, a sink, a limit reached."""
    folder = rt / "scraped-redis"
    folder.mkdir()
    redis = RedisServer(folder)
    redis.start()
    settings = (
        '[limits]\nlogin_failures = "1/5minutes"\n'
        f'[redis]\nurl = "{redis.url}"\n'
        '[audit]\nmax_bytes = "1GB"\n[[audit.sinks]]\ntype = "file"\npath = "audit.jsonl"\n'
        '[[sources]]\ntype = "htpasswd"\nname = "file"\npath = "htpasswd"\n'
    )
    service = Service(rt / "scraped", settings=settings)
    (service.folder / "htpasswd").write_text("")
    service.init(ONE)
    service.add_user(READER)
    service.start()
    realm, scope = f"{service.url}/token", "repository:team/app:pull"
    for account in (READER, Account("who", "wrong one"), Account("who", "another")):
        ask_token(realm, ONE, scope, account=account)
    yield service
    service.stop()
    redis.stop()


def labels_of(text):
    """Of each metric the labels that some sample of it has."""
    found = {}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? ", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def asked():
    """Of each metric of the files the labels that are used of it."""
    found = {}
    for expression in expressions():
        named = re.findall(r"\b((?:authsvc|process)_\w+)(?:\{([^}]*)\})?", expression)
        grouped = re.findall(r"by \(([^)]*)\)", expression)
        by = {label.strip() for each in grouped for label in each.split(",")}
        for name, inside in named:
            labels = found.setdefault(name, set())
            labels |= by | set(re.findall(r"(\w+)(?:=~|!=|=)", inside))
    return found


def missing(service):
    known = labels_of(call("GET", f"{service.url}/metrics").body.decode())
    by_prometheus = {"job", "instance"}
    return {
        name: labels - by_prometheus - known.get(name, set())
        for name, labels in asked().items()
        if name not in known or labels - by_prometheus - known[name]
    }


def test_what_is_asked_for_is_in_a_scrape_of_a_running_service(scraped):
    assert len(asked()) > 15
    with contextlib.suppress(TimeoutError):
        wait_for(lambda: not missing(scraped), "all of it to be there", patience=15)
    assert missing(scraped) == {}


def test_the_dashboard_shows_every_question_of_an_operator():
    shown = " ".join(each["title"] for each in DASHBOARD["panels"])
    for word in ("Failed logins", "Sources", "certificate", "Records waiting", "fail open"):
        assert word in shown
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert all(panel["targets"] and panel["description"] for panel in DASHBOARD["panels"])
