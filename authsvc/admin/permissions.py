"""Who may come in by which route: the whole table. A route that is not in it is closed.

This is the outer question, whether there is anything to see at all; what of it a caller sees and
may change is asked again where it is read (`reads`) and changed (changes/guard).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from authsvc.access.rights import Rights
from authsvc.principal import Actor, Kind


class Entrance(StrEnum):
    """Whom a route is open to; to all others it is as if it were not there."""

    SELF = "self"
    """Whoever showed valid credentials, of whatever kind: about themselves."""
    PERSON = "person"
    """People who signed in with a password, or with a token made with `admin`."""
    MANAGER = "manager"
    """Administrators, auditors, and owners of a namespace."""
    READER = "reader"
    """Administrators and auditors."""

    def admits(self, actor: Actor, rights: Rights) -> bool:
        """Whether a caller with these rights may come in."""
        if self is Entrance.SELF or rights.reads_all:
            return True
        if self is Entrance.PERSON:
            return manages(actor)
        return self is Entrance.MANAGER and bool(rights.owned)


def manages(actor: Actor) -> bool:
    """Whether it is a person who called with what carries their rights (contract section 4)."""
    return actor.kind is Kind.USER and actor.origin is not None and actor.origin.manages


_ITEM: Final = ("GET", "PATCH", "DELETE")


def _collection(path: str, entrance: Entrance) -> dict[tuple[str, str], Entrance]:
    listed = {(method, path): entrance for method in ("GET", "POST")}
    return listed | {(method, f"{path}/{{id}}"): entrance for method in _ITEM}


PERMISSIONS: Final[Mapping[tuple[str, str], Entrance]] = {
    **_collection("/registries", Entrance.MANAGER),
    **_collection("/namespaces", Entrance.MANAGER),
    **_collection("/users", Entrance.READER),
    **_collection("/groups", Entrance.READER),
    **_collection("/roles", Entrance.MANAGER),
    **_collection("/grants", Entrance.MANAGER),
    **_collection("/robots", Entrance.MANAGER),
    ("POST", "/robots/{id}/rotate"): Entrance.MANAGER,
    ("GET", "/pats"): Entrance.PERSON,
    ("POST", "/pats"): Entrance.SELF,  # who called with a token is told that none makes another
    ("GET", "/pats/{id}"): Entrance.PERSON,
    ("DELETE", "/pats/{id}"): Entrance.PERSON,
    ("POST", "/users/{id}/revoke"): Entrance.READER,
    ("GET", "/keys"): Entrance.READER,
    ("GET", "/keys/{id}"): Entrance.READER,
    ("POST", "/keys/rotate"): Entrance.READER,
    ("GET", "/audit"): Entrance.MANAGER,
    ("POST", "/explain"): Entrance.PERSON,
    ("POST", "/who-can"): Entrance.MANAGER,
    ("GET", "/decisions/{id}"): Entrance.PERSON,
    ("POST", "/policy/lint"): Entrance.MANAGER,
    ("POST", "/policy/test"): Entrance.MANAGER,
    ("POST", "/policy/plan"): Entrance.MANAGER,
    ("POST", "/policy/apply"): Entrance.MANAGER,
    ("GET", "/policy/export"): Entrance.MANAGER,
    ("GET", "/me"): Entrance.SELF,
    ("GET", "/me/repositories"): Entrance.SELF,
    ("GET", "/me/decisions"): Entrance.SELF,
    ("PUT", "/me/password"): Entrance.PERSON,
}
