"""Rules with `${account}` that may meet one another are compared no further than there is time."""

import json

import pytest

from authsvc.changes.imports.docker_auth import configuration, order
from authsvc.changes.imports.docker_auth.translation import translated

HASH = "$2y$05$LO.vzwpWC5LZGqThvEfznu8qhb5SGqvBSWY1J3yZ4AxtMRZ3kN5jC"
USERS = {f"u{number}": {"password": HASH} for number in range(9)}
LESS = {"match": {"name": "a*/${account}"}, "actions": ["pull"]}
MORE = {"match": {"name": "*b/${account}"}, "actions": ["pull", "push"]}
NONE = {"match": {"name": "*/x-${account}"}, "actions": []}
OTHER = {"match": {"name": "open/*"}, "actions": ["pull"]}


@pytest.fixture
def becomes(monkeypatch):
    """What becomes of rules where so many accounts are compared."""

    def of(most, *rules):
        monkeypatch.setattr(order, "MOST_COMPARED", most)
        data = json.dumps({"users": USERS, "acl": rules}).encode()
        found = translated(configuration.read("x.yml", data), accept_wider=False)
        return [row.becomes for row in found.rows if "actions=" in row.text]

    return of


def test_what_is_beyond_is_listed_with_a_proposal_and_not_granted(becomes):
    first, second, third, last = becomes(10, LESS, MORE, MORE, OTHER)
    assert [spec.on for spec in first.grants] == ["a*/{username}"]
    assert (second.grants, third.grants) == ((), ())
    assert second.reason.startswith("line 1 comes first and gives less")
    assert third.reason.startswith("rules above it may come first, but names with ${account}")
    assert third.proposal == (
        "authsvc grant add --to authenticated --role writer --on '*b/{username}'"
    )
    assert [spec.on for spec in last.grants] == ["open/*"]


def test_within_the_bound_nothing_is_said_of_it(becomes):
    first, second, third, last = becomes(20, LESS, MORE, MORE, OTHER)
    assert third.reason == second.reason
    assert first.grants
    assert last.grants


def test_a_rule_that_may_keep_others_from_giving_is_listed_with_a_denial(becomes):
    kept, _ = becomes(0, NONE, {**OTHER, "match": {"name": "open/*"}})
    assert kept.grants == ()
    assert kept.reason.startswith("it may keep rules below it from giving, but names with")
    assert kept.proposal.endswith("--deny")
