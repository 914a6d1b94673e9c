"""Which repositories and namespaces a record is about, and a record's items cut to some of them.

A place is a repository name, a path or a glob, and the registry that it is for (None: all).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from authsvc.protocol.scope import parse_entry

Sees = Callable[[str, str | None], bool]
"""Whether a place is meant, or may be seen."""

# Items that lie at a place, by the word for them in `before` and `after`, and where they name it.
PLACED: Final[Mapping[str, str]] = {
    "namespace": "name",
    "namespaces": "name",
    "grant": "on",
    "grants": "on",
    "grants_of_robots": "on",
    "robot": "namespace",
    "robots": "namespace",
}
PATS: Final = ("pat", "pats")  # they belong to a person; their scopes lie at places
_AROUND: Final = frozenset({"added", "changed", "removed", "before", "after", "policy", "imported"})


def asked_places(record: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """The repositories that were asked for at a registry."""
    for element in record["asked"] or ():
        name = repository(element.get("entry"))
        if name is not None:
            yield name, record["registry"]


def changed_places(value: Any) -> Iterator[tuple[str, str | None]]:
    """The places of all items in `before` or `after`."""
    if isinstance(value, list):
        for each in value:
            yield from changed_places(each)
    elif isinstance(value, Mapping):
        for word, held in value.items():
            if word in PLACED:
                yield from _places(held, PLACED[word])
            elif word in PATS:
                yield from ((name, None) for name in _scoped(held))
            elif word in _AROUND:
                yield from changed_places(held)


def _places(held: Any, member: str) -> Iterator[tuple[str, str | None]]:
    for item in held if isinstance(held, list) else (held,):
        if isinstance(item, Mapping):
            if isinstance(item.get(member), str):
                yield item[member], item.get("registry")
            else:
                yield from (place for one in item.values() for place in _places(one, member))


def _scoped(held: Any) -> Iterator[str]:
    for item in held if isinstance(held, list) else (held,):
        for scope in (item.get("scopes") if isinstance(item, Mapping) else None) or ():
            name = repository(scope)
            if name is not None:
                yield name


def repository(scope: object) -> str | None:
    """The repository that an entry of scope names, None when it names none, or is none."""
    entry = parse_entry(scope) if isinstance(scope, str) else None
    return entry.name if entry and entry.type == "repository" and entry.name else None


def cut(value: Any, sees: Sees) -> Any:
    """`before` or `after` with the items that lie where `sees` says, None when none do.

    What lies at no place is left out, and so is every word that is not known here.
    """
    if isinstance(value, list):
        return [each for each in (cut(one, sees) for one in value) if each is not None] or None
    if not isinstance(value, Mapping):
        return None
    kept = {word: _kept(word, held, sees) for word, held in value.items()}
    return {word: held for word, held in kept.items() if held is not None} or None


def _kept(word: str, held: Any, sees: Sees) -> Any:
    if word in PLACED:
        return _items(held, PLACED[word], sees)
    if word in PATS:
        return _pats(held, sees)
    return cut(held, sees) if word in _AROUND else None


def _items(held: Any, member: str, sees: Sees) -> Any:
    """An item, many, or what one was `before` and is `after`."""
    if isinstance(held, list):
        found = (_items(each, member, sees) for each in held)
        return [each for each in found if each is not None] or None
    if not isinstance(held, Mapping):
        return None
    if isinstance(held.get(member), str):
        return held if sees(held[member], held.get("registry")) else None
    pair = {word: _items(held.get(word), member, sees) for word in ("before", "after")}
    return {word: item for word, item in pair.items() if item is not None} or None


def _pats(held: Any, sees: Sees) -> Any:
    """Of a person's token whose it is, and the scopes that are seen; nothing of one without."""
    if isinstance(held, list):
        return [each for each in (_pats(one, sees) for one in held) if each is not None] or None
    if not isinstance(held, Mapping):
        return None
    named = [(scope, repository(scope)) for scope in held.get("scopes") or ()]
    scopes = [scope for scope, name in named if name is not None and sees(name, None)]
    return {"user": held.get("user"), "scopes": scopes} if scopes else None
