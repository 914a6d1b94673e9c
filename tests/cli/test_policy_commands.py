"""`authsvc policy`: plan, apply, test and export as people and pipelines call them."""

import io
import json
import sys

import pytest

DEVS = """\
groups:
  - {name: devs, members: [alice]}
grants:
  - {subject: "group:devs", role: writer, on: team}
"""
TESTED = f"{DEVS}tests:\n  - alice can push team/app\n  - anonymous cannot pull team/app\n"


@pytest.fixture
def policy(terminal, password, tmp_path):
    """Writes a policy file and calls a verb on it, over a registry and two people."""
    terminal.done("registry", "add", "reg.test:5000")
    for name in ("alice", "bob"):
        terminal.done("user", "add", name, "--password-file", password)
    file = tmp_path / "policy.yaml"

    def call(verb, text, *words):
        file.write_text(text)
        return terminal("policy", verb, str(file), *words)

    call.file, call.terminal = file, terminal
    return call


def test_a_plan_is_shown_line_by_line_with_who_gains(policy):
    said = policy("plan", DEVS)
    assert said.code == 0
    assert said.out == (
        "+ group name devs, members user:local:alice\n"
        "+ grant subject group:devs, role writer, on team\n"
        "  group:devs gains pull, push on team\n"
        "  user:local:alice gains pull, push on team\n"
        "to be added: one group, one grant; 0 as they should be already\n"
    )
    assert said.err == ""


def test_what_changes_and_goes_is_shown_by_what_moves(policy):
    assert policy("apply", DEVS).code == 0
    said = policy(
        "plan",
        "registries: [{name: 'reg.test:5000', ttl: 300, read_only: true}]\n"
        "groups: [{name: devs, members: [bob]}]\ngrants: []\n",
        "--prune",
    )
    assert said.out.splitlines()[:3] == [
        "~ registry reg.test:5000 (read_only no -> yes; ttl none -> 300)",
        "~ group devs (members +user:local:bob -user:local:alice)",
        "- grant subject group:devs, role writer, on team",
    ]
    assert "user:local:alice loses pull, push on team" in said.out
    assert said.out.splitlines()[-1] == (
        "to be changed: one registry, one group; to be removed: one grant;"
        " 0 as they should be already"
    )


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--exit-code",), 1)])
def test_the_exit_code_says_whether_there_is_a_difference_when_asked_to(policy, words, code):
    assert policy("plan", DEVS, *words).code == code
    assert policy("plan", DEVS, *words, "--json").code == code
    assert policy("apply", DEVS).code == 0
    assert policy("plan", DEVS, *words).code == 0
    assert policy("plan", "grants: []", *words).code == 0
    assert policy("plan", "grants: []", "--prune", *words).code == code


def test_the_plan_as_json_is_what_apply_takes(policy, tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text(policy("plan", DEVS, "--json").out)
    shown = json.loads(plan.read_text())
    assert shown.keys() == {
        "stored", "added", "changed", "removed", "unchanged", "prune", "sha256", "effects",
        "warnings",
    }  # fmt: skip
    said = policy("apply", DEVS, "--plan", str(plan), "--json")
    assert (said.code, said.err) == (0, "")
    assert shown.pop("warnings") == []
    effects = shown.pop("effects")
    assert [each["subject"] for each in effects["by_name"]] == ["group:devs", "user:local:alice"]
    assert said.json == shown
    again = policy("apply", DEVS, "--plan", str(plan))
    assert again.code == 1
    assert "the stored policy has changed since" in again.err


@pytest.mark.parametrize(
    ("text", "words", "code", "says"),
    [
        pytest.param(DEVS.replace("writer", "reader"), (), 1, "other files", id="other files"),
        pytest.param(DEVS, ("--prune",), 1, "without --prune", id="prune"),
    ],
)
def test_a_plan_of_something_else_is_refused_in_one_line(policy, tmp_path, text, words, code, says):
    plan = tmp_path / "plan.json"
    plan.write_text(policy("plan", DEVS, "--json").out)
    said = policy("apply", text, "--plan", str(plan), *words)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("content", ["", "[]", "{", '{"stored": 1}', "\xff", None])
def test_a_file_that_is_no_plan_is_refused(policy, tmp_path, content):
    plan = tmp_path / "plan.json"
    if content is not None:
        plan.write_bytes(content.encode("latin-1"))
    said = policy("apply", DEVS, "--plan", str(plan))
    assert said.code == 2
    assert str(plan) in said.err
    assert policy("plan", DEVS, "--exit-code").code == 1


def test_apply_says_what_it_did_and_the_second_time_that_there_was_nothing(policy):
    said = policy("apply", DEVS)
    assert said.out == "added: one group, one grant; 0 as they should be already\n"
    records = policy.terminal.done("audit", "list", "--event", "policy")
    again = policy("apply", DEVS)
    assert again.out == "no difference; 2 as they should be already\n"
    assert policy.terminal.done("audit", "list", "--event", "policy") == records
    assert [(each["event"], each["outcome"]) for each in records] == [("policy", "granted")]
    assert records[0]["after"]["added"]["groups"] == [
        {"name": "devs", "members": ["user:local:alice"]}
    ]


def test_a_failing_test_is_explained_and_nothing_is_changed(policy):
    text = TESTED + "  - bob can push team/app\n"
    for verb in ("apply", "test"):
        said = policy(verb, text)
        shown = said.err if verb == "apply" else said.out
        assert said.code == 1
        assert "FAILED  bob can push team/app" in shown
        assert "push denied (no_grant)" in shown
        assert "role writer on team/app would give what is missing" in shown
    assert policy("plan", DEVS, "--exit-code").code == 1
    refused = policy.terminal.done("audit", "list", "--event", "policy")
    assert [each["outcome"] for each in refused] == ["refused"]


def test_tests_run_over_what_is_stored_with_the_files_or_without_or_by_files_alone(policy):
    assert policy("test", TESTED).code == 0
    assert policy("test", TESTED, "--stored").code == 1
    said = policy("test", TESTED, "--json")
    assert (said.json["passed"], said.json["failed"]) == (2, 0)
    assert policy("apply", TESTED).code == 0
    only = "tests:\n  - alice can push team/app\n"
    assert policy("test", only).code == 0
    assert policy("test", only, "--stored").code == 0
    assert policy("test", only, "--alone").code == 1
    assert policy("test", "grants: []\n" + only, "--prune").code == 1


def test_a_test_about_what_files_would_make_fails_over_what_is_stored_and_hides_no_other(policy):
    robot = "robots:\n  - {name: ci, namespace: team, role: writer}\n"
    tests = "tests:\n  - robot:ci can push team/app\n  - alice cannot pull team/app\n"
    assert policy("test", robot + tests).code == 0
    said = policy("test", robot + tests, "--stored")
    assert said.code == 1
    assert said.out.splitlines() == [
        "FAILED  robot:ci can push team/app",
        "        there is no robot 'ci'",
        "1 passed, 1 failed",
    ]


def test_files_alone_need_no_database(fresh, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(TESTED)
    said = fresh("policy", "test", str(file), "--alone")
    assert (said.code, said.out) == (0, "2 passed, 0 failed\n")
    assert fresh("policy", "test", str(file)).code != 0


def test_faults_are_told_by_file_line_and_column_on_standard_error(policy):
    text = "grants:\n  - {subject: everyone, rol: reader, on: x}\n  - {subject: 'user:alice'}\n"
    for verb in ("plan", "apply", "test"):
        said = policy(verb, text)
        assert (said.code, said.out) == (2, "")
        places = [line.split(": ")[0] for line in said.err.splitlines()]
        at = [(2, 5), (2, 25), (3, 5), (3, 5)]
        assert places[:-1] == [f"{policy.file}:{line}:{column}" for line, column in at]
        assert said.err.splitlines()[-1] == ("authsvc: 4 faults in the policy; nothing was changed")


def test_what_is_not_there_is_told_all_at_once(policy):
    lines = [f"  - {{subject: 'user:zoe{n}', role: reader, on: x}}" for n in range(130)]
    said = policy("plan", "grants:\n" + "\n".join(lines))
    assert said.code == 2
    told = said.err.splitlines()
    assert len(told) == 101
    assert told[0] == f"{policy.file}:2:5: there is no user 'zoe0': see `authsvc user list`"
    assert told[-1] == "authsvc: 130 faults in the policy; nothing was changed"


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        pytest.param("roles: []", (), "role 'puller' would go", id="a role in use"),
        pytest.param(
            "groups: [{name: a, members: ['group:a']}]", (), "member of itself", id="a loop"
        ),
        pytest.param("grants: []", (), "no administrator", id="the last admin"),
        pytest.param("grants: []", ("--allow-lockout",), "no administrator", id="even if allowed"),
    ],
)
def test_what_a_rule_refuses_is_one_line_and_exit_1(policy, text, words, says):
    terminal = policy.terminal
    terminal.done("role", "add", "puller", "--allow", "repository:pull")
    terminal.done("grant", "add", "--to", "everyone", "--role", "puller", "--on", "x")
    terminal.done("grant", "add", "--to", "user:alice", "--role", "admin")
    said = policy("apply", text, "--prune", *words)
    assert (said.code, said.out) == (1, "")
    assert says in said.err
    assert said.err.count("\n") == 1


def test_a_folder_of_files_is_one_document_and_prunes_as_one(policy, tmp_path):
    folder = tmp_path / "policies"
    (folder / "below").mkdir(parents=True)
    (folder / "one.yaml").write_text("groups: [{name: devs, members: [alice, 'group:ops']}]")
    (folder / "below" / "two.json").write_text('{"groups": [{"name": "ops"}]}')
    for _ in range(2):
        assert policy.terminal("policy", "apply", str(folder), "--prune").code == 0
    assert [each["name"] for each in policy.terminal.done("group", "list")] == ["devs", "ops"]


def test_a_document_comes_by_standard_input(policy, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DEVS.encode())))
    said = policy.terminal("policy", "apply", "-")
    assert said.code == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"grants: [")))
    said = policy.terminal("policy", "apply", "-")
    assert said.code == 2
    assert said.err.startswith("<stdin>:2:1: ")


def test_what_is_exported_is_applied_to_no_effect(policy):
    terminal = policy.terminal
    assert policy("apply", TESTED).code == 0
    terminal.done("grant", "add", "--to", "user:file:zoe", "--role", "reader", "--on", "te*",
                  "--expires", "90d", "--cidr", "10.0.0.0/8", "--reason", "why: 'so'")  # fmt: skip
    for words in ((), ("--json",)):
        text = terminal("policy", "export", *words).out
        for prune in ((), ("--prune",)):
            said = policy("plan", text, "--exit-code", *prune)
            assert (said.code, said.out.count("no difference")) == (0, 1)
    assert "argon2" not in text
    assert "password" not in text


def test_an_export_makes_anew_what_was_taken_away(policy):
    assert policy("apply", DEVS).code == 0
    terminal = policy.terminal
    text = terminal("policy", "export").out
    for kind in ("registries", "groups", "grants"):
        assert policy("apply", f"{kind}: []", "--prune").code == 0
    assert "devs" not in terminal("policy", "export").out
    assert policy("apply", text).code == 0
    assert terminal("policy", "export").out == text


def test_more_differences_than_anybody_reads_are_a_count(policy):
    lines = [f"  - {{subject: everyone, role: reader, on: n{n}}}" for n in range(250)]
    said = policy("plan", "grants:\n" + "\n".join(lines))
    told = said.out.splitlines()
    assert sum(line.startswith("+ ") for line in told) == 200
    assert "and 50 more; --json shows them all" in told
    assert len(policy("plan", policy.file.read_text(), "--json").json["added"]["grants"]) == 250


def test_the_schema_is_json_and_tells_every_member(fresh):
    said = fresh("policy", "schema")
    assert said.code == 0
    assert {"registries", "namespaces", "roles", "groups", "grants", "tests"} <= set(
        said.json["properties"]
    )


@pytest.mark.parametrize(
    "words",
    [
        ("plan", ""),
        ("apply", "p.yaml", "--plan", ""),
        ("test", "p.yaml", "--alone", "--stored"),
        ("test", "p.yaml", "--alone", "--prune"),
        ("test", "p.yaml", "--stored", "--prune"),
        ("lint", "--alone"),
    ],
)
def test_what_makes_no_sense_together_is_said_and_not_ignored(fresh, words):
    said = fresh("policy", *words)
    assert said.code == 2
    assert said.err.count("\n") == 1


def test_a_plan_that_leaves_no_administrator_says_so_before_it_is_applied(policy):
    policy.terminal.done("grant", "add", "--to", "user:alice", "--role", "admin")
    said = policy("plan", "grants: []", "--prune")
    assert said.code == 0
    assert said.out.splitlines()[-2:] == [
        "warning: this would leave no administrator, so it is not applied",
        "to be removed: one grant; 0 as they should be already",
    ]
    assert policy("apply", "grants: []", "--prune").code == 1
