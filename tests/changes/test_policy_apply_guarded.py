"""What stops `policy apply`, and what comes between: a stale plan, a lost right, other edits."""

import threading

import pytest
from changes.policies import applied, differing, planned, stored

from authsvc.access.questions import People
from authsvc.changes import grants, groups, users
from authsvc.changes.policy.apply import AGAIN
from authsvc.changes.spec import checked
from authsvc.errors import Conflict, Invalid, NotFound, Unavailable
from authsvc.protocol.names import parse_subject

TEXT = "grants: [{subject: 'user:bob', role: reader, on: team}]"
BOB = parse_subject("user:bob")


@pytest.fixture
def held(road):
    road.registry("a")
    for name in ("root", "alice", "bob"):
        road.user(name)
    road.grant("user:root", "admin")
    road.grant("user:alice", "owner", "team")
    road.group("devs", "alice")
    road.group("all", "group:devs")
    road.namespace("team")
    return road


def outcomes(road, since):
    return [(each["event"], each["outcome"]) for each in road.records()[since:]]


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


class Between:
    """Edits that come while an apply is being prepared: a test of it asks a directory then."""

    TEXT = TEXT + "\ntests: ['user:corp:zoe cannot pull nowhere']"

    def __init__(self, *edits):
        self.edits = list(edits)
        self.asked = 0

    def find(self, _source, _name):
        self.asked += 1
        if self.edits:
            self.edits.pop(0)()

    @property
    def people(self):
        return People(["corp"], self.find)


def test_an_edit_that_comes_between_is_seen_by_a_second_look(held):
    other = threading.Thread(
        target=held.grant, args=("user:bob", "reader", "team"), kwargs={"reason": "by another"}
    )

    def edit():
        other.start()
        other.join()

    between = Between(edit)
    plan = applied(held, between.TEXT, people=between.people)
    assert between.asked == 2
    assert [each["before"]["reason"] for each in plan["changed"]["grants"]] == ["by another"]
    assert plan["added"]["grants"] == []
    reasons = [each["reason"] for each in stored(held)["grants"] if each["role"] == "reader"]
    assert reasons == [""]


def test_what_speaks_against_it_only_then_refuses_it(held):
    between = Between(lambda: held.run(lambda tx: users.remove(tx, BOB)))
    with pytest.raises(Invalid) as caught:
        applied(held, between.TEXT, people=between.people)
    assert "there is no user 'bob'" in caught.value.faults[0][1]
    assert "user:local:bob" not in str(stored(held))


def test_however_many_edits_come_between_it_comes_to_an_end(held):
    edits = [lambda n=n: held.grant("everyone", "reader", f"n{n}") for n in range(AGAIN)]
    between = Between(*edits)
    applied(held, between.TEXT, people=between.people)
    assert between.asked == AGAIN + 1
    assert len(stored(held)["grants"]) == 2 + AGAIN + 1


def test_a_plan_that_was_given_is_stale_by_what_comes_between(held):
    between = Between(lambda: held.grant("everyone", "reader", "x"))
    plan = planned(held, between.TEXT)
    with pytest.raises(Conflict, match="has changed since"):
        applied(held, between.TEXT, plan=plan, people=between.people)


def test_a_right_that_is_taken_between_counts(held):
    held.grant("user:bob", "admin")
    between = Between(
        lambda: held.run(lambda tx: grants.remove(tx, held.grants()[0]["id"])),
    )
    with pytest.raises(NotFound):
        applied(held.as_("root"), between.TEXT, people=between.people)
    assert len(stored(held)["grants"]) == 2


def test_a_directory_that_does_not_answer_refuses_nothing_and_changes_nothing(held):
    def away(_source, _name):
        raise Unavailable("corp does not answer", what="corp")

    before, since = stored(held), len(held.records())
    with pytest.raises(Unavailable):
        applied(held, Between.TEXT, people=People(["corp"], away))
    assert stored(held) == before
    assert len(held.records()) == since


def run_at_once(*works):
    """All of these in a thread each, begun together; what each gave or raised."""
    barrier = threading.Barrier(len(works))
    found = [None] * len(works)

    def run(number, work):
        barrier.wait()
        try:
            found[number] = work()
        except Exception as error:  # noqa: BLE001 - told by the one who looks
            found[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def entries(word, count=60):
    lines = "\n".join(
        f"- {{subject: everyone, role: reader, on: {word}/n{i}}}" for i in range(count)
    )
    return f"grants:\n{lines}\nnamespaces: [{{name: {word}}}]"


def test_two_at_once_are_one_after_the_other_and_neither_is_lost(held):
    since = len(held.records())
    one, other = run_at_once(
        lambda: applied(held, entries("one")), lambda: applied(held, entries("other"))
    )
    for plan in (one, other):
        assert len(plan["added"]["grants"]) == 60
    places = [each["on"] for each in stored(held)["grants"]]
    assert sum(on.startswith("one/") for on in places) == 60
    assert sum(on.startswith("other/") for on in places) == 60
    assert outcomes(held, since) == [("policy", "granted")] * 2


def test_two_of_the_same_at_once_change_it_once(held):
    since = len(held.records())
    plans = run_at_once(*[lambda: applied(held, entries("one"))] * 3)
    added = sorted(len(plan["added"]["grants"]) for plan in plans)
    assert added == [0, 0, 60]
    assert outcomes(held, since) == [("policy", "granted")]


def test_pruning_beside_edits_takes_what_was_there_and_nothing_half(held):
    """Whatever the order: the grants of an edit go as a whole, or stay as a whole."""
    since = len(held.records())
    keeps = "{subject: 'user:root', role: admin}"

    def edits():
        spec = {"subject": "everyone", "role": "reader"}
        for number in range(20):
            held.run(
                lambda tx, n=number: grants.add(
                    tx, checked(grants.GrantSpec, {**spec, "on": f"n{n}"})
                )
            )

    plan, done = run_at_once(
        lambda: applied(held, f"grants: [{keeps}]\nnamespaces: [{{name: new}}]", prune=True), edits
    )
    assert done is None
    records = held.records()[since:]
    assert [each["outcome"] for each in records] == ["granted"] * 21
    at = next(n for n, each in enumerate(records) if each["event"] == "policy")
    gone = [each["on"] for each in plan["removed"]["grants"] if each["on"].startswith("n")]
    assert gone == [f"n{n}" for n in range(at)]
    left = {each["on"] for each in stored(held)["grants"]}
    assert left == {"**", *(f"n{n}" for n in range(at, 20))}
