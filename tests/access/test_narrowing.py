"""A decision made narrower gives less, says why, and never more."""

import pytest
from access.world import ALICE, Grant, World, given, refused

from authsvc.access.narrowing import all_but_pull, narrowed

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
