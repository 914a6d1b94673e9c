"""Scope texts: `type[(class)]:name:action,action` (distribution docs: spec/auth/scope).

Scope text is hostile: registries copy what a client wrote into it. An entry that does not parse
is junk; it grants nothing and does not spoil the others. Nothing is folded, stripped or decoded:
a parsed name is byte for byte the asked one. Time is linear in the text.
"""

import re
from collections.abc import Sequence

from authsvc.errors import TooLarge

from .access import Access, Asked
from .names import MAX_NAME, is_repository_name

MAX_ENTRIES = 256  # of one request, before equal ones are merged
MAX_ACTIONS = 16  # of one entry; there are four, and each that is not known costs a refusal
MAX_BYTES = 64 * 1024  # of all scope values of one request, in UTF-8

_KIND = re.compile(r"([a-z0-9]+)(?:\(([a-z0-9]+)\))?")
_NAME = re.compile(r"[!-~]+")
_ACTION = re.compile(r"[a-z]+|\*")


def parse(values: Sequence[str]) -> Asked:
    """All entries of a request's scope values, equal resources merged, and its junk.

    A value may hold several entries with blanks between them. Entries stand in the order of
    first mention; those that name no action (`repository:x:`) are left out. Raises TooLarge.
    """
    merged: dict[tuple[str, str, str], dict[str, None]] = {}
    junk = []
    for text in _texts(values):
        entry = parse_entry(text)
        if entry is None:
            junk.append(text)
        elif entry.actions:
            resource = (entry.type, entry.class_, entry.name)
            merged.setdefault(resource, {}).update(dict.fromkeys(entry.actions))
    entries = (
        Access(type_, name, tuple(actions), class_)
        for (type_, class_, name), actions in merged.items()
    )
    return Asked(tuple(entries), tuple(junk))


def parse_entry(text: str, *, globs: bool = False) -> Access | None:
    """One entry, or None when it is junk. Empty actions are dropped; there may be none left.

    With `globs` the name of a repository may hold `*`, and what does is taken as it is.

    The type ends at the first colon and the actions begin after the last one, so that a name
    may hold a port. The name of a `repository` follows the reference grammar, or is empty:
    zot asks `repository::pull` for its catalog. Names of other types are printable ASCII.
    """
    kind, _, rest = text.partition(":")
    name, colon, listed = rest.rpartition(":")
    found = _KIND.fullmatch(kind)
    if not colon or found is None:
        return None
    type_, class_ = found.groups(default="")
    actions = tuple(dict.fromkeys(filter(None, listed.split(","))))
    if (
        len(actions) > MAX_ACTIONS
        or not ((globs and "*" in name) or _is_name(type_, name))
        or not all(map(_ACTION.fullmatch, actions))
    ):
        return None
    return Access(type_, name, actions, class_)


def _is_name(type_: str, name: str) -> bool:
    if type_ == "repository":
        return not name or is_repository_name(name)
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None


def _texts(values: Sequence[str]) -> list[str]:
    """The single entries of all values. The blank alone separates them (RFC 6749, 3.3)."""
    if sum(map(_size, values)) > MAX_BYTES:
        raise TooLarge(f"the scopes are longer than {MAX_BYTES} bytes", advice="ask for fewer")
    texts = [text for value in values for text in value.split(" ") if text]
    if len(texts) > MAX_ENTRIES:
        raise TooLarge(f"there are more than {MAX_ENTRIES} scopes", advice="ask for fewer at once")
    return texts


def _size(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
