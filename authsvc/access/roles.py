"""Roles as values: those built in, and custom ones read from their allow lists.

What a role allows *besides* actions at a registry (to manage, to read the admin API) comes with
the names of built-in roles and is no matter of custom ones (contract section 5).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from authsvc.errors import Invalid

from .model import PolicyBase, Role, Rule

PULL: Final = "pull"
PUSH: Final = "push"
DELETE: Final = "delete"
REPOSITORY_ACTIONS: Final = (DELETE, PULL, PUSH)  # sorted, as tokens carry them
CATALOG: Final = "registry:catalog:*"  # the one resource that is no repository

OWNER: Final = "owner"  # manages grants and settings where it is allowed (rule 9)
AUDITOR: Final = "auditor"  # reads everything in the admin API
ADMIN: Final = "admin"  # manages everything
MANAGING: Final = frozenset({OWNER, AUDITOR, ADMIN})

_WRITE = frozenset({PULL, PUSH})
ALL_ACTIONS: Final = frozenset(REPOSITORY_ACTIONS)

BUILT_IN: Final[Mapping[str, Role]] = MappingProxyType(
    {
        role.name: role
        for role in (
            Role("reader", frozenset({PULL}), catalog=False),
            Role("writer", _WRITE, catalog=False),
            Role("maintainer", ALL_ACTIONS, catalog=False),
            Role(OWNER, ALL_ACTIONS, catalog=False),
            Role("catalog-reader", frozenset(), catalog=True),
            Role(AUDITOR, frozenset(), catalog=False),
            Role(ADMIN, ALL_ACTIONS, catalog=True),
        )
    }
)

_NOTHING: Final = Role("", frozenset(), catalog=False)
_EVERYTHING: Final = Role("", ALL_ACTIONS, catalog=True)


def role_of(rule: Rule, base: PolicyBase) -> Role:
    """The role of a rule. One that is not known (yet) allows nothing and denies everything."""
    return base.roles.get(rule.role) or (_NOTHING if rule.allow else _EVERYTHING)


def allow_of(role: Role) -> list[str]:
    """What a role allows at registries, in the one form of an allow list."""
    actions = ",".join(sorted(role.repository))
    return [f"repository:{actions}"] * bool(actions) + [CATALOG] * role.catalog


def custom(name: str, allow: Iterable[str]) -> Role:
    """The role that an allow list makes, of `repository:ACTION,…` and `registry:catalog:*`.

    Raises `Invalid` with one fault for each text that is neither, or when nothing is allowed.
    """
    actions: set[str] = set()
    catalog = False
    faults = []
    for place, text in enumerate(allow):
        kind, _, listed = text.partition(":")
        if text == CATALOG:
            catalog = True
        elif kind == "repository" and ALL_ACTIONS.issuperset(listed.split(",")):
            actions.update(listed.split(","))
        else:
            faults.append((f"/allow/{place}", f"'{text}' is nothing that a role can allow"))
    if not faults and not actions and not catalog:
        faults.append(("/allow", "a role allows one thing at least"))
    if faults:
        raise Invalid(
            faults[0][1],
            advice=f"write repository:{PULL},{PUSH},{DELETE} or {CATALOG}",
            faults=faults,
        )
    return Role(name, frozenset(actions), catalog)
