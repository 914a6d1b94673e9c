"""What stops `policy apply`, and what comes between: a stale plan, a lost right, other edits."""

import pytest
from changes.policies import administered, applied, differing, outcomes, planned, stored

from authsvc.changes import groups, users
from authsvc.errors import Conflict, NotFound
from authsvc.protocol.names import parse_subject

TEXT = "grants: [{subject: 'user:bob', role: reader, on: team}]"
BOB = parse_subject("user:bob")


@pytest.fixture
def held(road):
    return administered(road)


def test_a_plan_is_applied_as_it_was_made(held):
    plan = planned(held, TEXT)
    assert differing(applied(held, TEXT, plan=plan)) == differing(plan)


def refused(road):
    with pytest.raises(Conflict):
        road.registry("a")


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(lambda road: road.user("zoe"), id="a person comes"),
        pytest.param(
            lambda road: road.run(lambda tx: users.set_password(tx, BOB, "h")), id="a new password"
        ),
        pytest.param(
            lambda road: road.run(lambda tx: users.set_enabled(tx, BOB, enabled=False)),
            id="somebody is disabled",
        ),
        pytest.param(
            lambda road: road.run(lambda tx: users.revoke(tx, BOB)), id="somebody is revoked"
        ),
        pytest.param(refused, id="a refused change"),
        pytest.param(lambda road: road.grant("user:root", "admin"), id="what was so already"),
    ],
)
def test_a_plan_holds_while_the_policy_is_the_same(held, between):
    plan = planned(held, TEXT)
    between(held)
    assert differing(applied(held, TEXT, plan=plan)) == differing(plan)


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(lambda road: road.grant("everyone", "reader", "x"), id="a grant comes"),
        pytest.param(
            lambda road: road.take_back(road.grant("everyone", "reader", "x")), id="and goes"
        ),
        pytest.param(
            lambda road: road.change(road.grants()[1], reason="why"), id="a reason is another"
        ),
        pytest.param(lambda road: road.namespace("x"), id="a namespace comes"),
        pytest.param(lambda road: road.show("team", "public"), id="a visibility is another"),
        pytest.param(lambda road: road.unregister("team"), id="a namespace goes"),
        pytest.param(lambda road: road.registry("b"), id="a registry comes"),
        pytest.param(lambda road: road.role("new", "repository:pull"), id="a role comes"),
        pytest.param(lambda road: road.group("new"), id="a group comes"),
        pytest.param(
            lambda road: road.run(lambda tx: groups.add_members(tx, "devs", (BOB,))),
            id="a member comes",
        ),
        pytest.param(
            lambda road: road.run(lambda tx: users.remove(tx, parse_subject("user:alice"))),
            id="a person goes, with what they hold",
        ),
        pytest.param(lambda road: applied(road, "registries: [{name: b}]"), id="another apply"),
    ],
)
def test_a_plan_is_stale_after_another_change_of_the_policy(held, between):
    plan = planned(held, TEXT)
    between(held)
    before, since = stored(held), len(held.records())
    with pytest.raises(Conflict, match="has changed since"):
        applied(held, TEXT, plan=plan)
    assert stored(held) == before
    assert outcomes(held, since) == [("policy", "refused")]


@pytest.mark.parametrize(
    ("text", "prune", "says"),
    [
        pytest.param(TEXT.replace("reader", "writer"), False, "other files", id="other files"),
        pytest.param(TEXT.replace("}]", ", reason: why}]"), False, "other files", id="a reason"),
        pytest.param("grants: []", False, "other files", id="nothing to do"),
        pytest.param(TEXT, True, "without --prune", id="prune"),
    ],
)
def test_a_plan_of_something_else_is_refused(held, text, prune, says):
    plan = planned(held, TEXT)
    with pytest.raises(Conflict, match=says):
        applied(held, text, prune=prune, plan=plan)
    with pytest.raises(Conflict, match="with --prune"):
        applied(held, TEXT, plan=planned(held, TEXT, prune=True))


@pytest.mark.parametrize("plan", [{}, {"stored": "1"}, {"stored": None, "sha256": 0, "prune": 0}])
def test_what_is_no_plan_is_not_taken_for_one(held, plan):
    with pytest.raises(Conflict):
        applied(held, TEXT, plan=plan)


ROOT_KEEPS = "{subject: 'user:bob', role: admin}"
LOCKED_OUT = [
    pytest.param(
        "root", f"grants: [{ROOT_KEEPS}]", "own right: admin", id="an admin whose grant goes"
    ),
    pytest.param(
        "root", f"grants: [{ROOT_KEEPS}, {{subject: 'user:root', role: admin, expires_at:"
        " 2030-01-01T00:00:00Z}]", None,
        id="an admin whose grant will end is one still",
    ),
    pytest.param(
        "alice", "grants: []", "own right: owner at 'team'", id="an owner whose grant goes"
    ),
    pytest.param(
        "alice",
        "grants: [{subject: 'user:alice', role: owner, on: team,"
        " expires_at: 2030-01-01T00:00:00Z}]",
        "own right: owner at 'team'", id="an owner whose right gets an end",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "says"), LOCKED_OUT)
def test_nobody_takes_their_own_right_by_accident(held, name, text, says):
    actor = held.as_(name)
    if says is None:
        applied(actor, text, prune=True)
        return
    before, since = stored(held), len(held.records())
    with pytest.raises(Conflict, match=says):
        applied(actor, text, prune=True)
    assert stored(held) == before
    assert outcomes(held, since) == [("policy", "refused")]
    applied(actor, text, prune=True, lockout=True)
    assert stored(held) != before


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("groups: [{name: devs}, {name: all, members: ['group:devs']}]", id="member"),
        pytest.param(
            "groups: [{name: devs, members: [alice]}, {name: all}]", id="group in a group"
        ),
        pytest.param("groups: [{name: devs, members: [alice]}]", id="the group"),
    ],
)
def test_nor_an_admin_theirs_through_groups(held, text):
    held.grant("group:all", "admin")
    alice = held.as_("alice")
    with pytest.raises(Conflict, match="own right: admin"):
        applied(alice, text, prune=True)
    applied(alice, text, prune=True, lockout=True)
    with pytest.raises(NotFound):
        applied(alice, text, prune=True)


def test_the_command_line_locks_nobody_out(held):
    applied(held, f"grants: [{ROOT_KEEPS}]", prune=True)


def test_the_last_admin_stays_even_if_allowed_to_lock_oneself_out(held):
    before = stored(held)
    for road in (held, held.as_("root")):
        with pytest.raises(Conflict, match="no administrator"):
            applied(road, "grants: []", prune=True, lockout=True)
    assert stored(held) == before


def test_twice_is_once(held):
    applied(held, TEXT)
    since, commits = len(held.records()), len(held.committed)
    plan = applied(held, TEXT)
    assert differing(plan) == {}
    assert plan["unchanged"] == 1
    assert (len(held.records()), len(held.committed)) == (since, commits)


def test_the_record_holds_the_plan_and_nothing_else(held):
    since = len(held.records())
    text = "groups: [{name: devs, members: [bob]}]\n" + TEXT
    plan = applied(held, text)
    (record,) = held.records()[since:]
    assert (record["event"], record["outcome"]) == ("policy", "granted")
    assert record["after"] == differing(plan)
    assert record["before"] is None


def test_a_record_stays_short_however_long_a_group_is(held):
    names = ", ".join(f"'file:{'x' * 200}{n}'" for n in range(10_000))
    since = len(held.records())
    applied(held, f"groups: [{{name: new, members: [{names}]}}]")
    (record,) = held.records()[since:]
    assert record["after"].keys() == {"counts", "sha256"}
    assert record["after"]["counts"] == {"added": {"groups": 1}}
