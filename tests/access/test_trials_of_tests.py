"""Tests beside a policy, run: what holds, what does not, and why."""

import pytest
from access.books import Book
from access.test_engine_and_oracle import situations
from access.world import NOW, Grant, World, a_registry
from hypothesis import HealthCheck, given, settings

from authsvc.access.askers import Asker
from authsvc.access.model import Rule, When
from authsvc.access.rulebook import Blank, Planned
from authsvc.access.sentences import parse_sentence
from authsvc.access.trials import alone, shape, told, tried

A = "user:local:alice"
TEAM = World(
    (
        Grant(A, "writer", "team"),
        Grant(A, "reader", "team/attic", effect="deny"),
        Grant("robot:ci", "reader", "team", cidrs=("10.0.0.0/8",)),
        Grant("group:devs", "maintainer", "other"),
        Grant("authenticated", "writer", "home/{username}/**"),
    ),
    namespaces=(("open", None, "public"), ("open/inner", None, "internal")),
    members=(("group:devs", A),),
)


def run(text, world=TEAM, **registries):
    sentence = parse_sentence(text)
    return tried(Book(world, **registries), sentence, alone(sentence), now=NOW)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("alice can pull,push team/app on reg", True),
        ("alice can pull,delete team/app on reg", False),
        ("alice cannot delete team/app on reg", True),
        ("alice cannot delete,pull team/app on reg", False),
        ("alice cannot pull team/attic on reg", True),
        ("alice can push team/attic on reg", True),
        ("alice can delete other/app on reg", True),
        ("alice can push home/alice/x on reg", True),
        ("user:corp:alice cannot pull team/app on reg", True),
        ("user:corp:alice can push home/alice/x on reg", True),
        ("robot:ci can pull team/app on reg from 10.1.2.3", True),
        ("robot:ci cannot pull team/app on reg from 192.0.2.1", True),
        ("robot:ci cannot pull team/app on reg", True),
        ("robot:ci can pull team/app on reg", False),
        ("anonymous can pull open/app on reg", True),
        ("anonymous cannot pull open/inner on reg", True),
        ("anonymous can pull team/app on reg", False),
        ("alice can pull team/app on off", False),
        ("alice cannot pull team/app on off", True),
        ("alice can pull team/app on still", True),
        ("alice cannot push team/app on still", True),
    ],
)
def test_a_test_holds_when_all_or_none_of_its_actions_are_granted(text, held):
    off = type(a_registry("off"))("off", False, False, None, "x5c", False)
    trial = run(text, off=off, still=a_registry("still", read_only=True))
    assert trial.held is held
    assert trial.fault is None


def test_who_cannot_sign_in_can_do_nothing():
    sentence = parse_sentence("alice cannot pull open/app on reg")
    asker = Asker(alone(sentence).principal, disabled=True)
    assert tried(Book(TEAM), sentence, asker, now=NOW).held


@pytest.mark.parametrize(
    ("text", "book", "fault"),
    [
        ("alice cannot pull a on gone", Book(TEAM), "there is no registry 'gone'"),
        ("alice cannot pull a", Book(TEAM),
         "there are several registries: end the test with 'on' and one of other, reg"),
        ("alice cannot pull a", Blank(), "there is no registry"),
    ],
)  # fmt: skip
def test_a_test_that_cannot_be_run_does_not_hold(text, book, fault):
    sentence = parse_sentence(text)
    trial = tried(book, sentence, alone(sentence), now=NOW)
    assert (trial.held, trial.fault, trial.explanation) == (False, fault, None)
    assert shape(trial) == {"text": text, "held": False, "fault": fault, "explanation": None}
    assert told(trial) == f"FAILED  {text}\n        {fault}"


def test_the_only_registry_need_not_be_named():
    base = Blank().base
    one = type(base)(0, {"reg": a_registry("reg")}, base.roles, {}, {})
    rule = Rule(-1, "reader", True, None, "team", A)
    sentence = parse_sentence("alice can pull team/app")
    book = Planned(Blank(), one, added={A: (rule,)})
    assert tried(book, sentence, alone(sentence), now=NOW).held


def test_a_failure_tells_the_answer_and_every_grant_that_was_considered():
    text = "alice can pull,push,delete team/attic on reg"
    trial = run(text)
    assert told(trial).splitlines() == [
        f"FAILED  {text}",
        "        push granted; delete denied (no_grant); pull denied (denied)",
        "        grant 1 allows writer on team to user:local:alice: counts",
        "        grant 2 denies reader on team/attic to user:local:alice: counts",
        "        role maintainer on team/attic would give what is missing",
    ]
    assert shape(trial)["explanation"]["granted"] == ["push"]
    assert shape(trial)["explanation"]["reasons"] == {"delete": "no_grant", "pull": "denied"}


def test_what_is_granted_although_it_must_not_be_names_no_further_grant():
    trial = run("anonymous cannot pull,push open/app on reg")
    assert told(trial).splitlines()[1:] == [
        "        pull granted; push denied (no_grant)",
        "        namespace open is public",
    ]


def test_a_grant_that_is_not_stored_yet_has_no_number():
    base = Book(World()).base
    rule = Rule(-3, "reader", True, None, "team", A, When(NOW, ()))
    sentence = parse_sentence("alice can pull team/app on reg")
    trial = tried(Planned(Blank(), base, added={A: (rule,)}), sentence, alone(sentence), now=NOW)
    assert "new grant allows reader on team to user:local:alice: expired" in told(trial)


def test_one_that_holds_is_one_line():
    assert told(run("alice can pull team/app on reg")) == "ok      alice can pull team/app on reg"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situation=situations())
def test_a_test_is_one_evaluation_by_what_decides_tokens(situation):
    world, principal, names = situation
    subject = principal.subject or "anonymous"
    for name in names:
        for action in ("pull", "push"):
            granted = world.ask(principal, f"repository:{name}:{action}").access
            sentence = parse_sentence(f"{subject} can {action} {name} on reg from 198.51.100.7")
            trial = tried(Book(world), sentence, Asker(principal), now=NOW)
            assert trial.held == bool(granted)
