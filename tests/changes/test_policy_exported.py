"""`policy export`: what is stored, without secrets, in an order that makes a good diff."""

import json

import factories
from changes.machines import robot
from changes.policies import applied, differing, export, planned, stored
from changes.random_stores import AWKWARD, REMARKS

from authsvc.changes import groups, people
from authsvc.changes.policy.document import KINDS, parse
from authsvc.changes.policy.export import exported
from authsvc.principal import Kind, Principal
from authsvc.protocol.names import is_service, is_user_name, parse_subject


def told(road):
    """The export as `--json` prints it."""
    return road.unit_of_work.look(road.actor, exported)


def settled(road):
    """Whether applying the export as YAML and as JSON changes nothing, with prune and without."""
    return all(
        differing(planned(road, text, prune=prune)) == {}
        for text in (export(road), json.dumps(told(road)))
        for prune in (False, True)
    )


def company(road, order=1):
    """The same policy, made in one order or in the other."""
    road.registry("a")
    for name in ("zoe", "alice")[::order]:
        road.user(name)
    road.group("ops")
    for name in ("zoe", "alice")[::order]:
        road.run(lambda tx, n=name: groups.add_members(tx, "ops", (parse_subject(f"user:{n}"),)))
    for name in ("team", "team/a", "b")[::order]:
        road.namespace(name, visibility="public")
    for on in ("team", "b", "team/a")[::order]:
        road.grant("user:zoe", "reader", on)
        road.grant("everyone", "reader", on, effect="deny", cidrs=["10.0.0.0/8"], reason="why: so")
    road.role("puller", "repository:pull")
    road.namespace("b", registry="a")
    road.registry("b", ttl=300, read_only=True)
    robot(road)
    robot(
        road, "scan", "b", "puller", registry="a", enabled=False,
        expires_at="2027-12-31T00:00:00Z", cidrs=["10.0.0.0/8"],
    )  # fmt: skip


def test_the_text_is_one_entry_a_line_and_one_member_a_line(road):
    company(road)
    assert (
        export(road)
        == """\
registries:
  - {name: a}
  - {name: b, read_only: true, ttl: 300}
namespaces:
  - {name: b, visibility: public}
  - {name: b, registry: a}
  - {name: team, visibility: public}
  - {name: team/a, visibility: public}
roles:
  - {name: puller, allow: ["repository:pull"]}
groups:
  - name: ops
    members:
      - "user:local:alice"
      - "user:local:zoe"
grants:
  - {subject: everyone, role: reader, on: b, effect: deny, cidrs: ["10.0.0.0/8"], reason: "why: so"}
  - {subject: "user:local:zoe", role: reader, on: b}
  - {subject: everyone, role: reader, on: team, effect: deny, cidrs: ["10.0.0.0/8"], reason: "why: so"}
  - {subject: "user:local:zoe", role: reader, on: team}
  - {subject: everyone, role: reader, on: team/a, effect: deny, cidrs: ["10.0.0.0/8"], reason: "why: so"}
  - {subject: "user:local:zoe", role: reader, on: team/a}
robots:
  - {name: ci, namespace: team, role: writer}
  - {name: scan, namespace: b, role: puller, registry: a, enabled: false, expires_at: "2027-12-31T00:00:00Z", cidrs: ["10.0.0.0/8"]}
"""  # noqa: E501 - as it is printed
    )
    assert settled(road)


def test_the_order_is_not_that_in_which_it_was_made(road):
    company(road, order=-1)
    assert export(road).splitlines()[12:15] == [
        "    members:",
        '      - "user:local:alice"',
        '      - "user:local:zoe"',
    ]
    subjects = [(each["on"], each["subject"]) for each in told(road)["grants"]]
    assert subjects == sorted(subjects)


def test_nothing_stored_is_an_export_too(road):
    assert (
        export(road)
        == "registries: []\nnamespaces: []\nroles: []\ngroups: []\ngrants: []\nrobots: []\n"
    )
    assert settled(road)


def test_the_json_holds_what_the_text_holds(road):
    company(road)
    one, other = (parse([("p", text.encode())]) for text in (export(road), json.dumps(told(road))))
    for kind in KINDS:
        assert [e.spec for e in getattr(one, kind)] == [e.spec for e in getattr(other, kind)]


def test_no_people_and_no_secret_are_in_it(road):
    company(road)
    road.user("hermit")
    for text in (export(road), json.dumps(told(road))):
        assert "hermit" not in text
        assert "argon2" not in text
        assert '"id"' not in text


def test_names_that_look_like_something_else_stay_names(road):
    names = [each for each in AWKWARD if is_user_name(each)]
    for name in names:
        road.user(name)
        road.group(name, name, f"file:{name}", f"group:corp:{name}")
        road.grant(f"group:{name}", "reader", "team")
    services = [each for each in AWKWARD if is_service(each)]
    for name in services:
        road.registry(name)
        road.namespace("team", registry=name)
    read = parse([("p", export(road).encode())])
    assert {each.spec.name for each in read.groups} == set(names)
    assert {each.spec.name for each in read.registries} == set(services)
    assert settled(road)


def test_reasons_are_kept_to_the_letter(road):
    for number, reason in enumerate(REMARKS):
        road.grant("everyone", "reader", f"n{number}", reason=reason)
    assert settled(road)
    text = export(road)
    applied(road, "grants: []", prune=True)
    applied(road, text)
    assert sorted(each["reason"] for each in stored(road)["grants"]) == sorted(REMARKS)


def test_a_grant_that_has_ended_stays_until_it_is_left_out(road):
    road.grant("everyone", "reader", "team", expires_at="2027-02-01T00:00:00Z")
    road.clock.wall += 86_400 * 365
    assert "2027-02-01" in export(road)
    assert settled(road)
    plan = applied(road, "grants: []", prune=True)
    assert len(plan["removed"]["grants"]) == 1


def test_a_registry_on_the_other_header_stays_on_it(road):
    with road.database.write() as session:
        factories.key(session)
    road.registry("a", key_header="libtrust")
    assert "key_header: libtrust" in export(road)
    assert settled(road)


def test_people_of_a_directory_are_named_seen_or_not_and_after_they_gave_their_name_away(road):
    road.grant("user:corp:alice", "reader", "team")
    road.grant("user:corp:yan", "reader", "team")
    road.grant("group:corp:builders", "reader", "team")
    road.group("devs", "corp:alice", "corp:yan")
    assert settled(road)
    for identity in ("id-1", "id-2"):
        who = Principal(Kind.USER, "corp", "alice", identity)
        road.run(lambda tx, w=who: people.settle(tx, w))
        assert settled(road)
    assert any("retired" in each for each in stored(road)["groups"][0]["members"])
    road.grant("user:corp:alice", "reader", "team")
    assert settled(road)


def test_an_auditor_exports_all_and_somebody_without_rights_nothing(road):
    company(road)
    road.user("audrey")
    road.grant("user:audrey", "auditor")
    road.user("nobody")
    assert told(road.as_("audrey")) == told(road)
    assert not any(told(road.as_("nobody")).values())
