"""Roles: those built in, and what a custom one may hold (contract section 5)."""

import pytest
from access import oracle

from authsvc.access.model import PolicyBase, Rule
from authsvc.access.roles import BUILT_IN, custom, role_of
from authsvc.errors import Invalid


def test_built_in_roles_are_those_of_the_contract():
    said = {
        name: set(role.repository) | ({"catalog"} if role.catalog else set())
        for name, role in BUILT_IN.items()
    }
    assert said == oracle.ROLES


@pytest.mark.parametrize(
    ("allow", "repository", "catalog"),
    [
        (["repository:push"], {"push"}, False),
        (["repository:pull,push", "repository:delete"], {"pull", "push", "delete"}, False),
        (["registry:catalog:*"], set(), True),
        (["repository:pull", "registry:catalog:*"], {"pull"}, True),
    ],
)
def test_a_custom_role_is_a_set_of_actions_and_the_catalog(allow, repository, catalog):
    role = custom("mine", allow)
    assert (role.name, role.repository, role.catalog) == ("mine", repository, catalog)


@pytest.mark.parametrize(
    "allow",
    [
        [],
        ["repository:"],
        ["repository:pull,"],
        ["repository:*"],
        ["repository:PULL"],
        ["registry:catalog:pull"],
        ["pull"],
        ["admin:manage"],
    ],
)
def test_anything_else_makes_no_role(allow):
    with pytest.raises(Invalid):
        custom("mine", allow)


def test_all_faults_of_an_allow_list_are_told_at_once():
    with pytest.raises(Invalid) as caught:
        custom("mine", ["repository:fly", "repository:pull", "x"])
    assert [place for place, _ in caught.value.faults] == ["/allow/0", "/allow/2"]


@pytest.mark.parametrize(("allow", "actions"), [(True, 0), (False, 3)])
def test_a_role_that_is_not_known_allows_nothing_and_denies_everything(allow, actions):
    role = role_of(
        Rule(1, "new", allow, None, "a", "user:local:a"), PolicyBase(1, {}, BUILT_IN, {}, {})
    )
    assert len(role.repository) == actions
    assert role.catalog is not allow
