"""`authsvc policy` about robots: those that files make have no secret, and are named."""

import pytest

from authsvc.protocol.secrets import kind_of

ROBOTS = """\
robots:
  - {name: ci, namespace: team, role: writer, cidrs: [10.0.0.0/8]}
  - {name: off, namespace: team, role: reader, enabled: false}
grants:
  - {subject: "robot:ci", role: reader, on: base}
tests:
  - robot:ci can push team/app
  - robot:off cannot pull team/app
"""


@pytest.fixture
def policy(terminal, tmp_path):
    """Writes a policy file and calls a verb on it, over a registry."""
    terminal.done("registry", "add", "reg.test:5000")
    file = tmp_path / "policy.yaml"

    def call(verb, text, *words):
        file.write_text(text)
        return terminal("policy", verb, str(file), *words)

    return call


def test_a_plan_says_what_robots_come_and_what_they_gain(policy):
    assert policy("plan", ROBOTS).out == (
        "+ grant subject robot:ci, role reader, on base\n"
        "+ robot name ci, namespace team, role writer, enabled yes, cidrs 10.0.0.0/8\n"
        "+ robot name off, namespace team, role reader, enabled no\n"
        "  robot:ci gains pull on base\n"
        "  robot:ci gains pull, push on team\n"
        "to be added: one grant, 2 robots; 0 as they should be already\n"
    )


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_who_came_without_a_secret_is_named_once(policy, terminal, words):
    said = policy("apply", ROBOTS, *words)
    assert (said.code, said.err.splitlines()[-1].endswith(": ci, off")) == (0, True)
    assert "authsvc robot rotate NAME" in said.err
    assert policy("apply", ROBOTS, *words).err == ""
    assert "no secret: `robot rotate` makes one" in terminal("robot", "show", "ci").out
    assert kind_of(terminal.done("robot", "rotate", "ci")["secret"]) == "rob"
    assert terminal.done("policy", "export")["robots"] == [
        {"name": "ci", "namespace": "team", "role": "writer", "cidrs": ["10.0.0.0/8"]},
        {"name": "off", "namespace": "team", "role": "reader", "enabled": False},
    ]
    assert policy("plan", ROBOTS, "--prune", "--exit-code").code == 0


def test_of_very_many_the_first_are_named(policy):
    entries = "".join(f"  - {{name: r{n:02}, namespace: team, role: reader}}\n" for n in range(30))
    said = policy("apply", f"robots:\n{entries}")
    assert said.err.endswith(": " + ", ".join(f"r{n:02}" for n in range(20)) + ", and 10 more\n")


def test_what_moves_of_a_robot_is_shown(policy):
    assert policy("apply", ROBOTS).code == 0
    said = policy("plan", "robots: [{name: ci, namespace: team, role: reader}]", "--prune")
    assert said.out.splitlines()[:4] == [
        "~ robot ci (role writer -> reader; cidrs -10.0.0.0/8)",
        "- robot name off, namespace team, role reader, enabled no",
        "  robot:ci loses push on team",
        "to be changed: one robot; to be removed: one robot; 0 as they should be already",
    ]


def test_tests_of_robots_are_the_same_with_a_database_and_without(policy):
    wrong = ROBOTS + "  - robot:off can pull team/app\n  - robot:ci can pull team/app\n"
    for words in ((), ("--alone",)):
        assert policy("test", ROBOTS, *words).out == "2 passed, 0 failed\n"
        said = policy("test", wrong, *words)
        assert (said.code, said.out.splitlines()[-1]) == (1, "3 passed, 1 failed")
        assert "FAILED  robot:off can pull team/app" in said.out


def test_a_robot_of_a_file_that_would_move_is_refused_where_it_stands(policy):
    assert policy("apply", ROBOTS).code == 0
    said = policy("apply", "robots:\n  - {name: ci, namespace: other, role: reader}\n")
    assert said.code == 2
    assert "policy.yaml:2:5: robot 'ci' is of 'team' in all registries" in said.err
    assert "`authsvc robot remove ci`" in said.err
