"""A plan warns of what `apply` refuses whatever else is wished: that no administrator is left."""

import pytest
from changes.policies import administered, applied, planned, stored

from authsvc.errors import Conflict

WARNING = "this would leave no administrator, so it is not applied"
CASES = [
    pytest.param("grants: []", True, id="all go"),
    pytest.param("grants: [{subject: 'user:root', role: admin}]", False, id="they stay"),
    pytest.param("grants: [{subject: 'user:bob', role: admin}]", False, id="another comes"),
    pytest.param("grants: [{subject: 'user:gone', role: admin}]", True, id="a disabled one"),
    pytest.param("grants: [{subject: 'user:corp:bob', role: admin}]", True, id="a directory's"),
    pytest.param("grants: [{subject: 'group:devs', role: admin}]", True, id="by a group"),
    pytest.param("grants: [{subject: 'user:bob', role: auditor}]", True, id="an auditor"),
    pytest.param(
        "grants: [{subject: 'user:bob', role: admin, effect: deny}]", True, id="a deny"
    ),
    pytest.param(
        "grants: [{subject: 'user:bob', role: admin, cidrs: [10.0.0.0/8]}]", True, id="by network"
    ),
    pytest.param(
        "grants: [{subject: 'user:bob', role: admin, expires_at: 2999-01-01T00:00:00Z}]", True,
        id="for a while",
    ),
    pytest.param("groups: []", False, id="grants are not spoken of"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "warned"), CASES)
def test_a_plan_says_that_no_administrator_would_be_left_where_apply_refuses(road, text, warned):
    administered(road).user("gone", enabled=False)
    plan, before = planned(road, text, prune=True), stored(road)
    assert plan["warnings"] == [WARNING] * warned
    assert planned(road, text)["warnings"] == []
    if warned:
        with pytest.raises(Conflict, match="no administrator"):
            applied(road, text, prune=True, lockout=True, plan=plan)
        assert stored(road) == before
    else:
        applied(road, text, prune=True, lockout=True, plan=plan)


def test_where_there_was_none_nothing_is_warned_of(road):
    road.user("root")
    road.grant("user:root", "reader", "team")
    assert planned(road, "grants: []", prune=True)["warnings"] == []
    applied(road, "grants: []", prune=True)
