"""A decision made narrower gives less, says why, and never more."""

import pytest
from access.world import ALICE, Grant, World, given, refused

from authsvc.access.narrowing import all_but_pull, narrowed, outside_of
from authsvc.protocol.scope import parse_entry

WORLD = World(
    grants=(
        Grant("user:local:alice", "maintainer", "team"),
        Grant("user:local:alice", "catalog-reader"),
    )
)
CASES = [
    pytest.param("repository:team/app:pull", ["repository:team/app:pull"], [], id="pull stays"),
    pytest.param("repository:team/app:pull,push", ["repository:team/app:pull"],
                 [("push", "source_down", None)], id="push goes"),
    pytest.param("repository:team/app:delete", [], [("delete", "source_down", None)], id="delete"),
    pytest.param("registry:catalog:*", [], [("*", "source_down", None)], id="the catalog"),
    pytest.param("repository:ops/app:pull,push", [],
                 [("pull", "no_grant", None), ("push", "no_grant", None)], id="what was refused"),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "granted", "reasons"), CASES)
def test_all_but_pull_is_taken_away_with_its_reason(scope, granted, reasons):
    decision = narrowed(WORLD.ask(ALICE, scope), all_but_pull)
    assert given(decision) == granted
    assert sorted(refused(decision)) == reasons


@pytest.mark.parametrize(
    ("held", "asked", "granted"),
    [
        ("repository:*:pull", "repository::pull", []),
        ("repository:**:pull", "repository::pull", []),
        ("repository:**:pull", "registry:catalog:*", []),
        ("registry:catalog:*", "repository::pull", ["repository::pull"]),
        ("registry:catalog:*", "repository::*", ["repository::pull"]),
        ("registry:catalog:*", "registry:catalog:*", ["registry:catalog:*"]),
        ("registry:catalog:*", "repository:team/app:pull", []),
    ],
)
def test_the_list_of_all_repositories_is_no_repository_that_a_scope_covers(held, asked, granted):
    """zot asks for it as a repository without a name, which a glob would cover."""
    scope = parse_entry(held, globs=True)
    assert scope is not None
    assert given(narrowed(WORLD.ask(ALICE, asked), outside_of([scope]))) == granted
