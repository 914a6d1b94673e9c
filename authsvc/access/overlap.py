"""How two places of grants lie to each other: one within another, or with names in common. Pure.

A place is a path, which covers itself and what is below it, or a glob over whole names.
"""

import re
from functools import lru_cache

from .compiler import USERNAME, is_glob
from .globs import Glob


def anchor(pattern: str) -> str:
    """The path that a pattern lies at: a glob's whole components before its first wildcard.

    `team/a*` is at `team`, `te*` at '' (everything): contract section 5, rule 9.
    """
    if not is_glob(pattern):
        return pattern
    plain = re.split(r"[*{]", pattern, maxsplit=1)[0]
    return plain.rpartition("/")[0]


def is_within(pattern: str, path: str) -> bool:
    """Whether a pattern lies at or below a path, on `/` boundaries.

    A glob counts as its anchor; to be within a path that is the same as to begin with it, so
    that lists can be cut down where they are stored.
    """
    return pattern == path or pattern.startswith(path + "/")


def overlap(one: str, other: str) -> bool:
    """Whether some name may be covered by both patterns.

    `{username}` stands for any run without `/`, since it may be anybody's name; fill in what is
    meant for one person only. Time is linear in each of the two lengths.
    """
    if not is_glob(one) and not is_glob(other):
        return is_within(one, other) or is_within(other, one)
    return any(first.meets(second) for first in _globs(one) for second in _globs(other))


@lru_cache(maxsize=1024)
def _globs(pattern: str) -> tuple[Glob, ...]:
    """The globs that together cover what a pattern covers."""
    texts = (pattern,) if is_glob(pattern) else (pattern, pattern + "/**")
    return tuple(Glob(text.replace(USERNAME, "*")) for text in texts)
