"""A file per noun: what its operations are made of."""

from typing import Final

from authsvc.admin.described import Operations

from . import (
    audit,
    grants,
    groups,
    keys,
    me,
    namespaces,
    pats,
    policy,
    questions,
    registries,
    robots,
    roles,
    users,
)

OPERATIONS: Final[Operations] = {
    **registries.RESOURCE.operations(),
    **namespaces.RESOURCE.operations(),
    **users.OPERATIONS,
    **groups.RESOURCE.operations(),
    **roles.RESOURCE.operations(),
    **grants.RESOURCE.operations(),
    **robots.OPERATIONS,
    **pats.OPERATIONS,
    **keys.OPERATIONS,
    **audit.OPERATIONS,
    **questions.OPERATIONS,
    **policy.OPERATIONS,
    **me.OPERATIONS,
}
