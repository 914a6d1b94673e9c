"""Groups within groups: none may come to be a member of itself. Pure."""

from collections.abc import Collection, Mapping

from authsvc.errors import Conflict

GROUP = "group:"


def refuse(members: Mapping[str, Collection[str]], places: Mapping[str, str]) -> None:
    """Raise `Conflict` when one of the groups that have `places` would be a member of itself.

    `members` are the canonical texts of all direct members, by the name of the group.
    """
    below = {
        name: {each for each in held if each.startswith(GROUP)} for name, held in members.items()
    }
    for name, place in places.items():
        if GROUP + name in _reached(name, below):
            raise Conflict(
                f"{place}: {GROUP}{name} would be a member of itself",
                advice="groups may be nested but not in a loop",
            )


def _reached(name: str, below: Mapping[str, set[str]]) -> set[str]:
    """All groups that are in a group, directly or through others."""
    found: set[str] = set()
    waiting = [GROUP + name]
    while waiting:
        new = below.get(waiting.pop().removeprefix(GROUP), set()) - found
        found |= new
        waiting += new
    return found
