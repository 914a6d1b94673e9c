"""Other edits beside `policy apply`: seen by a second look, and never lost or half."""

import threading

import pytest
from changes.policies import administered, applied, outcomes, planned, stored

from authsvc.access.questions import People
from authsvc.changes import grants, users
from authsvc.changes.policy.apply import AGAIN
from authsvc.changes.spec import checked
from authsvc.errors import Conflict, Invalid, NotFound, Unavailable
from authsvc.protocol.names import parse_subject

TEXT = "grants: [{subject: 'user:bob', role: reader, on: team}]"
BOB = parse_subject("user:bob")


@pytest.fixture
def held(road):
    return administered(road)


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
    assert between.asked == AGAIN  # within the lock no directory is asked
    assert len(stored(held)["grants"]) == 2 + AGAIN + 1


def test_changes_that_were_refused_come_between_without_effect(held):
    def refused():
        with pytest.raises(NotFound):
            held.run(lambda tx: users.remove(tx, parse_subject("user:nobody")))

    between = Between(refused)
    applied(held, between.TEXT, people=between.people)
    assert between.asked == 1


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
