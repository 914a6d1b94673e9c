"""The JSON Schema (draft 2020-12) of a policy document, by which editors complete and check.

It is made of the specs that judge, and takes all that they take. What it cannot say, such as that
a name stands in two files, they still refuse.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from authsvc.access.roles import BUILT_IN
from authsvc.changes import texts
from authsvc.changes.grants import ALL_REGISTRIES_ROLES, EVERYWHERE_ROLES, GrantSpec
from authsvc.changes.groups import GroupSpec
from authsvc.changes.namespaces import NamespaceSpec
from authsvc.changes.places import EVERYWHERE
from authsvc.changes.registries import RegistrySpec
from authsvc.changes.robots import RobotSpec
from authsvc.changes.roles import RoleSpec
from authsvc.changes.spec import Spec

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:]{8}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9:]{5})$"
_REGISTRY = "The registry that it is for, by name; left out, it is for all of them."

# What an editor says of an entry ('') and its members, and what it proposes for a member whose
# texts are many.
_SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "Policy": {
        "": "A policy of authsvc: one file of it, or all.",
        "registries": "Registries that tokens are given for.",
        "namespaces": "Registered paths, and who may pull there without a grant.",
        "roles": "Roles of your own; those built in need none.",
        "groups": "Groups of this service; groups of a directory are the directory's.",
        "grants": "Who may do what, and where. Equal ones count once.",
        "robots": "Accounts of machines; their secrets are made by robot rotate.",
        "tests": "What must hold: SUBJECT can|cannot ACTION[,ACTION] NAME [on SERVICE] [from IP].",
    },
    "RegistrySpec": {
        "": "A registry that tokens are given for.",
        "name": "The `service` of the registry's challenge, byte for byte.",
        "enabled": "Whether tokens are given for it.",
        "read_only": "Whether nobody may push or delete there.",
        "ttl": "Seconds that its tokens live; left out, the setting token.ttl.",
        "key_header": "How its tokens name their key: x5c, or libtrust for very old registries.",
        "refresh_tokens": "Whether clients may ask for refresh tokens.",
    },
    "NamespaceSpec": {
        "": "A registered path, and who pulls below it without a grant.",
        "name": "The path.",
        "registry": _REGISTRY,
        "visibility": "Who pulls without a grant: nobody, who signed in, anybody.",
    },
    "RoleSpec": {
        "": "A role of your own: a set of what registries can be asked for.",
        "name": "Small letters and digits, with single '.', '_', '-' between.",
        "allow": "What it allows at registries.",
    },
    "GroupSpec": {
        "": "A group of this service, and who belongs to it.",
        "name": "The name, without colon.",
        "members": "NAME, SOURCE:NAME, group:NAME or group:SOURCE:NAME.",
    },
    "GrantSpec": {
        "": "Somebody may do something somewhere, or may not.",
        "subject": "user:NAME, user:SOURCE:NAME, group:NAME, group:SOURCE:NAME, robot:NAME, "
        "everyone or authenticated.",
        "role": "A role built in, or one of your own.",
        "on": "A path, which covers itself and all below it, or a glob over whole names: * is any "
        "run without '/', ** any run, {username} the caller's name.",
        "registry": _REGISTRY,
        "effect": "A deny takes the role's actions away, whatever else allows them.",
        "expires_at": "When it ends: RFC 3339 with a zone, such as 2030-01-31T12:00:00Z.",
        "cidrs": "Networks that the caller must come from; none is anywhere.",
        "reason": "Why, for people.",
    },
    "RobotSpec": {
        "": "An account of a machine, which belongs to a namespace and holds a role there.",
        "name": "The login is robot.NAME.",
        "namespace": "The path that it belongs to and where its role counts; no glob.",
        "role": "A role of repository actions only.",
        "registry": _REGISTRY,
        "enabled": "Whether it is let in.",
        "expires_at": "When it ends: RFC 3339 with a zone, such as 2030-01-31T12:00:00Z.",
        "cidrs": "Networks that it must come from; none is anywhere.",
    },
}
_PROPOSED: Final[Mapping[str, Mapping[str, list[str]]]] = {
    "RoleSpec": {"allow": ["repository:pull", "repository:push", "registry:catalog:*"]},
    "GrantSpec": {
        "subject": ["everyone", "authenticated", "group:devs", "user:alice"],
        "role": [*BUILT_IN],
        "on": ["team", "team/*", "users/{username}/**"],
    },
    "RobotSpec": {"name": ["ci"], "namespace": ["team"], "role": ["reader", "writer"]},
    "Policy": {"tests": ["anonymous can pull public/hello", "alice cannot push,delete team/app"]},
}


class Policy(Spec):
    """The members of a document."""

    registries: tuple[RegistrySpec, ...] | None = None
    namespaces: tuple[NamespaceSpec, ...] | None = None
    roles: tuple[RoleSpec, ...] | None = None
    groups: tuple[GroupSpec, ...] | None = None
    grants: tuple[GrantSpec, ...] | None = None
    robots: tuple[RobotSpec, ...] | None = None
    tests: tuple[Annotated[str, texts.SENTENCE], ...] | None = None


def schema() -> dict[str, Any]:
    """The schema as a JSON value."""
    made = Policy.model_json_schema(ref_template="#/$defs/{model}")
    made["$schema"] = DIALECT
    made["type"] = ["object", "null"]  # a file of nothing but comments is an empty policy
    for name, part in {"Policy": made, **made["$defs"]}.items():
        part |= {"title": name.removesuffix("Spec").lower(), "description": _SAID[name][""]}
        for member, held in part["properties"].items():
            held.pop("title", None)
            held["description"] = _SAID[name][member]
            said = _texts_of(held)
            said.pop("title", None)
            if member in _PROPOSED.get(name, {}):
                said["examples"] = _PROPOSED[name][member]
    for name in ("GrantSpec", "RobotSpec"):
        made["$defs"][name]["properties"]["expires_at"]["anyOf"][0]["pattern"] = _TIME
    grant = made["$defs"]["GrantSpec"]
    grant.update(_places_of_roles())
    return made


def _texts_of(held: dict[str, Any]) -> dict[str, Any]:
    """The schema of the text itself: that of a list's items, and not that it may be left out."""
    held = next((each for each in held.get("anyOf", []) if each.get("type") != "null"), held)
    items: dict[str, Any] = held.get("items", held)
    return items


def _places_of_roles() -> dict[str, Any]:
    """That some roles have one place and need not name it, and some are for all registries."""
    place = {"on": {"enum": [EVERYWHERE, None]}}
    return {
        "if": _of(EVERYWHERE_ROLES),
        "then": {"properties": place},
        "else": {"required": ["on"], "properties": {"on": {"type": "string"}}},
        "allOf": [
            {
                "if": _of(ALL_REGISTRIES_ROLES),
                "then": {"properties": {"registry": {"type": "null"}}},
            }
        ],
    }


def _of(roles: frozenset[str]) -> dict[str, Any]:
    return {"properties": {"role": {"enum": sorted(roles)}}, "required": ["role"]}
