"""Groups within groups: none may come to be a member of itself. Pure."""

from collections.abc import Collection, Iterator, Mapping

from authsvc.errors import Conflict

GROUP = "group:"


def refuse(members: Mapping[str, Collection[str]], places: Mapping[str, str]) -> None:
    """Raise `Conflict` when one of the groups that have `places` would be a member of itself.

    `members` are the canonical texts of all direct members, by the name of the group.
    """
    below = {
        name: {each for each in held if each.startswith(GROUP)} for name, held in members.items()
    }
    known: set[str] = set()
    for name in places:
        circle = _circle(name, below, known)
        if circle:
            named = next(each for each in places if each in circle)
            raise Conflict(
                f"{places[named]}: {GROUP}{named} would be a member of itself",
                advice="groups may be nested but not in a loop",
            )


def _circle(first: str, below: Mapping[str, set[str]], known: set[str]) -> set[str]:
    """A circle that a group leads into, none for none; `known` are those that lead into none.

    Each group is gone through once, however many lead to it. What is stored has no circles, so
    one of a circle's groups is always one that changes.
    """
    path: dict[str, Iterator[str]] = {first: iter(below.get(first, ()))}
    if first in known:
        return set()
    while path:
        name, rest = next(reversed(path.items()))
        member = next(rest, "").removeprefix(GROUP)
        if member in path:
            names = list(path)
            return set(names[names.index(member) :])
        if not member:
            known.add(name)
            del path[name]
        elif member not in known:
            path[member] = iter(below.get(member, ()))
    return set()
