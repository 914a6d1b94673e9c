"""Lint: what a policy allows and hardly means to, with its place and the word of its rule."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from authsvc.changes.policy.document import parse
from authsvc.changes.policy.linted import linted, linted_alone, linted_stored
from authsvc.principal import SYSTEM

NOW = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
ROOT = Path(__file__).parent.parent.parent
ABOUT = """
groups: [{name: devs, members: ["file:zoe"]}, {name: hollow},
  {name: nested, members: ["group:hollow"]}]
namespaces: [{name: open, visibility: public}, {name: inside, visibility: internal}]
roles: [{name: pusher, allow: ["repository:push"]}]
grants:
  - {subject: everyone, role: reader, on: given}
"""


ENDING = "{{subject: 'group:devs', role: reader, on: a, expires_at: '{}'}}"
DATED = "{{subject: 'group:a', role: owner, on: b, reason: to 2027-01-31, expires_at: '{}'}}"


def findings(grant, about=ABOUT):
    found = linted_alone(parse([("p.yaml", f"{about}  - {grant}\n".encode())]), now=NOW)
    return [(each.place, each.rule) for each in found if each.place == "p.yaml:8:5"]


@pytest.mark.parametrize(
    ("grant", "rules"),
    [
        ("{subject: everyone, role: reader, on: team}", []),
        ("{subject: everyone, role: writer, on: team}", ["wide"]),
        ("{subject: everyone, role: pusher, on: team}", ["wide"]),
        ("{subject: everyone, role: catalog-reader}", ["wide"]),
        ("{subject: authenticated, role: owner, on: team}", ["wide"]),
        ("{subject: authenticated, role: auditor}", ["wide"]),
        ("{subject: authenticated, role: maintainer, on: 'users/{username}/**'}", []),
        ("{subject: authenticated, role: maintainer, on: 'users/x{username}/**'}", ["wide"]),
        ("{subject: authenticated, role: maintainer, on: '**/{username}/**'}", ["wide"]),
        ("{subject: everyone, role: maintainer, on: 'users/{username}/**'}", ["wide"]),
        ("{subject: everyone, role: writer, on: team, effect: deny}", []),
        ("{subject: 'group:devs', role: reader, on: '**'}", ["everywhere"]),
        ("{subject: 'group:devs', role: catalog-reader}", []),
        ("{subject: 'group:devs', role: reader, on: '**', effect: deny}", ["escaped"]),
        ("{subject: 'group:hollow', role: pusher, on: team, effect: deny}", ["nobody"]),
        ("{subject: 'group:nested', role: pusher, on: team, effect: deny}", ["nobody"]),
        ("{subject: 'group:devs', role: pusher, on: team, effect: deny}", []),
        ("{subject: 'group:corp:all', role: pusher, on: team, effect: deny}", []),
        ("{subject: 'group:elsewhere', role: pusher, on: team, effect: deny}", []),
        ("{subject: 'user:file:zoe', role: reader, on: open/x, effect: deny}", ["escaped"]),
        ("{subject: 'user:file:zoe', role: reader, on: given/x, effect: deny}", ["escaped"]),
        ("{subject: authenticated, role: reader, on: open, effect: deny}", ["escaped"]),
        ("{subject: everyone, role: reader, on: open, effect: deny}", []),
        ("{subject: 'user:file:zoe', role: reader, on: inside, effect: deny}", []),
        ("{subject: 'user:file:zoe', role: pusher, on: open, effect: deny}", []),
        ("{subject: 'group:devs', role: reader, on: '{username}/**'}", ["root"]),
        ("{subject: 'group:devs', role: reader, on: '{username}-lab/**'}", ["root"]),
        ("{subject: 'user:file:zoe', role: owner, on: team}", []),
        ("{subject: 'user:file:zoe', role: owner, on: team, reason: a project}", ["outlives"]),
        ("{subject: 'group:devs', role: owner, on: team, reason: a project}", []),
        ("{subject: 'group:devs', role: owner, on: team, reason: to 2027-01-31}", ["outlives"]),
        (DATED.format("2027-01-31T09:00:00Z"), []),
        (DATED.format("2027-02-01T09:00:00Z"), ["outlives"]),
        ("{subject: 'group:devs', role: owner, on: team, reason: of 2027-13-31}", []),
        ("{subject: 'user:file:zoe', role: writer, on: team, reason: a project}", []),
        (ENDING.format("2026-12-07T00:00:00Z"), ["ends"]),
        (ENDING.format("2026-11-01T00:00:00Z"), ["ends"]),
        (ENDING.format("2026-12-09T00:00:00Z"), []),
        ("{subject: 'group:devs', role: reeder, on: a}", ["unknown"]),
    ],
)  # fmt: skip
def test_what_is_hardly_meant_is_found_at_its_place(grant, rules):
    assert [rule for _, rule in findings(grant)] == rules


OPEN = """
registries: [{{name: one}}, {{name: two, enabled: false}}]
namespaces:
  - {{name: open, visibility: public}}
  - {{name: open/inner, registry: one, visibility: private}}
grants:
  - {{subject: everyone, role: reader, on: "*/base"}}
  - {{subject: everyone, role: reader, on: shut, effect: deny}}
  - {{subject: "{}", role: {}, on: "{}", effect: deny}}
"""


@pytest.mark.parametrize(
    ("subject", "role", "on", "escaped"),
    [
        ("user:file:zoe", "reader", "team", "team/base"),
        ("user:file:zoe", "reader", "team/*", "team/base"),
        ("user:file:zoe", "reader", "*a*/*b*", "a/base"),
        ("user:file:zoe", "reader", "open/inner", None),
        ("user:file:zoe", "reader", "open/other", "open/other"),
        ("robot:ci", "writer", "**", "open"),
        ("group:devs", "reader", "home/{username}/*", None),
        ("group:devs", "reader", "{username}/base", "somebody/base"),
        ("user:file:a/b", "reader", "{username}/base", None),
        ("user:file:zoe", "reader", "shut", None),
    ],
)
def test_a_deny_is_compared_with_all_that_is_open_where_it_lies(subject, role, on, escaped):
    found = linted_alone(parse([("p.yaml", OPEN.format(subject, role, on).encode())]), now=NOW)
    said = [each.text for each in found if each.rule == "escaped"]
    assert [text.split("'")[1] for text in said] == [escaped] * bool(escaped)


def test_many_denies_among_many_open_places_end_with_a_word():
    spaces = "".join(f"  - {{name: open{n}, visibility: public}}\n" for n in range(2_000))
    denies = "".join(
        f"  - {{subject: 'user:file:u{n}', role: reader, on: 'x**{n}', effect: deny}}\n"
        for n in range(2_000)
    )
    text = f"registries: [{{name: one}}]\nnamespaces:\n{spaces}grants:\n{denies}"
    (found,) = linted_alone(parse([("p.yaml", text.encode())]), now=NOW)
    assert (found.rule, "too much to compare" in found.text) == ("escaped", True)


def test_findings_come_in_the_order_of_files_and_lines():
    lines = "\n".join(f"  - {{subject: everyone, role: writer, on: n{n}}}" for n in range(12))
    files = [(name, f"grants:\n{lines}\n".encode()) for name in ("b.yaml", "a.yaml")]
    places = [each.place for each in linted_alone(parse(files), now=NOW)]
    assert places == [f"{file}:{line}:5" for file in ("a.yaml", "b.yaml") for line in range(2, 14)]


@pytest.mark.parametrize("path", ["example.yaml", "company"])
def test_nothing_is_to_be_said_of_the_examples(path):
    found = ROOT / "policies" / path
    files = sorted(found.glob("*.yaml")) if found.is_dir() else [found]
    assert linted_alone(parse([(file.name, file.read_bytes()) for file in files]), now=NOW) == []


def test_names_are_looked_for_in_the_files_and_in_what_is_stored(road):
    road.registry("stored")
    road.user("alice")
    road.group("ops", "alice")
    document = parse([("p.yaml", b"""
groups: [{name: devs, members: [alice, alicia, "group:ops"]}]
grants:
  - {subject: "group:devs", role: reader, on: a, registry: stored}
  - {subject: "group:opps", role: reader, on: a}
  - {subject: "user:alicee", role: reeder, on: a, registry: stord}
  - {subject: "user:flie:x", role: reader, on: a}
tests: ["anonymous can pull a/b on stord"]
""")])  # fmt: skip
    found = road.unit_of_work.look(SYSTEM, lambda tx: linted(tx, document))
    said = [(each.place, each.text) for each in found]
    assert [place for place, _ in said] == [
        "p.yaml:2:10", "p.yaml:5:5", "p.yaml:6:5", "p.yaml:6:5", "p.yaml:6:5", "p.yaml:7:5",
        "p.yaml:8:9",
    ]  # fmt: skip
    assert said[1] == ("p.yaml:5:5", "there is no group 'opps': did you mean 'ops'?")
    assert {text for place, text in said if place == "p.yaml:6:5"} == {
        "there is no user 'alicee': did you mean 'alice'?",
        "there is no role 'reeder': did you mean 'reader'?",
        "there is no registry 'stord': did you mean 'stored'?",
    }
    assert said[5][1] == "there is no source 'flie': did you mean 'file'?"


def test_what_is_stored_is_looked_through_and_named_by_its_id(road):
    road.registry("a")
    road.group("hollow")
    road.grant("everyone", "writer", "team")
    (grant,) = road.grants()
    found = road.unit_of_work.look(SYSTEM, linted_stored)
    assert [(each.place, each.rule) for each in found] == [(f"grant {grant['id']}", "wide")]
